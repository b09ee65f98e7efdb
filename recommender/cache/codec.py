"""What the list shelf stores, packed: ids and scores as bytes, never pickled. A foreign value unpacks to None."""

import struct
from typing import Any, NamedTuple

import numpy as np
from django_redis.serializers.base import BaseSerializer

# magic, format, epoch, viewer version, made_at, age limit (-1: none), ruled out, films, bytes of the model's name
_LIST = struct.Struct("<4sBqqqb3IHB")
_EMBEDDING = struct.Struct("<4sBq")  # magic, format, viewer version
_LIST_MAGIC, _EMBEDDING_MAGIC, _LIST_FORMAT, _EMBEDDING_FORMAT = b"mrl\x00", b"mru\x00", 2, 1


class BytesSerializer(BaseSerializer):
    """django-redis keeps ints native; everything else here is bytes already."""

    def dumps(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise TypeError(f"The list cache stores bytes and ints, not {type(value).__name__}: pack it first.")
        return value

    def loads(self, value: bytes) -> bytes:
        return value


class Versions(NamedTuple):
    """What is true now, as far as Redis knows; None is unknown and matches nothing."""

    model: str | None
    epoch: int | None
    catalogue: int | None
    viewer: int | None


class ExclusionCounts(NamedTuple):
    """How many films a viewer's history rules out: each counts once, for the first of these reasons."""

    seen: int = 0
    disliked: int = 0
    not_interested: int = 0


NO_EXCLUSIONS = ExclusionCounts()


class StoredList(NamedTuple):
    """Films best first with their scores, and the stamps of the facts they come from. `made_at`: unix seconds.

    The age limit (years, None: no limit) and what was ruled out are of the viewer version: a list that is valid has the
    limit that is true now, and nothing needs to be asked for it.
    """

    model: str
    epoch: int
    viewer_version: int
    movie_ids: np.ndarray  # int32 [n]
    scores: np.ndarray  # float32 [n]
    made_at: int
    age_limit: int | None = None
    exclusion_counts: ExclusionCounts = NO_EXCLUSIONS

    def is_current(self, versions: Versions) -> bool:
        return (self.model, self.epoch, self.viewer_version) == (versions.model, versions.epoch, versions.viewer)

    def pack(self) -> bytes:
        name = self.model.encode()
        limit = -1 if self.age_limit is None else self.age_limit
        stamps = (self.epoch, self.viewer_version, self.made_at, limit)
        head = _LIST.pack(_LIST_MAGIC, _LIST_FORMAT, *stamps, *self.exclusion_counts, len(self.movie_ids), len(name))
        ids, scores = np.asarray(self.movie_ids, "<i4"), np.asarray(self.scores, "<f4")
        return b"".join((head, name, ids.tobytes(), scores.tobytes()))

    @classmethod
    def unpack(cls, value: Any) -> "StoredList | None":
        if not isinstance(value, bytes) or len(value) < _LIST.size:
            return None
        magic, layout, epoch, viewer_version, made_at, limit, *exclusion_counts, count, name_length = _LIST.unpack_from(
            value
        )
        ids_at = _LIST.size + name_length
        if magic != _LIST_MAGIC or layout != _LIST_FORMAT or len(value) != ids_at + 8 * count:
            return None
        return cls(
            model=value[_LIST.size : ids_at].decode(errors="replace"),
            epoch=epoch,
            viewer_version=viewer_version,
            movie_ids=np.frombuffer(value, "<i4", count, ids_at),
            scores=np.frombuffer(value, "<f4", count, ids_at + 4 * count),
            made_at=made_at,
            age_limit=None if limit < 0 else limit,
            exclusion_counts=ExclusionCounts(*exclusion_counts),
        )


def pack_embedding(version: int, embedding: np.ndarray) -> bytes:
    """A model's state of a viewer at this viewer version."""
    return _EMBEDDING.pack(_EMBEDDING_MAGIC, _EMBEDDING_FORMAT, version) + np.asarray(embedding, "<f4").tobytes()


def unpack_embedding(value: Any, version: int) -> np.ndarray | None:
    """float32 [S]; None for one of another viewer version too."""
    if not isinstance(value, bytes) or len(value) <= _EMBEDDING.size or (len(value) - _EMBEDDING.size) % 4:
        return None
    if _EMBEDDING.unpack_from(value) != (_EMBEDDING_MAGIC, _EMBEDDING_FORMAT, version):
        return None
    return np.frombuffer(value, "<f4", offset=_EMBEDDING.size)
