"""Events of a data set into Postgres: straight into an empty table, or merged with what is there."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import polars as pl
from django.db import IntegrityError, OperationalError, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable, UniqueViolation

from catalog.dataset import VIEWERS, Dataset
from catalog.errors import CatalogError
from catalog.loading.index_rebuild import drop_indexes
from catalog.loading.made_rows import insert_noting
from catalog.loading.movies import advance_sequence, stage_table
from catalog.loading.pg_binary import HEADER, TRAILER, pack_rows, to_pg_timestamps
from catalog.services.undo.made import MadeRecords, RecordKind

MAX_LOCK_SECONDS = 60.0
# Called with the step, how much of it is done, and how much is expected (None: not counted).
Progress = Callable[[str, int, int | None], None]
_TABLES = tuple(
    f"catalog_{name}"
    for name in ("movie", "viewer", "watchevent", "movie_genres", "movietag", "credit", "genre", "tag", "person")
)

_INVALIDATE = """touched AS (UPDATE catalog_viewer SET version = version + 1, publish_pending = true
                        WHERE id IN (SELECT viewer_id FROM changed))
            SELECT count(*) FROM changed"""
_UPDATE_CHANGED = f"""
    WITH first AS (SELECT DISTINCT ON (viewer_id, occurred_at, movie_id, kind) * FROM staged_events
                   ORDER BY viewer_id, occurred_at, movie_id, kind, place),
    changed AS (
      UPDATE catalog_watchevent e SET rating = s.rating, completion = s.completion,
        id = nextval(pg_get_serial_sequence('catalog_watchevent', 'id'))  -- who takes the former one back finds none
      FROM first s
      WHERE (e.viewer_id, e.occurred_at, e.movie_id, e.kind) = (s.viewer_id, s.occurred_at, s.movie_id, s.kind)
        AND (e.rating, e.completion) IS DISTINCT FROM (s.rating, s.completion)
      RETURNING e.viewer_id),
    {_INVALIDATE}
"""
# The ranges of the new ids; another writer may have taken some between them.
_RANGES = """, (SELECT array_agg(ARRAY[first, below] ORDER BY first) FROM (
              SELECT min(id) AS first, max(id) + 1 AS below FROM (
                SELECT id, id - row_number() OVER (ORDER BY id) AS island FROM changed) numbered
              GROUP BY island) ranges)"""
# The anti-join leaves little for ON CONFLICT, which is slow: rows that are repeated in the set, or that another writer
# adds right now.
_INSERT_MISSING = f"""
    WITH changed AS (
      INSERT INTO catalog_watchevent (occurred_at, viewer_id, movie_id, rating, completion, kind)
      SELECT occurred_at, viewer_id, movie_id, rating, completion, kind FROM staged_events s
      WHERE NOT EXISTS (
        SELECT 1 FROM catalog_watchevent e
        WHERE (e.viewer_id, e.occurred_at, e.movie_id, e.kind) = (s.viewer_id, s.occurred_at, s.movie_id, s.kind))
      ORDER BY place
      ON CONFLICT DO NOTHING RETURNING viewer_id, id),
    {_INVALIDATE.replace("count(*)", "count(*){ranges}")}
