"""What browsers and other programs ask over HTTP."""

import gzip
import json
import os
import re
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from exact import POST
from figures import absent, report
from servers import AGENTS, CORE, HERE, LOAD, Daemon, Nginx, agents, stolen, wrk

# So many a second, each when it is due, whatever has become of those before it: as long as connections are free.
PACE = """
local ffi = require("ffi")
ffi.cdef("struct moment { long seconds, nanoseconds; }; int clock_gettime(int, struct moment *);")
local moment, due = ffi.new("struct moment")
function delay()
    ffi.C.clock_gettime(1, moment)
    local now = tonumber(moment.seconds) * 1e3 + tonumber(moment.nanoseconds) / 1e6
    due = (due or now) + 1e3 / %d
    return math.max(due - now, 0)
end
"""


def hits():
    """Hits from browsers: as many as one core takes, then a steady load that a checkpoint falls into."""
    first, most, paced, wrong, before = POST % agent_list(), [], [], 0, stolen()
    second = first.replace("visitor, agents = 0", f"visitor, agents = {1 << 23}") + PACE % 10_200
    for _ in range(3):
        with Daemon(core=CORE, FOOTFALL_HTTP_PROXIES="127.0.0.1", FOOTFALL_LIMITS_SITE_RATE="1000000/s") as daemon:
            most.append(wrk(daemon, "/hit", 64, 4, first))
            # 512 connections are 50 ms of this load, so a stall that matters keeps nobody from asking.
            paced.append(wrk(daemon, "/hit", 512, 8, second))
            acknowledged = sum(run["requests"] - run["refused"] for run in (most[-1], paced[-1]))
            # What wrk did not wait for at its ends may have been counted.
            counted = daemon.settle(acknowledged)
        wrong += max(acknowledged - counted, counted - acknowledged - 64 - 512, 0)
        wrong += sum(run["refused"] + run["broken"] for run in (most[-1], paced[-1]))
    fault = f"{wrong} refused, broken or not counted" if wrong else ""
    note = f"{stolen() - before:.1f} s stolen by the host"
    report("POST /hit on one core, acknowledged and kept", [run["rate"] for run in most], "/s", least=20_000, fault=fault,
           note=f"≥ {min(run['share'] for run in most):.0f} % of the core; {note}")
    report("POST /hit on one core, p99 at full load", [run["p99"] / 1000 for run in most], "ms")
    rates = [run["rate"] for run in paced]
    report("POST /hit at 10,000/s, p99", [run["p99"] / 1000 for run in paced], "ms", most=20,
           fault=f"only {min(rates):,.0f}/s were acknowledged" if min(rates) < 9_800 else fault, note=note)


def agent_list():
    return ", ".join(f"'{agent}'" for agent in agents())


def stats():
    """The public numbers of a site, and the same bytes from nginx: rounds in turn on the same core."""
    name, path, stranger = "a site's numbers on one core, against nginx with a file", "/api/v1/sites/demo", ("Via", "x")
    if not shutil.which("nginx"):
        return absent(name, "nginx is not installed")
    with Daemon(core=CORE) as daemon:
        with urllib.request.urlopen(urllib.request.Request(daemon.url + path, headers=dict([stranger]))) as answer:
            nginx = Nginx(path, answer.read(), CORE)
        runs, before = [], stolen()
        for _ in range(5):
            runs.append([wrk(server, path, 32, 3, header=": ".join(stranger)) for server in (daemon, nginx)])
        nginx.stop()
    wrong = sum(run["refused"] + run["broken"] for pair in runs for run in pair)
    report(name, [ours["rate"] / its["rate"] for ours, its in runs], "×", least=1.1, every=True,
           fault=f"{wrong} wrong" if wrong else "", note=f"each ≥ {min(run['share'] for pair in runs for run in pair):.0f} % of the "
           f"core, {stolen() - before:.1f} s stolen")
    for who, rates in zip(("a site's numbers on one core", "nginx with a file of the same bytes on one core"), zip(*runs)):
        report(who, [run["rate"] for run in rates], "/s")


def paint():
    """When a browser shows a dashboard's number, from the beginning of the navigation, with nothing of it in its cache: in
    seven loads of one browser, and in the first ones of three. And what the page weighs where a proxy packs it."""
    daemon = Daemon()
    weight = packed(daemon.url + "/")
    report("dashboard, the page and all it loads, packed", [weight / 1000], "kB", most=25)
    if shutil.which("chromedriver"):
        daemon.send(100, 12, 1000, 1200)
        # The first one starts the browser's processes.
        numbers, firsts = zip(*painted(daemon.url, 8)[1:])
        report("dashboard, numbers on the screen after navigation", numbers, "ms", most=200)
        report("dashboard, first paint", firsts, "ms")
        report("dashboard, numbers in a browser just started", [painted(daemon.url, 1)[0][0] for _ in range(3)], "ms")
    else:
        absent("dashboard, numbers on the screen after navigation", "chromedriver is not installed")
    daemon.stop()


def packed(url):
    """Bytes of a page and of what it refers to, by gzip of the server or else by ours."""
    def fetch(url):
        with urllib.request.urlopen(
                urllib.request.Request(url, headers={"Accept": "text/html, */*", "Accept-Encoding": "gzip"})) as answer:
            body = answer.read()
            return body if answer.headers["Content-Encoding"] == "gzip" else gzip.compress(body, 6)

    page = fetch(url)
    names = re.findall(r'(?:src|href)="([^"#]+)"', gzip.decompress(page).decode())
    parts = {urllib.parse.urljoin(url, name) for name in names if not name.startswith("data:")}
    assert parts
    return len(page) + sum(len(fetch(part)) for part in parts)


