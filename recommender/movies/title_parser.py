"""Reads a title for the series that its movie may belong to: the names in it, and which part it is."""

import re
import unicodedata
from typing import NamedTuple

MAX_PART = 20  # higher numbers are years, rooms, flights and planets

_SIGNS = str.maketrans({"²": " 2", "³": " 3", "⁴": " 4", "½": "", "⅓": "", "\u2019": "'"})
_FRACTION = re.compile(r"\b1/[23]\b")
_YEAR_AT_END = re.compile(r"\s*\((19|20)\d\d(\s*[-\u2013]\s*(\d{4})?)?\)\s*$")
_OTHER_TITLE_AT_END = re.compile(r"\s*\((?!(?:part|vol|volume|chapter|episode)\b)[^()]*[a-z][^()]*\)\s*$")
_ARTICLES = "the|an?|les?|la|l'|el|los|las|il|lo|gli|der|das|den|det|het|een"
_ARTICLE_AT_END = re.compile(rf",\s+(?:{_ARTICLES}|die|i|os?|un|une|una|ein|eine|en|et|ett|de)$")
_ARTICLE_AT_START = re.compile(rf"^(?:(?:{_ARTICLES})\s+|l')(?=\w)")
_SEPARATOR = re.compile(r"\s*[:;]\s+|\s+[-\u2013\u2014]+\s+|,\s+(?=part\b)")
_HERO = re.compile(r"(\w+ \w.*?) and the \w")  # two words at least: not Beauty and the Beast
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_NUMBER_IN_WORD = re.compile(r"^(\w*[a-z]{3})([2-9])$")

_CARDINALS = "two three four five six seven eight nine ten eleven twelve thirteen"
_ORDINALS = "first second third fourth"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NUMBERS = {str(n): n for n in range(1, MAX_PART + 1)} | {"one": 1, "deux": 2, "too": 2, "3d": 3}
for _words_in_order, _first in ((_CARDINALS, 2), (_ORDINALS, 1), (_ROMAN, 1)):
    _NUMBERS |= {word: n for n, word in enumerate(_words_in_order.split(), _first)}
_PART_WORDS = {"part", "parts", "pt", "vol", "volume", "chapter", "episode", "ep", "no", "number", "book"}
_NUMBERS_AFTER_PART_WORDS = {"one", *_ORDINALS.split()}  # numbers behind "part", common words elsewhere
_NUMBERED_PEOPLE = {
    "henry",
    "richard",
    "edward",
    "george",
    "charles",
    "louis",
    "james",
    "elizabeth",
    "ludwig",
    "pope",
    "king",
}


class TitleName(NamedTuple):
    """A name in a title, which other movies of a series may have too."""

    stem: str  # "star wars": words without article, accents, punctuation and number
    part: int  # 0: not numbered
    is_whole_title: bool  # nothing of the title follows it
    is_hero_name: bool = False  # "and the" follows it


def parse_title(title: str) -> list[TitleName]:
    """Return the names in a title, the shortest first.

    "Star Wars: Episode IV - A New Hope" has "star wars", the same as part 4, and the whole title; "Alien³" is part 3 of
    "alien"; "Se7en" is only itself.
    """
    split_pieces = map(_split_words, _SEPARATOR.split(_strip_decoration(title)))
    pieces = [piece for piece in split_pieces if piece]
    hero = _HERO.match(" ".join(pieces[0])) if pieces else None
    names = [TitleName(hero[1], 0, is_whole_title=False, is_hero_name=True)] if hero else []
    words: list[str] = []
    for count, piece in enumerate(pieces, 1):
        words += piece
        stem, part = _split_part_number(words)
        names.append(TitleName(" ".join(stem), part, is_whole_title=count == len(pieces)))
    return names


def _strip_decoration(title: str) -> str:
    """Remove accents, the articles at either end, and a year and other titles in parentheses at the end."""
    text = title
    if not title.isascii():
        text = unicodedata.normalize("NFKD", title.translate(_SIGNS))
        text = "".join(c for c in text if not unicodedata.combining(c))
    text = " ".join(text.casefold().split())
    if "/" in text:
        text = _FRACTION.sub("", text)
    if text.endswith(")"):
        for pattern in (_YEAR_AT_END, _OTHER_TITLE_AT_END, _OTHER_TITLE_AT_END):
            text = pattern.sub("", text) or text
    return _ARTICLE_AT_START.sub("", _ARTICLE_AT_END.sub("", text) if "," in text else text)


def _split_words(text: str) -> list[str]:
    text = text.replace("'", "").replace("3-d", "3d").replace("&", " and ")
    words = _PUNCTUATION.sub(" ", text).split()
    if words and words[-1][-1] in "23456789" and (match := _NUMBER_IN_WORD.match(words[-1])):
        words[-1:] = match.groups()
    return words


def _split_part_number(words: list[str]) -> tuple[list[str], int]:
    """Return the words without the number of the part at their end, and that number; 0 where there is none."""
    part = _NUMBERS.get(words[-1], 0)
    rest = words[:-1]
    if after_part_word := bool(rest) and rest[-1] in _PART_WORDS:
        rest = rest[:-1]
    is_ambiguous = words[-1] in _NUMBERS_AFTER_PART_WORDS or (bool(rest) and rest[-1] in _NUMBERED_PEOPLE)
    if not part or not rest or (not after_part_word and is_ambiguous):
        return words, 0
    return rest, part
