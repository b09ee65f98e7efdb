"""The formulas of the charts, by hand."""

import numpy as np
import pytest

from recommender.ml.popularity import FULL_DAY_VIEWERS
from recommender.serving.candidates.trending import (
    LONG_TERM_HALF_LIFE,
    RECENT_HALF_LIFE,
    decay_weights,
    rank_positions,
    reciprocal_rank_fusion,
    trend_scores,
)

TODAY = 19_000  # days since 1970


def test_watches_decay_with_later_evidence_and_not_with_the_clock():
    years_ago = TODAY - 3000 + np.arange(14)

    busy = decay_weights(years_ago, np.full(14, FULL_DAY_VIEWERS * 3.0))
    assert busy.recent[-1] == busy.long_term[-1] == 1, "nothing came since, however long ago it is"
    assert busy.recent[-1 - int(RECENT_HALF_LIFE)] == pytest.approx(0.5)
    assert busy.long_term[0] == pytest.approx(0.5 ** (13 / LONG_TERM_HALF_LIFE))

    later = decay_weights(np.append(years_ago, TODAY), np.append(np.full(14, FULL_DAY_VIEWERS), 5.0))
    assert later.recent[:14] == pytest.approx(busy.recent * 0.5 ** (0.1 / RECENT_HALF_LIFE)), (
        "a tenth of a day has passed"
    )
    assert later.recent[13:-1] == pytest.approx(later.recent[13]), "and none in the years without anybody"

    quiet = decay_weights(years_ago, np.full(14, FULL_DAY_VIEWERS / 10))
    assert quiet.recent[0] == pytest.approx(0.5 ** (1.3 / RECENT_HALF_LIFE)), "where few watch it reaches further back"


def test_without_watches_nothing_decays():
    assert decay_weights(np.empty(0, np.int64), np.empty(0)) == (0, np.ones(1), np.ones(1))


def test_a_movie_trends_by_how_far_it_lies_above_its_long_term_share():
    now, usual = np.array([30.0, 8.0, 2.0, 0.0]), np.array([300.0, 40.0, 20.0, 40.0])  # a tenth of the usual: 40 of 400

    by_hand = [(30 - 30) / np.sqrt(31), (8 - 4) / np.sqrt(5), (2 - 2) / np.sqrt(3), (0 - 4) / np.sqrt(5)]

    assert trend_scores(now, usual) == pytest.approx(by_hand)
    assert trend_scores(np.array([1.0, 9.0]), np.array([0.0, 90.0]))[0] == 0, "one viewer makes no trend"


def test_rank_fusion_is_one_for_the_leader_of_both_and_counts_positions_from_the_top():
    assert rank_positions(np.array([0.2, 3.0, -np.inf, 0.2])).tolist() == [1, 0, 3, 2]
    assert reciprocal_rank_fusion(np.array([0, 1]), np.array([0, 61])) == pytest.approx([1, (61 / 62 + 61 / 122) / 2])
