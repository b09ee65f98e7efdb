"""Served lists compared with offline scores by hand: film 3 is the target, film 4 was seen."""

import numpy as np
import pytest

from benchmarks.quality.parity import SCORE_TOLERANCE, compare_list

SCORES = np.array([5.0, 3.0, 3.0 + SCORE_TOLERANCE / 2, 2.0, -np.inf, 1.0], np.float32)

SERVED_SCORES = np.array([5.0, 3.0, 3.0, 2.0, 4.0, 1.0])


def compare(*columns, target=3):
    return compare_list(SCORES, target, 4, np.array(columns), SERVED_SCORES[list(columns)])


def test_the_same_list_with_its_rank():
    comparison = compare(0, 2, 1, 3)
    assert comparison.same_list
    assert comparison.same_rank
    assert comparison.rank == 4
    assert comparison.score_difference == pytest.approx(SCORE_TOLERANCE / 2, rel=0.01)


def test_films_of_equal_scores_may_swap():
    assert compare(0, 1, 2, 3).same_list


@pytest.mark.parametrize(
    "columns",
    [(2, 0, 1, 3), (0, 2, 1, 5), (0, 2, 1, 4), (0, 2, 1), (0, 2, 2, 3), (0, 2, 1, -1)],
    ids=["another order", "another film", "a seen film", "too short", "a film twice", "an unknown film"],
)
def test_any_other_list_is_not_the_same(columns):
    assert not compare(*columns).same_list


def test_a_target_that_is_missing_from_the_list():
    comparison = compare(0, 2, 1, 5)
    assert comparison.target_inside
    assert not comparison.same_rank
    assert comparison.rank == np.inf


def test_a_target_below_the_list_has_no_rank_to_compare():
    comparison = compare(0, 2, 1, 3, target=5)
    assert not comparison.target_inside
    assert comparison.same_rank


def test_a_different_score_is_reported():
    comparison = compare_list(SCORES, 3, 4, np.array([0, 2, 1, 3]), np.array([5.0, 3.0, 3.0, 2.5]))
    assert comparison.same_list
    assert comparison.score_difference == pytest.approx(0.5)
