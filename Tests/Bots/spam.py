#!/usr/bin/env python3
"""Writes Sources/Wire/Lists/referrer-spam.txt out of a list that others keep.

    Tests/Bots/spam.py spammers.txt >Sources/Wire/Lists/referrer-spam.txt

The list is spammers.txt of https://github.com/matomo-org/referrer-spam-list, one host a line. A host stands for all below it,
so what lies below another is left out, and so are names that whole countries or many unrelated people publish under.
"""
import sys

TOO_BROAD = {"adf.ly", "ci.ua", "kharkov.ua", "pay.ru", "snip.to", "ua.tc", "ucoz.ru"}


def main():
    hosts = {line.strip().lower().removeprefix("www.") for line in open(sys.argv[1], encoding="utf-8")}
    hosts = {h.encode("idna").decode() for h in hosts if "." in h.strip(".") and not h.startswith(".")} - TOO_BROAD
    kept = [h for h in sorted(hosts) if not any(h.split(".", i)[-1] in hosts for i in range(1, h.count(".") + 1))]
    print(f"{len(kept)} hosts", file=sys.stderr)
    print("""# Hosts that programs name as their referrer to be read in statistics, made by Tests/Bots/spam.py of the list
# referrer-spam-list (https://github.com/matomo-org/referrer-spam-list), which is in the public domain.
# One a line, in lower case. Each stands for the hosts below it as well.
""")
    for host in kept:
        assert host.replace(".", "").replace("-", "").replace("_", "").isalnum() and len(host) < 254, host
        print(host)


main()
