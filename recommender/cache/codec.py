"""How the list cache packs its values: ids and scores as bytes, never pickled. A foreign value unpacks to None."""

import struct
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from django_redis.serializers.base import BaseSerializer

# magic, format, epoch, viewer version, made_at, age limit (-1: none), exclusion counts, country, language, movies,
# bytes of model name
_LIST = struct.Struct("<4sBqqqb3I2s12sHB")
_PACKING = struct.Struct("<B?i")  # of a list: bytes of an id, whether scores are gaps behind the best, least id
_EMBEDDING = struct.Struct("<4sBq")  # magic, format, viewer version
_COUNTS = struct.Struct("<4sBqqIB")  # magic, format, data set, made_at, movies, counts of each
_TEXTS = struct.Struct("<4sBqqIB")  # magic, format, data set, catalogue version, movies, dimensions
_LIST_MAGIC, _EMBEDDING_MAGIC, _COUNTS_MAGIC, _TEXTS_MAGIC = b"mrl\x00", b"mru\x00", b"mrc\x00", b"mrt\x00"
_LIST_FORMAT, _EMBEDDING_FORMAT, _COUNTS_FORMAT, _TEXTS_FORMAT = 4, 1, 1, 2


_PLAIN_FORMAT, _PLAIN = 3, (4, False, 0)  # the lists of version 1.0, and how they are packed
_WHOLE_SCORES = 20  # of a list, the best: the others are steps below the one before
_STEPS = 1e5  # of a score of 1, as answers round (recommender/serving/answers.py)
_MAX_SCORE = 64.0  # float32 tells steps apart up to it
_WIDE = (1 << 16) - 1  # stands for a gap that 16 bits do not hold


class BytesSerializer(BaseSerializer):
    """Passes bytes through. django-redis keeps ints native; every other value is packed before it comes here."""

    def dumps(self, value: Any) -> bytes:
        """Return the value as it is. Raises TypeError for anything but bytes."""
        if not isinstance(value, bytes):
            raise TypeError(f"The list cache stores bytes and ints, not {type(value).__name__}: pack it first.")
        return value

    def loads(self, value: bytes) -> bytes:
        """Return the value as it is."""
        return value


class Versions(NamedTuple):
    """The versions of what lists are made from, as far as Redis knows them; None is unknown and matches nothing."""

    model: str | None
    epoch: int | None
    catalogue: int | None
    viewer: int | None


class ExclusionCounts(NamedTuple):
    """How many movies a viewer's history excludes: each counts once, for the first of these reasons."""

    seen: int = 0
    disliked: int = 0
    not_interested: int = 0


NO_EXCLUSIONS = ExclusionCounts()


class StoredList(NamedTuple):
    """Movies best first with their scores, and the versions of what they come from. `made_at`: unix seconds.

    The age limit (years, None: no limit), the country, the language and the exclusion counts are of the viewer version:
    a list that is current has those that are true now, and nothing needs to be read for them.
    """

    model: str
    epoch: int
    viewer_version: int
    movie_ids: np.ndarray  # int32 [n]
    scores: np.ndarray  # float32 [n]
    made_at: int
    age_limit: int | None = None
    exclusion_counts: ExclusionCounts = NO_EXCLUSIONS
    country: str = ""  # ISO 3166; "": not known
    language: str = ""  # BCP 47

    def is_current(self, versions: Versions) -> bool:
        """Return whether the list was made from what is true now."""
        return (self.model, self.epoch, self.viewer_version) == (versions.model, versions.epoch, versions.viewer)

    def pack(self) -> bytes:
        """Return the list as bytes, half as many as its numbers have: ids as distances from the least, scores as steps
        below the score before. The order and the scores in answers are the list's own."""
        name = self.model.encode()
        limit = -1 if self.age_limit is None else self.age_limit
        numbers = (self.epoch, self.viewer_version, self.made_at, limit)
        place = (self.country.encode(), self.language.encode())
        least_id, id_bytes, ids = _pack_ids(np.asarray(self.movie_ids, np.int32))
        are_gaps, scores = _pack_scores(np.asarray(self.scores, np.float32))
        lengths = (len(self.movie_ids), len(name))
        head = _LIST.pack(_LIST_MAGIC, _LIST_FORMAT, *numbers, *self.exclusion_counts, *place, *lengths)
        packing = _PACKING.pack(id_bytes, are_gaps, least_id)
        return b"".join((head, packing, name, ids, scores))

    def as_stored(self) -> "StoredList":
        """Return the list as whoever reads it from the cache has it: its scores are rounded."""
        stored = self.unpack(self.pack())
        assert stored is not None
        return stored

    @classmethod
    def unpack(cls, value: Any) -> "StoredList | None":
        """Return the list that `pack` made, now or in version 1.0; None for any other value."""
        if not isinstance(value, bytes) or len(value) < _LIST.size + _PACKING.size:
            return None
        magic, form, epoch, viewer_version, made_at, limit, *rest = _LIST.unpack_from(value)
        *excluded, country, language, count, name_length = rest
        name_at = _LIST.size if form == _PLAIN_FORMAT else _LIST.size + _PACKING.size
        packing = _PLAIN if form == _PLAIN_FORMAT else _PACKING.unpack_from(value, _LIST.size)
        id_bytes, are_gaps, least_id = packing
        ids_at = name_at + name_length
        scores_at = ids_at + id_bytes * count
        if magic != _LIST_MAGIC or form not in (_PLAIN_FORMAT, _LIST_FORMAT) or len(value) < scores_at:
            return None
        scores = _unpack_scores(value[scores_at:], count) if are_gaps else _unpack_whole(value[scores_at:], count)
        if scores is None:
            return None
        return cls(
            model=value[name_at:ids_at].decode(errors="replace"),
            epoch=epoch,
            viewer_version=viewer_version,
            movie_ids=_unpack_ids(value, count, ids_at, id_bytes, least_id),
            scores=scores,
            made_at=made_at,
            age_limit=None if limit < 0 else limit,
            exclusion_counts=ExclusionCounts(*excluded),
            country=country.rstrip(b"\0").decode(errors="replace"),
            language=language.rstrip(b"\0").decode(errors="replace"),
        )


