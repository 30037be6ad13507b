"""Beacons from the socket to the counts, and the counts on the disk."""

import json
import shutil
import signal
import subprocess
import time

from figures import absent, report
from servers import AGENTS, LOAD, Daemon, Drain, folder, send

# Processor time of a beacon in nanoseconds, as measured in this run.
costs = {}


def single_round(rate, datagrams):
    """Nanoseconds of the drain and of the daemon for a datagram of one view, what they lost, and the lowest rate sent."""
    drain = Drain()
    drained = send(drain.port, datagrams, rate=rate)
    plain = drain.result()
    with Daemon() as daemon:
        before = daemon.cpu()
        sent = daemon.send(datagrams, rate=rate)
        ours = (daemon.cpu() - before) / (datagrams - sent["lost"])
    slowest = min(drained["datagrams_per_second"], sent["datagrams_per_second"])
    return plain["cpu_nanoseconds_per_datagram"], ours, plain["kernel_drops"], sent["lost"], slowest


def singles():
    """The daemon against the plainest drain, rounds in turn; 500,000 visitors, who all come back once."""
    for rate, most in ((100_000, 1.35), (250_000, 1.5)):
        rounds = [single_round(rate, 1_000_000) for _ in range(5 if rate == 100_000 else 3)]
        plain, ours, plain_lost, lost, speeds = zip(*rounds)
        faults = []
        if sum(lost):
            faults.append(f"{sum(lost):,} lost")
        if min(speeds) < 0.98 * rate:
            faults.append(f"the sender reached only {min(speeds):,}/s")
        report(f"single beacons at {rate:,}/s, CPU against a plain drain", [o / p for p, o in zip(plain, ours)], "×", most=most,
               fault=", ".join(faults), note=f"the drain lost {sum(plain_lost):,}" if sum(plain_lost) else "")
        costs[rate] = report(f"single beacons at {rate:,}/s, CPU", ours, "ns")
        report(f"plain drain at {rate:,}/s, CPU", plain, "ns")


def single_cost():
    if 100_000 not in costs:
        costs[100_000] = single_round(100_000, 500_000)[1]
    return costs[100_000]


