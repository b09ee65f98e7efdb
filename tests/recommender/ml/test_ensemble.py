"""The ensemble: its parts by hand, what they add to every score, and its fit on validation."""

import numpy as np
import pytest
import torch

from recommender.ml import evaluate, metrics, model_folder
from recommender.ml.baselines import Ease
from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.ease import EASE_LAMBDA, ItemWeights, count_shared_viewers, fit_ease
from recommender.ml.ensemble import BOUND, NUM_PARTS, SMOOTHING, film_fields, smoothed_share, viewer_traits
from recommender.ml.ensemble_fitting import MIN_VISITS, PRIOR_WEIGHTS, fit_ensemble
from recommender.ml.evaluate import Targets
from recommender.ml.popularity import DAY, NUM_COUNTS, Popularity
from recommender.ml.ranker import load_ranker
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import last_items, sum_rows
from tests.support.daily_hits import (
    ENDS,
    FEATURES,
    MOVIES,
    POPULARITY,
    START,
    TEST,
    TOKENS,
    VALIDATION,
    VOCAB,
    untrained,
)
from tests.support.popular_model import fixed_ensemble

WEIGHTS = [0.5, 2.0, 0.1, 0.0, 1.0, 0.0, 0.25, 0.5]  # of EASE, six counts and the smoothed share
COUNTS = torch.from_numpy(POPULARITY.latest())
EASE = ItemWeights.from_tokens(np.repeat(np.arange(len(TOKENS.indptr) - 1), TOKENS.lengths()), TOKENS.items - 1, MOVIES)
BIAS = torch.arange(MOVIES) / 10


def ensemble_with(weights):
    return fixed_ensemble(weights, MOVIES, counts=COUNTS, bias=BIAS, ease=EASE)


def test_traits_of_a_viewer_by_hand():
    """Two films, watched 0 and 9 days after anybody's first watch, and asked 23 hours after the second."""
    histories = Histories.from_table(
        np.array([0, 0]),
        Events(
            np.array([100, 101], np.int32),
            np.array([START * DAY, (START + 9) * DAY]),
            np.full(2, RATING, np.int8),
            np.full(2, 4.0, np.float32),
            np.full(2, np.nan, np.float32),
        ),
    )
    tokens = tokenise(histories, VOCAB)
    first_watched = np.full(MOVIES + 1, START * DAY)
    now = np.array([(START + 9) * DAY + 23 * 3_600])
    both, unknown = (
        viewer_traits(tokens, np.array([0]), np.array([2]), asked_at, first_watched)[0] for asked_at in (now, None)
    )
    expected = [np.log(3), 1, (np.log1p(0) + np.log1p(9)) / 2, 1, 1, np.log(24)]
    np.testing.assert_allclose(both, expected, rtol=1e-5)
    np.testing.assert_allclose(unknown, [*expected[:4], 0, 0], rtol=1e-5)
    untimed = tokens._replace(timed=np.zeros(1, bool))
    np.testing.assert_allclose(
        viewer_traits(untimed, np.array([0]), np.array([2]), None, first_watched)[0], [np.log(3), 0, 0, 0, 0, 0]
    )


def test_ease_by_hand():
    """Two viewers of films 0 and 1, one of film 2: (X'X + I)^-1 inverted on paper."""
    training = TrainingTokens.from_columns(np.array([3, 3, 5, 5, 9]), np.array([0, 1, 0, 1, 2]), 4)
    gram = count_shared_viewers(training)
    films, weights = gram.films, fit_ease(gram, ridge=1.0)
    assert films.tolist() == [0, 1, 2, 3]
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = 2 / 3
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_served_ease_is_the_baseline():
    """All weights are kept on so few films, but for those below 0."""
    viewers = np.array([0, 1, 2, 3])
    history = torch.from_numpy(last_items(TOKENS, viewers, ENDS[viewers], 200))
    gram = count_shared_viewers(TrainingTokens(TOKENS, TOKENS.indptr[1:], MOVIES))
    dense = Ease(gram, MOVIES, EASE_LAMBDA, None)
    dense.weights = dense.weights.clip(min=0)
    expected = dense(TOKENS, Targets(viewers, ENDS[viewers]))
    np.testing.assert_allclose(EASE.scorer()(history), expected, rtol=1e-4, atol=1e-5)
    one_by_one = sum_rows(EASE.indptr, EASE.columns, EASE.weights, history, torch.ones(200))
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-4, atol=1e-5)  # as where MKL is missing


