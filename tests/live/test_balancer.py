"""HAProxy with the file of deploy/ before three web processes, which are restarted one after another under load."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.models import WatchEvent
from tests.support.cast import MATRIX
from tests.support.launcher import ROOT, free_port
from tests.support.live_calls import STRANGER, calls, is_full_answer, warm_up
from tests.support.live_server import Client, LiveServer, Load
from tests.support.workers import wait_until

pytestmark = pytest.mark.slow

DRAIN_SECONDS = 6  # much longer than HAProxy takes to see a 503


class Balancer(Client):
    """HAProxy before web processes, and a client of it, which has a key: behind a proxy nothing is open."""

    def __init__(self, key, hosts, folder):
        super().__init__(key, free_port())
        self.hosts = hosts
        text = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
        text = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{self.port}", text)
        for number, host in enumerate(hosts, start=1):
            text, found = re.subn(rf"server web{number} \S+", f"server web{number} 127.0.0.1:{host.port}", text)
            assert found == 1
        # The admin socket tells what HAProxy thinks of its hosts.
        self.admin = Path(tempfile.mkdtemp(dir="/tmp")) / "haproxy.sock"  # a socket's path is short
        text = text.replace("global\n", f"global\n    stats socket {self.admin}\n")
        (folder / "haproxy.cfg").write_text(text)
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            pytest.skip("haproxy is not installed (apt-get install haproxy)")
        with (folder / "haproxy.log").open("wb") as log:
            command = [program, "-db", "-f", str(folder / "haproxy.cfg")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def send(self, path, body=None, *, key=True):
        return super().send(path, body, key=key or True)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.admin.parent)

    def is_up(self, number):
        """Return whether HAProxy sends requests to the host with this number, from 1."""
        return self.status(number).startswith("UP")

    def status(self, number):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.admin))
            asked.sendall(b"show stat\n")
            lines = b"".join(iter(lambda: asked.recv(1 << 16), b"")).decode().splitlines()
        names = lines[0].removeprefix("# ").split(",")
        rows = (dict(zip(names, line.split(","), strict=False)) for line in lines[1:] if line)
        return next(row["status"] for row in rows if row["svname"] == f"web{number}")


def start_host(key, port=0):
    own = {"MOVIEREC_WEB_WORKERS": "1", "MOVIEREC_DRAIN_SECONDS": str(DRAIN_SECONDS), "PORT": str(port or free_port())}
    return LiveServer(key, wait=port == 0, **own)


@pytest.fixture(scope="module")
def site(system, tmp_path_factory):
    with ThreadPoolExecutor(3) as threads:
        hosts = list(threads.map(start_host, [system.key] * 3))
    started = Balancer(system.key, hosts, tmp_path_factory.mktemp("haproxy"))
    try:
        wait_until(started.admin.exists, 10)
        yield started
    finally:
        started.stop()
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(LiveServer.stop, started.hosts))


@pytest.fixture
def balancer(live, site):
    wait_until(lambda: all(map(site.is_up, (1, 2, 3))), 60)
    return site


def test_a_rolling_restart_fails_no_request_and_stores_each_event_once(balancer):
    sent = []

    def event(rng):
        name = str(uuid4())
        body = {"user_id": STRANGER + rng.randrange(50), "movie_id": str(MATRIX), "kind": "watch", "event_id": name}
        sent.append(name)
        return balancer.send("/events", body, key=True)

    with Load({**calls(balancer), "event": event}, clients=4) as load:
        for host in balancer.hosts:
            warm_up(host, load)
        began_at = time.monotonic()
        for number, host in enumerate(balancer.hosts, start=1):
            os.kill(host.process.pid, signal.SIGTERM)
            wait_until(lambda number=number: not balancer.is_up(number), DRAIN_SECONDS + 5)
            assert host.send("/popular").status == 200, "it still answers who has not heard of it"
            assert host.send("/health/ready").body["code"] == "stopping"
            host.process.wait(30)
            balancer.hosts[number - 1] = start_host(balancer.key, host.port)
            assert not balancer.is_up(number), "the model was not loaded yet"
            wait_until(lambda number=number: balancer.is_up(number), 120)
        load.wait_until_all(is_full_answer)
        load.wait_until_each_was_sent()
    since = load.outcomes_since(began_at)
    failed = [one for one in since if one.status != 200]
    print(f"\n{len(since)} calls in {time.monotonic() - began_at:.0f} s, {len(failed)} failed")

    assert not failed, failed[0]
    assert {one.body["duplicates"] for one in since if one.call == "event"} == {0}, "one was sent twice"
    assert WatchEvent.objects.filter(client_event_id__in=sent).count() == len(sent)


def test_a_host_that_is_killed_costs_reads_nothing(balancer):
    """What a host may have taken is sent again to another one if it changes nothing."""
    reads = {name: call for name, call in calls(balancer).items() if name in ("stored", "titled", "popular", "home")}
    with Load(reads, clients=4) as load:
        load.wait_until_all(is_full_answer)
        killed_at = time.monotonic()
        os.killpg(balancer.hosts[0].process.pid, signal.SIGKILL)
        wait_until(lambda: not balancer.is_up(1), 10)
        load.wait_until_each_was_sent()
    failed = [one for one in load.outcomes_since(killed_at) if one.status != 200]
    assert not failed, failed[0]
