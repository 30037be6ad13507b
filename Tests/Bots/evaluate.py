#!/usr/bin/env python3
"""What the program's list of bots catches and misses, on agents of other origin.

    make build && Tests/Bots/evaluate.py

Takes agents from PyPI: the test data of device-detector (bots; telephones, tablets, desktops) and those of fake-useragent
(browsers as they are used now). Nothing of them is kept. Each is counted as the agent of a beacon by `footfall count`.
"""
import glob
import json
import os
import re
import subprocess
import tempfile
import urllib.parse

FOOTFALL = os.path.join(os.path.dirname(__file__), "../../.build/release/footfall")


def agents(path):
    for line in open(path, encoding="utf-8", errors="replace"):
        if found := re.match(r"\s*-?\s*user_agent:\s*(.*)", line):
            value = found.group(1).strip()
            yield value[1:-1] if value[:1] in "\"'" else value


def counted(some):
    some = list(dict.fromkeys(a for a in some if a))
    with tempfile.NamedTemporaryFile("w", suffix=".f1") as file:
        for i, agent in enumerate(some):
            file.write(f"{i} f1 s=x&v={i}&u=/&a={urllib.parse.quote_plus(agent)}\n")
        file.flush()
        report = subprocess.run([FOOTFALL, "count", "--json", file.name], capture_output=True, check=True).stdout
        explained = subprocess.run([FOOTFALL, "count", "--explain", file.name], capture_output=True, check=True, text=True)
    lines = [l.rsplit(": ", 1)[1] for l in explained.stdout.splitlines()[:len(some)]]
    return some, json.loads(report)["input"]["bots"], lines


def main():
    with tempfile.TemporaryDirectory() as folder:
        for package in ("device-detector", "fake-useragent"):
            subprocess.run(["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, package], check=True)
        for archive in glob.glob(folder + "/*.tar.gz"):
            subprocess.run(["tar", "xzf", archive, "-C", folder], check=True)
        data = folder + "/device_detector-*/device_detector/tests/"
        bots = [a for f in glob.glob(data + "**/bots.yml", recursive=True) for a in agents(f)]
        kinds = ("desktop", "smartphone", "tablet", "phablet", "feature_phone")
        people = [a for f in glob.glob(data + "fixtures/upstream/*.yml") if any(k in f for k in kinds) for a in agents(f)]
        browsers = [json.loads(l)["useragent"] for f in glob.glob(folder + "/fake_useragent-*/src/**/browsers.jsonl", recursive=True)
                    for l in open(f, encoding="utf-8")]
    for name, some in (("bots", bots), ("people's devices", people), ("browsers of today", browsers)):
        some, found, lines = counted(some)
        print(f"{name}: {found} of {len(some)} are bots ({100 * found / len(some):.2f} %)")
        odd = [a for a, l in zip(some, lines) if (l == "bot") != (name == "bots")]
        for agent in odd[::max(1, len(odd) // 15)]:
            print("   ", "missed" if name == "bots" else "wrongly a bot", agent[:110])


main()
