"""Records of CSV text, none of which swallows others: a quote that is not closed costs its own line alone.

A quoted cell may go over lines. So may one that somebody forgot to close, up to the next quote anywhere in the file; it
is told apart by what it would swallow. What was looked at in vain is read again, line by line. Knows no Django.
"""

import csv
from collections import deque
from collections.abc import Collection, Iterator
from typing import NamedTuple

MAX_RECORD_LENGTH = 100_000  # characters
UNCLOSED = "it opens a quote that is not closed where it should be"

Line = tuple[int, str]  # its number, from 1, and its text with the line's end


class Record(NamedTuple):
    """`problem`: why there are no cells. `line`: the first of several."""

    line: int
    cells: list[str]
    problem: str = ""


class CsvRecords(Iterator[Record]):
    """Of lines behind a header of `width` columns. Empty lines are left out. Cells in the columns `long` may go over
    several lines; none of these may look like a row: as many cells, with nothing but numbers in the columns `ids`."""

    def __init__(
        self, lines: Iterator[Line], delimiter: str, width: int, *, multiline: Collection[int], ids: Collection[int]
    ) -> None:
        self._lines, self._delimiter, self._width = lines, delimiter, width
        self._long, self._ids = multiline, ids
        self._again: deque[Line] = deque()
        self._in_vain = 0  # up to this line there is no quote that could close one

    def __next__(self) -> Record:
        while (line := self._next()) is not None:
            number, text = line
            if not text.strip(" \r\n"):
                continue
            cells, problem = parse_record(text, self._delimiter)
            if problem == UNCLOSED and number > self._in_vain:
                cells, problem = self._over_lines(text)
            return Record(number, cells, problem)
        raise StopIteration

    def _next(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _over_lines(self, first: str) -> tuple[list[str], str]:
        taken: list[Line] = []
        cells = self._closed(first, taken) if self._long else None
        if cells is None:
            self._again.extendleft(reversed(taken))
            # The last one ended the look; those before it would each look through the same lines again.
            self._in_vain = taken[-2][0] if len(taken) > 1 else self._in_vain
        return cells or [], UNCLOSED if cells is None else ""

    def _closed(self, first: str, taken: list[Line]) -> list[str] | None:
        """The cells of the record that begins with `first`; None where no line closes it. Adds to `taken`."""
        parts, size = [first], len(first)
        while (line := self._next()) is not None:
            taken.append(line)
            size += len(line[1])
            if size > MAX_RECORD_LENGTH or self._like_a_row(line[1]):
                return None
            parts.append(line[1])
            if line[1].count('"') % 2:  # else the quote is open still
                cells, problem = parse_record("".join(parts), self._delimiter)
                if problem != UNCLOSED:
                    return None if problem or not self._sound(cells) else cells
        return None

    def _like_a_row(self, text: str) -> bool:
        cells, problem = parse_record(text, self._delimiter)
        if problem or len(cells) != self._width:
            return False
        ids = [cells[place].strip() for place in self._ids]
        return all(map(_is_number, filter(None, ids))) and (any(ids) or not ids)

    def _sound(self, cells: list[str]) -> bool:
        short = (cell for place, cell in enumerate(cells) if place not in self._long)
        return len(cells) == self._width and not any("\n" in cell or "\r" in cell for cell in short)


def parse_record(text: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of one record, or what is wrong with it."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), []), ""
    except csv.Error as error:
        return [], UNCLOSED if str(error) == "unexpected end of data" else str(error)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("imdb:").removeprefix("tmdb:").removeprefix("tt").partition(".")[0]
    return digits.isascii() and digits.isdigit()
