"""The tokens of pages, which a client gets as `next` and sends back as `cursor`: signed, and opaque to the client.

The first page stores nothing, so that a list of which nobody wants more costs no more. Its token carries what the list
was asked with and which movies it showed. Later tokens name a session, which has both.
"""

import hashlib
import hmac
import json
import struct
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.utils.crypto import constant_time_compare

from recommender import process_state

_SALT = "movierec.page"
_SIGNATURE_SIZE, _SESSION_SIZE = 16, 16  # bytes
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_FIRST, _LATER = 1, 2  # kinds of tokens
_ROOT = struct.Struct("<qqH")  # when the list was asked for (unix seconds), data set, movies of the first page
_LATER_PAGE = struct.Struct(f"<{_SESSION_SIZE}s8sII")  # session, nonce, number of the page, movies shown before it
_MAX_TOKEN_LENGTH = 400_000  # characters: that of the largest body
# A page that is asked for again has the same token, so that a client's copy of it stays good for so long at least.
_STEPS = 6  # of a token's time in its lifetime


class CursorInvalid(Exception):
    """The text is no cursor that a page gave, or one of another list."""


class CursorExpired(Exception):
    """The cursor was good, but what it continues is not kept any more."""


class Root(NamedTuple):
    """What a list was asked with, and its first page."""

    list_name: str
    parameters: Mapping[str, Any]  # as the client sent them
    data_set: int  # ids of another data set mean other movies
    asked_at: int  # unix seconds, rounded down
    first_ids: np.ndarray  # int32 [n], of the first page
    versions: list[Any]  # the model's and the viewer's: the same first page of another state is another list

    def pack(self) -> bytes:
        """Return the root as bytes."""
        head = _ROOT.pack(self.asked_at, self.data_set, len(self.first_ids))
        rest = _JSON.encode([self.list_name, self.parameters, self.versions])
        packed = rest.encode("utf-8", "surrogatepass")
        packed = b"z" + zlib.compress(packed, 1) if len(packed) > 500 else b"j" + packed
        return b"".join((head, np.asarray(self.first_ids, "<i4").tobytes(), packed))

    @classmethod
    def unpack(cls, packed: bytes) -> "Root":
        """Return the root that `pack` made."""
        asked_at, data_set, count = _ROOT.unpack_from(packed)
        first_ids = np.frombuffer(packed, "<i4", count, _ROOT.size).astype(np.int32)
        rest = packed[_ROOT.size + 4 * count :]
        text = zlib.decompress(rest[1:]) if rest[:1] == b"z" else rest[1:]
        list_name, parameters, versions = json.loads(text.decode("utf-8", "surrogatepass"))
        return cls(list_name, parameters, data_set, asked_at, first_ids, versions)

    @property
    def has_expired(self) -> bool:
        """Return whether the first page is too old to be continued."""
        return time.time() > self.asked_at + settings.PAGE_LIFETIME + _step()


class LaterPage(NamedTuple):
    """Where a session goes on."""

    session: bytes
    nonce: bytes
    number: int  # of the page, from 0
    shown: int  # movies before it


def rounded_now() -> int:
    """Return the time of a first page, unix seconds."""
    return int(time.time()) // _step() * _step()


def next_rounding() -> int:
    """Return from when on a first page has another time, unix seconds."""
    return rounded_now() + _step()


def _step() -> int:
    return max(1, int(settings.PAGE_LIFETIME) // _STEPS)


def session_of(root: bytes) -> bytes:
    """Return the id of the session that continues a packed root: whoever continues it twice gets the same pages."""
    return blake2b(root, digest_size=_SESSION_SIZE).digest()


def first_token(root: bytes) -> str:
    """Return the token of the second page, which carries the first."""
    return _sign(_FIRST, root)


def later_token(page: LaterPage) -> str:
    """Return the token of a page of a session."""
    return _sign(_LATER, _LATER_PAGE.pack(*page))


def read_token(text: str) -> bytes | LaterPage:
    """Return a packed root, or where a session goes on. Raises CursorInvalid."""
    if len(text) > _MAX_TOKEN_LENGTH or not text.isascii():
        raise CursorInvalid
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise CursorInvalid from None
    signature, payload = raw[:_SIGNATURE_SIZE], raw[_SIGNATURE_SIZE:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not payload or not any(constant_time_compare(signature, _signature(payload, key)) for key in keys):
        raise CursorInvalid
    return payload[1:] if payload[0] == _FIRST else LaterPage(*_LATER_PAGE.unpack(payload[1:]))


def _sign(kind: int, content: bytes) -> str:
    payload = bytes([kind]) + content
    return urlsafe_b64encode(_signature(payload, settings.SECRET_KEY) + payload).rstrip(b"=").decode()


def _signature(payload: bytes, key: str) -> bytes:
    return hmac.digest(_derived_key(key), payload, "sha256")[:_SIGNATURE_SIZE]


@lru_cache
def _derived_key(key: str) -> bytes:
    """Return the key of these signatures alone, as `django.utils.crypto.salted_hmac` derives it."""
    return hashlib.sha256(f"{_SALT}{key}".encode()).digest()


process_state.register("paging: keys of signatures", _derived_key.cache_clear)
