#!/usr/bin/env python3
"""Writes Sources/Wire/Lists/crawlers.txt out of a list that others keep.

    pip download --no-deps crawler-user-agents && unzip crawler_user_agents-*.whl
    Tests/Bots/generate.py crawleruseragents/crawler-user-agents.json 1.67.0 >Sources/Wire/Lists/crawlers.txt

The list has regular expressions; nearly all of them are plain words. They become words to look for, without regard to
case: `^` in front means at the beginning only, `$` at the end only. A word that contains another one is left out, and so is
what Footfall's own words (Sources/Wire/Lists/agents.txt) find already. What could not be written as words is said on standard
error.
"""
import itertools
import json
import os
import re
import sys

# What real browsers and telephones are called, found by trying the words on agents of people.
TOO_BROAD = {
    "008/", "ap3a.240617.008", "butterfly", "expanse", "fever", "fluid", "ning/", "sogou", "sonic", "speedy", "viber",
    "^silk/",
    # Browsers inside programs that people use, and Vietnam's own one. Their machines say bot, or where to read about them.
    "bluesky/", "coccoc", "code/1.", "grammarly/", "mastodon", "notion/", "paypal/",
}

OWN = os.path.join(os.path.dirname(__file__), "../../Sources/Wire/Lists/agents.txt")


def own_words():
    return [line for line in open(OWN, encoding="utf-8").read().split("\n") if line and line[0] != "#"]


def words(pattern):
    """The words that a pattern stands for; nothing where they are too many to be named."""
    pattern = pattern.replace("\\/", "/")
    front, end = pattern.startswith("^"), pattern.endswith("$")
    body = pattern[1 if front else 0:len(pattern) - 1 if end else None]
    if "|" in body and "(" not in body:
        return [w for part in body.split("|") for w in words(part)]
    body = body.replace("(^| )", "").replace("([^-]|$)", "").replace("[\\s\\S]*", "\0").replace("\\d\\.\\d+", "\0")
    # Of several parts with anything between them the last one says it.
    body = body.split("\0")[-1]
    pieces = []
    for plain, escaped, several, group in re.findall(r"([^\\\[(?*+{)]+)|\\(.)|\[([^\]]+)\]|\(([^()]+)\)", body):
        pieces.append([plain or escaped] if plain or escaped else list(several) if several else group.split("|"))
    if "".join(p[0] for p in pieces) == "" or re.search(r"(?<!\\)[?*+{]", re.sub(r"\[[^\]]*\]", "", body)):
        return []
    found = {"".join(choice).lower().strip() for choice in itertools.product(*pieces)}
    return [("^" if front else "") + w + ("$" if end else "") for w in sorted(found) if len(w) > 2]


def main():
    path, version = sys.argv[1:]
    own = own_words()
    found, unwritten = set(), []
    for entry in json.load(open(path, encoding="utf-8")):
        these = words(entry["pattern"])
        if not these:
            unwritten.append(entry["pattern"])
        found.update(w for w in these if w not in TOO_BROAD)
    bare = {w: w.strip("^$") for w in found}
    kept = []
    for word in sorted(found, key=lambda w: (len(bare[w]), w)):
        others = own + [w for w in kept if w[0] != "^" and w[-1] != "$"]
        if not any(o in bare[word] for o in others):
            kept.append(word)
    for pattern in unwritten:
        print(f"not written as words: {pattern}", file=sys.stderr)
    print(f"{len(kept)} words of {len(found)} patterns", file=sys.stderr)
    print(f"""# Words in the agents of programs, made by Tests/Bots/generate.py of the list crawler-user-agents, version {version}
# (https://github.com/monperrus/crawler-user-agents), without those that contain another one or a word of agents.txt.
# The list is under the MIT License, Copyright (c) 2017 Martin Monperrus: the terms are those of the file LICENSE.
# One a line, in lower case; ^ in front of a word: at the beginning only; $ behind it: at the end only.
""")
    for word in sorted(kept):
        assert word[0] != "#" and "\n" not in word and word.isascii()
        print(word)


main()
