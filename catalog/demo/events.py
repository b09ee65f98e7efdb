"""When the simulated viewers watched, how far, and what they thought of it: the events of the demo."""

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
RATED_AFTER = 40  # minutes after the film's end, the middle one: some at once, some days later
OPINION = 0.15  # share of the best and the worst matches that get a like or a dislike
WATCHLISTED = 0.04  # share of the watches that stood on the watchlist some days before
HIDDEN = 0.5  # films that a viewer does not want to see, on average


class _Watches(NamedTuple):
    """One entry a watch, by viewer and time."""

    viewer: np.ndarray  # row of Tastes
    film: np.ndarray  # row of Films
    began: np.ndarray  # unix s
    ended: np.ndarray
    match: np.ndarray  # the viewer's taste for the film


def simulate_events(
    films: DemoMovies, tastes: Tastes, watches: Watches, now: int, rng: np.random.Generator
) -> pl.DataFrame:
    """All events up to `now` (unix s), by viewer and time."""
    viewer, place = np.nonzero(watches.movies >= 0)
    film = watches.movies[viewer, place]
    began, length = _times(films, watches, now, rng)[viewer, place], films.column("runtime")[film] * MINUTE
    seen = _Watches(viewer, film, began, began + length, tastes.match[viewer, film])
    parts = [*_watches_and_ratings(seen, rng), *_opinions(seen, rng), _not_interested(seen, tastes, rng)]
    return pl.concat(parts).filter(pl.col("occurred_at") <= now).sort("viewer", "occurred_at", maintain_order=True)


def _frame(kind: int, viewer: np.ndarray, film: np.ndarray, at: np.ndarray, **columns: np.ndarray) -> pl.DataFrame:
    """`columns`: rating or completion."""
    ids = {"viewer": DEMO_ID_BASE + 1 + viewer, "movie": DEMO_ID_BASE + 1 + film}
    known = {**ids, "kind": kind, "occurred_at": at.astype(np.int64), **columns}
    return pl.DataFrame(known | {name: None for name in EVENTS if name not in known}).select(
        pl.col(name).cast(dtype) for name, dtype in EVENTS.items()
    )


def _times(films: DemoMovies, watches: Watches, now: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [V, L]: when each film began. One film follows the other in a session; a session a day at most."""
    shape = watches.movies.shape
    taken = films.column("runtime")[watches.movies] * MINUTE + rng.integers(5, 30, shape) * MINUTE
    taken[watches.movies < 0] = 0
    before = np.cumsum(taken, axis=1) - taken
    size = _until_next(watches)
    # Long sessions begin earlier in the day.
    evening = 20.5 * HOUR - 1.6 * HOUR * (size - 1) + rng.normal(0, 0.7 * HOUR, shape)
    start = np.where(watches.opens, _days(watches.opens, now, rng) * DAY + evening.astype(np.int64) - before, 0)
    opened = np.maximum.accumulate(np.where(watches.opens, np.arange(shape[1]), 0), axis=1)
    return np.take_along_axis(start, opened, axis=1) + before


def _until_next(watches: Watches) -> np.ndarray:
    """int [V, L]: from a film that opens a session to the next that does: the session's size. Else meaningless."""
    there = np.arange(watches.movies.shape[1])
    lengths = (watches.movies >= 0).sum(1, keepdims=True)
    opening = np.where(watches.opens, there, lengths)
    following = np.minimum.accumulate(opening[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(np.hstack([following[:, 1:], lengths]), lengths) - there


def _days(opens: np.ndarray, now: int, rng: np.random.Generator) -> np.ndarray:
    """int [V, L]: for films that open a session its day, in days since 1970; the last is yesterday or before."""
    pace = SESSION_GAP * rng.lognormal(0, 0.6, (len(opens), 1))
    gaps = np.where(opens, 1 + pace * rng.lognormal(-0.3, 0.8, opens.shape), 0)
    ago = np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]
    longest = ago.max(1, keepdims=True)
    # Whoever would have begun too long ago goes faster; no gap falls under a day, so no two sessions meet.
    sessions = opens.sum(1, keepdims=True)
    shrink = np.minimum((SPAN / DAY - 2 - sessions) / (longest - sessions), 1)
    left = np.cumsum(opens[:, ::-1], axis=1)[:, ::-1]
    return now // DAY - np.floor(left + (ago - left) * shrink).astype(np.int64)


def _watches_and_ratings(seen: _Watches, rng: np.random.Generator) -> list[pl.DataFrame]:
    count = len(seen.film)
    # Most films are seen to the end; those that suit badly are more often left.
    left = rng.random(count) < 0.08 * np.exp(-0.8 * seen.match)
    completion = np.where(left, rng.uniform(0.05, 0.8, count), rng.uniform(0.93, 1, count)).round(2)
    habit = rng.beta(1.2, 1.2 * (1 / RATED - 1), seen.viewer.max() + 1)
    mildness = rng.normal(3.5, 0.3, seen.viewer.max() + 1)
    stars = mildness[seen.viewer] + 0.55 * seen.match - 0.8 * left + rng.normal(0, 0.5, count)
    rated = rng.random(count) < habit[seen.viewer]
    at = seen.began + completion * (seen.ended - seen.began)
    at += np.clip(rng.lognormal(np.log(RATED_AFTER), 1.8, count), 1, 10 * DAY / MINUTE) * MINUTE
    return [
        _frame(WATCH, seen.viewer, seen.film, seen.began, completion=completion),
        _frame(RATING, seen.viewer[rated], seen.film[rated], at[rated],
               rating=np.clip(np.round(stars[rated] * 2) / 2, 0.5, 5)),
    ]  # fmt: skip


def _opinions(seen: _Watches, rng: np.random.Generator) -> list[pl.DataFrame]:
    count = len(seen.film)
    soon = seen.ended + rng.integers(1, 15, count) * MINUTE
    said = rng.random(count) < OPINION
    before = seen.began - rng.integers(1, 20 * 24, count) * HOUR
    chosen = [
        (LIKE, said & (seen.match > 1.5), soon),
        (DISLIKE, said & (seen.match < -0.7), soon),
        (WATCHLIST, rng.random(count) < WATCHLISTED, before),
    ]
    return [_frame(kind, seen.viewer[those], seen.film[those], at[those]) for kind, those, at in chosen]


def _not_interested(seen: _Watches, tastes: Tastes, rng: np.random.Generator) -> pl.DataFrame:
    """A few films that suit a viewer worst of some that came along, at a time when the viewer was there."""
    where = np.flatnonzero(rng.random(len(seen.film)) < HIDDEN * len(tastes.match) / len(seen.film))
    viewer = seen.viewer[where]
    watched = np.zeros(tastes.match.shape, bool)
    watched[seen.viewer, seen.film] = True
    offered = rng.integers(0, tastes.match.shape[1], (len(where), 8))
    match = np.where(watched[viewer[:, None], offered], np.inf, tastes.match[viewer[:, None], offered])
    worst = np.take_along_axis(offered, match.argmin(1)[:, None], axis=1)[:, 0]
    return _frame(NOT_INTERESTED, viewer, worst, seen.began[where] - 10 * MINUTE)
