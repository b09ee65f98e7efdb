"""What everyone watches, lately and as a rule: how many viewers, never how many events.

All SQL behind the charts stands here. Clients choose the ids of viewers and the times of events, so neither is trusted:

- a film counts once for each viewer, at its latest watch or good rating;
- a viewer counts when the site has known them for some days (`created_at`, which the server sets) and for more than a
  film or two, or for long;
- those who came on one day count together as at most a share of those before them, and while they are not long known
  at most so much for one film;
- however much one viewer watches, their films count together as at most `lately_most` and `usually_most`.

A site with hardly any such viewers is new: there those count who came lately, and on the first day everybody.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from catalog.models import WatchEvent

MIN_GOOD_RATING = 3.0  # stars: a rating below speaks against the film
LONG_KNOWN_DAYS = 30  # since a viewer came; then one film will do
COHORT_SHARE, MIN_COHORT_WEIGHT = 0.1, 50  # what the viewers of one day count for: of the viewers before them; viewers
MOVIE_SHARE, MIN_MOVIE_WEIGHT = 0.05, 3  # what they count for one film, while not long known: of that; viewers
MIN_AUDIENCE = 20  # viewers

_COUNTS = """kind = ANY(%(kinds)s::int[]) AND (rating IS NULL OR rating >= %(stars)s) AND occurred_at <= now()"""
_DAY = "(occurred_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01'"
_IS_LONG_KNOWN = f"v.created_at <= now() - interval '{LONG_KNOWN_DAYS} days'"
_PAST_PROBATION = "v.created_at <= now() - make_interval(days => %(probation_days)s)"
_AUDIENCE = f"""
    SELECT count(*) FROM (
      SELECT 1 FROM catalog_viewer v WHERE {_PAST_PROBATION} AND (
        SELECT count(*) FROM (SELECT DISTINCT movie_id FROM catalog_watchevent e
                              WHERE e.viewer_id = v.id AND {_COUNTS} LIMIT %(min_movies)s) films
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
      SELECT v.id, {_IS_LONG_KNOWN} AS long_known, CASE WHEN before > 0 AND NOT {_IS_LONG_KNOWN} THEN day END AS lately_come,
        least(1, counts_for / size)::float8 AS weight, greatest({MIN_MOVIE_WEIGHT}, {MOVIE_SHARE} * counts_for) AS film_most
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
_DAY_INDEX = "greatest(1, least(%(days)s, max(day) - %(first)s + 1))"
_WATCH_WEIGHTS = f"""
    WITH {_VIEWERS}
    SELECT movie_id, sum(least(lately, film_most)), sum(least(usually, film_most)) AS usual FROM (
    SELECT movie_id, sum(weight * lately) AS lately, sum(weight * usually) AS usually,
      CASE WHEN lately_come IS NOT NULL THEN max(film_most) END AS film_most
    FROM chosen CROSS JOIN LATERAL (
      SELECT movie_id, count(*) OVER () AS films,
        lately * least(1, %(lately_most)s / sum(lately) OVER ()) AS lately,
        usually * least(1, %(usually_most)s / sum(usually) OVER ()) AS usually
      FROM (SELECT movie_id, (%(lately)s::float8[])[{_DAY_INDEX}] AS lately, (%(usually)s::float8[])[{_DAY_INDEX}] AS usually
            FROM (SELECT movie_id, {_DAY} AS day FROM catalog_watchevent e
                  WHERE e.viewer_id = chosen.id AND {_COUNTS}) watched
            GROUP BY movie_id) once) films
    WHERE long_known OR films >= %(min_movies)s
    GROUP BY movie_id, lately_come) by_cohort
    GROUP BY movie_id ORDER BY usual DESC, movie_id LIMIT %(limit)s
"""
_NEW_VIEWERS = """
    WITH came AS MATERIALIZED (
      SELECT id FROM catalog_viewer WHERE created_at > now() - interval '1 day'
      ORDER BY created_at DESC LIMIT %(most)s),
    watched AS (
      SELECT DISTINCT came.id, e.movie_id FROM came JOIN catalog_watchevent e ON e.viewer_id = came.id
      WHERE kind = ANY(%(kinds)s::int[]))
    SELECT came.count, movie_id, title, coalesce(viewers, 0) FROM (SELECT count(*) FROM came) came LEFT JOIN (
      SELECT movie_id, title, count(*) AS viewers FROM watched JOIN catalog_movie m ON m.id = movie_id
      GROUP BY movie_id, title ORDER BY viewers DESC, movie_id LIMIT 1) favourite ON true
"""
_KINDS = [WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING]


class Audience(NamedTuple):
    """Which viewers count."""

    probation_days: int  # since they came
    min_movies: int  # different ones, of those who are not long known


AUDIENCES = (
    Audience(3, 3),
    Audience(0, 3),
    Audience(0, 1),
)  # the first that has AUDIENCE_NEEDED; the last is everybody


class WatchWeights(NamedTuple):
    """How many viewers each film counts for, under two fadings."""

    movie_ids: np.ndarray  # int32 [n], those watched most as a rule first
    recent: np.ndarray  # float64 [n]
    long_term: np.ndarray  # float64 [n]


class NewViewers(NamedTuple):
    """The viewers who came within a day, and the film that most of them watched."""

    viewers: int
    movie_id: int | None  # None: none of them watched anything
    title: str | None
    watched_by: int  # of the viewers


def choose_audience() -> Audience:
    """Whose watches count for charts on this site, by how old it is."""
    asked = {"stars": MIN_GOOD_RATING}
    found = (one for one in AUDIENCES if _rows(_AUDIENCE, asked | one._asdict())[0][0] >= MIN_AUDIENCE)
    return next(found, AUDIENCES[-1])


def viewers_by_day(counted: Audience, *, sample_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """On which days (int64 [n], since 1970, ascending) how many viewers watched or rated something (float64 [n])."""
    clause, part = _viewer_sample(sample_rows)
    rows = _rows(_BY_DAY.format(sample=clause), counted._asdict())
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64) / part


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
    """The films with the most viewers. `lately` and `usually`: what a watch counts on each day from `first_day` (since
    1970) on, above 0; what lies outside those days counts as on the nearest of them.

    Reads the events of every viewer, or of so many viewers as have about `sample_rows` of them where there are more.
    """
    values = {
        "first": first_day,
        "days": len(recent),
        "lately": list(recent),
        "usually": list(long_term),
        "lately_most": max_recent,
        "usually_most": max_long_term,
        "limit": limit,
        **counted._asdict(),
        "stars": MIN_GOOD_RATING,
    }
    rows = _rows(_WATCH_WEIGHTS.format(sample=_viewer_sample(sample_rows)[0]), values)
    movie_ids, now, usual = zip(*rows, strict=True) if rows else ((), (), ())
    return WatchWeights(np.array(movie_ids, np.int32), np.array(now, np.float64), np.array(usual, np.float64))


def new_viewers(limit: int = 20_000) -> NewViewers:
    """Of the last day, `most` of them at most. Newcomers do not count for
    charts yet: whoever looks at this sees whether somebody tries to make a film popular."""
    return NewViewers(*_rows(_NEW_VIEWERS, {"most": limit})[0])


def _rows(statement: str, values: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kinds": _KINDS, **values})
        return cursor.fetchall()


def _viewer_sample(rows: int | None) -> tuple[str, float]:
    """Of viewers: single ones, as a page of the table has many."""
    return tablesample_clause(rows, "BERNOULLI") if rows is not None else ("", 1.0)


def tablesample_clause(rows: int, method: str = "SYSTEM") -> tuple[str, float]:
    """A TABLESAMPLE clause, and which part of the events it takes (0..1), by the planner's own estimate of the table;
    nothing, and 1, where it is small or not analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_watchevent'::regclass")
        estimate = cursor.fetchone()[0]
    return (f"TABLESAMPLE {method} ({100 * rows / estimate:.6f})", rows / estimate) if estimate > rows else ("", 1.0)
