"""Histories of viewers as numpy columns. Events come packed from Postgres: one value a viewer, no object an event."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from catalog.last_word import EventColumns, find_held_events
from catalog.limits import MAX_ID
from infrastructure.read_replica import read_from_replica

SAMPLED_ROWS = 100_000  # viewers, of whom a sample is sorted
_EVENT_DTYPE = np.dtype([("movie", ">i4"), ("time", ">i8"), ("kind", ">i2"), ("rating", ">f4"), ("completion", ">f4")])
_TIME_ZERO = 946_684_800  # unix seconds of 2000-01-01, from which Postgres sends microseconds
# date_part gives a double, exact for microseconds until the year 2255, and is twice as fast as extract's numeric.
_SECONDS = "floor(date_part('epoch', e.occurred_at))::bigint"
# One statement: the version and the events it belongs to come from the same snapshot.
_SELECT_HISTORIES = """
    SELECT v.id, v.version, v.age_limit, v.country, v.language, h.packed
    FROM catalog_viewer v
    CROSS JOIN LATERAL (
        SELECT string_agg(
            int4send(e.movie_id) || timestamptz_send(e.occurred_at) || int2send(e.kind)
              || float4send(coalesce(e.rating, 'NaN')) || float4send(coalesce(e.completion, 'NaN')),
            '' ORDER BY e.occurred_at, e.id) AS packed
        FROM catalog_watchevent e WHERE e.viewer_id = v.id
    ) h
    WHERE v.id = ANY(%s::int[]) ORDER BY v.id
"""
# As that, of one viewer, of the events that had occurred and had arrived by a moment.
_SELECT_FORMER = _SELECT_HISTORIES.replace(
    "WHERE e.viewer_id = v.id", "WHERE e.viewer_id = v.id AND e.occurred_at <= %s AND e.id < %s"
)
# The database and its table of viewers; another number once they were restored or emptied.
_DATABASE = """
    SELECT concat_ws('.', s.system_identifier, d.oid, c.oid, pg_relation_filenode(c.oid))
    FROM pg_control_system() s, pg_database d, pg_class c
    WHERE d.datname = current_database() AND c.oid = 'catalog_viewer'::regclass
"""


class History(NamedTuple):
    """The events of a viewer that hold (`catalog.last_word`), in the order (occurred_at, id), with the version, age
    limit, country and language of the same snapshot."""

    viewer_id: int
    version: int
    movie_ids: np.ndarray  # int32[n]
    occurred_at: np.ndarray  # int64[n], unix seconds
    kinds: np.ndarray  # int8[n], as HeldEvents has them
    ratings: np.ndarray  # float32[n], NaN = none
    completions: np.ndarray  # float32[n], NaN = none
    age_limit: int | None  # years; None = no limit
    country: str = ""  # ISO 3166; "" = not known
    language: str = ""  # BCP 47; "" = not known


def history(viewer_id: int) -> History | None:
    """Read a viewer's history; None for an unknown viewer."""
    return next(iter(histories([viewer_id])), None)


def histories(viewer_ids: Collection[int]) -> list[History]:
    """Read the histories of many viewers in one query, by id; unknown viewers are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_HISTORIES, [list(viewer_ids)])
        return _unpack(cursor.fetchall())


def arrivals(viewer_id: int, at: datetime) -> np.ndarray:
    """Return the ids, ascending, of a viewer's events that had occurred by a moment and may have arrived by then.

    Ids rise as events arrive: what came after an event that occurred later was not there yet.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, occurred_at <= %s FROM catalog_watchevent WHERE viewer_id = %s ORDER BY id", [at, viewer_id]
        )
        rows = cursor.fetchall()
    had_occurred = np.array([occurred for _, occurred in rows], bool)
    end = int(np.argmin(had_occurred)) if not had_occurred.all() else len(rows)
    return np.array([pk for pk, _ in rows[:end]], np.int64)


