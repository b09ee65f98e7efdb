"""Which movies belong to one series, detected from their titles; the catalogue has no field for it.

A shared name alone is not enough. Two movies of a name are one series where they are parts of it by number, without
wide gaps, or where the people who made them or, when nobody knows those, the genres agree.
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
MAX_YEARS_APART = 40  # between two parts
MIN_SUBTITLED = 3  # movies with a subtitle below one name: then it is a series' own
MAX_BEARERS = 60  # movies: a word or a name that more of them have belongs to no series
MIN_NAME_LENGTH = 3  # letters
LEADING_PEOPLE, OTHER_PEOPLE = 2, 3  # in common, of movies that share a rare word at the beginning, or elsewhere
RELATED_GENRES, SIMILAR_GENRES = 1 / 2, 1 / 3  # in common, of those that either movie has
_CROSSOVER_WORDS = {"v", "vs", "versu", "versus", "meet", "meets"}  # two series at once
_STOP_WORDS = {
    *("a", "an", "and", "are", "at", "be", "by", "for", "from", "her", "hi", "his", "i", "in", "into", "is", "it"),
    *("me", "my", "no", "not", "of", "on", "or", "so", "that", "the", "thi", "to", "up", "we", "with", "you"),
}


def series_of(snapshot: CatalogueSnapshot) -> np.ndarray:
    """Return one number for the movies of a series, int32 [movies], -1 for a movie of none. Kept with the catalogue."""
    return snapshot.cached_array("series", None, lambda snapshot, _: _detect_once(snapshot.table))


class _DetectedSeries(NamedTuple):
    table: CatalogueTable
    series: np.ndarray


_last_detected = process_state.Value[_DetectedSeries | None]("movies: the series as last detected", None)
_detect_lock = threading.Lock()


def _detect_once(table: CatalogueTable) -> np.ndarray:
    """Detect the series, unless nothing that they depend on changed: it takes a second on a large catalogue."""
    columns = ("ids", "year", "genre_start", "genre_of", "credit_start", "credit_person")
    with _detect_lock:
        last = _last_detected.current
        if (
            last is None
            or last.table.titles != table.titles
            or not all(np.array_equal(getattr(last.table, name), getattr(table, name)) for name in columns)
        ):
            last = _DetectedSeries(table, detect_series(table))
        _last_detected.current = _DetectedSeries(table, last.series)
    return last.series.view()


def detect_series(table: CatalogueTable) -> np.ndarray:
    """Return the series of each movie as `series_of` does; the number of a series is the row of one of its movies."""
    parent = list(range(len(table.ids)))  # a union-find forest

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for row, other in _links(table):
        low, high = sorted((root(row), root(other)))
        parent[high] = low
    roots = np.array([root(row) for row in range(len(parent))], np.int32)
    sizes = np.bincount(roots, minlength=len(roots))
    return np.where(sizes[roots] > 1, roots, NO_SERIES).astype(np.int32)


def _links(table: CatalogueTable) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows that are of one series."""
    evidence = _PairEvidence(table)
    rows_of_name: dict[str, list[tuple[int, TitleName]]] = defaultdict(list)
    rows_of_word: dict[str, list[int]] = defaultdict(list)
    first_words: list[str] = []
    for row, title in enumerate(table.titles):
        names = parse_title(title)
        for name in names:
            rows_of_name[name.stem].append((row, name))
        words = [word.removesuffix("s") for word in names[-1].stem.split()] if names else []
        first_words.append(words[0] if words else "")
        if evidence.cast_size(row) >= LEADING_PEOPLE and _CROSSOVER_WORDS.isdisjoint(words):
            for word in set(words) - _STOP_WORDS:
                rows_of_word[word].append(row)
    for stem, bearers in rows_of_name.items():
        if len(bearers) > 1 and len(stem) >= MIN_NAME_LENGTH:
            yield from _numbered_parts(evidence, bearers)
            yield from _subtitled(evidence, bearers, is_one_word=" " not in stem)
    for word, rows in rows_of_word.items():
        if 1 < len(rows) <= MAX_BEARERS:
            yield from _same_makers(evidence, rows, {row for row in rows if first_words[row] == word})


