"""What is popular lately: the counts by hand."""

import numpy as np

from recommender.ml.popularity import FULL_DAY_VIEWERS, WINDOW_DAYS, DailyPopularity, Popularity
from tests.support.daily_hits import MOVIES, START, TOKENS


def test_windows_count_full_days_up_to_midnight():
    """On days with many viewers a window of three days is three days; today's watches are not known yet."""
    days = np.repeat(np.arange(START, START + 5), FULL_DAY_VIEWERS)
    viewers = np.tile(np.arange(FULL_DAY_VIEWERS), 5)
    popularity = DailyPopularity(days, viewers, days - START, 5)  # film n on day n
    assert WINDOW_DAYS[:2] == (1, 3)
    by_window = popularity.at_day(START + 4)
    assert by_window[:, 0].tolist() == [0, 0, 0, FULL_DAY_VIEWERS, 0]
    assert by_window[:, 1].tolist() == [0, *[FULL_DAY_VIEWERS] * 3, 0]
    assert by_window[:, -1].tolist() == [*[FULL_DAY_VIEWERS] * 4, 0]
    assert popularity.latest()[:, 0].tolist() == [0, 0, 0, 0, FULL_DAY_VIEWERS]


def test_on_a_small_site_windows_reach_further_back():
    """Half as many viewers as a full day has: a window of one day is two, and years without anybody are nothing."""
    half = FULL_DAY_VIEWERS // 2
    days = np.repeat(np.arange(START, START + 4), half)
    popularity = DailyPopularity(days, np.tile(np.arange(half), 4), days - START, 4)
    assert popularity.at_day(START + 4)[:, 0].tolist() == [0, 0, half, half]
    assert popularity.at_day(START + 4 + 3_650)[:, 0].tolist() == [0, 0, half, half]


def test_poor_ratings_do_not_make_a_film_popular():
    tokens = TOKENS._replace(stars=np.where(TOKENS.items == 1, 4, TOKENS.stars).astype(np.int8))
    assert DailyPopularity.from_tokens(TOKENS, MOVIES).latest()[0, -1] > 0
    assert DailyPopularity.from_tokens(tokens, MOVIES).latest()[0].tolist() == [0] * 6


def test_no_watch_at_all_counts_nothing():
    empty = np.empty(0, np.int64)
    assert not DailyPopularity(empty, empty, empty, 3).at_day(START).any()
    assert not DailyPopularity(empty, empty, empty, 3).latest().any()


def test_counts_of_films_by_id():
    popularity = Popularity(np.array([-3, 7, 9], np.int32), np.arange(18, dtype=np.float32).reshape(3, 6))
    assert popularity.counts_of(np.array([9, 8, -3], np.int32))[:, 0].tolist() == [12, 0, 0]
    assert not Popularity(np.empty(0, np.int32), np.empty((0, 6), np.float32)).counts_of(np.array([1])).any()