def _pack_ids(movie_ids: np.ndarray) -> tuple[int, int, bytes]:
    """Return the least id, the bytes of each distance from it (2 to 4), and the distances."""
    if not len(movie_ids):
        return 0, 2, b""
    least = int(movie_ids.min())
    greatest = int(movie_ids.max()) - least
    distances = movie_ids.astype(np.int64) - least
    if greatest < 1 << 16:
        return least, 2, distances.astype("<u2").tobytes()
    id_bytes = (greatest.bit_length() + 7) // 8
    return least, id_bytes, distances.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :id_bytes].tobytes()


def _unpack_ids(value: bytes, count: int, start: int, id_bytes: int, least: int) -> np.ndarray:
    if id_bytes == 2:
        return np.frombuffer(value, "<u2", count, start).astype(np.int32) + np.int32(least)
    padded = np.zeros((count, 4), np.uint8)
    padded[:, :id_bytes] = np.frombuffer(value, np.uint8, count * id_bytes, start).reshape(count, id_bytes)
    return (padded.view("<u4")[:, 0].astype(np.int64) + least).astype(np.int32)


def _pack_scores(scores: np.ndarray) -> tuple[bool, bytes]:
    """Return whether the scores behind the first are steps below the one before, and the scores; of few scores and of
    great ones all are whole. Behind 16 bits for each come the gaps that these do not hold, in 32."""
    if len(scores) <= _WHOLE_SCORES or not np.abs(scores).max() < _MAX_SCORE:
        return False, scores.astype("<f4").tobytes()
    steps = np.rint(scores[_WHOLE_SCORES - 1 :].astype(np.float64) * _STEPS).astype(np.int64)
    gaps = steps[:-1] - steps[1:]
    is_wide = (gaps < 0) | (gaps >= _WIDE)
    parts = (scores[:_WHOLE_SCORES].astype("<f4"), np.where(is_wide, _WIDE, gaps).astype("<u2"), gaps[is_wide])
    return True, b"".join((parts[0].tobytes(), parts[1].tobytes(), parts[2].astype("<i4").tobytes()))


def _unpack_scores(value: bytes, count: int) -> np.ndarray | None:
    """Return what `_pack_scores` made of falling scores; None for bytes of another length."""
    wide_at = 4 * _WHOLE_SCORES + 2 * (count - _WHOLE_SCORES)
    if count <= _WHOLE_SCORES or len(value) < wide_at:
        return None
    gaps = np.frombuffer(value, "<u2", count - _WHOLE_SCORES, 4 * _WHOLE_SCORES).astype(np.int64)
    if len(value) > wide_at or int(gaps.max()) == _WIDE:
        is_wide = gaps == _WIDE
        if len(value) != wide_at + 4 * int(is_wide.sum()):
            return None
        gaps[is_wide] = np.frombuffer(value, "<i4", -1, wide_at)
    scores = np.empty(count, np.float32)
    scores[:_WHOLE_SCORES] = np.frombuffer(value, "<f4", _WHOLE_SCORES)
    scores[_WHOLE_SCORES:] = (np.rint(float(scores[_WHOLE_SCORES - 1]) * _STEPS) - gaps.cumsum()) / _STEPS
    return scores


