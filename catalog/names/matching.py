"""When two spellings are one name, and which names lie near to a mistyped one."""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

MAX_SUGGESTIONS = 5  # near names of one name
MAX_CORRECTED_LENGTH = 60  # characters: longer texts are no mistyped names
LETTERS_PER_ERROR = 3  # one typing error in so many letters is forgiven
MIN_WORD_LENGTH = 4  # letters of a name that is looked for inside longer names

_NO_LETTERS = re.compile(r"[^a-z0-9]+")
# Letters that Unicode does not take apart into a letter and its mark.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h", "ŧ": "t"}
)


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common: no case, accents, punctuation or spaces.

    A name of nothing but marks is its own key.
    """
    if name.isascii():
        return _NO_LETTERS.sub("", name.lower()) or " ".join(name.split())
    letters = unicodedata.normalize("NFKD", name).casefold().translate(_PLAIN_LETTERS)
    # P, Z, S and C: punctuation, separators, symbols, control characters. Vowel signs of Indian scripts (M) count.
    kept = "".join(c for c in letters if not unicodedata.combining(c) and unicodedata.category(c)[0] not in "PZSC")
    return kept or " ".join(name.split())


class NearNames:
    """Finds names near to a mistyped one, among the names of a catalogue."""

    def __init__(self, names: Sequence[str], keys: Sequence[str] | None = None) -> None:
        self._names = names
        self._keys = [name_key(name) for name in names] if keys is None else keys

    def find(self, name: str) -> list[str]:
        """Return names within a typing error for every three letters, the nearest first; then names that hold it.

        A swap of two letters is one error. At most MAX_SUGGESTIONS, each once.
        """
        key = name_key(name[: MAX_CORRECTED_LENGTH + 1])
        if not key or len(name) > MAX_CORRECTED_LENGTH:
            return []
        max_errors = max(1, len(key) // LETTERS_PER_ERROR)
        near = process.extract(
            key, self._keys, scorer=OSA.distance, processor=None, score_cutoff=max_errors, limit=MAX_SUGGESTIONS
        )
        found = dict.fromkeys(self._names[position] for _, _, position in near)
        if len(found) < MAX_SUGGESTIONS and len(key) >= MIN_WORD_LENGTH:
            for position, known in enumerate(self._keys):
                if key in known:
                    found.setdefault(self._names[position])
                    if len(found) == MAX_SUGGESTIONS:
                        break
        return list(found)
