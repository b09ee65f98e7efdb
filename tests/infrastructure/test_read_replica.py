"""A real streaming replica of the tests' Postgres: what is read from it, how fresh that is, what happens without it."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import InternalError, OperationalError, connection, connections, transaction

from catalog import selectors
from catalog.exchange.row_export import export_rows
from catalog.exchange.row_files import FileFormat
from catalog.exchange.row_schemas import RowKind
from catalog.limits import MAX_ID
from catalog.models import Genre, WatchEvent
from catalog.services import NewEvent, record_events
from infrastructure import read_replica
from infrastructure.connectivity import REPLICA
from infrastructure.read_replica import read_from_replica
from movierec.local.embedded_servers import POSTGRES_OPTIONS
from recommender.models import Alert
from recommender.monitoring import alerts, server_checks
from recommender.monitoring.system_health import check_system
from tests.support import servers
from tests.support.cast import ADA, MATRIX
from tests.support.workers import wait_until

pytestmark = pytest.mark.slow

MAX_HOLD_UP = 30.0  # seconds, on a busy machine: it counts as down after two without an answer
PORT = "5433"  # of the socket beside the primary's


class Standby:
    """A replica of the tests' Postgres."""

    def __init__(self, layout, folder):
        self.layout, self.folder = layout, folder
        self.data, self.log = layout.data_dir.with_name("standby"), folder / "standby.log"
        self.process = None

    def make(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        if self.layout.uid is not None:
            os.chown(self.data, self.layout.uid, self.layout.uid)
        self._program("pg_basebackup", "-h", str(self.layout.socket_dir), "-U", "movierec", "-D", str(self.data), "-R",
                      "-X", "stream", "-c", "fast")  # fmt: skip

    def start(self):
        options = {"port": PORT, "listen_addresses": "", "shared_buffers": "32MB", "log_statement": "all"}
        options |= {"wal_level": "replica", "hot_standby_feedback": "on", "wal_retrieve_retry_interval": "200ms"}
        command = [str(self.layout.postgres_bin / "postgres"), "-D", str(self.data), "-k", str(self.layout.socket_dir)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            own = self.layout.user_arguments()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **own)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def freeze(self):
        """Stop it and all processes of its connections (SIGSTOP) while the block runs: nothing is refused."""
        parent = self.process.pid
        stopped = [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def promote(self):
        self._program("pg_ctl", "promote", "-D", str(self.data), "-w")

    def _program(self, name, *arguments):
        own = self.layout.user_arguments()
        subprocess.run([str(self.layout.postgres_bin / name), *arguments], check=True, cwd="/", timeout=120, **own)

    @property
    def statements(self):
        """What it was asked so far."""
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def running_standby(django_db_setup, tmp_path_factory):
    def restart_primary():
        connections.close_all()
        servers.POSTGRES.stop()
        servers.POSTGRES.start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(POSTGRES_OPTIONS, "wal_level", "replica")
        patch.setitem(POSTGRES_OPTIONS, "max_wal_senders", "5")
        restart_primary()
        started = Standby(servers.POSTGRES.place, tmp_path_factory.mktemp("standby"))
        try:
            started.make()
            started.start()
            yield started
        finally:
            started.kill()
            patch.undo()
            restart_primary()


@pytest.fixture
def standby(running_standby, model, django_db_blocker, monkeypatch):
    monkeypatch.setitem(settings.DATABASES, read_replica.ALIAS, {**settings.DATABASES["default"], "PORT": PORT})
    monkeypatch.setattr(read_replica, "CATCH_UP_SECONDS", 30.0)  # on a busy machine
    read_replica.forget_failure()
    try:
        with django_db_blocker.unblock():  # a database beside the one of the tests is refused otherwise
            wait_until(lambda: server_checks.check_replica()[0].value == "follows", 30)
            yield running_standby
    finally:
        read_replica.forget_failure()
        connections[read_replica.ALIAS].close()
        del connections[read_replica.ALIAS]


def is_replica():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return cursor.fetchone()[0]


def watch():
    record_events([NewEvent(ADA, MATRIX, WatchEvent.Kind.WATCH, datetime.now(UTC))])


def test_what_reads_much_reads_the_replica_and_misses_nothing(standby):
    assert not is_replica()
    rounds = 30
    for written in range(1, rounds + 1):
        watch()
        with read_from_replica():
            assert is_replica()
            assert WatchEvent.objects.filter(viewer_id=ADA, movie_id=MATRIX).count() >= written
    assert not is_replica()

    total = WatchEvent.objects.count()
    with selectors.read_snapshot():
        viewers, _ = selectors.viewer_versions_between(0, MAX_ID)
        assert [history.viewer_id for history in selectors.histories(viewers.tolist())] == viewers.tolist()
    assert "int4send(e.movie_id)" in standby.statements
    lines = "".join(export_rows(RowKind.EVENTS, FileFormat.CSV)).splitlines()
    assert len(lines) == total + 1
    assert "catalog_watchevent WHERE id >" in standby.statements
    assert "".join(export_rows(RowKind.MOVIES, FileFormat.JSONL)).count("\n") > 3
    assert "catalog_movietag" in standby.statements
    assert "".join(export_rows(RowKind.VIEWERS, FileFormat.JSONL)).count("\n") > 1
    assert 'FROM "catalog_viewer" WHERE "catalog_viewer"."id" >' in standby.statements


def test_the_lists_of_all_viewers_are_made_from_the_replica(standby):
    call_command("batch", verbosity=0)

    assert "int4send(e.movie_id)" in standby.statements, "the histories"
    assert "UPDATE" not in standby.statements


def test_a_block_on_the_replica_writes_nothing(standby):
    with read_from_replica(), pytest.raises(InternalError, match="read-only"):
        Genre.objects.create(name="Written on a replica")
    with transaction.atomic():
        Genre.objects.create(name="Just written")
        with read_from_replica():
            assert not is_replica(), "what was just written is not there yet"


def test_a_replica_that_lags_is_told_and_not_read(standby, monkeypatch):
    monkeypatch.setattr(server_checks, "MAX_LAG_SECONDS", 0.5)
    monkeypatch.setattr(read_replica, "CATCH_UP_SECONDS", 2.0)
    assert [check.value for check in server_checks.check_replica()] == ["follows"]
    with connections[read_replica.ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_pause()")
    watch()
    began_at = time.monotonic()
    with read_from_replica():
        assert not is_replica()
        assert WatchEvent.objects.filter(viewer_id=ADA, movie_id=MATRIX).exists()
    waited = time.monotonic() - began_at
    assert waited < read_replica.CATCH_UP_SECONDS + 3
    with read_from_replica():
        assert time.monotonic() - began_at < waited + 1, "it is not asked again so soon"
    [check] = server_checks.check_replica()
    assert (check.status, check.figures["lag_bytes"] > 0) == ("warn", True)
    assert check.value.endswith("behind")

    with connections[read_replica.ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_resume()")
    read_replica.forget_failure()
    with read_from_replica():
        assert is_replica()


def test_a_replica_that_stands_still_holds_up_no_read(standby):
    with read_from_replica():
        assert is_replica()
    with standby.freeze():
        began_at = time.monotonic()
        with read_from_replica():
            assert not is_replica()
        assert "".join(export_rows(RowKind.EVENTS, FileFormat.CSV)).count("\n") > 1
        assert time.monotonic() - began_at < MAX_HOLD_UP
        [check] = server_checks.check_replica()
        assert (check.status, check.value) == ("fail", "does not answer")
        read_replica.forget_failure()
        began_at = time.monotonic()
        with read_from_replica():
            assert not is_replica()
        assert time.monotonic() - began_at < 1, "it is known by now"
    wait_until(lambda: server_checks.check_replica()[0].status == "ok", 30)
    wait_until(lambda: not REPLICA.is_down, 30)
    read_replica.forget_failure()
    with read_from_replica():
        assert is_replica()


def test_a_replica_that_stops_in_the_middle_of_a_read_ends_the_read(standby):
    with read_from_replica():
        assert is_replica()
        with standby.freeze():
            began_at = time.monotonic()
            with pytest.raises(OperationalError, match="replica of Postgres does not answer"):
                is_replica()
            assert time.monotonic() - began_at < MAX_HOLD_UP
    wait_until(lambda: not REPLICA.is_down, 30)

    def read_much():
        with selectors.read_snapshot(), standby.freeze():
            selectors.viewer_versions_between(0, MAX_ID)

    began_at = time.monotonic()
    with pytest.raises(OperationalError, match="does not answer"):
        read_much()
    assert time.monotonic() - began_at < MAX_HOLD_UP


def test_without_its_replica_a_site_reads_the_primary_and_somebody_is_told(standby):
    standby.kill()
    with read_from_replica():
        assert not is_replica()
    assert "".join(export_rows(RowKind.EVENTS, FileFormat.CSV)).count("\n") > 1
    for _ in range(2):
        told = alerts.watch(check_system())
    assert "replica" in {alert.check_name for alert in told}
    [check] = [check for check in check_system().checks if check.name == "replica"]
    assert (check.status, check.value) == ("fail", "does not answer")

    standby.start()
    read_replica.forget_failure()
    wait_until(lambda: server_checks.check_replica()[0].status == "ok", 120)
    wait_until(lambda: not REPLICA.is_down, 30)
    with read_from_replica():
        assert is_replica()
    alerts.watch(check_system())
    assert Alert.objects.get(check_name="replica").ended_at


def test_a_replica_that_was_promoted_is_not_believed(standby):
    standby.promote()  # the last of these tests: it follows nobody any more
    with read_from_replica():
        assert connection.alias == "default"
    [check] = server_checks.check_replica()
    assert (check.status, check.value) == ("fail", "is no replica")