def former_history(viewer_id: int, at: datetime, arrived_before: int) -> History | None:
    """Read a viewer's history without the events that occurred after a moment, and without those whose ids are not
    below `arrived_before`. Version, age limit, country and language are those of now. None for an unknown viewer."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_FORMER, [at, arrived_before, [viewer_id]])
        return next(iter(_unpack(cursor.fetchall())), None)


def viewer_ids(after: int, limit: int, through: int = MAX_ID, since: int | None = None) -> list[int]:
    """Return the next viewers with any events, by id: above `after`, up to `through`.

    `since` (unix seconds): only viewers with an event since then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT v.id FROM catalog_viewer v WHERE v.id > %s AND v.id <= %s
                 AND EXISTS (SELECT 1 FROM catalog_watchevent e WHERE e.viewer_id = v.id
                               AND e.occurred_at >= to_timestamp(%s))
               ORDER BY v.id LIMIT %s""",
            [after, through, float("-inf") if since is None else float(since), limit],
        )
        return [row[0] for row in cursor.fetchall()]


def last_active_viewers(since: int, limit: int) -> list[int]:
    """Return the ids, ascending, of the viewers with the newest events since then (unix seconds): `limit` at most."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT viewer_id FROM (SELECT viewer_id FROM catalog_watchevent WHERE occurred_at >= to_timestamp(%s)
                                      GROUP BY viewer_id ORDER BY max(occurred_at) DESC LIMIT %s) active
               ORDER BY viewer_id""",
            [since, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def chunk_boundaries(size: int) -> list[int]:
    """Return the ids that end chunks of `size` viewers: of every `size`th viewer, and of the last one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all_of_them
                                 FROM catalog_viewer) numbered
               WHERE place %% %s = 0 OR place = all_of_them ORDER BY id""",
            [size],
        )
        return [row[0] for row in cursor.fetchall()]


def sample_viewers(limit: int) -> list[int]:
    """Return viewers with any events: a run by id from a random start, which wraps around at the last viewer.

    Ids may lie far apart, so that random ids would find nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH start AS (SELECT min(id) + random() * (max(id)::bigint - min(id)) AS id FROM catalog_viewer)
               SELECT id FROM (
                 (SELECT v.id, 1 AS turn FROM catalog_viewer v, start
                  WHERE v.id > start.id AND EXISTS (SELECT 1 FROM catalog_watchevent e WHERE e.viewer_id = v.id)
                  ORDER BY v.id LIMIT %(limit)s)
                 UNION ALL
                 (SELECT v.id, 2 FROM catalog_viewer v, start
                  WHERE v.id <= start.id AND EXISTS (SELECT 1 FROM catalog_watchevent e WHERE e.viewer_id = v.id)
                  ORDER BY v.id LIMIT %(limit)s)
               ) AS run ORDER BY turn, id LIMIT %(limit)s""",
            {"limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]


def sample_established_viewers(before: datetime, limit: int, seed: str) -> list[int]:
    """Return viewers who came before that moment and watched or rated something, sampled from all of them by the seed.

    A client that invents viewers cannot choose who is sampled.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_viewer'::regclass")
        share = SAMPLED_ROWS / max(cursor.fetchone()[0], SAMPLED_ROWS)
        sample = f"TABLESAMPLE BERNOULLI ({100 * share:.6f}) REPEATABLE ({crc32(seed.encode())})" if share < 1 else ""
        cursor.execute(
            f"""SELECT v.id FROM catalog_viewer AS v {sample}
                WHERE v.created_at <= %s AND EXISTS (
                  SELECT 1 FROM catalog_watchevent e WHERE e.viewer_id = v.id AND e.kind IN (1, 2))
                ORDER BY md5(v.id::text || %s) LIMIT %s""",
            [before, seed, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def viewer_count() -> int:
    """Return how many viewers there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM catalog_viewer")
        return int(cursor.fetchone()[0])


def _unpack(rows: Sequence[tuple[int, int, int | None, str, str, bytes | None]]) -> list[History]:
    """Return the histories of viewers, all at once: numpy's calls cost more than their work on a single history."""
    if not rows:
        return []
    viewer_ids, versions, age_limits, countries, languages, packed = zip(*rows, strict=True)
    events = np.frombuffer(b"".join(part or b"" for part in packed), dtype=_EVENT_DTYPE)
    lengths = [len(part or b"") // _EVENT_DTYPE.itemsize for part in packed]
    columns = EventColumns(
        movie_ids=events["movie"].astype(np.int32),
        kinds=events["kind"].astype(np.int8),
        ratings=events["rating"].astype(np.float32),
        completions=events["completion"].astype(np.float32),
    )
    times = events["time"].astype(np.int64) // 1_000_000 + _TIME_ZERO
    held = find_held_events(columns, settings.SEEN_SHARE, np.repeat(np.arange(len(rows)), lengths))
    ends = np.cumsum(lengths)
    if not isinstance(held.rows, slice):
        ends = np.searchsorted(held.rows, ends)
    chosen = (columns.movie_ids[held.rows], times[held.rows], held.kinds, held.ratings, columns.completions[held.rows])
    parts = zip(*(np.split(column, ends[:-1]) for column in chosen), strict=True)
    about = zip(viewer_ids, versions, parts, age_limits, countries, languages, strict=True)
    return [History(viewer, version, *own, *place) for viewer, version, own, *place in about]


def viewer_versions_between(after: int, through: int, limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `limit` viewers whose ids are above `after`, up to `through`: ids, int32 [n], ascending, and
    versions, int64 [n]."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, version FROM catalog_viewer WHERE id > %s AND id <= %s ORDER BY id LIMIT %s",
            [after, through, limit],
        )
        rows = np.array(cursor.fetchall(), np.int64).reshape(-1, 2)
    return rows[:, 0].astype(np.int32), rows[:, 1]


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Let everything in the block be read as of one moment, from the replica where there is one. Within a transaction,
    that one says what is read."""
    is_outermost = not connection.in_atomic_block
    with read_from_replica(), transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def database_identity() -> str:
    """Return what tells this database from others, and from itself before its viewers were restored or emptied."""
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        return str(cursor.fetchone()[0])
