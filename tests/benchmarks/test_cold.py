"""Cold viewers and cold films: what is known of them, and nothing else, reaches the model."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.cold_films import chosen, genre_popularity, held_out
from benchmarks.cold_start import shortened
from benchmarks.protocols import protocol, read
from recommender.ml.data import LIKE, RATING, Events, Histories, tokenise
from recommender.ml.evaluate import Targets
from recommender.ml.vocab import Vocab
from tests.benchmarks.films import write_films


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("cold") / "films")


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
    whole = tokenise(Histories.of([second, of(first, stars, kinds), second]), vocab)
    targets = Targets(np.array([1, 2]), np.array([6, 9]))
    short, asked = shortened(whole, targets, 2)
    # Viewer 1: the films 2 and 3 before 4, with the liking in between; 2 had four tokens, the like is none.
    columns = of(first[1:], stars[1:], kinds[1:])
    expected = tokenise(Histories.of([columns, second]), vocab)
    for name in ("indptr", "items", "stars", "taste_indptr", "taste_items", "taste_weights", "taste_before", "timed"):
        assert getattr(short, name).tolist() == getattr(expected, name).tolist(), name
    assert short.items[asked.rows].tolist() == whole.items[targets.rows].tolist()
    assert asked.viewers.tolist() == [0, 1]


def test_held_out_films_are_targets_and_nothing_else(data):
    dataset, events = read(data, None)
    task, cold = held_out(dataset, events)
    assert cold.sum() == 3  # a twentieth of 60
    for viewer in range(len(task.ends)):
        start, stop = task.tokens.indptr[viewer : viewer + 2]
        assert not cold[task.tokens.items[start : task.baseline_ends[viewer]] - 1].any()
        assert stop - task.baseline_ends[viewer] in (0, 1)
        known = task.baseline_ends[viewer] - start
        assert task.ends[viewer] == task.baseline_ends[viewer] - (known >= 3)  # one that selects
    test = task.tests["test"]
    assert cold[task.tokens.items[test.rows] - 1].all()
    everyone = protocol("P1", dataset, events, data).tokens
    raters = {
        v for v in range(len(task.ends)) if cold[everyone.items[everyone.indptr[v] : everyone.indptr[v + 1]] - 1].any()
    }
    assert set(test.viewers.tolist()) <= raters
    for viewer, row in zip(*test, strict=True):  # the future of the target is gone
        assert task.tokens.times[row] == task.tokens.times[task.tokens.indptr[viewer] : row + 1].max()
    assert (chosen(task.features) == cold).all()


def test_genre_popularity_by_hand():
    of_film = np.array([[1.0, 0], [1, 1], [0, 1]])
    tokens = tokenise(Histories.of([of([1, 2, 3], [3, 3, 3])]), Vocab(np.arange(1, 4)))
    score = genre_popularity(of_film, np.array([6, 2, 2]))  # popularity 8/10 and 4/10
    scores = score(tokens, Targets(np.array([0]), np.array([2])))
    # Seen films 1 and 2: shares 2/3 and 1/3.
    assert scores[0] == pytest.approx([2 / 3 * 0.8, 2 / 3 * 0.8 + 1 / 3 * 0.4, 1 / 3 * 0.4])


def test_cold_films_bench_ranks_them_among_all_and_among_themselves(data, tmp_path):
    words = ["--cold-films", "--epochs", "1", "--set", "d_model=8", "layers=1", "heads=1"]
    assert main(["quality", "--data", str(data), *words, "--result", str(tmp_path / "cold.json")]) == 0
    result = json.loads((tmp_path / "cold.json").read_text())
    assert result["held_out"] == 3
    for figures in (result["runs"][0]["request"], *result["baselines"].values()):
        assert figures["held_out"]["hr10"] == 1  # there are three of them
        assert figures["all"]["mrr"] <= figures["held_out"]["mrr"]
