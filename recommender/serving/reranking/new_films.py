"""A place for a new film: a share of the personal lists has one film of which little is known, below the first two."""

import random

import numpy as np
from django.conf import settings

from recommender.movies.indexes import csr_gather
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.outcomes import new_films
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import NewFilmPlace, RecommendRequest
from recommender.serving.reranking.exploration import may_vary

FIRST_PLACE, LAST_PLACE = 2, 9  # from 0: places that a new film may get


def choose_place(request: RecommendRequest) -> NewFilmPlace | None:
    """Return the place for a new film in a share of the personal lists, by the settings; else None."""
    if not new_films.is_on() or random.random() >= settings.NEW_FILM_SHARE:  # noqa: S311
        return None
    last = min(LAST_PLACE, request.limit - 1)
    if last < FIRST_PLACE or not may_vary(request):
        return None
    return NewFilmPlace(random.randint(FIRST_PLACE, last))  # noqa: S311


def choose_film(
    snapshot: CatalogueSnapshot, eligibility: EligibilityFilter, listed: RankedMovies, seen_ids: np.ndarray
) -> int | None:
    """Return the new film for a list: one that the viewer may see, has not seen, and that shares a genre with the
    list's films; the more of them do, the likelier."""
    films = new_films.open_films()
    if not len(films.movie_ids):
        return None
    among = eligibility.mask_ids(films.movie_ids) & ~np.isin(films.movie_ids, seen_ids)
    fit = _shared_genres(snapshot, films.movie_ids, listed.movie_ids)
    return new_films.sample(films, among, fit, np.random.default_rng())


def put_at(movies: RankedMovies, movie_id: int, place: int) -> RankedMovies:
    """Return the list with a film at a place, or above it where the list has it there already; the last one drops out
    where it was not on it. Its score is that of the film which it moves down."""
    at = np.flatnonzero(movies.movie_ids == movie_id)
    if place >= len(movies.movie_ids) or (len(at) and at[0] <= place):
        return movies
    length, score = len(movies.movie_ids), movies.scores[place]
    others = movies.without(np.array([movie_id], np.int32))
    ids = np.insert(others.movie_ids, place, movie_id)[:length]
    return RankedMovies(ids, np.insert(others.scores, place, score)[:length])


def _shared_genres(snapshot: CatalogueSnapshot, movie_ids: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Return the share of the listed films that have a genre in common with each film, float64 [n]."""
    table = snapshot.table
    genres = len(table.genre_names)

    def has_genres(ids: np.ndarray) -> np.ndarray:
        rows = table.rows_of(ids)
        known = np.flatnonzero(rows >= 0)
        owner, entry = csr_gather(table.genre_start, rows[known])
        has = np.zeros((len(ids), genres), np.float32)
        has[known[owner], table.genre_of[entry]] = 1
        return has

    return np.asarray(((has_genres(movie_ids) @ has_genres(listed).T) > 0).mean(1))
