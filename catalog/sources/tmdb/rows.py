"""One row of TMDB's data: values as JSON has them, or cells of a table that hold JSON, Python's literals or names."""

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.limits import MAX_ID, parse_id

MAX_CELL = 4_000_000  # characters of a list: longer ones are no film's
MAX_ENTRIES = 2_000  # of a list
_WORDS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False, "": False}
_NOTHING = frozenset({"", "nan", "none", "null", "na", "n/a"})
# A string that is not closed ends with the text: the search stays linear, and what comes of it is no JSON.
_PYTHON_TOKEN = re.compile(
    r"""'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|\b(?:None|True|False)\b""", re.DOTALL
)
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}
_SUFFIX = re.compile(r"(jr|sr|ii|iii|iv)\.?\Z", re.IGNORECASE)


class BrokenRow(ValueError):
    """The row is no film, or cannot be told from none; the text says why."""


@dataclass
class Row:
    """A row and where it stands."""

    file: str
    line: int
    values: Mapping[str, Any]
    unreadable: list[str] = field(default_factory=list)  # columns that held no list where one belongs

    @property
    def place(self) -> str:
        """Return where the row stands, for people."""
        return f"{self.file}, line {self.line}"

    def number(self, *names: str) -> int:
        """Return the id in the first of the columns that is there; 0 for none. Raises BrokenRow."""
        for name in names:
            if (value := self.values.get(name)) is not None and str(value).strip().lower() not in _NOTHING:
                if (number := whole(value)) is None or not 0 <= number <= MAX_ID:
                    raise BrokenRow(f"{name} is {shorten(value)}, which is no id")
                return number
        return 0

    def flag(self, name: str) -> bool:
        """Return a yes or no. Raises BrokenRow."""
        value = self.values.get(name)
        if value is None or str(value).strip().lower() in _NOTHING:
            return False
        if (answer := _WORDS.get(str(value).strip().lower())) is None:
            raise BrokenRow(f"{name} is {shorten(value)}, which is neither True nor False")
        return answer

    def text(self, name: str, length: int) -> str:
        """Return a text of at most so many characters, with one space between words."""
        return clean(self.values.get(name), length)

    def real(self, name: str) -> float:
        """Return a number; 0 where there is none."""
        try:
            return float(str(self.values.get(name)).strip())
        except ValueError:
            return 0.0

    def entries(self, name: str) -> list[dict[str, Any]]:
        """Return the objects of a list, of a bare name one with the name; [] where there is none or it cannot be read.

        `unreadable` has the column then.
        """
        value = self.values.get(name)
        if isinstance(value, str):
            value = self._parse(name, value)
        return objects([{"name": item} if isinstance(item, str) else item for item in _items(value)])

    def names(self, name: str) -> list[str]:
        """Return the names in a list of objects, or in a text in which commas or bars separate them."""
        value = self.values.get(name)
        if not isinstance(value, str) or value.lstrip().startswith(("[", "{")):
            return [text for entry in self.entries(name) if (text := clean(entry.get("name"), 200))]
        if value.strip().lower() in _NOTHING:
            return []
        found: list[str] = []
        for part in value.split("|" if "|" in value else ","):
            text = clean(part, 200)
            if found and _SUFFIX.match(text):  # Sammy Davis, Jr.
                found[-1] = f"{found[-1]} {text}"
            elif text:
                found.append(text)
        return found[:MAX_ENTRIES]

    def _parse(self, name: str, text: str) -> Any:
        if text.strip().lower() in _NOTHING:
            return None
        value = None
        if len(text) <= MAX_CELL and text.lstrip().startswith(("[", "{")):
            value = _parse_literal(text)
        if value is None:
            self.unreadable.append(name)
        return value


def _parse_literal(text: str) -> Any:
    """Return what JSON or a literal of Python says; None where it is neither."""
    for written in (text, _PYTHON_TOKEN.sub(_to_json, text)):  # Python's own parser takes ten times as long
        try:
            return json.loads(written)
        except (ValueError, RecursionError):
            continue
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _to_json(token: re.Match[str]) -> str:
    """Write a string or a word of Python as JSON does."""
    text = token[0]
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    if text[0] == "'" and '"' not in text and "\\" not in text:
        return f'"{text[1:-1]}"'
    try:
        return json.dumps(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def objects(value: Any) -> list[dict[str, Any]]:
    """Return those items of a list that are objects, a bounded number; [] for anything but a list."""
    return [item for item in _items(value) if isinstance(item, dict)]


def _items(value: Any) -> list[Any]:
    return value[:MAX_ENTRIES] if isinstance(value, list) else []


def inner(value: Any, *names: str) -> Any:
    """Return what stands under the names, one within the other; None where an object or a name is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def clean(value: Any, length: int) -> str:
    """Return a text with one space between words, cut to the length; "" for anything but a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value != value:  # NaN
        return ""
    # No text has NUL, and half a surrogate pair is no letter: Postgres refuses both.
    text = str(value)
    if not text.isascii():
        text = text.encode("utf-8", "ignore").decode()
    text = " ".join(text.replace("\0", "").split())
    return text[:length].rstrip()


def whole(value: Any) -> int | None:
    """Return a whole number, also of `862.0` as spreadsheets and pandas write it; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    integer, _, decimals = text.partition(".")
    if not decimals.strip("0") and (number := parse_id(integer)):
        return number
    return 0 if re.fullmatch(r"0+(\.0*)?", text) else None


def shorten(value: Any) -> str:
    """Write a value into a message."""
    text = clean(value, 200) if isinstance(value, str | int | float) else str(type(value).__name__)
    return ascii(text if len(text) <= 40 else f"{text[:40]}…").replace("\\u2026", "…")
