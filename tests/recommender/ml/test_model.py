"""Properties of model and ranker that hold for any weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.ml import ranker as ranker_module
from recommender.ml.batches import collate, last_windows
from recommender.ml.blocks import AttentionBias
from recommender.ml.config import GAP_NONE, PRESETS
from recommender.ml.data import Events, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel, untimed_batch
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab
from tests.support.paired_histories import MOVIES, paired_histories

VOCAB = Vocab(np.arange(100, 100 + MOVIES))
FEATURES = build_features([["genre:Drama" if film % 2 else "genre:Comedy"] for film in range(MOVIES)])


def model_of(name: str, **fields) -> TransformerRecModel:
    torch.manual_seed(3)
    model = TransformerRecModel(MOVIES, replace(PRESETS[name].model, **fields), FEATURES)
    if model.taste is not None:
        torch.nn.init.normal_(model.taste.project.weight, std=0.3)  # as after training; it starts at zero
    return model.eval()


@pytest.mark.parametrize("mlp", [False, True])
def test_forward_scores_candidates_after_a_padded_sequence(mlp):
    model = model_of("basic", use_mlp_scorer=mlp)
    sequence = torch.randint(1, MOVIES + 1, (3, 50))
    sequence[:, :20] = 0
    taste, candidates = torch.randint(1, MOVIES + 1, (3, 7)), torch.randint(1, MOVIES + 1, (3, 11))
    scores = model(sequence, taste, candidates)
    assert scores.shape == (3, 11)
    assert scores.isfinite().all()
    config = model.config
    assert (config.d_model, config.layers, config.heads, config.max_len) == (128, 2, 4, 50)


@pytest.mark.parametrize("name", PRESETS)
def test_padding_changes_nothing(name):
    model = model_of(name)
    sequence = torch.randint(1, MOVIES + 1, (2, 9))
    padded = torch.cat([torch.zeros(2, 13, dtype=torch.long), sequence], 1)
    taste, candidates = torch.randint(1, MOVIES + 1, (2, 4)), torch.arange(1, MOVIES + 1).repeat(2, 1)
    wide_taste = torch.cat([taste, torch.zeros(2, 3, dtype=torch.long)], 1)
    with torch.inference_mode():
        expected = model(sequence, taste, candidates, torch.ones(2, 4))
        torch.testing.assert_close(model(padded, taste, candidates, torch.ones(2, 4)), expected, rtol=1e-4, atol=1e-4)
        weights = torch.cat([torch.ones(2, 4), torch.zeros(2, 3)], 1)
        batch = untimed_batch(padded, wide_taste, weights)
        batch.taste_seen = torch.full_like(padded, 4)
        users = model.user_vectors(batch, model.items())
        torch.testing.assert_close(users @ model.output_vectors(model.items())[1:].T, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_a_position_does_not_see_its_future(name):
    """The states that training learns from, position by position, are those that serving computes at that position."""
    model = model_of(name)
    tokens = tokenise(paired_histories(), VOCAB)
    viewers, stops = np.arange(4), tokens.indptr[1:5]
    whole = collate(tokens, last_windows(tokens, viewers, stops - 1, 50), model.config, tokens.times[stops - 1])
    part_stops = stops - 6
    part = collate(tokens, last_windows(tokens, viewers, part_stops, 50), model.config, tokens.times[part_stops])
    with torch.inference_mode():
        table = model.items()
        torch.testing.assert_close(
            model.position_vectors(whole, table)[:, -6], model.user_vectors(part, table), rtol=1e-4, atol=1e-4
        )


def test_encoding_in_batch_equals_encoding_alone():
    """Batch and request share one encoding: neighbours in a batch change nothing."""
    ranker = Ranker(model_of("default"), VOCAB)
    histories, rng = paired_histories(), np.random.default_rng(1)
    events = []
    for viewer in range(9):
        rows = slice(histories.indptr[viewer], histories.indptr[viewer] + int(rng.integers(1, 16)))
        events.append(Events(*(c[rows] for c in (histories.movie_ids, histories.times, histories.kinds))))
    events.append(Events.from_ids([101, 102, 103]))
    together = ranker.encode(events)
    alone = np.concatenate([ranker.encode([history]) for history in events])
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", 2),
        ("heads", 4),
        ("block", "softmax"),
        ("ffn", 1),
        ("temporal", False),
        ("stars", False),
        ("metadata", False),
        ("temperature", 0.1),
        ("taste_len", 1),
        ("max_len", 4),
    ],
)
def test_every_field_of_the_config_makes_a_difference(field, value):
    histories = paired_histories()
    events = Events(*(c[:12] for c in (histories.movie_ids, histories.times, histories.kinds, histories.ratings)))
    states = [
        Ranker(model, VOCAB).encode([events]) for model in (model_of("default"), model_of("default", **{field: value}))
    ]
    assert not np.allclose(*states)


def test_times_and_the_request_time_change_the_state_and_may_be_missing():
    ranker = Ranker(model_of("default"), VOCAB)
    timed = Events(np.array([101, 102], np.int32), np.array([1_000_000_000, 1_000_000_060]))
    soon, later = (ranker.encode([timed], [time]) for time in (1_000_000_061, 1_010_000_000))
    states = [soon, later, ranker.encode([timed]), ranker.encode([timed._replace(times=None)])]
    assert all(not np.allclose(a, b) for i, a in enumerate(states) for b in states[:i])


def test_a_new_watch_a_like_and_the_order_change_the_state():
    ranker = Ranker(model_of("default"), VOCAB)
    ids = np.array([101, 102, 103], np.int32)
    kinds = np.array([1, 1, 3], np.int8)
    states = [
        ranker.encode([events])
        for events in (
            Events(ids[:2]),
            Events(ids),
            Events(ids[[1, 0]]),
            Events(ids, np.arange(3), kinds),
            Events(ids[:2], np.arange(2), kinds[:2]),
        )
    ]
    assert all(not np.allclose(a, b) for i, a in enumerate(states) for b in states[:i])


def test_lists_are_in_order_and_respect_allowed_and_exclude():
    ranker = Ranker(model_of("default"), VOCAB)
    states = ranker.encode([Events.from_ids([101, 102]), Events.from_ids([120])])
    allowed = ranker.movie_ids < 130
    lists = ranker.top(states, 10, allowed, [np.array([101, 102, 999]), np.array([120])])
    for (movie_ids, scores), excluded in zip(lists, ([101, 102], [120]), strict=True):
        assert len(movie_ids) == 10
        assert not set(movie_ids.tolist()) & set(excluded)
        assert movie_ids.max() < 130
        assert (np.diff(scores) <= 0).all()
    everything = ranker.top(states, 500)[0][0]
    assert len(everything) == MOVIES
    np.testing.assert_allclose(ranker.score(states[:1], lists[0][0])[0], lists[0][1], rtol=1e-4)


def test_the_mlp_scorer_reranks_its_candidates(monkeypatch):
    """Lists and evaluation rerank the same candidates: the best dot products among the films not excluded."""
    monkeypatch.setattr(ranker_module, "MLP_CANDIDATES", 12)
    ranker = Ranker(model_of("basic", use_mlp_scorer=True), VOCAB)
    states, exclude = ranker.encode([Events.from_ids([101, 102])]), [np.array([101, 102, 110])]
    movie_ids, scores = ranker.top(states, 8, exclude=exclude)[0]
    np.testing.assert_allclose(ranker.score(states, movie_ids)[0], scores, rtol=1e-4)
    assert ranker.prior is None
    vectors = ranker.vectors.items.float() / ranker.vectors.score_norms[:, None]
    dot_products = (vectors @ torch.from_numpy(states[0])).numpy()

    def ordered(values):
        return [movie_id for movie_id in ranker.movie_ids[np.argsort(-values)].tolist() if movie_id not in exclude[0]]

    order, by_dot = ordered(ranker.scores(states, exclude)[0]), ordered(dot_products)
    assert order[:8] == movie_ids.tolist() != by_dot[:8]
    assert set(order[:12]) == set(by_dot[:12])
    assert order[12:] == by_dot[12:]


@pytest.mark.parametrize("name", PRESETS)
def test_last_only_gives_the_last_of_all_states(name):
    """Serving computes one state per viewer, training one per token."""
    model = model_of(name)
    tokens = tokenise(paired_histories(), VOCAB)
    batch = collate(tokens, last_windows(tokens, np.arange(5), tokens.indptr[1:6], 10), model.config)
    for table in model.bias.parameters() if isinstance(model.bias, AttentionBias) else ():
        torch.nn.init.normal_(table)  # they start at zero
    untimed = replace(batch, timed=torch.zeros_like(batch.timed), gaps=torch.full_like(batch.gaps, GAP_NONE))
    with torch.inference_mode():
        for case in (batch, untimed):
            last = model.user_vectors(case, model.items(), model.static_bias())
            torch.testing.assert_close(last, model.position_vectors(case, model.items())[:, -1])
