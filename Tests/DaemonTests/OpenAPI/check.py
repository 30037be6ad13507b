#!/usr/bin/env python3
"""Compares the description of the HTTP interface with a running daemon. The description is made from the routes themselves.

    Tests/DaemonTests/OpenAPI/check.py http://127.0.0.1:7374 TOKEN [openapi.json]

With a file, that file is compared, not the description that the daemon serves. Use a daemon that nobody needs, with at least
one site: the check makes hundreds of hits, baselines, corrections, tokens and keys in it, and removes only tokens and keys. It
prints one line for each fault, and exits with status 1.

`pip install schemathesis openapi-spec-validator`: without the first nothing is generated, which is a fault. Without the
second, only the first compares responses with their schemas, and stderr says so.
"""
import copy, datetime, hashlib, http.client, json, re, socket, subprocess, sys, tempfile
from pathlib import Path
from urllib import parse

PROBLEM, STREAM = "application/problem+json", "text/event-stream"
SEED, EXAMPLES, SECONDS = 7374, 30, 90
GUESSES = 4000
# Other statuses of a request, valid or invalid.
OTHERWISE = [401, 403, 404, 405, 409, 413, 421, 429, 431]
# GET counts a hit here, so HEAD cannot replace it.
COUNTING = {"/hit.gif", "/hit.svg"}


# The daemon


def ask(method, path, fields={}, body=None):
    """Status, fields and body. Of a stream of events only the first event."""
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        connection.request(method, place.path.rstrip("/") + path, body, fields)
        answer, event = connection.getresponse(), b""
        if answer.headers.get_content_type() != STREAM:
            return answer.status, answer.headers, answer.read()
        while not event.endswith(b"\n\n") and (line := answer.readline()):
            event += line
        return answer.status, answer.headers, event
    finally:
        connection.close()


def send(text):
    """The response to these bytes."""
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
    """The schema of the events of a stream."""
    return {"$ref": "#/components/schemas/" + ("Snapshot" if "{site}" in path else "SiteList")}


def fit(where, schema, value):
    """Reports where a value does not fit a schema."""
    if validator := jsonschema and jsonschema.Draft202012Validator:
        whole = {"components": document["components"], **schema}
        found = validator(whole, format_checker=validator.FORMAT_CHECKER).iter_errors(value)
        wrong.extend(f"{where}: {error.json_path}: {error.message[:200]}" for error in found)


def hold(where, operation, expected, answer):
    """Reports a response with an unexpected status, or one that differs from its description."""
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
    parts = {kind: parts for kind, parts in document["components"].items() if kind != "securitySchemes"}
    there = {f"{kind}/{name}" for kind in parts for name in parts[kind]}
    wrong.extend(f"{name}: named and not there" for name in sorted(named - there))
    wrong.extend(f"{name}: there and not named" for name in sorted(there - named))
    tags, ids = {tag["name"] for tag in document["tags"]}, []
    for method, path, operation in operations():
        where = f"{method} {path}"
        ids.append(operation.get("operationId"))
        needed = ("operationId", "summary", "description", "security")
        wrong.extend(f"{where}: no {key}" for key in needed if key not in operation)
        if operation.get("x-stability") not in ("stable", "experimental"):
            wrong.append(f"{where}: x-stability is {operation.get('x-stability')}")
        if len(operation.get("tags", [])) != 1 or not tags.issuperset(operation["tags"]):
            wrong.append(f"{where}: tags are {operation.get('tags')}")
        for status in operation["responses"]:
            if status >= "400" and PROBLEM not in answer_of(operation, status).get("content", {}):
                wrong.append(f"{where}: {status} has no {PROBLEM}")
    wrong.extend(f"{name}: twice an operationId" for name in sorted(set(ids)) if ids.count(name) > 1)


def look_at_validity():
    """Checks the rules of the OpenAPI specification, and that examples fit their schemas."""
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


# Requests that need no generation


def look_at_refusals():
    """Every operation refuses requests as described, and unknown clients if it says so."""
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
    """No invented token is accepted. If only one byte of the hash were compared, one in 256 would be."""
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    opened = []
    for guess in range(GUESSES):
        fields = {"Authorization": f"Bearer guess{guess}"}
        connection.request("GET", place.path.rstrip("/") + "/api/v1/status", headers=fields)
        answer = connection.getresponse()
        answer.read()
        opened += [f"guess{guess}"] * (answer.status != 401)
    connection.close()
    if opened:
        wrong.append(f"GET /api/v1/status: {len(opened)} of {GUESSES} made-up tokens are believed, such as {opened[0]}")


def look_at_old_days():
    """After a correction of a day long ago, the table of all days can still be read."""
    site, route = f"/api/v1/sites/{values['site']}", "/api/v1/sites/{site}"
    corrections = document["paths"][f"{route}/corrections"]["post"]
    export = document["paths"][f"{route}/export.csv"]["get"]
    for day in ("1990-01-01", "1969-12-31", "0001-01-01"):
        for visits in (1, -1):
            body = json.dumps({"day": day, "visits": visits, "note": "a test"})
            answer = ask("POST", f"{site}/corrections", owner, body)
            hold(f"POST {site}/corrections {body}", corrections, 400 if answer[0] == 400 else 200, answer)
        hold(f"GET {site}/export.csv after a correction of {day}", export, 200, ask("GET", f"{site}/export.csv", owner))


def look_at_reads():
    """The owner's responses are as described: complete, only the head, and if the client already has them."""
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
    status, fields, _ = ask("GET", "/", {"Accept": "text/html"})
    hold("GET / of a stranger's browser", document["paths"]["/"]["get"], 401, (status, fields, b""))


