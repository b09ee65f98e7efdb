"""The events of the demo: when the simulated viewers watched, how far, and what they thought of it."""

from typing import NamedTuple

import numpy as np
import polars as pl

from catalog.dataset import DISLIKE, EVENTS, LIKE, NOT_INTERESTED, RATING, WATCH, WATCHLIST
from catalog.demo.movies import DemoMovies
from catalog.demo.tastes import Tastes
from catalog.demo.watching import Watches
from catalog.limits import DEMO_ID_BASE

MINUTE, HOUR, DAY = 60, 3600, 86_400
SPAN = 3 * 365 * DAY  # before now
SESSION_GAP = 20  # days between two sessions, the middle one; each viewer has a pace of their own

RATED = 0.35  # share of the watches, on average; each viewer has a habit of their own
RATED_AFTER = 40  # minutes after the movie's end, the middle one: some at once, some days later
OPINION = 0.15  # share of the best and the worst matches that get a like or a dislike
WATCHLISTED = 0.04  # share of the watches that stood on the watchlist some days before
HIDDEN = 0.5  # movies that a viewer does not want to see, on average


class _Watches(NamedTuple):
    """The watches, by viewer and time; one entry each."""

    viewer: np.ndarray  # row of Tastes
    movie: np.ndarray  # row of DemoMovies
    began: np.ndarray  # unix s
    ended: np.ndarray
    match: np.ndarray  # the viewer's taste for the movie


