"""The demo as a data set: viewers that do not exist watch films that do, over the last three years."""

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
    """The films of films.csv and `viewers` simulated viewers, with ids above DEMO_BASE. Equal arguments, equal data.

    `now`: unix seconds; the last moment at which anything happens. None: the clock's.
    """
    now = int(time.time()) if now is None else now
    rng = np.random.default_rng(seed)
    films = read_movies()
    liked = draw_tastes(films, viewers, rng)
    happened = simulate_events(films, liked, simulate_watches(films, liked, rng), now, rng)
    return Dataset(
        name="demo",
        movies=movie_table(films, added_at=now - SPAN),
        genres=genre_table(films),
        credits=credit_table(films),
        viewers=to_frame([(DEMO_ID_BASE + number, f"Simulated {number}") for number in range(1, viewers + 1)], VIEWERS),
        events=[happened],
        expected_events=happened.height,
        is_demo=True,
        notes=("The films are real; the viewers, and what they watched and thought of it, are simulated.",),
    )
