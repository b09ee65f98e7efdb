"""Summarise a viewer's taste for staff: genres beside what everyone watches, people, and decades."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog import selectors
from catalog.models import Credit
from recommender.history import to_model_events
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import taste
from recommender.serving.candidates import charts
from recommender.serving.current_versions import read_versions
from recommender.serving.home.rows import TOP_POPULAR

MAX_GENRES, MAX_PEOPLE = 8, 6


class GenreShare(NamedTuple):
    """Hold a genre's share of what some viewers watched, and of what everyone watches, both 0..1."""

    name: str
    share: float
    baseline_share: float


class FavouritePerson(NamedTuple):
    """Hold a person whom a viewer likes, and in how many liked movies."""

    name: str
    role: str
    movie_count: int


class TasteProfile(NamedTuple):
    """Summarise a viewer's history."""

    movie_count: int  # watched or rated, each once
    liked_count: int
    event_count: int
    mean_rating: float | None  # stars
    genres: list[GenreShare]  # the most watched first
    people: list[FavouritePerson]
    decades: list[tuple[int, int]]  # (1990, number of movies), without gaps


def build_taste_profile(viewer_id: int) -> TasteProfile | None:
    """Summarise a viewer's history with one query. None for a viewer without a history."""
    history = selectors.history(viewer_id)
    if history is None or not len(history.movie_ids):
        return None
    cache_read = read_versions(None)
    snapshot = cache_read.load_snapshot()
    rows = snapshot.table.rows_of(np.unique(history.movie_ids))
    rows = rows[rows >= 0]
    liked = taste.liked_movies(to_model_events(history), snapshot.table).rows
    people = taste.favourite_people(snapshot.table, liked, MAX_PEOPLE)
    names = snapshot.table.person_names
    ratings = history.ratings[~np.isnan(history.ratings)]
    return TasteProfile(
        movie_count=len(rows),
        liked_count=len(liked),
        event_count=len(history.movie_ids),
        mean_rating=float(ratings.mean()) if len(ratings) else None,
        genres=_genre_shares(snapshot, rows, cache_read.epoch),
        people=[
            FavouritePerson(names[person.number], Credit.Role(person.role).label, len(person.rows)) for person in people
        ],
        decades=_movies_per_decade(snapshot.table.year[rows]),
    )


def genre_profile(histories: Sequence[selectors.History]) -> list[GenreShare]:
    """Return the genres of everything that these viewers watched, the most watched first."""
    cache_read = read_versions(None)
    snapshot = cache_read.load_snapshot()
    movie_ids = np.concatenate([np.empty(0, np.int32), *(np.unique(history.movie_ids) for history in histories)])
    rows = snapshot.table.rows_of(movie_ids)
    return _genre_shares(snapshot, rows[rows >= 0], cache_read.epoch)


def _genre_shares(snapshot: CatalogueSnapshot, rows: np.ndarray, epoch: int) -> list[GenreShare]:
    """Return the MAX_GENRES most frequent genres of catalogue rows beside those of the popularity chart."""
    table = snapshot.table
    if not len(rows):
        return []
    shares = taste.genre_shares(table, rows, np.ones(len(rows)))
    popular = charts.rank_chart("popular", snapshot, epoch)
    baseline = taste.genre_shares(table, popular.rows[:TOP_POPULAR], popular.scores[:TOP_POPULAR])
    most_watched = np.argsort(-shares, kind="stable")[:MAX_GENRES].tolist()
    return [
        GenreShare(table.genre_names[genre], float(shares[genre]), float(baseline[genre]))
        for genre in most_watched
        if shares[genre] > 0
    ]


def _movies_per_decade(years: np.ndarray) -> list[tuple[int, int]]:
    """Count movies per decade. Years of 0 are unknown."""
    decades = years[years > 0].astype(int) // 10
    if not len(decades):
        return []
    first = int(decades.min())
    return [((first + index) * 10, count) for index, count in enumerate(np.bincount(decades - first).tolist())]
