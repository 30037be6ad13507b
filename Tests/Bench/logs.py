"""Access logs: what a line costs, and that no line costs more than its bytes."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from exact import events
from figures import report
from servers import FOOTFALL, LOAD, pausing, stripped


def nanoseconds(*step, times=2_000_000):
    """Processor time of one run of a step: that of many, less that of the start."""
    def cpu(times):
        before = os.times().children_user
        subprocess.run([LOAD, "repeat", *step, "--times", str(times)], stdout=subprocess.DEVNULL, check=True)
        return os.times().children_user - before
    return (cpu(times) - cpu(1)) / times * 1e9


def allocations(*step):
    """How much more often memory is asked for in 10,000 runs of a step than in the first 1,000."""
    counts = []
    with stripped() as program:
        for times in (1_000, 11_000):
            run = subprocess.run(
                ["valgrind", program, "repeat", *step, "--times", str(times)], capture_output=True, text=True)
            usage = next(line for line in run.stderr.splitlines() if "total heap usage" in line)
            counts.append(int(usage.split("usage:")[1].split()[0].replace(",", "")))
    return counts[1] - counts[0]


def logs():
    """A line of nginx by syslog, 265 bytes."""
    parsed, admitted = ([nanoseconds(*step) for _ in range(3)] for step in (("parse",), ("admit", "--of", "log")))
    more = allocations("admit", "--of", "log")
    report("a line of nginx by syslog, read", parsed, "ns", most=300)
    report("a line of nginx by syslog, to its hit", admitted, "ns")
    report("allocations of 10,000 such lines", [more], most=0)


BEGINNING = b'203.0.113.9 - - [23/Nov/2026:07:49:43 +0000] "GET '
# Beginnings of lines, and what follows them for ever.
HOSTILE = {
    "path": (BEGINNING, b"/a"), "escapes in a path": (BEGINNING + b"/", b"%25"), "broken escapes": (BEGINNING + b"/", b"%%2%c3"),
    "query": (BEGINNING + b"/?", b"a=b&"), "quotes": (BEGINNING, b'"'), "escaped quotes": (BEGINNING + b"/", b'\\"'),
    "backslashes": (BEGINNING + b"/", b"\\"), "\\xHH": (BEGINNING + b"/", b"\\x5c"), "not UTF-8": (BEGINNING + b"/", b"\xff\xc3"),
    "agent": (BEGINNING + b'/ HTTP/1.1" 200 5 "-" "', b"Bo tMozilla/5"), "spaces": (b"<190>", b" "),
    "addresses": (b"", b"10.0.0.1, "), "brackets": (b"203.0.113.9 ", b"["), "times": (b"x ", b'[23/Nov/2026:07:49:43 +0000] "'),
    "objects": (b"", b'{"a":'), "arrays": (b'{"a":', b"["), "keys": (b"{", b'"request":"GET /",'), "JSON escapes": (b'{"u":"/', b"\\u1ee9"),
    "structured data": (b"<165>1 - - - - - ", b'[a b="c"]'), "tag": (b"<190>Nov 23 07:49:43 ", b"a:"), "TAB": (b"f1\t", b"u=/\t"),
    "relayed TAB": (b"f1#011", b"u=/#011"), "HAProxy": (b"1.2.3.4:5 [23/Nov/2026:07:49:44.506] ", b"{|"), "hashes": (
        b'1.2.3.4:5 [23/Nov/2026:07:49:44.506] f b/s 0/0/0/0/0 200 2 - - ---- 1/1/0/0/0 0/0 "GET /', b"#22"),
    "beacon": (b"f1 s=demo&u=/", b"&u=/a"), "records": (b"f1 s=demo&u=/", b"\n"), "lines": (b"<190>", b"\n<190>"),
}


BEHIND = b' HTTP/1.1" 200 5 "https://a.example/" "Mozilla/5.0 (X11) Firefox/140.0"'
AGENT = BEGINNING + b'/ HTTP/1.1" 200 5 "-" "'
CADDY = b'{"ts":1795420000,"status":200,"request":{"host":"demo.example","method":"GET","uri":"/'
# Lines that are counted, by their beginning, what is repeated in them, and their end: these are read to the last byte.
WHOLE = {
    "path": (BEGINNING + b"/", b"a/", BEHIND), "escapes in a path": (BEGINNING + b"/", b"%25", BEHIND),
    "\\xHH in a path": (BEGINNING + b"/", b"\\x5c", BEHIND), "spaces in a path": (BEGINNING + b"/", b" ", BEHIND),
    "referrer": (BEGINNING + b'/ HTTP/1.1" 200 5 "https://', b"a.", b'" "Mozilla/5.0 Firefox/140.0"'),
    "digits": (BEGINNING + b'/ HTTP/1.1" 200 ', b"9", b' "-" "Mozilla/5.0 Firefox/140.0"'),
    "agent": (AGENT, b"Mozilla/5.0 ", b'"'), "escaped quotes": (AGENT, b'\\"', b'"'), "not UTF-8": (AGENT, b"\xc3\xbf\xff", b'"'),
    "quotes": (BEGINNING + b"/" + BEHIND, b' "-"', b""),
    "brackets": (b"203.0.113.9 - ", b"[", BEGINNING[13:] + b"/" + BEHIND),
    "addresses": (b"", b"10.0.0.1, ", BEGINNING + b"/" + BEHIND),
    "structured data": (b"<165>1 2026-11-23T07:49:43Z web nginx - - ", b'[a b="c"]', b" " + BEGINNING + b"/" + BEHIND),
    "JSON arrays": (CADDY + b'"},"x":[0', b",[1]", b"]}"), "JSON objects": (CADDY + b'"},"x":{"a":0', b',"b":{"c":"d"}', b"}}"),
    "hashes": (b"<134>Nov 23 07:49:44 h haproxy[1]: 1.2.3.4:5 [23/Nov/2026:07:49:44.506] f b/s 0/0/0/0/0 200 2 - - ---- "
               b'1/1/0/0/0 0/0 "GET /', b"#22", b' HTTP/1.1"'),
    "beacon": (b"1795420000 f1 s=demo&u=/", b"&a=b", b"&v=x"), "TAB": (b"1795420000 f1\ts=demo", b"\tk=v", b"\tu=/"),
}


def linear():
    """Instructions of twice the bytes: twice as many, or no more at all. And those of a file of hostile lines, by the byte."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        with stripped() as program:
            start = events(program, "admit", "--times", "0", "--of", "log")[0]
            counts = dict(zip(HOSTILE, pool.map(lambda shape: admitted(program, start, *shape), HOSTILE.values())))
        with stripped(FOOTFALL) as program, pausing() as pause:
            costs = dict(zip(WHOLE, pool.map(lambda shape: by_the_byte(program, pause, *shape), WHOLE.values())))
    growth, name = max(((c[2] - c[1]) / max(2 * (c[1] - c[0]), c[0]), name) for name, c in counts.items())
    report(f"{len(HOSTILE)} hostile shapes, instructions of 4…8 kB against twice 2…4 kB", [growth], "×", most=1.2,
           note=f"{name}: " + " → ".join(f"{count:,.0f}" for count in counts[name]))
    ratio, name = max((long / short, name) for name, (short, long) in costs.items())
    report(f"{len(WHOLE)} counted hostile shapes, a byte of 8 KiB lines against 2 KiB", [ratio], "×", most=1.3,
           note=f"{name}: " + " → ".join(f"{cost:.1f}" for cost in costs[name]) + f"; dearest {max(map(max, costs.values())):.0f}")


