"""Eight bits say where to look; what is listed is exact."""

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

FILMS = MIN_ITEMS + 500


@pytest.fixture(scope="module", params=["default", "basic"])
def ranker(request):
    torch.manual_seed(3)
    shape = override(get_preset(request.param), model={"d_model": 32, "heads": 2, "layers": 1})
    rng = np.random.default_rng(3)
    prior = TransitionPrior.from_tokens(
        np.sort(rng.integers(300, size=20_000)), rng.integers(FILMS, size=20_000), FILMS, 1.0
    )
    model = TransformerRecModel(FILMS, shape.model, build_features([["genre:Drama"]] * FILMS))
    return Ranker(model, Vocab(np.arange(1, FILMS + 1)), prior)


@pytest.fixture(scope="module")
def asked(ranker):
    rng = np.random.default_rng(4)
    seen = [rng.choice(FILMS, 50, replace=False) + 1 for _ in range(6)]
    return ranker.encode([Events.from_ids(films.tolist()) for films in seen]), seen, rng.random(FILMS) < 0.5


def exact(ranker, states, k, allowed, seen):
    """Without the shortlist."""
    plain = Ranker(ranker.model, ranker.vocab, ranker.prior, vectors=ranker.vectors._replace(shortlist=None))
    return plain.top(states, k, allowed, seen)


def test_the_lists_are_those_of_exact_scores(ranker, asked):
    states, seen, allowed = asked
    assert ranker._top_via_shortlist(states, 20, allowed, seen) is not None
    for found, wanted in zip(
        ranker.top(states, 20, allowed, seen), exact(ranker, states, 20, allowed, seen), strict=True
    ):
        np.testing.assert_array_equal(found[0], wanted[0])
        np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5, atol=1e-5)


def test_no_score_is_further_off_than_is_said(ranker, asked):
    table, _, lengths, short = ranker.vectors
    users = torch.from_numpy(asked[0][:, : table.shape[1]])
    off = (short.scores(users) - users @ (table[1:] / lengths[:, None]).T).abs().amax(1)
    slack = short.error_bound(users)
    assert (off <= slack).all()
    assert (slack < 30 * off).all(), "a bound that says nothing would send every list the long way"


def test_where_the_shortlist_may_miss_a_film_all_are_scored(ranker, asked):
    """All films alike but for a hair: eight bits cannot tell which are the best."""
    states, seen, allowed = asked
    table = 1 + 1e-4 * torch.randn(ranker.vectors.table.shape)
    alike = Ranker(ranker.model, ranker.vocab, vectors=ItemVectors.from_table(table, cosine=True))
    only = states[:, : table.shape[1]]
    assert alike._top_via_shortlist(only, 20, allowed, seen) is None
    assert len(alike.top(only, 20, allowed, seen)[0][0]) == 20


def test_few_films_and_many_viewers_are_scored_exactly(ranker, asked):
    assert Shortlist.quantise(ranker.vectors.items[:100], ranker.vectors.score_norms[:100]) is None
    assert ranker._top_via_shortlist(np.tile(asked[0], (2, 1)), 20, None, None) is None
