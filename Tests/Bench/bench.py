"""Measures what Footfall promises, on this machine: a line for each figure, and at the end one table of all of them.

Times are medians of several rounds with their spread; instructions are exact (callgrind). The daemon is the release build
with the default settings and one site; what arrived is compared with what was sent. The table is written to
`.build/bench.json` and `.build/bench.md` as well. The exit status is 1 if a promise is missed.

Names of `LINES` as arguments choose some of the lines: `bench.py hits stats`. `bench.py exact --ceilings FILE` holds each
figure in instructions against a number of a JSON object in FILE, by the figure's name, instead of the promise.
"""

import argparse
import json
import os
import sys

import figures
from exact import exact, misses, posts
from logs import linear, logs
from peers import collectd, goaccess, redis
from rates import batches, calls, checkpoints, most, online, replays, singles, table
from servers import BUILD
from web import delay, flood, history, hits, paint, starts, stats, streams

# In the order in which they run: what needs the machine for itself is first.
LINES = {line.__name__: line for line in (
    singles, batches, most, calls, redis, collectd, goaccess, replays, checkpoints, hits, stats, delay, starts, flood, streams,
    online, table, history, paint, exact, misses, posts, logs, linear)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", metavar="line", help=", ".join(LINES))
    parser.add_argument("--ceilings", metavar="FILE", help="a JSON object: the name of a figure, and the most it may be")
    arguments = parser.parse_args()
    if unknown := set(arguments.lines) - set(LINES):
        sys.exit(f"no line is called {', '.join(sorted(unknown))}; there are {', '.join(LINES)}")
    if arguments.ceilings:
        with open(arguments.ceilings) as file:
            figures.ceilings.update(json.load(file))
    for name in arguments.lines or LINES:
        LINES[name]()
    if unmet := set(figures.ceilings) - {figure["name"] for figure in figures.figures}:
        sys.exit(f"no figure is called {', '.join(sorted(unmet))}")
    sys.exit(figures.finish(os.path.join(BUILD, "bench.json")))


main()
