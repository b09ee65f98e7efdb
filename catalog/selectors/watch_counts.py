"""What everyone watches, recently and in the long term: counts of viewers, never of events.

All SQL behind the charts is here. Clients choose the ids of viewers and the times of events, so neither is trusted:

- a movie counts once for each viewer, at its latest watch, or at their rating where that is good: by the last word, as
  in `catalog.last_word`;
- a viewer counts once the site has known them for some days (`created_at`, which the server sets) and has seen more
  than a movie or two of theirs, or has known them for long;
- the viewers who came on one day count together as at most a share of those before them, and, while they are not long
  known, at most so much for one movie;
- however much one viewer watches, their movies count together as at most `max_recent` and `max_long_term`.

A site with hardly any such viewers is new: there the viewers count who came recently, and on the first day everybody.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection

from catalog.models import WatchEvent

MIN_GOOD_RATING = 3.0  # stars: a rating below speaks against the movie
LONG_KNOWN_DAYS = 30  # since a viewer came; then one movie is enough
COHORT_SHARE, MIN_COHORT_WEIGHT = 0.1, 50  # what the viewers of one day count for: of the viewers before them; viewers
MOVIE_SHARE, MIN_MOVIE_WEIGHT = 0.05, 3  # what they count for one movie, while not long known: of that; viewers
MIN_AUDIENCE = 20  # viewers
PRIOR_RATINGS = 10  # average ratings that each movie is given before its own

_WATCHED = """(kind = 8 OR (kind IN (1, 7) AND (rating IS NULL OR rating >= %(stars)s)
  AND coalesce(completion, CASE kind WHEN 1 THEN 1 ELSE 0 END) >= %(seen_share)s::real))"""
_COUNTS = f"({_WATCHED} OR (kind = 2 AND rating >= %(stars)s)) AND occurred_at <= now()"
# A viewer's movies by the last word. A moment in microseconds and the half stars are one number, as one moment has one
# rating: the greatest is the newest, and half the low four bits are its stars.
_BY_LAST_WORD = f"""
    SELECT movie_id, greatest(watched, CASE WHEN (rated & 15) / 2.0 >= %(stars)s THEN rated_at END) AS occurred_at
    FROM (SELECT movie_id, max(occurred_at) FILTER (WHERE {_WATCHED}) AS watched,
            max(occurred_at) FILTER (WHERE kind = 2) AS rated_at,
            max((date_part('epoch', occurred_at) * 1000000)::bigint * 16 + (rating * 2)::int)
              FILTER (WHERE kind = 2) AS rated,
            max(occurred_at) FILTER (WHERE kind = 9) AS unwatched
          FROM catalog_watchevent e
          WHERE e.viewer_id = {{viewer}} AND kind IN (1, 2, 7, 8, 9) AND occurred_at <= now()
          GROUP BY movie_id) said
    WHERE greatest(watched, CASE WHEN (rated & 15) / 2.0 >= %(stars)s THEN rated_at END)
      > coalesce(unwatched, '-infinity')
"""
_DAY = "(occurred_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01'"
_IS_LONG_KNOWN = f"v.created_at <= now() - interval '{LONG_KNOWN_DAYS} days'"
_PAST_PROBATION = "v.created_at <= now() - make_interval(days => %(probation_days)s)"
_AUDIENCE = f"""
    SELECT count(*) FROM (
      SELECT 1 FROM catalog_viewer v WHERE {_PAST_PROBATION} AND (
        SELECT count(*) FROM (SELECT DISTINCT movie_id FROM catalog_watchevent e
                              WHERE e.viewer_id = v.id AND {_COUNTS} LIMIT %(min_movies)s) movies
      ) >= CASE WHEN {_IS_LONG_KNOWN} THEN 1 ELSE %(min_movies)s END
      LIMIT {MIN_AUDIENCE}) enough
"""
_VIEWERS = f"""
    cohort AS MATERIALIZED (
      SELECT day, size, before,
        CASE WHEN before = 0 THEN size
             ELSE least(size, greatest({MIN_COHORT_WEIGHT}, {COHORT_SHARE} * before)) END AS counts_for
      FROM (SELECT created_at::date AS day, count(*) AS size,
              sum(count(*)) OVER (ORDER BY created_at::date) - count(*) AS before
            FROM catalog_viewer GROUP BY 1) came),
    chosen AS MATERIALIZED (
      SELECT v.id, {_IS_LONG_KNOWN} AS long_known,
        CASE WHEN before > 0 AND NOT {_IS_LONG_KNOWN} THEN day END AS new_cohort,
        least(1, counts_for / size)::float8 AS weight,
        greatest({MIN_MOVIE_WEIGHT}, {MOVIE_SHARE} * counts_for) AS max_movie_weight
      FROM catalog_viewer AS v {{sample}} JOIN cohort ON day = v.created_at::date
      WHERE {_PAST_PROBATION})
