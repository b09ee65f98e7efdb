"""Web hosts as network namespaces of this machine, each with a bounded share of a processor, and HAProxy before them.

Linux, as root: the namespaces, the bridge between them and the cgroups are made here and removed again."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving.client import Server

ROOT = Path(__file__).parents[2]
BRIDGE, NETWORK, PORT = "mrbench", "10.203.0", 8000
PERIOD = 50_000  # microseconds in which a host gets its share
START_SECONDS, STOP_SECONDS = 300, 60
DRAIN_SECONDS = 4  # longer than HAProxy takes to see a 503


class Host:
    """A web host: one web process in a namespace of its own. Its share of a processor binds once it can recommend."""

    def __init__(self, number: int, share: float, key: str) -> None:
        self.number, self.share, self.key = number, share, key
        self.namespace, self.address = f"{BRIDGE}{number}", f"{NETWORK}.{10 + number}"
        self.group = CpuGroup(self.namespace, share)
        _ip("netns", "add", self.namespace)
        outside = f"{BRIDGE}-{number}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _ip("link", "set", outside, "master", BRIDGE, "up")
        _ip("-n", self.namespace, "addr", "add", f"{self.address}/24", "dev", "eth0")
        _ip("-n", self.namespace, "link", "set", "eth0", "up")
        _ip("-n", self.namespace, "link", "set", "lo", "up")

    def start(self) -> None:
        """Start the web process, and wait until it can recommend. Raises TimeoutError."""
        self.begin()
        self.wait_until_ready()

    def begin(self) -> None:
        """Start the web process."""
        own = {"PORT": str(PORT), "MOVIEREC_BIND": self.address, "MOVIEREC_API_OPEN": "0", "MOVIEREC_WEB_WORKERS": "1"}
        own |= {"MOVIEREC_DRAIN_SECONDS": str(DRAIN_SECONDS), "MOVIEREC_LOG_LEVEL": "ERROR"}
        own |= {"MOVIEREC_ALLOWED_HOSTS": f"{NETWORK}.1"}
        # On one processor: the kernel gives a share out in slices for each, and what of them is not used up is lost.
        pinned = ["taskset", "-c", str(self.number % (os.cpu_count() or 1))]
        command = ["ip", "netns", "exec", self.namespace, *pinned, sys.executable, "-m", "gunicorn"]
        self.process = subprocess.Popen(
            [*command, "-c", "movierec/gunicorn.py", "movierec.wsgi"],
            env=os.environ | own,
            cwd=ROOT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_until_ready(self) -> None:
        """Wait until the host can recommend, and bind it to its share. Raises TimeoutError."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready(self.address, PORT):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"web host {self.number} did not start")
            time.sleep(0.2)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in (self.process.pid, *map(int, children)):
            self.group.add(pid)

    def restart(self) -> None:
        """Stop the host as its service would, while it drains, and start it anew."""
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait(STOP_SECONDS)
        self.start()

    def remove(self) -> None:
        """Kill the host, and remove its namespace."""
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_SECONDS)
        _ip("netns", "del", self.namespace)
        self.group.remove()


def is_ready(address: str, port: int) -> bool:
    """Return whether lists can be asked for at an address."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class CpuGroup:
    """A cgroup (version 1 or 2) whose processes get a share of a processor together."""

    def __init__(self, name: str, share: float) -> None:
        first = Path("/sys/fs/cgroup/cpu")
        self._is_first = first.is_dir()
        self.folder = (first if self._is_first else Path("/sys/fs/cgroup")) / name
        self.folder.mkdir(exist_ok=True)
        quota = round(share * PERIOD)
        if self._is_first:
            (self.folder / "cpu.cfs_period_us").write_text(str(PERIOD))
            (self.folder / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.folder / "cpu.max").write_text(f"{quota} {PERIOD}")

    def add(self, pid: int) -> None:
        """Put a process into the group."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def bound_periods(self) -> tuple[int, int]:
        """Return in how many periods its processes ran, and in how many of them they used up their share."""
        lines = (line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        counts = {name: int(value) for name, value in lines}
        return counts["nr_periods"], counts["nr_throttled"]

    def remove(self) -> None:
        """Remove the group, whose processes have ended."""
        deadline = time.monotonic() + 10
        while True:
            try:
                self.folder.rmdir()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


class Balancer:
    """HAProxy with the file of deploy/ before hosts."""

    def __init__(self, hosts: list[Host], folder: Path, key: str) -> None:
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise SystemExit("There is no HAProxy: apt-get install haproxy.")
        self.server = Server(f"{NETWORK}.1", 8080, key)
        text = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
        text = re.sub(r"bind :443 .*", f"bind {self.server.host}:{self.server.port}", text)
        text = re.sub(r"slowstart \S+", "slowstart 1s", text)  # the rounds are short
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("server web")]
        lines += [f"    server web{host.number} {host.address}:{PORT}" for host in hosts]
        file = folder / "haproxy.cfg"
        file.write_text("\n".join(lines) + "\n")
        self._command = [program, "-db", "-f", str(file)]

    def __enter__(self) -> "Balancer":
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        answered = 0
        while answered < 10:  # in a row: each host was found to be up
            answered = answered + 1 if is_ready(self.server.host, self.server.port) else 0
            if time.monotonic() > deadline:
                raise TimeoutError("HAProxy does not answer")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def bridged_network() -> Iterator[None]:
    """Make the bridge between the hosts, for the length of a with block."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise SystemExit("Network namespaces take root and `ip` (apt-get install iproute2).")
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run([shutil.which("ip") or "ip", *arguments], check=True, stdin=subprocess.DEVNULL)
