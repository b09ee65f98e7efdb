"""Cold viewers and cold films: the model gets what is known of them, and nothing else."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import make_task, read_events
from benchmarks.quality.cold_movies import (
    MIN_SCORE,
    choose_cold_movies,
    cold_metrics,
    genre_popularity,
    make_cold_task,
    rank_cold,
)
from benchmarks.quality.seed_runs import run_seed
from recommender.ml.config import PRESETS, override
from recommender.ml.data import LIKE, RATING, Events, Histories, tokenise
from recommender.ml.evaluate import Targets, ranker_scorer, seen_items
from recommender.ml.truncated_histories import truncate_histories
from recommender.ml.vocab import Vocab
from tests.support.movielens_pairs import write_movielens_pairs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_movielens_pairs(tmp_path_factory.mktemp("cold") / "films")


def make_events(movie_ids, ratings=None, kinds=None):
    kinds = [RATING] * len(movie_ids) if kinds is None else kinds
    columns = (np.array(movie_ids), 60 * np.arange(len(movie_ids)), np.array(kinds), np.array(ratings, np.float32))
    return Events(*columns, np.full(len(movie_ids), np.nan, np.float32))


def test_a_truncated_history_equals_that_of_a_new_viewer():
    """The tokens are the same as without the older events."""
    kinds = [RATING, RATING, LIKE, RATING, RATING]
    first, stars = [1, 2, 7, 3, 4], [5, 1, np.nan, 4, 2]
    second = make_events([5, 6, 8], [3, 5, 1])
    vocab = Vocab(np.arange(1, 9))
    tokens = tokenise(Histories.from_events([second, make_events(first, stars, kinds), second]), vocab)
    targets = Targets(np.array([1, 2]), np.array([6, 9]))
    truncated, short_targets = truncate_histories(tokens, targets, 2)
    # Viewer 1: the films 2 and 3 before 4, with the liking in between; 2 had four tokens, the like is none.
    columns = make_events(first[1:], stars[1:], kinds[1:])
    expected = tokenise(Histories.from_events([columns, second]), vocab)
    for name in ("indptr", "items", "stars", "taste_indptr", "taste_items", "taste_weights", "taste_seen", "timed"):
        assert getattr(truncated, name).tolist() == getattr(expected, name).tolist(), name
    assert truncated.items[short_targets.rows].tolist() == tokens.items[targets.rows].tolist()
    assert short_targets.viewers.tolist() == [0, 1]


def test_held_out_films_are_targets_and_nothing_else(data):
    dataset, events = read_events(data, None)
    task, cold = make_cold_task(dataset, events)
    assert cold.mask.sum() == 3  # a twentieth of 60
    for viewer in range(len(task.ends)):
        start, stop = task.tokens.indptr[viewer : viewer + 2]
        assert not cold.mask[task.tokens.items[start : task.baseline_ends[viewer]] - 1].any()
        assert stop - task.baseline_ends[viewer] in (0, 1)
        history_length = task.baseline_ends[viewer] - start
        assert task.ends[viewer] == task.baseline_ends[viewer] - (history_length >= 3)  # one that selects
    test = task.tests["test"]
    assert cold.mask[task.tokens.items[test.rows] - 1].all()
    all_tokens = make_task("P1", dataset, events, data).tokens
    raters = {
        v
        for v in range(len(task.ends))
        if cold.mask[all_tokens.items[all_tokens.indptr[v] : all_tokens.indptr[v + 1]] - 1].any()
    }
    assert set(test.viewers.tolist()) <= raters
    for viewer, row in zip(*test, strict=True):  # the future of the target is gone
        assert task.tokens.times[row] == task.tokens.times[task.tokens.indptr[viewer] : row + 1].max()
        history = all_tokens.items[all_tokens.indptr[viewer] : all_tokens.indptr[viewer + 1]] - 1
        held_out = history[cold.mask[history]]
        assert cold.rated_by(viewer).tolist() == held_out[:-1].tolist()
        assert task.tokens.items[row] - 1 == held_out[-1]
    assert len(cold.items)
    assert (choose_cold_movies(task.features) == cold.mask).all()


def test_genre_popularity_by_hand():
    genre_matrix = np.array([[1.0, 0], [1, 1], [0, 1]])
    tokens = tokenise(Histories.from_events([make_events([1, 2, 3], [3, 3, 3])]), Vocab(np.arange(1, 4)))
    score = genre_popularity(genre_matrix, np.array([6, 2, 2]))  # popularity 8/10 and 4/10
    scores = score(tokens, Targets(np.array([0]), np.array([2])))
    # Seen films 1 and 2: shares 2/3 and 1/3.
    assert scores[0] == pytest.approx([2 / 3 * 0.8, 2 / 3 * 0.8 + 1 / 3 * 0.4, 1 / 3 * 0.4])


@pytest.mark.slow
def test_cold_films_are_ranked_among_all_and_among_themselves(data, tmp_path):
    arguments = ["--cold-films", "--epochs", "1", "--set", "d_model=8", "layers=1", "heads=1"]
    assert main(["quality", "--data", str(data), *arguments, "--result", str(tmp_path / "cold.json")]) == 0
    result = json.loads((tmp_path / "cold.json").read_text())
    assert result["held_out"] == 3
    for metrics in (result["runs"][0]["request"], *result["baselines"].values()):
        assert metrics["held_out"]["hr10"] == 1  # there are three of them
        assert metrics["all"]["mrr"] <= metrics["held_out"]["mrr"]


def test_cold_metrics_by_hand(data):
    """Scores fall with the film's number, so a rank is the number of smaller films that are candidates."""
    task, cold = make_cold_task(*read_events(data, None))
    num_items = len(task.vocab)
    falling = np.arange(num_items, 0, -1, dtype=np.float32)
    test = task.tests["test"]
    target = task.tokens.items[test.rows] - 1
    unseen_by_viewer = [
        set(range(num_items)) - set(s) - set(cold.rated_by(v))
        for s, v in zip(seen_items(task.tokens, test), test.viewers, strict=True)
    ]
    for name, candidates in (("all", set(range(num_items))), ("held_out", set(np.flatnonzero(cold.mask)))):
        above = np.array(
            [
                sum(f < t for f in unseen_items & candidates)
                for unseen_items, t in zip(unseen_by_viewer, target, strict=True)
            ]
        )
        num_others = np.array([len(unseen_items & candidates) - 1 for unseen_items in unseen_by_viewer])
        metrics = cold_metrics(task, cold, lambda _, chunk: np.tile(falling, (len(chunk.rows), 1)))[name]
        assert metrics["mrr"] == pytest.approx((1 / (1 + above)).mean(), abs=1e-4)
        assert metrics["percentile"] == pytest.approx((1 - above / np.maximum(num_others, 1)).mean(), abs=1e-4)


