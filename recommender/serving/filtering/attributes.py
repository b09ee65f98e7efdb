"""Filters as masks over the catalogue, made before anything is ranked."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import Credit
from recommender.movies.name_index import NameIndex
from recommender.movies.snapshot import CatalogueSnapshot, EligibilityFilter
from recommender.serving.request import Filters

ACTOR, DIRECTOR = int(Credit.Role.ACTOR), int(Credit.Role.DIRECTOR)
RANGES = {"year": ("min_year", "max_year"), "runtime": ("min_runtime", "max_runtime")}


class AttributeMask(NamedTuple):
    mask: np.ndarray | None  # bool [films]; None: no filter at all
    unknown_names: dict[str, list[str]]  # filter -> names that the catalogue does not have


def build_mask(snapshot: CatalogueSnapshot, filters: Filters) -> AttributeMask:
    if not filters.as_dict():
        return AttributeMask(None, {})
    films = np.ones(len(snapshot.table.ids), bool)
    for mask in _mask_by_filter(snapshot, filters).values():
        films &= mask
    unknown = {
        name: missing for name, find in NAME_RESOLVERS.items() if (missing := find(snapshot, getattr(filters, name))[1])
    }
    return AttributeMask(films, unknown)


def explain_empty(eligibility: EligibilityFilter, filters: Filters, unknown_names: dict[str, list[str]]) -> str:
    """The reason of an empty list, in words for the client's developer: the filter that alone empties it, if one does;
    else that they do so together, or what keeps the films that satisfy them from being listed."""
    return (
        _all_names_unknown(filters, unknown_names)
        or _one_filter_empties(eligibility.snapshot, filters)
        or _filters_exclude_each_other(eligibility)
        or _none_eligible(eligibility)
    )


def find_unknown_names(names: NameIndex, **asked: Sequence[str]) -> dict[str, list[str]]:
    """Of each list of names those that nothing bears; nothing for a list without any."""
    return {name: missing for name, those in asked.items() if those and (missing := names.lookup(those)[1])}


def _all_names_unknown(filters: Filters, unknown_names: dict[str, list[str]]) -> str:
    for name in ("genres", "actors", "directors", "languages"):
        missing = unknown_names.get(name, [])
        if missing and len(missing) == len(getattr(filters, name)):
            return f"The catalogue has none of the {name}: {', '.join(missing)}."
    return ""


def _one_filter_empties(catalogue: CatalogueSnapshot, filters: Filters) -> str:
    for low, high in RANGES.values():
        least, most = getattr(filters, low), getattr(filters, high)
        if least is not None and most is not None and least > most:
            return f"{low} {least} is greater than {high} {most}."
    for name, films in _mask_by_filter(catalogue, filters).items():
        if not films.any():
            return f"No film matches {name}: change this filter or leave it out."
    return ""


def _filters_exclude_each_other(gate: EligibilityFilter) -> str:
    if gate.attribute_mask is None or gate.attribute_mask.any():
        return ""
    return "Each filter matches some films, but no film matches all of them: leave one out."


def _none_eligible(gate: EligibilityFilter) -> str:
    films = gate.attribute_mask if gate.attribute_mask is not None else np.ones(len(gate.snapshot.table.ids), bool)
    count, open_now = int(films.sum()), films & gate.snapshot.availability(gate.now).available
    of_them = "matching the filters" if gate.attribute_mask is not None else "in the catalogue"
    those = f"Films {of_them}: {count}"
    if not open_now.any():
        return f"{those}; none is available now."
    if gate.age_limit is not None and not (open_now & gate.snapshot.allowed_for_age(gate.age_limit)).any():
        uncertified = f"of unknown certificate count as {settings.UNCERTIFIED_AGE}"
        return f"{those}; none that is available now is for the age of {gate.age_limit}, and those {uncertified}."
    return f"{those}; all of them are excluded, seen, rejected or not to be shown now: see removed."


def _mask_by_filter(catalogue: CatalogueSnapshot, filters: Filters) -> dict[str, np.ndarray]:
    """For each filter that was given bool [films], which is not to be written to. Those of names take milliseconds on a
    large catalogue and are kept as long as it stands; those of numbers take a hundredth of that."""
    return {
        name: catalogue.cached_array(name, tuple(value), MASK_BUILDERS[name])
        if name in NAME_RESOLVERS
        else MASK_BUILDERS[name](catalogue, value)
        for name, value in filters.as_dict().items()
    }


def _resolve_genres(catalogue: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return catalogue.genre_index.lookup(names)


def _resolve_people(catalogue: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return catalogue.person_index.lookup(names)


def _resolve_languages(catalogue: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    """BCP 47: en is every English, en-GB the British alone."""
    tags = [tag.casefold().replace("_", "-") for tag in catalogue.table.languages]
    found: list[int] = []
    missing = []
    for name in names:
        asked = name.casefold().replace("_", "-").strip()
        numbers = [number for number, tag in enumerate(tags) if tag and (tag == asked or tag.startswith(f"{asked}-"))]
        found += numbers
        missing += [] if numbers else [name]
    return found, missing


def _genre_mask(catalogue: CatalogueSnapshot, names: Sequence[str]) -> np.ndarray:
    table, (numbers, _) = catalogue.table, _resolve_genres(catalogue, names)
    return any_in_segment(table.genre_start, np.isin(table.genre_of, numbers))


def _person_mask(catalogue: CatalogueSnapshot, names: Sequence[str], role: int) -> np.ndarray:
    table, (numbers, _) = catalogue.table, _resolve_people(catalogue, names)
    return any_in_segment(table.credit_start, np.isin(table.credit_person, numbers) & (table.credit_role == role))


def _language_mask(catalogue: CatalogueSnapshot, names: Sequence[str]) -> np.ndarray:
    return np.isin(catalogue.table.language, _resolve_languages(catalogue, names)[0])


def any_in_segment(starts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """bool [films]: any hit (bool [entries]) among the film's entries, which lie between its start and the next."""
    running = np.concatenate([[0], np.cumsum(hits)])
    return np.asarray(running[starts[1:]] > running[starts[:-1]])


def _where_known(column: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """A film of unknown year or runtime is in no span of them."""
    return (column > 0) & holds


# Filter -> the numbers of its names, and the names that the catalogue does not have.
NAME_RESOLVERS: dict[str, Callable[[CatalogueSnapshot, Sequence[str]], tuple[list[int], list[str]]]] = {
    "genres": _resolve_genres,
    "exclude_genres": _resolve_genres,
    "actors": _resolve_people,
    "directors": _resolve_people,
    "languages": _resolve_languages,
}
MASK_BUILDERS: dict[str, Callable[[CatalogueSnapshot, Any], np.ndarray]] = {
    "genres": _genre_mask,
    "exclude_genres": lambda catalogue, names: ~_genre_mask(catalogue, names),
    "actors": lambda catalogue, names: _person_mask(catalogue, names, ACTOR),
    "directors": lambda catalogue, names: _person_mask(catalogue, names, DIRECTOR),
    "languages": _language_mask,
    "min_year": lambda catalogue, year: _where_known(catalogue.table.year, catalogue.table.year >= year),
    "max_year": lambda catalogue, year: _where_known(catalogue.table.year, catalogue.table.year <= year),
    "min_runtime": lambda catalogue, minutes: _where_known(catalogue.table.runtime, catalogue.table.runtime >= minutes),
    "max_runtime": lambda catalogue, minutes: _where_known(catalogue.table.runtime, catalogue.table.runtime <= minutes),
}
