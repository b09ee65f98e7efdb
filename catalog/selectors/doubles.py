"""Doubles: films of the catalogue that are one film, told by their titles and years.

Films of one title (case, accents, marks and spaces do not count) and one year are one film, unless what is known of
them says that they differ: directors of whom they have none in common, or two ids at TMDB. Two ids at IMDb do not say
so, as MovieLens has films under an id that IMDb gave up as well as under the new one; one id at IMDb says that they are
one. Where some films of a title and year differ, the others go with that film alone with which they have a director or
an id in common. A film without a year has no double, nor has one of a title that more than MAX_NAMESAKES films of the
year have.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from catalog.models import Credit
from catalog.names.matching import name_key
from catalog.selectors.catalogue import CatalogueTable

MAX_NAMESAKES = 20


def namesakes(table: CatalogueTable) -> list[list[list[int]]]:
    """Return the rows of the films that share title and year with another: for each title and year the films, each a
    list of the rows that are one film. Oldest rows first."""
    rows_of: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, (title, year) in enumerate(zip(table.titles, table.year.tolist(), strict=True)):
        if year:
            rows_of[year, name_key(title)].append(row)
    return [list(_films(table, rows)) for rows in rows_of.values() if len(rows) > 1]


def first_doubles(table: CatalogueTable) -> np.ndarray:
    """Return for each row the first row that is the same film, int32 [movies]: its own for a film without a double."""
    first = np.arange(len(table.ids), dtype=np.int32)
    for films in namesakes(table):
        for rows in films:
            first[rows] = rows[0]
    return first


def _films(table: CatalogueTable, rows: Sequence[int]) -> Iterator[list[int]]:
    """Divide rows of one title and year into films."""
    if len(rows) > MAX_NAMESAKES:
        yield from ([row] for row in rows)
        return
    facts = {row: _Facts(table, row) for row in rows}
    for film in _components(rows, lambda row, other: not facts[row].differs(facts[other])):
        if any(facts[row].differs(facts[other]) for row, other in combinations(film, 2)):
            yield from _components(film, lambda row, other: facts[row].is_same(facts[other]))
        else:
            yield film


def _components(rows: Sequence[int], are_one: Callable[[int, int], bool]) -> list[list[int]]:
    """Return the rows in groups: whoever is one with a row of a group belongs to it."""
    groups: list[list[int]] = []
    for row in rows:
        near = [group for group in groups if any(are_one(row, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), row])
    return sorted(sorted(group) for group in groups)


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
