"""Instructions and simulated cache misses, by callgrind: the same on every run of the same program."""

import glob
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from figures import report
from servers import DISK, FOOTFALL, Daemon, agents, pausing, stripped, wrk, AGENTS

CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
CACHES = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64"]
NAMES = {"ref": "187 B", "long": "59 B", "short": "18 B", "log": "log line"}

SPLIT = {"ref": 400, "long": 300, "short": 200}
ADMIT = {"ref": 2_000, "long": 1_500, "short": 1_000, "log": 4_200}
THREAD = {"ref": 3_200, "long": 2_600, "short": 2_000}


def events(program, *options, tool=()):
    """What callgrind counts in a run of `footfall-load repeat`."""
    run = subprocess.run(CALLGRIND + list(tool) + [program, "repeat", *options], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"repeat {' '.join(options)}: {run.stderr[-2000:]}")
    return [int(word) for word in next(l for l in run.stderr.splitlines() if "Collected" in l).split(":")[1].split()]


def instructions(program, step, *options, times=(1_200, 7_200)):
    """Of one time: the difference of two runs, divided by the difference of their lengths."""
    few, many = (events(program, step, "--times", str(n), *options)[0] for n in times)
    return (many - few) / (times[1] - times[0])


BATCHES = 40


def thread(program, sample, size):
    """Instructions of the counting thread for 40 batches of `size` datagrams, and for what is around them: the lesser of
    two runs, because a thread that is scheduled late may look at its sockets once more."""
    return min(thread_once(program, sample, size) for _ in range(2 if sample == "ref" and size < 60 else 1))


def thread_once(program, sample, size):
    with tempfile.TemporaryDirectory(dir=DISK) as place:
        out = os.path.join(place, "out")
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--separate-threads=yes", program, "repeat",
             "thread", "--times", str(BATCHES), "--size", str(size), "--of", sample], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"repeat thread --of {sample} --size {size}: {run.stderr[-2000:]}")
        totals = []
        for path in sorted(glob.glob(out + "-*"))[1:]:
            with open(path, errors="replace") as file:
                totals += [int(l.split()[1]) for l in file if l.startswith("totals:")]
        # The journal and the checkpoints have threads of their own, which do less.
        return max(totals)


def exact():
    """Every figure in instructions."""
    with stripped() as program, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        def later(*arguments, **options):
            return pool.submit(instructions, program, *arguments, **options)

        # The longest first.
        threads = {(of, size): pool.submit(thread, program, of, size) for of in THREAD for size in (1, 60)}
        nothing = pool.submit(thread, program, "ref", 0)
        count = later("count", times=(1, 3))
        split = {of: later("split", "--of", of) for of in SPLIT}
        admit = {of: later("admit", "--of", of) for of in ADMIT}
        duplicate, hashing, parse = later("duplicate", times=(20, 120)), later("hash"), later("parse")
        for of, most in SPLIT.items():
            report(f"fields of a beacon, {NAMES[of]}", [split[of].result()], "instructions", most=most)
        report("fields of a log line", [parse.result()], "instructions")
        for of, most in ADMIT.items():
            report(f"admission, {NAMES[of]}", [admit[of].result()], "instructions", most=most)
        report("key of an address and an agent, not seen before", [hashing.result()], "instructions")
        # As many views as `CountedViews` has in its frames.
        report("counting a returning view", [count.result() / 24_000], "instructions", most=900)
        report("counting a duplicate", [duplicate.result() / 60], "instructions", most=450)
        each = {of: (threads[of, 60].result() - threads[of, 1].result()) / BATCHES / 59 for of in THREAD}
        for of, most in THREAD.items():
            report(f"the counting thread, {NAMES[of]}, in batches", [each[of]], "instructions", most=most)
        lone = (threads["ref", 1].result() - nothing.result()) / BATCHES
        report("a batch, besides its datagrams", [lone - each["ref"]], "instructions", most=4_000)
        report("a batch of one datagram", [lone], "instructions", most=8_000)


def misses():
    """Simulated misses of a level-2 cache of 512 KiB, from the socket to the counts, journal left out."""
    # Recent views are rebuilt from time to time: over one round of all visitors that belongs to the mean.
    few, many = 20, 2_020
    with stripped() as program, ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda n: events(program, "path", "--times", str(n), "--agents", AGENTS, tool=CACHES), (few, many))
        before, after = runs
    read, written = ((after[i] - before[i]) / (many - few) / 60 for i in (7, 8))
    first = (after[4] + after[5] - before[4] - before[5]) / (many - few) / 60
    report("simulated level-2 data misses a datagram", [read + written], most=6,
           note=f"{first:.1f} of the level 1; 512 KiB, 120,000 visitors, views of 1 s remembered")


# One connection's worth of a page view.
POST = """
local visitor, agents = 0, {%s}
function request()
    visitor = visitor + 1
    return wrk.format("POST", "/hit", {["Host"] = "127.0.0.1", ["X-Forwarded-For"] = string.format("10.%%d.%%d.%%d",
        math.floor(visitor / 65536), math.floor(visitor / 256) %% 256, visitor %% 256), ["User-Agent"] = agents[visitor %% 100 + 1],
        ["Content-Type"] = "text/plain;charset=UTF-8"}, "s=demo&u=/page")
end
"""


def posts():
    """Instructions of the whole process for a POST /hit: two runs, and the difference of what they were asked."""
    script = POST % ", ".join(f"'{agent}'" for agent in agents())
    with stripped(FOOTFALL) as program, pausing() as pause:
        def run(seconds):
            daemon = Daemon(under=CALLGRIND, program=program, FOOTFALL_HTTP_PROXIES="127.0.0.1",
                            FOOTFALL_LIMITS_SITE_RATE="1000000/s", LD_PRELOAD=pause)
            hits = wrk(daemon, "/hit", 16, seconds, script)
            said = daemon.stop()
            return int(next(l for l in said.splitlines() if "Collected" in l).split()[-1]), hits

        (few, before), (many, after) = run(1), run(7)
    wrong = sum(hits["refused"] + hits["broken"] for hits in (before, after))
    report("POST /hit, the whole process", [(many - few) / (after["requests"] - before["requests"])], "instructions", most=90_000,
           fault=f"{wrong} of them failed" if wrong else "", note=f"{after['requests'] - before['requests']:,} requests of 16 connections")
