"""Keys: the site's own ids of viewers, movies and events, and how they are told apart.

One rule. A key is any string of 1 to 128 printable characters (`str.isprintable`: a space is one, a tab is not),
compared code point by code point: case, accents in one or two code points, and spaces make other keys. The one
exception are the numbers 1 to 2**31 - 1: the number 42 and its decimal text "42" are one key, while "042" and "+42"
are texts like any other.

Inside, a number is its own id. Any other key has an id below zero, given once and never again, so that neither can be
taken for the other.
"""

import re

from catalog.limits import MAX_ID

MAX_KEY_LENGTH = 128  # characters
MAX_JSON_NUMBER = 2**64 - 1  # a site's 64-bit numbers may come as JSON numbers
VIEWER_KEY_RULE = (
    f"a viewer's id is 1 to {MAX_KEY_LENGTH} printable characters, or a number from 1 to {MAX_JSON_NUMBER}."
)
_MAX_DIGITS = len(str(MAX_ID))

_NUMBER_IN_FILE = re.compile(r"\s*([0-9]+)(\.0*)?\s*", re.ASCII)
_TEXT_IN_FILE = re.compile(r"'+ *[0-9]+(\.0*)? *", re.ASCII)

Key = int | str  # int: 1 to MAX_ID, its own id; str: any other key, never the decimal text of such a number


def parse_key(text: str) -> Key | None:
    """Return the key that a text writes; None where it is empty, too long or has characters that do not print."""
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _MAX_DIGITS and int(text) <= MAX_ID:
        return int(text)
    return text if 0 < len(text) <= MAX_KEY_LENGTH and text.isprintable() else None


def key_of_number(number: int) -> Key | None:
    """Return the key that a JSON number writes; None below 1 and above 64 bits."""
    if not 1 <= number <= MAX_JSON_NUMBER:
        return None
    return number if number <= MAX_ID else str(number)


def read_key_text(text: str) -> str:
    """Return the text of a key that a file writes.

    A number may be written as programs without integers do, 862.0, and with spaces around it. With an apostrophe in
    front, as in a spreadsheet, it counts as it stands; any other text does so anyway.
    """
    if number := _NUMBER_IN_FILE.fullmatch(text):
        return number[1]
    return text[1:] if _TEXT_IN_FILE.fullmatch(text) else text


def write_key_text(text: str) -> str:
    """Write the text of a key so that read_key_text() returns it."""
    return text if read_key_text(text) == text else f"'{text}"
