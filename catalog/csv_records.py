"""Records of CSV text, none of which swallows others: a quote that is not closed costs its own line alone.

A quoted cell may go over lines. So may a cell that somebody forgot to close, up to the next quote anywhere in the file;
it is told apart by what it would swallow. Lines that were read ahead in vain are read again, one by one. Knows no
Django.
"""

import csv
import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

MAX_RECORD_LENGTH = 1_000_000  # characters
UNCLOSED = "it opens a quote that is not closed where it should be"

Line = tuple[int, str]  # its number, from 1, and its text with the line's end


class Record(NamedTuple):
    """One record of a file. `problem`: why there are no cells."""

    line: int  # the first of several
    cells: list[str]
    problem: str = ""


class CsvRecords(Iterator[Record]):
    """Reads the records after a header of `width` columns; empty lines are left out.

    Cells in the columns `multiline` may go over several lines; no line within them may look like a row: as many cells,
    with nothing but numbers in the columns `ids`, or texts built like those of the row itself (sku-17 like sku-4).
    Names without a digit (amelie like the-matrix) are built like words, so there the line's other cells count too: none
    begins with a space, and each is a number where the row's own is one.
    """

    def __init__(
        self, lines: Iterator[Line], delimiter: str, width: int, *, multiline: Collection[int], ids: Collection[int]
    ) -> None:
        self._lines, self._delimiter, self._width = lines, delimiter, width
        self._multiline, self._ids = multiline, ids
        self._read_ahead: deque[Line] = deque()
        self._no_quote_before = 0  # up to this line there is no quote that could close one

    def __next__(self) -> Record:
        while (line := self._next_line()) is not None:
            number, text = line
            if not text.strip(" \r\n"):
                continue
            if '"' not in text:  # the same as below, at a third of the price
                return Record(number, text.rstrip("\r\n").split(self._delimiter))
            cells, problem = parse_record(text, self._delimiter)
            if problem == UNCLOSED and number > self._no_quote_before:
                cells, problem = self._parse_multiline(text)
            return Record(number, cells, problem)
        raise StopIteration

    def plain_lines(self, most: int) -> tuple[list[int], list[str]]:
        """Return the numbers and texts of the next lines up to one with a quote: the delimiter alone parts their
        cells."""
        numbers: list[int] = []
        texts: list[str] = []
        while len(texts) < most and (line := self._next_line()) is not None:
            number, text = line
            if '"' in text:
                self._read_ahead.appendleft(line)
                break
            text = text.rstrip("\r\n")
            if text.strip(" "):
                numbers.append(number)
                texts.append(text)
        return numbers, texts

    def _next_line(self) -> Line | None:
        return self._read_ahead.popleft() if self._read_ahead else next(self._lines, None)

    def _parse_multiline(self, first: str) -> tuple[list[str], str]:
        """Read on to the line that closes the record; without one, give the lines back to be read one by one."""
        following: list[Line] = []
        cells = self._close(first, following) if self._multiline else None
        if cells is not None:
            return cells, ""
        self._read_ahead.extendleft(reversed(following))
        # The last line ended the search; a search from the lines before it would read the same lines in vain.
        self._no_quote_before = following[-2][0] if len(following) > 1 else self._no_quote_before
        return [], UNCLOSED

    def _close(self, first: str, following: list[Line]) -> list[str] | None:
        """Return the cells of the record that begins with `first`, or None; adds the lines read to `following`."""
        parts, size, own = [first], len(first), next(csv.reader([first], delimiter=self._delimiter), [])
        while (line := self._next_line()) is not None:
            following.append(line)
            size += len(line[1])
            if size > MAX_RECORD_LENGTH or self._looks_like_row(line[1], own):
                return None
            parts.append(line[1])
            if line[1].count('"') % 2:  # else the quote is open still
                cells, problem = parse_record("".join(parts), self._delimiter)
                if problem != UNCLOSED:
                    single_line = (cell for column, cell in enumerate(cells) if column not in self._multiline)
                    goes_over = any("\n" in cell or "\r" in cell for cell in single_line)
                    return None if problem or goes_over or len(cells) != self._width else cells
        return None

    def _looks_like_row(self, text: str, own: Sequence[str]) -> bool:
        """Say whether a line may be a row. `own`: the known cells of the row that may go over it."""
        cells, problem = parse_record(text, self._delimiter)
        if problem or len(cells) != self._width:
            return False
        ids = {column: cells[column].strip() for column in self._ids if cells[column].strip()}
        own_ids = {column: own[column].strip() for column in self._ids if column < len(own)}
        may_be_name = not any(cell.startswith(" ") for cell in cells) and all(
            not cell or _is_number(cell) for cell, before in zip(cells, own, strict=False) if _is_number(before)
        )
        fits = (
            _is_number(cell)
            or _shape(cell) == _shape(own_ids.get(column, "")) != ""
            or (may_be_name and _letters(cell) == _letters(own_ids.get(column, "")) != "")
            for column, cell in ids.items()
        )
        return all(fits) and bool(ids or not self._ids)


def parse_record(text: str, delimiter: str) -> tuple[list[str], str]:
    """Return the cells of one record and nothing, or no cell and what is wrong with it."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), []), ""
    except csv.Error as error:
        return [], UNCLOSED if str(error) == "unexpected end of data" else str(error)


def _shape(text: str) -> str:
    """Return how a text with a digit and without spaces is built, as w-w for sku-17; nothing for any other."""
    has_shape = any(map(str.isdigit, text)) and not any(map(str.isspace, text))
    return re.sub(r"[^\W_]+", "w", text) if has_shape else ""


def _letters(text: str) -> str:
    """Return how the letters of a name without digits and spaces are written, as A for MATRIX; nothing for others."""
    if not text or any(character.isdigit() or character.isspace() for character in text):
        return ""
    if not any(map(str.isalpha, text)):
        return ""
    return "a" if text == text.lower() else "A" if text == text.upper() else "Aa"


def _is_number(text: str) -> bool:
    digits = text.removeprefix("imdb:").removeprefix("tmdb:").removeprefix("tt").partition(".")[0]
    return digits.isascii() and digits.isdigit()
