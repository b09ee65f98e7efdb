"""What a row of TMDB's data says of a film: facts, genres, people, titles, certificate, countries of availability."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from catalog.certificates import CERTIFICATES, minimum_age
from catalog.dataset import ACTOR, DIRECTOR
from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.names.countries import find_country
from catalog.names.country_names import country_code
from catalog.sources.regions import LANGUAGE_OF_REGION
from catalog.sources.tmdb.languages import language_tag
from catalog.sources.tmdb.rows import BrokenRow, Row, clean, inner, objects, whole
from catalog.validators import keep_url

MAX_DIRECTORS = 10
MAX_TITLE, MAX_NAME, MAX_OVERVIEW, MAX_RUNTIME, MAX_POSTER = 300, 200, 20_000, 32_767, 500
MAX_CERTIFICATE = 12
POSTERS = "https://image.tmdb.org/t/p/w500"
_POSTER_PATH = re.compile(r"/[\w.-]{1,100}", re.ASCII)
# Of several certificates of a country: in cinemas, in some cinemas, at its première, digital, on disk, on television.
_RELEASE_TYPES = (3, 2, 1, 4, 5, 6)
_GENRES = {
    28: "Action", 12: "Adventure", 16: "Animation", 35: "Comedy", 80: "Crime", 99: "Documentary", 18: "Drama",
    10751: "Family", 14: "Fantasy", 36: "History", 27: "Horror", 10402: "Music", 9648: "Mystery", 10749: "Romance",
    878: "Science Fiction", 10770: "TV Movie", 53: "Thriller", 10752: "War", 37: "Western",
}  # fmt: skip
_IMDB_ID = re.compile(r"(?:tt)?0*([1-9][0-9]{0,8})(?:\.0)?\Z")
_YEAR = re.compile(r"(?:\A|\D)([0-9]{4})(?:\D|\Z)")
_NO_OVERVIEW = re.compile(r"no overview( found| yet)?\.?\Z", re.IGNORECASE)


class Translation(NamedTuple):
    """A title and an overview in a language. `place`: of several in one language the lowest counts."""

    language: str
    title: str
    overview: str
    place: int


class Credit(NamedTuple):
    """A person's part in a film. `person`: the number at TMDB, None where the name alone is known."""

    person: int | None
    name: str
    role: int
    order: int


def film_facts(row: Row, title_language: str, certificate_country: str) -> dict[str, Any]:
    """Return what the row says in the columns of the table of films, but for the numbers. Raises BrokenRow."""
    original = row.text("original_title", MAX_TITLE)
    title = row.text("title", MAX_TITLE) or original
    if not title:
        raise BrokenRow("has no title")
    overview = row.text("overview", MAX_OVERVIEW)
    own = next((found for found in _translated(row) if found.language == title_language), None)
    if own is not None:  # the answer may be in another language than the site's titles
        is_original = language_tag(row.text("original_language", 12)) == title_language
        title, overview = own.title or (original if is_original else "") or title, own.overview or overview
    countries = sorted({code for code in _countries(row) if code})
    return {
        "title": title,
        "original_title": "" if original == title else original,
        "year": _year(row),
        "runtime": _within(whole(row.values.get("runtime")), 1, MAX_RUNTIME),
        "overview": "" if _NO_OVERVIEW.match(overview) else overview,
        "poster_url": _poster(row.text("poster_path", MAX_POSTER + 1)),
        "certificate": _certificate(row, certificate_country),
        "language": language_tag(row.text("original_language", 12)),
        "countries": f"{{{','.join(countries)}}}" if countries else None,
    }


def imdb_number(row: Row) -> int | None:
    """Return the number of the film's id at IMDb."""
    for text in (row.text("imdb_id", 20), clean(inner(row.values, "external_ids", "imdb_id"), 20)):
        if match := _IMDB_ID.match(text):
            return int(match[1])
    return None


def genre_names(row: Row) -> list[str]:
    """Return the genres, by names or by TMDB's numbers."""
    if names := row.names("genres"):
        return names
    numbers = row.values.get("genre_ids")
    found = [_GENRES.get(number) for number in numbers if isinstance(number, int)] if isinstance(numbers, list) else []
    return [name for name in found if name]


def keyword_names(row: Row) -> list[str]:
    """Return the keywords."""
    nested = inner(row.values, "keywords", "keywords")
    if nested is None:
        return row.names("keywords")
    return [text for entry in objects(nested) if (text := clean(entry.get("name"), MAX_NAME))]


def credits_of(row: Row, max_cast: int) -> Iterator[Credit]:
    """Yield directors and cast, each once and in billing order."""
    nested = row.values.get("credits")
    source = Row(row.file, row.line, nested, row.unreadable) if isinstance(nested, dict) else row
    directors = [entry for entry in source.entries("crew") if clean(entry.get("job"), 40).lower() == "director"]
    yield from _numbered(directors or _named(source, "director", "directors"), DIRECTOR, MAX_DIRECTORS)
    cast = _named(source, "cast") if _is_text_of_names(source.values.get("cast")) else source.entries("cast")
    yield from _numbered(sorted(cast, key=_billing), ACTOR, max_cast)


