"""A viewer's taste at a glance, for staff: genres beside what everyone watches, people, and from which years."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog import selectors
from catalog.models import Credit
from recommender.history import to_model_events
from recommender.movies.snapshot import CatalogueSnapshot, current_snapshot
from recommender.serving import current_versions, taste
from recommender.serving.candidates import charts
from recommender.serving.home.rows import TOP_POPULAR

MAX_GENRES, MAX_PEOPLE = 8, 6


class GenreShare(NamedTuple):
    name: str
    share: float  # of the viewer's films, 0..1
    baseline_share: float  # of what everyone watches


class FavouritePerson(NamedTuple):
    name: str
    role: str
    movie_count: int  # liked ones


class TasteProfile(NamedTuple):
    movie_count: int  # watched or rated, each once
    liked_count: int
    event_count: int
    mean_rating: float | None  # stars
    genres: list[GenreShare]  # the most watched first
    people: list[FavouritePerson]
    decades: list[tuple[int, int]]  # (1990, films), without gaps


def build_taste_profile(viewer_id: int) -> TasteProfile | None:
    """One query; None for a viewer without a history."""
    history = selectors.history(viewer_id)
    if history is None or not len(history.movie_ids):
        return None
    look = current_versions.read_versions(None)
    films = current_snapshot(look.versions.catalogue or 0)
    rows = films.table.rows_of(np.unique(history.movie_ids))
    rows = rows[rows >= 0]
    liked = taste.liked_movies(to_model_events(history), films.table).rows
    ratings = history.ratings[~np.isnan(history.ratings)]
    return TasteProfile(
        movie_count=len(rows),
        liked_count=len(liked),
        event_count=len(history.movie_ids),
        mean_rating=float(ratings.mean()) if len(ratings) else None,
        genres=_genre_shares(films, rows, look.versions.epoch or 0),
        people=_favourite_people(films, liked),
        decades=_movies_per_decade(films.table.year[rows]),
    )


def genre_profile(histories: Sequence[selectors.History]) -> list[GenreShare]:
    """The genres of everything that these viewers watched."""
    look = current_versions.read_versions(None)
    films = current_snapshot(look.versions.catalogue or 0)
    watched = np.concatenate([np.empty(0, np.int32), *(np.unique(one.movie_ids) for one in histories)])
    rows = films.table.rows_of(watched)
    return _genre_shares(films, rows[rows >= 0], look.versions.epoch or 0)


def _genre_shares(films: CatalogueSnapshot, rows: np.ndarray, epoch: int) -> list[GenreShare]:
    table = films.table
    if not len(rows):
        return []
    own = taste.genre_shares(table, rows, np.ones(len(rows)))
    popular = charts.rank_chart("popular", films, epoch)
    usual = taste.genre_shares(table, popular.rows[:TOP_POPULAR], popular.scores[:TOP_POPULAR])
    most = np.argsort(-own, kind="stable")[:MAX_GENRES]
    return [GenreShare(table.genre_names[n], float(own[n]), float(usual[n])) for n in most.tolist() if own[n] > 0]


def _favourite_people(films: CatalogueSnapshot, liked: np.ndarray) -> list[FavouritePerson]:
    found = taste.favourite_people(films.table, liked, MAX_PEOPLE)
    names = films.table.person_names
    return [FavouritePerson(names[one.number], Credit.Role(one.role).label, len(one.rows)) for one in found]


def _movies_per_decade(years: np.ndarray) -> list[tuple[int, int]]:
    decades = years[years > 0].astype(int) // 10
    if not len(decades):
        return []
    counts = np.bincount(decades - decades.min())
    return [((int(decades.min()) + n) * 10, count) for n, count in enumerate(counts.tolist())]
