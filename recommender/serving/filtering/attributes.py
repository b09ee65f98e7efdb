"""Attribute filters as masks over the catalogue, made before anything is ranked; and why a list is empty."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import Credit
from catalog.names.genres import GenreNames
from recommender.movies.indexes import NameIndex, segment_sums
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.request import Filters
from recommender.serving.wording.texts import Text

ACTOR, DIRECTOR = int(Credit.Role.ACTOR), int(Credit.Role.DIRECTOR)
MAX_SUGGESTED = 8  # unknown names of a request: each costs a comparison with every name of the catalogue
RANGES = {"year": ("min_year", "max_year"), "runtime": ("min_runtime", "max_runtime")}


class AttributeMask(NamedTuple):
    """Which movies match the filters of a request."""

    mask: np.ndarray | None  # bool [movies]; None: no filter at all
    unknown_names: dict[str, list[str]]  # filter -> names that the catalogue does not have


def build_mask(snapshot: CatalogueSnapshot, filters: Filters) -> AttributeMask:
    """Return which movies match all the filters."""
    if not filters.as_dict():
        return AttributeMask(None, {})
    mask = np.ones(len(snapshot.table.ids), bool)
    for mask_of_filter in _mask_by_filter(snapshot, filters).values():
        mask &= mask_of_filter
    unknown_names = {}
    for name, resolve in NAME_RESOLVERS.items():
        _, unknown = resolve(snapshot, getattr(filters, name))
        if unknown:
            unknown_names[name] = unknown
    return AttributeMask(mask, unknown_names)


def find_unknown_names(index: NameIndex | GenreNames, **names: Sequence[str]) -> dict[str, list[str]]:
    """Return from each list of names those that the index does not have; nothing for a list without any."""
    return {name: unknown for name, values in names.items() if values and (unknown := index.lookup(values)[1])}


def suggest_names(
    snapshot: CatalogueSnapshot, unknown_names: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, list[str]]]:
    """Return for unknown names of genres and people, by filter, the catalogue's names that are near; a name without
    any is left out. Only the first MAX_SUGGESTED names are looked at."""
    unknown = [(filter_name, name) for filter_name, names in unknown_names.items() for name in names]
    suggestions: dict[str, dict[str, list[str]]] = {}
    for filter_name, name in [item for item in unknown if item[0] in _INDEX_OF_FILTER][:MAX_SUGGESTED]:
        if near := snapshot.near_names(_INDEX_OF_FILTER[filter_name], name):
            suggestions.setdefault(filter_name, {})[name] = near
    return suggestions


def explain_empty(
    eligibility: EligibilityFilter, filters: Filters, unknown_names: dict[str, list[str]]
) -> tuple[Text, ...]:
    """Return why a list is empty, in parts of a sentence, for the client's developer: which filter alone empties it, if
    one does; else that they do so together, or what keeps the movies that match them from being listed."""
    return (
        _explain_unknown_names(filters, unknown_names)
        or _explain_one_filter(eligibility.snapshot, filters)
        or _explain_ineligible(eligibility)
    )


def _explain_unknown_names(filters: Filters, unknown_names: dict[str, list[str]]) -> tuple[Text, ...]:
    for name in ("genres", "actors", "directors", "languages", "countries"):
        unknown = unknown_names.get(name, [])
        if unknown and len(unknown) == len(getattr(filters, name)):
            values = {"field": name, "names": ", ".join(unknown)}
            return (Text("The catalogue has none of the {field}: {names}.", values=values),)
    return ()


def _explain_one_filter(snapshot: CatalogueSnapshot, filters: Filters) -> tuple[Text, ...]:
    for min_name, max_name in RANGES.values():
        minimum, maximum = getattr(filters, min_name), getattr(filters, max_name)
        if minimum is not None and maximum is not None and minimum > maximum:
            values = {"low": min_name, "minimum": minimum, "high": max_name, "maximum": maximum}
            return (Text("{low} {minimum} is greater than {high} {maximum}.", values=values),)
    for name, mask in _mask_by_filter(snapshot, filters).items():
        if not mask.any():
            return (Text("No film matches {field}: change this filter or leave it out.", values={"field": name}),)
    return ()


def _explain_ineligible(eligibility: EligibilityFilter) -> tuple[Text, ...]:
    snapshot, age_limit, mask = eligibility.snapshot, eligibility.age_limit, eligibility.attribute_mask
    if mask is not None and not mask.any():
        return (Text("Each filter matches some films, but no film matches all of them: leave one out."),)
    matching = mask if mask is not None else np.ones(len(snapshot.table.ids), bool)
    available = matching & eligibility.availability().available
    of_filters, of_catalogue = "Films matching the filters: {count}", "Films in the catalogue: {count}"
    counted = Text(of_catalogue if mask is None else of_filters, total=int(matching.sum()))
    if not available.any():
        return counted, _unavailable(eligibility)
    if age_limit is not None and not (available & snapshot.allowed_for_age(age_limit)).any():
        text = (
            "none that is available now is for the age of {age}, and those of unknown certificate count as "
            "{uncertified}."
        )
        return counted, Text(text, values={"age": age_limit, "uncertified": settings.UNCERTIFIED_AGE})
    return counted, Text("all of them are excluded, seen, rejected or not to be shown now: see removed.")


def _unavailable(eligibility: EligibilityFilter) -> Text:
    """Say that no film is available: in which country, where the catalogue has windows by country."""
    if not eligibility.snapshot.table.window_countries:
        return Text("none is available now.")
    if not eligibility.country:
        return Text("none is available now where no country is named.")
    return Text("none is available now in {country}.", values={"country": eligibility.country})


def _mask_by_filter(snapshot: CatalogueSnapshot, filters: Filters) -> dict[str, np.ndarray]:
    """Return for each filter that is set which movies match it, bool [movies], not to be written to.

    Masks of names take milliseconds on a large catalogue and are kept as long as it stands; those of numbers take a
    hundredth of that.
    """
    return {
        name: snapshot.cached_array(name, tuple(value), MASK_BUILDERS[name])
        if name in NAME_RESOLVERS
        else MASK_BUILDERS[name](snapshot, value)
        for name, value in filters.as_dict().items()
    }


def _resolve_genres(snapshot: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return snapshot.genre_index.lookup(names)


def _resolve_people(snapshot: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    return snapshot.person_index.lookup(names)


def _resolve_languages(snapshot: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Resolve BCP 47 tags: en is every English, en-GB the British alone."""
    tags = [tag.casefold().replace("_", "-") for tag in snapshot.table.languages]
    numbers: list[int] = []
    unknown = []
    for name in names:
        wanted = name.casefold().replace("_", "-").strip()
        matching = [n for n, tag in enumerate(tags) if tag and (tag == wanted or tag.startswith(f"{wanted}-"))]
        numbers += matching
        unknown += [] if matching else [name]
    return numbers, unknown