def test_a_share_of_few_watches_is_smoothed():
    """A film with all 10 watches of the week beside one with as many as it in the year: by hand, window by window."""
    counts = torch.tensor([[0.0, 0, 10, 10, 10, 10], [0, 0, 0, 0, 990, 990]])
    totals = counts.sum(0)
    share = torch.tensor([11 / 1001, 991 / 1001])
    for window in (4, 3, 2):
        share = (counts[:, window] + SMOOTHING * share) / (totals[window] + SMOOTHING)
    np.testing.assert_allclose(smoothed_share(counts, totals), share, rtol=1e-6)
    assert smoothed_share(counts, totals)[1] > smoothed_share(counts, totals)[0]
    assert torch.equal(film_fields(counts, totals)[-1], smoothed_share(counts, totals).log())


@pytest.mark.parametrize("mlp", [False, True])
def test_the_ranker_adds_the_parts(mlp):
    plain = untrained(use_mlp_scorer=mlp)
    popular = plain.with_ensemble(ensemble_with(WEIGHTS))
    history = [Events.from_ids([101, 109, 102]), Events.from_ids([])]
    states = popular.encode(history)
    assert states.shape == (2, popular.state_size)
    ease = torch.stack([EASE.scorer()(torch.tensor([[3, 10, 2]]))[0], torch.zeros(MOVIES)])
    added = WEIGHTS[0] * torch.log1p(ease.clamp(min=0) / 0.01) - BIAS
    added = added + torch.tensor(WEIGHTS[1:]) @ film_fields(COUNTS, COUNTS.sum(0))
    expected = plain.score(plain.encode(history), VOCAB.movie_ids.tolist()) + added.numpy()
    np.testing.assert_allclose(popular.score(states, VOCAB.movie_ids.tolist()), expected, rtol=1e-4, atol=1e-3)
    for (movie_ids, scores), row in zip(popular.top(states, 5), expected, strict=True):
        assert movie_ids.tolist() == VOCAB.movie_ids[np.argsort(-row, kind="stable")[:5]].tolist()
        np.testing.assert_allclose(scores, np.sort(row)[::-1][:5], rtol=1e-4, atol=1e-3)


def test_within_a_visit_the_model_ranks_alone():
    plain = untrained()
    popular = plain.with_ensemble(ensemble_with(WEIGHTS))
    viewers, stops = np.array([0, 1]), ENDS[:2]
    last = TOKENS.times[stops - 1]
    for seconds, alone in ((3_600, True), (3_700, False), (-1, True)):
        asked_at = last + seconds
        ours, its = (r.scores(r.encode_tokens(TOKENS, viewers, stops, asked_at)) for r in (popular, plain))
        assert np.allclose(ours, its, atol=1e-4) == alone


