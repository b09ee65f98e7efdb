"""Explanations take short cuts, and all are exact: scores of a few films alone, variants of one history in one pass."""

import numpy as np
import pytest
import torch

from recommender.ml import ranker as ranker_module
from recommender.ml.attribution import leave_one_out_effects
from recommender.ml.data import WATCH, Events
from recommender.ml.ease import ItemWeights
from recommender.ml.transition_prior import TransitionPrior
from tests.support.daily_hits import MOVIES, POPULARITY, TOKENS, VOCAB, untrained
from tests.support.popular_model import fixed_ensemble

VIEWERS, ITEMS = np.repeat(np.arange(len(TOKENS.indptr) - 1), TOKENS.lengths()), TOKENS.items - 1
WEIGHTS = [0.5, 2.0, 0.1, 0.0, 1.0, 0.0, 0.25, 0.5]
MOMENT = 1_700_000_000


@pytest.fixture(params=["plain", "prior", "ensemble", "both", "mlp"])
def ranker(request):
    ranker = untrained(use_mlp_scorer=request.param == "mlp", max_len=8, taste_len=6)
    if request.param in ("prior", "both", "mlp"):
        ranker = ranker.with_prior(TransitionPrior.from_tokens(VIEWERS, ITEMS, MOVIES, 1.5))
    if request.param in ("ensemble", "both", "mlp"):
        ease = ItemWeights.from_tokens(VIEWERS, ITEMS, MOVIES)
        counts = torch.from_numpy(POPULARITY.latest())
        ranker = ranker.with_ensemble(fixed_ensemble(WEIGHTS, MOVIES, counts=counts, ease=ease))
    return ranker


def history(length):
    """A history of so many watches a day apart; the encoder reads the newest."""
    ids = np.random.default_rng(length).choice(VOCAB.movie_ids, length, replace=False)
    times = MOMENT - 86_400 * np.arange(length, 0, -1)
    missing = np.full(length, np.nan, np.float32)
    return Events(ids.astype(np.int32), times, np.full(length, WATCH, np.int8), missing, missing)


def without(events, movie_id):
    return Events(*(column[events.movie_ids != movie_id] for column in events))


def test_scores_of_a_few_films_are_those_among_all(ranker, monkeypatch):
    states = ranker.encode([history(3), history(30), Events.from_ids([]), Events.from_ids(VOCAB.movie_ids[:9])])
    few = [*VOCAB.movie_ids[[7, 3, 20]].tolist(), int(VOCAB.movie_ids[3])]
    monkeypatch.setattr(ranker_module, "MAX_SHARE_ALONE", 0.0)
    among_all = ranker.score(states, few)
    monkeypatch.setattr(ranker_module, "MAX_SHARE_ALONE", 1.0)
    np.testing.assert_allclose(ranker.score(states, few), among_all, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("requested_at", [None, MOMENT])
@pytest.mark.parametrize("length", [3, 12, min(MOVIES, 200)])
def test_variants_in_one_pass_are_the_histories_one_by_one(ranker, length, requested_at):
    events = history(length)
    left_out = events.movie_ids[[0, length // 2, -1]]
    variants = [events, *(without(events, movie_id) for movie_id in left_out)]
    expected = np.concatenate([ranker.encode([variant], [requested_at]) for variant in variants])
    for first_state in (None, expected[0]):
        states = ranker.encode_variants(variants, requested_at, first_state)
        np.testing.assert_allclose(states, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("length", [9, 23, 24, 25, MOVIES])
@pytest.mark.parametrize("shape", [{}, {"recent": 0}, {"ffn": 1}, {"block": "softmax"}, {"temporal": False}])
def test_what_variants_begin_with_is_encoded_once(length, timed, shape, monkeypatch):
    ranker = untrained(**{"max_len": 24, "taste_len": 6, **shape})
    events = history(length) if timed else Events.from_ids(history(length).movie_ids)
    left_out = [*events.movie_ids[-8:], *events.movie_ids[: length - 8 : 5]]
    columns = {name: column for name, column in events._asdict().items() if column is not None}
    variants = [events]
    variants += [Events(**{n: c[events.movie_ids != movie] for n, c in columns.items()}) for movie in left_out]
    expected = np.concatenate([ranker.encode([variant], [None]) for variant in variants])
    together, encode = [], ranker.model._encode_alike
    monkeypatch.setattr(ranker.model, "_encode_alike", lambda *a: together.append(len(a[0].items)) or encode(*a))
    for first_state in (None, expected[0]):
        states = ranker.encode_variants(variants, None, first_state)
        np.testing.assert_allclose(states, expected, rtol=1e-4, atol=1e-4)
    assert len(together) == 0 if shape.get("block") == "softmax" else min(together) >= 8 and len(together) == 2


def test_an_effect_is_what_is_lost_without_the_film(ranker):
    events, listed = history(20), VOCAB.movie_ids[[1, 5]].tolist()
    [state] = ranker.encode([events], [None])
    watched, effects = leave_one_out_effects(ranker, events, listed, state=state)
    assert len(watched) == 16
    for movie_id, row in zip(watched, effects, strict=True):
        [without_it] = ranker.score(ranker.encode([without(events, movie_id)], [None]), listed)
        [with_it] = ranker.score(state[None], listed)
        np.testing.assert_allclose(row, with_it - without_it, atol=1e-3)
