"""What everyone watches, lately and as a rule."""

from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from catalog.models import WatchEvent

WORTH_WATCHING = 3.0  # stars: a rating below speaks against the film

_COUNTED = "kind = ANY(%(kinds)s::int[]) AND (rating IS NULL OR rating >= %(stars)s) AND occurred_at <= now()"
# Postgres takes a power that underflows for an error: beyond e^-600 nothing counts any more.
_WEIGHT = """sum(exp(greatest(-600, least(0, (date_part('epoch', occurred_at) - %(end)s) / %({decay})s))))"""
_WATCHING = f"""
    SELECT movie_id, {_WEIGHT.format(decay="lately")}, {_WEIGHT.format(decay="usually")} AS usual
    FROM catalog_watchevent {{sample}} WHERE {_COUNTED}
    GROUP BY movie_id ORDER BY usual DESC, movie_id LIMIT %(limit)s
"""
_NEWEST = f"""
    SELECT floor(date_part('epoch', occurred_at))::bigint FROM catalog_watchevent {{sample}}
    WHERE {_COUNTED} ORDER BY occurred_at DESC LIMIT %(limit)s
"""


class Watching(NamedTuple):
    """How much each film is watched: watches and good ratings, each worth half after every half-life before the end."""

    movie_ids: np.ndarray  # int32 [n], those watched most as a rule first
    lately: np.ndarray  # float64 [n], with the short half-life
    usually: np.ndarray  # float64 [n], with the long one


def watching(
    end: int, lately_days: float, usually_days: float, *, limit: int, sample_rows: int | None = None
) -> Watching:
    """Seen from the moment `end` (unix seconds); what was watched after it counts in full. Half-lives in days.

    Reads every event, or about `sample_rows` of them, taken by whole pages, where there are more.
    """
    decays = {"lately": _decay(lately_days), "usually": _decay(usually_days)}
    rows = _rows(_WATCHING, sample_rows, {"end": end, **decays, "limit": limit})
    movie_ids, lately, usually = zip(*rows, strict=True) if rows else ((), (), ())
    return Watching(np.array(movie_ids, np.int32), np.array(lately, np.float64), np.array(usually, np.float64))


def newest_watches(limit: int, *, sample_rows: int | None = None) -> np.ndarray:
    """When the newest watches and good ratings happened: unix seconds, int64 [<=limit], the newest first. None of them
    lies ahead of the clock."""
    return np.array([row[0] for row in _rows(_NEWEST, sample_rows, {"limit": limit})], np.int64)


def _decay(half_life_days: float) -> float:
    return half_life_days * 86_400 / np.log(2).item()


def _rows(statement: str, sample_rows: int | None, values: dict[str, Any]) -> list[tuple]:
    kinds = [WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING]
    clause = sample(sample_rows)[0] if sample_rows is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(sample=clause), {"kinds": kinds, "stars": WORTH_WATCHING, **values})
        return cursor.fetchall()


def sample(rows: int) -> tuple[str, float]:
    """A TABLESAMPLE clause, and which part of the events it takes (0..1), by the planner's own estimate of the table;
    nothing, and 1, where it is small or not analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_watchevent'::regclass")
        estimate = cursor.fetchone()[0]
    return (f"TABLESAMPLE SYSTEM ({100 * rows / estimate:.6f})", rows / estimate) if estimate > rows else ("", 1.0)
