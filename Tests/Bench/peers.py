"""Other programs that do a part of the same work, on the same machine in the same run."""

import itertools
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from figures import absent, report
from rates import batched_cost, single_cost
from servers import DISK, FOOTFALL, agents, cpu_nanoseconds, folder, free_port, receive_buffer_errors, send

# One view: the site's sketch of visitors, its count of views, and when each visitor was seen last.
SCRIPT = ("redis.call('PFADD',KEYS[1],ARGV[1]) redis.call('INCR',KEYS[2]) "
          "return redis.call('ZADD',KEYS[3],ARGV[2],ARGV[1])")
DEEP = 64
VISITORS = 500_000


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def converse(peer, script, views):
    """Sends views 64 at a time, each time when those before are answered."""
    numbers = random.Random(1)
    batches = [b"".join(command(*script, b"3", b"h", b"v", b"z", b"%d" % numbers.randrange(VISITORS), b"%d" % (1795420000 + i // 64))
                        for _ in range(DEEP)) for i in range(0, views, DEEP)]
    begun = time.monotonic()
    for batch in batches:
        peer.sendall(batch)
        # Each answer is :0 or :1 with CR and LF.
        left = 4 * DEEP
        while left:
            piece = peer.recv(left)
            if not piece.startswith((b":", b"0", b"1", b"\r", b"\n")):
                raise RuntimeError(f"redis says {piece[:80]}")
            left -= len(piece)
    return len(batches) * DEEP, time.monotonic() - begun


def redis():
    """Redis without persistence. `EVAL` sends the script each time, `EVALSHA` its digest."""
    server = shutil.which("redis-server")
    if not server:
        for name in ("CPU of Redis against ours, single beacons", "CPU of Redis against ours, 12 in a datagram"):
            absent(name, "redis-server is not installed")
        return
    place, port = folder(), free_port()
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", place],
        stdout=subprocess.DEVNULL)
    try:
        peer = connected(port)
        peer.sendall(command(b"SCRIPT", b"LOAD", SCRIPT.encode()))
        digest = peer.recv(100).split(b"\r\n")[1]
        # All visitors have been there before, as in the rounds of the daemon.
        for first in range(0, VISITORS, 1000):
            names = [b"%d" % visitor for visitor in range(first, first + 1000)]
            peer.sendall(command(b"ZADD", b"z", *itertools.chain.from_iterable((b"1795410000", name) for name in names))
                         + command(b"PFADD", b"h", *names))
            answers = b""
            while answers.count(b"\n") < 2:
                answers += peer.recv(100)
        for name, script in (("EVALSHA", (b"EVALSHA", digest)), ("EVAL", (b"EVAL", SCRIPT.encode()))):
            rates, costs = [], []
            for _ in range(3):
                before = cpu_nanoseconds(process.pid)
                count, took = converse(peer, script, 150_016)
                costs.append((cpu_nanoseconds(process.pid) - before) / count)
                rates.append(count / took)
            report(f"Redis, {name} of PFADD, INCR, ZADD, {DEEP} deep", rates, "beacons/s")
            report(f"Redis, {name}, CPU a beacon", costs, "ns")
        # The last is EVAL.
        cost = statistics.median(costs)
        report("CPU of Redis (EVAL) against ours, single beacons", [each / single_cost() for each in costs], "×", least=6)
        report("CPU of Redis (EVAL) against ours, 12 in a datagram", [each / batched_cost() for each in costs], "×", least=20)
        peer.close()
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place)


def connected(port):
    for _ in range(500):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("nobody listens")


def collectd():
    """collectd's statsd: a counter and a set of visitors in each datagram."""
    name = "collectd's statsd at 100,000/s, CPU a datagram"
    program = shutil.which("collectd") or shutil.which("collectd", path="/usr/sbin")
    if not program:
        return absent(name, "collectd is not installed")
    place, port = folder(), free_port(socket.SOCK_DGRAM)
    with open(os.path.join(place, "collectd.conf"), "w") as file:
        file.write(f'BaseDir "{place}"\nPIDFile "{place}/pid"\nInterval 10\nLoadPlugin statsd\nLoadPlugin csv\n'
                   f'<Plugin statsd>\nHost "127.0.0.1"\nPort "{port}"\n</Plugin>\n<Plugin csv>\nDataDir "{place}"\n</Plugin>\n')
    process = subprocess.Popen(
        [program, "-f", "-C", os.path.join(place, "collectd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with open("/proc/net/udp") as file:
                if f":{port:04X} " in file.read():
                    break
            time.sleep(0.01)
        costs, lost = [], []
        for _ in range(3):
            before, dropped = cpu_nanoseconds(process.pid), receive_buffer_errors(port)
            sent = send(port, 300_000, rate=100_000, statsd=True)
            time.sleep(0.2)
            lost.append((receive_buffer_errors(port) - dropped) / sent["datagrams"] * 100)
            costs.append((cpu_nanoseconds(process.pid) - before) / sent["datagrams"])
        report(name, costs, "ns")
        report("collectd's statsd at 100,000/s, lost", lost, "%")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place)


def access_log(file, lines):
    """Lines of the combined format, of 100,000 visitors with real agents."""
    numbers, all_agents = random.Random(1), agents()
    for i in range(lines):
        visitor = numbers.randrange(100_000)
        file.write(f'10.{visitor >> 16}.{visitor >> 8 & 255}.{visitor & 255} - - [23/Nov/2026:{i * 20 // lines:02}:'
                   f'{i * 1200 // lines % 60:02}:{i * 72000 // lines % 60:02} +0000] "GET /tin-tuc/{numbers.randrange(1000)} HTTP/1.1" '
                   f'200 5316 "https://www.google.com/" "{all_agents[visitor % 100]}"\n')
    file.flush()


def goaccess():
    """A log of 60 MB, read by GoAccess and by `footfall count`."""
    lines = 250_000
    with tempfile.NamedTemporaryFile("w", dir=DISK) as file, tempfile.TemporaryDirectory(dir=DISK) as place:
        access_log(file, lines)

        def seconds(*words):
            before = os.times()
            subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            after = os.times()
            return after.children_user + after.children_system - before.children_user - before.children_system

        ours = [seconds(FOOTFALL, "count", "--json", file.name) for _ in range(3)]
        report("footfall count, CPU a line of an access log", [s / lines * 1e9 for s in ours], "ns")
        if not shutil.which("goaccess"):
            return absent("CPU of GoAccess against ours", "goaccess is not installed")
        theirs = [seconds("goaccess", "--no-global-config", "--log-format=COMBINED", "--no-progress", "-o",
                          os.path.join(place, "out.json"), file.name) for _ in range(2)]
        report("GoAccess, CPU a line of an access log", [s / lines * 1e9 for s in theirs], "ns")
        report("CPU of GoAccess against ours", [t / o for t, o in zip(theirs, ours)], "×")
