"""When two spellings are one title: a title as words that all its spellings share.

What is one: `&`, `+` and "and"; numbers in figures, words and Roman figures, also behind Part, Vol. and the like; short
forms as Dr. and vs.; accents, case, punctuation; letters apart as in S.W.A.T.; an article in front. What parts titles
stays: the words, their order, and every number.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from catalog.title_parsing import parse_names

Words = tuple[str, ...]
MIN_PART_WORDS = 2  # of a title that stands for one with its series in front
MIN_OWN_PART_WORDS = 3  # of a film's title that stands for one that is written with a series in front
MAX_JOINED_LETTERS = 6  # of a word that may be letters apart: S.W.A.T.
MAX_MAKER_WORDS = 4
MAX_SMALL_WORD = 2  # letters: of, in, to
MAX_JOINED_WORDS = 4  # of a title of which two words may be one
_BEGINNING = 3  # letters

_BEFORE_FOLDING = str.maketrans(
    {"&": " and ", "+": " and ", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "²": " 2 ", "³": " 3 ", "'": "", "\u2019": "",
     "\u2018": "", "`": "", "\u00b4": "", "\u02bb": ""}
)  # fmt: skip
# Letters that Unicode does not take apart into a letter and its mark.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h"}
)
_BETWEEN_PARTS = re.compile(r"[:;|()\[\]]+|\s[-\u2013\u2014~/]+\s|\.\.\.+|\u2026|\s(?=episode\s(?:\d|[ivx]+\b))", re.I)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_LETTERS_APART = re.compile(r"\b(?:[^\W\d_][.*\u00b7]){1,}[^\W\d_]\b")  # S.W.A.T., M*A*S*H
_NO_LETTER = re.compile(r"\W")
_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("the", "a", "an"))
_SAME = {
    "dr": "doctor", "mr": "mister", "mrs": "missis", "st": "saint", "vs": "versus", "pt": "part", "vol": "volume",
    "ep": "episode", "jr": "junior", "sr": "senior", "mt": "mount",
    "colour": "color", "colours": "colors",
}  # fmt: skip
_ANDS = frozenset(("n", "et", "und"))  # behind another word
_COUNTERS = frozenset(("part", "volume", "chapter", "episode"))
_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_POWERS = {"thousand": 1000, "million": 1_000_000}
_ORDINALS = {"1st": "1th", "2nd": "2th", "3rd": "3th"} | {
    "first": "1th", "second": "2th", "third": "3th", "fourth": "4th", "fifth": "5th", "sixth": "6th",

    "seventh": "7th", "eighth": "8th",
    "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th", "thirteenth": "13th",
}  # fmt: skip
_ROMAN = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10",

    "xi": "11", "xii": "12", "xiii": "13",
    "xiv": "14", "xv": "15", "xvi": "16", "xvii": "17", "xviii": "18", "xix": "19", "xx": "20",
}  # fmt: skip
_ROMAN_OF = {figure: word for word, figure in _ROMAN.items()}
_FIGURE_WORDS = {str(number): word for word, number in (_UNITS | _TENS).items()}
_DIGIT_AS_LETTER = str.maketrans("013457", "oieasv")  # as in Se7en
_LETTERS_AND_DIGITS = re.compile(r"[^\W\d_]+\d+[^\W\d_]*|\d+[^\W\d_]{3,}")
_FILLERS = frozenset(("or", "aka"))
# Who made it, or whom it is after, in front of a title: not part of it everywhere.
_MAKERS = frozenset(
    (
        ("marvels",), ("disneys",), ("walt", "disneys"), ("pixars",), ("dreamworks",), ("doctor", "seuss"),
        ("william", "shakespeares"), ("bram", "stokers"), ("mary", "shelleys"), ("lee", "daniels"),
        ("tyler", "perrys"), ("john", "carpenters"), ("wes", "cravens"), ("clive", "barkers"), ("stephen", "kings"),
        ("tim", "burtons"), ("jim", "hensons"), ("roald", "dahls"), ("agatha", "christies"), ("jane", "austens"),
        ("george", "a", "romeros"), ("guillermo", "del", "toros"), ("zack", "snyders"), ("frank", "millers"),
        ("tom", "clancys"), ("national", "lampoons"), ("monty", "pythons"), ("fellinis",), ("neil", "simons"),
        ("edgar", "allan", "poes"), ("hg", "wells"), ("jules", "vernes"), ("charles", "dickens"), ("stan", "lees"),
        ("quentin", "tarantinos"), ("lars", "von", "triers"),
    )
)  # fmt: skip


_VARYING = (
    _ARTICLES | _ANDS | _COUNTERS | _FILLERS | _UNITS.keys() | _TENS.keys() | _POWERS.keys() | _ORDINALS.keys()
    | _ROMAN.keys() | _SAME.keys() | {*_SAME.values(), "hundred", "and", "versus"}
)  # fmt: skip


class Likeness(IntEnum):
    """How much two names are one title; the least number is the most."""

    SAME = 0  # but for spelling
    FORM = 1  # but for spaces within words, and for Part and the like before a number
    ARTICLE = 2  # but for an article in front
    PART = 3  # one is the other without its series in front, or without what stands between its first and last part
    SUBTITLE = 4  # the other goes on behind it


class TitleKey(NamedTuple):
    """One name of a film as words."""

    parts: tuple[Words, ...]  # what colons and dashes part

    @property
    def words(self) -> Words:
        """All words."""
        return tuple(word for part in self.parts for word in part)


def title_keys(text: str) -> tuple[list[TitleKey], int | None]:
    """Return the names in a title as words, the first is the title itself, and the year in parentheses."""
    names, year = parse_names(text)
    keys = [key for name in names for key in _keys(name)]
    return list(dict.fromkeys(keys)), year


def compare_titles(one: TitleKey, other: TitleKey) -> Likeness | None:
    """Return how far two names are one title; None if they are not."""
    words, others = one.words, other.words
    if words == others:
        return Likeness.SAME
    if _form(words) == _form(others):
        return Likeness.FORM
    bare, other_bare = _form_of(one.parts), _form_of(other.parts)
    if bare == other_bare:
        return Likeness.ARTICLE
    if len(other.parts) > 1 and _is_telling(words, MIN_PART_WORDS) and bare in _shortened(other):
        return Likeness.PART
    if len(one.parts) > 1 and _is_telling(others, MIN_OWN_PART_WORDS) and other_bare in _shortened(one):
        return Likeness.PART
    for end in range(1, len(other.parts)):
        if _form_of(other.parts[:end]) == bare:
            return Likeness.PART if _is_place_in_series(other.parts[end:]) else Likeness.SUBTITLE
    return None


def is_of_series(one: TitleKey, other: TitleKey) -> bool:
    """Say whether a title is another one, or goes on with a subtitle behind it."""
    return without_article(one.words) == without_article(other.parts[0])


def without_article(words: Words) -> Words:
    """Return the words without an English article in front of others."""
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words


def number_spellings(word: str, *, in_front: bool) -> tuple[str, ...]:
    """Return the other spellings of a number up to twenty: in figures, in words, in Roman figures; none of a word.

    In front of a title a Roman figure is a word: I, Robot.
    """
    figure = word if in_front and word in _ROMAN else _ROMAN.get(word, str(_UNITS.get(word, word)))
    spellings = (figure, _ROMAN_OF.get(figure), _FIGURE_WORDS.get(figure)) if figure in _ROMAN_OF else ()
    return tuple(spelling for spelling in spellings if spelling and spelling != word)


def _form(words: Words) -> str:
    """Return the words in one piece, without what counts parts before a number, and without "or"."""
    pairs = zip(words, (*words[1:], ""), strict=True)
    return "".join(
        word for word, after in pairs if word not in _FILLERS and not (word in _COUNTERS and after.isdigit())
    )


def _form_of(parts: Sequence[Words]) -> str:
    return _form(without_article(tuple(word for part in parts for word in part)))


def _shortened(key: TitleKey) -> set[str]:
    """Return the forms of a title of several parts without its first ones, or with nothing between first and last."""
    parts = key.parts
    cuts = [parts[start:] for start in range(1, len(parts))]
    return {_form_of(cut) for cut in [*cuts, (parts[0], parts[-1])]}


def _is_place_in_series(parts: Sequence[Words]) -> bool:
    """Say whether what follows a title is a number and a name, or the first number alone."""
    *counters, number = parts[0]
    is_number = number.isdigit() and all(word in _COUNTERS for word in counters)
    return is_number and (len(parts) > 1 or number == "1")


def _is_telling(words: Words, least: int) -> bool:
    """Say whether a part of a title can stand for the whole: it has so many words, without small ones, counters and a
    number at the end."""
    end = len(words) - 1 if words[-1].isdigit() else len(words)
    telling = [w for w in words[:end] if (len(w) > MAX_SMALL_WORD or w.isdigit()) and w not in _COUNTERS | _ARTICLES]
    return len(telling) >= least


def _keys(name: str) -> Iterator[TitleKey]:
    """Yield a name as words; also without its maker in front, and with figures that stand for letters."""
    if not (parts := tuple(_parts(name))):
        return
    yield TitleKey(parts)
    made = _words_of_maker(parts[0])
    rest = tuple(part for part in (parts[0][made:], *parts[1:]) if part)
    if made and rest:
        yield TitleKey(rest)
    for spelled in _spell_figures(name):
        if parts := tuple(_parts(spelled)):
            yield TitleKey(parts)


def _words_of_maker(words: Words) -> int:
    """Return how many words in front name who made the film."""
    return next((length for length in range(1, MAX_MAKER_WORDS + 1) if words[:length] in _MAKERS), 0)


def _spell_figures(name: str) -> Iterator[str]:
    """Yield a name with figures within words as letters, as in Se7en; also with the number behind, as in Scre4m."""
    found = _LETTERS_AND_DIGITS.search(name)
    if found:
        spelled = _LETTERS_AND_DIGITS.sub(lambda match: match[0].translate(_DIGIT_AS_LETTER), name)
        yield spelled
        yield f"{spelled} {''.join(filter(str.isdigit, found[0]))}"


def _parts(name: str) -> Iterator[Words]:
    joined = _LETTERS_APART.sub(lambda match: _NO_LETTER.sub("", match[0]), _THOUSANDS.sub("", name))
    for part in _BETWEEN_PARTS.split(joined):
        words = _canonical(_fold(part))
        while words and words[-1] in _FILLERS and len(words) > 1:
            words = words[:-1]
        if words and not (len(words) == 1 and words[0] in _FILLERS):
            yield words


def _fold(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.translate(_BEFORE_FOLDING)).casefold().translate(_PLAIN_LETTERS)
    return _WORD.findall("".join(c for c in letters if not unicodedata.combining(c)))


def _canonical(words: Sequence[str]) -> Words:
    same = ["and" if word in _ANDS and place else _SAME.get(word, word) for place, word in enumerate(words)]
    return tuple(_read_numbers(same))


def _read_numbers(words: Sequence[str]) -> Iterator[str]:
    """Yield the words with numbers in figures."""
    position = 0
    while position < len(words):
        number, end = _number_at(words, position)
        if end > position:
            yield str(number)
            position = end
            continue
        word = words[position]
        before = words[position - 1] if position else ""
        is_last = position == len(words) - 1
        if word in _ROMAN and (before in _COUNTERS or (position and (len(word) > 1 or is_last) and word != "i")):
            yield _ROMAN[word]
        elif word == "v" and position and not is_last:
            yield "versus"
        else:
            yield _ORDINALS.get(word, word)
        position += 1


def _number_at(words: Sequence[str], start: int) -> tuple[int, int]:
    """Read a number in words: its value, and where it ends; that is where it starts if there is none."""
    total, value, position, unit = 0, 0, start, 0  # unit: of the last word
    while position < len(words):
        word = words[position]
        if word in _UNITS and (not unit or unit >= 100 or (unit == 10 and _UNITS[word] < 10)):
            value, unit = value + _UNITS[word], 1
        elif word in _TENS and (not unit or unit >= 100):
            value, unit = value + _TENS[word], 10
        elif word == "hundred" and unit in (1, 10):
            value, unit = value * 100, 100
        elif word in _POWERS and unit and value:
            total, value, unit = total + value * _POWERS[word], 0, _POWERS[word]
        elif not (word == "and" and unit >= 100 and {*words[position + 1 : position + 2]} & (_UNITS | _TENS).keys()):
            break
        position += 1
    return total + value, position


def search_texts(title: str) -> list[str]:
    """Return texts of which one's words are all in any spelling of a title, or of its first and last part.

    A word that has several spellings is left out, unless there is no other.
    """
    names, _ = parse_names(title)
    names += [spelled for name in names for spelled in _spell_figures(name)]
    return list(dict.fromkeys(text for name in names for text in _texts_of(name.translate(_BEFORE_FOLDING)) if text))


def _texts_of(name: str) -> Iterator[str]:
    words = _WORD.findall(name)
    made = _words_of_maker(tuple(_canonical([part for word in words for part in _fold(word)])))
    for chosen in (words, words[made:]) if made else (words,):
        steady = [word for word in chosen if not _varies(word)]
        yield from [" ".join(steady), " ".join(chosen)] if steady else _spellings(chosen)
    if len(words) == 1 and len(name) <= MAX_JOINED_LETTERS:
        yield " ".join(name)
    parts = [part for part in _BETWEEN_PARTS.split(name) if part.strip()]
    if len(parts) > 1:
        for part in (parts[0], parts[-1]):
            yield " ".join(word for word in _WORD.findall(part) if not _varies(word))


def search_beginnings(title: str) -> list[list[str]]:
    """Return lists of what words begin with, of which one's are all in a title whose words are together or apart."""
    names, _ = parse_names(title)
    words = [word for word in _fold(names[0]) if word not in _VARYING] if names else []
    found = [[word[:_BEGINNING] for word in words if len(word) >= _BEGINNING]]
    if len(words) <= MAX_JOINED_WORDS:
        for place in range(len(words) - 1):  # Night Crawler: Nightcrawler
            joined = words[place] + words[place + 1][:1]
            found.append([joined, *(word[:_BEGINNING] for word in (*words[:place], *words[place + 2 :]))])
    for length in range(1, min(_BEGINNING, len(words[0])) if words else 0):  # Xmen: X-Men
        found.append([words[0][:length], words[0][length:], *(word[:_BEGINNING] for word in words[1:])])
    return [beginnings for beginnings in found if beginnings]


def _varies(word: str) -> bool:
    """Say whether spellings of a title may have another word in place of this one. Capitals may stand apart."""
    folded = "".join(_fold(word))
    is_short_form = word.isupper() and len(word) <= MAX_JOINED_LETTERS
    return len(folded) < 3 or is_short_form or folded in _VARYING or any(c.isdigit() for c in folded)


def _spellings(words: Sequence[str]) -> Iterator[str]:
    """Yield the spellings of a title of nothing but words that have several: as it is, in figures, in words, joined."""
    yield " ".join(words)
    yield " ".join(word for word in words if word != "and")
    yield "".join(words)
    folded = [word for text in words for word in _fold(text)]
    yield " ".join(_canonical(folded))
    for spelled in (_FIGURE_WORDS, _ROMAN_OF):
        yield " ".join(spelled.get(word, word) for word in _canonical(folded))
    yield " ".join(f"{int(word):,}" if word.isdigit() else word for word in folded)
    joined = "".join(folded)
    if joined.isalpha() and len(joined) <= MAX_JOINED_LETTERS:
        yield " ".join(joined)
