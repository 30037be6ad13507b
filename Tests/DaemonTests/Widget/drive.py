#!/usr/bin/env python3
"""Drives a real Chromium by WebDriver: reads steps from standard input, one a line, and prints their results as JSON.

open URL       loads a page          until JS   waits until an expression is true; status 1 if it never is
run JS         runs statements       get JS     prints the value of an expression
back           the browser's button  cdp NAME JSON   a command of the DevTools protocol; prints its result
errors         prints the errors on the console
tabto JS       presses the tabulator until an expression is true       press KEY   presses Enter or an arrow
tab URL        loads a page in another tab in front of this one          first   comes back to the tab of the beginning
"""
import json
import subprocess
import sys
import time
import urllib.request

PATIENCE = 60
# An agent that names a headless browser is a bot.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def ask(url, body=None, method="POST"):
    data = None if method == "GET" or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        return json.load(urllib.request.urlopen(request, timeout=120))["value"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.read().decode()[:400]}")


def patiently(what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if value := what():
                return value
        except OSError:
            pass
        time.sleep(0.02)
    return None


def started():
    """A driver and its port. It takes a free IPv4 port and fails if that port is used in IPv6: then it retries."""
    for _ in range(10):
        driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in driver.stdout:
            if "started successfully on port" in line:
                return driver, int(line.rstrip(".\n").split()[-1])
        driver.wait()
    sys.exit("chromedriver does not start")


def main():
    driver, port = started()
    try:
        base = f"http://127.0.0.1:{port}"
        options = {
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-agent=" + AGENT]
            },
        }
        session = base + "/session/" + ask(base + "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        try:
            for line in sys.stdin:
                step(session, *line.strip().split(" ", 1))
        finally:
            ask(session, method="DELETE")
    finally:
        driver.terminate()
        driver.wait()


def press(session, key):
    """One key of the keyboard, by WebDriver's numbers for keys that write nothing."""
    code = {"Tab": "\ue004", "Enter": "\ue007", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014"}[key]
    keys = [{"type": "keyDown", "value": code}, {"type": "keyUp", "value": code}]
    ask(session + "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})


def step(session, verb, rest=""):
    def value(js):
        return ask(session + "/execute/sync", {"script": f"return ({js})", "args": []})

    if verb == "open":
        ask(session + "/url", {"url": rest})
    elif verb == "run":
        ask(session + "/execute/sync", {"script": rest, "args": []})
    elif verb == "until":
        if not patiently(lambda: value(rest)):
            sys.exit(f"never true: {rest}; the page is {value('document.body.innerText')!r}")
    elif verb == "get":
        print(json.dumps(value(rest), ensure_ascii=False))
    elif verb == "back":
        ask(session + "/back", {})
    elif verb == "cdp":
        name, params = rest.split(" ", 1)
        print(json.dumps(ask(session + "/goog/cdp/execute", {"cmd": name, "params": json.loads(params)})))
    elif verb == "press":
        press(session, rest)
    elif verb == "tabto":
        for _ in range(60):
            press(session, "Tab")
            if value(rest):
                return
        sys.exit(f"never reached by the tabulator: {rest}")
    elif verb == "tab":
        ask(session + "/window", {"handle": ask(session + "/window/new", {"type": "tab"})["handle"]})
        ask(session + "/url", {"url": rest})
    elif verb == "first":
        ask(session + "/window", {"handle": ask(session + "/window/handles", method="GET")[0]})
    elif verb == "errors":
        entries = ask(session + "/se/log", {"type": "browser"})
        print(json.dumps([e["message"] for e in entries if e["level"] == "SEVERE"], ensure_ascii=False))
    else:
        sys.exit(f"no such step: {verb}")


main()
