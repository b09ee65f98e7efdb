"""The formulas of the charts, by hand."""

import numpy as np
import pytest

from recommender.serving.trend import DAY, LONGEST, SHORTEST, blended, lately, places, rising

NOW = 1_700_000_000


def test_lately_ends_where_the_data_does_and_a_few_strays_do_not_move_it():
    years_ago = NOW - 3000 * DAY - np.arange(1900) * DAY // 100  # 19 days of a hundred watches
    strays = np.full(50, NOW)

    assert lately(np.concatenate([strays, years_ago]), NOW).end == years_ago[47]
    assert lately(years_ago, NOW) == (years_ago[95], pytest.approx(18.04 / 2, abs=0.01))


def test_the_half_life_has_bounds():
    assert lately(NOW - np.arange(100), NOW).half_life == SHORTEST
    assert lately(NOW - np.arange(100) * 365 * DAY, NOW).half_life == LONGEST
    assert lately(np.empty(0, np.int64), NOW) == (NOW, SHORTEST)


def test_a_film_rises_by_how_far_it_lies_above_its_usual_share():
    now, usual = np.array([30.0, 8.0, 2.0, 0.0]), np.array([300.0, 40.0, 20.0, 40.0])  # a tenth of the usual: 40 of 400

    by_hand = [(30 - 30) / np.sqrt(31), (8 - 4) / np.sqrt(5), (2 - 2) / np.sqrt(3), (0 - 4) / np.sqrt(5)]

    assert rising(now, usual) == pytest.approx(by_hand)


def test_a_blend_is_one_for_what_leads_both_and_counts_places_from_the_top():
    assert places(np.array([0.2, 3.0, -np.inf, 0.2])).tolist() == [1, 0, 3, 2]
    assert blended(np.array([0, 1]), np.array([0, 61])) == pytest.approx([1, (61 / 62 + 61 / 122) / 2])
