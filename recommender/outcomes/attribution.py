"""Ties what viewers did to the lists that showed them the films.

A list that the client named counts if it was that viewer's, or nobody's, and had the film. Where none was named, the
newest list of the day before that had the film does, and the outcome says so. What is tied to nothing is only counted.
"""

import logging
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from recommender.models import Outcome, ServedList
from recommender.outcomes import new_films
from recommender.outcomes.records import OutcomeRecord
from recommender.record_log import OUTCOMES, store_records
from recommender.served_lists import parse_list_id, served_at
from recommender.served_lists.entry import Films, first_id, is_logged

WINDOW = 86_400.0  # seconds before an outcome in which a list is looked for that was not named
MAX_LISTS = 100_000  # that are looked through for one block, the newest
MAX_DELAY = 2**31 - 1  # seconds

log = logging.getLogger(__name__)


class _Shown(NamedTuple):
    list_id: UUID
    viewer_id: int
    members: Sequence[int]  # of a group
    positions: Mapping[int, int]  # by film


def store_outcomes() -> int:
    """Tie what waits in the stream to lists, and store it. Return how many records were read. To be called when the
    lists are stored; not twice at once. Raises CacheUnavailable."""
    return store_records(OUTCOMES, _store_block)


def _store_block(packed: Sequence[bytes]) -> int:
    records = [record for item in packed if (record := _readable(item)) is not None]
    named = _named_lists(records)
    recent = _recent_lists([record for record in records if not record.list_id])
    rows: list[tuple[object, ...]] = []
    lost: Counter[tuple[str, str]] = Counter()  # day, and reason with kind
    for record in records:
        shown, reason = _find(record, named, recent)
        if shown is None:
            day = datetime.fromtimestamp(record.received_at, UTC).date().isoformat()
            lost.update((day, f"{reason} {Outcome.Kind(kind).label}") for kind in record.kinds)
        else:
            rows += _rows(record, shown, is_attributed=not record.list_id)
    _insert(rows)
    _count_lost(lost)
    return len(records)


def _readable(packed: bytes) -> OutcomeRecord | None:
    try:
        return OutcomeRecord.unpack(packed)
    except (struct.error, UnicodeDecodeError):
        log.warning("An outcome could not be read, and is not stored.")
        return None


def _find(
    record: OutcomeRecord, named: Mapping[str, _Shown], recent: Mapping[int, Sequence[_Shown]]
) -> tuple[_Shown | None, str]:
    """Return the list that showed the film; else None, and why there is none."""
    if not record.list_id:
        end = min(record.occurred_at, record.received_at)
        for shown in recent.get(record.viewer_id, ()):
            if end - WINDOW <= served_at(shown.list_id).timestamp() <= end and record.movie_id in shown.positions:
                return shown, ""
        return None, "no list"
    shown_list = named.get(record.list_id)
    if shown_list is None:
        number = parse_list_id(record.list_id)
        return None, "unrecorded" if number is not None and not is_logged(number) else "unknown"
    if record.viewer_id not in (shown_list.viewer_id, *shown_list.members) and (
        shown_list.viewer_id or shown_list.members
    ):
        return None, "foreign"
    return (shown_list, "") if record.movie_id in shown_list.positions else (None, "other film")


def _named_lists(records: Sequence[OutcomeRecord]) -> dict[str, _Shown]:
    ids = {number for record in records if (number := parse_list_id(record.list_id)) is not None}
    return {row.pk.hex: _shown(row) for row in ServedList.objects.filter(pk__in=ids)} if ids else {}


def _recent_lists(records: Sequence[OutcomeRecord]) -> dict[int, list[_Shown]]:
    """Return the lists that records without a list may come of, the newest first, by viewer."""
    by_viewer: dict[int, list[_Shown]] = defaultdict(list)
    if records:
        now = max(record.received_at for record in records)
        start = max(min(record.occurred_at for record in records), now - 40 * WINDOW) - WINDOW
        viewers = {record.viewer_id for record in records}
        lists = ServedList.objects.filter(viewer_id__in=viewers, pk__gte=first_id(datetime.fromtimestamp(start, UTC)))
        for row in lists.order_by("-pk")[:MAX_LISTS]:
            by_viewer[row.viewer_id].append(_shown(row))
    return by_viewer


def _shown(row: ServedList) -> _Shown:
    films = Films.unpack(bytes(row.films)).movie_ids.tolist()
    positions = {movie_id: position for position, movie_id in reversed(list(enumerate(films)))}
    return _Shown(row.pk, row.viewer_id, row.request.get("members", ()), positions)


def _rows(record: OutcomeRecord, shown: _Shown, *, is_attributed: bool) -> list[tuple[object, ...]]:
    """Return the rows of a record. A clock that is off is bounded by when the list was served and the event came."""
    served = served_at(shown.list_id).timestamp()
    delay = min(MAX_DELAY, int(max(0.0, min(record.occurred_at, record.received_at) - served)))
    position = shown.positions[record.movie_id]
    return [
        (shown.list_id, record.viewer_id, record.movie_id, delay, kind, position, is_attributed)
        for kind in record.kinds
    ]


def _insert(rows: Sequence[tuple[object, ...]]) -> None:
    """Store outcomes, each once for its list, film and kind."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO recommender_outcome (list_id, viewer_id, movie_id, delay, kind, position, is_attributed)
                   SELECT * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::smallint[], %s::smallint[],
                                        %s::bool[])
                   ON CONFLICT DO NOTHING RETURNING movie_id, kind""",
                [list(column) for column in zip(*rows, strict=True)],
            )
            new_films.count(cursor.fetchall())


def _count_lost(lost: Mapping[tuple[str, str], int]) -> None:
    """Add to the counts of what was tied to no list, by day and reason."""
    if lost:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO recommender_outcomesum AS old (day, dimension, value, counts)
                   SELECT day, 'lost', value, jsonb_build_object('count', count)
                   FROM unnest(%s::date[], %s::text[], %s::int[]) AS new (day, value, count)
                   ON CONFLICT (day, dimension, value) DO UPDATE
                   SET counts = jsonb_build_object('count', (old.counts ->> 'count')::int
                                                            + (excluded.counts ->> 'count')::int)""",
                [[day for day, _ in lost], [value for _, value in lost], list(lost.values())],
            )