def _unpack_whole(value: bytes, count: int) -> np.ndarray | None:
    return np.frombuffer(value, "<f4", count) if len(value) == 4 * count else None


class WatchCounts(NamedTuple):
    """How many viewers watched each movie lately, over several windows. `made_at`: unix seconds."""

    data_set: int  # that the ids are of
    made_at: int
    movie_ids: np.ndarray  # int32 [n], ascending
    counts: np.ndarray  # float32 [n, windows]
    content: int = 0  # a checksum of the movies and their counts, as they were read

    def pack(self) -> bytes:
        """Return the counts as bytes."""
        head = _COUNTS.pack(_COUNTS_MAGIC, _COUNTS_FORMAT, self.data_set, self.made_at, *self.counts.shape)
        return head + np.asarray(self.movie_ids, "<i4").tobytes() + np.asarray(self.counts, "<f4").tobytes()

    @classmethod
    def unpack(cls, value: Any) -> "WatchCounts | None":
        """Return the counts that `pack` made; None for any other value."""
        if not isinstance(value, bytes) or len(value) < _COUNTS.size:
            return None
        magic, layout, data_set, made_at, movies, windows = _COUNTS.unpack_from(value)
        counts_at = _COUNTS.size + 4 * movies
        if (magic, layout) != (_COUNTS_MAGIC, _COUNTS_FORMAT) or len(value) != counts_at + 4 * movies * windows:
            return None
        counts = np.frombuffer(value, "<f4", movies * windows, counts_at).reshape(movies, windows)
        ids = np.frombuffer(value, "<i4", movies, _COUNTS.size)
        return cls(data_set, made_at, ids, counts, crc32(value[_COUNTS.size :]))


class TextVectors(NamedTuple):
    """What is said of movies, as vectors."""

    data_set: int  # that the ids are of
    catalogue: int  # version that the texts are of
    movie_ids: np.ndarray  # int32 [n], those with a text, ascending
    digests: np.ndarray  # uint32 [n]: another number for another text
    vectors: np.ndarray  # int8 [n, dimensions]: 127 is 1

    def pack(self) -> bytes:
        """Return the vectors as bytes."""
        head = _TEXTS.pack(_TEXTS_MAGIC, _TEXTS_FORMAT, self.data_set, self.catalogue, *self.vectors.shape)
        columns = ((self.movie_ids, "<i4"), (self.digests, "<u4"), (self.vectors, np.int8))
        return head + b"".join(np.asarray(column, dtype).tobytes() for column, dtype in columns)

    @classmethod
    def unpack(cls, value: Any) -> "TextVectors | None":
        """Return the vectors that `pack` made; None for any other value."""
        if not isinstance(value, bytes) or len(value) < _TEXTS.size:
            return None
        magic, layout, data_set, catalogue, movies, dimensions = _TEXTS.unpack_from(value)
        vectors_at = _TEXTS.size + 8 * movies
        if (magic, layout) != (_TEXTS_MAGIC, _TEXTS_FORMAT) or len(value) != vectors_at + movies * dimensions:
            return None
        vectors = np.frombuffer(value, np.int8, movies * dimensions, vectors_at).reshape(movies, dimensions)
        movie_ids = np.frombuffer(value, "<i4", movies, _TEXTS.size)
        digests = np.frombuffer(value, "<u4", movies, _TEXTS.size + 4 * movies)
        return cls(data_set, catalogue, movie_ids, digests, vectors)


def pack_embedding(version: int, embedding: np.ndarray) -> bytes:
    """Return a model's embedding of a viewer at this viewer version as bytes."""
    return _EMBEDDING.pack(_EMBEDDING_MAGIC, _EMBEDDING_FORMAT, version) + np.asarray(embedding, "<f4").tobytes()


def unpack_embedding(value: Any, version: int) -> np.ndarray | None:
    """Return the embedding, float32 [S]; None for one of another viewer version, and for any other value."""
    if not isinstance(value, bytes) or len(value) <= _EMBEDDING.size or (len(value) - _EMBEDDING.size) % 4:
        return None
    if _EMBEDDING.unpack_from(value) != (_EMBEDDING_MAGIC, _EMBEDDING_FORMAT, version):
        return None
    return np.frombuffer(value, "<f4", offset=_EMBEDDING.size)
