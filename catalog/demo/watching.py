"""The movies that simulated viewers watch, one after the other, and their sessions."""

from typing import NamedTuple

import numpy as np

from catalog.demo.movies import DemoMovies
from catalog.demo.tastes import Tastes

MIN_WATCHES, MAX_WATCHES = 15, 120  # movies watched by one viewer
SESSION_SIZES = (0.40, 0.30, 0.17, 0.09, 0.04)  # how often an evening or a weekend has 1, 2, ... movies
FAME = 0.9  # movies one step more famous are chosen e^0.9 times as often
TALK = 0.6  # deviation of what else makes a movie popular, likewise an exponent
LIKING = 0.7  # movies that suit one deviation better are chosen e^0.7 times as often
OUT_OF_ORDER = 0.03  # how readily a sequel is watched before the part that comes before it
OFF_THREAD = 1e-9  # weight of the movies that do not continue the thread: chosen when all that do are seen

# How likely the next movie continues a thread; else the mood of the session decides.
SEQUEL, SEQUEL_LATER = 0.75, 0.45  # right after the part before it; after other movies or another day
SERIES_DROPPED = 0.15  # at every movie that is no part of it
DIRECTOR, DIRECTOR_RUN, DIRECTOR_ANOTHER_DAY = 0.40, 0.60, 0.12  # run: the last two share a director
ACTOR, ACTOR_ANOTHER_DAY = 0.15, 0.05
ALIKE, ALIKE_ANOTHER_DAY = 0.60, 0.30  # of the same kind and time: genres in common, years apart
ALIKE_YEARS = 8
FORWARD, FORWARD_YEARS = 10, 6  # a later movie by the same director: up to 10 + 1 times as likely, less with the gap
SAME_MOOD = 0.4


class Watches(NamedTuple):
    """The movies of V viewers in order; row v is viewer v."""

    movies: np.ndarray  # int [V, L], rows of DemoMovies; -1 behind a viewer's last
    opens: np.ndarray  # bool [V, L]: the movie opens a session


def simulate_watches(movies: DemoMovies, tastes: Tastes, rng: np.random.Generator) -> Watches:
    """Simulate what every viewer watches, position by position for all viewers at once."""
    lengths = np.clip(rng.lognormal(np.log(24), 0.6, len(tastes.match)), MIN_WATCHES, MAX_WATCHES).astype(int)
    opens = _session_starts(len(lengths), lengths.max(), rng)
    chosen = np.full(opens.shape, -1)
    simulation = _Simulation(movies, tastes, rng)
    for position in range(opens.shape[1]):
        watching = np.flatnonzero(lengths > position)
        chosen[watching, position] = simulation.next(watching, opens[watching, position], first=position == 0)
    return Watches(chosen, opens & (chosen >= 0))


