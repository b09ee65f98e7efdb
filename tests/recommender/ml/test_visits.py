"""Visits and the figures of lists for them: by hand, and beside trec_eval."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from recommender.ml import evaluate, visits
from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.evaluate import Targets
from recommender.ml.visits import MAX_GAP, RelevantItems
from recommender.ml.vocab import Vocab

HOUR = 3_600


def tokens_of(*viewers):
    """Each viewer: (film, seconds, stars) in the order of time."""
    events = [
        Events(
            np.array([movie_id for movie_id, _, _ in rows], np.int32),
            np.array([at for _, at, _ in rows], np.int64),
            np.full(len(rows), RATING, np.int8),
            np.array([stars for *_, stars in rows], np.float32),
            np.full(len(rows), np.nan, np.float32),
        )
        for rows in viewers
    ]
    histories = Histories.from_events(events)
    return tokenise(histories, Vocab(np.arange(1, 21)))


def test_a_pause_of_more_than_an_hour_ends_a_visit_and_so_does_another_viewer():
    tokens = tokens_of([(1, 0, 5), (2, MAX_GAP, 4), (3, 2 * MAX_GAP + 1, 3)], [(4, 2 * MAX_GAP + 1, 5)])
    result = visits.find_visits(tokens)
    assert result.viewers.tolist() == [0, 0, 1]
    assert [*zip(result.starts.tolist(), result.stops.tolist(), strict=True)] == [(0, 2), (2, 3), (3, 4)]


def test_what_is_left_of_a_visit_is_ranked_for_each_list():
    """The first viewer's list lacks film 3, seen before; of the second's visit its first film is past."""
    tokens = tokens_of([(3, 0, 5), (1, 9 * HOUR, 5), (2, 9 * HOUR + 60, 4)], [(4, 0, 5), (5, 60, 5), (6, 120, 5)])
    targets = Targets(np.array([0, 1]), np.array([1, 4]))
    rest = visits.rest_of_visits(tokens, *targets)
    assert [*zip(rest.starts.tolist(), rest.stops.tolist(), strict=True)] == [(1, 3), (4, 6)]
    relevant = visits.relevant_items(tokens, rest)
    scores = np.tile(np.arange(20, 0, -1, dtype=np.float32), (2, 1))
    scores[0, 2] = 99.0
    ranks = evaluate.rank_relevant(tokens, targets, relevant, lambda tokens, targets: scores)
    assert ranks.tolist() == [1, 2, 4, 5]


def test_visits_after_the_cut_have_viewers_with_a_history():
    late = 100 * HOUR
    tokens = tokens_of(
        [(1, 0, 5), (2, late, 5), (3, late + 9 * HOUR, 5)],  # two visits after the cut
        [(4, late, 5), (5, late + 9 * HOUR, 5)],  # the first one: nothing is known of the viewer
        [(6, 50 * HOUR - 60, 5), (7, 50 * HOUR + 60, 5)],  # one visit, which began before the cut
    )
    selected = visits.find_visits_after(tokens, 50 * HOUR)
    assert selected.viewers.tolist() == [0, 0, 1]
    assert selected.starts.tolist() == [1, 2, 4]
    assert visits.first_visit_mask(selected).tolist() == [True, False, True]
    assert visits.find_visits_after(tokens, 50 * HOUR, until=late).starts.tolist() == [1]


def test_relevant_items_are_new_to_the_viewer_and_liked_ones_have_four_stars():
    tokens = tokens_of([(1, 0, 5), (1, 9 * HOUR, 5), (2, 9 * HOUR, 2), (3, 9 * HOUR + 1, 4), (3, 9 * HOUR + 2, 1)])
    result = visits.relevant_items(tokens, visits.find_visits_after(tokens, HOUR))
    assert result.items.tolist() == [1, 2], "films are counted from 0: film 1 was seen before"
    assert result.liked.tolist() == [False, True]


def test_metrics_by_hand():
    relevant = RelevantItems(np.array([0, 2, 3, 3]), np.array([0, 3, 1]), np.ones(3, bool))
    scores = np.array([[9, 8, 7, 6, 5], [1, 1, 1, 1, 0], [5, 4, 3, 2, 1]], np.float32)
    ranks = visits.rank_relevant_items(scores, relevant, [np.array([1]), np.array([0]), np.array([], int)])
    assert ranks.tolist() == [1.0, 3.0, 2.0], "the seen film is out; of three equal ones the middle rank"
    best = 1 + 1 / np.log2(3)
    assert visits.ndcg(ranks, relevant).tolist() == pytest.approx(
        [(1 + 1 / 2) / best, 1 / np.log2(3), np.nan], nan_ok=True
    )
    assert visits.recall(ranks, relevant, 2)[:2].tolist() == [0.5, 1.0]
    assert visits.best_rank(ranks, relevant).tolist() == [1.0, 2.0, np.inf]
    assert visits.summary(ranks, relevant)["mrr"] == 0.75
    assert visits.summary(ranks, relevant)["visits"] == 2


def test_scores_that_are_not_finite_raise():
    relevant = RelevantItems(np.array([0, 1]), np.array([0]), np.ones(1, bool))
    with pytest.raises(FloatingPointError):
        visits.rank_relevant_items(np.array([[np.nan, 1]], np.float32), relevant, [np.array([], int)])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 30))
def test_metrics_equal_those_of_trec_eval(seed, count, num_items):
    rng = np.random.default_rng(seed)
    scores = rng.permuted(
        np.tile(np.arange(num_items, dtype=np.float32), (count, 1)), axis=1
    )  # no ties: trec_eval breaks them
    relevant_columns = [rng.choice(num_items, rng.integers(1, num_items + 1), replace=False) for _ in range(count)]
    indptr = np.append(0, np.cumsum([len(columns) for columns in relevant_columns]))
    relevant = RelevantItems(indptr, np.concatenate(relevant_columns), np.ones(indptr[-1], bool))
    run = {str(n): {str(column): float(value) for column, value in enumerate(row)} for n, row in enumerate(scores)}
    relevance = {str(n): {str(column): 1 for column in columns} for n, columns in enumerate(relevant_columns)}
    evaluator = pytrec_eval.RelevanceEvaluator(relevance, {"ndcg_cut.10", "recip_rank", "success.10", "recall.10"})
    expected = [evaluator.evaluate(run)[str(n)] for n in range(count)]
    ranks = visits.rank_relevant_items(scores.copy(), relevant, [np.array([], int)] * count)
    best = visits.best_rank(ranks, relevant)
    for own_values, name in (
        (visits.ndcg(ranks, relevant, 10), "ndcg_cut_10"),
        (1 / best, "recip_rank"),
        (best <= 10, "success_10"),
        (visits.recall(ranks, relevant, 10) * np.minimum(np.diff(indptr), 10) / np.diff(indptr), "recall_10"),
    ):
        assert np.allclose(own_values, [columns[name] for columns in expected], atol=1e-4), name
