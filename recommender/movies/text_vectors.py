"""What overviews and tags say of movies, as short vectors: latent semantic analysis (Deerwester et al. 1990) of TF-IDF.

A task computes them when the catalogue has changed and keeps them in Redis for all processes. Without them `similar`
goes by the rest of what the catalogue says.
"""

import re
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from catalog import selectors
from recommender import cache, process_state
from recommender.cache import CacheUnavailable, TextVectors
from recommender.movies.snapshot import CatalogueSnapshot

DIMENSIONS, MAX_TERMS = 48, 2_000
MIN_BEARERS, MAX_SHARE = 2, 0.1  # movies that have a term: a rarer one joins nothing, a commoner one is no topic
FEW_TERMS = 2.0  # a movie with so many terms, of a single tag for instance, says half as much of its topics
SAMPLED = 20_000  # movies from which the topics are learned
CHUNK = 2_048  # movies at a time
LENGTH = 127  # of a stored vector that is 1 long
LOCAL_TTL = 300.0  # seconds that a process keeps its copy
_WORD = re.compile(r"[^\W\d_]{3,}")


class _Local(NamedTuple):
    stored: TextVectors | None
    until: float  # monotonic seconds


_local = process_state.Value[_Local | None]("movies: the text vectors as last read", None)


def refresh() -> int:
    """Compute the vectors anew, if the catalogue has changed since, and store them. Returns how many movies have
    one."""
    version, data_set = selectors.catalogue_and_epoch()[0], selectors.data_set()
    stored = cache.read_text_vectors()
    if stored is None or (stored.catalogue, stored.data_set) != (version, data_set):
        ids, terms = [], []
        for movie_id, overview, tags in selectors.movie_texts():
            ids.append(movie_id)
            terms.append(count_terms(overview, tags))
        stored = vectors_from(data_set, version, np.array(ids, np.int32), terms)
    cache.store_text_vectors(stored)
    adopt(stored)
    return len(stored.movie_ids)


def vectors_from(
    data_set: int, version: int, movie_ids: np.ndarray, terms: Sequence[Mapping[str, float]]
) -> TextVectors:
    """Return the vectors of movies [n], ascending, from the terms of each."""
    vectors = compute_vectors(terms)
    has_text = vectors.any(axis=1)
    digests = np.array([zlib.crc32(repr(sorted(movie.items())).encode()) for movie in terms], np.uint32)
    rounded = np.rint(vectors[has_text] * LENGTH).astype(np.int8)
    return TextVectors(data_set, version, movie_ids[has_text], digests[has_text], rounded)


def adopt(stored: TextVectors) -> None:
    """Let this process go by these vectors for the next LOCAL_TTL."""
    _local.current = _Local(stored, time.monotonic() + LOCAL_TTL)


def vectors_of(snapshot: CatalogueSnapshot) -> np.ndarray | None:
    """Return the movies' vectors, float32 [movies, D], of length 0 to LENGTH; None where there are none.

    They are whole numbers, so that their products are exact however they are added up.
    """
    return _aligned(snapshot, "vectors", np.float32)


def digests_of(snapshot: CatalogueSnapshot) -> np.ndarray | None:
    """Return a number for what is said of each movie, uint32 [movies], 0 for nothing; None where nothing was read."""
    return _aligned(snapshot, "digests", np.uint32)


def _aligned(snapshot: CatalogueSnapshot, column: str, dtype: type) -> np.ndarray | None:
    """Return a column of the stored vectors in the order of the catalogue; None where there are none."""
    stored = _current()
    if stored is None or stored.data_set != snapshot.table.data_set or not len(stored.movie_ids):
        return None

    def align(snapshot: CatalogueSnapshot, _: object) -> np.ndarray:
        rows, values = snapshot.table.rows_of(stored.movie_ids), getattr(stored, column)
        aligned = np.zeros((len(snapshot.table.ids), *values.shape[1:]), dtype)
        aligned[rows[rows >= 0]] = values[rows >= 0]
        return aligned

    return snapshot.cached_array(f"text {column}", stored.catalogue, align)


def version_of(snapshot: CatalogueSnapshot) -> int:
    """Return a number that changes with the vectors of these movies; 0 without any."""
    stored = _current()
    return stored.catalogue if stored is not None and stored.data_set == snapshot.table.data_set else 0


