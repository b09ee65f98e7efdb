"""Which films the simulated viewers watch, one after the other, and in which sessions."""

from typing import NamedTuple

import numpy as np

from catalog.demo.movies import DemoMovies
from catalog.demo.tastes import Tastes

MIN_WATCHES, MAX_WATCHES = 15, 120  # films watched by one viewer
SESSION_SIZES = (0.40, 0.30, 0.17, 0.09, 0.04)  # how often an evening or a weekend has 1, 2, ... films
FAME = 0.9  # films one step more famous are chosen e^0.9 times as often
TALK = 0.6  # deviation of what else makes a film popular, likewise an exponent
LIKING = 0.7  # films that suit one deviation better are chosen e^0.7 times as often
OUT_OF_ORDER = 0.03  # how readily a sequel is watched before the part that comes before it
OFF_THREAD = 1e-9  # weight of the films that do not continue the thread: chosen when all that do are seen

# How likely the next film continues a thread; else the mood of the session decides.
SEQUEL, SEQUEL_LATER = 0.75, 0.45  # right after the part before it; after other films or another day
SERIES_DROPPED = 0.15  # at every film that is no part of it
DIRECTOR, DIRECTOR_RUN, DIRECTOR_ANOTHER_DAY = 0.40, 0.60, 0.12  # run: the last two share a director
ACTOR, ACTOR_ANOTHER_DAY = 0.15, 0.05
ALIKE, ALIKE_ANOTHER_DAY = 0.60, 0.30  # of the same kind and time: genres in common, years apart
ALIKE_YEARS = 8
FORWARD, FORWARD_YEARS = 10, 6  # a later film by the same director: up to 10 + 1 times as likely, less with the gap
SAME_MOOD = 0.4


class Watches(NamedTuple):
    """Row v: the films of viewer v in order."""

    movies: np.ndarray  # int [V, L], rows of Films; -1 behind a viewer's last
    opens: np.ndarray  # bool [V, L]: the film opens a session


def simulate_watches(films: DemoMovies, tastes: Tastes, rng: np.random.Generator) -> Watches:
    lengths = np.clip(rng.lognormal(np.log(24), 0.6, len(tastes.match)), MIN_WATCHES, MAX_WATCHES).astype(int)
    opens = _session_starts(len(lengths), lengths.max(), rng)
    chosen = np.full(opens.shape, -1)
    audience = _Simulation(films, tastes, rng)
    for place in range(opens.shape[1]):
        there = np.flatnonzero(lengths > place)
        chosen[there, place] = audience.next(there, opens[there, place], first=place == 0)
    return Watches(chosen, opens & (chosen >= 0))


def _session_starts(viewers: int, places: int, rng: np.random.Generator) -> np.ndarray:
    sizes = rng.choice(np.arange(1, 1 + len(SESSION_SIZES)), p=SESSION_SIZES, size=(viewers, places))
    begins = np.cumsum(sizes, axis=1) - sizes
    starts = np.zeros((viewers, places), bool)
    viewer, session = np.nonzero(begins < places)
    starts[viewer, begins[viewer, session]] = True
    return starts


class _TransitionWeights:
    """What may lead from one film to the next: one row of weights for each film and way, and for each mood."""

    def __init__(self, films: DemoMovies) -> None:
        count = len(films)
        sequels = np.zeros((count, count), np.float32)
        begun = np.flatnonzero(films.next_part >= 0)
        sequels[begun, films.next_part[begun]] = 1
        self.same_director = films.directors @ films.directors.T > 0
        # Whoever explores a director mostly goes on in the order of the years, film by film.
        years = films.column("year").astype(np.float32)
        later = years - years[:, None]
        forward = np.where(later > 0, FORWARD * np.exp(-later / FORWARD_YEARS), 0) + 1
        shares = films.genres / np.linalg.norm(films.genres, axis=1, keepdims=True)
        alike = (shares @ shares.T) ** 3 * np.exp(-np.abs(later) / ALIKE_YEARS)
        ways = [sequels, self.same_director * forward, films.actors @ films.actors.T, alike, films.genres.T]
        self.weights = np.concatenate(ways, dtype=np.float32) + np.float32(OFF_THREAD)  # [4 N + G, N]
        self.sequel, self.director, self.actor, self.alike, self.mood = range(0, 5 * count, count)  # first rows
        together = films.genres.T @ films.genres
        np.fill_diagonal(together, 0)
        together *= (1 - SAME_MOOD) / together.sum(1, keepdims=True)
        np.fill_diagonal(together, SAME_MOOD)
        # From each mood to each; the row behind the last is for those who come without one.
        self.drift = np.vstack([together, np.ones(len(together))]) + 1e-4