def admitted(program, start, beginning, rest):
    """Instructions of one line of 2, 4 and 8 kB."""
    counts = []
    for size in (2000, 4000, 8000):
        with tempfile.NamedTemporaryFile() as file:
            file.write((beginning + rest * size)[:size])
            file.flush()
            counts.append((events(program, "admit", "--times", "240", "--of", file.name)[0] - start) / 240)
    return counts


def by_the_byte(program, pause, beginning, rest, end):
    """Instructions of `footfall count` for a byte of lines of 2 and of 8 KiB, as many bytes of each, beyond a first line."""
    def lines(size, total):
        return (beginning + rest * ((size - 1 - len(beginning + end)) // len(rest)) + end + b"\n") * (total // size)

    first, whole = lines(2048, 2048), [lines(size, 1 << 17) for size in (2048, 8192)]
    start = counted(program, pause, first)
    return [(counted(program, pause, file) - start) / (len(file) - len(first)) for file in whole]


def counted(program, pause, lines):
    """Instructions of a process that counts the lines of a file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(lines)
        file.flush()
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "count", "--json", file.name],
            capture_output=True, text=True,
            env={**os.environ, "LD_PRELOAD": pause, "SWIFT_DETERMINISTIC_HASHING": "1"})
    if run.returncode or json.loads(run.stdout)["input"]["rejected"]:
        sys.exit(f"not counted: {lines[:80]}… {run.stdout} {run.stderr[-400:]}")
    return next(int(l.split()[-1]) for l in run.stderr.splitlines() if "Collected" in l)


