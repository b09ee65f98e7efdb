"""Generate MovieLens-like data: the shape of ML-25M, random content."""

from pathlib import Path

import numpy as np
import polars as pl

from catalog import dataset

NUM_MOVIES = 59_000
RATINGS_PER_VIEWER = 154  # ML-25M's mean
GENRES = ("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi")


def write_synthetic_movielens(folder: Path, ratings: int, seed: int = 1, *, movies: int = NUM_MOVIES) -> Path:
    """Write movies.csv and ratings.csv with long-tailed popularity and half stars, sorted as MovieLens sorts them."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    ids = np.arange(1, movies + 1)
    pl.DataFrame(
        {
            "movieId": ids,
            "title": [f"Film {i}, The ({1920 + i % 100})" for i in ids],
            "genres": [f"{GENRES[i % 10]}|{GENRES[(i + 3) % 10]}" for i in ids],
        }
    ).write_csv(folder / "movies.csv")
    popularity = (ids + 12.0) ** -1.1
    movie_ids = random.choice(random.permutation(ids), ratings, p=popularity / popularity.sum())
    viewers = random.integers(1, ratings // RATINGS_PER_VIEWER + 2, ratings)
    join_times = random.integers(789_652_009, 1_560_000_000, viewers.max() + 1)
    pl.DataFrame(
        {
            "userId": viewers,
            "movieId": movie_ids,
            "rating": random.integers(1, 11, ratings) / 2,
            "timestamp": join_times[viewers] + random.geometric(1e-5, ratings),
        }
    ).unique(["userId", "movieId"]).sort("userId", "movieId").write_csv(folder / "ratings.csv", float_precision=1)
    return folder


def synthetic_catalogue(num_movies: int, seed: int = 1) -> dataset.Dataset:
    """Return a data set without events: titles of made-up words, some of them very common, and ten people per film."""
    random = np.random.default_rng(seed)
    syllables = [c + v for c in "bcdfghjklmnprstvwz" for v in ("a", "e", "i", "o", "u", "an", "er", "in")]
    vocabulary = np.array(sorted({"".join(random.choice(syllables, n)) for n in random.integers(2, 5, 30_000)}))
    vocabulary = np.append(["of", "in", "man", "love", "and"], random.permutation(vocabulary))
    share = 1 / (np.arange(len(vocabulary)) + 10.0)
    names = [" ".join(random.choice(vocabulary[5:], 2)).title() for _ in range(num_movies // 2)]
    lengths, ids = random.integers(1, 6, num_movies), np.arange(1, num_movies + 1)
    random_words = iter(random.choice(vocabulary, lengths.sum(), p=share / share.sum()).tolist())
    titles = [" ".join(next(random_words) for _ in range(length)).title() for length in lengths]
    titles = [f"The {title}" if n % 4 == 0 else title for n, title in enumerate(titles)]
    years = 1920 + ids % 100
    rows = [{"id": i, "title": title, "year": year} for i, title, year in zip(ids, titles, years, strict=True)]
    cast = random.integers(0, len(names), (num_movies, 10))
    return dataset.Dataset(
        name="made-up films",
        movies=dataset.to_frame(rows, dataset.MOVIES),
        genres=dataset.to_frame([(i, GENRES[(i + n) % 10]) for i in ids for n in (0, 3)], dataset.GENRES),
        events=(),
        expected_events=0,
        credits=dataset.to_frame(
            [
                (i, names[p], 1 if n == 0 else 2, n)
                for i, people in zip(ids, cast, strict=True)
                for n, p in enumerate(people)
            ],
            dataset.CREDITS,
        ),
    )