"""
_BY_DAY = f"""
    WITH {_VIEWERS}
    SELECT day, sum(weight) FROM chosen CROSS JOIN LATERAL (
      SELECT DISTINCT {_DAY} AS day FROM catalog_watchevent e
      WHERE e.viewer_id = chosen.id AND kind = ANY(%(kinds)s::int[]) AND occurred_at <= now()) active
    GROUP BY day ORDER BY day
"""
_DAY_INDEX = "greatest(1, least(%(days)s, day - %(first)s + 1))"
_WATCH_WEIGHTS = f"""
    WITH {_VIEWERS}
    SELECT movie_id, sum(least(recent, max_movie_weight)), sum(least(long_term, max_movie_weight)) AS total FROM (
    SELECT movie_id, sum(weight * recent) AS recent, sum(weight * long_term) AS long_term,
      CASE WHEN new_cohort IS NOT NULL THEN max(max_movie_weight) END AS max_movie_weight
    FROM chosen CROSS JOIN LATERAL (
      SELECT movie_id, count(*) OVER () AS movies,
        recent * least(1, %(max_recent)s / sum(recent) OVER ()) AS recent,
        long_term * least(1, %(max_long_term)s / sum(long_term) OVER ()) AS long_term
      FROM (SELECT movie_id, (%(recent)s::float8[])[{_DAY_INDEX}] AS recent,
              (%(long_term)s::float8[])[{_DAY_INDEX}] AS long_term
            FROM (SELECT movie_id, {_DAY} AS day FROM ({_BY_LAST_WORD.format(viewer="chosen.id")}) held) watched
            ) once) movies
    WHERE long_known OR movies >= %(min_movies)s
    GROUP BY movie_id, new_cohort) by_cohort
    GROUP BY movie_id ORDER BY total DESC, movie_id LIMIT %(limit)s
"""
# A movie's ratings are the newest of each viewer, by the last word. What a cohort counts for is bounded as above.
_RATINGS = f"""
    WITH {_VIEWERS}
    SELECT movie_id, sum(stars * share), sum(viewers * share) FROM (
    SELECT movie_id, sum(weight * rating) AS stars, sum(weight) AS viewers,
      CASE WHEN new_cohort IS NULL THEN 1 ELSE least(1, max(max_movie_weight) / sum(weight)) END AS share
    FROM chosen CROSS JOIN LATERAL (
      SELECT movie_id, rating, count(*) OVER () AS movies FROM (
        SELECT DISTINCT ON (movie_id) movie_id, rating FROM catalog_watchevent e
        WHERE e.viewer_id = chosen.id AND kind = 2 AND rating IS NOT NULL AND occurred_at <= now()
        ORDER BY movie_id, occurred_at DESC) newest) rated
    WHERE long_known OR movies >= %(min_movies)s
    GROUP BY movie_id, new_cohort) by_cohort
    GROUP BY movie_id ORDER BY movie_id
"""
_NEW_VIEWERS = """
    WITH came AS MATERIALIZED (
      SELECT id FROM catalog_viewer WHERE created_at > now() - interval '1 day'
      ORDER BY created_at DESC LIMIT %(limit)s),
    watched AS (
      SELECT DISTINCT came.id, e.movie_id FROM came JOIN catalog_watchevent e ON e.viewer_id = came.id
      WHERE kind = ANY(%(kinds)s::int[]))
    SELECT came.count, movie_id, title, coalesce(viewers, 0) FROM (SELECT count(*) FROM came) came LEFT JOIN (
      SELECT movie_id, title, count(*) AS viewers FROM watched JOIN catalog_movie m ON m.id = movie_id
      GROUP BY movie_id, title ORDER BY viewers DESC, movie_id LIMIT 1) favourite ON true
