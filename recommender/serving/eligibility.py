"""Which films may be listed at all: the catalogue as this process last read it, and its windows against the clock."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender.describing import cold_items
from recommender.serving.holders import Holders
from recommender.serving.names import NameIndex

if TYPE_CHECKING:
    from recommender.ml.newcomers import ColdItems
    from recommender.ml.ranker import Ranker

COLUMNS_KEPT = 40  # of one to four bytes a film
NEIGHBOURS_KEPT = 4_096  # films whose neighbours are at hand, half a kilobyte each
MODELS_AT_ONCE = 2  # while one model takes over from another, both are asked


class Spell(NamedTuple):
    """Which films are open from one moment to another: no window begins or ends in between."""

    since: int  # unix seconds
    until: int  # exclusive
    films: np.ndarray  # bool [films], not to be written to
    closed: int  # how many are not

    def covers(self, now: int) -> bool:
        return self.since <= now < self.until


Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The values of the keys that were asked for last, `most` of them. For several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
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
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return made


class Catalogue:
    """The films of one catalogue version, ordered by id, and what may be shown of them."""

    def __init__(self, table: selectors.CatalogueTable) -> None:
        self.table = table
        self.version = table.version
        self._spell: Spell | None = None
        self._columns = Kept[np.ndarray](COLUMNS_KEPT)
        self._of_model = Kept[tuple[np.ndarray, "ColdItems"]](MODELS_AT_ONCE)
        self.neighbours = Kept[np.ndarray](NEIGHBOURS_KEPT)

    @cached_property
    def genres(self) -> NameIndex:
        return NameIndex(self.table.genre_names)

    @cached_property
    def people(self) -> NameIndex:
        return NameIndex(self.table.person_names)

    @cached_property
    def genre_films(self) -> Holders:
        return Holders.of(self.table.genre_start, self.table.genre_of, len(self.table.genre_names))

    @cached_property
    def person_films(self) -> Holders:
        return Holders.of(self.table.credit_start, self.table.credit_person, len(self.table.person_names))

    @cached_property
    def by_imdb(self) -> tuple[np.ndarray, np.ndarray]:
        return _ordered(self.table.imdb)

    @cached_property
    def by_tmdb(self) -> tuple[np.ndarray, np.ndarray]:
        return _ordered(self.table.tmdb)

    def open(self, now: int, ahead: int = 0) -> np.ndarray:
        """bool [films]: published, and inside its window at `now` or going to be within `ahead` seconds."""
        table = self.table
        return table.published & (table.available_from <= now + ahead) & (now < table.available_until)

    def spell(self, now: int) -> Spell:
        """What is open at `now`; made again only when a window has begun or ended since."""
        spell = self._spell
        if spell is None or not spell.covers(now):
            films = self.open(now)
            films.flags.writeable = False
            place = int(np.searchsorted(self._turns, now, side="right"))
            since, until = int(self._turns[place - 1]), int(self._turns[place])
            spell = self._spell = Spell(since, until, films, len(films) - int(np.count_nonzero(films)))
        return spell

    @cached_property
    def _turns(self) -> np.ndarray:
        """Unix seconds, ascending: when a published film's window begins or ends; first and last is always and ever."""
        shown, ends = self.table.published, np.iinfo(np.int64)
        windows = (self.table.available_from[shown], self.table.available_until[shown])
        return np.unique(np.concatenate([*windows, [ends.min, ends.max]]))

    def column(self, name: str, value: Hashable, make: Callable[["Catalogue", Any], np.ndarray]) -> np.ndarray:
        """An array over the films, named and of a value asked for; `make` is called where it is not at hand."""

        def frozen() -> np.ndarray:
            made = make(self, value)
            made.flags.writeable = False
            return made

        return self._columns.get((name, value), frozen)

    def of_age(self, limit: int) -> np.ndarray:
        """bool [films]: those that a viewer of `limit` years may watch."""
        return self.table.age <= limit

    def rows_of(self, ranker: "Ranker") -> np.ndarray:
        """[V] for every film of the model's vocabulary its row, -1 where it has left the catalogue."""
        return self._beside(ranker)[0]

    def newcomers(self, ranker: "Ranker") -> "ColdItems":
        """Published films that came after the model's training."""
        return self._beside(ranker)[1]

    def _beside(self, ranker: "Ranker") -> tuple[np.ndarray, "ColdItems"]:
        """What this catalogue and the model have of each other."""
        return self._of_model.get(
            ranker.version, lambda: (self.table.rows_of(ranker.movie_ids), cold_items(self.table, ranker))
        )


