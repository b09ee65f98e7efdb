"""What the simulated viewers like: genres, directors, actors and years."""

from typing import NamedTuple

import numpy as np

from catalog.demo.movies import DemoMovies

FAVOURITE_GENRES, FAVOURITE_DIRECTORS, FAVOURITE_ACTORS = 3, 4, 5  # of each viewer
FILMOGRAPHY = 3  # movies that a favourite director or actor has at least


class Tastes(NamedTuple):
    """What V viewers like among G genres and N movies."""

    genres: np.ndarray  # float32 [V, G]: how much each viewer likes each genre; 0 is indifferent
    match: np.ndarray  # float32 [V, N]: how well each movie suits, mean 0 and deviation 1 over a viewer's movies


def draw_tastes(movies: DemoMovies, viewers: int, rng: np.random.Generator) -> Tastes:
    """Draw the tastes of `viewers` viewers."""
    genres = rng.normal(0, 0.35, (viewers, movies.genres.shape[1])).astype(np.float32)
    common = movies.genres.sum(0)
    genres += 1.6 * _favourites(np.broadcast_to(common**0.6, genres.shape), FAVOURITE_GENRES, rng)
    by_genre = genres @ (movies.genres / movies.genres.sum(1, keepdims=True)).T
    match = by_genre + _by_people(movies.directors, by_genre, FAVOURITE_DIRECTORS, rng)
    match += 0.7 * _by_people(movies.actors, by_genre, FAVOURITE_ACTORS, rng)
    # Everybody has an era; most are at home in the last thirty years.
    centre = (2018 - rng.gamma(1.6, 12, (viewers, 1))).astype(np.float32)
    match -= 0.5 * np.minimum(np.abs(movies.column("year") - centre) / 15, 3).astype(np.float32)
    match -= match.mean(1, keepdims=True)
    return Tastes(genres, match / match.std(1, keepdims=True))


def _by_people(credits: np.ndarray, by_genre: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return float32 [V, N]: 1 for the movies of a viewer's favourite people, who made several that may be liked."""
    credits = credits[:, credits.sum(0) >= FILMOGRAPHY]
    movies = credits.sum(0)  # [P]
    liking = np.exp(by_genre @ (credits / movies)) * movies
    return np.minimum(_favourites(liking, count, rng) @ credits.T, 1)


def _favourites(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw float32 [V, P]: 1 for `count` columns of each row, without replacement, in proportion to the weights."""
    keys = np.log(weights) + rng.gumbel(size=weights.shape)  # the largest of such keys are such a draw
    drawn = np.zeros(weights.shape, np.float32)
    np.put_along_axis(drawn, np.argpartition(keys, -count)[:, -count:], 1, axis=1)
    return drawn