def batch_round(rate, seconds):
    """Nanoseconds of a counted record in datagrams of 12, with a million visitors, who all have been there."""
    with Daemon() as daemon:
        daemon.send(84_000, 12, 1_000_000, 40_000)
        before = daemon.cpu()
        sent = daemon.send(rate // 12 * seconds, 12, 1_000_000, rate // 12)
        return (daemon.cpu() - before) / (sent["records"] - sent["lost"]), sent["lost"], sent["records_per_second"]


def batches():
    rate = 1_500_000
    each, lost, speeds = zip(*[batch_round(rate, 3) for _ in range(3)])
    fault = f"the sender reached only {min(speeds):,}/s" if min(speeds) < 0.98 * rate else ""
    report("12 in a datagram at 1,500,000/s, 1 M visitors, lost", lost, "records", most=0, every=True, fault=fault)
    costs["batched"] = report("12 in a datagram at 1,500,000/s, 1 M visitors, CPU a counted record", each, "ns", most=500, fault=fault)


def batched_cost():
    if "batched" not in costs:
        costs["batched"] = batch_round(600_000, 2)[0]
    return costs["batched"]


def highest(records, seconds=2.0):
    """The highest rate without a loss, in records a second, by bisection; of what the sender says that it has sent. And
    whether the sender was the limit."""
    with Daemon() as daemon:
        daemon.send(84_000, 12, 1_000_000, 40_000)

        def attempt(rate):
            """A rate of datagrams; 0 is as fast as the sender can."""
            sent = daemon.send(int(seconds * (rate or (500_000 if records == 1 else 200_000))), records, 1_000_000, rate)
            return sent["records_per_second"], sent["lost"]

        reached, lost = attempt(0)
        if not lost:
            return reached, True
        low, high = 0, reached
        while low < high * 0.95:
            rate = (low + high) / 2
            reached, lost = attempt(int(rate / records))
            if lost:
                high = rate
            elif reached < 0.95 * rate:
                # The sender cannot do more, and the daemon has not lost.
                return reached, True
            else:
                low = reached
            if high < 20_000:
                break
        return low, False


def most():
    """Rates that are found, not chosen."""
    for records, name in ((1, "single beacons"), (12, "12 in a datagram")):
        rates, limited = zip(*[highest(records) for _ in range(3)])
        report(f"{name}, 1 M visitors: the highest rate without loss", rates, "records/s",
               note=f"the sender was the limit in {sum(limited)} rounds" if any(limited) else "")


def calls():
    """System calls of the daemon at a steady 100,000 single beacons a second, by the kernel's tracepoint."""
    if not shutil.which("perf"):
        return absent("system calls a single beacon at 100,000/s", "perf is not installed")
    with Daemon() as daemon:
        daemon.send(100_000, rate=100_000)
        sender = subprocess.Popen(
            [LOAD, "send", "--port", str(daemon.port), "--datagrams", "400000", "--records", "1", "--visitors", "500000",
             "--rate", "100000", "--seed", "1", "--agents", AGENTS], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        run = subprocess.run(
            ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(daemon.process.pid), "--", "sleep", "2"],
            capture_output=True, text=True)
        rate = json.loads(sender.communicate()[0])["datagrams_per_second"]
        datagrams, reads = (daemon.metric(f"footfall_ingest_batch_datagrams_{name}") for name in ("sum", "count"))
    counted = [line.split(",")[0] for line in run.stderr.splitlines() if "sys_enter" in line]
    if not counted or not counted[0].isdigit():
        return absent("system calls a single beacon at 100,000/s", "perf may not count them here")
    report("system calls a single beacon at 100,000/s", [int(counted[0]) / (2 * rate)],
           note=f"{datagrams / reads:.0f} datagrams a batch")


def checkpoints():
    """A million visitors, then a steady 100,000 beacons a second over several checkpoints."""
    with Daemon() as daemon:
        before = daemon.send(84_000, 12, 1_000_000, 40_000)["lost"]
        lost = before + daemon.send(2_200_000, 1, 1_000_000, 100_000)["lost"]
        pause = daemon.metric("footfall_checkpoint_pause_seconds") * 1000
        took = daemon.metric("footfall_checkpoint_duration_seconds") * 1000
    report("checkpoint at 1 M visitors and 100,000 beacons/s: longest pause", [pause], "ms", most=1,
           fault=f"{lost} lost" if lost else "", note=f"the last was written in {took:,.0f} ms beside it")


def journalled(records, rate):
    """A killed daemon with a journal of so many records and no checkpoint after the first of them, or why there is none."""
    daemon = Daemon()
    sent = daemon.send(records // 12, 12, 1_000_000, rate // 12)
    daemon.stop(signal.SIGKILL, keeping=True)
    copy = folder()
    shutil.copytree(daemon.folder, copy, dirs_exist_ok=True)
    with Daemon(copy) as again:
        replayed, views = again.metric("footfall_replay_records"), again.views()
    if not sent["lost"] and views == replayed == sent["records"]:
        return daemon.folder, sent["records"]
    shutil.rmtree(daemon.folder)
    if sent["lost"]:
        return None, f"{sent['lost']:,} of {sent['records']:,} were lost on the way"
    return None, f"only {replayed:,.0f} of {sent['records']:,} were in the journal: a checkpoint fell into the sending"


def replays():
    """Millions of records in the journal, a kill, and starts from copies of what it left."""
    name = "replay of the journal, opening the state included"
    reasons = []
    # A checkpoint comes after ten seconds.
    for records, rate in ((4_000_000, 700_000), (4_000_000, 550_000), (3_000_000, 400_000), (2_000_000, 300_000)):
        state, records = journalled(records, rate)
        if state:
            break
        reasons.append(records)
    else:
        return report(name, [0], "M records/s", least=4, fault="; ".join(reasons))
    rates, faults = [], []
    for _ in range(5):
        copy = folder()
        shutil.copytree(state, copy, dirs_exist_ok=True)
        with Daemon(copy) as again:
            seconds, replayed = again.metric("footfall_replay_duration_seconds"), again.metric("footfall_replay_records")
            rates.append(replayed / seconds / 1e6)
            lost = again.metric("footfall_lost_hits")
            if replayed != records or again.views() != records or lost:
                faults.append(f"{replayed:,.0f} of {records:,} replayed, {lost:.0f} lost")
    shutil.rmtree(state)
    report(name, rates, "M records/s", least=4, fault="; ".join(faults),
           note="; ".join([f"{records:,} records"] + [f"begun again, because {reason}" for reason in reasons]))


def table():
    for visitors in (1_000_000, 1_990_000):
        fill = json.loads(subprocess.run(
            [LOAD, "fill", "--visitors", str(visitors)], capture_output=True, text=True, check=True).stdout)
        report(f"visitor table, {visitors:,} of at most 2,000,000, a visitor", [fill["table_bytes"] / fill["visitors"]], "bytes",
               most=10.5)


def online():
    with Daemon() as daemon:
        idle = daemon.memory()
        lost = daemon.send(84_000, 12, 1_000_000, 40_000)["lost"]
        visitors = daemon.numbers()["online"]["visitors"]
        report("memory of 1 M visitors online, beyond idle", [(daemon.memory() - idle) / 1024], "MB", most=64,
               fault=f"{lost:,} views lost" if lost else "", note=f"{visitors:,} online")
