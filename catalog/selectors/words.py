"""What somebody who types looks for: words, the last one perhaps unfinished, years, and what may be meant by a
word that no title and no name has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from django.db import connection

from catalog.limits import FIRST_YEAR, LAST_YEAR

MOST_WORDS = 10
ARTICLES = ("the", "a", "an")
FILLERS = frozenset({*ARTICLES, "and", "of", "in", "to"})  # left out where other words remain
CORRECTED = range(3, 21)  # characters of a word
SHORTEST_PREFIX = 3  # of a word that stands alone: one or two letters begin thousands of titles
LONG_FOR_NAMES = 4  # letters that begin few enough names of people
MEANT = 6  # alternatives of a word
MOST_ALIKE = 3  # words of one search that are compared with all words

_PARSED = """SELECT plain, ARRAY(SELECT token FROM ts_parse('default', plain) WHERE tokid <> 12)
             FROM catalog_plain(%s) AS plain"""
# Two letters swapped first, then one more, less or another.
_SLIPPED = """SELECT typed, array_agg(word ORDER BY swapped DESC, similarity(word, typed) DESC, word)
              FROM unnest(%s::text[], %s::text[], %s::bool[]) AS near (typed, meant, swapped)
              JOIN catalog_searchword ON word = meant GROUP BY typed"""
_ALIKE = "SELECT word FROM catalog_searchword WHERE word %% %s ORDER BY similarity(word, %s) DESC, word LIMIT %s"


@dataclass(frozen=True, slots=True)
class Term:
    """One word that was typed: any of `words` will do, or the year."""

    words: tuple[str, ...]
    begins: bool = False  # a word that begins so will do
    year: int | None = None

    @property
    def tsquery(self) -> str:
        return " | ".join(f"{_quoted(word)}{':*' if self.begins else ''}" for word in self.words)

    @property
    def of_people(self) -> str:
        unfinished = self.begins and len(self.words[0]) >= LONG_FOR_NAMES
        return self.tsquery if unfinished or not self.begins else Term(self.words).tsquery

    @property
    def likeliest(self) -> "Term":
        return Term(self.words[:1], self.begins, self.year)


@dataclass(frozen=True, slots=True)
class Sought:
    terms: tuple[Term, ...]
    text: str  # a film of this very title comes first
    common: bool = False  # nothing but words that any title may have: not worth ranking

    @property
    def titles(self) -> list[str]:
        return [self.text, *(f"{article} {self.text}" for article in ARTICLES)]

    @property
    def longest(self) -> int:
        """Characters of such a title, with marks between its words."""
        return len(self.text) + (0 if self.common else 12)


def sought(text: str) -> Sought:
    """One query. No terms where the text has no word in it."""
    with connection.cursor() as cursor:
        cursor.execute(_PARSED, [text])
        plain, tokens = cursor.fetchone()
    words = [word.lower() for word in tokens][:MOST_WORDS]
    telling = [word for word in words if word not in FILLERS]
    unfinished = telling[-1:] if plain[-1:].strip() else []
    shortest = SHORTEST_PREFIX if len(telling) == 1 else 1
    terms = tuple(_term(word, word in unfinished and len(word) >= shortest) for word in telling or words)
    return Sought(terms, " ".join(words), common=not telling)


def corrected(asked: Sought) -> Sought | None:
    """With what may be meant in place of words that do not occur; of every word, where all of them do. None: there is
    nothing else that could be meant."""
    judged = [term.words[0] for term in asked.terms if term.year is None and len(term.words[0]) in CORRECTED]
    known = _known(judged)
    meant = _meant([word for word in judged if word not in known] or judged)
    if not any(meant.values()):
        return None
    terms = [Term(tuple(dict.fromkeys((*meant.get(w, ()), w))), year=t.year) for t in asked.terms for w in t.words]
    return Sought(tuple(terms), " ".join(term.words[0] for term in terms))


def _term(word: str, begins: bool) -> Term:
    year = int(word) if word.isascii() and word.isdigit() and len(word) == 4 else 0
    return Term((word,), begins, year if FIRST_YEAR <= year <= LAST_YEAR else None)


def _known(words: Sequence[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM catalog_searchword WHERE word = ANY(%s)", [list(words)])
        return {word for (word,) in cursor.fetchall()}


def _meant(words: Sequence[str]) -> dict[str, list[str]]:
    """For each word those that a finger which slipped once makes of it, likeliest first; for the first few that have
    none, what has many trigrams in common."""
    near = [(word, *one) for word in words for one in _near(word)]
    columns = [list(column) for column in zip(*near, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_SLIPPED, columns)
        found = {typed: several[:MEANT] for typed, several in cursor.fetchall()}
        for word in [word for word in words if word not in found][:MOST_ALIKE]:
            cursor.execute(_ALIKE, [word, word, MEANT])
            found[word] = [alike for (alike,) in cursor.fetchall()]
    return found


def _near(word: str) -> Iterator[tuple[str, bool]]:
    """What the word may be where a finger slipped once, and whether by swapping two letters."""
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    swapped = {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    yield from ((one, True) for one in swapped)
    fewer = {left + right[1:] for left, right in parts if right}
    others = {left + letter + right[1:] for left, right in parts if right for letter in ascii_lowercase}
    more = {left + letter + right for left, right in parts for letter in ascii_lowercase}
    yield from ((one, False) for one in (fewer | others | more) - swapped - {word})


def _quoted(word: str) -> str:
    """As a lexeme of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
