"""The encoding of a file: known by its first bytes or named by the sender, else the file is refused."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from catalog.errors import DataFileError

MAX_LINE_LENGTH = 1_000_000  # characters
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_SIZE = 1 << 20  # bytes
# The encodings that a sender can name; ISO 8859-1 means Windows-1252, as on the web.
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
    (b"PAR1", "is a Parquet file: name that form (HTTP: Content-Type: application/vnd.apache.parquet)"),
    (b"PK\x03\x04", "is a zip archive or an Excel workbook: unpack it, or save it as CSV UTF-8"),
)
_VALID, _INVALID = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]"), re.compile("[\udc80-\udcff]")


def python_encoding(name: str) -> str | None:
    """Return Python's name of an encoding that a sender may name; None for any other."""
    return ENCODINGS.get(name.strip().lower().replace("_", "-"))


def open_text(file: BinaryIO, name: str, encoding: str | None, *, require_utf8: bool) -> io.TextIOWrapper:
    """Open the file as text from its beginning, in `encoding` (a value of ENCODINGS) where no mark names another.

    `require_utf8`: refuses a file without a known encoding that is not UTF-8, but for single damaged places. Raises
    DataFileError at line 1.
    """
    file.seek(0)
    first_bytes = file.read(4)
    file.seek(0)
    for magic, message in _COMPRESSED:
        if first_bytes.startswith(magic):
            raise DataFileError(name, 1, message)
    marked = next((marked for mark, marked in _BYTE_ORDER_MARKS if first_bytes.startswith(mark)), None)
    chosen = marked or _utf16_without_mark(first_bytes) or encoding
    if require_utf8 and chosen in (None, "utf-8", "utf-8-sig"):
        _check_utf8(file, name)
    is_wide = (chosen or "").startswith(("utf-16", "utf-32"))
    errors = "replace" if is_wide else "surrogateescape"
    return io.TextIOWrapper(file, encoding=chosen or "utf-8", errors=errors, newline="")


def _utf16_without_mark(first_bytes: bytes) -> str | None:
    """Recognise UTF-16 of Latin letters without its mark."""
    if len(first_bytes) < 4 or 0 not in first_bytes:
        return None
    zeros = [place for place, byte in enumerate(first_bytes) if not byte]
    return "utf-16-le" if zeros == [1, 3] else "utf-16-be" if zeros == [0, 2] else None


def find_non_utf8(file: BinaryIO) -> int:
    """Return the first line of a file in which no letter beyond ASCII is UTF-8: it is in another encoding; else 0."""
    file.seek(0)
    decoder, line, first_invalid = codecs.getincrementaldecoder("utf-8")("surrogateescape"), 1, 0
    while chunk := file.read(CHUNK_SIZE):
        text = decoder.decode(chunk)
        if not text.isascii():
            if _VALID.search(text):
                first_invalid = 0
                break
            invalid = _INVALID.search(text)
            first_invalid = first_invalid or (line + text.count("\n", 0, invalid.start()) if invalid else 0)
        line += text.count("\n")
    file.seek(0)
    return first_invalid


def _check_utf8(file: BinaryIO, name: str) -> None:
    """Refuse a file in another encoding than UTF-8: nothing tells in which."""
    if first_invalid := find_non_utf8(file):
        message = f"is not UTF-8, as line {first_invalid} shows first. Save the file as UTF-8, or say what it is in,"
        example = (
            "mostly windows-1252 (HTTP: Content-Type: text/csv; charset=windows-1252; commands: "
            "--encoding windows-1252)"
        )
        raise DataFileError(name, 1, f"{message} {example}")


def decoding_problem(text: str, encoding: str) -> str:
    """Return why a text of open_text() is damaged, or nothing."""
    if text.isascii():
        return ""
    if encoding.startswith(("utf-16", "utf-32")):
        return f"is not {encoding.upper()}" if "\ufffd" in text else ""
    return f"is not {'UTF-8' if encoding.startswith('utf-8') else encoding}" if _INVALID.search(text) else ""


def numbered_lines(text: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1. Raises DataFileError at a line that is too long."""
    number = 0
    while line := text.readline(MAX_LINE_LENGTH):
        number += 1
        if len(line) == MAX_LINE_LENGTH:
            raise DataFileError(name, number, f"is longer than {MAX_LINE_LENGTH:,} characters")
        yield number, line
