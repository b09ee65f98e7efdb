"""What came of a day's lists, summed up by their properties.

The unit is a viewer's day: a viewer who clicks much is one viewer, so intervals are made of the sums over viewers, of
their squares and products. Lists of nobody are a unit each. Viewers who click faster than people do are left out.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from math import log2
from typing import Any

import numpy as np
from django.db import connection, transaction

from catalog.models import Movie
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.models import ExperimentArm, ModelVersion, OutcomeSum, ServedList
from recommender.outcomes import drift
from recommender.served_lists.entry import Films
from recommender.served_lists.storage import day_bounds, stored_days

NEW_VIEWER_DAYS = 7
NEW_FILM_DAYS = 30
BOT_CLICKS = 60  # in one minute
MAX_SAMPLE = 20_000  # lists of a day whose films are looked at
PERSONAL = (ServedList.Source.CACHE, ServedList.Source.MODEL)  # whose scores are the model's
COUNTED = (
    *("lists", "empty", "impressions", "clicks", "plays", "completions", "likes", "ratings", "watchlist"),
    "rejections",
)
RATES = {"click_through": ("clicks", "impressions"), "play_rate": ("plays", "impressions")}
RATES |= {"watch_through": ("completions", "plays"), "rejection_rate": ("rejections", "impressions")}

_PER_LIST = """
CREATE TEMPORARY TABLE per_list ON COMMIT DROP AS
WITH outcomes AS (
  SELECT * FROM recommender_outcome WHERE list_id >= %(start)s AND list_id < %(end)s
), bots AS (
  SELECT DISTINCT viewer_id FROM (
    SELECT viewer_id FROM outcomes WHERE kind = 2
    GROUP BY viewer_id, (('x' || left(replace(list_id::text, '-', ''), 12))::bit(48)::bigint / 1000 + delay) / 60
    HAVING count(*) > %(bot_clicks)s) minutes
), counted AS (
  SELECT list_id, min(viewer_id) AS viewer_id,
    count(*) FILTER (WHERE kind = 1) AS impressions, count(*) FILTER (WHERE kind = 2) AS clicks,
    count(*) FILTER (WHERE kind = 3) AS plays, count(*) FILTER (WHERE kind = 4) AS completions,
    count(*) FILTER (WHERE kind = 5) AS likes, count(*) FILTER (WHERE kind = 6) AS ratings,
    count(*) FILTER (WHERE kind = 7) AS watchlist, count(*) FILTER (WHERE kind IN (8, 9)) AS rejections
  FROM outcomes GROUP BY list_id
)
SELECT list.id, CASE WHEN list.viewer_id = 0 THEN list.id::text ELSE list.viewer_id::text END AS unit,
  list.surface, split_part(list.row, ':', 1) AS row, list.source, list.model_id AS model, list.arm_id AS arm,
  CASE WHEN viewer.id IS NULL THEN 'unknown' WHEN viewer.created_at > %(new_since)s THEN 'new' ELSE 'returning' END
    AS viewers,
  (counted.list_id IS NULL)::int AS empty,
  coalesce(impressions, 0) AS impressions, coalesce(clicks, 0) AS clicks, coalesce(plays, 0) AS plays,
  coalesce(completions, 0) AS completions, coalesce(likes, 0) AS likes, coalesce(ratings, 0) AS ratings,
  coalesce(watchlist, 0) AS watchlist, coalesce(rejections, 0) AS rejections
FROM recommender_servedlist AS list
LEFT JOIN counted ON counted.list_id = list.id
LEFT JOIN catalog_viewer AS viewer ON viewer.id = list.viewer_id
WHERE list.id >= %(start)s AND list.id < %(end)s
  AND coalesce(nullif(list.viewer_id, 0), counted.viewer_id, 0) NOT IN (SELECT viewer_id FROM bots)
"""
_PER_POSITION = """
CREATE TEMPORARY TABLE per_position ON COMMIT DROP AS
SELECT unit, outcome.position, count(DISTINCT list_id) AS lists, 0 AS empty,
  count(*) FILTER (WHERE kind = 1) AS impressions, count(*) FILTER (WHERE kind = 2) AS clicks,
  count(*) FILTER (WHERE kind = 3) AS plays, count(*) FILTER (WHERE kind = 4) AS completions,
  count(*) FILTER (WHERE kind = 5) AS likes, count(*) FILTER (WHERE kind = 6) AS ratings,
  count(*) FILTER (WHERE kind = 7) AS watchlist, count(*) FILTER (WHERE kind IN (8, 9)) AS rejections
