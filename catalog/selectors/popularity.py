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

WORTH_WATCHING = 3.0  # stars: a rating below speaks against the film
LONG_KNOWN_DAYS = 30  # since a viewer came; then one film will do
COHORT_SHARE, COHORT_FLOOR = 0.1, 50  # what the viewers of one day count for: of the viewers before them; viewers
FILM_SHARE, FILM_FLOOR = 0.05, 3  # what they count for one film, while not long known: of that; viewers
AUDIENCE_NEEDED = 20  # viewers

_COUNTED = """kind = ANY(%(kinds)s::int[]) AND (rating IS NULL OR rating >= %(stars)s) AND occurred_at <= now()"""
_DAY = "(occurred_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01'"
_KNOWN = f"v.created_at <= now() - interval '{LONG_KNOWN_DAYS} days'"
_PAST_PROBATION = "v.created_at <= now() - make_interval(days => %(probation_days)s)"
_AUDIENCE = f"""
    SELECT count(*) FROM (
      SELECT 1 FROM catalog_viewer v WHERE {_PAST_PROBATION} AND (
        SELECT count(*) FROM (SELECT DISTINCT movie_id FROM catalog_watchevent e
                              WHERE e.viewer_id = v.id AND {_COUNTED} LIMIT %(films_needed)s) films
      ) >= CASE WHEN {_KNOWN} THEN 1 ELSE %(films_needed)s END
      LIMIT {AUDIENCE_NEEDED}) enough
"""
_VIEWERS = f"""
    cohort AS MATERIALIZED (
      SELECT day, size, before,
        CASE WHEN before = 0 THEN size
             ELSE least(size, greatest({COHORT_FLOOR}, {COHORT_SHARE} * before)) END AS counts_for
      FROM (SELECT created_at::date AS day, count(*) AS size,
              sum(count(*)) OVER (ORDER BY created_at::date) - count(*) AS before
            FROM catalog_viewer GROUP BY 1) came),
    chosen AS MATERIALIZED (
      SELECT v.id, {_KNOWN} AS long_known, CASE WHEN before > 0 AND NOT {_KNOWN} THEN day END AS lately_come,
        least(1, counts_for / size)::float8 AS weight, greatest({FILM_FLOOR}, {FILM_SHARE} * counts_for) AS film_most
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
_AT = "greatest(1, least(%(days)s, max(day) - %(first)s + 1))"
_WATCHING = f"""
    WITH {_VIEWERS}
    SELECT movie_id, sum(least(lately, film_most)), sum(least(usually, film_most)) AS usual FROM (
    SELECT movie_id, sum(weight * lately) AS lately, sum(weight * usually) AS usually,
      CASE WHEN lately_come IS NOT NULL THEN max(film_most) END AS film_most
    FROM chosen CROSS JOIN LATERAL (
      SELECT movie_id, count(*) OVER () AS films,
        lately * least(1, %(lately_most)s / sum(lately) OVER ()) AS lately,
        usually * least(1, %(usually_most)s / sum(usually) OVER ()) AS usually
      FROM (SELECT movie_id, (%(lately)s::float8[])[{_AT}] AS lately, (%(usually)s::float8[])[{_AT}] AS usually
            FROM (SELECT movie_id, {_DAY} AS day FROM catalog_watchevent e
                  WHERE e.viewer_id = chosen.id AND {_COUNTED}) watched
            GROUP BY movie_id) once) films
    WHERE long_known OR films >= %(films_needed)s
    GROUP BY movie_id, lately_come) by_cohort
    GROUP BY movie_id ORDER BY usual DESC, movie_id LIMIT %(limit)s
"""
_NEWCOMERS = """
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
    films_needed: int  # different ones, of those who are not long known


AUDIENCES = (
    Audience(3, 3),
    Audience(0, 3),
    Audience(0, 1),
)  # the first that has AUDIENCE_NEEDED; the last is everybody


class Watching(NamedTuple):
    """How many viewers each film counts for, under two fadings."""

    movie_ids: np.ndarray  # int32 [n], those watched most as a rule first
    lately: np.ndarray  # float64 [n]
    usually: np.ndarray  # float64 [n]


class Newcomers(NamedTuple):
    """The viewers who came within a day, and the film that most of them watched."""

    viewers: int
    movie_id: int | None  # None: none of them watched anything
    title: str | None
    watched_by: int  # of the viewers


def audience() -> Audience:
    """Whose watches count for charts on this site, by how old it is."""
    asked = {"stars": WORTH_WATCHING}
    found = (one for one in AUDIENCES if _rows(_AUDIENCE, asked | one._asdict())[0][0] >= AUDIENCE_NEEDED)
    return next(found, AUDIENCES[-1])


def viewers_by_day(of: Audience, *, sample_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """On which days (int64 [n], since 1970, ascending) how many viewers watched or rated something (float64 [n])."""
    clause, part = _sampled(sample_rows)
    rows = _rows(_BY_DAY.format(sample=clause), of._asdict())
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64) / part


def watching(
    of: Audience,
    first_day: int,
    lately: Sequence[float],
    usually: Sequence[float],
    *,
    lately_most: float,
    usually_most: float,
    limit: int,
    sample_rows: int | None = None,
) -> Watching:
    """The films with the most viewers. `lately` and `usually`: what a watch counts on each day from `first_day` (since
    1970) on, above 0; what lies outside those days counts as on the nearest of them.

    Reads the events of every viewer, or of so many viewers as have about `sample_rows` of them where there are more.
    """
    values = {
        "first": first_day,
        "days": len(lately),
        "lately": list(lately),
        "usually": list(usually),
        "lately_most": lately_most,
        "usually_most": usually_most,
        "limit": limit,
        **of._asdict(),
        "stars": WORTH_WATCHING,
    }
    rows = _rows(_WATCHING.format(sample=_sampled(sample_rows)[0]), values)
    movie_ids, now, usual = zip(*rows, strict=True) if rows else ((), (), ())
    return Watching(np.array(movie_ids, np.int32), np.array(now, np.float64), np.array(usual, np.float64))


def newcomers(most: int = 20_000) -> Newcomers:
    """Of the last day, `most` of them at most. Newcomers do not count for
    charts yet: whoever looks at this sees whether somebody tries to make a film popular."""
    return Newcomers(*_rows(_NEWCOMERS, {"most": most})[0])


def _rows(statement: str, values: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kinds": _KINDS, **values})
        return cursor.fetchall()


def _sampled(rows: int | None) -> tuple[str, float]:
    """Of viewers: single ones, as a page of the table has many."""
    return sample(rows, "BERNOULLI") if rows is not None else ("", 1.0)


def sample(rows: int, method: str = "SYSTEM") -> tuple[str, float]:
    """A TABLESAMPLE clause, and which part of the events it takes (0..1), by the planner's own estimate of the table;
    nothing, and 1, where it is small or not analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_watchevent'::regclass")
        estimate = cursor.fetchone()[0]
    return (f"TABLESAMPLE {method} ({100 * rows / estimate:.6f})", rows / estimate) if estimate > rows else ("", 1.0)
