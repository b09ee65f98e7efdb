"""What the rows of Wikidata say of a film: each says a part, or repeats one for every combination of others."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from catalog.dataset import ACTOR, DIRECTOR
from catalog.external_ids import parse_imdb_id
from catalog.limits import MAX_ID, MAX_YEAR, MIN_YEAR
from catalog.names.countries import find_country
from catalog.names.country_names import country_code
from catalog.names.genres import kinds_in
from catalog.names.languages import canonical_tag
from catalog.sources.wikidata.results import ResultRow, Value

MAX_DIRECTORS = 10
MAX_TITLE, MAX_NAME, MAX_TAG, MAX_MINUTES = 300, 200, 200, 32_767
YEAR_PRECISION = 9  # of wikibase:timePrecision; below it decades and centuries
_ENTITY = re.compile(r"(?:https?://www\.wikidata\.org/(?:entity|wiki)/|wd:)?(Q[1-9][0-9]{0,9})\Z")
_PERSON_AT_IMDB = re.compile(r"nm0*([1-9][0-9]{0,8})\Z", re.ASCII)
_DATE = re.compile(r"\+?([0-9]{4})(?:-|\Z)", re.ASCII)
_NUMBER = re.compile(r"\+?([0-9]{1,9})(?:\.[0-9]*)?\Z", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}\Z")
_NO_LANGUAGES = frozenset({"mul", "mis", "und", "zxx"})
_MULTIPLE = "mul"  # a name in all languages that do not have one of their own
_MINUTES_OF_UNIT = {"Q7727": 1.0, "Q11574": 1 / 60, "Q25235": 60.0}  # minute, second, hour
_ADULT = re.compile("porn", re.IGNORECASE)
# The variables of the query, in small letters and without _, by what people call them too.
_FILM = ("film", "item", "movie", "work")
_LABEL = ("label", *(f"{name}label" for name in _FILM), "title")
_LABEL_LANGUAGE = ("labellang", "labellanguage", "filmlabellang", "filmlabellanguage", "titlelang", "titlelanguage")
_ORIGINAL, _ORIGINAL_LANGUAGE = ("originaltitle", "original"), ("originaltitlelanguage", "originaltitlelang")
_IMDB, _TMDB = ("imdb", "imdbid", "p345"), ("tmdb", "tmdbid", "tmdbmovieid", "p4947")
_PUBLISHED = ("date", "published", "publicationdate", "releasedate", "year", "p577")
_PRECISION = ("dateprecision", "precision")
_DURATION, _UNIT, _SECONDS = ("minutes", "duration", "runtime", "p2047"), ("durationunit", "unit"), ("seconds",)
_LANGUAGES = ("languagecode", "language", "originallanguagecode", "originallanguage")
_COUNTRIES = ("countrycode", "countrylabel", "country")
_GENRES = ("genrelabel", "genre")
_PEOPLE = {DIRECTOR: ("director",), ACTOR: ("actor", "cast", "castmember")}


class Credit(NamedTuple):
    """A person's part in a film. `person`: the number at IMDb, None where the name alone is known."""

    person: int | None
    name: str
    role: int
    order: int


@dataclass(slots=True)
class _Person:
    number: int | None = None
    name: str = ""
    language: str = ""
    order: int | None = None