def _ordered(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The known numbers, ascending, and the row of each; of one number the film with the lowest id is first."""
    rows = np.flatnonzero(numbers)
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    return numbers[rows], rows


_current: Catalogue | None = None
_rebuild = threading.Lock()


def catalogue(version: int) -> Catalogue:
    """The catalogue at `version` or later; read anew, once for all threads, when this process has another one.

    A table newer than `version` is one whose publishing is under way. An older number can also mean that the database
    was put back to an earlier state, so Postgres is asked which of the two it is.
    """
    global _current
    known = _current
    if known is not None and known.version == version:
        return known
    with _rebuild:
        known = _current
        if known is None or (known.version != version and not _latest(known, version)):
            known = _current = Catalogue(selectors.catalogue_table())
    return known


def _latest(known: Catalogue, version: int) -> bool:
    try:
        return known.version == selectors.catalogue_and_epoch()[0]
    except selectors.DATABASE_ERRORS:
        if known.version < version:  # an edit came that cannot be read: it might have taken a film away
            raise
        return True


class Gate:
    """Who passes into one answer: open now, of the viewer's age, wanted by the filters, not excluded by the request."""

    def __init__(
        self,
        catalogue: Catalogue,
        now: int,
        wanted: np.ndarray | None,
        exclude: np.ndarray,
        age_limit: int | None = None,
    ) -> None:
        """`wanted` bool [films] or None for all; `exclude` film ids; `age_limit` years or None."""
        self.catalogue = catalogue
        self.now = now
        self.wanted = wanted
        self.exclude = exclude
        self.age_limit = age_limit
        self.excluded_by_rule: np.ndarray | None = None  # bool [films]

    def passes(self, movie_ids: np.ndarray) -> np.ndarray:
        """bool [n]"""
        rows = self.catalogue.table.rows_of(movie_ids)
        keep = (rows >= 0) & self.catalogue.spell(self.now).films[rows]
        if self.age_limit is not None:
            keep &= self.catalogue.table.age[rows] <= self.age_limit
        if self.wanted is not None:
            keep &= self.wanted[rows]
        if self.excluded_by_rule is not None:
            keep &= ~self.excluded_by_rule[rows]
        if len(self.exclude):
            keep &= ~np.isin(movie_ids, self.exclude)
        return keep

    def may_name(self, row: int) -> bool:
        """Whether an answer may speak of the film at this row of the catalogue, listed or not."""
        return self.age_limit is None or int(self.catalogue.table.age[row]) <= self.age_limit

    def films(self) -> np.ndarray:
        """bool [films] of the catalogue, the caller's own; the excluded are not taken out."""
        films = self.catalogue.spell(self.now).films.copy()
        if self.age_limit is not None:
            films &= self.catalogue.of_age(self.age_limit)
        if self.wanted is not None:
            films &= self.wanted
        if self.excluded_by_rule is not None:
            films &= ~self.excluded_by_rule
        return films

    def vocabulary(self, ranker: "Ranker") -> np.ndarray:
        """bool [V] over the model's films; the excluded are not taken out."""
        return self._over(ranker, self.films())

    def newcomers(self, ranker: "Ranker") -> "ColdItems":
        """Those that pass."""
        found = self.catalogue.newcomers(ranker)
        return found.select(self.passes(found.movie_ids))

    def storable(self, ranker: "Ranker", age_limit: int | None) -> tuple[np.ndarray, "ColdItems"]:
        """The films, bool [V] and newcomers, that may be shown within the life of a list that is kept for a viewer with
        this age limit, whatever this request alone asked for: each is let through once its window is open."""
        films = self.catalogue.open(self.now, ahead=settings.LIST_TTL)
        if age_limit is not None:
            films &= self.catalogue.of_age(age_limit)
        found = self.catalogue.newcomers(ranker)
        return self._over(ranker, films), found.select(films[self.catalogue.table.rows_of(found.movie_ids)])

    def removed(self) -> dict[str, int]:
        """How many of the films that the filters want are kept out, each for the first reason that holds."""
        spell = self.catalogue.spell(self.now)
        if self.wanted is None:
            closed, left = spell.closed, spell.films
        else:
            closed, left = int(np.count_nonzero(self.wanted & ~spell.films)), self.wanted & spell.films
        too_old = 0
        if self.age_limit is not None:
            of_age = self.catalogue.of_age(self.age_limit)
            too_old, left = int(np.count_nonzero(left & ~of_age)), left & of_age
        by_rule = 0
        if self.excluded_by_rule is not None:
            by_rule, left = int(np.count_nonzero(left & self.excluded_by_rule)), left & ~self.excluded_by_rule
        excluded = 0
        if len(self.exclude):
            rows = self.catalogue.table.rows_of(np.unique(self.exclude))
            excluded = int(left[rows[rows >= 0]].sum())
        return counted(not_available=closed, age_limit=too_old, merchandising=by_rule, excluded=excluded)

    def _over(self, ranker: "Ranker", films: np.ndarray) -> np.ndarray:
        rows = self.catalogue.rows_of(ranker)
        return np.append(films, False)[rows]  # row -1 falls on the appended one


def counted(**reasons: int) -> dict[str, int]:
    return {reason: count for reason, count in reasons.items() if count}
