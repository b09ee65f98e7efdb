"""A part stands still under load (SIGSTOP: connections are taken, nothing is answered) and goes on."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from catalog.models import Viewer, WatchEvent
from movierec.local.processes import stop
from movierec.local.server_paths import valkey_socket
from movierec.postgres.base import IDLE_TRANSACTION_SECONDS
from recommender.models import Job
from tests.support import servers
from tests.support.cast import ADA, MATRIX
from tests.support.live_calls import (
    LISTS,
    STRANGER,
    assert_answered,
    calls,
    is_degraded,
    is_full_answer,
    movies_of,
    outcomes_by_name,
    warm_up,
)
from tests.support.live_server import LiveServer, Load
from tests.support.s3_server import S3Server
from tests.support.workers import ROOT, start_worker, wait_until, worker_environment

pytestmark = pytest.mark.slow

MAX_SECONDS = 2.0  # seconds, on a busy machine; in peace 0.3
CLIENTS = 16


@pytest.fixture
def load(live):
    with Load(calls(live), clients=CLIENTS) as running:
        warm_up(live, running)
        yield running


def standing_still(load, *parts, seconds=2.5):
    """What was asked and answered while the parts stood still, and when they went on (monotonic seconds)."""
    with ExitStack() as still:
        for part in parts:
            still.enter_context(part.freeze())
        begun = time.monotonic()
        time.sleep(seconds)
        thawed = time.monotonic()
    time.sleep(0.1)
    return [one for one in load.outcomes_since(begun) if one.started_at + one.seconds < thawed], thawed


def quick(load, since, *names):
    """Nobody waited long, whatever the answer; most did not wait at all."""
    asked = load.outcomes_since(since, *names)
    slow = [one for one in asked if one.seconds > MAX_SECONDS or one.status == 0]
    assert not slow, (
        len(slow),
        len(asked),
        [(one.call, round(one.started_at - since, 2), round(one.seconds, 2), one.status) for one in slow],
    )
    assert sorted(one.seconds for one in asked)[len(asked) // 2] < 0.5


def noticed(without):
    return [one for one in without if one.started_at > without[0].started_at + 0.6]


def test_a_frozen_valkey_is_as_gone_as_a_dead_one(live, load):
    without, thawed = standing_still(load, servers.VALKEY)
    well_at = load.wait_until_all(is_full_answer)
    load.wait_until_each_was_sent()

    quick(load, without[0].started_at)
    assert_answered(without, *LISTS, "similar", "event")
    later = noticed(without)
    assert all(is_degraded(one) for one in later if one.call != "event")
    assert all(movies_of(one) for one in later if one.call not in ("event", "seen"))  # so few viewers make no trend
    assert not any(one.body["visible"] for one in outcomes_by_name(later, "event")["event"])
    assert all(one.body["source"] == "model" for one in outcomes_by_name(later, "stored")["stored"])
    assert well_at - thawed < 4
    assert "cache" in {one.body["source"] for one in outcomes_by_name(load.outcomes_since(well_at), "stored")["stored"]}


def test_a_frozen_postgres_is_as_gone_as_a_dead_one(live, load):
    without, thawed = standing_still(load, servers.POSTGRES)
    well_at = load.wait_until_all(is_full_answer)
    load.wait_until_each_was_sent()

    quick(load, without[0].started_at)
    later = noticed(without)
    assert_answered(later, *LISTS, "similar")
    assert all(is_degraded(one) for one in later if one.call != "event")
    assert all(movies_of(one) for one in later if one.call not in ("event", "seen"))  # so few viewers make no trend
    assert all(one.body["source"] == "cache" for one in outcomes_by_name(later, "stored")["stored"])
    for event in outcomes_by_name(later, "event")["event"]:
        assert (event.status, event.body["code"], event.headers["Retry-After"]) == (503, "database_unreachable", "5")
    assert well_at - thawed < 4
    assert not [one for one in load.outcomes_since(without[0].started_at) if one.status not in (200, 503)]


def test_with_both_frozen_everything_is_refused_at_once_and_health_names_them(live, load):
    with servers.VALKEY.freeze(), servers.POSTGRES.freeze():
        begun = time.monotonic()
        first = live.send("/health/ready")
        time.sleep(1)
        ready, alive = live.send("/health/ready"), live.send("/health/live")
        personal = live.send(f"/recommend?user_id={ADA}")
        time.sleep(1)
        thawed = time.monotonic()
    load.wait_until_all(is_full_answer)

    quick(load, begun)
    assert max(one.seconds for one in (first, ready, alive, personal)) < 1.5
    assert {ready.body["parts"][part][:11] for part in ("database", "cache")} == {"unreachable"}
    assert (alive.status, personal.status, personal.headers["Retry-After"]) == (200, 503, "5")
    assert time.monotonic() - thawed < 6


def test_no_acknowledged_event_is_lost_and_none_is_half_done(live):
    """Every event names itself: what was answered 200 is stored once, and what was refused may be sent again."""
    sent = {}

    def event(rng):
        name = str(uuid4())
        body = {"user_id": 32_000 + rng.randrange(50), "movie_id": str(MATRIX), "kind": "watch", "event_id": name}
        reply = live.send("/events", body, key=True)
        sent[name] = (body, reply.status)
        return reply

    with Load({"event": event}, clients=CLIENTS) as load:
        load.wait_until_each_was_sent()
        for _ in range(3):
            with servers.POSTGRES.freeze():
                time.sleep(1)
            time.sleep(1)
        load.wait_until_all(is_full_answer)
    refused = [body for body, status in sent.values() if status == 503]
    stored = [name for name, (_, status) in sent.items() if status == 200]
    assert len(refused) > 10
    assert len(refused) + len(stored) == len(sent)
    assert WatchEvent.objects.filter(client_event_id__in=stored).count() == len(stored)
    for body in refused:
        assert live.fetch("/events", body, key=True)["results"][0]["status"] in ("stored", "duplicate")
    assert WatchEvent.objects.filter(client_event_id__in=list(sent)).count() == len(sent)
    versions = dict(Viewer.objects.filter(pk__gte=32_000, pk__lt=32_050).values_list("pk", "version"))
    assert all(versions.values())


def test_a_postmaster_that_stands_still_alone_holds_up_nobody(live, load):
    """Its children go on: connections that are there serve, and new ones cannot be had."""
    parent = servers.POSTGRES.process_ids()[0]
    os.kill(parent, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        time.sleep(2.5)
        ready = live.send("/health/ready")
    finally:
        os.kill(parent, signal.SIGCONT)
    load.wait_until_all(is_full_answer)

    assert ready.status == 200
    assert ready.seconds < 2
    slow = [one for one in load.outcomes_since(begun) if one.seconds > 2.5 or one.status not in (200, 503)]
    assert not slow, slow[0]


def test_a_job_is_taken_on_while_the_broker_stands_still(live):
    with servers.VALKEY.freeze():
        found = [
            live.send("/batch/recommend/cache", {"user_histories": {str(ADA): [str(MATRIX)]}}, key=True)
            for _ in range(4)
        ]

    assert [one.status for one in found] == [202] * 4, found[0]
    assert max(one.seconds for one in found) < MAX_SECONDS
    assert Job.objects.filter(pk__in=[one.body["job_id"] for one in found]).count() == 4
    Job.objects.all().delete()


def test_a_query_that_is_slow_is_not_taken_for_a_server_that_is_gone(live):
    """The viewer's row is held by somebody else for longer than any patience."""
    live.fetch("/events", {"user_id": STRANGER, "movie_id": str(MATRIX), "kind": "watch"}, key=True)
    done = []

    def send():
        body = {"user_id": STRANGER, "movie_id": str(MATRIX), "kind": "watch", "event_id": str(uuid4())}
        done.append(live.send("/events", body, key=True))

    with transaction.atomic():
        Viewer.objects.select_for_update().get(pk=STRANGER)
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(2)
        assert live.send("/health/ready").body["parts"]["database"] == "ok"
        assert not done
    sender.join()
    assert (done[0].status, done[0].body["visible"]) == (200, True)
    assert done[0].seconds > 1.5


