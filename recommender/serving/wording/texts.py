"""A title or a reason as it is built, without words of a language, and how it is put into words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, Protocol

from django.conf import settings

from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.wording.translations import TRANSLATIONS

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "es", "it", "pt")
_AND = {ENGLISH: "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e"}
_QUOTATION_MARKS = {
    ENGLISH: ("", ""),
    "de": ("„", "“"),
    "fr": ("«\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}»"),
    "es": ("«", "»"),
    "it": ("«", "»"),
    "pt": ("“", "”"),
}
_SOUNDS_AS_Y = re.compile("h?[ií](?![aeo])", re.IGNORECASE)  # before it a Spanish "and" is e, for y cannot be heard


class Text(NamedTuple):
    """An English text, a key of TRANSLATIONS, and what stands in its {film}, {other}, {genre}, {person} and {count}."""

    text: str
    films: tuple[int, ...] = ()  # rows of the catalogue's table: the film, and another
    genres: Sequence[str] = ()  # by the catalogue's own names
    people: Sequence[str] = ()
    total: int = 0  # as {count}
    values: Mapping[str, object] = MappingProxyType({})  # what else stands in it, by name


class Titled(Protocol):
    """A film with its title."""

    @property
    def title(self) -> str: ...


class Words:
    """Puts texts into words of one language."""

    def __init__(
        self,
        snapshot: CatalogueSnapshot,
        languages: Iterable[str],
        cards: Mapping[int, Titled] | None = None,
    ) -> None:
        """Take the first of the languages (BCP 47) that there are texts in, else the site's, else English. `cards`: of
        films by their ids, with their titles in that language; other films are called by their first title."""
        self._languages = tuple(languages)
        self._language = _choose_language((*self._languages, settings.TITLE_LANGUAGE))
        self._snapshot, self._cards = snapshot, cards or {}

    @cached_property
    def _genre_names(self) -> Mapping[str, str]:
        return self._snapshot.genre_names_in(self._languages)

    def say(self, text: Text) -> str:
        """Return the text in words."""
        template = TRANSLATIONS[text.text].get(self._language, text.text)
        table, (before, after) = self._snapshot.table, _QUOTATION_MARKS[self._language]
        films = (f"{before}{self.title_of(int(table.ids[row]), table.titles[row])}{after}" for row in text.films)
        return template.format(
            **dict(zip(("film", "other"), films, strict=False)),
            genre=self._join([self._genre_names.get(name, name) for name in text.genres]),
            person=self._join(text.people),
            count=text.total,
            **text.values,
        )

    def join(self, parts: Iterable[Text]) -> str:
        """Return the parts of a sentence in words; nothing where there are none."""
        return "; ".join(map(self.say, parts))

    def title_of(self, movie_id: int, title: str) -> str:
        """Return a film's title in the language; `title`, its first, where there is no card of it."""
        return self._cards[movie_id].title if movie_id in self._cards else title

    def _join(self, names: Sequence[str]) -> str:
        """Return the names as a sentence lists them."""
        if len(names) < 2:
            return "".join(names)
        *first, last = names
        conjunction = "e" if self._language == "es" and _SOUNDS_AS_Y.match(last) else _AND[self._language]
        return f"{', '.join(first)} {conjunction} {last}"


def _choose_language(tags: Iterable[str]) -> str:
    languages = (tag.lower().partition("-")[0] for tag in tags)
    return next((language for language in languages if language in LANGUAGES), ENGLISH)
