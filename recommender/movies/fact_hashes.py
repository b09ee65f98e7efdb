"""A number for each movie that changes with what `similar` goes by: stored neighbours hold while it stays the same."""

import zlib
from collections.abc import Sequence

import numpy as np

from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import digests_of, version_of


def fact_hashes(snapshot: CatalogueSnapshot) -> np.ndarray:
    """Return the numbers, uint64 [movies]: other ones for another title, year, cast, text and the like, and for a movie
    that is published or taken back."""
    return snapshot.cached_array("fact hashes", version_of(snapshot), lambda snapshot, _: _hash_facts(snapshot))


def _hash_facts(snapshot: CatalogueSnapshot) -> np.ndarray:
    table = snapshot.table
    people = table.person_ids[table.credit_person].astype(np.uint64) * np.uint64(256) + table.credit_role.astype(
        np.uint64
    )
    columns = [
        table.published,
        table.year,
        table.runtime,
        _text_numbers(table.certificates)[table.certificate],
        table.age,
        _text_numbers(table.languages)[table.language],
        _text_numbers(table.titles),
        _set_sums(table.genre_start, _text_numbers(table.genre_names)[table.genre_of]),
        _set_sums(table.credit_start, people),
    ]
    if table.country_start is not None:
        columns.append(_set_sums(table.country_start, _text_numbers(table.country_names)[table.country_of]))
    if (digests := digests_of(snapshot)) is not None:
        columns.append(digests)
    hashes = np.zeros(len(table.ids), np.uint64)
    for number, column in enumerate(columns):
        hashes = _mix(hashes + column.astype(np.uint64) + np.uint64(number))
    return hashes


def _text_numbers(texts: Sequence[str]) -> np.ndarray:
    return np.array([zlib.crc32(text.encode()) for text in texts], np.uint64)


def _set_sums(starts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return a number for the set of each movie's entries, whatever their order."""
    running = np.zeros(len(numbers) + 1, np.uint64)
    np.cumsum(_mix(numbers.astype(np.uint64)), out=running[1:])
    return running[starts[1:]] - running[starts[:-1]]


def _mix(numbers: np.ndarray) -> np.ndarray:
    """Return well-spread numbers (the finaliser of SplitMix64), uint64, which wrap around."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))