def test_a_server_that_is_late_for_a_moment_breaks_no_write_that_had_begun(live):
    """As on a busy machine: the monitor's answer is late, while an event and a merge wait for a viewer's row."""
    session = STRANGER + 500
    seen = {"movie_id": str(MATRIX), "kind": "watch"}
    live.fetch("/events", seen | {"user_id": STRANGER}, key=True)
    live.fetch("/events", seen | {"user_id": session, "session": True}, key=True)
    sent = {
        "/events": seen | {"user_id": STRANGER, "event_id": str(uuid4())},
        "/users/merge": {"from_user_id": session, "into_user_id": STRANGER},
    }
    done = {}
    senders = [
        threading.Thread(target=lambda path=path, body=body: done.update({path: live.send(path, body, key=True)}))
        for path, body in sent.items()
    ]
    with transaction.atomic():
        Viewer.objects.select_for_update().get(pk=STRANGER)
        for sender in senders:
            sender.start()
        time.sleep(1)
        with servers.POSTGRES.freeze():
            time.sleep(0.6)
            refused = live.send("/events", seen | {"user_id": STRANGER + 1}, key=True)
        wait_until(live.is_ready)
        assert not done
    for sender in senders:
        sender.join()
    assert {path: reply.status for path, reply in done.items()} == dict.fromkeys(sent, 200)
    assert (refused.status, refused.body["code"]) == (503, "database_unreachable")