class _Simulation:
    """All viewers' next films at once."""

    def __init__(self, films: DemoMovies, tastes: Tastes, rng: np.random.Generator) -> None:
        self.rng, self.next_part, self.threads, self.liked = (
            rng,
            films.next_part,
            _TransitionWeights(films),
            tastes.genres,
        )
        # [V, N]: taste and fame; nothing for what is seen, little for what comes later in a series
        popularity = FAME * films.column("fame") + rng.normal(0, TALK, len(films))
        self.weights = np.exp(LIKING * tastes.match + popularity.astype(np.float32))
        self.weights[:, self.next_part[self.next_part >= 0]] *= OUT_OF_ORDER
        viewers = len(tastes.match)
        self.mood = np.full(viewers, films.genres.shape[1])
        self.last = np.zeros(viewers, int)
        self.begun = np.full(viewers, -1)  # the latest film that has a next part, until that is seen
        self.run = np.zeros(viewers, bool)  # the last two films share a director

    def next(self, viewers: np.ndarray, opens: np.ndarray, *, first: bool) -> np.ndarray:
        """One more film for each of `viewers`. `opens` [len(viewers)]: it opens a session."""
        self._change_mood(viewers[opens])
        rows = self.threads.mood + self.mood[viewers] if first else self._rows(viewers, opens)
        films = self._draw(self.weights[viewers] * self.threads.weights[rows])
        self._remember(viewers, films)
        return films

    def _change_mood(self, viewers: np.ndarray) -> None:
        odds = np.log(self.threads.drift[self.mood[viewers]]) + self.liked[viewers]
        self.mood[viewers] = np.argmax(odds + self.rng.gumbel(size=odds.shape), axis=1)

    def _rows(self, viewers: np.ndarray, opens: np.ndarray) -> np.ndarray:
        """Which thread each viewer follows: rows of `_Threads.weights`."""
        last, begun = self.last[viewers], self.begun[viewers]
        sequel = np.where((begun == last) & ~opens, SEQUEL, SEQUEL_LATER) * (begun >= 0)
        director = np.where(opens, DIRECTOR_ANOTHER_DAY, np.where(self.run[viewers], DIRECTOR_RUN, DIRECTOR))
        actor = np.where(opens, ACTOR_ANOTHER_DAY, ACTOR)
        alike = np.where(opens, ALIKE_ANOTHER_DAY, ALIKE)
        ways = self.rng.random((4, len(viewers))) < [sequel, director, actor, alike]
        threads = self.threads
        rows = [threads.sequel + begun, threads.director + last, threads.actor + last, threads.alike + last]
        return np.select(list(ways), rows, threads.mood + self.mood[viewers])

    def _draw(self, weights: np.ndarray) -> np.ndarray:
        """One column of each row [B, N], in proportion to the weights."""
        sums = np.cumsum(weights, axis=1)
        total = sums[:, -1]
        mark = self.rng.random(len(total), np.float32) * total
        # Rounding must not lift the mark to the total itself, which is behind every column.
        return (sums <= np.minimum(mark, np.nextafter(total, np.float32(0)))[:, None]).sum(1)

    def _remember(self, viewers: np.ndarray, films: np.ndarray) -> None:
        """A sequel stays unlikely even when its turn has come, but for those who are in the series."""
        self.run[viewers] = self.threads.same_director[self.last[viewers], films]
        self.last[viewers] = films
        self.weights[viewers, films] = 0
        following = self.next_part[films]
        self.begun[viewers[following >= 0]] = films[following >= 0]
        begun = self.begun[viewers]
        seen = self.weights[viewers, self.next_part[begun]] == 0
        dropped = (begun != films) & (self.rng.random(len(films)) < SERIES_DROPPED)
        self.begun[viewers[seen | dropped]] = -1