"""
_KINDS = [WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING, WatchEvent.Kind.PROGRESS, WatchEvent.Kind.REWATCH]


class Audience(NamedTuple):
    """Which viewers count for charts."""

    probation_days: int  # since they came
    min_movies: int  # different ones, for viewers who are not long known


# The first that has MIN_AUDIENCE viewers counts; the last is everybody.
AUDIENCES = (Audience(3, 3), Audience(0, 3), Audience(0, 1))


class WatchWeights(NamedTuple):
    """How many viewers each movie counts for, under two decays."""

    movie_ids: np.ndarray  # int32 [n], the greatest long-term weight first
    recent: np.ndarray  # float64 [n]
    long_term: np.ndarray  # float64 [n]


class NewViewers(NamedTuple):
    """The viewers who came within a day, and the movie that most of them watched."""

    viewers: int
    movie_id: int | None  # None: none of them watched anything
    title: str | None
    watched_by: int  # of the viewers


def choose_audience() -> Audience:
    """Choose whose watches count for charts on this site, by how old it is."""
    values = {"stars": MIN_GOOD_RATING}
    for audience in AUDIENCES:
        if _rows(_AUDIENCE, values | audience._asdict())[0][0] >= MIN_AUDIENCE:
            return audience
    return AUDIENCES[-1]


def viewers_by_day(counted: Audience, *, sample_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return days (int64 [n], since 1970, ascending) and how many viewers watched or rated on each (float64 [n])."""
    clause, share = _viewer_sample(sample_rows)
    rows = _rows(_BY_DAY.format(sample=clause), counted._asdict())
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64) / share


def watch_weights(
    counted: Audience,
    first_day: int,
    recent: Sequence[float],
    long_term: Sequence[float],
    *,
    max_recent: float,
    max_long_term: float,
    limit: int,
    sample_rows: int | None = None,
) -> WatchWeights:
    """Return the `limit` movies with the most viewers, and what they count for.

    `recent`, `long_term`: what a watch counts on each day from `first_day` (since 1970) on, above 0; a watch outside
    those days counts as on the nearest of them. Reads the events of every viewer, or of so many viewers as have about
    `sample_rows` of them where there are more.
    """
    values = {
        "first": first_day,
        "days": len(recent),
        "recent": list(recent),
        "long_term": list(long_term),
        "max_recent": max_recent,
        "max_long_term": max_long_term,
        "limit": limit,
        **counted._asdict(),
        "stars": MIN_GOOD_RATING,
    }
    rows = _rows(_WATCH_WEIGHTS.format(sample=_viewer_sample(sample_rows)[0]), values)
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    movie_ids, recent_weights, long_term_weights = columns
    return WatchWeights(
        np.array(movie_ids, np.int32), np.array(recent_weights, np.float64), np.array(long_term_weights, np.float64)
    )


def mean_ratings(counted: Audience) -> tuple[np.ndarray, np.ndarray]:
    """Return the rated movies (int32 [n]) and their mean ratings in stars (float64 [n]). Reads every viewer's events.

    A mean of few ratings is drawn to that of all: each is as if PRIOR_RATINGS more viewers had given the average.
    """
    rows = _rows(_RATINGS.format(sample=""), counted._asdict())
    if not rows:
        return np.empty(0, np.int32), np.empty(0)
    movie_ids, stars, viewers = zip(*rows, strict=True)
    sums, counts = np.array(stars, np.float64), np.array(viewers, np.float64)
    average = sums.sum() / counts.sum()
    means = (sums + PRIOR_RATINGS * average) / (counts + PRIOR_RATINGS)
    return np.array(movie_ids, np.int32), means.round(6)  # so that equal ones are equal, whatever was added up first


def new_viewers(limit: int = 20_000) -> NewViewers:
    """Return the viewers of the last day, `limit` of them at most, and their favourite.

    New viewers do not count for charts yet: this shows whether somebody tries to make a movie popular.
    """
    return NewViewers(*_rows(_NEW_VIEWERS, {"limit": limit})[0])


def _rows(statement: str, values: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kinds": _KINDS, "seen_share": settings.SEEN_SHARE, **values})
        return cursor.fetchall()


def _viewer_sample(rows: int | None) -> tuple[str, float]:
    """Sample viewers one by one, as a page of their table has many."""
    return tablesample_clause(rows, "BERNOULLI") if rows is not None else ("", 1.0)


def tablesample_clause(rows: int, method: str = "SYSTEM") -> tuple[str, float]:
    """Return a TABLESAMPLE clause for about `rows` events, and which share of the events it reads (0..1).

    By the planner's own estimate of the table; nothing, and 1, where it is small or not analysed.
    """
    estimate = estimate_events()
    return (f"TABLESAMPLE {method} ({100 * rows / estimate:.6f})", rows / estimate) if estimate > rows else ("", 1.0)


def estimate_events() -> float:
    """Return about how many events there are, by Postgres' last look; -1 where it never took one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_watchevent'::regclass")
        estimate: float = cursor.fetchone()[0]
    return estimate
