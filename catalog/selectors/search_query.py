"""What somebody who types looks for: words, the last one perhaps unfinished, years, and what may be meant by a
word that no title and no name has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from django.db import connection

from catalog.limits import MAX_YEAR, MIN_YEAR

MAX_WORDS = 10
ARTICLES = ("the", "a", "an")
STOP_WORDS = frozenset({*ARTICLES, "and", "of", "in", "to"})  # left out where other words remain
CORRECTABLE_LENGTHS = range(3, 21)  # characters of a word
MIN_PREFIX_LENGTH = 3  # of a word that stands alone: one or two letters begin thousands of titles
MIN_NAME_PREFIX_LENGTH = 4  # letters that begin few enough names of people
MAX_ALTERNATIVES = 6  # alternatives of a word
MAX_TRIGRAM_LOOKUPS = 3  # words of one search that are compared with all words

_PARSE = """SELECT plain, ARRAY(SELECT token FROM ts_parse('default', plain) WHERE tokid <> 12)
             FROM catalog_plain(%s) AS plain"""
# Two letters swapped first, then one more, less or another.
_EDIT_DISTANCE_1 = """SELECT typed, array_agg(word ORDER BY swapped DESC, similarity(word, typed) DESC, word)
              FROM unnest(%s::text[], %s::text[], %s::bool[]) AS near (typed, meant, swapped)
              JOIN catalog_searchword ON word = meant GROUP BY typed"""
_TRIGRAM_MATCHES = (
    "SELECT word FROM catalog_searchword WHERE word %% %s ORDER BY similarity(word, %s) DESC, word LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word that was typed: any of `words` will do, or the year."""

    words: tuple[str, ...]
    is_prefix: bool = False  # a word that begins so will do
    year: int | None = None

    @property
    def tsquery(self) -> str:
        return " | ".join(f"{_quote_lexeme(word)}{':*' if self.is_prefix else ''}" for word in self.words)

    @property
    def people_tsquery(self) -> str:
        unfinished = self.is_prefix and len(self.words[0]) >= MIN_NAME_PREFIX_LENGTH
        return self.tsquery if unfinished or not self.is_prefix else Term(self.words).tsquery

    @property
    def likeliest(self) -> "Term":
        return Term(self.words[:1], self.is_prefix, self.year)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    terms: tuple[Term, ...]
    text: str  # a film of this very title comes first
    is_common: bool = False  # nothing but words that any title may have: not worth ranking

    @property
    def title_variants(self) -> list[str]:
        return [self.text, *(f"{article} {self.text}" for article in ARTICLES)]

    @property
    def max_title_length(self) -> int:
        """Characters of such a title, with marks between its words."""
        return len(self.text) + (0 if self.is_common else 12)


def parse_search(text: str) -> SearchQuery:
    """One query. No terms where the text has no word in it."""
    with connection.cursor() as cursor:
        cursor.execute(_PARSE, [text])
        plain, tokens = cursor.fetchone()
    words = [word.lower() for word in tokens][:MAX_WORDS]
    telling = [word for word in words if word not in STOP_WORDS]
    unfinished = telling[-1:] if plain[-1:].strip() else []
    shortest = MIN_PREFIX_LENGTH if len(telling) == 1 else 1
    terms = tuple(_term(word, word in unfinished and len(word) >= shortest) for word in telling or words)
    return SearchQuery(terms, " ".join(words), is_common=not telling)


def correct_spelling(query: SearchQuery) -> SearchQuery | None:
    """With what may be meant in place of words that do not occur; of every word, where all of them do. None: there is
    nothing else that could be meant."""
    judged = [term.words[0] for term in query.terms if term.year is None and len(term.words[0]) in CORRECTABLE_LENGTHS]
    known = _existing_words(judged)
    meant = _suggestions([word for word in judged if word not in known] or judged)
    if not any(meant.values()):
        return None
    terms = [Term(tuple(dict.fromkeys((*meant.get(w, ()), w))), year=t.year) for t in query.terms for w in t.words]
    return SearchQuery(tuple(terms), " ".join(term.words[0] for term in terms))


def _term(word: str, begins: bool) -> Term:
    year = int(word) if word.isascii() and word.isdigit() and len(word) == 4 else 0
    return Term((word,), begins, year if MIN_YEAR <= year <= MAX_YEAR else None)


def _existing_words(words: Sequence[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM catalog_searchword WHERE word = ANY(%s)", [list(words)])
        return {word for (word,) in cursor.fetchall()}


def _suggestions(words: Sequence[str]) -> dict[str, list[str]]:
    """For each word those that a finger which slipped once makes of it, likeliest first; for the first few that have
    none, what has many trigrams in common."""
    near = [(word, *one) for word in words for one in _single_edits(word)]
    columns = [list(column) for column in zip(*near, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_EDIT_DISTANCE_1, columns)
        found = {typed: several[:MAX_ALTERNATIVES] for typed, several in cursor.fetchall()}
        for word in [word for word in words if word not in found][:MAX_TRIGRAM_LOOKUPS]:
            cursor.execute(_TRIGRAM_MATCHES, [word, word, MAX_ALTERNATIVES])
            found[word] = [alike for (alike,) in cursor.fetchall()]
    return found


def _single_edits(word: str) -> Iterator[tuple[str, bool]]:
    """What the word may be where a finger slipped once, and whether by swapping two letters."""
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    swapped = {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    yield from ((one, True) for one in swapped)
    fewer = {left + right[1:] for left, right in parts if right}
    others = {left + letter + right[1:] for left, right in parts if right for letter in ascii_lowercase}
    more = {left + letter + right for left, right in parts for letter in ascii_lowercase}
    yield from ((one, False) for one in (fewer | others | more) - swapped - {word})


def _quote_lexeme(word: str) -> str:
    """As a lexeme of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
