"""Which films may be listed at all: the catalogue as this process last read it, and its windows against the clock."""

import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender.serving.names import NameIndex

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MODELS_AT_ONCE = 2  # while one model takes over from another, both are asked


class Catalogue:
    """The films of one catalogue version, ordered by id, and what may be shown of them."""

    def __init__(self, table: selectors.CatalogueTable) -> None:
        self.table = table
        self.version = table.version
        self._rows_of_model: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def genres(self) -> NameIndex:
        return NameIndex(self.table.genre_names)

    @cached_property
    def people(self) -> NameIndex:
        return NameIndex(self.table.person_names)

    def open(self, now: int, rows: np.ndarray | slice = slice(None), ahead: int = 0) -> np.ndarray:
        """bool: published, and inside its window at `now` or going to be within `ahead` seconds."""
        table = self.table
        inside = (table.available_from[rows] <= now + ahead) & (now < table.available_until[rows])
        return np.asarray(table.published[rows] & inside)

    def rows_of(self, ranker: "Ranker") -> np.ndarray:
        """[V] for every film of the model's vocabulary its row, -1 where it has left the catalogue."""
        with self._lock:
            if ranker.version not in self._rows_of_model:
                self._rows_of_model[ranker.version] = self.table.places(ranker.movie_ids)
                while len(self._rows_of_model) > MODELS_AT_ONCE:
                    self._rows_of_model.popitem(last=False)
            return self._rows_of_model[ranker.version]


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
        if known is None or (known.version != version and known.version != selectors.revision()[0]):
            known = _current = Catalogue(selectors.catalogue_table())
    return known


class Gate:
    """Who passes into one answer: open now, wanted by the filters, not excluded by the request."""

    def __init__(self, catalogue: Catalogue, now: int, wanted: np.ndarray | None, exclude: np.ndarray) -> None:
        """`wanted` bool [films] or None for all; `exclude` film ids."""
        self.catalogue = catalogue
        self.now = now
        self.wanted = wanted
        self.exclude = exclude

    def passes(self, movie_ids: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
        """bool [n], and how many did not pass for which reason other than the filters."""
        rows = self.catalogue.table.places(movie_ids)
        open_now = (rows >= 0) & self.catalogue.open(self.now, rows)
        excluded = np.isin(movie_ids, self.exclude) if len(self.exclude) else np.zeros(len(rows), bool)
        keep = open_now & ~excluded
        if self.wanted is not None:
            keep &= self.wanted[rows]
        return keep, counted(not_available=int((~open_now).sum()), excluded=int((excluded & open_now).sum()))

    def films(self) -> np.ndarray:
        """bool [films] of the catalogue; the excluded are not taken out."""
        open_now = self.catalogue.open(self.now)
        return open_now if self.wanted is None else open_now & self.wanted

    def vocabulary(self, ranker: "Ranker") -> np.ndarray:
        """bool [V] over the model's films; the excluded are not taken out."""
        return self._over(ranker, self.films())

    def storable(self, ranker: "Ranker") -> np.ndarray:
        """bool [V] for a list that is kept: films whose window opens within its life are in it, and are let through
        when it is read after that."""
        return self._over(ranker, self.catalogue.open(self.now, ahead=settings.LIST_TTL))

    def _over(self, ranker: "Ranker", films: np.ndarray) -> np.ndarray:
        rows = self.catalogue.rows_of(ranker)
        return np.append(films, False)[rows]  # row -1 falls on the appended one


def counted(**reasons: int) -> dict[str, int]:
    return {reason: count for reason, count in reasons.items() if count}
