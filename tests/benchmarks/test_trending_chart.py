"""Trending as a baseline: the very chart that a running system makes of the same events."""

import numpy as np
import polars as pl
import pytest
from django.core.management import call_command

from benchmarks.protocols import read_events, sort_events, to_histories
from benchmarks.quality.trending_chart import TrendingChart
from recommender import cache
from recommender.ml.data import tokenise
from recommender.ml.vocab import Vocab
from recommender.serving.candidates import charts
from tests.support.tiny_model import clear_caches

DAYS, FIRST_DAY = 60, 15_000


@pytest.fixture
def folder(tmp_path):
    """Forty viewers of thirty films; films 1 to 3 rise in the last days, one viewer watches too much to count in full,
    some rate a film a second time, and badly."""
    rng = np.random.default_rng(3)
    rows = []
    for viewer in range(1, 41):
        for day in np.sort(rng.choice(DAYS, 8, replace=False)).tolist():
            newest = day >= DAYS - 7 and viewer % 2
            movie = int(rng.integers(1, 4)) if newest else int(rng.integers(4, 31))
            rows.append((viewer, movie, rng.integers(2, 11) / 2, (FIRST_DAY + day) * 86_400 + viewer))
    rows += [(41, movie, 4.0, (FIRST_DAY + DAYS - 1) * 86_400 + movie) for movie in range(1, 31)]
    rows += [(viewer, 1, 1.0, (FIRST_DAY + DAYS - 1) * 86_400 + 9_000) for viewer in range(1, 6)]
    ratings = pl.DataFrame(rows, schema=["userId", "movieId", "rating", "timestamp"], orient="row")
    ratings = ratings.unique(["userId", "movieId", "timestamp"], maintain_order=True)
    ids = range(1, 31)
    movies = pl.DataFrame({"movieId": list(ids), "title": [f"Film {n} (2000)" for n in ids], "genres": ["Drama"] * 30})
    folder = tmp_path / "rising"
    folder.mkdir()
    movies.write_csv(folder / "movies.csv")
    ratings.write_csv(folder / "ratings.csv", float_precision=1)
    return folder


@pytest.mark.django_db
def test_the_baseline_is_the_chart_that_is_served(folder):
    call_command("import_movielens", str(folder), verbosity=0)
    clear_caches()
    charts.refresh()
    served = cache.read_chart("trending")
    events = sort_events(read_events(folder, None)[1])
    vocab = Vocab(np.arange(1, 31))
    scores = TrendingChart(tokenise(to_histories(events), vocab), 30).scores_on(FIRST_DAY + DAYS)
    trending = np.flatnonzero(scores > 1)
    assert 2 <= len(trending) < 30
    expected = np.argsort(-scores, kind="stable")[: len(trending)]
    assert served.movie_ids.tolist() == vocab.movie_ids[expected].tolist()
    assert served.scores == pytest.approx((scores[expected] - 1) / (scores.max() - 1), abs=1e-4)


def test_a_midnight_knows_nothing_of_later_days(folder):
    events = sort_events(read_events(folder, None)[1])
    day = FIRST_DAY + 40
    earlier = events.filter(pl.col("occurred_at") < day * 86_400)
    vocab = Vocab(np.arange(1, 31))
    whole, part = (TrendingChart(tokenise(to_histories(rows), vocab), 30) for rows in (events, earlier))
    assert whole.scores_on(day).tolist() == part.scores_on(day).tolist()
