"""Search queries as people type them: words, the last one perhaps unfinished, years, and spelling corrections."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

from django.db import connection

from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.title_keys import number_spellings

MAX_WORDS = 10
ARTICLES = ("the", "a", "an")
STOP_WORDS = frozenset({*ARTICLES, "and", "of", "in", "to"})  # left out where other words remain
CORRECTABLE_LENGTHS = range(3, 21)  # characters of a word
MIN_PREFIX_LENGTH = 3  # of a word that stands alone: one or two letters begin words of half of all titles
MIN_NAME_PREFIX_LENGTH = 4  # letters that begin few enough names of people
MAX_ALTERNATIVES = 6  # of a word
MAX_TRIGRAM_LOOKUPS = 3  # words of one search that are compared with all words

_PARSE = """SELECT plain, ARRAY(SELECT token FROM ts_parse('default', plain) WHERE tokid <> 12)
            FROM catalog_plain(%s) AS plain"""
# Two letters swapped first, then one letter more, less or another.
_EDIT_DISTANCE_1 = """SELECT typed, array_agg(word ORDER BY swapped DESC, similarity(word, typed) DESC, word)
                      FROM unnest(%s::text[], %s::text[], %s::bool[]) AS near (typed, meant, swapped)
                      JOIN catalog_searchword ON word = meant GROUP BY typed"""
_TRIGRAM_MATCHES = (
    "SELECT word FROM catalog_searchword WHERE word %% %s ORDER BY similarity(word, %s) DESC, word LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a search: any of `words` fits, or the year."""

    words: tuple[str, ...]
    is_prefix: bool = False  # a longer word that begins so fits as well
    year: int | None = None
    num_likely: int = 1  # of the words, the first ones: what was typed, and other spellings of it

    @property
    def tsquery(self) -> str:
        """The term as a tsquery of Postgres."""
        lexemes = ("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in self.words)
        return " | ".join(f"{lexeme}{':*' if self.is_prefix else ''}" for lexeme in lexemes)

    @property
    def people_tsquery(self) -> str:
        """The tsquery for names of people, of which a short prefix begins too many."""
        long_enough = self.is_prefix and len(self.words[0]) >= MIN_NAME_PREFIX_LENGTH
        return self.tsquery if long_enough or not self.is_prefix else Term(self.words).tsquery

    @property
    def likeliest(self) -> "Term":
        """The term without words that are but near to what was typed."""
        return replace(self, words=self.words[: self.num_likely])

    @property
    def whole(self) -> "Term":
        """The likeliest words, finished."""
        return replace(self.likeliest, is_prefix=False)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A parsed search; all of its terms have to fit."""

    terms: tuple[Term, ...]
    text: str  # a movie of exactly this title comes first
    text_without_years: str = ""  # so does one of this title, of that year; "": nothing but years
    is_common: bool = False  # nothing but stop words, which any title may have: not worth ranking
    is_short: bool = False  # one or two letters so far: titles that begin with them fit as well

    @property
    def title_variants(self) -> list[str]:
        """The text as a title, also with an article before it, and without the year."""
        texts = dict.fromkeys(text for text in (self.text, self.text_without_years) if text)
        return [f"{before}{text}" for text in texts for before in ("", *(f"{article} " for article in ARTICLES))]

    @property
    def max_title_length(self) -> int:
        """Characters of such a title, with marks between its words; of a short one with an article and one mark."""
        return len(self.text) + (0 if self.is_common else 5 if self.is_short else 12)


def parse_search(text: str) -> SearchQuery:
    """Parse a search in one query. A text without any word gives no terms."""
    with connection.cursor() as cursor:
        cursor.execute(_PARSE, [text])
        plain, tokens = cursor.fetchone()
    words = [word.lower() for word in tokens][:MAX_WORDS]
    telling = [word for word in words if word not in STOP_WORDS]
    may_go_on = bool(plain[-1:].strip())
    unfinished = telling[-1:] if may_go_on else []
    min_length = MIN_PREFIX_LENGTH if len(telling) == 1 else 1
    terms: list[Term] = []
    for word in telling or words:
        year = int(word) if word.isascii() and word.isdigit() and len(word) == 4 else 0
        is_prefix = word in unfinished and len(word) >= min_length
        spellings = (word, *number_spellings(word, in_front=not terms))
        terms.append(
            Term(spellings, is_prefix, year if MIN_YEAR <= year <= MAX_YEAR else None, num_likely=len(spellings))
        )
    years = {term.words[0] for term in terms if term.year is not None}
    without_years = " ".join(word for word in words if word not in years)
    if may_go_on and len(terms) == 1 and len(terms[0].words[0]) < MIN_PREFIX_LENGTH:
        return SearchQuery(tuple(terms), terms[0].words[0], is_short=True)
    return SearchQuery(tuple(terms), " ".join(words), without_years, is_common=not telling)


def correct_spelling(query: SearchQuery) -> SearchQuery | None:
    """Return the query with suggestions for the words that do not occur; for every word, where all of them occur.

    None: there is nothing else that could be meant.
    """
    words = [term.words[0] for term in query.terms if term.year is None and len(term.words[0]) in CORRECTABLE_LENGTHS]
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM catalog_searchword WHERE word = ANY(%s)", [words])
        existing = {word for (word,) in cursor.fetchall()}
    suggestions = _suggestions([word for word in words if word not in existing] or words)
    if not any(suggestions.values()):
        return None
    terms = [_corrected(term, suggestions.get(term.words[0], [])) for term in query.terms]
    text, without_years = (
        " ".join(term.words[0] for term in terms if term.year is None or with_years) for with_years in (True, False)
    )
    return SearchQuery(tuple(terms), text, without_years)


def _corrected(term: Term, suggestions: Sequence[str]) -> Term:
    """Return a finished term that the suggestions fit as well; the first of them is the likeliest word."""
    words = tuple(dict.fromkeys((*suggestions, *term.words)))
    return Term(words, year=term.year, num_likely=1 if suggestions else term.num_likely)


def _suggestions(words: Sequence[str]) -> dict[str, list[str]]:
    """Map each word to existing words one edit away, the likeliest first.

    The first few words without any are compared by trigrams with all words.
    """
    edits = [(word, *edit) for word in words for edit in _single_edits(word)]
    columns = [list(column) for column in zip(*edits, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_EDIT_DISTANCE_1, columns)
        suggestions = {typed: existing[:MAX_ALTERNATIVES] for typed, existing in cursor.fetchall()}
        for word in [word for word in words if word not in suggestions][:MAX_TRIGRAM_LOOKUPS]:
            cursor.execute(_TRIGRAM_MATCHES, [word, word, MAX_ALTERNATIVES])
            suggestions[word] = [match for (match,) in cursor.fetchall()]
    return suggestions


def _single_edits(word: str) -> Iterator[tuple[str, bool]]:
    """Yield every word that one slip of a finger may have turned into `word`, and whether by swapping two letters."""
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    swapped = {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    yield from ((edit, True) for edit in swapped)
    deleted = {left + right[1:] for left, right in splits if right}
    replaced = {left + letter + right[1:] for left, right in splits if right for letter in ascii_lowercase}
    inserted = {left + letter + right for left, right in splits for letter in ascii_lowercase}
    yield from ((edit, False) for edit in (deleted | replaced | inserted) - swapped - {word})
