"""A small MovieLens folder whose order can be learned: movies come in pairs, viewers keep to one of two genres."""

from pathlib import Path

import numpy as np
import polars as pl

MOVIES, VIEWERS, LENGTH = 60, 90, 24
GENRES = ("Drama", "Comedy|Romance")


def write_movielens_pairs(folder: Path, seed: int = 1) -> Path:
    """Write ratings of `VIEWERS` viewers, `LENGTH` each: pairs in random order, a minute apart, a day between pairs."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    ids = range(1, MOVIES + 1)
    titles = [f"Film {movie} ({1980 + movie % 30})" for movie in ids]
    kinds = [GENRES[movie > MOVIES // 2] for movie in ids]
    pl.DataFrame({"movieId": list(ids), "title": titles, "genres": kinds}).write_csv(folder / "movies.csv")
    rows = []
    for viewer in range(1, VIEWERS + 1):
        first = viewer % 2 * MOVIES // 2 + 2 * rng.permutation(MOVIES // 4)[: LENGTH // 2] + 1
        start = 1_000_000_000 + 500_000 * viewer
        for visit, movie in enumerate(first.tolist()):
            rows += [(viewer, movie + later, start + 86_400 * visit + 60 * later) for later in (0, 1)]
    viewers, movies, times = zip(*rows, strict=True)
    stars = rng.integers(1, 11, len(rows)) / 2
    ratings = {"userId": viewers, "movieId": movies, "rating": stars, "timestamp": times}
    pl.DataFrame(ratings).write_csv(folder / "ratings.csv", float_precision=1)
    return folder
