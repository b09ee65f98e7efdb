"""Which movies may be listed in one answer, whoever ranks them."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog.selectors import strictest_age_limit
from recommender.movies.snapshot import AvailabilityInterval, CatalogueSnapshot

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

NO_MOVIES = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class EligibilityFilter:
    """Lets a movie pass that is available now in the country, within the age limit, matches the attribute filters and
    is not excluded, neither by the request nor by a merchandising rule."""

    snapshot: CatalogueSnapshot
    now: int  # unix seconds
    attribute_mask: np.ndarray | None = None  # bool [movies]; None: all match
    excluded_ids: np.ndarray = field(default_factory=lambda: NO_MOVIES)  # int32 [n], by the request
    age_limit: int | None = None  # years
    excluded_by_rule: np.ndarray | None = None  # bool [movies]
    country: str = ""  # ISO 3166; "": not known

    def with_age_limit(self, age_limit: int | None) -> "EligibilityFilter":
        """Return this filter under the stricter of its own age limit and this one (years)."""
        if age_limit is None:
            return self
        return replace(self, age_limit=strictest_age_limit(self.age_limit, age_limit))

    def in_country(self, country: str) -> "EligibilityFilter":
        """Return this filter for a country where the request names none: the viewer's own, else the site's."""
        country = self.country or country or settings.COUNTRY
        return self if country == self.country else replace(self, country=country)

    def restricted_to(self, movie_ids: np.ndarray) -> "EligibilityFilter":
        """Return this filter of these movies alone."""
        rows = self.snapshot.table.rows_of(movie_ids)
        mask = np.zeros(len(self.snapshot.table.ids), bool)
        mask[rows[rows >= 0]] = True
        return replace(self, attribute_mask=mask if self.attribute_mask is None else mask & self.attribute_mask)

    def availability(self) -> AvailabilityInterval:
        """Return which movies are available now in the country."""
        return self.snapshot.availability(self.now, self.country)

    def steady_between(self) -> tuple[int, int]:
        """Return from when until when (exclusive) neither a window nor a merchandising rule begins or ends: unix
        seconds around `now`."""
        availability, rules = self.availability(), self.snapshot.table.merchandising_rules
        edges = [availability.since, availability.until]
        edges += [edge for rule in rules for edge in (rule.starts_at, rule.ends_at)]
        return max(edge for edge in edges if edge <= self.now), min(edge for edge in edges if edge > self.now)

    def mask_ids(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return which of these movies pass, bool [n]."""
        rows = self.snapshot.table.rows_of(movie_ids)
        passes = (rows >= 0) & self.availability().available[rows]
        if self.age_limit is not None:
            passes &= self.snapshot.table.age[rows] <= self.age_limit
        if self.attribute_mask is not None:
            passes &= self.attribute_mask[rows]
        if self.excluded_by_rule is not None:
            passes &= ~self.excluded_by_rule[rows]
        if len(self.excluded_ids):
            passes &= ~np.isin(movie_ids, self.excluded_ids)
        return passes

    def may_mention(self, row: int) -> bool:
        """Say whether an answer may name the movie at this row of the catalogue, listed or not."""
        return self.age_limit is None or int(self.snapshot.table.age[row]) <= self.age_limit

    def mask(self) -> np.ndarray:
        """Return which movies of the catalogue pass, bool [movies], a new array. `excluded_ids` are not taken out."""
        passes = self.availability().available.copy()
        if self.age_limit is not None:
            passes &= self.snapshot.allowed_for_age(self.age_limit)
        if self.attribute_mask is not None:
            passes &= self.attribute_mask
        if self.excluded_by_rule is not None:
            passes &= ~self.excluded_by_rule
        return passes

    def mask_without(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return which movies of the catalogue pass and are none of these, nor doubles of them, bool [movies]."""
        passes = self.mask()
        rows = self.snapshot.table.rows_of(np.concatenate([movie_ids, self.excluded_ids]))
        passes[self.snapshot.doubles.all_rows(rows)] = False
        return passes

    def count_at_least(self) -> int:
        """Return how many films pass, or somewhat fewer: each of `excluded_ids` counts as one that would pass, and so
        does each double."""
        if self.attribute_mask is None and self.age_limit is None and self.excluded_by_rule is None:
            passing = len(self.snapshot.table.ids) - self.availability().unavailable_count
        else:
            passing = int(np.count_nonzero(self.mask()))
        return passing - len(self.excluded_ids) - self.snapshot.doubles.extra

    def vocabulary_mask(self, ranker: "Ranker") -> np.ndarray:
        """Return which movies of the model's vocabulary pass, bool [V]. `excluded_ids` are not taken out."""
        return np.append(self.mask(), False)[self.snapshot.rows_of_model(ranker)]  # row -1 falls on the appended one

    def cold_items(self, ranker: "Ranker") -> "ColdItems":
        """Return the movies that pass and that came after the model's training."""
        cold_items = self.snapshot.cold_items(ranker)
        return cold_items.select(self.mask_ids(cold_items.movie_ids))

    def removal_counts(self) -> dict[str, int]:
        """Count the movies that match the attribute filters and are kept out, each for the first reason that holds."""
        interval = self.availability()
        if self.attribute_mask is None:
            unavailable, rest = interval.unavailable_count, interval.available
        else:
            unavailable = int(np.count_nonzero(self.attribute_mask & ~interval.available))
            rest = self.attribute_mask & interval.available
        too_old = 0
        if self.age_limit is not None:
            allowed = self.snapshot.allowed_for_age(self.age_limit)
            too_old, rest = int(np.count_nonzero(rest & ~allowed)), rest & allowed
        by_rule = 0
        if self.excluded_by_rule is not None:
            by_rule, rest = int(np.count_nonzero(rest & self.excluded_by_rule)), rest & ~self.excluded_by_rule
        excluded = 0
        if len(self.excluded_ids):
            rows = self.snapshot.table.rows_of(np.unique(self.excluded_ids))
            excluded = int(rest[rows[rows >= 0]].sum())
        counts = {"not_available": unavailable, "age_limit": too_old, "merchandising": by_rule, "excluded": excluded}
        return {reason: count for reason, count in counts.items() if count}
