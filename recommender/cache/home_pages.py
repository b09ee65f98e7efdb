"""Stored home pages: judged by the versions that lists are judged by, and by what else a page was made from.

A viewer has a few places for pages, and so has everybody together; what was asked for says which. So no client can fill
Redis by asking for ever other pages, and all that is kept of a viewer has known names.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings

from recommender.cache.codec import Versions
from recommender.cache.connection import CacheUnavailable, RawRead, redis_connection
from recommender.cache.keys import NOBODY, as_name, as_number, full_key, home_page_key
from recommender.cache.versions import version_names

PLACES_OF_VIEWER, PLACES_OF_NOBODY = 4, 4_096
ASKED_SIZE, INPUTS_SIZE = 16, 16  # bytes
# magic, format, asked, inputs, newest input, epoch, catalogue, viewer version, since, until, bytes of model name
_HEAD = struct.Struct(f"<4sB{ASKED_SIZE}s{INPUTS_SIZE}sqqqqqqB")
_MAGIC, _FORMAT = b"mrh\x00", 1


class StoredHome(NamedTuple):
    """A home page as bytes, and what it was made from. Times in unix seconds."""

    asked: bytes  # stands for what was asked for
    model: str
    epoch: int
    catalogue: int
    viewer_version: int
    inputs: bytes  # stands for the charts and what else was read
    newest_input: int  # when the newest of them was made
    since: int  # no clock changes the page from then on
    until: int  # exclusive
    body: bytes

    def is_current(self, versions: Versions, asked: bytes, now: int) -> bool:
        """Say whether the page is the one asked for and was made from what is true now, but for its inputs."""
        stamps = (self.model, self.epoch, self.catalogue, self.viewer_version)
        return stamps == versions and self.asked == asked and self.since <= now < self.until

    def pack(self) -> bytes:
        """Return the page as bytes."""
        name = self.model.encode()
        numbers = (self.newest_input, self.epoch, self.catalogue, self.viewer_version, self.since, self.until)
        return _HEAD.pack(_MAGIC, _FORMAT, self.asked, self.inputs, *numbers, len(name)) + name + self.body

    @classmethod
    def unpack(cls, value: Any) -> "StoredHome | None":
        """Return the page that `pack` made; None for any other value."""
        if not isinstance(value, bytes) or len(value) < _HEAD.size:
            return None
        magic, layout, asked, inputs, newest, epoch, catalogue, version, since, until, length = _HEAD.unpack_from(value)
        if (magic, layout) != (_MAGIC, _FORMAT):
            return None
        name, body = value[_HEAD.size : _HEAD.size + length], value[_HEAD.size + length :]
        model = name.decode(errors="replace")
        return cls(asked, model, epoch, catalogue, version, inputs, newest, since, until, body)


def read_home(viewer_id: int, asked: bytes) -> tuple[Versions, StoredHome | None, RawRead]:
    """Return the versions and the page in the place of what is asked for, and both as they were read, in one round
    trip; the page is not judged here."""
    command = ("MGET", *map(full_key, [*version_names(viewer_id), _place(viewer_id, asked)]))
    [reply] = redis_connection.run(command)
    if isinstance(reply, Exception):
        raise CacheUnavailable(f"Redis refused: {reply}") from reply
    model, *numbers, page = reply
    versions = Versions(as_name(model), *map(as_number, numbers))
    if viewer_id == NOBODY:
        versions = versions._replace(viewer=NOBODY)
    return versions, StoredHome.unpack(page), RawRead(command, reply)


def store_home(viewer_id: int, stored: StoredHome) -> None:
    """Store a page of a viewer, or of NOBODY."""
    with redis_connection.checked_client() as redis:
        redis.set(full_key(_place(viewer_id, stored.asked)), stored.pack(), ex=settings.LIST_TTL)


def read_homes(viewer_ids: Sequence[int]) -> dict[int, list[StoredHome]]:
    """Return viewer id -> all stored pages of theirs, in one round trip; they are not judged here."""
    names = {name: viewer_id for viewer_id in viewer_ids for name in viewer_home_keys(viewer_id)}
    values = redis_connection.read_values([full_key(name) for name in names])
    pages: dict[int, list[StoredHome]] = {viewer_id: [] for viewer_id in viewer_ids}
    for viewer_id, value in zip(names.values(), values, strict=True):
        if (stored := StoredHome.unpack(value)) is not None:
            pages[viewer_id].append(stored)
    return pages


def viewer_home_keys(viewer_id: int) -> list[str]:
    """Return the keys of everything that is kept of a viewer's pages."""
    return [home_page_key(viewer_id, place) for place in range(PLACES_OF_VIEWER)]


def _place(viewer_id: int, asked: bytes) -> str:
    places = PLACES_OF_NOBODY if viewer_id == NOBODY else PLACES_OF_VIEWER
    return home_page_key(viewer_id, int.from_bytes(asked[:4], "little") % places)
