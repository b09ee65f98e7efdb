"""Raise and end alerts from a web process where nobody else does.

Beat starts the rounds of alerts, Redis carries their message, a worker does them and Postgres keeps what was told.
Where one of these is gone nothing is told. So one web process of each machine looks every minute: where nobody has done
a round for some minutes it does them; where Postgres keeps nothing it tells that alone, by its settings and its memory.
"""

import fcntl
import logging
import socket
import threading
import time
from contextlib import suppress
from typing import TextIO

import psycopg
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from recommender import cache, webhooks
from recommender.cache import CacheUnavailable
from recommender.locks import advisory_lock
from recommender.models import WebhookEndpoint
from recommender.monitoring import alerts, server_checks, system_health
from recommender.monitoring.checks import Status, join_sentences

INTERVAL = 60.0  # seconds between two looks
MAX_SILENCE = 180.0  # seconds without a round, after which this process does them
NAME = "Postgres"

log = logging.getLogger(__name__)


class StandIn:
    """Look for a web process. Of those of a machine the one looks that locks a file in the state folder."""

    def __init__(self) -> None:
        self.process = f"stand-in@{socket.gethostname()}"
        self.round_seen_at = time.monotonic()
        self.problem_count = 0  # looks in a row at which Postgres was of no use
        self.since = timezone.now()  # of the first of them
        self.told = ""  # what the operator was told, while it goes on
        self.endpoints: list[WebhookEndpoint] = []  # that want alerts, as Postgres had them last
        self._file: TextIO | None = None

    def look(self) -> None:
        """Do a round if one is due; tell the operator of a Postgres that is of no use at the second look, and of its
        return."""
        if not self._is_responsible():
            return
        problem = self._do_due_round()
        if problem is not None:
            self.problem_count += 1
            if self.problem_count == 1:
                self.since = timezone.now()
            if self.problem_count >= 2 and not self.told:
                self._keep(self._with_others(problem))
                self._tell(self.told, is_over=False)
            return
        if told := self.told:
            self._keep("")
            self._tell(told, is_over=True)
        if self.problem_count:
            self.problem_count, self.round_seen_at = 0, time.monotonic()  # beat and the workers come back, too

    def _is_responsible(self) -> bool:
        """Return whether this process looks for its machine.

        The kernel drops the lock of one that ends, and its successor reads in the file what the operator was told.
        """
        if self._file is not None:
            return True
        try:
            file = (settings.STATE_DIR / "stand-in").open("a+")
        except OSError:
            return True  # better told by each process than by none
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.seek(0)
        self._file, self.told = file, file.read()
        return True

    def _keep(self, told: str) -> None:
        """Keep what the operator was told, for a successor too; "" where it is over."""
        self.told = told
        if self._file is not None:
            with suppress(OSError):  # the disk may be full
                self._file.truncate(0)
                self._file.write(told)
                self._file.flush()

    def _do_due_round(self) -> str | None:
        """Do the round that is due, if one is, with the webhooks of its alerts. Returns what is wrong with Postgres."""
        postgres = server_checks.check_postgres(full_disk_refusals=0)
        if postgres.status == Status.FAIL:
            return alerts.describe(postgres)
        try:
            self.endpoints = list(webhooks.alert_endpoints())
            if not self._is_round_due():
                return None
            with advisory_lock("watch_system") as acquired:
                if acquired:
                    alerts.watch(system_health.check_system())
                    with suppress(CacheUnavailable):
                        cache.record_heartbeat([alerts.ROUNDS], self.process)
            for endpoint in self.endpoints:
                webhooks.deliver(endpoint.pk)
        except (DatabaseError, psycopg.Error) as error:  # as of one that is full
            return join_sentences(str(error).strip(), server_checks.START + ".")
        return None

    def _is_round_due(self) -> bool:
        """Return whether nobody else has done a round for MAX_SILENCE, as far as Redis knows."""
        with suppress(CacheUnavailable):
            ages = cache.heartbeat_ages().get(alerts.ROUNDS, {})
            age = min((age for process, age in ages.items() if process != self.process), default=float("inf"))
            self.round_seen_at = max(self.round_seen_at, time.monotonic() - age)
        return time.monotonic() - self.round_seen_at >= MAX_SILENCE

    def _with_others(self, problem: str) -> str:
        """Say beside the problem what else is red."""
        checks = system_health.check_system().checks
        red = [f"{check.label}: {check.value}" for check in checks if check.status == Status.FAIL]
        others = "; ".join(text for text in red if not text.startswith(NAME))
        problem = join_sentences(problem, f"Red besides: {others}." if others else "")
        return f"{problem} No other alert is told until it is over. Seen from {socket.gethostname()}."

    def _tell(self, text: str, *, is_over: bool) -> None:
        """Tell of Postgres by mail, and by the webhooks that are known."""
        alerts.mail(NAME, text, is_over=is_over)
        webhooks.send_alert(self.endpoints, NAME.lower(), NAME, text, self.since, is_over=is_over)


def start_in_web_process() -> None:
    """Look every INTERVAL, in a thread of its own."""
    threading.Thread(target=_look_forever, name="stand-in", daemon=True).start()


def _look_forever() -> None:
    stand_in = StandIn()
    while True:
        time.sleep(INTERVAL)
        try:
            stand_in.look()
        except Exception:  # the thread must outlive whatever one look meets
            log.exception("The look for alerts failed; the next is in %.0f s.", INTERVAL)
        finally:
            close_old_connections()
