"""The catalogue as this process last read it, and its availability windows against the clock."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from django.conf import settings

from catalog import selectors
from catalog.names.genres import BUILTIN_LANGUAGES, GenreNames
from catalog.names.languages import NO_WISH, LanguageWish, language_chain
from recommender import process_state
from recommender.movies.doubles import Doubles, doubles_in
from recommender.movies.features import cold_items
from recommender.movies.indexes import InvertedIndex, NameIndex

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker
    from recommender.movies.neighbours import Neighbours, StoredNeighbours

MAX_ARRAYS = 40  # of one to four bytes a movie
MAX_NEIGHBOUR_LISTS = 1_024  # that no model's folder has, three kilobytes each
MAX_COUNTRIES = 64  # whose availability is kept, a byte a movie
MAX_MISTYPED_NAMES = 1_024
MAX_MODELS = 2  # while one model takes over from another, both are asked


class AvailabilityInterval(NamedTuple):
    """Which movies are available from one moment to another: no window begins or ends in between."""

    since: int  # unix seconds
    until: int  # exclusive
    available: np.ndarray  # bool [movies], not to be written to
    unavailable_count: int

    def covers(self, now: int) -> bool:
        """Say whether `now` (unix seconds) lies in the interval."""
        return self.since <= now < self.until


Value = TypeVar("Value")


class LruCache(Generic[Value]):
    """Holds the values of the `size` keys that were asked for last. Safe for several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key; `make` is called where it is not at hand."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value

    def discard(self, is_unwanted: Callable[[Any], bool]) -> None:
        """Forget the values of some keys."""
        with self._lock:
            for key in [key for key in self._values if is_unwanted(key)]:
                del self._values[key]

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()