def _current() -> TextVectors | None:
    """Return this process's copy while it is fresh, else what Redis has; the last one while Redis is away."""
    local = _local.current
    if local is None or time.monotonic() >= local.until:
        stored = local.stored if local else None
        with suppress(CacheUnavailable):
            stored = cache.read_text_vectors()
        local = _local.current = _Local(stored, time.monotonic() + LOCAL_TTL)
    return local.stored


def count_terms(overview: str, tags: Iterable[tuple[str, int]]) -> dict[str, float]:
    """Return the words of an overview and of tags, (name, viewers), and how often they occur."""
    counts: dict[str, float] = {}
    for word in _words(overview):
        counts[word] = counts.get(word, 0.0) + 1
    for name, viewers in tags:
        for word in set(_words(name)):
            counts[word] = counts.get(word, 0.0) + 1 + float(np.log(max(viewers, 1)))
    return counts


def _words(text: str) -> list[str]:
    """Return the words of three letters or more, without a plural s."""
    return [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in _WORD.findall(text.casefold())]


def compute_vectors(terms: Sequence[Mapping[str, float]]) -> np.ndarray:
    """Return a vector for the terms of each movie, float32 [n, at most DIMENSIONS]: its length is below 1 and the
    shorter the fewer terms it has, 0 where no other movie has one of them."""
    starts, columns, weights, count = _tf_idf(terms)
    if not count:
        return np.zeros((len(terms), 1), np.float32)
    rows = np.flatnonzero(np.diff(starts))
    sample = rows[:: -(-len(rows) // SAMPLED)]
    gram = np.zeros((count, count), np.float32)
    for start in range(0, len(sample), CHUNK):
        block = _dense(starts, columns, weights, sample[start : start + CHUNK], count)
        gram += block.T @ block
    values, basis = np.linalg.eigh(gram)
    size = min(DIMENSIONS, count, int(np.count_nonzero(values > 1e-6)))
    basis = basis[:, -size:] / values[-size:] ** 0.25  # between counting topics alike and by how common they are
    vectors = np.zeros((len(terms), size), np.float32)
    for start in range(0, len(rows), CHUNK):
        block = rows[start : start + CHUNK]
        vectors[block] = _dense(starts, columns, weights, block, count) @ basis
    norms = np.linalg.norm(vectors, axis=1)
    lengths = np.diff(starts) / (np.diff(starts) + FEW_TERMS)
    return (vectors * np.where(norms > 1e-6, lengths / np.maximum(norms, 1e-6), 0)[:, None]).astype(np.float32)


def _tf_idf(terms: Sequence[Mapping[str, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return the TF-IDF of the MAX_TERMS terms that weigh most, as rows of length 1 in CSR form (starts, columns,
    weights), and the number of columns."""
    numbers: dict[str, int] = {}
    entries = [(numbers.setdefault(term, len(numbers)), times) for movie in terms for term, times in movie.items()]
    columns = np.array([column for column, _ in entries], np.int64)
    weights = 1 + np.log(np.array([times for _, times in entries], np.float64))
    rows = np.repeat(np.arange(len(terms)), [len(movie) for movie in terms])
    described = sum(1 for movie in terms if movie)
    bearers = np.bincount(columns, minlength=len(numbers))
    idf = np.log((described + 1) / (bearers + 1))
    idf[(bearers < MIN_BEARERS) | (bearers > max(MAX_SHARE * described, MIN_BEARERS + 1))] = 0
    weights = _unit_rows(rows, weights * idf[columns], len(terms))
    total = np.bincount(columns, weights**2, minlength=len(numbers))
    best = np.sort(np.argsort(-total, kind="stable")[: min(MAX_TERMS, int(np.count_nonzero(total)))])
    place = np.full(len(numbers), -1)
    place[best] = np.arange(len(best))
    keep = place[columns] >= 0
    rows, columns = rows[keep], place[columns[keep]]
    starts = np.searchsorted(rows, np.arange(len(terms) + 1))
    return starts, columns, _unit_rows(rows, weights[keep], len(terms)), len(best)


def _unit_rows(rows: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Return the weights with each row's over its length."""
    return weights / np.maximum(np.sqrt(np.bincount(rows, weights**2, minlength=count))[rows], 1e-12)


def _dense(starts: np.ndarray, columns: np.ndarray, weights: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return some rows as float32 [rows, count]."""
    dense = np.zeros((len(rows), count), np.float32)
    for number, row in enumerate(rows.tolist()):
        own = slice(int(starts[row]), int(starts[row + 1]))
        dense[number, columns[own]] = weights[own]
    return dense