def _resolve_countries(snapshot: CatalogueSnapshot, names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Resolve countries of origin by their codes of ISO 3166."""
    number_of = {name: number for number, name in enumerate(snapshot.table.country_names)}
    known = [name for name in names if name.strip().upper() in number_of]
    return [number_of[name.strip().upper()] for name in known], [name for name in names if name not in known]


def _country_mask(snapshot: CatalogueSnapshot, names: Sequence[str]) -> np.ndarray:
    table, (numbers, _) = snapshot.table, _resolve_countries(snapshot, names)
    if table.country_start is None:
        return np.zeros(len(table.ids), bool)
    return segment_sums(table.country_start, np.isin(table.country_of, numbers)) > 0


def _genre_mask(snapshot: CatalogueSnapshot, names: Sequence[str]) -> np.ndarray:
    table, (numbers, _) = snapshot.table, _resolve_genres(snapshot, names)
    return segment_sums(table.genre_start, np.isin(table.genre_of, numbers)) > 0


def _person_mask(snapshot: CatalogueSnapshot, names: Sequence[str], role: int) -> np.ndarray:
    table, (numbers, _) = snapshot.table, _resolve_people(snapshot, names)
    credits = np.isin(table.credit_person, numbers) & (table.credit_role == role)
    return segment_sums(table.credit_start, credits) > 0


def _where_known(column: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """Return the matches without movies of unknown year or runtime (0), which are in no range of them."""
    return (column > 0) & matches


# Filter -> where its names are looked up; a mistyped name is looked for there too.
_INDEX_OF_FILTER: dict[str, Literal["genre_index", "person_index"]] = {
    "genres": "genre_index",
    "exclude_genres": "genre_index",
    "liked_genres": "genre_index",
    "actors": "person_index",
    "directors": "person_index",
}
# Filter -> the numbers of its names, and the names that the catalogue does not have.
NAME_RESOLVERS: dict[str, Callable[[CatalogueSnapshot, Sequence[str]], tuple[list[int], list[str]]]] = {
    "genres": _resolve_genres,
    "exclude_genres": _resolve_genres,
    "actors": _resolve_people,
    "directors": _resolve_people,
    "languages": _resolve_languages,
    "countries": _resolve_countries,
}
# Filter -> which movies match a value of it. A new filter needs a field of `Filters` and a line here.
MASK_BUILDERS: dict[str, Callable[[CatalogueSnapshot, Any], np.ndarray]] = {
    "genres": _genre_mask,
    "exclude_genres": lambda snapshot, names: ~_genre_mask(snapshot, names),
    "actors": lambda snapshot, names: _person_mask(snapshot, names, ACTOR),
    "directors": lambda snapshot, names: _person_mask(snapshot, names, DIRECTOR),
    "languages": lambda snapshot, names: np.isin(snapshot.table.language, _resolve_languages(snapshot, names)[0]),
    "countries": _country_mask,
    "min_year": lambda snapshot, year: _where_known(snapshot.table.year, snapshot.table.year >= year),
    "max_year": lambda snapshot, year: _where_known(snapshot.table.year, snapshot.table.year <= year),
    "min_runtime": lambda snapshot, minutes: _where_known(snapshot.table.runtime, snapshot.table.runtime >= minutes),
    "max_runtime": lambda snapshot, minutes: _where_known(snapshot.table.runtime, snapshot.table.runtime <= minutes),
}
