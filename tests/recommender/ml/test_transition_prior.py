"""Transitions by hand, and the prior that they add to the transformer's scores."""

import numpy as np
import pytest
import torch

from recommender.ml import evaluate, metrics, model_folder, transitions
from recommender.ml.config import PRESETS, override
from recommender.ml.data import Events, tokenise
from recommender.ml.ease import ItemWeights
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker, load_ranker
from recommender.ml.transition_prior import SMOOTHING, TransitionPrior
from recommender.ml.transitions import Transitions
from recommender.ml.vocab import Vocab
from tests.support.paired_histories import MOVIES, paired_histories

VOCAB = Vocab(np.arange(100, 100 + MOVIES))
FEATURES = build_features([["genre:Drama"] for _ in range(MOVIES)])
TOKENS = tokenise(paired_histories(), VOCAB)
SPLIT = evaluate.leave_one_out(TOKENS)
TOKEN_VIEWERS = np.repeat(np.arange(len(TOKENS.indptr) - 1), TOKENS.lengths())


def untrained(**fields) -> TransformerRecModel:
    torch.manual_seed(3)
    return TransformerRecModel(MOVIES, override(PRESETS["default"], model=fields).model, FEATURES)


def test_transitions_by_hand():
    """One viewer watched 0, 1, 2; another 2, 0. Row 0: film 1 once, film 2 with weight 1/2."""
    counted = Transitions.from_tokens(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 2, 0]), 3)
    after = [counted.scores(torch.tensor([[item + 1]]))[0].tolist() for item in range(3)]
    np.testing.assert_allclose(after, [[0, 1 / 11.5, 0.5 / 11.5], [0, 0, 1 / 11], [1 / 11, 0, 0]], rtol=1e-6)
    both = counted.scores(torch.tensor([[2, 1, 0], [0, 0, 0]]))  # film 1 is the newest, film 0 the one before
    older = np.exp(-1 / transitions.TAU)
    np.testing.assert_allclose(both, [[0, older / 11.5, 1 / 11 + older * 0.5 / 11.5], [0, 0, 0]], rtol=1e-6)


def test_transitions_do_not_depend_on_the_chunk_size(monkeypatch):
    whole = Transitions.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES)
    monkeypatch.setattr(transitions, "CHUNK_TOKENS", 100)
    for tensor, expected in zip(whole, Transitions.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES), strict=True):
        assert torch.equal(tensor, expected)


def test_scores_get_the_prior_once_where_a_film_follows_several():
    prior = TransitionPrior.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES, 1.5)
    history = torch.tensor([[3, 5, 4, 3], [1, 0, 0, 0], [0, 0, 0, 0]])
    scores = torch.rand(3, MOVIES)
    expected = scores + prior.scores(history)
    prior.add_to(scores, history)
    torch.testing.assert_close(scores, expected)


def test_only_the_greatest_shares_are_kept():
    all_shares, greatest = (
        Transitions.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES, max_successors) for max_successors in (None, 3)
    )
    assert greatest.indptr.diff().max() == 3
    for item in range(MOVIES):
        rows = slice(*greatest.indptr[item : item + 2].tolist())
        best = all_shares.shares[slice(*all_shares.indptr[item : item + 2].tolist())].sort(descending=True).values[:3]
        assert greatest.shares[rows].sort(descending=True).values.tolist() == best.tolist()


def test_half_precision_keeps_scores_within_half_a_thousandth():
    counted, history = (
        Transitions.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES),
        torch.tensor([[3, 10, 2], [7, 0, 0]]),
    )
    np.testing.assert_allclose(counted.to_half().scores(history), counted.scores(history), rtol=5e-4, atol=1e-7)


def test_sums_of_transitions_by_hand():
    """Film 0 is followed by 1 and 2, and watched with 2 and 3: of four the two greatest sums remain."""

    def rows(*shares: list[float]) -> Transitions:
        dense = torch.tensor(shares)
        at = dense.nonzero()
        indptr = torch.tensor([0, *np.cumsum(np.bincount(at[:, 0], minlength=4))])
        return Transitions(indptr, at[:, 1].int(), dense[dense > 0])

    empty = [0.0] * 4
    followed, together = (
        rows([0, 0.5, 0.25, 0], empty, empty, empty),
        rows([0, 0, 0.5, 0.125], [0.5, 0, 0, 0], empty, empty),
    )
    both = followed.plus(together, 2)
    assert [both.scores(torch.tensor([[film]]))[0].tolist() for film in (1, 2, 3)] == [
        [0, 0.5, 0.75, 0],
        [0.5, 0, 0, 0],
        empty,
    ]


