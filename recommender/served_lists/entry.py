"""One served list: its id, what is recorded of it, and the bytes in which it travels and is stored."""

import json
import os
import random
import re
import struct
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.conf import settings

_LIST_ID = re.compile(r"[0-9a-f]{32}\Z")
_HEAD = struct.Struct("<16siHHHiBHH")  # id, viewer, surface, source, flags, arm; lengths of model, row, request
_FILMS_HEAD = struct.Struct("<BH")  # bits, films
# Bits beside the bytes of an id, less one.
_HAS_SCORES, _HAS_PROPENSITIES, _HAS_SEED, _HAS_MADE_AT, _HAS_POOL = 4, 8, 16, 32, 64
_POOL_HEAD = struct.Struct("<Hf")  # films, temperature
ID_BYTES = 16
MAX_REQUEST_BYTES = 2_000  # of a request as JSON; a longer one is kept without its history
# Bits of the column `flags`.
FLAGS = {"degraded": 1, "known_viewer": 2, "rules": 4, "sampled": 8, "interleaved": 16}


def new_list_id() -> str:
    """Return the id of a list that is served now, in hexadecimal: milliseconds, then chance.

    Its last bit says whether the list is recorded; a share of the lists is, by the settings.
    """
    chance = bytearray(os.urandom(10))
    recorded = settings.LIST_LOG_SHARE >= 1 or random.random() < settings.LIST_LOG_SHARE  # noqa: S311
    chance[-1] = chance[-1] & 0xFE | recorded
    return (time.time_ns() // 1_000_000).to_bytes(6, "big").hex() + chance.hex()


def parse_list_id(text: str) -> UUID | None:
    """Return the id as a number; None for a text that `new_list_id` did not make."""
    return UUID(text) if _LIST_ID.match(text) else None


def is_logged(list_id: UUID) -> bool:
    """Say whether a list with this id is recorded."""
    return bool(list_id.int & 1)


def is_recorded(packed: bytes) -> bool:
    """Say the same of an entry, which begins with the list's id."""
    return bool(packed[ID_BYTES - 1] & 1)


def served_at(list_id: UUID) -> datetime:
    """Return when a list was served, by its id. Raises ValueError or OverflowError for a time beyond any calendar."""
    return datetime.fromtimestamp((list_id.int >> 80) / 1000, UTC)


def first_id(at: datetime) -> UUID:
    """Return an id below those of all lists that are served from then on."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


class Pool(NamedTuple):
    """What a sampled list was drawn from, beside the films that it shows: with it the chances of each are known."""

    movie_ids: np.ndarray  # int32 [m], best first
    scores: np.ndarray  # float32 [m]
    temperature: float  # of the sampling, in the units of scores


class Films(NamedTuple):
    """The films of a list as they were served, with the versions that it was made of."""

    movie_ids: np.ndarray  # int32 [n], first on top
    scores: np.ndarray | None  # float32 [n]; not finite where a film has none. None: no film has
    propensities: np.ndarray | None  # float32 [n]: of standing there below the films above; None: 1, nothing was drawn
    versions: tuple[int | None, ...]  # viewer, catalogue (with its rules), epoch
    seed: int | None  # of the sampling; None: nothing was drawn
    made_at: int | None = None  # unix seconds: when the stored list was made that it was cut from
    pool: Pool | None = None  # None: nothing was drawn

    def pack(self) -> bytes:
        """Return the films as bytes: ids in as few bytes as the largest needs, scores as they were computed."""
        ids, drawn_from = self.movie_ids, () if self.pool is None else (self.pool.movie_ids,)
        top = int(np.abs(np.concatenate([ids, *drawn_from])).max(initial=0))
        width = next(width for width in (2, 3, 4) if top < 1 << (8 * width - 1) or width == 4)
        bits = width - 1
        parts = [b"", *(_varint(0 if version is None else version + 1) for version in self.versions)]
        if self.seed is not None:
            bits |= _HAS_SEED
            parts.append(self.seed.to_bytes(8, "little"))
        if self.made_at is not None:
            bits |= _HAS_MADE_AT
            parts.append(self.made_at.to_bytes(4, "little"))
        parts.append(_pack_ids(ids, width))
        for values, bit in ((self.scores, _HAS_SCORES), (self.propensities, _HAS_PROPENSITIES)):
            if values is not None:
                bits |= bit
                parts.append(np.asarray(values, "<f4").tobytes())
        if self.pool is not None:
            bits |= _HAS_POOL
            parts.append(_POOL_HEAD.pack(len(self.pool.movie_ids), self.pool.temperature))
            parts += [_pack_ids(self.pool.movie_ids, width), np.asarray(self.pool.scores, "<f4").tobytes()]
        parts[0] = _FILMS_HEAD.pack(bits, len(ids))
        return b"".join(parts)

    @classmethod
    def unpack(cls, packed: bytes) -> "Films":
        """Return the films that `pack` made bytes of."""
        bits, count = _FILMS_HEAD.unpack_from(packed)
        at, versions = _FILMS_HEAD.size, []
        for _ in range(3):
            version, at = _read_varint(packed, at)
            versions.append(version - 1 if version else None)
        seed = None
        if bits & _HAS_SEED:
            seed, at = int.from_bytes(packed[at : at + 8], "little"), at + 8
        made_at = None
        if bits & _HAS_MADE_AT:
            made_at, at = int.from_bytes(packed[at : at + 4], "little"), at + 4
        width = (bits & 3) + 1
        ids, at = _unpack_ids(packed, at, count, width)
        columns: list[np.ndarray | None] = []
        for bit in (_HAS_SCORES, _HAS_PROPENSITIES):
            columns.append(np.frombuffer(packed, "<f4", count, at) if bits & bit else None)
            at += 4 * count if bits & bit else 0
        pool = None
        if bits & _HAS_POOL:
            others, temperature = _POOL_HEAD.unpack_from(packed, at)
            other_ids, at = _unpack_ids(packed, at + _POOL_HEAD.size, others, width)
            pool = Pool(other_ids, np.frombuffer(packed, "<f4", others, at), temperature)
        return cls(ids, columns[0], columns[1], tuple(versions), seed, made_at, pool)


class ServedEntry(NamedTuple):
    """A served list as it travels from the process that served it to the table."""

    list_id: bytes  # 16
    viewer_id: int  # 0: nobody, or nobody who is known
    surface: int  # a ServedList.Surface
    source: int  # a ServedList.Source
    flags: int  # sum of FLAGS
    arm_id: int  # of an experiment; 0: none
    model: str  # the version's name; "": none
    row: str  # key of a home page's row, else ""
    request: bytes  # as JSON: what the call asked for beyond the defaults
    films: bytes

    def pack(self) -> bytes:
        """Return the entry as bytes."""
        model, row = self.model.encode()[:255], self.row.encode()[:1_000]
        lengths = len(model), len(row), len(self.request)
        return b"".join((_HEAD.pack(*self[:6], *lengths), model, row, self.request, self.films))

    @classmethod
    def unpack(cls, packed: bytes) -> "ServedEntry":
        """Return the entry that `pack` made bytes of. Raises struct.error or UnicodeDecodeError for other bytes."""
        *head, model, row, request = _HEAD.unpack_from(packed)
        ends = np.cumsum([_HEAD.size, model, row, request]).tolist()
        texts = [packed[start:end] for start, end in pairwise(ends)]
        return cls._make([*head, texts[0].decode(), texts[1].decode(errors="ignore"), texts[2], packed[ends[-1] :]])


def request_json(request: Mapping[str, Any]) -> bytes:
    """Return what a call asked for as JSON of bounded length: a long history is left out, and counted."""
    text = json.dumps(request, separators=(",", ":"))
    if len(text) > MAX_REQUEST_BYTES:
        long = {name: len(value) for name, value in request.items() if isinstance(value, list) and len(value) > 20}
        kept = {name: value for name, value in request.items() if name not in long}
        text = json.dumps({**kept, "left_out": long}, separators=(",", ":"))
    return text.encode() if len(text) <= 60_000 else b'{"left_out":{}}'


def _pack_ids(movie_ids: np.ndarray, width: int) -> bytes:
    return np.ascontiguousarray(movie_ids, "<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()


def _unpack_ids(packed: bytes, at: int, count: int, width: int) -> tuple[np.ndarray, int]:
    """Return ids of `width` bytes each, int32 [count], and where what follows begins."""
    cut = np.frombuffer(packed, np.uint8, count * width, at).reshape(-1, width)
    ids = np.zeros((count, 4), np.uint8)
    ids[:, :width] = cut
    if width < 4 and count:
        ids[cut[:, -1] > 127, width:] = 255  # the sign
    return ids.view("<i4").reshape(-1), at + count * width


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _read_varint(packed: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = packed[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
