"""A viewer's taste at a glance, for staff: genres beside what everyone watches, people, and from which years."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog import selectors
from catalog.models import Credit
from recommender.serving import charts, likings, stamps
from recommender.serving.eligibility import Catalogue, catalogue
from recommender.serving.rows import HEAD
from recommender.viewing import to_model_events

GENRES, PEOPLE = 8, 6


class Genre(NamedTuple):
    name: str
    share: float  # of the viewer's films, 0..1
    usual: float  # of what everyone watches


class Person(NamedTuple):
    name: str
    role: str
    films: int  # liked ones


class Portrait(NamedTuple):
    films: int  # watched or rated, each once
    liked: int
    events: int
    mean_rating: float | None  # stars
    genres: list[Genre]  # the most watched first
    people: list[Person]
    decades: list[tuple[int, int]]  # (1990, films), without gaps


def portrait(viewer_id: int) -> Portrait | None:
    """One query; None for a viewer without a history."""
    history = selectors.history(viewer_id)
    if history is None or not len(history.movie_ids):
        return None
    look = stamps.look(None)
    films = catalogue(look.stamps.catalogue or 0)
    rows = films.table.rows_of(np.unique(history.movie_ids))
    rows = rows[rows >= 0]
    liked = likings.liked(to_model_events(history), films.table).rows
    ratings = history.ratings[~np.isnan(history.ratings)]
    return Portrait(
        films=len(rows),
        liked=len(liked),
        events=len(history.movie_ids),
        mean_rating=float(ratings.mean()) if len(ratings) else None,
        genres=_genres(films, rows, look.stamps.epoch or 0),
        people=_people(films, liked),
        decades=_decades(films.table.year[rows]),
    )


def of_many(histories: Sequence[selectors.History]) -> list[Genre]:
    """The genres of everything that these viewers watched."""
    look = stamps.look(None)
    films = catalogue(look.stamps.catalogue or 0)
    watched = np.concatenate([np.empty(0, np.int32), *(np.unique(one.movie_ids) for one in histories)])
    rows = films.table.rows_of(watched)
    return _genres(films, rows[rows >= 0], look.stamps.epoch or 0)


def _genres(films: Catalogue, rows: np.ndarray, epoch: int) -> list[Genre]:
    table = films.table
    if not len(rows):
        return []
    own = likings.genre_shares(table, rows, np.ones(len(rows)))
    popular = charts.chart("popular", films, epoch)
    usual = likings.genre_shares(table, popular.rows[:HEAD], popular.scores[:HEAD])
    most = np.argsort(-own, kind="stable")[:GENRES]
    return [Genre(table.genre_names[n], float(own[n]), float(usual[n])) for n in most.tolist() if own[n] > 0]


def _people(films: Catalogue, liked: np.ndarray) -> list[Person]:
    found = likings.loved_people(films.table, liked, PEOPLE)
    names = films.table.person_names
    return [Person(names[one.number], Credit.Role(one.role).label, len(one.films)) for one in found]


def _decades(years: np.ndarray) -> list[tuple[int, int]]:
    decades = years[years > 0].astype(int) // 10
    if not len(decades):
        return []
    counts = np.bincount(decades - decades.min())
    return [((int(decades.min()) + n) * 10, count) for n, count in enumerate(counts.tolist())]
