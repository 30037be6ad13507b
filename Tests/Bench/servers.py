"""What the lines of the bench start: the daemon, the sender, the yardsticks."""

import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "..", ".build")
FOOTFALL = os.path.join(BUILD, "release", "footfall")
LOAD = os.path.join(BUILD, "release", "footfall-load")
AGENTS = os.path.join(HERE, "agents.txt")
# Where /tmp may be memory, this is a disk.
DISK = "/var/tmp"
# The core of what is measured alone, and that of who asks it.
CORE, OTHER = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))


def cpu_nanoseconds(pid):
    """What all threads of a process have run so far, by the scheduler's own account."""
    return sum(int(open(path).read().split()[0]) for path in glob.glob(f"/proc/{pid}/task/*/schedstat"))


def stolen():
    """Seconds of processor that the host of this machine has given to others while we had work: it spoils latency."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def pinned(core):
    return [] if core is None else ["taskset", "-c", str(core)]


def folder(where=DISK):
    return tempfile.mkdtemp(prefix="footfall-bench-", dir=where)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def agents():
    """An agent for each of a hundred visitors."""
    with open(AGENTS) as file:
        shares = [line.rstrip("\n").split(" ", 1) for line in file if not line.startswith("#")]
    return [agent for share, agent in shares for _ in range(int(share))]


def send(port, datagrams, records=1, visitors=500_000, rate=0, statsd=False):
    """What `footfall-load send` says that it has sent: views of real agents, or metrics."""
    out = subprocess.run(
        [LOAD, "send", "--port", str(port), "--datagrams", str(datagrams), "--records", str(records), "--visitors",
         str(visitors), "--rate", str(rate), "--seed", "1"] + (["--statsd"] if statsd else ["--agents", AGENTS]),
        capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def receive_buffer_errors(port):
    """Datagrams that the kernel dropped for want of room at a port."""
    with open("/proc/net/udp") as file:
        return sum(int(l.split()[-1]) for l in file if l.split()[1].endswith(f":{port:04X}"))


class Daemon:
    """`footfall serve` on free ports with the default settings: its state in a directory of its own, its ring in memory; on
    one core if that is said, and with variables of the environment. `under` is a command to run it by."""

    def __init__(self, state=None, core=None, sites="", under=(), program=FOOTFALL, **variables):
        self.folder = state or folder()
        self.runtime = folder("/dev/shm")
        settings = os.path.join(self.folder, "footfall.toml")
        with open(settings, "w") as file:
            file.write(
                f'[beacon]\nlisten = ["127.0.0.1:0"]\n[http]\nlisten = "127.0.0.1:0"\n'
                f'local_admin = true\n[state]\ndirectory = "{self.folder}/state"\nruntime = "{self.runtime}"\n'
                f'journal_cap = "1GiB"\n'
                f'[[site]]\nname = "demo"\npublic = ["online", "total", "views", "visits"]\n{sites}')
        begun = time.monotonic()
        self.process = subprocess.Popen(
            pinned(core) + list(under) + [program, "serve", "-c", settings], env={**os.environ, **variables},
            stderr=subprocess.PIPE, text=True)
        line = ""
        while "Serving" not in line:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("the daemon did not start")
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        self.port = int(words["beacons"].rsplit(":", 1)[1])
        self.url = words["http"]
        while True:
            try:
                urllib.request.urlopen(self.url + "/readyz").read()
                break
            except OSError:
                time.sleep(0.001)
        self.ready = time.monotonic() - begun

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def numbers(self):
        with urllib.request.urlopen(self.url + "/api/v1/sites/demo") as answer:
            return json.load(answer)

    def metric(self, name):
        with urllib.request.urlopen(self.url + "/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])

    def views(self):
        return self.numbers()["total"]["views"]

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def cpu(self):
        return cpu_nanoseconds(self.process.pid)

    def settle(self, expected, patience=10):
        """Waits until the count stands still, at most `patience` seconds below what is expected, and gives it."""
        deadline, before = time.monotonic() + patience, -1
        while before != (now := self.views()) or (now < expected and time.monotonic() < deadline):
            before = now
            time.sleep(0.25)
        return now

    def send(self, datagrams, records=1, visitors=500_000, rate=0):
        """What was sent, with how much of it was not counted."""
        before = self.views()
        sent = send(self.port, datagrams, records, visitors, rate)
        # What is missing after the kernel dropped something does not come any more.
        patience = 1 if receive_buffer_errors(self.port) else 10
        sent["lost"] = before + sent["records"] - self.settle(before + sent["records"], patience)
        return sent

    def stop(self, signal=signal.SIGTERM, keeping=False):
        """Ends it, and gives what it still said."""
        self.process.send_signal(signal)
        said = self.process.stderr.read()
        self.process.wait()
        shutil.rmtree(self.runtime)
        if not keeping:
            shutil.rmtree(self.folder)
        return said


class Drain:
    """The yardstick: the plainest receive loop, which does nothing with what it receives."""

    def __init__(self):
        self.process = subprocess.Popen([LOAD, "drain"], stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def result(self):
        result = json.loads(self.process.stdout.readline())
        self.process.wait()
        return result


class Nginx:
    """The yardstick: a real nginx on one core, which serves the same bytes from a file under the same path."""

    def __init__(self, path, body, core):
        self.folder = folder()
        # Its workers give up being root.
        os.chmod(self.folder, 0o755)
        os.makedirs(self.folder + os.path.dirname(path))
        with open(self.folder + path, "wb") as file:
            file.write(body)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        scratch = "".join(f"{name}_temp_path {self.folder}/{name};\n"
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(self.folder, "nginx.conf"), "w") as file:
            file.write(
                f'daemon off;\npid {self.folder}/pid;\nerror_log stderr;\nworker_processes auto;\nevents {{}}\n'
                f'http {{\naccess_log off;\nsendfile on;\netag on;\nkeepalive_requests 1000000000;\n{scratch}'
                f'server {{\nlisten 127.0.0.1:{port};\nroot {self.folder};\ndefault_type application/json;\n}}\n}}\n')
        self.process = subprocess.Popen(
            pinned(core) + ["nginx", "-e", "stderr", "-c", os.path.join(self.folder, "nginx.conf")])
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + path) as answer:
                    assert answer.read() == body
                    return
            except urllib.error.URLError:
                time.sleep(0.001)
        sys.exit("nginx did not start")

    def cpu(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return sum(map(cpu_nanoseconds, file.read().split()))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def wrk(server, path, connections, seconds, script="", header="Accept: */*"):
    """What wrk counts from the other core, latency in microseconds; and how much of its own core the server ran."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + """
            function done(summary, latency)
                local errors = summary.errors
                io.write(string.format('\\n{"requests": %d, "rate": %f, "refused": %d, "broken": %d, "p99": %d}',
                    summary.requests, summary.requests / summary.duration * 1e6, errors.status,
                    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99)))
            end
            """)
        file.flush()
        begun, before = time.monotonic(), server.cpu()
        out = subprocess.run(
            pinned(OTHER) + ["wrk", "-t", "1", "-c", str(connections), "-d", str(seconds), "-s", file.name,
                             "-H", header, server.url + path], capture_output=True, text=True, check=True).stdout
    share = (server.cpu() - before) / (time.monotonic() - begun) / 1e7
    return {**json.loads(out.splitlines()[-1]), "share": share}


@contextlib.contextmanager
def stripped(binary=LOAD):
    """A program without what valgrind cannot read of it."""
    with tempfile.TemporaryDirectory(dir=DISK) as place:
        name = os.path.join(place, os.path.basename(binary))
        subprocess.run(["strip", "-g", "-o", name, binary], check=True)
        yield name


@contextlib.contextmanager
def pausing():
    """A library with which valgrind 3.19 runs `footfall`: else it writes into libdispatch's constant mask of sigsuspend."""
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        subprocess.run(
            ["clang", "-shared", "-fPIC", "-xc", "-", "-o", file.name], check=True, text=True,
            input="#include <unistd.h>\nint sigsuspend(const void *mask) { return pause(); }\n")
        yield file.name
