"""What a viewer liked, in words that a page can say: films, and the genres and people that stand out among them."""

from typing import NamedTuple

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.ml.data import RATING, WATCH, Events, taste_weights
from recommender.serving.candidates.trending import standardised_excess

MIN_LIKED_WEIGHT = 0.4  # of taste_weights over a film's events: watched to four fifths at least, and not rated badly
MIN_STRONG_WEIGHT = 1.0  # a like, or four stars
LEADING_ACTORS = 4  # actors of a film that count, in billing order
MIN_IN_GENRE, MIN_WITH_PERSON = 3, 2  # liked films that speak for a genre, for a person
DIRECTOR = int(Credit.Role.DIRECTOR)


class LikedMovies(NamedTuple):
    rows: np.ndarray  # int64 [n] of the catalogue's table, the one watched last first
    strongly: np.ndarray  # bool [n]

    def within_age_limit(self, table: CatalogueTable, age_limit: int | None) -> "LikedMovies":
        """Those of the age limit (years): rows are named after them, and a child's page names no other film."""
        if age_limit is None:
            return self
        kept = table.age[self.rows] <= age_limit
        return LikedMovies(self.rows[kept], self.strongly[kept])


class FavouritePerson(NamedTuple):
    number: int  # in person_names
    role: int  # Credit.Role
    rows: np.ndarray  # int64: rows of the liked films, the one watched last first


def liked_movies(events: Events, table: CatalogueTable) -> LikedMovies:
    """The films that were watched or rated and liked, and that are published still. `events` must have its kinds."""
    kinds, ratings, completions = events.kinds, events.ratings, events.completions
    if kinds is None or ratings is None or completions is None or not len(kinds):
        return LikedMovies(np.empty(0, np.int64), np.empty(0, bool))
    films, of_film = np.unique(events.movie_ids, return_inverse=True)
    weight = np.bincount(of_film, taste_weights(kinds, ratings, completions))
    last = np.full(len(films), -1)
    seen = np.flatnonzero((kinds == WATCH) | (kinds == RATING))
    np.maximum.at(last, of_film[seen], seen)
    rows = table.rows_of(films)
    order = np.argsort(-last, kind="stable")
    kept = order[((weight >= MIN_LIKED_WEIGHT) & (last >= 0) & (rows >= 0))[order]]
    kept = kept[table.published[rows[kept]]]
    return LikedMovies(rows[kept], weight[kept] >= MIN_STRONG_WEIGHT)


def csr_gather(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of films at `rows` [n] the entries of a CSR column: for each entry the film's place in `rows`, and its index."""
    counts = starts[rows + 1] - starts[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, starts[rows][owner] + within


def genre_shares(table: CatalogueTable, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float64 [genres]: the share of the films at `rows`, by their weights, that have each genre."""
    owner, entry = csr_gather(table.genre_start, rows)
    counted = np.bincount(table.genre_of[entry], weights[owner], minlength=len(table.genre_names))
    return np.asarray(counted / max(float(weights.sum()), 1e-9))


def genre_lift(table: CatalogueTable, films: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """float64 [genres]: how far the count of each genre among a viewer's `films` (rows) lies above what everyone's
    watches, of which it has the share `usual`, let expect."""
    found = genre_shares(table, films, np.ones(len(films))) * len(films)
    return np.where(found >= MIN_IN_GENRE, standardised_excess(found, baseline * len(films)), -np.inf)


def favourite_people(table: CatalogueTable, films: np.ndarray, most: int) -> list[FavouritePerson]:
    """The directors and leading actors of at least two of `films` (rows), those of the most films first."""
    owner, entry = csr_gather(table.credit_start, films)
    role = table.credit_role[entry]
    directs = role == DIRECTOR
    directors = np.bincount(owner[directs], minlength=len(films))
    billing = entry - table.credit_start[films[owner]] - directors[owner]
    leading = directs | (billing < LEADING_ACTORS)
    keys = np.stack([table.credit_person[entry], role], axis=1)[leading]
    who, inverse, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.ravel()
    latest = np.full(len(who), len(films))
    np.minimum.at(latest, inverse, owner[leading])
    order = np.lexsort((latest, -count))
    order = order[count[order] >= MIN_WITH_PERSON][:most]
    return [FavouritePerson(int(who[one, 0]), int(who[one, 1]), films[owner[leading][inverse == one]]) for one in order]


def movies_of_person(table: CatalogueTable, person: FavouritePerson) -> np.ndarray:
    """int64: rows of all films in which the person has this role."""
    entries = np.flatnonzero((table.credit_person == person.number) & (table.credit_role == person.role))
    return np.searchsorted(table.credit_start, entries, side="right") - 1