class CatalogueSnapshot:
    """The movies of one catalogue version, ordered by id, with what is derived from them on demand."""

    def __init__(self, table: selectors.CatalogueTable) -> None:
        self.table = table
        self.version = table.version
        self._availability: dict[str, AvailabilityInterval] = {}  # country -> the last one
        self._arrays = LruCache[np.ndarray](MAX_ARRAYS)
        self._by_model = LruCache[tuple[np.ndarray, "ColdItems"]](MAX_MODELS)
        self.neighbour_cache: LruCache[Neighbours] = LruCache(MAX_NEIGHBOUR_LISTS)
        self.stored_neighbours: LruCache[StoredNeighbours] = LruCache(MAX_MODELS)
        self._near_names = LruCache[list[str]](MAX_MISTYPED_NAMES)

    @cached_property
    def genre_index(self) -> GenreNames:
        """The genres by their names, aliases and translations."""
        return GenreNames(self.table.genre_names, self.table.genre_aliases, self.table.genre_translations)

    @cached_property
    def person_index(self) -> NameIndex:
        """The people by their names."""
        return NameIndex(self.table.person_names)

    def near_names(self, index: Literal["genre_index", "person_index"], name: str) -> list[str]:
        """Return names of the index that are near to a mistyped one; kept, as they take a twentieth of a second."""
        return self._near_names.get((index, name), lambda: getattr(self, index).near(name))

    @cached_property
    def doubles(self) -> Doubles:
        """Which movies are one film."""
        return doubles_in(self.table)

    @cached_property
    def movies_by_genre(self) -> InvertedIndex:
        """The rows of each genre's movies."""
        return InvertedIndex.from_csr(self.table.genre_start, self.table.genre_of, len(self.table.genre_names))

    @cached_property
    def movies_by_person(self) -> InvertedIndex:
        """The rows of each person's movies."""
        return InvertedIndex.from_csr(self.table.credit_start, self.table.credit_person, len(self.table.person_names))

    @cached_property
    def movies_by_country(self) -> InvertedIndex:
        """The rows of each country of origin's movies."""
        starts = self.table.country_start
        starts = np.zeros(len(self.table.ids) + 1, np.int64) if starts is None else starts
        return InvertedIndex.from_csr(starts, self.table.country_of, len(self.table.country_names))

    @cached_property
    def id_by_key(self) -> dict[str, int]:
        """The ids, below zero, of the movies whose keys are no numbers."""
        return dict(zip(self.table.keys, self.table.ids.tolist(), strict=False))

    @cached_property
    def by_imdb(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers at IMDB, ascending, and the row of each."""
        return _sorted_ids(self.table.imdb, len(self.table.keys))

    @cached_property
    def by_tmdb(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers at TMDB, ascending, and the row of each."""
        return _sorted_ids(self.table.tmdb, len(self.table.keys))

    def available_mask(self, now: int, ahead: int = 0, country: str = "") -> np.ndarray:
        """Return which movies are published and available in a country at `now` or within `ahead` seconds of it: bool
        [movies]. A movie with windows by country is available in no other, and nowhere without a country."""
        table = self.table
        available = table.published & (table.available_from <= now + ahead) & (now < table.available_until)
        if len(table.window_movie):
            closed = self._limited_to_countries.copy()
            windows = self._windows_in(country)
            is_open = (table.window_from[windows] <= now + ahead) & (now < table.window_until[windows])
            closed[table.window_movie[windows][is_open]] = False
            available &= ~closed
        return available

    def availability(self, now: int, country: str = "") -> AvailabilityInterval:
        """Return which movies are available in a country at `now`; computed again only when a window has begun or
        ended since."""
        country = country if country in self._window_countries else ""  # no film has a window in any other
        interval = self._availability.get(country)
        if interval is None or not interval.covers(now):
            available = self.available_mask(now, country=country)
            available.flags.writeable = False
            boundaries = self._boundaries(country)
            after = int(np.searchsorted(boundaries, now, side="right"))
            since, until = int(boundaries[after - 1]), int(boundaries[after])
            unavailable_count = len(available) - int(np.count_nonzero(available))
            interval = AvailabilityInterval(since, until, available, unavailable_count)
            if len(self._availability) >= MAX_COUNTRIES:
                self._availability = {}
            self._availability[country] = interval
        return interval

    @cached_property
    def _limited_to_countries(self) -> np.ndarray:
        """Which movies are available in some countries only, bool [movies]."""
        limited = np.zeros(len(self.table.ids), bool)
        limited[self.table.window_movie] = True
        return limited

    @cached_property
    def _window_countries(self) -> dict[str, int]:
        return {country: number for number, country in enumerate(self.table.window_countries)}

    def _windows_in(self, country: str) -> slice:
        """Return where the windows of a country are; an empty slice for one that no window is in."""
        number, starts = self._window_countries.get(country), self.table.window_start
        return slice(0, 0) if number is None else slice(int(starts[number]), int(starts[number + 1]))

    def _boundaries(self, country: str) -> np.ndarray:
        """Return when windows of published movies begin or end: unix seconds ascending, between the least and largest
        possible one."""
        table, windows, limits = self.table, self._windows_in(country), np.iinfo(np.int64)
        published = table.published
        own = (table.available_from[published], table.available_until[published])
        return np.unique(
            np.concatenate([*own, table.window_from[windows], table.window_until[windows], [limits.min, limits.max]])
        )

    def language_chain(self, wish: LanguageWish, own: str) -> tuple[str, ...]:
        """Return the languages in which titles and genres are looked for, as the call or the viewer wishes."""
        if wish == NO_WISH and not own:
            return ()
        return language_chain(wish, own, self.languages, settings.TITLE_LANGUAGE)

    def language_of(self, languages: tuple[str, ...]) -> str:
        """Return the language of an answer that looks for texts in `languages`: the first that there are any in."""
        known = self.languages | BUILTIN_LANGUAGES
        return next((language for language in languages if language in known), settings.TITLE_LANGUAGE)

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages, in small letters, that titles or genres are translated into."""
        return self.genre_index.languages | frozenset(self.table.translation_languages)

    def genre_names_in(self, languages: tuple[str, ...]) -> dict[str, str]:
        """Map the genres' own names to those in the first of the languages that has one."""
        return dict(zip(self.table.genre_names, self.genre_index.in_language(languages), strict=True))

    def cached_array(
        self, name: str, value: Hashable, make: Callable[["CatalogueSnapshot", Any], np.ndarray]
    ) -> np.ndarray:
        """Return `make(self, value)`, an array over the movies, kept under this name and value and read-only."""

        def frozen() -> np.ndarray:
            array = make(self, value)
            array.flags.writeable = False
            return array

        return self._arrays.get((name, value), frozen)

    def allowed_for_age(self, age_limit: int) -> np.ndarray:
        """Return which movies a viewer of `age_limit` years may watch, bool [movies]."""
        return self.table.age <= age_limit

    def age_class(self, age_limit: int) -> int:
        """Return the largest age from which a movie may be watched that a limit allows (years): viewers under limits
        with the same one may watch the same; -1 where they may watch nothing."""
        ages = self.cached_array("distinct ages", None, lambda *_: np.unique(self.table.age))
        return int(ages[ages <= age_limit].max(initial=-1))

    def rows_of_model(self, ranker: "Ranker") -> np.ndarray:
        """Return the row of every movie of the model's vocabulary, [V]; -1 where it has left the catalogue."""
        return self._for_model(ranker)[0]

    def cold_items(self, ranker: "Ranker") -> "ColdItems":
        """Return the published movies that came after the model's training."""
        return self._for_model(ranker)[1]

    def _for_model(self, ranker: "Ranker") -> tuple[np.ndarray, "ColdItems"]:
        return self._by_model.get(
            ranker.version, lambda: (self.table.rows_of(ranker.movie_ids), cold_items(self.table, ranker))
        )


def _sorted_ids(numbers: np.ndarray, keyed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the known numbers, ascending, and the row of each; of one number the oldest movie is first.

    Ids rise with the movies, those of the first `keyed` rows fall: they are below zero.
    """
    oldest_first = np.append(np.arange(keyed, len(numbers)), np.arange(keyed)[::-1])
    rows = oldest_first[numbers[oldest_first] != 0]
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    return numbers[rows], rows


_current = process_state.Value[CatalogueSnapshot | None]("movies: the catalogue as last read", None)
_rebuild_lock = threading.Lock()


def last_snapshot() -> CatalogueSnapshot | None:
    """Return the catalogue as this process last read it, if it has."""
    return _current.current


def current_snapshot(version: int) -> CatalogueSnapshot:
    """Return the catalogue at `version` or later; read anew, once for all threads, when this process has another one.

    A table newer than `version` is one whose publishing is under way. An older number can also mean that the database
    was put back to an earlier state, so Postgres is asked which of the two it is.
    """
    snapshot = _current.current
    if snapshot is not None and snapshot.version == version:
        return snapshot
    with _rebuild_lock:
        snapshot = _current.current
        if snapshot is None or (snapshot.version != version and not _is_latest(snapshot, version)):
            snapshot = _current.current = CatalogueSnapshot(selectors.catalogue_table())
    return snapshot


def _is_latest(snapshot: CatalogueSnapshot, version: int) -> bool:
    try:
        return snapshot.version == selectors.catalogue_and_epoch()[0]
    except selectors.DATABASE_ERRORS:
        if snapshot.version < version:  # an edit came that cannot be read: it might have taken a movie away
            raise
        return True
