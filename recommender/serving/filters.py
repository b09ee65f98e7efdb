"""Filters as masks over the catalogue, made before anything is ranked."""

from typing import NamedTuple

import numpy as np

from catalog.models import Credit
from recommender.serving.eligibility import Catalogue
from recommender.serving.query import Filters

ACTOR = int(Credit.Role.ACTOR)


class Wanted(NamedTuple):
    films: np.ndarray | None  # bool [films]; None: no filter at all
    unknown_names: dict[str, list[str]]  # filter -> names that the catalogue does not have


def wanted(catalogue: Catalogue, filters: Filters) -> Wanted:
    if not filters.given():
        return Wanted(None, {})
    table = catalogue.table
    films = np.ones(len(table.ids), bool)
    unknown: dict[str, list[str]] = {}
    if filters.genres:
        numbers, unknown["genres"] = catalogue.genres.find(filters.genres)
        films &= _any_of(table.genre_start, np.isin(table.genre_of, numbers))
    if filters.actors:
        numbers, unknown["actors"] = catalogue.people.find(filters.actors)
        films &= _any_of(table.credit_start, np.isin(table.credit_person, numbers) & (table.credit_role == ACTOR))
    if filters.min_year is not None or filters.max_year is not None:
        films &= table.year > 0  # a film of unknown year is in no span of years
    if filters.min_year is not None:
        films &= table.year >= filters.min_year
    if filters.max_year is not None:
        films &= table.year <= filters.max_year
    return Wanted(films, {name: missing for name, missing in unknown.items() if missing})


def why_empty(filters: Filters, unknown_names: dict[str, list[str]]) -> str:
    """The reason of an empty list, in words for the client's developer."""
    if not filters.given():
        return "Every film is excluded, was seen, or is not available now."
    for name, missing in unknown_names.items():
        if len(missing) == len(getattr(filters, name)):
            return f"The catalogue has none of the {name}: {', '.join(missing)}."
    if filters.min_year is not None and filters.max_year is not None and filters.min_year > filters.max_year:
        return f"min_year {filters.min_year} lies after max_year {filters.max_year}."
    return "No film that is available and unseen satisfies all filters together: leave one out."


def _any_of(starts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """bool [films]: any hit (bool [entries]) among the film's entries, which lie between its start and the next."""
    running = np.concatenate([[0], np.cumsum(hits)])
    return np.asarray(running[starts[1:]] > running[starts[:-1]])
