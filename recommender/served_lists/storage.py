"""The table of served lists: filled from the stream, one partition a day, dropped after the settings' days."""

import logging
import re
import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from recommender.models import ModelVersion, Outcome, ServedList
from recommender.record_log import SERVED_LISTS, store_records
from recommender.served_lists.entry import ServedEntry, first_id, served_at

MAX_AHEAD = timedelta(days=1)  # of a list's time before this machine's

Observer = Callable[[Iterable[tuple[int, int, datetime]]], None]  # of arm, viewer and time of each list of one
TABLES = ("recommender_servedlist", "recommender_outcome")  # partitioned alike: by the list's id
_PARTITION = re.compile(r"_(\d{8})\Z")
_COPY_HEADER, _COPY_TRAILER = struct.pack(">11sii", b"PGCOPY\n\xff\r\n\0", 0, 0), struct.pack(">h", -1)
_ROW = struct.Struct(">hi16siiiiiiihihih")  # columns; then length and value of each of the first seven

log = logging.getLogger(__name__)


def store_served_lists(observe: Observer) -> int:
    """Copy the lists that wait in the stream into the table. Return their number. Not to be run twice at once.

    `observe` is told of each block in the same transaction. Raises CacheUnavailable.
    """
    return store_records(SERVED_LISTS, partial(_store_block, observe))


def _store_block(observe: Observer, records: Sequence[bytes]) -> int:
    """Store lists in the running transaction. Return how many were stored."""
    entries = [entry for packed in records if (entry := _readable(packed)) is not None]
    models = dict(ModelVersion.objects.values_list("name", "pk"))
    make_partitions({served_at(UUID(bytes=entry.list_id)).date() for entry in entries})
    columns = "id, viewer_id, model_id, arm_id, surface, source, flags, row, request, films"
    rows = (_COPY_HEADER, *(_copy_row(entry, models) for entry in entries), _COPY_TRAILER)
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLES[0]} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join(rows))
    observe((entry.arm_id, entry.viewer_id, served_at(UUID(bytes=entry.list_id))) for entry in entries if entry.arm_id)
    return len(entries)


def _readable(packed: bytes) -> ServedEntry | None:
    """Return an entry; None for bytes of another version, and for a time that no partition is made for."""
    try:
        entry = ServedEntry.unpack(packed)
        at = served_at(UUID(bytes=entry.list_id))
    except (struct.error, ValueError, OverflowError):
        log.warning("A served list could not be read, and is not stored.")
        return None
    now = datetime.now(UTC)
    return entry if now - timedelta(days=settings.SERVED_LISTS_KEPT_DAYS) < at < now + MAX_AHEAD else None


def _copy_row(entry: ServedEntry, models: dict[str, int]) -> bytes:
    """Return an entry as a row of Postgres' binary COPY."""
    model_id, row = models.get(entry.model, 0), entry.row.encode()
    numbers = _ROW.pack(
        *(10, 16, entry.list_id, 4, entry.viewer_id, 4, model_id, 4, entry.arm_id),
        *(2, entry.surface, 2, entry.source, 2, entry.flags),
    )
    texts = ((row, len(row)), (b"\1" + entry.request, 1 + len(entry.request)), (entry.films, len(entry.films)))
    return numbers + b"".join(struct.pack(">i", length) + value for value, length in texts)


def make_partitions(days: Collection[date]) -> None:
    """Make the partitions of these days, of lists and of their outcomes, unless they are there."""
    with connection.cursor() as cursor:
        for day in sorted(days):
            start, end = day_bounds(day)
            for table in TABLES:
                name = f"{table}_{day:%Y%m%d}"
                cursor.execute("SELECT to_regclass(%s)", [name])
                if cursor.fetchone()[0] is None:
                    cursor.execute(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{start}') TO ('{end}')")


def day_bounds(day: date) -> tuple[UUID, UUID]:
    """Return the id from which on lists are of this day (UTC), and the one from which on they are of the next."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return first_id(start), first_id(start + timedelta(days=1))


def stored_days() -> list[date]:
    """Return the days that have a partition, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLES[0]])
        names = [_PARTITION.search(name) for (name,) in cursor.fetchall()]
    return sorted(datetime.strptime(match[1], "%Y%m%d").date() for match in names if match)


def prune() -> int:
    """Drop the days that are past their retention. Return their number."""
    last = datetime.now(UTC).date() - timedelta(days=settings.SERVED_LISTS_KEPT_DAYS)
    old = [day for day in stored_days() if day < last]
    with connection.cursor() as cursor:
        for day in old:
            for table in reversed(TABLES):
                cursor.execute(f"DROP TABLE IF EXISTS {table}_{day:%Y%m%d}")
    return len(old)


def lists_of(viewer_id: int) -> QuerySet[ServedList]:
    """Select a viewer's lists, and those of groups with the viewer."""
    in_group = Q(viewer_id=0, surface=ServedList.Surface.GROUP, request__members__contains=[viewer_id])
    return ServedList.objects.filter(Q(viewer_id=viewer_id) | in_group)


def erase_viewer(viewer_id: int) -> int:
    """Delete a viewer's lists, those of groups with the viewer, and what came of them. Return the number of lists."""
    lists = list(lists_of(viewer_id).values_list("pk", flat=True))
    Outcome.objects.filter(Q(viewer_id=viewer_id) | Q(list_id__in=lists)).delete()
    return ServedList.objects.filter(pk__in=lists).delete()[0]


def move_lists(from_id: int, into_id: int, ids: Iterable[UUID] | None = None) -> list[UUID]:
    """Have a viewer's own lists belong to another; all of them, or those with these ids. Return the ids."""
    own = ServedList.objects.filter(viewer_id=from_id)
    own = own if ids is None else own.filter(pk__in=list(ids))
    moved: Sequence[UUID] = list(own.values_list("pk", flat=True))
    ServedList.objects.filter(viewer_id=from_id, pk__in=moved).update(viewer_id=into_id)
    Outcome.objects.filter(viewer_id=from_id, list_id__in=moved).update(viewer_id=into_id)
    return list(moved)