def test_a_film_without_tokens_is_listed_at_its_rank(data):
    """Ranker.top shows a film that the model knows by its metadata alone, where the benchmark says it stands."""
    task, cold = make_cold_task(*read_events(data, None))
    preset = override(
        PRESETS["default"],
        model={"d_model": 16, "layers": 1, "heads": 1, "d_item": 0},
        train={"epochs": 6, "batch_positions": 512, "warmup_steps": 5},
    )
    ranker = run_seed(task, preset, 1, "unknown", None, cold.mask).ranker
    assert not ranker.model.items.ids.weight[1:][cold.mask].any()
    test, movie_ids = task.tests["test"], ranker.movie_ids
    states = ranker.encode_tokens(task.tokens, *test)
    exclude = [
        movie_ids[np.append(s, cold.rated_by(v))]
        for s, v in zip(seen_items(task.tokens, test), test.viewers, strict=True)
    ]
    ranks = rank_cold(task, cold, ranker_scorer(ranker, "unknown"), False)
    lists, target_ids = ranker.top(states, len(movie_ids), exclude=exclude), movie_ids[task.tokens.items[test.rows] - 1]
    for (ids, scores), target, rank in zip(lists, target_ids, ranks, strict=True):
        target_score = scores[ids == target]
        assert len(target_score) == 1
        assert target_score[0] > MIN_SCORE
        tied_positions = (
            np.flatnonzero(np.isclose(scores, target_score[0], rtol=1e-5, atol=1e-5)) + 1
        )  # equal metadata, equal scores
        assert tied_positions[0] <= rank <= tied_positions[-1]
    assert {int(ids[0]) for ids, _ in ranker.top(states, 1, allowed=cold.mask, exclude=exclude) if len(ids)} <= set(
        movie_ids[cold.mask].tolist()
    )
    by_model = cold_metrics(task, cold, ranker_scorer(ranker, "unknown"))["all"]["percentile"]
    assert by_model > 0.55
