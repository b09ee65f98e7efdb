"""Which films may be listed at all: the catalogue as this process last read it, and its windows against the clock."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from catalog import selectors
from recommender.movies.features import cold_items
from recommender.movies.indexes import InvertedIndex
from recommender.movies.name_index import NameIndex

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

MAX_ARRAYS = 40  # of one to four bytes a film
MAX_NEIGHBOUR_LISTS = 4_096  # films whose neighbours are at hand, half a kilobyte each
MAX_MODELS = 2  # while one model takes over from another, both are asked


class AvailabilityInterval(NamedTuple):
    """Which films are open from one moment to another: no window begins or ends in between."""

    since: int  # unix seconds
    until: int  # exclusive
    available: np.ndarray  # bool [films], not to be written to
    unavailable_count: int  # how many are not

    def covers(self, now: int) -> bool:
        return self.since <= now < self.until


Value = TypeVar("Value")


class LruCache(Generic[Value]):
    """The values of the keys that were asked for last, `most` of them. For several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns the value of a key; `make` is called where it is not at hand."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        made = make()
        with self._lock:
            self._values[key] = made
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return made


class CatalogueSnapshot:
    """The films of one catalogue version, ordered by id, and what may be shown of them."""

    def __init__(self, table: selectors.CatalogueTable) -> None:
        self.table = table
        self.version = table.version
        self._availability: AvailabilityInterval | None = None
        self._arrays = LruCache[np.ndarray](MAX_ARRAYS)
        self._by_model = LruCache[tuple[np.ndarray, "ColdItems"]](MAX_MODELS)
        self.neighbour_cache = LruCache[np.ndarray](MAX_NEIGHBOUR_LISTS)

    @cached_property
    def genre_index(self) -> NameIndex:
        return NameIndex(self.table.genre_names)

    @cached_property
    def person_index(self) -> NameIndex:
        return NameIndex(self.table.person_names)

    @cached_property
    def movies_by_genre(self) -> InvertedIndex:
        return InvertedIndex.from_csr(self.table.genre_start, self.table.genre_of, len(self.table.genre_names))

    @cached_property
    def movies_by_person(self) -> InvertedIndex:
        return InvertedIndex.from_csr(self.table.credit_start, self.table.credit_person, len(self.table.person_names))

    @cached_property
    def by_imdb(self) -> tuple[np.ndarray, np.ndarray]:
        return _sorted_ids(self.table.imdb)

    @cached_property
    def by_tmdb(self) -> tuple[np.ndarray, np.ndarray]:
        return _sorted_ids(self.table.tmdb)

    def available_mask(self, now: int, ahead: int = 0) -> np.ndarray:
        """bool [films]: published, and inside its window at `now` or going to be within `ahead` seconds."""
        table = self.table
        return table.published & (table.available_from <= now + ahead) & (now < table.available_until)

    def availability(self, now: int) -> AvailabilityInterval:
        """What is open at `now`; made again only when a window has begun or ended since."""
        spell = self._availability
        if spell is None or not spell.covers(now):
            films = self.available_mask(now)
            films.flags.writeable = False
            place = int(np.searchsorted(self._boundaries, now, side="right"))
            since, until = int(self._boundaries[place - 1]), int(self._boundaries[place])
            spell = self._availability = AvailabilityInterval(
                since, until, films, len(films) - int(np.count_nonzero(films))
            )
        return spell

    @cached_property
    def _boundaries(self) -> np.ndarray:
        """Unix seconds, ascending: when a published film's window begins or ends; first and last is always and ever."""
        shown, ends = self.table.published, np.iinfo(np.int64)
        windows = (self.table.available_from[shown], self.table.available_until[shown])
        return np.unique(np.concatenate([*windows, [ends.min, ends.max]]))

    def cached_array(
        self, name: str, value: Hashable, make: Callable[["CatalogueSnapshot", Any], np.ndarray]
    ) -> np.ndarray:
        """An array over the films, named and of a value asked for; `make` is called where it is not at hand."""

        def frozen() -> np.ndarray:
            made = make(self, value)
            made.flags.writeable = False
            return made

        return self._arrays.get((name, value), frozen)

    def allowed_for_age(self, limit: int) -> np.ndarray:
        """bool [films]: those that a viewer of `limit` years may watch."""
        return self.table.age <= limit

    def rows_of_model(self, ranker: "Ranker") -> np.ndarray:
        """[V] for every film of the model's vocabulary its row, -1 where it has left the catalogue."""
        return self._for_model(ranker)[0]

    def cold_items(self, ranker: "Ranker") -> "ColdItems":
        """Published films that came after the model's training."""
        return self._for_model(ranker)[1]

    def _for_model(self, ranker: "Ranker") -> tuple[np.ndarray, "ColdItems"]:
        """What this catalogue and the model have of each other."""
        return self._by_model.get(
            ranker.version, lambda: (self.table.rows_of(ranker.movie_ids), cold_items(self.table, ranker))
        )


