"""Reads from a replica of Postgres (DATABASE_REPLICA_URL) that are as fresh as the primary's own.

A replica is read once it has replayed all that was committed before it was asked. Where it does not answer, lags, or is
no replica of anything, the primary is read. A monitor of its own finds out that it stands still, which ends every wait
for it (movierec.postgres.connection).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections

from infrastructure.connectivity import REPLICA, REPLICA_ALIAS

ALIAS = REPLICA_ALIAS
ANSWER_SECONDS = 2.0  # without an answer until the replica counts as down
CATCH_UP_SECONDS = 2.0  # that a reader waits for what was committed before
POLL_INTERVAL = 0.02  # seconds
RETRY_SECONDS = 15.0  # for which a replica that failed is not asked again

log = logging.getLogger(__name__)

_asked_again_at = [0.0]  # monotonic seconds


def is_configured() -> bool:
    """Return whether there is a replica at all."""
    return ALIAS in settings.DATABASES


def forget_failure() -> None:
    """Ask the replica again at the next read, as in a process that has just started."""
    _asked_again_at[0] = 0.0


@contextmanager
def read_from_replica() -> Iterator[None]:
    """Make Django's connection of this thread the replica's for the block, which may only read.

    For reads of many rows; the thread does nothing else meanwhile, so a generator does not yield inside of it. Within a
    transaction, which may have written, and where the replica cannot be read, the block runs on the primary. What the
    replica refuses in the middle of the block is raised: the next block finds out.
    """
    primary = connections[DEFAULT_DB_ALIAS]
    if not is_configured() or primary.alias == ALIAS or primary.in_atomic_block or not _has_caught_up():
        yield
        return
    connections[DEFAULT_DB_ALIAS] = connections[ALIAS]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = primary


def _has_caught_up() -> bool:
    """Wait until the replica has what the primary has now; return False after CATCH_UP_SECONDS."""
    if time.monotonic() < _asked_again_at[0]:
        return False
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        [position] = cursor.fetchone()
    connections[ALIAS].close_if_unusable_or_obsolete()  # a read that was ended has closed it
    REPLICA.start(ANSWER_SECONDS)
    REPLICA.wait_for_first_answer()
    deadline, reason = time.monotonic() + CATCH_UP_SECONDS, "it does not answer" if REPLICA.is_down else ""
    try:
        while not reason:
            with connections[ALIAS].cursor() as cursor:
                cursor.execute("SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn", [position])
                is_replica, has_replayed = cursor.fetchone()
            if is_replica and has_replayed:
                return True
            if not is_replica:
                reason = "it is no replica"
            elif time.monotonic() > deadline:
                reason = f"it lags by more than {CATCH_UP_SECONDS:g} s"
            time.sleep(POLL_INTERVAL)
    except Error as error:
        reason = " ".join(str(error).split())
    connections[ALIAS].close()
    _asked_again_at[0] = time.monotonic() + RETRY_SECONDS
    log.warning("The replica is not read for %.0f s, but the primary: %s", RETRY_SECONDS, reason)
    return False
