"""Which films belong to one series, found from their titles; the catalogue has no field for it.

A shared name alone is not enough. Two films of a name are one series where they are parts of it by number, without wide
gaps, or where the people who made them or, when nobody knows those, the genres agree.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from catalog.selectors import CatalogueTable
from recommender import process_state
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.title_parser import TitleName, parse_title

NO_SERIES = -1
MAX_PART_GAP = 3  # from one part's number to the next that the catalogue has
MAX_YEARS_APART = 40  # years between two parts
MIN_SUBTITLED = 3  # films with a subtitle below one name: then it is a series' own
MAX_BEARERS = 60  # films: a word or a name that more of them bear belongs to no series
MIN_NAME_LENGTH = 3  # letters of a name
LEADING_PEOPLE, OTHER_PEOPLE = 2, 3  # in common, of films that share a rare word at the beginning, or elsewhere
RELATED_GENRES, ALIKE_GENRES = 1 / 2, 1 / 3  # in common, of those that either film has
_CROSSOVER_WORDS = {"v", "vs", "versu", "versus", "meet", "meets"}  # two series at once
_STOP_WORDS = {
    *("a", "an", "and", "are", "at", "be", "by", "for", "from", "her", "hi", "his", "i", "in", "into", "is", "it"),
    *("me", "my", "no", "not", "of", "on", "or", "so", "that", "the", "thi", "to", "up", "we", "with", "you"),
}


def series_of(snapshot: CatalogueSnapshot) -> np.ndarray:
    """int32 [films]: one number for the films of a series, -1 for a film of none. Kept with the catalogue."""
    return snapshot.cached_array("series", None, lambda films, _: _detect_once(films.table))


class _DetectedSeries(NamedTuple):
    table: CatalogueTable
    numbers: np.ndarray


_last_detected = process_state.Value[_DetectedSeries | None]("movies: the series as last detected", None)
_detect_lock = threading.Lock()


def _detect_once(table: CatalogueTable) -> np.ndarray:
    """Most edits change nothing that a series is told by, and finding them takes a second on a large catalogue."""
    with _detect_lock:
        known = _last_detected.current
        if known is None or not _same_inputs(known.table, table):
            known = _DetectedSeries(table, detect_series(table))
        _last_detected.current = _DetectedSeries(table, known.numbers)
    return known.numbers.view()


def _same_inputs(one: CatalogueTable, other: CatalogueTable) -> bool:
    columns = ("ids", "year", "genre_start", "genre_of", "credit_start", "credit_person")
    return one.titles == other.titles and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in columns
    )


def detect_series(table: CatalogueTable) -> np.ndarray:
    """int32 [films], as `series` gives it; the number of a series is the row of one of its films."""
    above = list(range(len(table.ids)))  # a forest: each row points towards the first of its series

    def first(row: int) -> int:
        while above[row] != row:
            above[row] = row = above[above[row]]
        return row

    for one, other in _links(table):
        low, high = sorted((first(one), first(other)))
        above[high] = low
    firsts = np.array([first(row) for row in range(len(above))], np.int32)
    sizes = np.bincount(firsts, minlength=len(firsts))
    return np.where(sizes[firsts] > 1, firsts, NO_SERIES).astype(np.int32)


def _links(table: CatalogueTable) -> Iterator[tuple[int, int]]:
    """Pairs of rows that are of one series."""
    kin = _PairEvidence(table)
    bearers: dict[str, list[tuple[int, TitleName]]] = defaultdict(list)
    holders: dict[str, list[int]] = defaultdict(list)
    leading: list[str] = []
    for row, title in enumerate(table.titles):
        of_title = parse_title(title)
        for name in of_title:
            bearers[name.stem].append((row, name))
        words = [word.removesuffix("s") for word in of_title[-1].stem.split()] if of_title else []
        leading.append(words[0] if words else "")
        if kin.cast_size(row) >= LEADING_PEOPLE and _CROSSOVER_WORDS.isdisjoint(words):
            for word in set(words) - _STOP_WORDS:
                holders[word].append(row)
    for stem, those in bearers.items():
        if len(those) > 1 and len(stem) >= MIN_NAME_LENGTH:
            yield from _numbered_parts(kin, those)
            yield from _subtitled(kin, those, of_one_word=" " not in stem)
    for word, rows in holders.items():
        if 1 < len(rows) <= MAX_BEARERS:
            yield from _same_makers(kin, rows, {row for row in rows if leading[row] == word})


class _PairEvidence:
    """What two films have in common beside a name."""

    def __init__(self, table: CatalogueTable) -> None:
        self.year = table.year.tolist()
        self._credits = table.credit_start.tolist()
        self.people = cache(lambda row: frozenset(_segment(table.credit_start, table.credit_person, row)))
        self.genres = cache(lambda row: frozenset(_segment(table.genre_start, table.genre_of, row)))

    def cast_size(self, row: int) -> int:
        return self._credits[row + 1] - self._credits[row]

    def share_people(self, one: int, other: int, least: int = 1) -> bool:
        """So many people."""
        return len(self.people(one) & self.people(other)) >= least

    def share_genres(self, one: int, other: int, least: float) -> bool:
        mine, theirs = self.genres(one), self.genres(other)
        return len(mine & theirs) >= least * len(mine | theirs) > 0

    def related(self, one: int, other: int, *, known: bool = False) -> bool:
        """By people; of films without a cast, or of those of a `known` series, by genres."""
        if self.share_people(one, other):
            return True
        if known:
            return not self.has_no_common_genre(one, other)
        return min(self.cast_size(one), self.cast_size(other)) <= LEADING_PEOPLE and self.share_genres(
            one, other, RELATED_GENRES
        )

    def has_no_common_genre(self, one: int, other: int) -> bool:
        """Not a genre in common."""
        return bool(self.genres(one) and self.genres(other)) and self.genres(one).isdisjoint(self.genres(other))

    def may_follow(self, one: int, other: int) -> bool:
        """Whether the film `one` may be a later part of the series of `other`."""
        return 0 <= self.year[one] - self.year[other] <= MAX_YEARS_APART or not (self.year[one] and self.year[other])


def _segment(starts: np.ndarray, entries: np.ndarray, row: int) -> list[int]:
    run: list[int] = entries[starts[row] : starts[row + 1]].tolist()
    return run


def _numbered_parts(kin: _PairEvidence, those: Sequence[tuple[int, TitleName]]) -> Iterator[tuple[int, int]]:
    """Each numbered film with the nearest part before it; what bears the name alone is the first part."""
    parts = sorted({(max(name.part, 1), kin.year[row], row) for row, name in those if name.part or name.is_whole_title})
    for place, (part, _, row) in enumerate(parts):
        before = [
            (p, r)
            for p, _, r in parts[:place]
            if p < part and kin.may_follow(row, r) and not kin.has_no_common_genre(row, r)
        ]
        if before and part - before[-1][0] <= MAX_PART_GAP:
            yield row, before[-1][1]


def _subtitled(
    kin: _PairEvidence, those: Sequence[tuple[int, TitleName]], *, of_one_word: bool
) -> Iterator[tuple[int, int]]:
    """Films with a subtitle below a name: with each other, and with the film that bears the name alone. Of several such
    films, which are remakes or strangers, it is the one before."""
    below = sorted({row for row, name in those if not name.is_whole_title})[:MAX_BEARERS]
    alone = sorted(
        {row for row, name in those if name.is_whole_title and not name.part} - set(below), key=kin.year.__getitem__
    )
    known = len({row for row, name in those if not name.is_whole_title and not name.is_hero_name}) >= MIN_SUBTITLED
    for one, other in combinations(below, 2):
        if kin.related(one, other, known=known):
            yield one, other
    for row in below:
        before = [other for other in alone if kin.may_follow(row, other)]
        nearest = before[-1] if before and not (of_one_word and len(alone) > 1) else None
        for other in alone:
            if kin.share_people(row, other) or (
                other == nearest and kin.related(row, other, known=known and not of_one_word)
            ):
                yield row, other


def _same_makers(kin: _PairEvidence, rows: Sequence[int], led: set[int]) -> Iterator[tuple[int, int]]:
    """Films that share a rare word and most of those who made them: "Batman Returns", "Batman Forever"."""
    for one, other in combinations(rows, 2):
        people = LEADING_PEOPLE if one in led and other in led else OTHER_PEOPLE
        if kin.share_people(one, other, people) and kin.share_genres(one, other, ALIKE_GENRES):
            yield one, other