def _sorted_ids(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The known numbers, ascending, and the row of each; of one number the film with the lowest id is first."""
    rows = np.flatnonzero(numbers)
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    return numbers[rows], rows


_current: CatalogueSnapshot | None = None
_rebuild_lock = threading.Lock()


def current_snapshot(version: int) -> CatalogueSnapshot:
    """The catalogue at `version` or later; read anew, once for all threads, when this process has another one.

    A table newer than `version` is one whose publishing is under way. An older number can also mean that the database
    was put back to an earlier state, so Postgres is asked which of the two it is.
    """
    global _current
    known = _current
    if known is not None and known.version == version:
        return known
    with _rebuild_lock:
        known = _current
        if known is None or (known.version != version and not _is_latest(known, version)):
            known = _current = CatalogueSnapshot(selectors.catalogue_table())
    return known


def _is_latest(known: CatalogueSnapshot, version: int) -> bool:
    try:
        return known.version == selectors.catalogue_and_epoch()[0]
    except selectors.DATABASE_ERRORS:
        if known.version < version:  # an edit came that cannot be read: it might have taken a film away
            raise
        return True


class EligibilityFilter:
    """Who passes into one answer: open now, of the viewer's age, wanted by the filters, not excluded by the request."""

    def __init__(
        self,
        snapshot: CatalogueSnapshot,
        now: int,
        attribute_mask: np.ndarray | None,
        excluded_ids: np.ndarray,
        age_limit: int | None = None,
    ) -> None:
        """`wanted` bool [films] or None for all; `exclude` film ids; `age_limit` years or None."""
        self.snapshot = snapshot
        self.now = now
        self.attribute_mask = attribute_mask
        self.excluded_ids = excluded_ids
        self.age_limit = age_limit
        self.excluded_by_rule: np.ndarray | None = None  # bool [films]

    def mask_ids(self, movie_ids: np.ndarray) -> np.ndarray:
        """bool [n]"""
        rows = self.snapshot.table.rows_of(movie_ids)
        keep = (rows >= 0) & self.snapshot.availability(self.now).available[rows]
        if self.age_limit is not None:
            keep &= self.snapshot.table.age[rows] <= self.age_limit
        if self.attribute_mask is not None:
            keep &= self.attribute_mask[rows]
        if self.excluded_by_rule is not None:
            keep &= ~self.excluded_by_rule[rows]
        if len(self.excluded_ids):
            keep &= ~np.isin(movie_ids, self.excluded_ids)
        return keep

    def may_mention(self, row: int) -> bool:
        """Whether an answer may speak of the film at this row of the catalogue, listed or not."""
        return self.age_limit is None or int(self.snapshot.table.age[row]) <= self.age_limit

    def mask(self) -> np.ndarray:
        """bool [films] of the catalogue, the caller's own; the excluded are not taken out."""
        films = self.snapshot.availability(self.now).available.copy()
        if self.age_limit is not None:
            films &= self.snapshot.allowed_for_age(self.age_limit)
        if self.attribute_mask is not None:
            films &= self.attribute_mask
        if self.excluded_by_rule is not None:
            films &= ~self.excluded_by_rule
        return films

    def vocabulary_mask(self, ranker: "Ranker") -> np.ndarray:
        """bool [V] over the model's films; the excluded are not taken out."""
        return self._to_vocabulary(ranker, self.mask())

    def cold_items(self, ranker: "Ranker") -> "ColdItems":
        """Those that pass."""
        found = self.snapshot.cold_items(ranker)
        return found.select(self.mask_ids(found.movie_ids))

    def removal_counts(self) -> dict[str, int]:
        """How many of the films that the filters want are kept out, each for the first reason that holds."""
        spell = self.snapshot.availability(self.now)
        if self.attribute_mask is None:
            closed, left = spell.unavailable_count, spell.available
        else:
            closed, left = (
                int(np.count_nonzero(self.attribute_mask & ~spell.available)),
                self.attribute_mask & spell.available,
            )
        too_old = 0
        if self.age_limit is not None:
            of_age = self.snapshot.allowed_for_age(self.age_limit)
            too_old, left = int(np.count_nonzero(left & ~of_age)), left & of_age
        by_rule = 0
        if self.excluded_by_rule is not None:
            by_rule, left = int(np.count_nonzero(left & self.excluded_by_rule)), left & ~self.excluded_by_rule
        excluded = 0
        if len(self.excluded_ids):
            rows = self.snapshot.table.rows_of(np.unique(self.excluded_ids))
            excluded = int(left[rows[rows >= 0]].sum())
        return nonzero_counts(not_available=closed, age_limit=too_old, merchandising=by_rule, excluded=excluded)

    def _to_vocabulary(self, ranker: "Ranker", films: np.ndarray) -> np.ndarray:
        rows = self.snapshot.rows_of_model(ranker)
        return np.append(films, False)[rows]  # row -1 falls on the appended one


def nonzero_counts(**reasons: int) -> dict[str, int]:
    return {reason: count for reason, count in reasons.items() if count}