@dataclass(slots=True)
class Film:
    """What has been said of a film so far. `number`: 172241 in Q172241."""

    number: int
    labels: dict[str, str] = field(default_factory=dict)  # language, "" where it is not said -> title
    originals: dict[str, str] = field(default_factory=dict)
    imdb: int | None = None
    tmdb: int | None = None
    year: int | None = None
    minutes: int | None = None
    language: str = ""
    countries: set[str] = field(default_factory=set)
    kinds: dict[str, None] = field(default_factory=dict)  # in the order of the file
    people: dict[int, dict[str, _Person]] = field(default_factory=dict)  # role -> Q-number or name -> person

    @property
    def is_adult(self) -> bool:
        """Say whether it is for adults only."""
        return any(_ADULT.search(kind) for kind in self.kinds)

    def facts(self, title_language: str) -> dict[str, Any] | None:
        """Return the columns of the table of films; None for a film without a title."""
        original = next(iter(self.originals.values()), "")
        title = self._title(title_language) or original
        if not title:
            return None
        return {
            "film": self.number,
            "imdb": self.imdb,
            "tmdb": self.tmdb,
            "title": title,
            "original_title": "" if original == title else original,
            "year": self.year,
            "runtime": self.minutes,
            "language": self.language,
            "countries": f"{{{','.join(sorted(self.countries))}}}" if self.countries else None,
        }

    def _title(self, title_language: str) -> str:
        for language in (title_language.lower(), "", _MULTIPLE, "en"):
            if title := self.labels.get(language):
                return title
        # A title that people of that language may not be able to read is better than none.
        return "" if self.originals else next((self.labels[language] for language in sorted(self.labels)), "")

    def translations(self, title_language: str) -> Iterator[dict[str, Any]]:
        """Yield the titles in other languages, the labels before the original title."""
        for place, titles in enumerate((self.labels, self.originals)):
            for language, title in titles.items():
                tag = _language_tag(language)
                if tag and tag.lower() != title_language.lower():
                    yield {"film": self.number, "language": tag, "title": title, "place": place}

    def genres(self) -> list[str]:
        """Return the kinds of films that MovieLens, IMDb or TMDB have as genres, in MovieLens' words."""
        return list(dict.fromkeys(genre for kind in self.kinds for genre in kinds_in(kind)))

    def tags(self) -> list[str]:
        """Return the other kinds: heist film, film adaptation."""
        return [kind.lower()[:MAX_TAG] for kind in self.kinds if not kinds_in(kind)]

    def credits(self, max_cast: int) -> Iterator[Credit]:
        """Yield directors and cast, by their numbers in the credits and then in the order of the file."""
        for role, most in ((DIRECTOR, MAX_DIRECTORS), (ACTOR, max_cast)):
            named = [person for person in self.people.get(role, {}).values() if person.name]
            billed = sorted(named, key=lambda person: MAX_ID if person.order is None else person.order)
            for order, person in enumerate(billed[:most]):
                yield Credit(person.number, person.name, role, order)

    def add(self, row: ResultRow, title_language: str) -> None:
        """Add what a row says."""
        values = {name.replace("_", "").lower(): value for name, value in row.values.items()}
        self._add_titles(row, values)
        self.imdb = _least(self.imdb, _first(values, _IMDB, parse_imdb_id))
        self.tmdb = _least(self.tmdb, _first(values, _TMDB, _whole))
        precision = _first(values, _PRECISION, _whole)
        if precision is None or precision >= YEAR_PRECISION:
            self.year = _least(self.year, _first(values, _PUBLISHED, _year))
        self.minutes = _least(self.minutes, _minutes(values))
        self.language = self.language or _first(values, _LANGUAGES, _language_tag) or ""
        if country := _first(values, _COUNTRIES, _country):
            self.countries.add(country)
        if kind := _first(values, _GENRES, _name):
            self.kinds.setdefault(kind)
        for role, names in _PEOPLE.items():
            for name in names:
                self._add_person(role, name, values, title_language)

    def _add_titles(self, row: ResultRow, values: dict[str, Value]) -> None:
        stated = _first(values, _LABEL_LANGUAGE, str) or ""
        for name in _LABEL:
            if (value := values.get(name)) and (title := _text(value.text, MAX_TITLE)):
                self.labels.setdefault(value.language or stated.lower(), title)
        for name, value in row.values.items():  # a column for each language: label_de
            label, _, language = name.lower().replace("-", "_").partition("_")
            language = language.replace("_", "-")
            if label in _LABEL and _LANGUAGE.match(language) and (title := _text(value.text, MAX_TITLE)):
                self.labels.setdefault(value.language or language, title)
        stated = _first(values, _ORIGINAL_LANGUAGE, str) or ""
        for name in _ORIGINAL:
            if (value := values.get(name)) and (title := _text(value.text, MAX_TITLE)):
                self.originals.setdefault(value.language or stated.lower(), title)

    def _add_person(self, role: int, name: str, values: dict[str, Value], title_language: str) -> None:
        label = values.get(f"{name}label") or values.get(name)
        text = _text(label.text, MAX_NAME) if label else ""
        entity = values.get(name)
        key = entity_number(entity.text) if entity else None
        if key is None and not text:
            return
        person = self.people.setdefault(role, {}).setdefault(f"Q{key}" if key else text, _Person())
        person.number = _least(person.number, _first(values, (f"{name}imdb", f"{name}imdbid"), _person_number))
        person.order = _least(person.order, _first(values, (f"{name}order",), _whole))
        if text and label and _is_better(label.language, person, title_language):
            person.name, person.language = text, label.language


