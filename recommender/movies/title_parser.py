"""What a title says of the series that its film may belong to: the names it could bear, and which part it is."""

import re
import unicodedata
from typing import NamedTuple

MAX_PART = 20  # higher numbers are years, rooms, flights and planets

_SIGNS = str.maketrans({"²": " 2", "³": " 3", "⁴": " 4", "½": "", "⅓": "", "\u2019": "'"})
_FRACTION = re.compile(r"\b1/[23]\b")
_YEAR_BEHIND = re.compile(r"\s*\((19|20)\d\d(\s*[-\u2013]\s*(\d{4})?)?\)\s*$")
_OTHER_NAME = re.compile(r"\s*\((?!(?:part|vol|volume|chapter|episode)\b)[^()]*[a-z][^()]*\)\s*$")
_ARTICLES = "the|an?|les?|la|l'|el|los|las|il|lo|gli|der|das|den|det|het|een"
_ARTICLE_BEHIND = re.compile(rf",\s+(?:{_ARTICLES}|die|i|os?|un|une|una|ein|eine|en|et|ett|de)$")
_ARTICLE_BEFORE = re.compile(rf"^(?:(?:{_ARTICLES})\s+|l')(?=\w)")
_BREAK = re.compile(r"\s*[:;]\s+|\s+[-\u2013\u2014]+\s+|,\s+(?=part\b)")
_HERO = re.compile(r"(\w+ \w.*?) and the \w")  # two words at least: not Beauty and the Beast
_NOT_OF_A_WORD = re.compile(r"[^\w\s]|_")
_GLUED = re.compile(r"^(\w*[a-z]{3})([2-9])$")

_CARDINALS = "two three four five six seven eight nine ten eleven twelve thirteen"
_ORDINALS = "first second third fourth"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NUMBERS = {str(n): n for n in range(1, MAX_PART + 1)} | {"one": 1, "deux": 2, "too": 2, "3d": 3}
for _names, _least in ((_CARDINALS, 2), (_ORDINALS, 1), (_ROMAN, 1)):
    _NUMBERS |= {word: n for n, word in enumerate(_names.split(), _least)}
_MARKS = {"part", "parts", "pt", "vol", "volume", "chapter", "episode", "ep", "no", "number", "book"}
_ONLY_MARKED = {"one", *_ORDINALS.split()}  # numbers behind "part", common words elsewhere
_CROWNED = {"henry", "richard", "edward", "george", "charles", "louis", "james", "elizabeth", "ludwig", "pope", "king"}


class TitleName(NamedTuple):
    stem: str  # "star wars": words without article, accents, punctuation and number
    part: int  # 0: not numbered
    is_whole_title: bool  # nothing of the title follows it
    is_hero_name: bool = False  # "and the" follows it


def parse_title(title: str) -> list[TitleName]:
    """The names in a title, the shortest first: "Star Wars: Episode IV - A New Hope" has "star wars", the same as part
    4, and the whole title; "Alien³" is part 3 of "alien"; "Se7en" is only itself."""
    pieces = [words for piece in _BREAK.split(_strip_decoration(title)) if (words := _words(piece))]
    hero = _HERO.match(" ".join(pieces[0])) if pieces else None
    found = [TitleName(hero[1], 0, is_whole_title=False, is_hero_name=True)] if hero else []
    so_far: list[str] = []
    for place, piece in enumerate(pieces, 1):
        so_far += piece
        stem, part = _split_part_number(so_far)
        found.append(TitleName(" ".join(stem), part, place == len(pieces)))
    return found


def _strip_decoration(title: str) -> str:
    """Without accents and the articles at either end, without a year and other titles in parentheses behind."""
    text = title if title.isascii() else _strip_accents(title)
    text = " ".join(text.casefold().split())
    if "/" in text:
        text = _FRACTION.sub("", text)
    if text.endswith(")"):
        for behind in (_YEAR_BEHIND, _OTHER_NAME, _OTHER_NAME):
            text = behind.sub("", text) or text
    return _ARTICLE_BEFORE.sub("", _ARTICLE_BEHIND.sub("", text) if "," in text else text)


def _strip_accents(title: str) -> str:
    text = unicodedata.normalize("NFKD", title.translate(_SIGNS))
    return "".join(c for c in text if not unicodedata.combining(c))


def _words(text: str) -> list[str]:
    text = text.replace("'", "").replace("3-d", "3d").replace("&", " and ")
    found = _NOT_OF_A_WORD.sub(" ", text).split()
    if found and found[-1][-1] in "23456789" and (glued := _GLUED.match(found[-1])):
        found[-1:] = glued.groups()
    return found


def _split_part_number(found: list[str]) -> tuple[list[str], int]:
    """The words without the number of the part at their end, and that number."""
    part = _NUMBERS.get(found[-1], 0)
    rest = found[:-1]
    if marked := bool(rest) and rest[-1] in _MARKS:
        rest = rest[:-1]
    if not part or not rest or (not marked and (found[-1] in _ONLY_MARKED or rest[-1] in _CROWNED)):
        return found, 0
    return rest, part
