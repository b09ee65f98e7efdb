"""In which language an answer of the catalogue has its titles and genres."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from catalog.names.genres import BUILTIN_LANGUAGES
from catalog.names.languages import NO_WISH, language_chain
from catalog.selectors import MovieCard, offered_languages, stored_genres


class TitleLanguages(NamedTuple):
    """The languages in which titles are looked for, the answer's own, and the genres' names in it."""

    chain: tuple[str, ...]
    language: str  # of the answer, BCP 47
    genre_names: Mapping[str, str]  # the catalogue's name -> that in the first language that has one

    def card(self, card: MovieCard) -> dict[str, Any]:
        """Return a card as the JSON of the API."""
        genres = sorted(self.genre_names.get(genre, genre) for genre in card.genres)
        return card.as_json() | {"genres": genres}


def title_languages(values: Mapping[str, Any], own: str) -> TitleLanguages:
    """Choose the languages of a call: none for one that asks for none, else by two queries.

    `own`: the viewer's language, BCP 47.
    """
    wish, first = values["title_languages"], settings.TITLE_LANGUAGE
    if wish == NO_WISH and not own:
        return TitleLanguages((), first, {})
    offered = offered_languages()
    chain = language_chain(wish, own, offered, first)
    if not chain:
        return TitleLanguages((), first, {})
    names = stored_genres().names
    language = next((tag for tag in chain if tag in offered | BUILTIN_LANGUAGES), first)
    return TitleLanguages(chain, language, dict(zip(names.names, names.in_language(chain), strict=True)))
