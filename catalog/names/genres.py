"""The names of genres: as MovieLens, IMDb and TMDB write them, in several languages, and how one is found.

What the catalogue says comes first: its genres' own names, then its aliases, then its translations. The tables here
fill in what it does not say, and only for genres that it has.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from catalog.names.matching import NearNames, name_key


class _Concept(NamedTuple):
    """One kind of movie: its names in English, and one in each of some other languages."""

    english: tuple[str, ...]
    translations: Mapping[str, str]


def _concept(*english: str, de: str, fr: str, es: str, it: str, pt: str) -> _Concept:
    return _Concept(english, {"de": de, "fr": fr, "es": es, "it": it, "pt": pt})


_CONCEPTS = (
    _concept("Action", de="Action", fr="Action", es="Acción", it="Azione", pt="Ação"),
    _concept("Adventure", "Adventures", de="Abenteuer", fr="Aventure", es="Aventura", it="Avventura", pt="Aventura"),
    _concept(
        "Animation", "Animated", "Cartoon", "Cartoons",
        de="Animation", fr="Animation", es="Animación", it="Animazione", pt="Animação",
    ),
    _concept(
        "Biography", "Biographical", "Biopic", "Biographies",
        de="Biografie", fr="Biographie", es="Biografía", it="Biografico", pt="Biografia",
    ),
    _concept(
        "Children", "Children's", "Kids",
        de="Kinder", fr="Enfants", es="Infantil", it="Per bambini", pt="Infantil",
    ),
    _concept("Family", de="Familie", fr="Familial", es="Familia", it="Famiglia", pt="Família"),
    _concept("Comedy", "Comedies", de="Komödie", fr="Comédie", es="Comedia", it="Commedia", pt="Comédia"),
    _concept("Crime", "Gangster", de="Krimi", fr="Policier", es="Crimen", it="Poliziesco", pt="Crime"),
    _concept(
        "Documentary", "Documentaries", "Doc", "Docs",
        de="Dokumentarfilm", fr="Documentaire", es="Documental", it="Documentario", pt="Documentário",
    ),
    _concept("Drama", "Dramas", de="Drama", fr="Drame", es="Drama", it="Drammatico", pt="Drama"),
    _concept("Fantasy", de="Fantasy", fr="Fantastique", es="Fantasía", it="Fantastico", pt="Fantasia"),
    _concept("Film-Noir", "Noir", de="Film noir", fr="Film noir", es="Cine negro", it="Noir", pt="Filme noir"),
    _concept("History", "Historical", de="Historie", fr="Histoire", es="Historia", it="Storia", pt="História"),
    _concept("Horror", "Scary", de="Horror", fr="Horreur", es="Terror", it="Horror", pt="Terror"),
    _concept("Musical", "Musicals", de="Musical", fr="Comédie musicale", es="Musical", it="Musical", pt="Musical"),
    _concept("Music", de="Musik", fr="Musique", es="Música", it="Musica", pt="Música"),
    _concept(
        "Mystery", "Mysteries", "Whodunit",
        de="Mystery", fr="Mystère", es="Misterio", it="Mistero", pt="Mistério",
    ),
    _concept("Romance", "Romantic", "Love", de="Liebesfilm", fr="Romance", es="Romance", it="Romantico", pt="Romance"),
    _concept(
        "Sci-Fi", "Science Fiction", "SF",
        de="Science-Fiction", fr="Science-fiction", es="Ciencia ficción", it="Fantascienza", pt="Ficção científica",
    ),
    _concept(
        "Short", "Shorts", "Short Film",
        de="Kurzfilm", fr="Court métrage", es="Cortometraje", it="Cortometraggio", pt="Curta-metragem",
    ),
    _concept("Sport", "Sports", de="Sport", fr="Sport", es="Deporte", it="Sport", pt="Esporte"),
    _concept(
        "Thriller", "Thrillers", "Suspense",
        de="Thriller", fr="Thriller", es="Suspense", it="Thriller", pt="Thriller",
    ),
    _concept(
        "TV Movie", "Television Movie", "TV Film",
        de="Fernsehfilm", fr="Téléfilm", es="Película de TV", it="Film per la TV", pt="Filme de TV",
    ),
    _concept("War", de="Kriegsfilm", fr="Guerre", es="Bélica", it="Guerra", pt="Guerra"),
    _concept("Western", "Westerns", de="Western", fr="Western", es="Western", it="Western", pt="Faroeste"),
)  # fmt: skip
BUILTIN_LANGUAGES = frozenset(_CONCEPTS[0].translations)
# Kinds that one vocabulary has and another has not: each stands for the next where that is the only one.
_RELATED = ({"Children", "Family"}, {"Musical", "Music"})


def _builtin_names() -> dict[str, list[_Concept]]:
    """Map the keys of all names to the concepts that they may mean, the likeliest first."""
    meanings: dict[str, list[_Concept]] = {}
    for concept in _CONCEPTS:
        for name in concept.english:
            meanings.setdefault(name_key(name), []).insert(0, concept)
    for concept in _CONCEPTS:
        for name in concept.translations.values():
            concepts = meanings.setdefault(name_key(name), [])
            concepts += [] if concept in concepts else [concept]
    by_name = {concept.english[0]: concept for concept in _CONCEPTS}
    for concepts in meanings.values():
        for concept in list(concepts):
            related = {name for group in _RELATED if concept.english[0] in group for name in group}
            concepts += [by_name[name] for name in sorted(related) if by_name[name] not in concepts]
    return meanings


_MEANINGS = _builtin_names()
_BETWEEN_NAMES = re.compile(r"[/&,]")


class GenreNames:
    """The genres of a catalogue by their names, aliases and translations. A genre's number is its place in `names`."""

    def __init__(
        self,
        names: Sequence[str],
        aliases: Iterable[tuple[str, int]] = (),
        translations: Iterable[tuple[str, str, int]] = (),
    ) -> None:
        """`aliases`: (name, number). `translations`: (language, name, number)."""
        self.names = names
        self._numbers: dict[str, list[int]] = {}
        self._translated: dict[str, dict[int, str]] = {}  # language, in small letters -> number -> name
        for number, name in enumerate(names):
            self._numbers.setdefault(name_key(name), []).append(number)
        self._own = dict(self._numbers)
        for name, number in aliases:
            self._numbers.setdefault(name_key(name), [number])
        self._known_aliases = dict(self._numbers)
        for language, name, number in translations:
            self._translated.setdefault(language.lower(), {})[number] = name
            self._numbers.setdefault(name_key(name), [number])

    def find(self, name: str) -> list[int]:
        """Return the numbers of the genres of this name, of any spelling, alias or language; [] where there is none.

        Kids/Family and Action & Adventure are two names.
        """
        if numbers := self._find_one(name):
            return numbers
        parts = [part for part in _BETWEEN_NAMES.split(name) if part.strip()]
        found = [self._find_one(part) for part in parts]
        return list(dict.fromkeys(number for numbers in found for number in numbers)) if all(found) else []

    def _find_one(self, name: str) -> list[int]:
        key = name_key(name)
        if key in self._numbers:
            return self._numbers[key]
        for concept in _MEANINGS.get(key, ()):
            for english in concept.english:
                if numbers := self._own.get(name_key(english)):
                    return numbers
        return []

    def find_stated(self, name: str) -> list[int]:
        """Return the numbers of the genres that have this very name, of any spelling, or an alias of the catalogue."""
        return self._known_aliases.get(name_key(name), [])

    def lookup(self, names: Sequence[str]) -> tuple[list[int], list[str]]:
        """Return the numbers of all the names together, and the names that no genre has."""
        numbers_of = {name: self.find(name) for name in names}
        return (
            [number for numbers in numbers_of.values() for number in numbers],
            [name for name, numbers in numbers_of.items() if not numbers],
        )

    def near(self, name: str) -> list[str]:
        """Return the genres whose names, aliases or translations are near to a mistyped name."""
        known = list(self._numbers) + [key for key in _MEANINGS if key not in self._numbers and self.find(key)]
        found = [self.names[number] for key in NearNames(known, known).find(name) for number in self.find(key)]
        return list(dict.fromkeys(found))

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages, in small letters, that the catalogue's own translations are in."""
        return frozenset(self._translated)

    def in_language(self, languages: Sequence[str]) -> list[str]:
        """Return each genre's name in the first of the languages (small letters) that has one for it, else its own."""
        return [self._name_in(number, languages) for number in range(len(self.names))]

    def _name_in(self, number: int, languages: Sequence[str]) -> str:
        own = self.names[number]
        for language in languages:
            if name := self._translated.get(language, {}).get(number):
                return name
            concepts = [c for c in _MEANINGS.get(name_key(own), ()) if language in c.translations]
            if concepts and name_key(own) in {name_key(english) for english in concepts[0].english}:
                return concepts[0].translations[language]
        return own


def kinds_in(name: str) -> list[str]:
    """Return the kinds of movies that a name is made of, in MovieLens' words; [] where its last word is of none.

    Romantic comedy is Romance and Comedy, buddy comedy is Comedy, film adaptation is no kind.
    """
    if kind := _kind_of(name):
        return [kind]
    words = re.sub(r"\s+(film|movie)s?\Z", "", name.strip(), flags=re.IGNORECASE).split()
    kinds: list[str] = []
    end, is_last = len(words), True
    while end:
        start = next((start for start in range(max(0, end - 3), end) if _kind_of(" ".join(words[start:end]))), None)
        if start is None and is_last:
            return []
        if start is not None:
            kinds.insert(0, _kind_of(" ".join(words[start:end])))
        end, is_last = (end - 1 if start is None else start), False
    return list(dict.fromkeys(kinds))


def _kind_of(name: str) -> str:
    key = name_key(name)
    return next((c.english[0] for c in _MEANINGS.get(key, ()) if key in map(name_key, c.english)), "")