@contextmanager
def silent():
    """The address of a store that takes every connection and answers none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(200)
        yield listening.getsockname()[1]


def test_a_model_store_that_hangs_holds_up_nobody(live, tmp_path):
    """A machine that has nothing of its own, and asks a store that never answers."""
    (tmp_path / "state").mkdir()
    with silent() as port:
        store = S3Server(tmp_path)
        store.port = port
        machine = LiveServer(live.key, wait=False, MOVIEREC_STATE=str(tmp_path / "state"), **store.environment)
        try:
            time.sleep(3)
            asks = {"popular": lambda rng: machine.send("/popular"), "home": lambda rng: machine.send("/home")}
            with Load(asks, clients=CLIENTS) as load:
                load.wait_until_each_was_sent()
                begun = time.monotonic()
                ready = [machine.send("/health/ready") for _ in range(5)]
                time.sleep(2)
            slow = [one for one in load.outcomes_since(begun) if one.status != 200 or one.seconds > MAX_SECONDS]
            assert not slow, slow[0]
            assert max(one.seconds for one in ready) < 1.5
            assert {one.status for one in ready} == {503}
            assert "model store" in ready[0].body["parts"]["model"]
        finally:
            machine.stop()


def test_a_worker_and_beat_go_on_after_both_stood_still(live, tmp_path):
    """For longer than they are patient: what they were doing fails, and is done again."""
    log = (tmp_path / "worker.log").open("wb")
    worker = start_worker(output=log, MOVIEREC_LOG_LEVEL="INFO")
    beat = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "movierec", "beat"], env=worker_environment(), cwd=ROOT
    )

    def outbox_is_cleared(seconds):
        Viewer.objects.filter(pk=ADA).update(publish_pending=True)
        wait_until(lambda: not Viewer.objects.filter(pk=ADA, publish_pending=True).exists(), seconds)

    try:
        outbox_is_cleared(60)
        connections.close_all()
        with servers.VALKEY.freeze(), servers.POSTGRES.freeze():
            time.sleep(14)
        outbox_is_cleared(40)
        assert (worker.poll(), beat.poll()) == (None, None)
    finally:
        beat.kill()
        beat.wait()
        stop(worker, signal.SIGQUIT, 15)
        log.close()


class Wire:
    """A TCP port that leads to a unix socket, until it is cut: then it takes connections and carries nothing. Mended,
    it carries what is new; the connections from before stay dead, and neither end is told."""

    def __init__(self, behind):
        self.behind, self.cut = str(behind), False
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        self.kept = []
        while True:
            try:
                near = self.listening.accept()[0]
            except OSError:
                return
            if self.cut:
                self.kept.append(near)
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.behind)
            alive = [True]
            self.kept += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other, alive), daemon=True).start()

    def end(self):
        self.listening.close()
        for one in self.kept:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _carry(self, one, other, alive):
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if self.cut:
                    alive[0] = False
                if alive[0]:
                    other.sendall(data)
            if alive[0]:
                other.shutdown(socket.SHUT_WR)


def test_a_route_that_is_dropped_is_noticed_and_new_connections_are_made(live):
    """Half-open connections: nothing says that they are dead, and they never come back to life."""
    postgres = Wire(Path(settings.DATABASES["default"]["HOST"]) / ".s.PGSQL.5432")
    valkey = Wire(valkey_socket(servers.VALKEY.state_dir))
    named = connection.settings_dict
    addresses = {
        "DATABASE_URL": f"postgres://{named['USER']}@127.0.0.1:{postgres.port}/{named['NAME']}",
        "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
    }
    remote = LiveServer(live.key, **addresses)
    try:
        for wire, part in ((valkey, "cache"), (postgres, "database")):
            with Load(calls(remote), clients=8) as load:
                warm_up(remote, load)
                wire.cut = True
                begun = time.monotonic()
                time.sleep(2.5)
                ready = remote.send("/health/ready")
                wire.cut = False
                mended = time.monotonic()
                well_at = load.wait_until_all(is_full_answer, 4 * IDLE_TRANSACTION_SECONDS)
            quick(load, begun, *(name for name in load.calls if name != "event"))
            # A transaction whose client was cut off keeps its viewer's row until Postgres gives it up, and so does each
            # that waited for it; here all events are of one viewer.
            assert max(one.seconds for one in load.outcomes_since(begun, "event")) < 4 * IDLE_TRANSACTION_SECONDS
            assert (ready.body["parts"][part][:11], ready.seconds < 1.5) == ("unreachable", True)
            assert well_at - mended < 4 * IDLE_TRANSACTION_SECONDS
            assert not [one for one in load.outcomes_since(begun) if one.status not in (200, 503)]
    finally:
        remote.stop()
        postgres.end()
        valkey.end()