# Requests that schemathesis generates

HOOKS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    "Nothing that existed before is removed: neither the token in use nor any other."
    if case.path_parameters.get("name") in %r or case.path_parameters.get("id") in %r:
        case.path_parameters = case.path_parameters | {"name": "nobody", "id": "00000000"}
"""


def generated_from():
    """The description with values that no schema has: existing names and closed days. Without streams, because they do not
    end."""
    tried = copy.deepcopy(document)
    for path, methods in list(tried["paths"].items()):
        if any(map(is_stream, methods.values())):
            del tried["paths"][path]

    def limit(holder, name, *choice):
        holder["schema" if "in" in holder else name] = {"type": "string", "enum": list(choice)}

    parameters, schemas = tried["components"]["parameters"], tried["components"]["schemas"]
    sites = [site["site"] for site in owners("/api/v1/sites")["sites"]][:3]
    limit(parameters["Site"], "site", *sites)
    limit(parameters["S"], "s", *sites)
    limit(schemas["Hit"]["properties"], "s", *sites)
    day = [str(datetime.date.today() - datetime.timedelta(days)) for days in range(62)]
    limit(schemas["Correction"]["properties"], "day", *day[2:60:19])
    choices = {
        "hash": [values["hash"]], "day": ["today", "yesterday", *day[2:60:19], "2024-02-29", "0001-01-01"],
        "from": [day[60], f"{day[40]}T23:59:59Z", f"{day[30]}T00:00:00.5+14:00", f"{day[20]}T12:30:00-09:30"],
        "to": [day[2], f"{day[3]}T00:00:00Z", day[0]],
    }
    for methods in tried["paths"].values():
        for parameter in (parameter for operation in methods.values() for parameter in operation.get("parameters", [])):
            if parameter.get("name") in choices:
                limit(parameter, parameter["name"], *choices[parameter["name"]])
    return tried


def settings():
    lines = [
        f"seed = {SEED}", "continue-on-failure = true", 'hooks = "hooks.py"', "warnings = false",
        f"headers = {{ Authorization = {json.dumps(owner['Authorization'])} }}",
        "[generation]", f"max-examples = {EXAMPLES}", 'database = "none"',
        "[checks.negative_data_rejection]", f"expected-statuses = {[400, 422, *OTHERWISE]}",
        # No schema limits the length of a whole request.
        "[checks.positive_data_acceptance]", f"expected-statuses = {['2xx', '3xx', *OTHERWISE]}",
    ]
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
        report = (folder / "events").read_text() if (folder / "events").exists() else ""
    events = [json.loads(line) for line in report.splitlines()]
    before = len(wrong)
    seen = {}
    for kind, line in (failure for event in events for failure in failures(event)):
        seen.setdefault(kind, []).append(line)
    for kind, lines in seen.items():
        wrong.append(f"{kind}. {lines[0]}" + (f" and {len(lines) - 1} times more" if len(lines) > 1 else ""))
    wrong.extend(f"schemathesis: {json.dumps(event['NonFatalError'])[:400]}" for event in events if "NonFatalError" in event)
    if run.returncode and len(wrong) == before:
        wrong.append("schemathesis: " + (run.stdout + run.stderr)[-600:].replace("\n", " "))
    summary = re.search(r"Test cases:\s+(.*)", run.stdout)
    print(f"schemathesis: {summary[1] if summary else 'no test cases'}", file=sys.stderr)


def failures(event):
    """The failed checks of a scenario: what is wrong, and when."""
    recorder = event.get("ScenarioFinished", {}).get("recorder") or {}
    for case, checks in recorder.get("checks", {}).items():
        for failure in (check["failure_info"]["failure"] for check in checks if check.get("failure_info")):
            sent, got = recorder["cases"][case]["value"], recorder["interactions"].get(case) or {}
            request, response = got.get("request") or {}, got.get("response") or {}
            body = " " + json.dumps(sent["body"])[:300] if "body" in sent else ""
            asked = f"{request.get('method')} {request.get('uri')}{body}: {response.get('status_code')}"
            message = " ".join(failure["message"].split())[:400]
            yield f"{failure['operation']}: {failure['title']}", f"{message} ({asked})".strip()


def names():
    """The existing tokens, and the keys of sites."""
    sites = [site["site"] for site in owners("/api/v1/sites")["sites"]]
    keys = {(site, key["id"]) for site in sites for key in owners(f"/api/v1/sites/{site}/keys")["keys"]}
    return {token["name"] for token in owners("/api/v1/tokens")["tokens"]}, keys


def forget(tokens, keys):
    """Removes all others."""
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
    status, _, served = (200, None, Path(file).read_bytes()) if file else ask("GET", "/openapi.json")
    text = served.decode()
    if status != 200:
        sys.exit(f"GET /openapi.json: {status} {text}")
    document = json.loads(text)
    look_at_form(text)
    look_at_validity()
    if file:
        del document["paths"]["/openapi.json"]
    values = {
        "site": owners("/api/v1/sites")["sites"][0]["site"], "metric": "total", "ranking": "pages",
        "id": "00000000", "name": "nobody",
        "hash": hashlib.sha384(ask("GET", "/footfall.js")[2]).hexdigest()[:12],
    }
    look_at_refusals()
    look_at_guesses()
    look_at_reads()
    look_at_everything()
    look_at_old_days()
    hold("half a request", document["paths"]["/healthz"]["get"], 408, receive(late))
    sys.stdout.reconfigure(errors="backslashreplace")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
