#!/usr/bin/env python3
"""Runs every query of dashboards/ on a real Prometheus that scrapes a real daemon.

    Tests/Dashboards/prove.py http://127.0.0.1:7374/metrics TOKEN

Beacons must come meanwhile, some each second, or shares and quantiles have nothing to show. One line for each thing that
is wrong, and exit status 1. Prometheus is taken from PATH, and ends when this does.
"""
import ctypes, json, math, re, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path
from urllib import error, parse, request

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS, ALERTS = ROOT / "dashboards", ROOT / "Sources/footfall/Documentation.docc/Alerts.md"
EMPTY_WHILE_ALL_IS_WELL = {"footfall_site_warnings"}
VARIABLES = {"$__rate_interval": "10s", "$__range": "1m", "$instance": ".*", "$site": ".*"}


def get(url, headers={}):
    try:
        direct = request.build_opener(request.ProxyHandler({}))
        return direct.open(request.Request(url, headers=headers), timeout=10).read().decode()
    except error.URLError as refusal:
        return refusal.read().decode() if isinstance(refusal, error.HTTPError) else str(refusal)


def ask(path, **parameters):
    """What Prometheus answers, and why it does not."""
    for name, value in VARIABLES.items():
        parameters = {key: text.replace(name, value) for key, text in parameters.items()}
    answer = json.loads(get(f"{prometheus}/api/v1/{path}?" + parse.urlencode(parameters)))
    return answer.get("data"), answer.get("error")


def families(texts):
    """The families of the daemon that queries name; what others serve, such as up, is not looked at."""
    names = re.findall(r"\b(?:footfall|process)_\w+", re.sub(r'"[^"]*"', "", " ".join(texts)))
    return {base if (base := re.sub("_(bucket|sum|count)$", "", name)) in histograms else name for name in names}


def look_at_form():
    wrong.extend(f"the dashboard has {key}" for key in ("__inputs", "__requires") if key in board)
    numbers, cells = [panel["id"] for panel in panels], {}
    wrong.extend(f"id {n}: given twice" for n in set(numbers) if numbers.count(n) > 1)
    for panel in panels:
        title, at = panel["title"], panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        beneath = {cells.get((x, y)) if x < 24 else "the right edge" for x, y in own} - {None}
        wrong.extend(f"{title}: lies over {other}" for other in beneath)
        cells.update(dict.fromkeys(own, title))
        if panel["type"] != "row" and not (panel.get("description") and panel["fieldConfig"]["defaults"].get("unit")):
            wrong.append(f"{title}: no description or no unit")


def look_at_queries():
    """Asks again for a minute until there are data: a rate needs two samples, a quantile something that happened between them."""
    end, left = time.monotonic() + 60, dict(queries)
    while left and time.monotonic() < end:
        for query in list(left):
            data, refusal = ask("query", query=query)
            if refusal:
                wrong.append(f"{left.pop(query)}: {refusal}: {query}")
            elif families([query]) <= EMPTY_WHILE_ALL_IS_WELL or any(math.isfinite(float(s["value"][1])) for s in data["result"]):
                del left[query]
        time.sleep(0.2)
    wrong.extend(f"{title}: no data: {query}" for query, title in left.items())
    for variable in (one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query"):
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable).groups()
        if not ask(f"label/{label}/values", **{"match[]": selector})[0]:
            wrong.append(f"{variable}: no values")


def look_at_rules_and_families():
    rules = [rule for group in ask("rules")[0]["groups"] for rule in group["rules"]]
    shown, watched = families(queries), families(rule["query"] for rule in rules)
    readme, alerts = (DASHBOARDS / "README.md").read_text(), ALERTS.read_text()
    runbooks = {title.lower() for title in re.findall(r"^## (\w+)$", alerts, re.M)}
    excused = set(re.findall(r"^- `(\w+)`", readme.partition("## Deliberately on no panel")[2], re.M))
    refused = {rule["name"]: ask("query", query=rule["query"])[1] or rule.get("lastError") for rule in rules}
    wrong.extend(f"{name}: {refusal}" for name, refusal in refused.items() if refusal)
    unread = [rule["name"] for rule in rules if rule["annotations"]["runbook"].partition("#")[2] not in runbooks]
    wrong.extend(f"{name}: {ALERTS.name} has no section for it" for name in unread)
    wrong.extend(f"{name}: {ALERTS.name} has a section, and there is no such alert" for name in runbooks - {rule["name"].lower() for rule in rules})
    wrong.extend(f"{name}: on no panel, and README.md does not say why" for name in sorted(served - shown - excused))
    wrong.extend(f"{name}: in a panel or a rule, and not served" for name in sorted((shown | watched) - served))
    wrong.extend(f"{name}: README.md excuses it in vain" for name in sorted(excused & shown | excused - served))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
url, token, wrong = parse.urlsplit(sys.argv[1]), sys.argv[2], []
board = json.loads((DASHBOARDS / "footfall.json").read_text())
panels = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
queries = {target["expr"]: panel["title"] for panel in panels for target in panel.get("targets", [])}
metrics = get(url.geturl(), {"Authorization": "Bearer " + token})
served, histograms = (set(re.findall(form, metrics, re.M)) for form in (r"^# HELP (\w+)", r"^# TYPE (\w+) histogram$"))
if not served:
    sys.exit(f"{sys.argv[1]} serves no metrics: {metrics[:200]}")
with socket.create_server(("127.0.0.1", 0)) as free:
    address = "127.0.0.1:%d" % free.getsockname()[1]
with tempfile.TemporaryDirectory() as folder:
    prometheus, rules, settings = "http://" + address, str(DASHBOARDS / "footfall.rules.yml"), Path(folder, "settings.yml")
    job = {"job_name": "footfall", "scheme": url.scheme, "metrics_path": url.path, "scrape_interval": "1s",
           "authorization": {"credentials": token}, "static_configs": [{"targets": [url.netloc]}]}
    settings.write_text(json.dumps({"global": {"evaluation_interval": "1s"}, "rule_files": [rules], "scrape_configs": [job]}))
    command = ["prometheus", "--log.level=error", f"--config.file={settings}", f"--storage.tsdb.path={folder}",
               f"--web.listen-address={address}"]
    # 1 is PR_SET_PDEATHSIG: it is gone as well where this program is killed.
    process = subprocess.Popen(command, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
    try:
        while "is Ready" not in get(prometheus + "/-/ready"):
            time.sleep(0.1)
            if process.poll() is not None:
                sys.exit("prometheus ended by itself")
        look_at_form()
        look_at_queries()
        look_at_rules_and_families()
    finally:
        process.terminate()
        process.wait()
print("\n".join(wrong) or f"all is well: {len(queries)} queries, {len(served)} families")
sys.exit(len(wrong) > 0)
