"""Where a film is shown now: charts, the lists of viewers, and the rules that move it."""

import time
from typing import NamedTuple

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions
from recommender.serving.candidates import charts
from recommender.serving.request import CHART_NAMES


class Placement(NamedTuple):
    is_available: bool  # published and inside its window
    chart_positions: dict[
        str, int | None
    ]  # chart -> place from 1 among the films that can be watched now; None: not on it
    rules: list[MerchandisingRule]  # that are of this film and in force, each on some list


def find_placement(movie_id: int) -> Placement:
    look, now = current_versions.read_versions(None), int(time.time())
    films = current_snapshot(look.versions.catalogue or 0)
    [row] = films.table.rows_of(np.array([movie_id])).tolist()
    open_now = films.availability(now).available
    places: dict[str, int | None] = {}
    for name in CHART_NAMES:
        rows = charts.rank_chart(name, films, look.versions.epoch or 0).rows
        found = np.flatnonzero(rows[open_now[rows]] == row)
        places[name] = int(found[0]) + 1 if len(found) else None
    rules = [
        one
        for one in films.table.merchandising_rules
        if one.starts_at <= now < one.ends_at and movie_id in one.movie_ids
    ]
    return Placement(row >= 0 and bool(open_now[row]), places, rules)