FROM recommender_outcome AS outcome JOIN per_list ON per_list.id = outcome.list_id
WHERE outcome.list_id >= %(start)s AND outcome.list_id < %(end)s
GROUP BY unit, outcome.position
"""


def refresh_sums(days: int = 2) -> int:
    """Sum up the newest days again. Return how many days have lists."""
    newest = [day for day in stored_days() if day > datetime.now(UTC).date() - timedelta(days=days)]
    for day in newest:
        refresh_day(day)
    return len(newest)


def refresh_day(day: date) -> None:
    """Sum up a day's lists and what came of them, in place of the sums that were there."""
    start, end = day_bounds(day)
    new_since = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=NEW_VIEWER_DAYS)
    values: dict[str, Any] = {"start": start, "end": end, "bot_clicks": BOT_CLICKS, "new_since": new_since}
    models = dict(ModelVersion.objects.values_list("pk", "name"))
    arms = {
        arm.pk: f"{arm.experiment.name}: {arm.name}"[:80] for arm in ExperimentArm.objects.select_related("experiment")
    }
    dimensions: dict[str, tuple[str, Callable[[Any], str]]] = {
        "all": ("''", str),
        "surface": ("surface", lambda value: ServedList.Surface(value).label),
        "row": ("row", str),
        "source": ("source", lambda value: ServedList.Source(value).label if value else ""),
        "model": ("model", lambda value: models.get(value, "")),
        "arm": ("arm", lambda value: arms.get(value, "")),
        "viewers": ("viewers", str),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PER_LIST, values)
        cursor.execute(_PER_POSITION, values)
        sums = _sum_up_films(cursor, day, values)
        for dimension, (column, label) in dimensions.items():
            sums += _sum_up(cursor, day, dimension, column, "per_list", label)
        sums += _sum_up(cursor, day, "position", "position", "per_position", str)
        cursor.execute("DROP TABLE per_list, per_position")
        OutcomeSum.objects.filter(day=day).exclude(dimension="lost").delete()
        OutcomeSum.objects.bulk_create(sums)


def _sum_up(
    cursor: Any, day: date, dimension: str, column: str, table: str, label: Callable[[Any], str]
) -> list[OutcomeSum]:
    """Return the sums of each value of a column."""
    counted = [name for name in COUNTED if name != "lists"]
    lists = "count(*)" if table == "per_list" else "sum(lists)"
    totals = ", ".join(f"sum({name})" for name in COUNTED)
    pairs = sorted({tuple(sorted(pair)) for n, x in RATES.values() for pair in ((n, n), (n, x), (x, x))})
    products = ", ".join(f"sum({one} * {other})" for one, other in pairs)
    of_unit = ", ".join(f"sum({name}) AS {name}" for name in counted)
    cursor.execute(
        f"""SELECT value, count(*), {totals}, {products} FROM (
              SELECT unit, {column} AS value, {lists} AS lists, {of_unit}
              FROM {table} GROUP BY 1, 2) AS units
            GROUP BY value"""
    )
    names = ["units", *COUNTED, *(f"{one}*{other}" for one, other in pairs)]
    return [
        OutcomeSum(
            day=day,
            dimension=dimension,
            value=label(value),
            counts={name: int(count) for name, count in zip(names, counts, strict=True)},
        )
        for value, *counts in cursor.fetchall()
    ]


def _sum_up_films(cursor: Any, day: date, values: dict[str, Any]) -> list[OutcomeSum]:
    """Sum up the films of a sample of the day's lists: how many there are, how many of the places new ones had, how
    novel they are, of which genres, and with which scores."""
    cursor.execute("SELECT count(*) FROM per_list")
    count = cursor.fetchone()[0]
    share = min(1.0, MAX_SAMPLE / max(count, 1))
    cursor.execute(
        """SELECT films, source FROM recommender_servedlist
           WHERE id >= %(start)s AND id < %(end)s AND get_byte(uuid_send(id), 14) < %(bytes)s""",
        values | {"bytes": round(256 * share)},
    )
    lists = 0
    shown: Counter[int] = Counter()
    scores: Counter[str] = Counter()
    for packed, source in cursor.fetchall():
        films, lists = Films.unpack(bytes(packed)), lists + 1
        shown.update(films.movie_ids.tolist())
        if films.scores is not None and source in PERSONAL:
            finite = films.scores[np.isfinite(films.scores)]
            scores.update(str(drift.score_class(score)) for score in finite.tolist())
    added_since = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=NEW_FILM_DAYS)
    new = Movie.objects.filter(added_at__gt=added_since).values_list("pk", flat=True)
    counts: dict[str, float] = {
        "lists": lists,
        "films": len(shown),
        "catalogue": Movie.objects.count(),
        "places": shown.total(),
        "new": sum(shown[movie_id] for movie_id in new),
    }
    if (bits := _count_bits(shown)) is not None:
        counts["bits"] = round(bits, 3)
    cursor.execute(
        """SELECT genre.name, sum(shown.places)::bigint FROM unnest(%s::int[], %s::int[]) AS shown (movie_id, places)
           JOIN catalog_movie_genres AS of_movie USING (movie_id) JOIN catalog_genre AS genre
           ON genre.id = of_movie.genre_id GROUP BY genre.name""",
        [list(shown.keys()), list(shown.values())],
    )
    genres = dict(cursor.fetchall())
    named = {"shown": counts, "scores": dict(scores), "genres": genres}
    return [OutcomeSum(day=day, dimension=name, value="", counts=of_day) for name, of_day in named.items()]


def _count_bits(shown: Mapping[int, int]) -> float | None:
    """Return the sum over places of -log2 p, p the film's share of all watches (Vargas and Castells 2011): how little
    known the films are. A film that nobody watched counts as watched once. None where watches are not counted yet."""
    try:
        watches = cache.read_watch_counts()
    except CacheUnavailable:
        return None
    if watches is None or not len(watches.movie_ids):
        return None
    counts = watches.counts[:, -1]  # of all times
    of_movie = dict(zip(watches.movie_ids.tolist(), counts.tolist(), strict=True))
    whole = max(float(counts.sum()), 1.0)
    return sum(-log2(max(of_movie.get(movie_id, 0.0), 1.0) / whole) * places for movie_id, places in shown.items())
