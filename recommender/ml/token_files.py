"""Tokens of many viewers as one file a column, mapped into memory: pages of the disk's cache, which the system takes
back when it needs them, in place of memory of the process.

A mapping reads in any order, so that epochs are shuffled as those of tokens in memory are.
"""

import contextlib
import hashlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from recommender.ml.data import Tokens, data_hash

BLOCK_TOKENS = 1_000_000  # that are looked at at a time: bounds memory to some tens of MB
_DTYPES: dict[str, type[np.generic]] = {
    "indptr": np.int64,
    "items": np.int32,
    "times": np.int64,
    "stars": np.int8,
    "timed": np.bool_,
    "taste_indptr": np.int64,
    "taste_items": np.int32,
    "taste_weights": np.float32,
    "taste_seen": np.int64,
}


class TokenWriter:
    """Writes tokens part by part, each of other viewers."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, BinaryIO] = {name: (folder / f"{name}.bin").open("wb") for name in Tokens._fields}
        self._tokens, self._taste = 0, 0
        for name in ("indptr", "taste_indptr"):
            self._write(name, np.zeros(1))

    def append(self, tokens: Tokens) -> None:
        """Write tokens behind those before."""
        moved = tokens._replace(
            indptr=tokens.indptr[1:] + self._tokens,
            taste_indptr=tokens.taste_indptr[1:] + self._taste,
            taste_seen=tokens.taste_seen + self._taste,
        )
        for name, column in moved._asdict().items():
            self._write(name, column)
        self._tokens, self._taste = self._tokens + len(tokens.items), self._taste + len(tokens.taste_items)

    def close(self) -> None:
        """Wait until all of it is on the disk. Raises OSError."""
        for file in self._files.values():
            with file:
                file.flush()
                os.fsync(file.fileno())

    def _write(self, name: str, column: np.ndarray) -> None:
        self._files[name].write(np.ascontiguousarray(column, _DTYPES[name]).data)


@contextlib.contextmanager
def token_writer(folder: Path) -> Iterator[TokenWriter]:
    """Yield a writer into an empty folder, which is closed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = TokenWriter(folder)
    try:
        yield writer
    finally:
        writer.close()


class _Mapping(mmap.mmap):
    """A file that is mapped, and how much of files this process should hold in memory at most."""

    max_resident_bytes: float = float("inf")


def open_tokens(folder: Path, max_resident_bytes: float = float("inf")) -> Tokens:
    """Map the files of a folder. `max_resident_bytes`: of mapped files beyond those that the process holds already; see
    `release_pages`. Raises OSError where a file is missing."""
    limit = resident_file_bytes() + max_resident_bytes

    def column(name: str) -> np.ndarray:
        with (folder / f"{name}.bin").open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return np.empty(0, _DTYPES[name])
            mapping = _Mapping(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapping.max_resident_bytes = limit
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            # Else one look may map 2 MB. A kernel without huge pages refuses it.
            with contextlib.suppress(OSError):
                mapping.madvise(mmap.MADV_NOHUGEPAGE)
        return np.frombuffer(mapping, _DTYPES[name])

    return Tokens(*map(column, Tokens._fields))


def release_pages(tokens: Tokens) -> None:
    """Give the pages of mapped tokens back where this process holds more of files than they should: they are read
    again, out of the disk's cache, when they are next looked at. Does nothing for tokens in memory."""
    mappings = [base for base in map(_base_of, tokens) if isinstance(base, _Mapping)]
    if mappings and resident_file_bytes() > mappings[0].max_resident_bytes:
        for mapping in mappings:
            mapping.madvise(mmap.MADV_DONTNEED)


def _base_of(column: np.ndarray) -> object:
    base: object = column
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base


def resident_file_bytes() -> int:
    """Return how much of files this process holds in memory (Linux); 0 elsewhere."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[2]) * mmap.PAGESIZE
    except OSError:
        return 0


def hash_tokens(tokens: Tokens, *others: np.ndarray) -> str:
    """Return a SHA-256 over the films and times and over other arrays, in memory that does not grow with the tokens."""
    digest = hashlib.sha256()
    for rows in token_blocks(tokens):
        digest.update(np.ascontiguousarray(tokens.items[rows]).data)
        digest.update(np.ascontiguousarray(tokens.times[rows]).data)
    return data_hash(np.frombuffer(digest.digest(), np.uint8), *others)


def viewer_blocks(tokens: Tokens) -> Iterator[slice]:
    """Yield slices that cover all viewers, of up to BLOCK_TOKENS tokens each, or of one viewer."""
    start, viewers = 0, len(tokens.indptr) - 1
    while start < viewers:
        most = tokens.indptr[start] + BLOCK_TOKENS
        stop = max(start + 1, int(np.searchsorted(tokens.indptr, most, side="right")) - 1)
        yield slice(start, stop)
        release_pages(tokens)
        start = stop


def token_blocks(tokens: Tokens) -> Iterator[slice]:
    """Yield the rows of the tokens of `viewer_blocks`."""
    for viewers in viewer_blocks(tokens):
        yield slice(int(tokens.indptr[viewers.start]), int(tokens.indptr[viewers.stop]))
