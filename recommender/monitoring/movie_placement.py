"""Find where a movie appears now: on charts, and under which merchandising rules."""

import time
from typing import NamedTuple

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.serving.candidates import charts
from recommender.serving.current_versions import read_versions
from recommender.serving.request import CHART_NAMES


class Placement(NamedTuple):
    """Hold where a movie appears now, and which movies count as one film with it."""

    is_available: bool  # published and inside its availability window
    chart_positions: dict[str, int | None]  # position from 1 among available movies; None: not on that chart
    rules: list[MerchandisingRule]  # active rules of this movie
    doubles: list[tuple[int, str]]  # id and title


def find_placement(movie_id: int) -> Placement:
    """Find where a movie appears now."""
    cache_read, now = read_versions(None), int(time.time())
    snapshot = cache_read.load_snapshot()
    [row] = snapshot.table.rows_of(np.array([movie_id])).tolist()
    available = snapshot.availability(now).available
    positions: dict[str, int | None] = {}
    for name in CHART_NAMES:
        rows = charts.rank_chart(name, snapshot, cache_read.epoch).rows
        matches = np.flatnonzero(rows[available[rows]] == row)
        positions[name] = int(matches[0]) + 1 if len(matches) else None
    rules = [
        rule
        for rule in snapshot.table.merchandising_rules
        if rule.starts_at <= now < rule.ends_at and movie_id in rule.movie_ids
    ]
    others = snapshot.doubles.other_rows(np.array([row])).tolist()
    doubles = [(int(snapshot.table.ids[other]), snapshot.table.titles[other]) for other in others]
    return Placement(row >= 0 and bool(available[row]), positions, rules, doubles)
