"""Metrics beyond accuracy by hand, on lists of two out of four films."""

import math

import numpy as np
import pytest

from recommender.ml import beyond_accuracy
from recommender.ml.data import tokenise
from recommender.ml.evaluate import leave_one_out
from recommender.ml.features import build_features
from recommender.ml.vocab import Vocab
from tests.support.paired_histories import MOVIES, paired_histories

LISTS = np.array([[0, 1], [0, 2]])
WATCHED = np.array([8, 4, 1, 0])
GENRES = np.array([[1.0, 0], [1, 1], [0, 1], [0, 0]])


def test_coverage():
    assert beyond_accuracy.coverage(LISTS, 4) == 3 / 4


def test_gini():
    # Listed 0, 1, 1 and 2 times: (-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (4 * 4).
    assert beyond_accuracy.gini(LISTS, 4) == pytest.approx(6 / 16)
    assert beyond_accuracy.gini(np.array([[0, 1], [2, 3]]), 4) == 0


def test_long_tail_share():
    # 80 % of 13 is 10.4: films 0 and 1 are the head; one position of four is outside it.
    assert beyond_accuracy.long_tail_share(LISTS, WATCHED) == 1 / 4
    # Film 0 alone makes up 80 % of 10.
    assert beyond_accuracy.long_tail_share(LISTS, np.array([8, 1, 1, 0])) == 2 / 4


def test_popularity_bias():
    histories = [np.array([2]), np.array([1, 3])]  # a film that nobody watched counts as watched once
    by_hand = [(math.log(8) + math.log(4)) / 2 - 0, (math.log(8) + 0) / 2 - (math.log(4) + 0) / 2]
    assert beyond_accuracy.popularity_bias(LISTS, histories, WATCHED) == pytest.approx(np.mean(by_hand))


def test_diversity():
    # Films 0 and 1 have a cosine of 1/sqrt 2, films 0 and 2 of 0.
    assert beyond_accuracy.diversity(LISTS, GENRES) == pytest.approx((1 - 1 / math.sqrt(2) + 1) / 2)
    assert beyond_accuracy.diversity(np.array([[0, 1, 2]]), GENRES) == pytest.approx(1 - 2 / math.sqrt(2) / 3)


def test_novelty():
    # 16 viewers: shares 1/2, 1/4, 1/2 and 1/16.
    assert beyond_accuracy.novelty(LISTS, WATCHED, 16) == pytest.approx((1 + 2 + 1 + 4) / 4)


def test_calibration():
    histories = [np.array([0, 1]), np.array([3])]  # the second history has no genre: left out
    # p = (3/4, 1/4); the list has films 0 and 1 too, so q = p.
    assert beyond_accuracy.calibration(LISTS, histories, GENRES) == pytest.approx(0)
    # A history of one genre and a list of the other: log(1 / 0.01).
    assert beyond_accuracy.calibration(np.array([[2, 2]]), [np.array([0])], GENRES) == pytest.approx(math.log(100))
    # p = (1, 0), q = (3/4, 1/4): log(1 / (0.99 * 3/4 + 0.01)).
    assert beyond_accuracy.calibration(LISTS[:1], [np.array([0])], GENRES) == pytest.approx(
        -math.log(0.99 * 0.75 + 0.01)
    )


def test_genres_are_read_from_features():
    features = build_features([["genre:Drama", "decade:1990"], ["genre:Drama"], ["genre:Drama", "director:X"], []])
    assert beyond_accuracy.genre_matrix_of(features).tolist() == [[1], [1], [1], [0]]


def test_top_k_lists_exclude_films_seen_before_the_target():
    histories = paired_histories()
    vocab = Vocab(histories.movie_ids)
    tokens = tokenise(histories, vocab)
    targets = leave_one_out(tokens).test
    falling = np.arange(MOVIES, 0, -1, dtype=np.float32)
    lists = beyond_accuracy.top_k_lists(tokens, targets, lambda _, chunk: np.tile(falling, (len(chunk.rows), 1)), 5)
    for top, viewer, row in zip(lists, *targets, strict=True):
        seen = set((tokens.items[tokens.indptr[viewer] : row] - 1).tolist())
        assert top.tolist() == [item for item in range(MOVIES) if item not in seen][:5]
