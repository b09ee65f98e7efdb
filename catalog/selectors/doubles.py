"""Doubles: films of the catalogue that are one film, told by their titles and years, or by staff.

Films of one title (case, accents, marks and spaces do not count) and one year are one film, unless what is known of
them says that they differ: directors of whom they have none in common, or two ids at TMDB. Two ids at IMDb do not say
so, as MovieLens has films under an id that IMDb gave up as well as under the new one; one id at IMDb says that they are
one. Where some films of a title and year differ, the others go with that film alone with which they have a director or
an id in common. A film without a year has no double, nor has one of a title that more than MAX_NAMESAKES films of the
year have.

Staff may say that films are one, whatever their titles, and that a film is none of its namesakes (`Movie.double_of`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from catalog.models import Credit
from catalog.names.matching import name_key
from catalog.selectors.catalogue import CatalogueTable

MAX_NAMESAKES = 20


def namesakes(table: CatalogueTable) -> list[list[list[int]]]:
    """Return the rows of the films that share title and year, or are one by what staff say: for each title and year the
    films, each a list of the rows that are one film. Oldest rows first."""
    same_title = _rows_by_title(table)
    first = _first_doubles(table, same_title)
    said = [[row, int(first[row])] for row in np.flatnonzero(first != np.arange(len(first))).tolist()]
    found = []
    for rows in _merge([*same_title, *said]):
        films: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            films[int(first[row])].append(row)
        found.append(list(films.values()))
    return found


def first_doubles(table: CatalogueTable) -> np.ndarray:
    """Return for each row the first row that is the same film, int32 [movies]: its own for a film without a double."""
    return _first_doubles(table, _rows_by_title(table))


def _first_doubles(table: CatalogueTable, same_title: Iterable[Sequence[int]]) -> np.ndarray:
    said = np.zeros(len(table.ids), np.int32) if table.double_of is None else table.double_of
    is_alone = said == table.ids
    films = [
        film for rows in same_title for film in _films(table, [row for row in rows if not is_alone[row]])
    ]  # by their titles
    rows = np.flatnonzero((said != 0) & ~is_alone)
    others = table.rows_of(said[rows])
    films += [[row, other] for row, other in zip(rows.tolist(), others.tolist(), strict=True) if other >= 0]
    first = np.arange(len(table.ids), dtype=np.int32)
    for film in _merge(films):
        first[film] = film[0]
    return first


def _rows_by_title(table: CatalogueTable) -> list[list[int]]:
    """Return the rows of each title and year that several films have."""
    rows_of: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, (title, year) in enumerate(zip(table.titles, table.year.tolist(), strict=True)):
        if year:
            rows_of[year, name_key(title)].append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]


def _films(table: CatalogueTable, rows: Sequence[int]) -> Iterator[list[int]]:
    """Yield the rows that are one film, of rows of one title and year."""
    if len(rows) > MAX_NAMESAKES:
        return
    facts = {row: _Facts(table, row) for row in rows}
    for film in _components(rows, lambda row, other: not facts[row].differs(facts[other])):
        if any(facts[row].differs(facts[other]) for row, other in combinations(film, 2)):
            yield from _components(film, lambda row, other: facts[row].is_same(facts[other]))
        else:
            yield film


def _components(rows: Sequence[int], are_one: Callable[[int, int], bool]) -> list[list[int]]:
    """Return the rows in groups: whoever is one with a row of a group belongs to it."""
    return _merge([[row] for row in rows] + [[a, b] for a, b in combinations(rows, 2) if are_one(a, b)])


def _merge(groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """Return the groups as sets without a common row: groups that have one become one. Ascending."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = row = parent[parent[row]]
        return row

    for group in groups:
        for row in group:
            low, high = sorted((root(group[0]), root(row)))
            parent[high] = low
    merged: dict[int, list[int]] = defaultdict(list)
    for row in sorted(parent):
        merged[root(row)].append(row)
    return list(merged.values())


class _Facts:
    """What tells a film from another of its title and year."""

    def __init__(self, table: CatalogueTable, row: int) -> None:
        self.imdb, self.tmdb = int(table.imdb[row]), int(table.tmdb[row])
        entries = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
        people, roles = table.credit_person[entries], table.credit_role[entries]
        self.directors = frozenset(people[roles == Credit.Role.DIRECTOR].tolist())

    def differs(self, other: "_Facts") -> bool:
        """Say whether this is another film."""
        if self.imdb and self.imdb == other.imdb:
            return False
        by_directors = bool(self.directors and other.directors) and self.directors.isdisjoint(other.directors)
        return by_directors or (self.tmdb != other.tmdb and bool(self.tmdb and other.tmdb))

    def is_same(self, other: "_Facts") -> bool:
        """Say whether something shows that this is the same film."""
        shared = {self.imdb, -self.tmdb} & {other.imdb, -other.tmdb} - {0} or self.directors & other.directors
        return bool(shared) and not self.differs(other)
