"""The demo as a data set: simulated viewers watch real movies, over the last three years."""

import time

import numpy as np

from catalog.dataset import VIEWERS, Dataset, to_frame
from catalog.demo.events import SPAN, simulate_events
from catalog.demo.movies import credit_table, genre_table, movie_table, read_movies
from catalog.demo.tastes import draw_tastes
from catalog.demo.watching import simulate_watches
from catalog.limits import DEMO_ID_BASE

VIEWER_COUNT, SEED = 3000, 7


def simulate_demo(viewers: int = VIEWER_COUNT, seed: int = SEED, now: int | None = None) -> Dataset:
    """Make a data set of the movies in films.csv and `viewers` simulated viewers, with ids above DEMO_ID_BASE.

    Equal arguments give equal data. `now`: unix seconds, after which nothing happens; None: the clock's.
    """
    now = int(time.time()) if now is None else now
    rng = np.random.default_rng(seed)
    movies = read_movies()
    tastes = draw_tastes(movies, viewers, rng)
    events = simulate_events(movies, tastes, simulate_watches(movies, tastes, rng), now, rng)
    return Dataset(
        name="demo",
        movies=movie_table(movies, added_at=now - SPAN),
        genres=genre_table(movies),
        credits=credit_table(movies),
        viewers=to_frame([(DEMO_ID_BASE + number, f"Simulated {number}") for number in range(1, viewers + 1)], VIEWERS),
        events=[events],
        expected_events=events.height,
        is_demo=True,
        notes=("The films are real; the viewers, and what they watched and thought of it, are simulated.",),
    )