def entity_number(text: str) -> int | None:
    """Return the number of an entity; None for any other value."""
    match = _ENTITY.match(text.strip())
    return number if match and (number := int(match[1][1:])) <= MAX_ID else None


def film_number(row: ResultRow) -> int | None:
    """Return the number of the film that a row is about; None where it names none."""
    values = {name.replace("_", "").lower(): value for name, value in row.values.items()}
    return _first(values, _FILM, entity_number)


def has_film(names: Iterable[str]) -> bool:
    """Say whether one of the variables is the film."""
    return any(name.replace("_", "").lower() in _FILM for name in names)


def _is_better(language: str, person: _Person, title_language: str) -> bool:
    order: Sequence[str] = (title_language.lower(), "", _MULTIPLE, "en")
    rank = {known: place for place, known in reversed(list(enumerate(order)))}
    return not person.name or rank.get(language, len(order)) < rank.get(person.language, len(order))


def _first(values: dict[str, Value], names: Iterable[str], parse: Any) -> Any:
    """Return the first of the values that can be parsed; None where there is none."""
    for name in names:
        if (value := values.get(name)) and (parsed := parse(value.text.strip())):
            return parsed
    return None


def _least(known: int | None, new: int | None) -> int | None:
    """Return the lesser of what is known: it does not depend on the order of the rows."""
    return new if known is None else known if new is None else min(known, new)


def _text(text: str, length: int) -> str:
    """Return a text with one space between words; "" for the Q-number that stands in for a missing label, and a URI."""
    words = " ".join(text.replace("\0", "").encode("utf-8", "ignore").decode().split())
    return "" if _ENTITY.match(words) or words.startswith(("http://", "https://")) else words[:length].rstrip()


def _name(text: str) -> str:
    return _text(text, MAX_NAME)


def _whole(text: str) -> int | None:
    match = _NUMBER.match(text)
    return number if match and 0 < (number := int(match[1])) <= MAX_ID else None


def _person_number(text: str) -> int | None:
    match = _PERSON_AT_IMDB.match(text)
    return int(match[1]) if match else None


def _year(text: str) -> int | None:
    match = _DATE.match(text)
    return year if match and MIN_YEAR <= (year := int(match[1])) <= MAX_YEAR else None


def _minutes(values: dict[str, Value]) -> int | None:
    """Return the duration in minutes: of seconds, or of a number whose unit is minutes where it is not said."""
    if (seconds := _first(values, _SECONDS, _whole)) is not None:
        minutes = round(seconds / 60)
    elif (amount := _first(values, _DURATION, _whole)) is not None:
        unit = _first(values, _UNIT, str)
        minutes = round(amount * (_MINUTES_OF_UNIT.get(f"Q{entity_number(unit)}", 0.0) if unit else 1.0))
    else:
        return None
    return minutes if 1 <= minutes <= MAX_MINUTES else None


def _language_tag(text: str) -> str:
    language = text.lower()
    return canonical_tag(language) if _LANGUAGE.match(language) and language not in _NO_LANGUAGES else ""


def _country(text: str) -> str | None:
    return find_country(text, former=True) or country_code(text)
