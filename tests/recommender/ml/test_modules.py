"""Formulas of the modules, against numbers computed by hand or by plain code."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from catalog.models import WatchEvent
from recommender.ml import attention, data, metrics
from recommender.ml.attention import bias_lookup, gated_attention
from recommender.ml.batches import (
    UNSEEN,
    Windows,
    bucket_by_length,
    collate,
    first_seen_index,
    gap_buckets,
    last_windows,
    training_windows,
)
from recommender.ml.blocks import time_buckets
from recommender.ml.config import GAP_BUCKETS, PRESETS, ModelConfig, get_preset
from recommender.ml.data import Events, Histories, tokenise
from recommender.ml.losses import SeenMask, softmax_loss
from recommender.ml.ragged import concatenate_ranges, concatenate_tensor_ranges
from recommender.ml.vocab import Vocab
from recommender.training.options import NightlyOptions
from tests.support.paired_histories import paired_histories


def test_kinds_are_those_of_the_catalogue():
    """The model knows the first six; what the others say is in what holds of them."""
    known = [kind for kind in WatchEvent.Kind if kind <= WatchEvent.Kind.WATCHLIST]
    assert [getattr(data, kind.name) for kind in known] == [kind.value for kind in known]


def test_ranks_exclude_seen_films_and_ties_give_the_middle_rank():
    scores = np.array([[0.9, 0.5, 0.7, 0.5, 0.1]], np.float32)
    assert metrics.compute_ranks(scores.copy(), np.array([1]), [np.array([0])]).tolist() == [2.5]
    assert metrics.compute_ranks(np.zeros((1, 5), np.float32), np.array([1]), [np.empty(0, np.int64)]).tolist() == [3.0]


def test_scores_that_are_not_finite_raise():
    with pytest.raises(FloatingPointError):
        metrics.compute_ranks(np.full((1, 5), np.nan, np.float32), np.array([1]), [np.empty(0, np.int64)])


def test_metrics_by_hand():
    ranks = np.array([1.0, 3.0, 11.0])
    assert metrics.hit_rate(ranks, 10) == pytest.approx(2 / 3)
    assert metrics.ndcg(ranks, 10) == pytest.approx((1 + 1 / np.log2(4)) / 3)
    assert metrics.mrr(ranks) == pytest.approx((1 + 1 / 3 + 1 / 11) / 3)


def test_bootstrap_tells_a_difference_from_noise():
    rng = np.random.default_rng(2)
    a = rng.random(500)
    assert metrics.paired_bootstrap(a + 0.1, a)[1] > 0
    _, low, high = metrics.paired_bootstrap(a, rng.permutation(a))
    assert low < 0 < high


@pytest.mark.parametrize("mask_seen", [False, True])
@pytest.mark.parametrize("log_q_correction", [0.0, 1.3])
def test_loss_and_gradient_are_those_of_cross_entropy(log_q_correction, mask_seen):
    torch.manual_seed(1)
    users = (F.normalize(torch.randn(1500, 16), dim=1) * 20).requires_grad_()
    items = F.normalize(torch.randn(90, 16), dim=1).requires_grad_()
    target_ids = torch.randint(0, 90, (1500,))
    first_seen = torch.randint(0, 200, (15, 90), dtype=torch.int16)
    windows, positions = torch.arange(1500) // 100, (torch.arange(1500) % 100).to(torch.int16)
    seen = SeenMask(first_seen, windows, positions) if mask_seen else None
    loss = softmax_loss(users, items[target_ids], items, target_ids, seen=seen, log_q_correction=log_q_correction)
    gradients = torch.autograd.grad(loss, (users, items))
    logits = users @ items.T
    excluded = first_seen[windows] <= positions[:, None] if mask_seen else logits.isnan()
    corrected = logits.masked_fill(excluded, -torch.inf) + log_q_correction
    corrected = corrected.scatter(1, target_ids[:, None], logits.gather(1, target_ids[:, None]))
    reference = F.cross_entropy(corrected, target_ids)
    for gradient, expected in zip(gradients, torch.autograd.grad(reference, (users, items)), strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(loss, reference)


def test_sampled_negatives_estimate_the_full_softmax():
    torch.manual_seed(1)
    users, items = torch.randn(200, 8), torch.randn(2000, 8)
    target_ids = torch.randint(0, 2000, (200,))
    full = softmax_loss(users, items[target_ids], items, target_ids)
    sample = torch.randperm(2000)[:500]
    no_columns = torch.full_like(target_ids, -1)
    sampled = softmax_loss(
        users, items[target_ids], items[sample], no_columns, log_q_correction=float(np.log(1999 / 500))
    )
    assert float(sampled) == pytest.approx(float(full), rel=0.05)


@pytest.mark.parametrize("tile", [100, 7])
def test_attention_and_its_gradients_are_those_of_the_formula(tile, monkeypatch):
    monkeypatch.setattr(attention, "QUERY_TILE", tile)
    torch.manual_seed(1)
    q, k, v = (torch.randn(9, 2, 24, 8, dtype=torch.float64, requires_grad=True) for _ in range(3))
    position = torch.randn(2, 24, 24, dtype=torch.float64, requires_grad=True)
    table = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    buckets = torch.randint(0, 5, (9, 24, 24), dtype=torch.int32)
    inputs = (q, k, v, position, table)
    result = gated_attention(q, k, v, position + bias_lookup(table, buckets))
    scores = q @ k.transpose(2, 3) + position + table[:, buckets.long()].transpose(0, 1)
    reference = F.silu(scores).tril() @ v
    torch.testing.assert_close(result, reference)
    last_queries = gated_attention(q[:, :, -9:], k, v, (position + bias_lookup(table, buckets))[:, :, -9:])
    torch.testing.assert_close(last_queries, reference[:, :, -9:])
    seed = torch.randn_like(reference)
    for gradient, expected_gradient in zip(
        torch.autograd.grad(result, inputs, seed), torch.autograd.grad(reference, inputs, seed), strict=True
    ):
        torch.testing.assert_close(gradient, expected_gradient)


def test_the_bucket_of_a_gap_does_not_depend_on_its_age():
    years = 8 * 365 * 86_400
    times = torch.tensor([[0, 1_000, 1_005, 1_005 + years]])
    tokens = tokenise(paired_histories(), Vocab(np.arange(100, 140)))
    batch = collate(tokens, Windows(np.array([0]), np.array([0]), np.array([4])), ModelConfig())
    batch.times = torch.cat([batch.times[:, :-4] * 0, times], dim=1)
    buckets = time_buckets(batch)[0, -4:, -4:]
    assert buckets[2, 1].item() == gap_buckets(np.array([5]))[0]
    assert buckets[3, 2].item() == gap_buckets(np.array([years]))[0]


def test_gaps_fall_into_ordered_buckets_and_are_clamped():
    buckets = gap_buckets(np.array([-5, 0, 1, 60, 3600, 86_400, 10**12]))
    assert buckets[0] == buckets[1] == 0
    assert buckets[2] == 1
    assert buckets[-1] == GAP_BUCKETS - 1
    assert (np.diff(buckets[1:]) > 0).all()


def test_which_events_enter_sequence_and_taste():
    kinds = [data.WATCH, data.RATING, data.LIKE, data.RATING, data.NOT_INTERESTED, data.RATING, data.WATCH]
    movie_ids = [10, 10, 11, 12, 13, 14, 99]
    stars = [np.nan, 4.5, np.nan, 5.0, np.nan, 1.0, np.nan]
    events = Events(
        np.array(movie_ids, np.int32), np.arange(7), np.array(kinds, np.int8), np.array(stars, np.float32), None
    )
    tokens = tokenise(Histories.from_events([events]), Vocab(np.arange(10, 15)))
    assert (tokens.items - 1 + 10).tolist() == [10, 12, 14]  # the rating of 10 annotates its watch; 99 is not known
    assert tokens.stars.tolist() == [9, 10, 2]
    assert (tokens.taste_items - 1 + 10).tolist() == [10, 10, 11, 12, 13, 14]
    assert tokens.taste_weights.tolist() == [0.5, 1, 1, 1, -1, -0.5]
    assert tokens.taste_seen.tolist() == [1, 4, 6]


def test_a_batch_gathers_the_taste_that_its_tokens_know_and_no_more():
    """The six positions of padding know no taste; they must not pull in all older rows."""
    kinds = np.full(60, data.RATING, np.int8)
    events = Events(np.arange(1, 61, dtype=np.int32), np.arange(60), kinds, np.full(60, 5, np.float32), None)
    tokens = tokenise(Histories.from_events([events]), Vocab(np.arange(1, 61)))
    window = last_windows(tokens, np.array([0]), np.array([50]), 10)
    batch = collate(tokens, window, ModelConfig(max_len=10, taste_len=4))
    assert batch.items.shape[1] == 16
    assert batch.taste[0].tolist() == list(range(38, 51))
    assert batch.taste_seen[0].tolist() == [0] * 6 + list(range(4, 14))


def test_first_seen_index_by_hand():
    watched = [np.array(movie_ids_of_viewer, np.int32) for movie_ids_of_viewer in ([5, 3, 3, 1, 5, 2], [4, 1])]
    tokens = tokenise(Histories.from_events([Events(movie_ids) for movie_ids in watched]), Vocab(np.arange(1, 6)))
    windows = Windows(np.array([0, 0, 1]), np.array([0, 3, 6]), np.array([3, 5, 7]))
    first = first_seen_index(tokens, windows, np.array([1, 3, 4, 5]))
    assert first.tolist() == [[UNSEEN, 2, UNSEEN, 1], [1, 0, UNSEEN, 0], [UNSEEN, UNSEEN, 1, UNSEEN]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=20), st.integers(1, 25), st.integers(0, 1000))
def test_every_token_but_the_first_is_a_target_once(lengths, max_len, seed):
    rng = np.random.default_rng(seed)
    histories = [rng.integers(1, 9, n).astype(np.int32) for n in lengths]
    tokens = tokenise(Histories.from_events([Events(movie_ids) for movie_ids in histories]), Vocab(np.arange(1, 9)))
    windows = training_windows(tokens, tokens.indptr[1:], max_len, rng)
    targets = [
        row for start, stop in zip(windows.starts, windows.stops, strict=True) for row in range(start + 1, stop + 1)
    ]
    expected = [row for n, end in zip(lengths, tokens.indptr[1:], strict=True) for row in range(end - n + 1, end)]
    assert sorted(targets) == expected
    assert (windows.lengths() <= max_len).all()
    groups = list(bucket_by_length(windows, 64, rng))
    assert sorted(np.concatenate([np.empty(0, int), *groups])) == list(range(len(windows.starts)))


def test_a_preset_is_found_by_its_former_name():
    assert get_preset("brief") is PRESETS["basic"]
    assert NightlyOptions.from_parameters({"preset": "brief"}) == NightlyOptions(preset="basic")
    with pytest.raises(ValueError, match="there are: default, sasrec, basic"):
        get_preset("unknown")


def test_paired_histories_are_pairs():
    histories = paired_histories()
    assert (histories.movie_ids[1::2] == histories.movie_ids[::2] + 1).all()


@pytest.mark.parametrize(("starts", "stops"), [([4, 0, 7], [6, 0, 10]), ([], []), ([3], [3])])
def test_concatenated_ranges_by_hand(starts, stops):
    rows = [row for start, stop in zip(starts, stops, strict=True) for row in range(start, stop)]
    indptr = [0, *np.cumsum(np.subtract(stops, starts).astype(int)).tolist()]
    arrays = concatenate_ranges(np.array(starts, np.int64), np.array(stops, np.int64))
    tensors = concatenate_tensor_ranges(torch.tensor(starts, dtype=torch.int64), torch.tensor(stops, dtype=torch.int64))
    for result in (arrays, tensors):
        assert [part.tolist() for part in result] == [rows, indptr]
