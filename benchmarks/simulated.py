"""A generated MovieLens set where none is given: the shape of ML-25M, never its quality."""

from pathlib import Path

import numpy as np
import polars as pl

MOVIES = 59_000
RATINGS_A_VIEWER = 154  # ML-25M's mean
GENRES = ("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi")


def write_simulated(folder: Path, ratings: int, seed: int = 1) -> Path:
    """Writes movies.csv and ratings.csv: long-tailed popularity, half stars, sorted as MovieLens sorts them."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    ids = np.arange(1, MOVIES + 1)
    pl.DataFrame(
        {
            "movieId": ids,
            "title": [f"Film {i}, The ({1920 + i % 100})" for i in ids],
            "genres": [f"{GENRES[i % 10]}|{GENRES[(i + 3) % 10]}" for i in ids],
        }
    ).write_csv(folder / "movies.csv")
    popularity = (ids + 12.0) ** -1.1
    movie = random.choice(random.permutation(ids), ratings, p=popularity / popularity.sum())
    user = random.integers(1, ratings // RATINGS_A_VIEWER + 2, ratings)
    joined = random.integers(789_652_009, 1_560_000_000, user.max() + 1)
    pl.DataFrame(
        {
            "userId": user,
            "movieId": movie,
            "rating": random.integers(1, 11, ratings) / 2,
            "timestamp": joined[user] + random.geometric(1e-5, ratings),
        }
    ).unique(["userId", "movieId"]).sort("userId", "movieId").write_csv(folder / "ratings.csv", float_precision=1)
    return folder