def painted(url, times):
    """Milliseconds until a dashboard of 1,200 views says so on the screen, and until anything is there, for each load."""
    seen = """
        const look = () => document.querySelector('td') && /1[,.]200/.test(document.body.innerText)
            ? requestAnimationFrame(() => setTimeout(() => window.painted = performance.now())) : requestAnimationFrame(look);
        requestAnimationFrame(look)"""
    steps = ["cdp Page.addScriptToEvaluateOnNewDocument " + json.dumps({"source": seen}),
             "cdp Network.enable {}", 'cdp Network.setCacheDisabled {"cacheDisabled": true}']
    for _ in range(times):
        steps += [f"open {url}/", "until window.painted",
                  "get [window.painted, performance.getEntriesByName('first-contentful-paint')[0].startTime]"]
    driver = os.path.join(HERE, "..", "DaemonTests", "Widget", "drive.py")
    out = subprocess.run([sys.executable, driver], input="\n".join(steps), capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("[")]


def delay():
    daemon = Daemon()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    delays = []
    for i in range(100):
        before = daemon.views()
        begun = time.monotonic()
        sender.sendto(f"f1 s=demo&v=visitor{i}&u=/".encode(), ("127.0.0.1", daemon.port))
        while daemon.views() == before:
            pass
        delays.append((time.monotonic() - begun) * 1000)
        time.sleep(0.013 * (i % 10))
    report("from a beacon to its number in the API", delays, "ms", most=46)
    daemon.stop()


def starts():
    starts = []
    for _ in range(10):
        daemon = Daemon()
        starts.append(daemon.ready * 1000)
        daemon.stop()
    report("start of the process to ready", starts, "ms", most=29)


def history():
    """Ten years of quarter hours of a site by the day, in its zone; and all of Prometheus' numbers of a thousand sites."""
    sys.path.insert(0, os.path.join(HERE, "..", "DaemonTests", "History"))
    import history as past
    daemon = Daemon()
    daemon.stop(keeping=True)
    past.BEGIN = past.END - 10 * 365 * 96
    past.fill(daemon.folder + "/state/footfall.db", 0)
    daemon = Daemon(daemon.folder)
    url = daemon.url + "/api/v1/sites/demo/series?step=1d&from=2016-01-03&to=2025-12-31&metrics=views,visits,online"
    times = asked(url, 50)
    report("ten years of a site by the day", times, "ms", most=20)
    daemon.stop()
    daemon = Daemon(sites="".join(f'[[site]]\nname = "s{i}"\n' for i in range(1000)))
    times = asked(daemon.url + "/metrics", 50)
    report("/metrics with 1,000 sites", times, "ms", most=20)
    daemon.stop()


def asked(url, times):
    """Milliseconds of each of so many requests."""
    took = []
    for _ in range(times):
        begun = time.monotonic()
        with urllib.request.urlopen(url) as answer:
            answer.read()
        took.append((time.monotonic() - begun) * 1000)
    return took


def flood():
    """The numbers of a site while beacons pour in."""
    daemon = Daemon()
    sender = subprocess.Popen(
        [LOAD, "send", "--port", str(daemon.port), "--datagrams", "1500000", "--records", "1", "--visitors", "500000", "--rate",
         "100000", "--agents", AGENTS], stdout=subprocess.DEVNULL)
    run = wrk(daemon, "/api/v1/sites/demo", 8, 8)
    sender.terminate()
    sender.wait()
    wrong = run["refused"] + run["broken"]
    report("a site's numbers during 100,000 beacons/s, p99", [run["p99"] / 1000], "ms", most=20,
           fault=f"{wrong} wrong" if wrong else "", note=f"at {run['rate']:,.0f}/s")
    daemon.stop()


def streams():
    """A thousand who watch a site that changes all the time."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    daemon = Daemon()
    idle = daemon.memory()
    host = urllib.parse.urlsplit(daemon.url).netloc
    watchers = selectors.DefaultSelector()
    for _ in range(1000):
        watcher = socket.create_connection((host.split(":")[0], int(host.split(":")[1])))
        watcher.sendall(f"GET /api/v1/sites/demo/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        watchers.register(watcher, selectors.EVENT_READ)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def watch(seconds):
        events, i, end = 0, 0, time.monotonic() + seconds
        while time.monotonic() < end:
            sender.sendto(f"f1 s=demo&v={i}&u=/".encode(), ("127.0.0.1", daemon.port))
            i += 1
            until = time.monotonic() + 0.2
            while time.monotonic() < until:
                for key, _ in watchers.select(0.02):
                    events += key.fileobj.recv(65536).count(b"event: counters")
        return events

    watch(3)
    before, begun = daemon.cpu(), time.monotonic()
    events = watch(10)
    share = (daemon.cpu() - before) / (time.monotonic() - begun) / 1e7
    more = (daemon.memory() - idle) / 1024
    fault = f"only {events} events in 10 s" if events < 8000 else ""
    report("1,000 event streams of a busy site, of a core", [share], "%", most=5, fault=fault)
    report("1,000 event streams of a busy site, memory", [more], "MB", most=32, fault=fault)
    daemon.stop()