class _PairEvidence:
    """Compares two movies by what they have in common besides a name."""

    def __init__(self, table: CatalogueTable) -> None:
        self.year = table.year.tolist()
        self._credits = table.credit_start.tolist()
        self.people = cache(lambda row: frozenset(_entries(table.credit_start, table.credit_person, row)))
        self.genres = cache(lambda row: frozenset(_entries(table.genre_start, table.genre_of, row)))

    def cast_size(self, row: int) -> int:
        """Count the people of a movie."""
        return self._credits[row + 1] - self._credits[row]

    def share_people(self, row: int, other: int, minimum: int = 1) -> bool:
        """Say whether the movies have so many people in common."""
        return len(self.people(row) & self.people(other)) >= minimum

    def share_genres(self, row: int, other: int, share: float) -> bool:
        """Say whether the movies have this share of their genres in common."""
        genres, others = self.genres(row), self.genres(other)
        return len(genres & others) >= share * len(genres | others) > 0

    def are_related(self, row: int, other: int, *, known_series: bool = False) -> bool:
        """Compare people; of movies without a cast, or of those of a known series, genres."""
        if self.share_people(row, other):
            return True
        if known_series:
            return not self.has_no_common_genre(row, other)
        has_few_people = min(self.cast_size(row), self.cast_size(other)) <= LEADING_PEOPLE
        return has_few_people and self.share_genres(row, other, RELATED_GENRES)

    def has_no_common_genre(self, row: int, other: int) -> bool:
        """Say whether both movies have genres, and none in common."""
        return bool(self.genres(row) and self.genres(other)) and self.genres(row).isdisjoint(self.genres(other))

    def may_follow(self, row: int, other: int) -> bool:
        """Say whether the movie at `row` may be a later part of the series of the other."""
        return 0 <= self.year[row] - self.year[other] <= MAX_YEARS_APART or not (self.year[row] and self.year[other])


def _entries(starts: np.ndarray, entries: np.ndarray, row: int) -> list[int]:
    values: list[int] = entries[starts[row] : starts[row + 1]].tolist()
    return values


def _numbered_parts(evidence: _PairEvidence, bearers: Sequence[tuple[int, TitleName]]) -> Iterator[tuple[int, int]]:
    """Link each numbered movie with the nearest part before it; what has the name alone is the first part."""
    parts = sorted(
        {(max(name.part, 1), evidence.year[row], row) for row, name in bearers if name.part or name.is_whole_title}
    )
    for position, (part, _, row) in enumerate(parts):
        before = [
            (earlier_part, earlier)
            for earlier_part, _, earlier in parts[:position]
            if earlier_part < part
            and evidence.may_follow(row, earlier)
            and not evidence.has_no_common_genre(row, earlier)
        ]
        if before and part - before[-1][0] <= MAX_PART_GAP:
            yield row, before[-1][1]


def _subtitled(
    evidence: _PairEvidence, bearers: Sequence[tuple[int, TitleName]], *, is_one_word: bool
) -> Iterator[tuple[int, int]]:
    """Link movies with a subtitle below a name with each other, and with the movie that has the name alone.

    Of several such movies, which are remakes or strangers, it is the one before.
    """
    subtitled = sorted({row for row, name in bearers if not name.is_whole_title})[:MAX_BEARERS]
    alone = {row for row, name in bearers if name.is_whole_title and not name.part} - set(subtitled)
    named_alone = sorted(alone, key=evidence.year.__getitem__)
    own_names = {row for row, name in bearers if not name.is_whole_title and not name.is_hero_name}
    known_series = len(own_names) >= MIN_SUBTITLED
    for row, other in combinations(subtitled, 2):
        if evidence.are_related(row, other, known_series=known_series):
            yield row, other
    for row in subtitled:
        before = [other for other in named_alone if evidence.may_follow(row, other)]
        nearest = before[-1] if before and not (is_one_word and len(named_alone) > 1) else None
        for other in named_alone:
            if evidence.share_people(row, other) or (
                other == nearest and evidence.are_related(row, other, known_series=known_series and not is_one_word)
            ):
                yield row, other


def _same_makers(evidence: _PairEvidence, rows: Sequence[int], leading: set[int]) -> Iterator[tuple[int, int]]:
    """Link movies that share a rare word and most of those who made them: "Batman Returns", "Batman Forever".

    `leading`: the rows of those whose titles begin with the word.
    """
    for row, other in combinations(rows, 2):
        people = LEADING_PEOPLE if row in leading and other in leading else OTHER_PEOPLE
        if evidence.share_people(row, other, people) and evidence.share_genres(row, other, SIMILAR_GENRES):
            yield row, other
