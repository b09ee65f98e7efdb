"""The neighbours of every film, as a file of the model folder.

A list is read from the file when it is asked for, so that no process holds the table: the system's file cache does,
once for all.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

NEIGHBOURS_FILE = "neighbours.safetensors"
SIMILARITY_STEPS = 10_000  # a similarity is stored with the four digits that answers have
_TYPES = {"I32": np.int32, "I64": np.int64, "U64": np.uint64, "U16": np.uint16, "F16": np.float16}


class NeighbourLists(NamedTuple):
    """The neighbours of every film of a catalogue, in the order of its ids. The file has the fields by name."""

    movie_ids: np.ndarray  # int32 [N], ascending
    facts: np.ndarray  # uint64 [N]: a number that changes with what is known of a film
    neighbours: (
        np.ndarray
    )  # place_type(N) [N, K]: places in movie_ids, the most similar first; N where there are no more
    similarities: np.ndarray  # uint16 [N, K], 0..SIMILARITY_STEPS
    liked_starts: np.ndarray  # int64 [N + 1]: the films that the same people liked, in CSR form
    liked: np.ndarray  # place_type(N) [n]: places in movie_ids
    lifts: np.ndarray  # float16 [n]: how much more often than expected, as in co_liking.py


def place_type(count: int) -> type[np.uint16 | np.int32]:
    """Return the smallest type of places among so many films."""
    return np.uint16 if count <= np.iinfo(np.uint16).max else np.int32


class NeighbourTable:
    """Reads lists of a file of `NeighbourLists`. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError, and ValueError or KeyError where it does not match its header.

        The layout is https://github.com/huggingface/safetensors#format: the header's length in 8 bytes, little end
        first, the header in JSON, the arrays.
        """
        self._file = path.open("rb")
        length = int.from_bytes(self._file.read(8), "little")
        self._fields = json.loads(self._file.read(length))
        self._begin = 8 + length
        self.movie_ids, self.facts, self._liked_starts = (
            self._read(name, 0, self._fields[name]["shape"][0]) for name in ("movie_ids", "facts", "liked_starts")
        )
        count, self.length = self._fields["neighbours"]["shape"]
        if self._fields["similarities"]["shape"] != [count, self.length] or not (
            count == len(self.movie_ids) == len(self.facts) == len(self._liked_starts) - 1
        ):
            raise ValueError(f"the columns of {path} are not of one length")

    def neighbours(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the films most similar to the one at `place`, int64 [n], and their similarities,
        float32 [n], 0..1. Raises OSError."""
        first, stop = place * self.length, (place + 1) * self.length
        places = self._read("neighbours", first, stop).astype(np.int64)
        similarities = self._read("similarities", first, stop) / np.float32(SIMILARITY_STEPS)
        known = places < len(self.movie_ids)
        return places[known], similarities[known]

    def liked(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the films that those like who like the one at `place`, int64 [n], and by how much more
        often than expected, float32 [n]. Raises OSError."""
        first, stop = self._liked_starts[place : place + 2].tolist()
        return self._read("liked", first, stop).astype(np.int64), self._read("lifts", first, stop).astype(np.float32)

    def _read(self, name: str, first: int, stop: int) -> np.ndarray:
        """Return the entries `first` to `stop` - 1 of a field."""
        dtype = np.dtype(_TYPES[self._fields[name]["dtype"]])
        at = self._begin + int(self._fields[name]["data_offsets"][0]) + first * dtype.itemsize
        wanted = (stop - first) * dtype.itemsize
        data = os.pread(self._file.fileno(), wanted, at)
        if len(data) != wanted:
            raise OSError(f"{self._file.name} ends too early")
        return np.frombuffer(data, dtype)
