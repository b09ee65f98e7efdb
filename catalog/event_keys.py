"""Keys of events: any printable text as the site wrote it, kept as 128 bits, so that a row of 25 million stays narrow.

A text that writes a UUID is that UUID, in capitals, braces or without hyphens too. Any other text is its SHA-256, cut
to a UUID of version 8. A text that the bits do not write themselves stands in a table beside the events.
"""

import hashlib
import re
from typing import NamedTuple
from uuid import UUID

from catalog.keys import MAX_KEY_LENGTH

_UUID = re.compile(r"(urn:uuid:)?(\{)?[0-9a-f]{8}(-?)[0-9a-f]{4}\3[0-9a-f]{4}\3[0-9a-f]{4}\3[0-9a-f]{12}(?(2)\})", re.I)


class EventId(NamedTuple):
    """What an event is known by. Two ways to write one UUID are one id."""

    number: UUID
    text: str = ""  # as the site wrote it; empty where that is the number in lower case

    def __str__(self) -> str:
        return self.text or str(self.number)


def event_key_text(number: UUID | None, text: str | None) -> str | None:
    """Return the key as the site wrote it, of an event that is stored with this number and text."""
    return text or (None if number is None else str(number))


def parse_event_key(text: str) -> EventId | None:
    """Return the id that a text writes; None where it is empty, too long or has characters that do not print."""
    if not (0 < len(text) <= MAX_KEY_LENGTH and text.isprintable()):
        return None
    if _UUID.fullmatch(text):
        number = UUID(text)
        return EventId(number, "" if str(number) == text else text)
    digest = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    digest[6], digest[8] = 0x80 | digest[6] & 0x0F, 0x80 | digest[8] & 0x3F
    return EventId(UUID(bytes=bytes(digest)), text)