"""


class EventCounts(NamedTuple):
    """What was read and changed; the fields mean what they mean in LoadReport."""

    events: int
    viewers: int
    created: int
    updated: int
    repeated: int


def lock_if_empty(cursor: CursorWrapper, *, keep_demo: bool) -> bool:
    """Lock all tables until the transaction ends where no event is to stay. Returns whether that is so.

    The first lock is on the movies, as record_events() locks these first: a writer then waits without holding a lock,
    and cannot deadlock with the import.
    """
    if _has_events_to_keep(cursor, keep_demo):
        return False
    cursor.execute("LOCK TABLE catalog_movie IN EXCLUSIVE MODE")
    if _has_events_to_keep(cursor, keep_demo):
        return False
    lock_out_readers(cursor)
    return True


def lock_out_readers(cursor: CursorWrapper) -> None:
    """Lock every table that the load empties or rebuilds, against readers too.

    A reader who holds one table may want another. Each try waits for less than Postgres does before it ends a deadlock,
    and releases all tables again. Raises CatalogError after MAX_LOCK_SECONDS.
    """
    cursor.execute("SET LOCAL lock_timeout = '300ms'")
    until = time.monotonic() + MAX_LOCK_SECONDS
    while True:
        try:
            with transaction.atomic():
                cursor.execute(f"LOCK TABLE {', '.join(_TABLES)} IN ACCESS EXCLUSIVE MODE")
            break
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            if time.monotonic() > until:
                raise CatalogError(
                    "The tables are in use all the time; stop what reads them, then start again."
                ) from error
    cursor.execute("SET LOCAL lock_timeout = 0")


def _has_events_to_keep(cursor: CursorWrapper, keep_demo: bool) -> bool:
    not_of_demo = """WHERE NOT EXISTS (SELECT 1 FROM catalog_viewer v WHERE v.id = e.viewer_id AND v.is_simulated)
                AND NOT EXISTS (SELECT 1 FROM catalog_movie m WHERE m.id = e.movie_id AND m.is_demo)"""
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM catalog_watchevent e {'' if keep_demo else not_of_demo})")
    return bool(cursor.fetchone()[0])


def replace_events(
    cursor: CursorWrapper, dataset: Dataset, first_version: int, progress: Progress, made: MadeRecords | None
) -> EventCounts:
    """Load events into the empty table, without indexes and constraints, which are built over all rows afterwards.

    Emptied in this very transaction, the table's new pages need neither the log (wal_level = minimal) nor a later
    vacuum (FREEZE).
    """
    rebuild = drop_indexes(cursor, "catalog_watchevent")
    cursor.execute("TRUNCATE catalog_watchevent")
    cursor.execute("SELECT nextval(pg_get_serial_sequence('catalog_watchevent', 'id'))")
    first_id = cursor.fetchone()[0]
    rows = _PackedRows(dataset, first_id)
    columns = "id, occurred_at, viewer_id, movie_id, rating, completion, kind"
    _copy(cursor, f"COPY catalog_watchevent ({columns}) FROM STDIN (FORMAT binary, FREEZE)", rows, progress)
    viewers = rows.viewers()
    _write_viewers(cursor, dataset, viewers, first_version, made, touch=True)
    repeated = 0
    for number, statement in enumerate(rebuild):
        progress("indexes", number, len(rebuild))
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            repeated = _delete_repeated(cursor)
            cursor.execute(statement)
    advance_sequence(cursor, "catalog_watchevent")
    if made is not None and rows.count:
        made.event_ranges.append((first_id, first_id + rows.count))
    return EventCounts(rows.count, viewers.height, rows.count - repeated, 0, repeated)


def merge_events(
    cursor: CursorWrapper, dataset: Dataset, first_version: int, progress: Progress, made: MadeRecords | None
) -> EventCounts:
    """Load events beside those that stay: staged, then new ones inserted and different ones updated."""
    cursor.execute(
        """CREATE TEMP TABLE staged_events (place bigint, occurred_at timestamptz, viewer_id integer, movie_id integer,
                                            rating real, completion real, kind smallint) ON COMMIT DROP"""
    )
    rows = _PackedRows(dataset, first_id=0)
    _copy(cursor, "COPY staged_events FROM STDIN (FORMAT binary)", rows, progress)
    cursor.execute("ANALYZE staged_events")
    progress("merging", 0, None)
    # Locked by id and before the events, as in record_events().
    viewers = rows.viewers()
    _write_viewers(cursor, dataset, viewers, first_version, made, touch=False)
    cursor.execute(_UPDATE_CHANGED)
    updated = cursor.fetchone()[0]
    cursor.execute(_INSERT_MISSING.format(ranges=_RANGES if made is not None else ""))
    created, *ranges = cursor.fetchone()
    if made is not None:
        made.changed += updated
        made.event_ranges += [(first, below) for of_import in ranges for first, below in of_import or ()]
    cursor.execute("SELECT count(*) FROM (SELECT DISTINCT viewer_id, occurred_at, movie_id, kind FROM staged_events) d")
    repeated = rows.count - cursor.fetchone()[0]
    cursor.execute("DROP TABLE staged_events")
    return EventCounts(rows.count, viewers.height, created, updated, repeated)


class _PackedRows(Iterator[tuple[bytes, int]]):
    """Packs the events of a data set chunk by chunk: (bytes, number of rows). Counts rows and notes their viewers."""

    def __init__(self, dataset: Dataset, first_id: int) -> None:
        self._frames = iter(dataset.events)
        self._first_id = first_id
        self.expected = dataset.expected_events
        self._with_name = dataset.viewers.select(list(VIEWERS))
        self._active: list[pl.DataFrame] = []  # a chunk's viewers and their first events
        self.count = 0

    def __next__(self) -> tuple[bytes, int]:
        frame = next(self._frames)
        self._active.append(frame.group_by("viewer").agg(pl.col("occurred_at").min()))
        first = self._first_id + self.count
        self.count += frame.height
        ids = pl.Series(np.arange(first, first + frame.height, dtype=np.int64))
        times = frame.select(to_pg_timestamps(pl.col("occurred_at"))).to_series()
        columns = [frame[name] for name in ("viewer", "movie", "rating", "completion", "kind")]
        return pack_rows([ids, times, *columns]), frame.height

    def viewers(self) -> pl.DataFrame:
        """Return the viewers with a name or an event: id, name, and `since`, the first event as unix seconds."""
        active = pl.concat([pl.DataFrame(schema={"viewer": pl.Int32, "occurred_at": pl.Int64}), *self._active])
        first = active.group_by(id="viewer").agg(since=pl.col("occurred_at").min())
        return self._with_name.join(first, on="id", how="full", coalesce=True)


def _copy(cursor: CursorWrapper, statement: str, rows: _PackedRows, progress: Progress) -> None:
    """Copy all rows: a thread reads and packs the next chunk while the server takes in the one before."""
    with ThreadPoolExecutor(1) as reader, cursor.copy(statement) as copy:
        copy.write(HEADER)
        done, pending = 0, reader.submit(next, rows, None)
        while chunk := pending.result():
            pending = reader.submit(next, rows, None)
            copy.write(chunk[0])
            done += chunk[1]
            progress("events", done, rows.expected)
        copy.write(TRAILER)


def _write_viewers(
    cursor: CursorWrapper,
    dataset: Dataset,
    viewers: pl.DataFrame,
    first_version: int,
    made: MadeRecords | None,
    *,
    touch: bool,
) -> None:
    """Create the viewers that are missing and lock the others, by id. `touch`: raises the versions of the others too.

    Who is new came at the first of their events: the operator who loads a data set vouches for it, which no client can.
    """
    stage_table(cursor, "staged_viewers", viewers)
    new_version = "v.version + 1, publish_pending = true" if touch else "v.version"
    insert_noting(
        cursor,
        f"""INSERT INTO catalog_viewer AS v (id, name, is_simulated, created_at, version, publish_pending)
            SELECT id, coalesce(name, ''), %s, least(now(), to_timestamp(since)), %s, false
            FROM staged_viewers ORDER BY id
            ON CONFLICT (id) DO UPDATE
              SET name = coalesce(nullif(EXCLUDED.name, ''), v.name), is_session = false, version = {new_version}""",
        RecordKind.VIEWERS,
        made,
        [dataset.is_demo, first_version],
    )
    cursor.execute("DROP TABLE staged_viewers")
    advance_sequence(cursor, "catalog_viewer")


def _delete_repeated(cursor: CursorWrapper) -> int:
    """Delete rows that state the same event as an earlier row. Returns how many."""
    cursor.execute(
        """DELETE FROM catalog_watchevent WHERE id IN (
             SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY viewer_id, occurred_at, movie_id, kind
                                                           ORDER BY id) AS place FROM catalog_watchevent) numbered
             WHERE place > 1)"""
    )
    return int(cursor.rowcount)
