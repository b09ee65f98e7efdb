"""Locks between processes on any machine, which Postgres drops with the connection that holds them."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections


@contextmanager
def advisory_lock(name: str, *, wait: bool = False) -> Iterator[bool]:
    """Yield whether this process may do `name` now; with `wait` it waits for its turn.

    For short work. A long job takes a lease (recommender.jobs), which survives a lost connection. A session holds the
    lock, so a pooler in transaction mode must not be between.
    """
    connection = connections["direct" if "direct" in settings.DATABASES else DEFAULT_DB_ALIAS]
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            acquired = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            acquired = bool(cursor.fetchone()[0])
    try:
        yield acquired
    finally:
        if acquired:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
