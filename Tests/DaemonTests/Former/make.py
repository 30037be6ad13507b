#!/usr/bin/env python3
"""Makes a state directory as a release leaves it behind when it is killed, and writes down what it counted.

    Tests/DaemonTests/Former/make.py FOOTFALL SECONDS

Runs the daemon of that release for SECONDS at least, takes what a kill would leave between two checkpoints, and writes
VERSION.tar.gz with the state and VERSION.json with the numbers beside this file. The journal's segments have the least size that there is. To
have a day and a quarter hour end meanwhile, run it over a midnight of a zone that is named below.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ZONES = {"portal": "Asia/Ho_Chi_Minh", "shop": "Asia/Tehran", "blog": "Europe/Paris"}
HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    footfall, seconds = sys.argv[1], int(sys.argv[2])
    version = subprocess.run([footfall, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        settings = folder + "/footfall.toml"
        with open(settings, "w") as file:
            file.write(
                f'[beacon]\nlisten = ["127.0.0.1:17373"]\n[http]\nlisten = "127.0.0.1:17374"\nlocal_admin = true\n'
                f'[state]\ndirectory = "{folder}/state"\nruntime = "{folder}/run"\nsegment = "1MiB"\n')
            for site, zone in ZONES.items():
                file.write(f'[[site]]\nname = "{site}"\ntimezone = "{zone}"\nduplicate = "0s"\nhosts = ["{site}.example"]\n')
        daemon = subprocess.Popen([footfall, "serve", "-c", settings], stderr=open(folder + "/log", "w"))
        try:
            made = live(lambda *words: subprocess.run([footfall, *words, "-c", settings], capture_output=True, text=True,
                                                      check=True).stdout.strip(), daemon, folder, seconds)
        finally:
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
        os.rename(folder + "/left", folder + "/upgraded")
        subprocess.run(["tar", "--sort=name", "--owner=0", "--group=0", "-czf", f"{HERE}/{version}.tar.gz", "-C", folder,
                        "upgraded"], check=True)
    with open(f"{HERE}/{version}.json", "w") as file:
        json.dump(made, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.write("\n")


def get(path, method="GET"):
    request = urllib.request.Request("http://127.0.0.1:17374" + path, method=method)
    return urllib.request.urlopen(request).read().decode()


def live(command, daemon, folder, seconds):
    """The daemon's life: the numbers at its end."""
    until("ready", lambda: get("/readyz") == "ready")
    sender = socket.socket(type=socket.SOCK_DGRAM)
    sender.connect(("127.0.0.1", 17373))
    token = command("token", "create", "kept")
    command("token", "create", "revoked")
    command("token", "revoke", "revoked")
    command("key", "create", "blog")
    command("start", "portal", "57998", "--views", "91234", "--note", "the old counter")
    days = folder + "/days.csv"
    with open(days, "w") as file:
        file.write("day,visits,views\n2026-10-01,120,340\n2026-10-02,95,201\n2026-11-01,7,9\n")
    command("import", days, "--site", "shop")
    command("correct", "blog", "--day", "2026-11-05", "--visits", "-12", "--views", "-30", "--note", "bots")
    command("correct", "blog", "--day", "2026-11-06", "--visits", "40", "--views", "100", "--note", "a day without")
    end, visitor, sent, before = time.time() + seconds, 0, 0, views()
    while time.time() < end:
        visitor += 1
        sent += hits(sender, visitor)
        time.sleep(0.5)
    until("counted", lambda: views() == before + sent)
    get("/api/v1/checkpoint", "POST")
    kept = checkpoint()
    # The rest is in the journal only.
    for _ in range(20):
        visitor += 1
        sent += hits(sender, visitor)
    until("counted", lambda: views() == before + sent)
    assert checkpoint() == kept, "a checkpoint came in between"
    # What a kill leaves at this moment; some of the questions below make a checkpoint.
    daemon.send_signal(signal.SIGSTOP)
    subprocess.run(["cp", "-a", folder + "/state", folder + "/left"], check=True)
    daemon.send_signal(signal.SIGCONT)
    numbers = {"token": token, "sites": {}}
    for site in ZONES:
        now = json.loads(get(f"/api/v1/sites/{site}"))
        numbers["sites"][site] = {
            "total": now["total"], "bots": now["bots"]["total"], "rejected": now["rejected"]["total"],
            "days": get(f"/api/v1/sites/{site}/export.csv").strip().split("\n"), "quarters": quarters(site)}
    numbers["audit"] = [[entry[key] for key in ("site", "note")] for entry in json.loads(get("/api/v1/audit"))["audit"]]
    numbers["tokens"] = sorted(entry["name"] for entry in json.loads(get("/api/v1/tokens"))["tokens"])
    numbers["keys"] = [entry["id"] for entry in json.loads(get("/api/v1/sites/blog/keys"))["keys"]]
    return numbers


def checkpoint():
    """When the newest one was complete."""
    return [line for line in get("/metrics").split("\n") if line.startswith("footfall_checkpoint_last_success")]


def quarters(site):
    """Each quarter hour with a view: when it began, and its columns."""
    today = json.loads(get(f"/api/v1/sites/{site}/top/pages"))["day"]
    series = json.loads(get(f"/api/v1/sites/{site}/series?metrics=views,visits,online,bots&from=2026-11-01&to={today}&step=15m"))
    rows = zip(series["t"], *(series[name] for name in ("views", "visits", "online", "bots")))
    return [row for row in rows if row[1]]


def hits(sender, visitor):
    """What one visitor does; how many views that is."""
    pages = 1 + visitor % 3
    for site in list(ZONES)[:1 + visitor % 3]:
        for page in range(pages):
            sender.send(f"f1 s={site}&v={visitor}&u=/trang/{page}&r=https://news{visitor % 4}.example/".encode())
        sender.send(f"f1 s={site}&v=b&u=/&a=Googlebot/2.1".encode())
        sender.send(f"f1 s={site}&v={visitor}&n=odd".encode())
    sender.send(b"f1 s=nobody&u=/")
    return pages * (1 + visitor % 3)


def views():
    return sum(site["total"]["views"] for site in json.loads(get("/api/v1/sites"))["sites"])


def until(what, condition):
    for _ in range(3000):
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise SystemExit(f"never {what}")


main()
