"""A Redis that fails over: a master, a replica and three Sentinels, all of the Valkey that movierec brings along."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from movierec.local.server_paths import valkey_binary
from tests.support.workers import wait_until

SERVICE = "Films"  # upper case, as some have it: nothing may change that
DOWN_AFTER = 1.0  # seconds without an answer until a Sentinel takes the master for gone


class FailoverRedis:
    """Run the five servers. `url` is what the environment of movierec gets."""

    def __init__(self, folder: Path, *, deaf_master: bool = False) -> None:
        self.folder = folder
        # The Sentinels cannot make it a replica, as one that they do not reach: it stays a master beside the next one.
        self.master_options = ("--rename-command", "SLAVEOF", "", "--rename-command", "REPLICAOF", "") * deaf_master
        self.ports = free_ports(5)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports[2:])
        self.url = f"redis+sentinel://{hosts}/{SERVICE}/0"

    def start(self) -> None:
        """Start all, and wait until every Sentinel knows the replica and the others."""
        master, replica, *sentinels = self.ports
        self.start_server(master, *self.master_options)
        self.start_server(replica, "--replicaof", "127.0.0.1", str(master))
        for port in sentinels:
            file = self.folder / f"sentinel-{port}.conf"
            lines = [
                f"port {port}",
                f"sentinel monitor {SERVICE} 127.0.0.1 {master} 2",
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER * 1000:.0f}",
                f"sentinel failover-timeout {SERVICE} 5000",
            ]
            file.write_text("\n".join(lines) + "\n")
            self._spawn(port, str(file), "--sentinel")
        deadline = time.monotonic() + 30
        while not all(map(self._knows_the_others, sentinels)):
            assert time.monotonic() < deadline, "the Sentinels do not find each other"
            time.sleep(0.2)

    def start_server(self, port: int, *more: str) -> None:
        """Start a Redis on a port."""
        self._spawn(port, "--port", str(port), "--save", "", "--repl-diskless-sync-delay", "0", *more)

    def stop(self) -> None:
        """Kill all."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    @property
    def master_port(self) -> int:
        """Return the port of the master that the Sentinels name."""
        return self._named_by(self.ports[2])

    def hand_over(self) -> int:
        """Have the Sentinels put the replica in the master's place; return the former master's port."""
        former = self.master_port
        with redis.Redis(port=self.ports[2]) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
        wait_until(lambda: all(self._named_by(port) != former for port in self.ports[2:]), 30)
        return former

    def kill_master(self) -> int:
        """Kill the master (SIGKILL); return its port."""
        port = self.master_port
        self.kill(port)
        return port

    def kill(self, port: int) -> None:
        """Kill a server or a Sentinel (SIGKILL)."""
        self.processes[port].kill()
        self.processes[port].wait()

    def wait_for_another_master(self) -> None:
        """Wait until all Sentinels name a master that runs."""
        wait_until(lambda: all(self.processes[self._named_by(port)].poll() is None for port in self.ports[2:]), 30)

    @contextlib.contextmanager
    def running(self) -> Iterator["FailoverRedis"]:
        """Run all for the length of a with block."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def _spawn(self, port: int, *arguments: str) -> None:
        binary = str(valkey_binary())
        with (self.folder / f"{port}.log").open("ab") as log:
            self.processes[port] = subprocess.Popen([binary, *arguments], cwd=self.folder, stdout=log, stderr=log)

    def _named_by(self, port: int) -> int:
        with redis.Redis(port=port) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def _knows_the_others(self, port: int) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis(port=port) as sentinel:
            master = sentinel.sentinel_master(SERVICE)
            replicas = sentinel.sentinel_slaves(SERVICE)
            links = [replica["master-link-status"] for replica in replicas]
            return master["num-other-sentinels"] == 2 and links == ["ok"]
        return False


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
