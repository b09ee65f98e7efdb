"""What a movie has in common with a whole history: people and genres of several watched movies.

Of a group only what holds for each member is said: nobody learns from it what another watched alone.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.ml.data import RATING, WATCH
from recommender.movies.indexes import csr_gather
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.viewer import ViewerProfile
from recommender.serving.wording.texts import Text

DIRECTOR = int(Credit.Role.DIRECTOR)
MIN_WITH_ACTOR, MIN_OF_GENRES, MIN_OF_GENRE = 2, 2, 3  # watched movies that speak for an actor, a pair of genres, one


class _Watched:
    """The movies that a member watched, by their rows, with what they are counted by."""

    def __init__(self, table: CatalogueTable, films: np.ndarray, rows: np.ndarray) -> None:
        """Take all rows, int64 ascending; of doubles one counts. `films`: the film of each row of the table."""
        self._table, self._films, self._all_rows = table, films, rows
        self.rows = rows[np.unique(films[rows], return_index=True)[1]]

    def without(self, film: int) -> "_Watched":
        """Return the movies that are not this film."""
        own = self._films[self._all_rows] == film
        return _Watched(self._table, self._films, self._all_rows[~own]) if own.any() else self

    @cached_property
    def _credits(self) -> tuple[np.ndarray, np.ndarray]:
        """The keys of people with their roles, ascending, and how many of the movies have each: a movie has each person
        once in a role."""
        return np.unique(_credit_keys(*_credits_of(self._table, self.rows)), return_counts=True)

    @cached_property
    def _genres(self) -> np.ndarray:
        """Which of the movies have which of the table's genres, bool [movies, genres]."""
        owner, entries = csr_gather(self._table.genre_start, self.rows)
        has = np.zeros((len(self.rows), len(self._table.genre_names)), bool)
        has[owner, self._table.genre_of[entries]] = True
        return has

    def count_credits(self, keys: np.ndarray) -> np.ndarray:
        """Count the movies that have each of the people in their roles, int64 [n]."""
        found, counts = self._credits
        if not len(found):
            return np.zeros(len(keys), np.int64)
        places = np.minimum(np.searchsorted(found, keys), len(found) - 1)
        return np.where(found[places] == keys, counts[places], 0)

    def has_genres(self, genres: np.ndarray) -> np.ndarray:
        """Return which of the movies have which of these genres, bool [movies, n]."""
        return self._genres[:, genres]


class CommonGround:
    """Finds what movies have in common with what each member of an audience watched. One viewer is an audience too."""

    def __init__(self, eligibility: EligibilityFilter, members: Sequence[ViewerProfile]) -> None:
        self._table, self._films = eligibility.snapshot.table, eligibility.snapshot.doubles.films
        self._rows = [_watched_rows(eligibility, member) for member in members]
        self._watched = [_Watched(self._table, self._films, rows) for rows in self._rows]

    @property
    def shared_ids(self) -> np.ndarray:
        """Ids of the movies that every member watched, int32 [n]: they alone may be named."""
        rows = self._rows[0]
        for others in self._rows[1:]:
            rows = np.intersect1d(rows, others)
        return np.asarray(self._table.ids[rows])

    def describe(self, row: int) -> Text | None:
        """Return what the movie at `row` has in common with the watched ones: a director, an actor, genres."""
        watched = [member.without(self._films[row]) for member in self._watched]
        if not all(len(member.rows) for member in watched):
            return None
        return self._people(row, watched) or self._genres(row, watched)

    def _people(self, row: int, watched: Sequence[_Watched]) -> Text | None:
        table, (first, last) = self._table, self._table.credit_start[row : row + 2].tolist()
        if first == last:
            return None
        people, roles = table.credit_person[first:last], table.credit_role[first:last]
        keys = _credit_keys(people, roles)
        counts = np.stack([member.count_credits(keys) for member in watched])
        # One movie of an actor says little, unless everybody of a group has one.
        fewest, total = counts.min(0), counts.sum(0)
        directs = roles == DIRECTOR
        wanted = 1 if len(watched) > 1 else MIN_WITH_ACTOR
        for mask, phrase in (
            (directs & (fewest >= 1), "Directed by {person}"),
            (~directs & (fewest >= wanted), "With {person}"),
        ):
            if mask.any():
                best = int(np.argmax(np.where(mask, total, -1)))
                count = int(total[best])
                return Text(f"{phrase}, {self._as_in(count)}.", people=[table.person_names[people[best]]], total=count)
        return None

    def _genres(self, row: int, watched: Sequence[_Watched]) -> Text | None:
        table, (first, last) = self._table, self._table.genre_start[row : row + 2].tolist()
        genres = table.genre_of[first:last]
        has = [member.has_genres(genres) for member in watched]  # bool [movies, genres] of each
        for size, fewest in ((2, MIN_OF_GENRES), (1, MIN_OF_GENRE)):
            found = []
            for choice in combinations(range(len(genres)), size):
                counts = [int(member[:, list(choice)].all(1).sum()) for member in has]
                if min(counts) >= fewest:
                    found.append((sum(counts), choice))
            if found:
                count, choice = max(found, key=lambda item: item[0])
                names = [table.genre_names[genres[n]] for n in choice]
                return Text(f"{{genre}}, {self._as_in(count)}.", genres=names, total=count)
        return None

    def _as_in(self, count: int) -> str:
        """Say of how many watched movies it is true; of a group no number, which would tell on its members."""
        if len(self._watched) > 1:
            return "as in films that each of you watched"
        return "as in 1 film that you watched" if count == 1 else "as in {count} films that you watched"


def _watched_rows(eligibility: EligibilityFilter, viewer: ViewerProfile) -> np.ndarray:
    """Return the rows of the movies that a viewer watched or rated and that an answer may mention, int64 ascending."""
    ids, kinds = viewer.events.movie_ids, viewer.events.kinds
    rows = eligibility.snapshot.table.rows_of(ids if kinds is None else ids[np.isin(kinds, (WATCH, RATING))])
    rows = np.unique(rows[rows >= 0])
    if eligibility.age_limit is not None:
        rows = rows[eligibility.snapshot.table.age[rows] <= eligibility.age_limit]
    return rows


def _credits_of(table: CatalogueTable, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return person and role of every credit of the movies at `rows`."""
    _, entries = csr_gather(table.credit_start, rows)
    return table.credit_person[entries], table.credit_role[entries]


def _credit_keys(people: np.ndarray, roles: np.ndarray) -> np.ndarray:
    return people.astype(np.int64) * 8 + roles
