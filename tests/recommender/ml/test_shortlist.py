"""The quantised shortlist: rough scores choose candidates, the lists are those of exact scores."""

import numpy as np
import pytest
import torch

from recommender.ml.config import get_preset, override
from recommender.ml.data import Events
from recommender.ml.features import build_features
from recommender.ml.item_vectors import ItemVectors
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.shortlist import MIN_ITEMS, Shortlist
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.vocab import Vocab

MOVIES = MIN_ITEMS + 500


@pytest.fixture(scope="module", params=["default", "basic"])
def ranker(request):
    torch.manual_seed(3)
    preset = override(get_preset(request.param), model={"d_model": 32, "heads": 2, "layers": 1})
    rng = np.random.default_rng(3)
    prior = TransitionPrior.from_tokens(
        np.sort(rng.integers(300, size=20_000)), rng.integers(MOVIES, size=20_000), MOVIES, 1.0
    )
    model = TransformerRecModel(MOVIES, preset.model, build_features([["genre:Drama"]] * MOVIES))
    return Ranker(model, Vocab(np.arange(1, MOVIES + 1)), prior)


@pytest.fixture(scope="module")
def inputs(ranker):
    """States of six viewers, their seen films, and a mask of allowed films."""
    rng = np.random.default_rng(4)
    seen = [rng.choice(MOVIES, 50, replace=False) + 1 for _ in range(6)]
    return ranker.encode([Events.from_ids(movie_ids.tolist()) for movie_ids in seen]), seen, rng.random(MOVIES) < 0.5


@pytest.fixture
def full_products(monkeypatch):
    """Counts the products over all films."""
    calls, original = [], ItemVectors.scores

    def counted(self, users, *parts):
        calls.append(len(users))
        return original(self, users, *parts)

    monkeypatch.setattr(ItemVectors, "scores", counted)
    return calls


def exact_top(ranker, states, k, allowed, seen):
    """Rank without the shortlist."""
    plain = Ranker(ranker.model, ranker.vocab, ranker.prior, vectors=ranker.vectors._replace(shortlist=None))
    return plain.top(states, k, allowed, seen)


def test_lists_are_those_of_exact_scores(ranker, inputs, full_products):
    states, seen, allowed = inputs
    lists = ranker.top(states, 20, allowed, seen)
    assert not full_products, "the shortlist was enough"
    for (ids, scores), (expected_ids, expected) in zip(
        lists, exact_top(ranker, states, 20, allowed, seen), strict=True
    ):
        np.testing.assert_array_equal(ids, expected_ids)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_rough_scores_are_within_the_error_bound(ranker, inputs):
    table, _, score_norms, shortlist = ranker.vectors
    users = torch.from_numpy(inputs[0][:, : table.shape[1]])
    error = (shortlist.scores(users) - users @ (table[1:] / score_norms[:, None]).T).abs().amax(1)
    bound = shortlist.error_bound(users)
    assert (error <= bound).all()
    assert (bound < 30 * error).all(), "with a loose bound every list would be scored in full"


def test_all_films_are_scored_where_the_shortlist_may_miss_one(ranker, inputs, full_products):
    """Almost equal vectors: eight bits cannot tell which films are the best."""
    states, seen, allowed = inputs
    table = 1 + 1e-4 * torch.randn(ranker.vectors.table.shape)
    similar = Ranker(ranker.model, ranker.vocab, vectors=ItemVectors.from_table(table, cosine=True))
    assert len(similar.top(states[:, : table.shape[1]], 20, allowed, seen)[0][0]) == 20
    assert full_products == [len(states)]


def test_few_films_and_many_viewers_are_scored_exactly(ranker, inputs, full_products):
    assert Shortlist.quantise(ranker.vectors.items[:100], ranker.vectors.score_norms[:100]) is None
    states = np.tile(inputs[0], (2, 1))
    ranker.top(states, 20)
    assert full_products == [len(states)]