def test_few_events_count_by_what_the_same_people_watch():
    """Groups of four films are watched by the same people in any order; the transitions of two people know nothing of
    the last one's group."""
    rng = np.random.default_rng(4)
    groups = np.arange(MOVIES).reshape(-1, 4)
    chosen = groups[rng.integers(0, len(groups), 60)]
    items = np.concatenate([rng.permutation(films) for films in chosen])
    viewers = np.repeat(np.arange(len(chosen)), 4)
    prior = TransitionPrior.from_tokens(viewers[:8], items[:8], MOVIES, 1.0)
    ease = ItemWeights.from_tokens(viewers, items, MOVIES)
    history = torch.tensor([[items[-1] + 1]])
    beside = prior.with_item_weights(ease, 1.0).scores(history)[0]
    assert set(beside.topk(3).indices.tolist()) == set(chosen[-1].tolist()) - {int(items[-1])}
    assert not prior.scores(history).any()


@pytest.mark.parametrize("mlp", [False, True])
def test_the_ranker_adds_the_prior(mlp):
    model = untrained(use_mlp_scorer=mlp)
    prior = TransitionPrior.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES, 1.5)
    without_prior, with_prior = Ranker(model, VOCAB), Ranker(model, VOCAB, prior)
    history = [Events.from_ids([101, 109, 102]), Events.from_ids([])]
    plain_states, states = without_prior.encode(history), with_prior.encode(history)
    assert states.shape == (2, with_prior.state_size)
    shares = (
        Transitions.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES, 128)
        .to_half()
        .scores(torch.tensor([[3, 10, 2]]))
    )
    expected = without_prior.score(plain_states, VOCAB.movie_ids.tolist())
    expected[0] += 1.5 * np.log1p(shares[0].numpy() / SMOOTHING)
    np.testing.assert_allclose(with_prior.score(states, VOCAB.movie_ids.tolist()), expected, rtol=1e-4, atol=1e-4)
    for (movie_ids, scores), row in zip(with_prior.top(states, 5), expected, strict=True):
        assert movie_ids.tolist() == VOCAB.movie_ids[np.argsort(-row, kind="stable")[:5]].tolist()
        np.testing.assert_allclose(scores, np.sort(row)[::-1][:5], rtol=1e-4, atol=1e-4)


def test_the_weight_depends_on_the_history_length():
    counted = TransitionPrior.from_tokens(TOKEN_VIEWERS, TOKENS.items - 1, MOVIES, 1.0)
    by_length = counted._replace(weights=torch.arange(transitions.WINDOW + 1, dtype=torch.float32))
    recent = torch.zeros(3, transitions.WINDOW, dtype=torch.long)
    recent[0, 0], recent[1, :4] = 3, torch.tensor([3, 10, 2, 5])
    plain = counted.scores(recent)
    torch.testing.assert_close(by_length.scores(recent), plain * torch.tensor([[1.0], [4.0], [0.0]]))


def test_validation_chooses_the_weight():
    """The films' order is certain and the model untrained: the prior must get weight, unless nothing was counted."""
    without_prior = Ranker(untrained(), VOCAB)
    with_prior = fit_prior(without_prior, TOKENS, SPLIT.ends, SPLIT.validation)
    before, after = (
        evaluate.rank_targets(TOKENS, SPLIT.test, evaluate.ranker_scorer(ranker))
        for ranker in (without_prior, with_prior)
    )
    assert metrics.hit_rate(after, 1) > 0.4 > 0.1 > metrics.hit_rate(before, 1)
    unfitted = fit_prior(Ranker(untrained(), VOCAB), TOKENS, TOKENS.indptr[:-1], SPLIT.validation)
    assert unfitted.prior is None


def test_a_model_folder_stores_the_prior(tmp_path):
    ranker = fit_prior(Ranker(untrained(), VOCAB), TOKENS, SPLIT.ends, SPLIT.validation)
    folder = model_folder.save_model(tmp_path / "v1", ranker.model, VOCAB, FEATURES, {}, ranker.prior)
    loaded = load_ranker(folder)
    states = ranker.encode_tokens(TOKENS, *SPLIT.test)
    np.testing.assert_allclose(loaded.scores(states), ranker.scores(states), rtol=1e-5)
    (folder / model_folder.PRIOR_FILE).write_bytes((folder / model_folder.PRIOR_FILE).read_bytes()[:-5])
    with pytest.raises(model_folder.ModelCorrupt, match="checksum"):
        load_ranker(folder)
