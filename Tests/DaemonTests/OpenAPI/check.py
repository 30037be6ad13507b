#!/usr/bin/env python3
"""Holds the description of the HTTP interface against a daemon that runs, and against the routes in the source.

    Tests/DaemonTests/OpenAPI/check.py http://127.0.0.1:7374 TOKEN [openapi.json]

With a file it is that which is held against the daemon, not what the daemon serves. It must be a daemon that nobody needs, with
at least one site: hits, start numbers, corrections, tokens and keys are made in it by the hundred, and only tokens and keys are
taken away again. One line for each thing that is wrong, and exit status 1.

`pip install schemathesis openapi-spec-validator`: without the first nothing is generated, which is wrong; without the second
answers are held against their schemas by the first alone, and stderr says so.
"""
import copy, hashlib, http.client, json, re, socket, subprocess, sys, tempfile
from pathlib import Path
from urllib import parse

ROUTES = Path(__file__).resolve().parents[3] / "Sources/Web/Routes.swift"
PROBLEM, STREAM, PINNED = "application/problem+json", "text/event-stream", "/footfall-{hash}.js"
SEED, EXAMPLES, SECONDS = 7374, 30, 90
GUESSES = 4000
# What a request may come to whose form is right, and whose form is wrong.
OTHERWISE = [401, 403, 404, 405, 409, 413, 421, 429, 431]
# GET counts here, so that HEAD may not stand for it.
COUNTING = {"/hit.gif", "/hit.svg"}
# What days and ranges there are depends on the day of the test: to refuse one of the right form is no mistake here.
DEPENDS_ON_THE_DAY = ["getSeries", "getRanking", "correctDay"]


# The daemon


def ask(method, path, fields={}):
    """Status, fields and body; of a stream of events as much as the first of them takes."""
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        connection.request(method, place.path.rstrip("/") + path, headers=fields)
        answer, body = connection.getresponse(), b""
        if answer.headers.get_content_type() != STREAM:
            return answer.status, answer.headers, answer.read()
        while not body.endswith(b"\n\n") and (line := answer.readline()):
            body += line
        return answer.status, answer.headers, body
    finally:
        connection.close()


def send(text):
    """What comes back for these bytes."""
    with connect(text) as connection:
        return receive(connection)


def connect(text):
    connection = socket.create_connection((place.hostname, place.port), timeout=20)
    connection.sendall(text.encode())
    return connection