def test_newer_counts_need_no_new_model():
    ranker = untrained().with_ensemble(fixed_ensemble([0.0, 1.0, *[0.0] * 6], MOVIES, counts=COUNTS))
    counts = np.zeros((2, NUM_COUNTS), np.float32)
    counts[:, 0] = 50, 1_000  # of a film of the model, and of one that it does not know
    risen = ranker.with_popularity(Popularity(np.array([120, 999], np.int32), counts))
    states = ranker.encode([Events.from_ids([101, 109])])
    plain, added = (
        r.score(states, [120])[0, 0] - r.score(states, [121])[0, 0]
        for r in (ranker.with_popularity(Popularity(np.array([999], np.int32), counts[:1])), risen)
    )
    assert added - plain == pytest.approx(np.log1p(50), rel=1e-3)
    cold = ranker.cold_items(np.array([999], np.int32), [["genre:Drama"]])
    before, after = (r.cold_scores(states, cold)[0, 0] for r in (ranker, risen))
    assert after - before == pytest.approx(np.log1p(1_000), rel=1e-3)
    [(movie_ids, _)] = risen.top(states, 40, cold_items=cold)
    assert 999 in movie_ids.tolist()


def test_a_model_folder_stores_the_ensemble(tmp_path):
    ranker = untrained().with_ensemble(ensemble_with(WEIGHTS))
    folder = model_folder.save_model(tmp_path / "v1", ranker.model, VOCAB, FEATURES, {}, ensemble=ranker.ensemble)
    states = ranker.encode_tokens(TOKENS, TEST.viewers, TEST.starts)
    np.testing.assert_allclose(load_ranker(folder).scores(states), ranker.scores(states), rtol=1e-5)
    short = ranker.ensemble._replace(counts=torch.zeros(3, NUM_COUNTS))
    model_folder.save_model(tmp_path / "v2", ranker.model, VOCAB, FEATURES, {}, ensemble=short)
    with pytest.raises(model_folder.ModelCorrupt, match="ensemble"):
        load_ranker(tmp_path / "v2")


def test_the_fit_finds_that_viewers_follow_the_day():
    """The model is untrained; what everybody watched yesterday tells most of what they watch today."""
    plain = untrained()
    fitted = fit_ensemble(plain, TOKENS, ENDS, VALIDATION, POPULARITY)
    targets = Targets(TEST.viewers, TEST.starts)
    before, after = (
        metrics.ndcg(evaluate.rank_targets(TOKENS, targets, evaluate.ranker_scorer(ranker, "unknown", POPULARITY)), 10)
        for ranker in (plain, fitted)
    )
    assert after > 0.4 > 3 * before
    again = fit_ensemble(untrained(), TOKENS, ENDS, VALIDATION, POPULARITY)
    for name, tensor in again.ensemble.to_tensors().items():
        assert torch.equal(tensor, fitted.ensemble.to_tensors()[name])  # a seed's model can be made again


def test_the_bias_is_the_mean_score_and_weights_are_bounded():
    fitted = fit_ensemble(untrained(), TOKENS, ENDS, VALIDATION, POPULARITY)
    ours = fitted.ensemble
    scores = untrained().scores(untrained().encode_tokens(TOKENS, VALIDATION.viewers, VALIDATION.starts))
    np.testing.assert_allclose(ours.bias, scores.mean(0), atol=1e-3)
    weights = ours.viewer_weights(TOKENS, TEST.viewers, TEST.starts, None)
    assert weights.shape == (len(TEST.viewers), NUM_PARTS)
    relative = (ours.log_weights[1:] - ours.log_weights[0]).exp().numpy()
    np.testing.assert_allclose(weights[:, 1], relative[0], rtol=1e-4)
    assert (weights[:, 2:] <= relative[1:] * np.exp(BOUND) * 1.001).all()
    assert (weights[:, 2:] >= relative[1:] * np.exp(-BOUND) * 0.999).all()
    assert weights[:, 2:].std(0).max() > 0
    assert len(PRIOR_WEIGHTS) == NUM_PARTS


def test_too_few_visits_leave_the_ranker_as_it_is():
    few = VALIDATION.select(np.arange(MIN_VISITS // 4))
    plain = untrained()
    assert fit_ensemble(plain, TOKENS, ENDS, few, POPULARITY) is plain
    assert fit_ensemble(plain, TOKENS, ENDS, few.select(np.empty(0, int)), POPULARITY) is plain
