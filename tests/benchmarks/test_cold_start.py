"""Cold viewers and cold films: what is known of them, and nothing else, reaches the model."""

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


def of(films, ratings=None, kinds=None):
    kinds = [RATING] * len(films) if kinds is None else kinds
    columns = (np.array(films), 60 * np.arange(len(films)), np.array(kinds), np.array(ratings, np.float32))
    return Events(*columns, np.full(len(films), np.nan, np.float32))


def test_shortened_history_is_the_one_of_somebody_new():
    """The same tokens as if the older events had never been."""
    kinds = [RATING, RATING, LIKE, RATING, RATING]
    first, stars = [1, 2, 7, 3, 4], [5, 1, np.nan, 4, 2]
    second = of([5, 6, 8], [3, 5, 1])
    vocab = Vocab(np.arange(1, 9))
    whole = tokenise(Histories.from_events([second, of(first, stars, kinds), second]), vocab)
    targets = Targets(np.array([1, 2]), np.array([6, 9]))
    short, asked = truncate_histories(whole, targets, 2)
    # Viewer 1: the films 2 and 3 before 4, with the liking in between; 2 had four tokens, the like is none.
    columns = of(first[1:], stars[1:], kinds[1:])
    expected = tokenise(Histories.from_events([columns, second]), vocab)
    for name in ("indptr", "items", "stars", "taste_indptr", "taste_items", "taste_weights", "taste_seen", "timed"):
        assert getattr(short, name).tolist() == getattr(expected, name).tolist(), name
    assert short.items[asked.rows].tolist() == whole.items[targets.rows].tolist()
    assert asked.viewers.tolist() == [0, 1]


def test_held_out_films_are_targets_and_nothing_else(data):
    dataset, events = read_events(data, None)
    task, cold = make_cold_task(dataset, events)
    assert cold.mask.sum() == 3  # a twentieth of 60
    for viewer in range(len(task.ends)):
        start, stop = task.tokens.indptr[viewer : viewer + 2]
        assert not cold.mask[task.tokens.items[start : task.baseline_ends[viewer]] - 1].any()
        assert stop - task.baseline_ends[viewer] in (0, 1)
        known = task.baseline_ends[viewer] - start
        assert task.ends[viewer] == task.baseline_ends[viewer] - (known >= 3)  # one that selects
    test = task.tests["test"]
    assert cold.mask[task.tokens.items[test.rows] - 1].all()
    everyone = make_task("P1", dataset, events, data).tokens
    raters = {
        v
        for v in range(len(task.ends))
        if cold.mask[everyone.items[everyone.indptr[v] : everyone.indptr[v + 1]] - 1].any()
    }
    assert set(test.viewers.tolist()) <= raters
    for viewer, row in zip(*test, strict=True):  # the future of the target is gone
        assert task.tokens.times[row] == task.tokens.times[task.tokens.indptr[viewer] : row + 1].max()
        whole = everyone.items[everyone.indptr[viewer] : everyone.indptr[viewer + 1]] - 1
        rated = whole[cold.mask[whole]]
        assert cold.rated_by(viewer).tolist() == rated[:-1].tolist()
        assert task.tokens.items[row] - 1 == rated[-1]
    assert len(cold.items)
    assert (choose_cold_movies(task.features) == cold.mask).all()


def test_genre_popularity_by_hand():
    of_film = np.array([[1.0, 0], [1, 1], [0, 1]])
    tokens = tokenise(Histories.from_events([of([1, 2, 3], [3, 3, 3])]), Vocab(np.arange(1, 4)))
    score = genre_popularity(of_film, np.array([6, 2, 2]))  # popularity 8/10 and 4/10
    scores = score(tokens, Targets(np.array([0]), np.array([2])))
    # Seen films 1 and 2: shares 2/3 and 1/3.
    assert scores[0] == pytest.approx([2 / 3 * 0.8, 2 / 3 * 0.8 + 1 / 3 * 0.4, 1 / 3 * 0.4])


@pytest.mark.slow
def test_cold_films_bench_ranks_them_among_all_and_among_themselves(data, tmp_path):
    words = ["--cold-films", "--epochs", "1", "--set", "d_model=8", "layers=1", "heads=1"]
    assert main(["quality", "--data", str(data), *words, "--result", str(tmp_path / "cold.json")]) == 0
    result = json.loads((tmp_path / "cold.json").read_text())
    assert result["held_out"] == 3
    for of_one in (result["runs"][0]["request"], *result["baselines"].values()):
        assert of_one["held_out"]["hr10"] == 1  # there are three of them
        assert of_one["all"]["mrr"] <= of_one["held_out"]["mrr"]


def test_cold_figures_by_hand(data):
    """Scores fall with the film's number, so a rank is the number of smaller films that are candidates."""
    task, cold = make_cold_task(*read_events(data, None))
    films = len(task.vocab)
    falling = np.arange(films, 0, -1, dtype=np.float32)
    test = task.tests["test"]
    target = task.tokens.items[test.rows] - 1
    open_to = [
        set(range(films)) - set(s) - set(cold.rated_by(v))
        for s, v in zip(seen_items(task.tokens, test), test.viewers, strict=True)
    ]
    for name, of in (("all", set(range(films))), ("held_out", set(np.flatnonzero(cold.mask)))):
        above = np.array([sum(f < t for f in unseen & of) for unseen, t in zip(open_to, target, strict=True)])
        others = np.array([len(unseen & of) - 1 for unseen in open_to])
        found = cold_metrics(task, cold, lambda _, block: np.tile(falling, (len(block.rows), 1)))[name]
        assert found["mrr"] == pytest.approx((1 / (1 + above)).mean(), abs=1e-4)
        assert found["percentile"] == pytest.approx((1 - above / np.maximum(others, 1)).mean(), abs=1e-4)


def test_a_film_without_tokens_is_listed_at_its_rank(data):
    """Ranker.top shows a film that the model knows by its metadata alone, where the benchmark says it stands."""
    task, cold = make_cold_task(*read_events(data, None))
    shape = override(
        PRESETS["default"],
        model={"d_model": 16, "layers": 1, "heads": 1, "d_item": 0},
        train={"epochs": 6, "batch_positions": 512, "warmup_steps": 5},
    )
    ranker = run_seed(task, shape, 1, "unknown", None, cold.mask).ranker
    assert not ranker.model.items.ids.weight[1:][cold.mask].any()
    test, films = task.tests["test"], ranker.movie_ids
    states = ranker.encode_tokens(task.tokens, *test)
    known = [
        films[np.append(s, cold.rated_by(v))] for s, v in zip(seen_items(task.tokens, test), test.viewers, strict=True)
    ]
    ranks = rank_cold(task, cold, ranker_scorer(ranker, "unknown"), False)
    lists, wanted = ranker.top(states, len(films), exclude=known), films[task.tokens.items[test.rows] - 1]
    for (ids, scores), target, rank in zip(lists, wanted, ranks, strict=True):
        own = scores[ids == target]
        assert len(own) == 1
        assert own[0] > MIN_SCORE
        level = np.flatnonzero(np.isclose(scores, own[0], rtol=1e-5, atol=1e-5)) + 1  # equal metadata, equal scores
        assert level[0] <= rank <= level[-1]
    assert {int(ids[0]) for ids, _ in ranker.top(states, 1, allowed=cold.mask, exclude=known) if len(ids)} <= set(
        films[cold.mask].tolist()
    )
    by_model = cold_metrics(task, cold, ranker_scorer(ranker, "unknown"))["all"]["percentile"]
    assert by_model > 0.55
