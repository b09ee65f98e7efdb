"""Served lists beside offline scores, by hand: film 3 is the target, film 4 was seen."""

import numpy as np
import pytest

from benchmarks.quality.parity import SCORE_TOLERANCE, compare_list

SCORES = np.array([5.0, 3.0, 3.0 + SCORE_TOLERANCE / 2, 2.0, -np.inf, 1.0], np.float32)


TOLD = np.array([5.0, 3.0, 3.0, 2.0, 4.0, 1.0])


def served(*columns, wanted=3):
    return compare_list(SCORES, wanted, 4, np.array(columns), TOLD[list(columns)])


def test_the_same_list_with_its_rank():
    verdict = served(0, 2, 1, 3)
    assert verdict.same_list
    assert verdict.same_rank
    assert verdict.rank == 4
    assert verdict.score_difference == pytest.approx(SCORE_TOLERANCE / 2, rel=0.01)


def test_films_of_equal_scores_may_change_places():
    assert served(0, 1, 2, 3).same_list


@pytest.mark.parametrize(
    "columns",
    [(2, 0, 1, 3), (0, 2, 1, 5), (0, 2, 1, 4), (0, 2, 1), (0, 2, 2, 3), (0, 2, 1, -1)],
    ids=["another order", "another film", "a seen film", "too short", "a film twice", "an unknown film"],
)
def test_any_other_list_is_not_the_same(columns):
    assert not served(*columns).same_list


def test_a_target_that_should_be_listed_and_is_not():
    verdict = served(0, 2, 1, 5)
    assert verdict.target_inside
    assert not verdict.same_rank
    assert verdict.rank == np.inf


def test_a_target_below_the_list_has_no_rank_to_compare():
    verdict = served(0, 2, 1, 3, wanted=5)
    assert not verdict.target_inside
    assert verdict.same_rank


def test_a_score_of_another_size_shows():
    verdict = compare_list(SCORES, 3, 4, np.array([0, 2, 1, 3]), np.array([5.0, 3.0, 3.0, 2.5]))
    assert verdict.same_list
    assert verdict.score_difference == pytest.approx(0.5)
