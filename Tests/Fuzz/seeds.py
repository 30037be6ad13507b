#!/usr/bin/env python3
"""Writes the seeds for fuzzing: `seeds.py FOLDER` makes a folder of files for each target of Fuzz.swift that reads text.

They are datagrams of real servers (Tests/WireTests/Corpus), single ones and several lines together, and the beacons of the
documentation.
"""
import os
import re
import sys

CORPUS = os.path.join(os.path.dirname(__file__), "../WireTests/Corpus/datagrams.txt")
BEACONS = [
    b"f1 s=demo&v=57&u=/", b"f1 s=demo&i=203.0.113.9&u=/tin-tuc&a=Mozilla/5.0 (X11; Linux x86_64)",
    b"f1 s=demo&h=demo.example\nu=/a&i=2001:db8::7&r=https://www.google.com/\nn=ping&v=x\n", b"f1 s=a-b.c&u=/?id=1%26p=2",
    b"f1 s=demo&t=1795420000.5&u=/&z=0123456789abcdef0123456789abcdef", b"f2 s=demo",
    b"s=demo&u=/&r=https://semalt.com/&l=vi", b"s=demo&n=ping&l=en", b"1763884800.5 f1 s=demo&u=/",
]


def unescaped(text):
    text = re.sub(rb"\\\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text)


def main():
    folder = sys.argv[1]
    lines = [line for line in open(CORPUS, "rb").read().split(b"\n") if line and not line.startswith(b"#")]
    datagrams = BEACONS + [unescaped(line.split(b"\t", 3)[3]) for line in lines]
    datagrams.append(b"\n".join(datagrams[-8:]))
    headers = [b"203.0.113.9, 127.0.0.1\n", b"2001:db8::7\nfor=\"[2001:db8::7]:4711\";proto=https", b"\nFor=203.0.113.9 ; by=x, for=_gazonk",
               b"203.0.113.9:56\nfor=203.0.113.9", b",,unknown\nfor=,;;"]
    os.makedirs(f"{folder}/forwarded", exist_ok=True)
    for i, header in enumerate(headers):
        with open(f"{folder}/forwarded/{i}", "wb") as file:
            file.write(header)
    for target in ("datagram", "stranger", "browser", "line"):
        os.makedirs(f"{folder}/{target}", exist_ok=True)
        for i, datagram in enumerate(datagrams):
            with open(f"{folder}/{target}/{i}", "wb") as file:
                file.write(datagram)


main()
