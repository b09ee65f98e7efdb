"""Filters as masks over the catalogue, made before anything is ranked."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import Credit
from recommender.serving.eligibility import Catalogue, Gate
from recommender.serving.names import NameIndex
from recommender.serving.query import Filters

ACTOR, DIRECTOR = int(Credit.Role.ACTOR), int(Credit.Role.DIRECTOR)
SPANS = {"year": ("min_year", "max_year"), "runtime": ("min_runtime", "max_runtime")}


class Wanted(NamedTuple):
    films: np.ndarray | None  # bool [films]; None: no filter at all
    unknown_names: dict[str, list[str]]  # filter -> names that the catalogue does not have


def wanted(catalogue: Catalogue, filters: Filters) -> Wanted:
    if not filters.given():
        return Wanted(None, {})
    films = np.ones(len(catalogue.table.ids), bool)
    for mask in _masks(catalogue, filters).values():
        films &= mask
    unknown = {name: missing for name, find in NAMED.items() if (missing := find(catalogue, getattr(filters, name))[1])}
    return Wanted(films, unknown)


def why_empty(gate: Gate, filters: Filters, unknown_names: dict[str, list[str]]) -> str:
    """The reason of an empty list, in words for the client's developer: the filter that alone empties it, if one does;
    else that they do so together, or what keeps the films that satisfy them from being listed."""
    return (
        _of_unknown_names(filters, unknown_names)
        or _of_one_filter(gate.catalogue, filters)
        or _of_all_filters(gate)
        or _of_what_may_be_shown(gate)
    )


def unknown(names: NameIndex, **asked: Sequence[str]) -> dict[str, list[str]]:
    """Of each list of names those that nothing bears; nothing for a list without any."""
    return {name: missing for name, those in asked.items() if those and (missing := names.find(those)[1])}


def _of_unknown_names(filters: Filters, unknown_names: dict[str, list[str]]) -> str:
    for name in ("genres", "actors", "directors", "languages"):
        missing = unknown_names.get(name, [])
        if missing and len(missing) == len(getattr(filters, name)):
            return f"The catalogue has none of the {name}: {', '.join(missing)}."
    return ""


def _of_one_filter(catalogue: Catalogue, filters: Filters) -> str:
    for low, high in SPANS.values():
        least, most = getattr(filters, low), getattr(filters, high)
        if least is not None and most is not None and least > most:
            return f"{low} {least} is greater than {high} {most}."
    for name, films in _masks(catalogue, filters).items():
        if not films.any():
            return f"No film matches {name}: change this filter or leave it out."
    return ""


def _of_all_filters(gate: Gate) -> str:
    if gate.wanted is None or gate.wanted.any():
        return ""
    return "Each filter matches some films, but no film matches all of them: leave one out."


def _of_what_may_be_shown(gate: Gate) -> str:
    films = gate.wanted if gate.wanted is not None else np.ones(len(gate.catalogue.table.ids), bool)
    count, open_now = int(films.sum()), films & gate.catalogue.spell(gate.now).films
    of_them = "matching the filters" if gate.wanted is not None else "in the catalogue"
    those = f"Films {of_them}: {count}"
    if not open_now.any():
        return f"{those}; none is available now."
    if gate.age_limit is not None and not (open_now & gate.catalogue.of_age(gate.age_limit)).any():
        uncertified = f"of unknown certificate count as {settings.UNCERTIFIED_AGE}"
        return f"{those}; none that is available now is for the age of {gate.age_limit}, and those {uncertified}."
    return f"{those}; all of them are excluded, seen, rejected or not to be shown now: see removed."


def _masks(catalogue: Catalogue, filters: Filters) -> dict[str, np.ndarray]:
    """For each filter that was given bool [films], which is not to be written to. Those of names take milliseconds on a
    large catalogue and are kept as long as it stands; those of numbers take a hundredth of that."""
    return {
        name: catalogue.column(name, tuple(value), MASKS[name]) if name in NAMED else MASKS[name](catalogue, value)
        for name, value in filters.given().items()
    }


def _genre_numbers(catalogue: Catalogue, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return catalogue.genres.find(names)


def _person_numbers(catalogue: Catalogue, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return catalogue.people.find(names)


def _language_numbers(catalogue: Catalogue, names: Sequence[str]) -> tuple[list[int], list[str]]:
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


def _of_genres(catalogue: Catalogue, names: Sequence[str]) -> np.ndarray:
    table, (numbers, _) = catalogue.table, _genre_numbers(catalogue, names)
    return any_of(table.genre_start, np.isin(table.genre_of, numbers))


def _of_people(catalogue: Catalogue, names: Sequence[str], role: int) -> np.ndarray:
    table, (numbers, _) = catalogue.table, _person_numbers(catalogue, names)
    return any_of(table.credit_start, np.isin(table.credit_person, numbers) & (table.credit_role == role))


def _of_languages(catalogue: Catalogue, names: Sequence[str]) -> np.ndarray:
    return np.isin(catalogue.table.language, _language_numbers(catalogue, names)[0])


def any_of(starts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """bool [films]: any hit (bool [entries]) among the film's entries, which lie between its start and the next."""
    running = np.concatenate([[0], np.cumsum(hits)])
    return np.asarray(running[starts[1:]] > running[starts[:-1]])


def _known(column: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """A film of unknown year or runtime is in no span of them."""
    return (column > 0) & holds


# Filter -> the numbers of its names, and the names that the catalogue does not have.
NAMED: dict[str, Callable[[Catalogue, Sequence[str]], tuple[list[int], list[str]]]] = {
    "genres": _genre_numbers,
    "exclude_genres": _genre_numbers,
    "actors": _person_numbers,
    "directors": _person_numbers,
    "languages": _language_numbers,
}
MASKS: dict[str, Callable[[Catalogue, Any], np.ndarray]] = {
    "genres": _of_genres,
    "exclude_genres": lambda catalogue, names: ~_of_genres(catalogue, names),
    "actors": lambda catalogue, names: _of_people(catalogue, names, ACTOR),
    "directors": lambda catalogue, names: _of_people(catalogue, names, DIRECTOR),
    "languages": _of_languages,
    "min_year": lambda catalogue, year: _known(catalogue.table.year, catalogue.table.year >= year),
    "max_year": lambda catalogue, year: _known(catalogue.table.year, catalogue.table.year <= year),
    "min_runtime": lambda catalogue, minutes: _known(catalogue.table.runtime, catalogue.table.runtime >= minutes),
    "max_runtime": lambda catalogue, minutes: _known(catalogue.table.runtime, catalogue.table.runtime <= minutes),
}
