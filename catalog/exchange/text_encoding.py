"""Bytes of a file as text: which encoding they are in is told by what they begin with, by who sent them, or refused."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from catalog.errors import DataFileError

MAX_LINE_LENGTH = 100_000  # characters
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_SIZE = 1 << 20  # bytes
# Those that can be named; ISO 8859-1 means Windows-1252, as on the web.
ENCODINGS = {
    "utf-8": "utf-8",
    "us-ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "iso-8859-1": "cp1252",
    "iso-8859-2": "iso8859-2",
    "iso-8859-15": "iso8859-15",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMPRESSED = (
    (GZIP_MAGIC, "is packed with gzip: unpack it first"),
    (b"PK\x03\x04", "is a zip archive or an Excel workbook: unpack it, or save it as CSV UTF-8"),
)
_VALID, _INVALID = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]"), re.compile("[\udc80-\udcff]")


def python_encoding(name: str) -> str | None:
    """Python's name of an encoding that a file may be said to be in; None for any other."""
    return ENCODINGS.get(name.strip().lower().replace("_", "-"))


def open_text(file: BinaryIO, name: str, encoding: str | None, *, require_utf8: bool) -> io.TextIOWrapper:
    """The file from its beginning, in `encoding` (one of ENCODINGS' values) where it does not say its own by a mark.
    `guard`: refuses a file that is not UTF-8 though it should be, but for single damaged places. Raises DataFileError
    at line 1."""
    begin = _first_bytes(file)
    for magic, words in _COMPRESSED:
        if begin.startswith(magic):
            raise DataFileError(name, 1, words)
    found = (
        next((one for mark, one in _BYTE_ORDER_MARKS if begin.startswith(mark)), None)
        or _utf16_without_mark(begin)
        or encoding
    )
    if require_utf8 and found in (None, "utf-8", "utf-8-sig"):
        _check_utf8(file, name)
    wide = (found or "").startswith(("utf-16", "utf-32"))
    errors = "replace" if wide else "surrogateescape"
    return io.TextIOWrapper(file, encoding=found or "utf-8", errors=errors, newline="")


def _first_bytes(file: BinaryIO) -> bytes:
    file.seek(0)
    begin = file.read(4)
    file.seek(0)
    return begin


def _utf16_without_mark(begin: bytes) -> str | None:
    """UTF-16 of Latin letters without its mark."""
    if len(begin) < 4 or 0 not in begin:
        return None
    nul = [place for place, byte in enumerate(begin) if not byte]
    return "utf-16-le" if nul == [1, 3] else "utf-16-be" if nul == [0, 2] else None


def _check_utf8(file: BinaryIO, name: str) -> None:
    """Raises where not a letter beyond ASCII is UTF-8: then it is another encoding, and which one nobody can know."""
    decoder, line, first = codecs.getincrementaldecoder("utf-8")("surrogateescape"), 1, 0
    while piece := file.read(CHUNK_SIZE):
        text = decoder.decode(piece)
        if not text.isascii():
            if _VALID.search(text):
                first = 0
                break
            broken = _INVALID.search(text)
            first = first or (line + text.count("\n", 0, broken.start()) if broken else 0)
        line += text.count("\n")
    file.seek(0)
    if first:
        words = f"is not UTF-8, as line {first} shows first. Save the file as UTF-8, or say what it is in, mostly"
        how = "windows-1252 (HTTP: Content-Type: text/csv; charset=windows-1252; commands: --encoding windows-1252)"
        raise DataFileError(name, 1, f"{words} {how}")


def decoding_problem(text: str, encoding: str) -> str:
    """Why a text of as_text() is not what the file should say, or nothing."""
    if encoding.startswith(("utf-16", "utf-32")):
        return f"is not {encoding.upper()}" if "\ufffd" in text else ""
    return f"is not {'UTF-8' if encoding.startswith('utf-8') else encoding}" if _INVALID.search(text) else ""


def numbered_lines(text: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1. Raises DataFileError at one that is too long."""
    number = 0
    while line := text.readline(MAX_LINE_LENGTH):
        number += 1
        if len(line) == MAX_LINE_LENGTH:
            raise DataFileError(name, number, f"is longer than {MAX_LINE_LENGTH:,} characters")
        yield number, line