def translations_of(row: Row, title_language: str) -> Iterator[Translation]:
    """Yield titles and overviews in other languages than the site's: stated ones, the original, and by country."""
    original = row.text("original_title", MAX_TITLE)
    original_language = language_tag(row.text("original_language", 12))
    for found in _translated(row):
        if found.language != title_language:
            is_original = found.language == original_language
            yield found._replace(title=found.title or (original if is_original else ""))
    if original and original_language not in ("", title_language):
        yield Translation(original_language, original, "", 10_000)
    for place, entry in enumerate(objects(inner(row.values, "alternative_titles", "titles"))):
        language = LANGUAGE_OF_REGION.get(clean(entry.get("iso_3166_1"), 2))
        title = clean(entry.get("title"), MAX_TITLE)
        if title and language not in (None, title_language) and not clean(entry.get("type"), 40):
            yield Translation(str(language), title, "", 20_000 + place)


def countries_with(row: Row, provider: str) -> list[str]:
    """Return the countries in which a provider, by its name or number, has the film."""
    wanted = provider.strip().casefold()
    found = []
    results = inner(row.values, "watch/providers", "results")
    for country, offers in results.items() if isinstance(results, dict) else ():
        entries = [entry for offer in offers.values() for entry in objects(offer)] if isinstance(offers, dict) else []
        names = {clean(entry.get(name), MAX_NAME).casefold() for entry in entries for name in _PROVIDER}
        if wanted in names and (code := find_country(str(country))):
            found.append(code)
    return sorted(set(found))


_PROVIDER = ("provider_name", "provider_id")


def _is_text_of_names(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not value.lstrip().startswith(("[", "{"))


def _named(row: Row, *columns: str) -> list[dict[str, Any]]:
    """Return the people in the columns of whom the names alone are known."""
    return [{"name": name} for column in columns for name in row.names(column)]


def _billing(entry: dict[str, Any]) -> int:
    order = whole(entry.get("order"))
    return 9_999 if order is None else order


def _numbered(entries: Sequence[dict[str, Any]], role: int, limit: int) -> Iterator[Credit]:
    seen: set[int | str] = set()
    for entry in entries:
        name, person = clean(entry.get("name"), MAX_NAME), _within(whole(entry.get("id")), 1, 2**31 - 1)
        if name and (person or name) not in seen:
            yield Credit(person, name, role, len(seen))
            seen.add(person or name)
        if len(seen) >= limit:
            return


def _translated(row: Row) -> Iterator[Translation]:
    stated = row.values.get("translations")
    for place, entry in enumerate(objects(inner(stated, "translations") if isinstance(stated, dict) else stated)):
        language = language_tag(clean(entry.get("iso_639_1"), 12), clean(entry.get("iso_3166_1"), 2))
        title = clean(inner(entry, "data", "title"), MAX_TITLE)
        overview = clean(inner(entry, "data", "overview"), MAX_OVERVIEW)
        if language and (title or overview):
            yield Translation(language, title, overview, place)


def _countries(row: Row) -> Iterator[str | None]:
    value = row.values.get("production_countries")
    if _is_text_of_names(value):
        for name in row.names("production_countries"):
            yield find_country(name, former=True) or country_code(name)
        return
    for entry in row.entries("production_countries"):
        code = find_country(clean(entry.get("iso_3166_1"), 2), former=True)
        yield code or country_code(clean(entry.get("name"), 60))


def _certificate(row: Row, country: str) -> str:
    """Return the certificate of the site's country, else of the first country that the site knows and the film has."""
    releases = objects(inner(row.values, "release_dates", "results"))
    older = objects(inner(row.values, "releases", "countries"))
    stated: dict[str, list[tuple[int, str]]] = {}
    for entry in releases:
        for release in objects(entry.get("release_dates")):
            kind = whole(release.get("type"))
            rank = _RELEASE_TYPES.index(kind) if kind in _RELEASE_TYPES else len(_RELEASE_TYPES)
            name = clean(release.get("certification"), MAX_CERTIFICATE + 1)
            stated.setdefault(clean(entry.get("iso_3166_1"), 2), []).append((rank, name))
    for entry in older:
        name = clean(entry.get("certification"), MAX_CERTIFICATE + 1)
        stated.setdefault(clean(entry.get("iso_3166_1"), 2), []).append((len(_RELEASE_TYPES), name))
    for code in [country, *CERTIFICATES] if stated else ():
        for _, name in sorted(stated.get(code, []), key=lambda found: found[0]):
            written = name if code == country else f"{code}:{name}"
            if name and len(written) <= MAX_CERTIFICATE and minimum_age(written, country) is not None:
                return written
    return ""


def _year(row: Row) -> int | None:
    """Return the year of a date in any order, or of a column of its own."""
    match = _YEAR.search(row.text("release_date", 40))
    year = int(match[1]) if match else whole(row.values.get("release_year"))
    return _within(year, MIN_YEAR, MAX_YEAR)


def _within(number: int | None, least: int, most: int) -> int | None:
    return number if number is not None and least <= number <= most else None


def _poster(path: str) -> str:
    address = POSTERS + path if path.startswith("/") else path
    if _POSTER_PATH.fullmatch(path):  # as TMDB writes it: the check below takes its time
        return address
    return keep_url(address) if len(address) <= MAX_POSTER else ""
