"""Generate files in IMDb's format: all titles are films with enough votes, names and titles of made-up words."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

PEOPLE_PER_TITLE = 1.5
PRINCIPALS = 10  # of a title, on average; IMDb lists up to about twenty
AKAS = 4  # of a title, on average
CHUNK = 100_000  # titles
GENRES = ("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Horror", "Romance", "Sci-Fi")
REGIONS = ("DE", "FR", "JP", "US", "BR", "PL", "XWW", "CA")
CATEGORIES = ("actor", "actress", "actor", "actress", "director", "writer", "producer", "composer")


def write_synthetic_imdb(folder: Path, titles: int, seed: int = 1) -> Path:
    """Write all six files for so many titles; returns the folder."""
    random = np.random.default_rng(seed)
    people = max(1, int(titles * PEOPLE_PER_TITLE))
    words = _words(random)
    chunks = [np.arange(first, min(first + CHUNK, titles + 1)) for first in range(1, titles + 1, CHUNK)]
    _write(folder / "title.basics.tsv.gz", (_basics(random, ids, words) for ids in chunks))
    _write(folder / "title.ratings.tsv.gz", (_ratings(random, ids) for ids in chunks))
    _write(folder / "title.crew.tsv.gz", (_crew(random, ids, people) for ids in chunks))
    _write(folder / "title.principals.tsv.gz", (_principals(random, ids, people) for ids in chunks))
    _write(folder / "title.akas.tsv.gz", (_akas(random, ids, words) for ids in chunks))
    _write(
        folder / "name.basics.tsv.gz",
        (
            _names(random, np.arange(first, min(first + CHUNK, people + 1)), words)
            for first in range(1, people + 1, CHUNK)
        ),
    )
    return folder


def _write(file: Path, frames: Iterator[pl.DataFrame]) -> None:
    with gzip.open(file, "wb", compresslevel=1) as out:
        for number, frame in enumerate(frames):
            text = frame.write_csv(separator="\t", quote_style="never", null_value="\\N", include_header=number == 0)
            out.write(text.encode())


def _words(random: np.random.Generator) -> np.ndarray:
    syllables = [c + v for c in "bcdfghjklmnprstvwz" for v in ("a", "e", "i", "o", "u", "an", "er", "in")]
    return np.array(["".join(random.choice(syllables, n)).title() for n in random.integers(2, 4, 40_000)])


def _phrases(random: np.random.Generator, words: np.ndarray, count: int, most: int) -> pl.Series:
    """Return texts of two to `most` words; some words are far commoner than others."""
    place = np.minimum(random.exponential(len(words) / 8, (count, most)).astype(int), len(words) - 1)
    length = random.integers(2, most + 1, count)
    columns = [pl.Series(str(n), np.where(n < length, words[place[:, n]], "")) for n in range(most)]
    return pl.DataFrame(columns).select(pl.concat_str(pl.all(), separator=" ").str.strip_chars_end()).to_series()


def _tconst(ids: np.ndarray) -> pl.Series:
    return pl.select("tt" + pl.lit(pl.Series(ids)).cast(pl.String).str.zfill(7)).to_series()


def _nconst(ids: np.ndarray) -> pl.Series:
    return pl.select("nm" + pl.lit(pl.Series(ids)).cast(pl.String).str.zfill(7)).to_series()


def _people(random: np.random.Generator, count: int, people: int) -> np.ndarray:
    """Return people, a few of whom are in many films."""
    return (people * random.random(count) ** 3).astype(np.int64) + 1


def _basics(random: np.random.Generator, ids: np.ndarray, words: np.ndarray) -> pl.DataFrame:
    titles = _phrases(random, words, len(ids), 5)
    genres = np.array(GENRES)[random.integers(0, len(GENRES), (len(ids), 2))]
    return pl.DataFrame(
        {
            "tconst": _tconst(ids),
            "titleType": "movie",
            "primaryTitle": titles,
            "originalTitle": titles,
            "isAdult": 0,
            "startYear": random.integers(1920, 2026, len(ids)),
            "endYear": pl.Series([None] * len(ids), dtype=pl.String),
            "runtimeMinutes": random.integers(60, 200, len(ids)),
            "genres": pl.Series(genres[:, 0]) + "," + pl.Series(genres[:, 1]),
        }
    )


def _ratings(random: np.random.Generator, ids: np.ndarray) -> pl.DataFrame:
    votes = 100 + random.exponential(3_000, len(ids)).astype(int)
    return pl.DataFrame({"tconst": _tconst(ids), "averageRating": 6.1, "numVotes": votes})


def _crew(random: np.random.Generator, ids: np.ndarray, people: int) -> pl.DataFrame:
    directors = _nconst(_people(random, len(ids), people))
    return pl.DataFrame({"tconst": _tconst(ids), "directors": directors, "writers": directors})


def _principals(random: np.random.Generator, ids: np.ndarray, people: int) -> pl.DataFrame:
    counts = random.integers(1, 2 * PRINCIPALS, len(ids))
    rows = int(counts.sum())
    ordering = np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return pl.DataFrame(
        {
            "tconst": _tconst(np.repeat(ids, counts)),
            "ordering": ordering,
            "nconst": _nconst(_people(random, rows, people)),
            "category": np.array(CATEGORIES)[random.integers(0, len(CATEGORIES), rows)],
            "job": pl.Series([None] * rows, dtype=pl.String),
            "characters": '["Somebody in it"]',
        }
    )


def _akas(random: np.random.Generator, ids: np.ndarray, words: np.ndarray) -> pl.DataFrame:
    counts = random.integers(1, 2 * AKAS, len(ids))
    rows = int(counts.sum())
    return pl.DataFrame(
        {
            "titleId": _tconst(np.repeat(ids, counts)),
            "ordering": np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts) + 1,
            "title": _phrases(random, words, rows, 4),
            "region": np.array(REGIONS)[random.integers(0, len(REGIONS), rows)],
            "language": pl.Series([None] * rows, dtype=pl.String),
            "types": "imdbDisplay",
            "attributes": pl.Series([None] * rows, dtype=pl.String),
            "isOriginalTitle": 0,
        }
    )


def _names(random: np.random.Generator, ids: np.ndarray, words: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "nconst": _nconst(ids),
            "primaryName": _phrases(random, words, len(ids), 2),
            "birthYear": 1970,
            "deathYear": pl.Series([None] * len(ids), dtype=pl.String),
            "primaryProfession": "actor,producer",
            "knownForTitles": "tt0000001,tt0000002",
        }
    )
