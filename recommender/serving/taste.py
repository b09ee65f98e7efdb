"""What a viewer liked, as a page can say it: movies, and the genres and people that stand out among them."""

from typing import NamedTuple

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.ml.data import (
    DISLIKE,
    LIKE,
    MAX_DISLIKED_STARS,
    MIN_LIKED_STARS,
    NOT_INTERESTED,
    RATING,
    WATCH,
    Events,
    taste_weights,
)
from recommender.movies.indexes import csr_gather
from recommender.serving.candidates.trending import standardised_excess

MIN_LIKED_WEIGHT = 0.4  # of taste_weights over a movie's events: watched to four fifths, and not rated badly
LEADING_ACTORS = 4  # actors of a movie that count, in billing order
MIN_IN_GENRE, MIN_WITH_PERSON = 3, 2  # liked movies that speak for a genre, for a person
DIRECTOR = int(Credit.Role.DIRECTOR)


class LikedMovies(NamedTuple):
    """Movies that a viewer watched or rated, and liked."""

    rows: np.ndarray  # int64 [n] of the catalogue's table, the one watched last first
    strongly: np.ndarray  # bool [n]: the viewer said so, by a like or by four stars: only of these a page says "liked"

    def within_age_limit(self, table: CatalogueTable, age_limit: int | None) -> "LikedMovies":
        """Return those for this age (years): rows are named after them, and a child's page names no other movie."""
        if age_limit is None:
            return self
        allowed = table.age[self.rows] <= age_limit
        return LikedMovies(self.rows[allowed], self.strongly[allowed])


class FavouritePerson(NamedTuple):
    """A person who made several of the movies that a viewer liked."""

    number: int  # in person_names
    role: int  # Credit.Role
    rows: np.ndarray  # int64: rows of the liked movies, the one watched last first


def liked_movies(events: Events, table: CatalogueTable) -> LikedMovies:
    """Find the movies that were liked and that are still published; none where the events have no kinds."""
    kinds, ratings, completions = events.kinds, events.ratings, events.completions
    if kinds is None or ratings is None or completions is None or not len(kinds):
        return LikedMovies(np.empty(0, np.int64), np.empty(0, bool))
    movie_ids, movie_of_event = np.unique(events.movie_ids, return_inverse=True)
    weight = np.bincount(movie_of_event, taste_weights(kinds, ratings, completions))
    last = np.full(len(movie_ids), -1)
    watched = np.flatnonzero((kinds == WATCH) | (kinds == RATING))
    np.maximum.at(last, movie_of_event[watched], watched)
    rows = table.rows_of(movie_ids)
    order = np.argsort(-last, kind="stable")
    liked = order[((weight >= MIN_LIKED_WEIGHT) & (last >= 0) & (rows >= 0))[order]]
    liked = liked[table.published[rows[liked]]]
    for_it = (kinds == LIKE) | ((kinds == RATING) & (ratings >= MIN_LIKED_STARS))
    against_it = np.isin(kinds, (DISLIKE, NOT_INTERESTED)) | ((kinds == RATING) & (ratings <= MAX_DISLIKED_STARS))
    said = np.bincount(movie_of_event, for_it) - np.bincount(movie_of_event, against_it)
    return LikedMovies(rows[liked], said[liked] > 0)


def genre_shares(table: CatalogueTable, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of the movies at `rows`, by their weights, that have each genre: float64 [genres]."""
    owner, entry = csr_gather(table.genre_start, rows)
    totals = np.bincount(table.genre_of[entry], weights[owner], minlength=len(table.genre_names))
    return np.asarray(totals / max(float(weights.sum()), 1e-9))


def genre_lift(table: CatalogueTable, rows: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Return how far the count of each genre among a viewer's movies (`rows`) lies above what is expected from its
    share `baseline` of everyone's watches, in standard deviations: float64 [genres], -inf where there are too few."""
    counts = genre_shares(table, rows, np.ones(len(rows))) * len(rows)
    return np.where(counts >= MIN_IN_GENRE, standardised_excess(counts, baseline * len(rows)), -np.inf)


def favourite_people(table: CatalogueTable, rows: np.ndarray, limit: int) -> list[FavouritePerson]:
    """Find the directors and leading actors of at least two of the movies at `rows`, those of the most movies first."""
    owner, entry = csr_gather(table.credit_start, rows)
    role = table.credit_role[entry]
    directs = role == DIRECTOR
    directors = np.bincount(owner[directs], minlength=len(rows))
    billing = entry - table.credit_start[rows[owner]] - directors[owner]
    leading = directs | (billing < LEADING_ACTORS)
    keys = np.stack([table.credit_person[entry], role], axis=1)[leading]
    people, person_of, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    person_of = person_of.ravel()
    latest = np.full(len(people), len(rows))
    np.minimum.at(latest, person_of, owner[leading])
    order = np.lexsort((latest, -count))
    order = order[count[order] >= MIN_WITH_PERSON][:limit]
    return [FavouritePerson(int(people[n, 0]), int(people[n, 1]), rows[owner[leading][person_of == n]]) for n in order]


def movies_of_person(table: CatalogueTable, person: FavouritePerson) -> np.ndarray:
    """Return the rows of all movies in which the person has this role, int64."""
    entries = np.flatnonzero((table.credit_person == person.number) & (table.credit_role == person.role))
    return np.searchsorted(table.credit_start, entries, side="right") - 1