def simulate_events(
    movies: DemoMovies, tastes: Tastes, watches: Watches, now: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return all events up to `now` (unix s), by viewer and time."""
    viewer, position = np.nonzero(watches.movies >= 0)
    movie = watches.movies[viewer, position]
    began, duration = _times(movies, watches, now, rng)[viewer, position], movies.column("runtime")[movie] * MINUTE
    watched = _Watches(viewer, movie, began, began + duration, tastes.match[viewer, movie])
    parts = [*_watches_and_ratings(watched, rng), *_opinions(watched, rng), _not_interested(watched, tastes, rng)]
    return pl.concat(parts).filter(pl.col("occurred_at") <= now).sort("viewer", "occurred_at", maintain_order=True)


def _frame(kind: int, viewer: np.ndarray, movie: np.ndarray, at: np.ndarray, **columns: np.ndarray) -> pl.DataFrame:
    """Return events of one kind. `columns`: rating or completion."""
    ids = {"viewer": DEMO_ID_BASE + 1 + viewer, "movie": DEMO_ID_BASE + 1 + movie}
    values = {**ids, "kind": kind, "occurred_at": at.astype(np.int64), **columns}
    return pl.DataFrame(values | {name: None for name in EVENTS if name not in values}).select(
        pl.col(name).cast(dtype) for name, dtype in EVENTS.items()
    )


def _times(movies: DemoMovies, watches: Watches, now: int, rng: np.random.Generator) -> np.ndarray:
    """Return int64 [V, L]: when each movie began. One movie follows the other in a session; a session a day at most."""
    shape = watches.movies.shape
    duration = movies.column("runtime")[watches.movies] * MINUTE + rng.integers(5, 30, shape) * MINUTE
    duration[watches.movies < 0] = 0
    before = np.cumsum(duration, axis=1) - duration
    size = _until_next(watches)
    # Long sessions begin earlier in the day.
    evening = 20.5 * HOUR - 1.6 * HOUR * (size - 1) + rng.normal(0, 0.7 * HOUR, shape)
    start = np.where(watches.opens, _days(watches.opens, now, rng) * DAY + evening.astype(np.int64) - before, 0)
    opened = np.maximum.accumulate(np.where(watches.opens, np.arange(shape[1]), 0), axis=1)
    return np.take_along_axis(start, opened, axis=1) + before


def _until_next(watches: Watches) -> np.ndarray:
    """Return int [V, L]: the size of the session that a movie opens; meaningless for other movies."""
    positions = np.arange(watches.movies.shape[1])
    lengths = (watches.movies >= 0).sum(1, keepdims=True)
    opening = np.where(watches.opens, positions, lengths)
    next_opening = np.minimum.accumulate(opening[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(np.hstack([next_opening[:, 1:], lengths]), lengths) - positions


def _days(opens: np.ndarray, now: int, rng: np.random.Generator) -> np.ndarray:
    """Return int [V, L]: for movies that open a session its day since 1970; the last is yesterday or before."""
    pace = SESSION_GAP * rng.lognormal(0, 0.6, (len(opens), 1))
    gaps = np.where(opens, 1 + pace * rng.lognormal(-0.3, 0.8, opens.shape), 0)
    ago = np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]
    longest = ago.max(1, keepdims=True)
    # A viewer who would have begun too long ago goes faster; no gap falls under a day, so no two sessions meet.
    sessions = opens.sum(1, keepdims=True)
    shrink = np.minimum((SPAN / DAY - 2 - sessions) / (longest - sessions), 1)
    left = np.cumsum(opens[:, ::-1], axis=1)[:, ::-1]
    return now // DAY - np.floor(left + (ago - left) * shrink).astype(np.int64)


def _watches_and_ratings(watches: _Watches, rng: np.random.Generator) -> list[pl.DataFrame]:
    count = len(watches.movie)
    # Most movies are watched to the end; those that suit badly are more often left.
    left = rng.random(count) < 0.08 * np.exp(-0.8 * watches.match)
    completion = np.where(left, rng.uniform(0.05, 0.8, count), rng.uniform(0.93, 1, count)).round(2)
    habit = rng.beta(1.2, 1.2 * (1 / RATED - 1), watches.viewer.max() + 1)
    mildness = rng.normal(3.5, 0.3, watches.viewer.max() + 1)
    stars = mildness[watches.viewer] + 0.55 * watches.match - 0.8 * left + rng.normal(0, 0.5, count)
    rated = rng.random(count) < habit[watches.viewer]
    at = watches.began + completion * (watches.ended - watches.began)
    at += np.clip(rng.lognormal(np.log(RATED_AFTER), 1.8, count), 1, 10 * DAY / MINUTE) * MINUTE
    return [
        _frame(WATCH, watches.viewer, watches.movie, watches.began, completion=completion),
        _frame(RATING, watches.viewer[rated], watches.movie[rated], at[rated],
               rating=np.clip(np.round(stars[rated] * 2) / 2, 0.5, 5)),
    ]  # fmt: skip


def _opinions(watches: _Watches, rng: np.random.Generator) -> list[pl.DataFrame]:
    count = len(watches.movie)
    soon = watches.ended + rng.integers(1, 15, count) * MINUTE
    is_said = rng.random(count) < OPINION
    before = watches.began - rng.integers(1, 20 * 24, count) * HOUR
    opinions = [
        (LIKE, is_said & (watches.match > 1.5), soon),
        (DISLIKE, is_said & (watches.match < -0.7), soon),
        (WATCHLIST, rng.random(count) < WATCHLISTED, before),
    ]
    return [
        _frame(kind, watches.viewer[chosen_rows], watches.movie[chosen_rows], at[chosen_rows])
        for kind, chosen_rows, at in opinions
    ]


def _not_interested(watches: _Watches, tastes: Tastes, rng: np.random.Generator) -> pl.DataFrame:
    """Return events of a few movies that suit a viewer worst of some on offer, at a time when the viewer was there."""
    chosen = np.flatnonzero(rng.random(len(watches.movie)) < HIDDEN * len(tastes.match) / len(watches.movie))
    viewer = watches.viewer[chosen]
    watched = np.zeros(tastes.match.shape, bool)
    watched[watches.viewer, watches.movie] = True
    offers = rng.integers(0, tastes.match.shape[1], (len(chosen), 8))
    match = np.where(watched[viewer[:, None], offers], np.inf, tastes.match[viewer[:, None], offers])
    worst = np.take_along_axis(offers, match.argmin(1)[:, None], axis=1)[:, 0]
    return _frame(NOT_INTERESTED, viewer, worst, watches.began[chosen] - 10 * MINUTE)