def _session_starts(viewers: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return bool [viewers, length]: whether a session starts at each position."""
    sizes = rng.choice(np.arange(1, 1 + len(SESSION_SIZES)), p=SESSION_SIZES, size=(viewers, length))
    begins = np.cumsum(sizes, axis=1) - sizes
    starts = np.zeros((viewers, length), bool)
    viewer, session = np.nonzero(begins < length)
    starts[viewer, begins[viewer, session]] = True
    return starts


class _TransitionWeights:
    """Weights of the next movie: a row for each movie and reason to go on from it, and for each mood."""

    def __init__(self, movies: DemoMovies) -> None:
        count = len(movies)
        sequels = np.zeros((count, count), np.float32)
        begun = np.flatnonzero(movies.next_part >= 0)
        sequels[begun, movies.next_part[begun]] = 1
        self.same_director = movies.directors @ movies.directors.T > 0
        # A viewer who explores a director mostly goes on in the order of the years, movie by movie.
        years = movies.column("year").astype(np.float32)
        later = years - years[:, None]
        forward = np.where(later > 0, FORWARD * np.exp(-later / FORWARD_YEARS), 0) + 1
        shares = movies.genres / np.linalg.norm(movies.genres, axis=1, keepdims=True)
        alike = (shares @ shares.T) ** 3 * np.exp(-np.abs(later) / ALIKE_YEARS)
        reasons = [sequels, self.same_director * forward, movies.actors @ movies.actors.T, alike, movies.genres.T]
        self.weights = np.concatenate(reasons, dtype=np.float32) + np.float32(OFF_THREAD)  # [4 N + G, N]
        self.sequel, self.director, self.actor, self.alike, self.mood = range(0, 5 * count, count)  # first rows
        genre_pairs = movies.genres.T @ movies.genres
        np.fill_diagonal(genre_pairs, 0)
        genre_pairs *= (1 - SAME_MOOD) / genre_pairs.sum(1, keepdims=True)
        np.fill_diagonal(genre_pairs, SAME_MOOD)
        # From each mood to each; the row after the last is for viewers without a mood.
        self.drift = np.vstack([genre_pairs, np.ones(len(genre_pairs))]) + 1e-4


class _Simulation:
    """The state of all viewers, which chooses their next movies at once."""

    def __init__(self, movies: DemoMovies, tastes: Tastes, rng: np.random.Generator) -> None:
        self.rng, self.next_part, self.transitions, self.liked = (
            rng,
            movies.next_part,
            _TransitionWeights(movies),
            tastes.genres,
        )
        # [V, N]: taste and fame; nothing for what is seen, little for what comes later in a series
        popularity = FAME * movies.column("fame") + rng.normal(0, TALK, len(movies))
        self.weights = np.exp(LIKING * tastes.match + popularity.astype(np.float32))
        self.weights[:, self.next_part[self.next_part >= 0]] *= OUT_OF_ORDER
        viewers = len(tastes.match)
        self.mood = np.full(viewers, movies.genres.shape[1])
        self.last = np.zeros(viewers, int)
        self.begun = np.full(viewers, -1)  # the latest movie that has a next part, until that is seen
        self.run = np.zeros(viewers, bool)  # the last two movies share a director

    def next(self, viewers: np.ndarray, opens: np.ndarray, *, first: bool) -> np.ndarray:
        """Choose one more movie for each of `viewers`. `opens` [len(viewers)]: it opens a session."""
        new_mood = viewers[opens]
        odds = np.log(self.transitions.drift[self.mood[new_mood]]) + self.liked[new_mood]
        self.mood[new_mood] = np.argmax(odds + self.rng.gumbel(size=odds.shape), axis=1)
        rows = self.transitions.mood + self.mood[viewers] if first else self._rows(viewers, opens)
        movies = self._draw(self.weights[viewers] * self.transitions.weights[rows])
        self._remember(viewers, movies)
        return movies

    def _rows(self, viewers: np.ndarray, opens: np.ndarray) -> np.ndarray:
        """Choose the row of `_TransitionWeights.weights` that each viewer goes on by."""
        last, begun = self.last[viewers], self.begun[viewers]
        sequel = np.where((begun == last) & ~opens, SEQUEL, SEQUEL_LATER) * (begun >= 0)
        director = np.where(opens, DIRECTOR_ANOTHER_DAY, np.where(self.run[viewers], DIRECTOR_RUN, DIRECTOR))
        actor = np.where(opens, ACTOR_ANOTHER_DAY, ACTOR)
        alike = np.where(opens, ALIKE_ANOTHER_DAY, ALIKE)
        chosen = self.rng.random((4, len(viewers))) < [sequel, director, actor, alike]
        transitions = self.transitions
        rows = [
            transitions.sequel + begun,
            transitions.director + last,
            transitions.actor + last,
            transitions.alike + last,
        ]
        return np.select(list(chosen), rows, transitions.mood + self.mood[viewers])

    def _draw(self, weights: np.ndarray) -> np.ndarray:
        """Draw one column of each row [B, N], in proportion to the weights."""
        sums = np.cumsum(weights, axis=1)
        total = sums[:, -1]
        mark = self.rng.random(len(total), np.float32) * total
        # Rounding must not lift the mark to the total itself, which is behind every column.
        return (sums <= np.minimum(mark, np.nextafter(total, np.float32(0)))[:, None]).sum(1)

    def _remember(self, viewers: np.ndarray, movies: np.ndarray) -> None:
        """Note the movies watched. A sequel stays unlikely, but for viewers who are in its series."""
        self.run[viewers] = self.transitions.same_director[self.last[viewers], movies]
        self.last[viewers] = movies
        self.weights[viewers, movies] = 0
        following = self.next_part[movies]
        self.begun[viewers[following >= 0]] = movies[following >= 0]
        begun = self.begun[viewers]
        seen = self.weights[viewers, self.next_part[begun]] == 0
        dropped = (begun != movies) & (self.rng.random(len(movies)) < SERIES_DROPPED)
        self.begun[viewers[seen | dropped]] = -1
