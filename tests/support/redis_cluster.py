"""A cluster of three masters and a replica of the first one, all of the Valkey that movierec brings along."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from movierec.local.server_paths import valkey_binary
from tests.support.sentinel import free_ports
from tests.support.workers import wait_until

MASTERS = 3
NODE_TIMEOUT = 1_500  # milliseconds without an answer until the others take a master for gone


class ClusterRedis:
    """Run the four servers. `url` is what the environment of movierec gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = free_ports(2 * (MASTERS + 1))
        self.ports, self.bus_ports = ports[: MASTERS + 1], ports[MASTERS + 1 :]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.url = f"redis+cluster://{hosts}/0"

    def start(self) -> None:
        """Start all, and wait until every one of them knows where each slot is."""
        for port, bus_port in zip(self.ports, self.bus_ports, strict=True):
            self._spawn(port, bus_port)
        bounds = [REDIS_CLUSTER_HASH_SLOTS * number // MASTERS for number in range(MASTERS + 1)]
        for number, port in enumerate(self.ports):
            with self.client(port) as client:
                wait_until(partial(_answers, client), 10)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if number < MASTERS:
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        with self.client(self.ports[0]) as first:
            for port, bus_port in zip(self.ports[1:], self.bus_ports[1:], strict=True):
                first.execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus_port)
        wait_until(lambda: all(map(self._is_whole, self.ports)), 30)
        with self.client(self.ports[-1]) as replica:
            replica.execute_command("CLUSTER", "REPLICATE", self.node_id(self.ports[0]))
            wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 30)
        wait_until(lambda: all(len(self.masters(port)) == MASTERS for port in self.ports), 30)

    def stop(self) -> None:
        """Kill all."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def running(self) -> Iterator["ClusterRedis"]:
        """Run all for the length of a with block."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def kill(self, port: int) -> None:
        """Kill a server (SIGKILL)."""
        self.processes[port].kill()
        self.processes[port].wait()

    def client(self, port: int) -> redis.Redis:
        """Return a client of one server."""
        return redis.Redis(port=port, socket_timeout=5)

    def node_id(self, port: int) -> str:
        """Return the name that the cluster has for a server."""
        with self.client(port) as client:
            return client.execute_command("CLUSTER", "MYID").decode()

    def masters(self, asked: int) -> set[int]:
        """Return the ports of the masters that have slots, as the server on port `asked` knows it."""
        with self.client(asked) as client:
            return {int(entry[2][1]) for entry in client.execute_command("CLUSTER", "SLOTS")}

    def move_slot(self, tag: object, pause: float) -> int:
        """Move the slot of a hash tag to another master, key by key, as `valkey-cli --cluster reshard` does; return how
        many keys went. `pause`: seconds after each, in which calls meet a slot that is here and there."""
        slot = key_slot(str(tag).encode())
        source = self._owner(slot)
        target = next(port for port in sorted(self.masters(source)) if port != source)
        moved = 0
        with self.client(source) as giver, self.client(target) as taker:
            taker.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.node_id(source))
            giver.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.node_id(target))
            while keys := giver.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1):
                giver.execute_command("MIGRATE", "127.0.0.1", target, "", 0, 5_000, "KEYS", *keys)
                moved += len(keys)
                time.sleep(pause)
        for port in (target, *(port for port in self.ports if port != target)):
            with self.client(port) as client, contextlib.suppress(redis.ResponseError):  # a replica takes none
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self.node_id(target))
        return moved

    def _owner(self, slot: int) -> int:
        with self.client(self.ports[1]) as client:
            entries = client.execute_command("CLUSTER", "SLOTS")
        return next(int(entry[2][1]) for entry in entries if entry[0] <= slot <= entry[1])

    def error_counts(self) -> dict[str, int]:
        """Return the replies with an error by their kind, of all servers that run."""
        counts: dict[str, int] = {}
        for port, process in self.processes.items():
            if process.poll() is None:
                with self.client(port) as client:
                    for name, fields in client.info("errorstats").items():
                        kind = name.removeprefix("errorstat_")
                        counts[kind] = counts.get(kind, 0) + fields["count"]
        return counts

    def _is_whole(self, port: int) -> bool:
        with self.client(port) as client:
            return b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO")

    def _spawn(self, port: int, bus_port: int) -> None:
        arguments = ["--port", str(port), "--save", "", "--cluster-enabled", "yes", "--cluster-port", str(bus_port)]
        arguments += ["--cluster-config-file", f"nodes-{port}.conf", "--cluster-node-timeout", str(NODE_TIMEOUT)]
        arguments += ["--repl-diskless-sync-delay", "0", "--bind", "127.0.0.1"]
        with (self.folder / f"{port}.log").open("ab") as log:
            self.processes[port] = subprocess.Popen(
                [str(valkey_binary()), *arguments], cwd=self.folder, stdout=log, stderr=log
            )


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