def receive(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.headers, answer.read()


def owners(path):
    status, _, body = ask("GET", path, owner)
    if status != 200:
        sys.exit(f"GET {path}: {status} {body.decode()}")
    return json.loads(body)


# The description


def operations():
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolved(part):
    while "$ref" in part:
        steps, part = part["$ref"].split("/")[1:], document
        for step in steps:
            part = part[step]
    return part


def answer_of(operation, status):
    return resolved(operation["responses"].get(str(status), {}))


def is_stream(operation):
    return STREAM in answer_of(operation, 200).get("content", {})


def has_head(path):
    get = document["paths"][path].get("get")
    return get is not None and path not in COUNTING and not is_stream(get)


def state_of(path):
    """What the events of a stream hold."""
    return {"$ref": "#/components/schemas/" + ("Snapshot" if "{site}" in path else "SiteList")}


def fit(where, schema, value):
    """Says where a value does not fit a schema."""
    if validator := jsonschema and jsonschema.Draft202012Validator:
        found = validator({"components": document["components"], **schema}, format_checker=validator.FORMAT_CHECKER).iter_errors(value)
        wrong.extend(f"{where}: {error.json_path}: {error.message[:200]}" for error in found)


def hold(where, operation, expected, answer):
    """Says where an answer has another status than is expected, or is not as described."""
    status, fields, body = answer
    described = answer_of(operation, expected)
    if status != expected or not described:
        return wrong.append(f"{where}: {status}" + (f", not {expected}" if status != expected else " is not described"))
    for name, field in described.get("headers", {}).items():
        field, value = resolved(field), fields.get(name)
        if value is not None:
            fit(f"{where}: {status}, {name}", field["schema"], value)
        elif field.get("required"):
            wrong.append(f"{where}: {status} without {name}")
    if body and fields.get_content_type() not in {kind.split(";")[0] for kind in described.get("content", {})}:
        wrong.append(f"{where}: {status} of {fields.get_content_type()}")
    elif body and status >= 400:
        fit(f"{where}: {status}", {"$ref": "#/components/schemas/Problem"}, json.loads(body))


def look_at_form(text):
    if text != json.dumps(document, indent=2, ensure_ascii=False) + "\n":
        wrong.append("openapi.json: not printed with two spaces")
    if (document["info"]["version"] == "@VERSION@") != bool(file):
        wrong.append(f"openapi.json: the version is {document['info']['version']}")
    named = set(re.findall(r'"#/components/(\w+/\w+)"', text))
    there = {f"{kind}/{name}" for kind, parts in document["components"].items() for name in parts if kind != "securitySchemes"}
    wrong.extend(f"{name}: named and not there" for name in sorted(named - there))
    wrong.extend(f"{name}: there and not named" for name in sorted(there - named))
    tags, ids = {tag["name"] for tag in document["tags"]}, []
    for method, path, operation in operations():
        where = f"{method} {path}"
        ids.append(operation.get("operationId"))
        wrong.extend(f"{where}: no {key}" for key in ("operationId", "summary", "description", "security") if key not in operation)
        if operation.get("x-stability") not in ("stable", "experimental"):
            wrong.append(f"{where}: x-stability is {operation.get('x-stability')}")
        if len(operation.get("tags", [])) != 1 or not tags.issuperset(operation["tags"]):
            wrong.append(f"{where}: tags are {operation.get('tags')}")
        for status in operation["responses"]:
            if status >= "400" and PROBLEM not in answer_of(operation, status).get("content", {}):
                wrong.append(f"{where}: {status} has no {PROBLEM}")
    wrong.extend(f"{name}: twice an operationId" for name in sorted(set(ids)) if ids.count(name) > 1)


def look_at_validity():
    """What the OpenAPI specification asks for, and that examples are examples of their schemas."""
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError:
        return print("openapi-spec-validator is not installed: less is looked at", file=sys.stderr)
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        wrong.append(f"openapi.json: {'/'.join(map(str, error.path))}: {error.message[:200]}")
    for name, schema in document["components"]["schemas"].items():
        if "example" in schema:
            fit(f"example of {name}", {"$ref": f"#/components/schemas/{name}"}, schema["example"])
    for method, path, operation in operations():
        if is_stream(operation):
            event = answer_of(operation, 200)["content"][STREAM]["example"]
            fit(f"example of {path}", state_of(path), data_of(event))


def data_of(event):
    return json.loads(event.split("data: ", 1)[1])


def look_at_routes():
    """All routes of the source are described, and nothing else is."""
    source = ROUTES.read_text()
    route = r'Self\.route\(\s*"([^"]*)"(\s*\+ Widget\.pinnedName)?,\s*\[(.*?)\](?:,\s*isSafe: (\w+))?\s*\)'
    routes = [(PINNED if pinned else path, re.findall(r'"([A-Z]+)":', handlers), safe != "false")
              for path, pinned, handlers, safe in re.findall(route, source, re.S)]
    if len(routes) != source.count("Self.route("):
        wrong.append(f"{ROUTES.name}: {source.count('Self.route(')} routes, of which {len(routes)} are understood here")
    served = {(method, path) for path, methods, _ in routes for method in methods}
    # A handler takes the end of a name off itself.
    described = {(method, re.sub(r"^(/badge/.*\})\.svg$", r"\1", path)): path for method, path, _ in operations()}
    if file:
        # Not served yet, perhaps.
        served.add(("GET", "/openapi.json"))
    wrong.extend(f"{method} {path}: a route that is not described" for method, path in sorted(served - described.keys()))
    wrong.extend(f"{method} {path}: described and no route" for method, path in sorted(described.keys() - served))
    for path, methods, is_safe in routes:
        if "GET" in methods and ("GET", path) in described and has_head(described["GET", path]) != is_safe:
            wrong.append(f"{path}: the source says otherwise whether HEAD is answered")


# What can be tried without invention


def look_at_refusals():
    """Every operation refuses what is described of every operation, and strangers where it says so."""
    host = f"Host: {place.netloc}\r\n"
    for method, path, operation in operations():
        where, target = f"{method} {path}", path.format_map(values)
        line = f"{method} {place.path.rstrip('/')}{target} HTTP/1.1\r\n"
        refused = {
            400: line,
            401: f"{line}{host}Authorization: Bearer nobody\r\n",
            405: f"PATCH{line.removeprefix(method)}{host}",
            413: f"{line}{host}Content-Length: 4097\r\n",
            421: f"{line}Host: elsewhere.invalid\r\n",
            431: f"{line}{host}X-Long: {'x' * 9000}\r\n",
        }
        for status, head in refused.items():
            hold(where, operation, status, send(f"{head}Connection: close\r\n\r\n"))
        if operation["security"] and {} not in operation["security"]:
            hold(f"{where} of nobody", operation, 401, ask(method, target))
            if method != "GET":
                hold(f"{where} by cookie", operation, 401, ask(method, target, {"Cookie": f"footfall_token={token}"}))
    for path, methods in document["paths"].items():
        expected = sorted([method.upper() for method in methods] + ["HEAD"] * has_head(path))
        allow = ask("PATCH", path.format_map(values))[1]["Allow"]
        if allow != ", ".join(expected):
            wrong.append(f"{path}: Allow is {allow}")


def look_at_guesses():
    """No token that is made up opens anything: one in 256 would, where a comparison looks at one byte of a hash only."""
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    opened = []
    for guess in range(GUESSES):
        connection.request("GET", place.path.rstrip("/") + "/api/v1/status", headers={"Authorization": f"Bearer guess{guess}"})
        answer = connection.getresponse()
        answer.read()
        opened += [f"guess{guess}"] * (answer.status != 401)
    connection.close()
    if opened:
        wrong.append(f"GET /api/v1/status: {len(opened)} of {GUESSES} tokens that are nobody's are believed, such as {opened[0]}")


def look_at_reads():
    """What is read as the owner is as described: whole, as its head only, and where the client has it already."""
    for method, path, operation in operations():
        if method != "GET":
            continue
        target = path.format_map(values) + (f"?s={values['site']}" if path in COUNTING else "")
        status, fields, body = answer = ask("GET", target, owner)
        if path not in COUNTING or status != 403:
            hold(f"GET {path}", operation, 200, answer)
        if is_stream(operation):
            fit(f"GET {path}", state_of(path), data_of(body.decode()))
        head = ask("HEAD", target, owner)
        if not has_head(path):
            hold(f"HEAD {path}", operation, 405, head)
        elif (head[0], head[1]["Content-Type"], head[2]) != (status, fields["Content-Type"], b""):
            wrong.append(f"HEAD {path}: {head[0]} of {head[1]['Content-Type']}, {len(head[2])} bytes")
        if "304" in operation["responses"]:
            hold(f"GET {path} again", operation, 304, ask("GET", target, owner | {"If-None-Match": "*"}))
    hold("GET / of a stranger's browser", document["paths"]["/"]["get"], 401, (*ask("GET", "/", {"Accept": "text/html"})[:2], b""))


# What schemathesis makes up

HOOKS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    "Nothing that was there before is taken away: neither the token in use nor anybody else's."
    if case.path_parameters.get("name") in %r or case.path_parameters.get("id") in %r:
        case.path_parameters = case.path_parameters | {"name": "nobody", "id": "00000000"}
"""


def generated_from():
    """The description, with names of what is there; streams are left out, since they do not end."""
    tried = copy.deepcopy(document)
    for path, methods in list(tried["paths"].items()):
        if any(map(is_stream, methods.values())):
            del tried["paths"][path]
    sites = {"type": "string", "enum": [site["site"] for site in owners("/api/v1/sites")["sites"]][:3]}
    tried["components"]["parameters"]["Site"]["schema"] = tried["components"]["parameters"]["S"]["schema"] = sites
    tried["components"]["schemas"]["Hit"]["properties"]["s"] = sites
    tried["paths"][PINNED]["get"]["parameters"][0]["schema"] = {"const": values["hash"]}
    return tried


def settings():
    lines = [
        f"seed = {SEED}", "continue-on-failure = true", 'hooks = "hooks.py"', "warnings = false",
        f"headers = {{ Authorization = {json.dumps(owner['Authorization'])} }}",
        "[generation]", f"max-examples = {EXAMPLES}", 'database = "none"',
        "[checks.negative_data_rejection]", f"expected-statuses = {[400, 422, *OTHERWISE]}",
        # No schema says how long a whole request may be.
        "[checks.positive_data_acceptance]", f"expected-statuses = {['2xx', '3xx', *OTHERWISE]}",
    ]
    for name in DEPENDS_ON_THE_DAY:
        lines += ["[[operations]]", f'include-operation-id = "{name}"', "[operations.checks.positive_data_acceptance]",
                  f"expected-statuses = {['2xx', '3xx', 400, *OTHERWISE]}"]
    return "\n".join(lines) + "\n"


def look_at_everything():
    tokens, keys = names()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "openapi.json").write_text(json.dumps(generated_from()))
        (folder / "hooks.py").write_text(HOOKS % (sorted(tokens), sorted(id for _, id in keys)))
        (folder / "schemathesis.toml").write_text(settings())
        command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", "openapi.json", "--url", base,
                   "--report", "ndjson", "--report-ndjson-path", "events"]
        try:
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return wrong.append(f"schemathesis: not through after {SECONDS} seconds")
        finally:
            forget(tokens, keys)
        events = [json.loads(line) for line in (folder / "events").read_text().splitlines()] if (folder / "events").exists() else []
    before = len(wrong)
    wrong.extend(dict.fromkeys(line for event in events for line in failures(event)))
    wrong.extend(f"schemathesis: {json.dumps(event['NonFatalError'])[:400]}" for event in events if "NonFatalError" in event)
    if run.returncode and len(wrong) == before:
        wrong.append("schemathesis: " + (run.stdout + run.stderr)[-600:].replace("\n", " "))
    summary = re.search(r"Test cases:\s+(.*)", run.stdout)
    print(f"schemathesis: {summary[1] if summary else 'no test cases'}", file=sys.stderr)


def failures(event):
    """A line for each check of a scenario that did not hold."""
    recorder = event.get("ScenarioFinished", {}).get("recorder") or {}
    for case, checks in recorder.get("checks", {}).items():
        for failure in (check["failure_info"]["failure"] for check in checks if check.get("failure_info")):
            sent, got = recorder["cases"][case]["value"], (recorder["interactions"].get(case) or {})
            request, response = got.get("request") or {}, got.get("response") or {}
            message = " ".join(f"{failure['title']}. {failure['message']}".split())
            body = f" {json.dumps(sent['body'], ensure_ascii=False)}" if "body" in sent else ""
            yield f"{failure['operation']}: {message[:400]} ({request.get('method')} {request.get('uri')}{body[:300]}: {response.get('status_code')})"


def names():
    """The tokens there are, and the keys of sites."""
    sites = [site["site"] for site in owners("/api/v1/sites")["sites"]]
    keys = {(site, key["id"]) for site in sites for key in owners(f"/api/v1/sites/{site}/keys")["keys"]}
    return {token["name"] for token in owners("/api/v1/tokens")["tokens"]}, keys


def forget(tokens, keys):
    """Takes away what is there besides these."""
    tokens_now, keys_now = names()
    made = [f"/api/v1/tokens/{name}" for name in tokens_now - tokens]
    made += [f"/api/v1/sites/{site}/keys/{id}" for site, id in keys_now - keys]
    wrong.extend(f"DELETE {path}: not taken away" for path in made if ask("DELETE", path, owner)[0] != 200)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    base, token, file = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None
    place, owner, wrong = parse.urlsplit(base), {"Authorization": f"Bearer {token}"}, []
    try:
        import jsonschema
    except ImportError:
        jsonschema = None
    late = connect(f"GET /healthz HTTP/1.1\r\nHost: {place.netloc}\r\n")
    text = Path(file).read_text() if file else ask("GET", "/openapi.json")[2].decode()
    document = json.loads(text)
    look_at_form(text)
    look_at_validity()
    look_at_routes()
    if file:
        del document["paths"]["/openapi.json"]
    values = {
        "site": owners("/api/v1/sites")["sites"][0]["site"], "metric": "total", "ranking": "pages", "id": "00000000", "name": "nobody",
        "hash": hashlib.sha384(ask("GET", "/footfall.js")[2]).hexdigest()[:12],
    }
    look_at_refusals()
    look_at_guesses()
    look_at_reads()
    look_at_everything()
    hold("half a request", document["paths"]["/healthz"]["get"], 408, receive(late))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
