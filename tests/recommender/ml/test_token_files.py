"""Tokens that are mapped from the disk train and count as those in memory do, and hold little memory."""

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from recommender.ml import co_liking, evaluate, token_files, transitions, visits
from recommender.ml.data import Tokens, tokenise
from recommender.ml.ease import ItemWeights
from recommender.ml.ensemble_fitting import first_watch_times
from recommender.ml.popularity import DailyPopularity
from recommender.ml.token_files import open_tokens, release_pages, token_writer, viewer_blocks
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import Transitions
from tests.support.distributed_training import CASES, loss_curve
from tests.support.paired_histories import MOVIES, paired_histories
from tests.support.small_trainer import SPLIT, TOKENS, VOCAB, make_trainer

YEARS = np.full(MOVIES, 1990)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """TOKENS, written in three parts."""
    folder = tmp_path_factory.mktemp("tokens")
    histories, parts = paired_histories(), 3
    edges = np.linspace(0, len(histories.viewers), parts + 1).astype(int)
    with token_writer(folder) as writer:
        for first, below in itertools.pairwise(edges):
            rows = slice(histories.indptr[first], histories.indptr[below])
            part = histories._replace(
                viewers=histories.viewers[first:below],
                timed=histories.timed[first:below],
                indptr=histories.indptr[first : below + 1] - rows.start,
                **{name: getattr(histories, name)[rows] for name in histories._fields[2:7]},
            )
            writer.append(tokenise(part, VOCAB))
    return open_tokens(folder)


@pytest.fixture
def _small_blocks(monkeypatch):
    monkeypatch.setattr(token_files, "BLOCK_TOKENS", 50)


def assert_same(mine, theirs, name):
    """Compare arrays and tensors, and tuples of them."""
    if isinstance(theirs, tuple):
        for own, other in zip(mine, theirs, strict=True):
            assert_same(own, other, name)
    else:
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), err_msg=name)


def test_the_parts_are_the_whole(mapped):
    assert_same(mapped, TOKENS, "tokens")
    assert (mapped.items.dtype, mapped.taste_items.dtype) == (np.int32, np.int32)


@pytest.mark.parametrize("case", ["full", "sampled", "dropout"])
def test_the_losses_are_those_of_tokens_in_memory(mapped, case):
    assert loss_curve(make_trainer(tokens=mapped, **CASES[case])) == loss_curve(make_trainer(**CASES[case]))


def test_in_the_middle_of_an_epoch_it_resumes_with_the_same_batches(mapped, tmp_path):
    whole = loss_curve(make_trainer(**CASES["full"]))
    first = loss_curve(make_trainer(folder=tmp_path, tokens=mapped, **CASES["full"]), stop_at=5)
    rest = loss_curve(
        make_trainer(folder=tmp_path, tokens=mapped, **CASES["full"]), stop_at=len(whole) - 5, resume=True
    )
    np.testing.assert_allclose(first + rest, whole, rtol=1e-6)


@pytest.mark.usefixtures("_small_blocks")
def test_whatever_counts_in_blocks_counts_as_at_once(mapped, monkeypatch):
    def count(tokens):
        training = TrainingTokens(tokens, SPLIT.ends, MOVIES)
        likes = co_liking.fit_co_liking(tokens, YEARS)
        daily = DailyPopularity.from_tokens(tokens, MOVIES, SPLIT.ends)
        return {
            "transitions": tuple(Transitions.from_training(training)),
            "best transitions": tuple(Transitions.from_training(training, 3)),
            "ease": tuple(ItemWeights.from_training(training)),
            "counts": training.counts(),
            "popularity": daily.latest(),
            "likes": tuple(likes),
            "first": first_watch_times(tokens, MOVIES),
            "visits": visits.visit_stops(tokens, SPLIT.test.rows),
            "holdout": evaluate.recent_holdout(tokens, 0.2, 50, np.random.default_rng(0)),
        }

    assert len(list(viewer_blocks(mapped))) > 5
    in_blocks = count(mapped)
    monkeypatch.setattr(token_files, "BLOCK_TOKENS", len(TOKENS.items))
    for name, expected in count(TOKENS).items():
        assert_same(in_blocks[name], expected, name)


@pytest.mark.usefixtures("_small_blocks")
def test_the_cut_of_a_holdout_is_the_quantile_of_the_times():
    rng = np.random.default_rng(5)
    for size, span in ((1, 10), (2, 10), (999, 3), (1_000, 2**33), (1_001, 100_000)):
        tokens = TOKENS._replace(indptr=np.array([0, size // 2, size]), times=rng.integers(-5, span, size))
        for share in (0.0, 0.05, 0.5, 0.95, 1.0):
            assert evaluate._time_quantile(tokens, share) == pytest.approx(np.quantile(tokens.times, share))


def test_the_end_of_a_visit_is_that_of_all_visits():
    found = visits.find_visits(TOKENS)
    rows = np.arange(0, len(TOKENS.items), 3)
    expected = found.stops[np.searchsorted(found.stops, rows, side="right")]
    assert visits.visit_stops(TOKENS, rows).tolist() == expected.tolist()
    assert visits.visit_stops(TOKENS, rows[:0]).tolist() == []


@pytest.mark.skipif(not token_files.resident_file_bytes(), reason="only Linux tells how much of files is in memory")
def test_pages_go_back_beyond_the_limit(tmp_path):
    count = 4_000_000
    tokens = TOKENS._replace(
        indptr=np.array([0, count]),
        items=np.ones(count, np.int32),
        times=np.arange(count),
        stars=np.zeros(count, np.int8),
        timed=np.ones(1, bool),
        taste_indptr=np.zeros(2, np.int64),
        taste_items=np.zeros(0, np.int32),
        taste_weights=np.zeros(0, np.float32),
        taste_seen=np.zeros(count, np.int64),
    )
    with token_writer(tmp_path) as writer:
        writer.append(tokens)
    del tokens
    limit = 8_000_000  # bytes
    for most, is_released in ((float("inf"), False), (limit, True)):
        own = open_tokens(tmp_path, most)
        before = token_files.resident_file_bytes()
        assert int(own.times.sum()) == count * (count - 1) // 2
        held = token_files.resident_file_bytes() - before
        assert held > 3 * limit
        release_pages(own)
        assert (token_files.resident_file_bytes() - before < limit) is is_released
        assert own.times[-1] == count - 1, "it is read again"
        del own  # or the next ones' limit would count its pages
    release_pages(TOKENS)  # in memory


def test_counting_needs_little_memory_of_its_own(monkeypatch):
    """At 25 million tokens a copy of one int64 column is 200 MB."""
    monkeypatch.setattr(token_files, "BLOCK_TOKENS", 10_000)
    viewers, each, movies = 2_000, 150, 500
    rng, count = np.random.default_rng(1), 2_000 * 150
    tokens = Tokens(
        indptr=np.arange(viewers + 1) * each,
        items=rng.integers(1, movies + 1, count).astype(np.int32),
        times=np.sort(rng.integers(0, 10**9, (viewers, each)), axis=1).ravel(),
        stars=np.zeros(count, np.int8),
        timed=np.ones(viewers, bool),
        taste_indptr=np.zeros(viewers + 1, np.int64),
        taste_items=np.zeros(0, np.int32),
        taste_weights=np.zeros(0, np.float32),
        taste_seen=np.zeros(count, np.int64),
    )
    training = TrainingTokens(tokens, tokens.indptr[1:], movies)
    for work, most in (
        (training.counts, 2.0),
        (lambda: evaluate.recent_holdout(tokens, 0.05, 100, np.random.default_rng(0)), 6.0),
        (lambda: first_watch_times(tokens, movies), 2.0),
        (lambda: training.rows_of_items(0, 5), 2.0),
        (lambda: visits.visit_stops(tokens, tokens.indptr[:100]), 2.0),
    ):
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1] / count
        tracemalloc.stop()
        assert peak < most, f"{peak:.1f} bytes a token"


def test_beyond_a_number_of_tokens_or_viewers_every_nth_viewer_is_counted(mapped, monkeypatch):
    def of_every_third():
        rows = [slice(start, stop) for start, stop in zip(TOKENS.indptr[:-1], TOKENS.indptr[1:], strict=True)][::3]
        viewers = np.repeat(np.arange(len(rows)), [rows_of.stop - rows_of.start for rows_of in rows])
        return viewers, np.concatenate([TOKENS.items[rows_of] for rows_of in rows]) - 1

    whole = TrainingTokens(mapped, mapped.indptr[1:], MOVIES)
    assert whole.thin_out(len(TOKENS.items)) is whole
    assert_same(whole.thin_out(len(TOKENS.items) // 3).counts(), np.bincount(of_every_third()[1], minlength=MOVIES), "")
    expected = Transitions.from_tokens(*of_every_third(), MOVIES)
    monkeypatch.setattr(transitions, "MAX_TOKENS", len(TOKENS.items) // 3)
    assert_same(tuple(Transitions.from_training(whole)), tuple(expected), "transitions")

    likes = co_liking._read_likes(mapped)
    monkeypatch.setattr(co_liking, "MAX_VIEWERS", (len(TOKENS.indptr) - 1) // 3)
    kept = co_liking._read_likes(mapped)
    for name, mine, theirs in zip(likes._fields, kept, likes, strict=True):
        assert_same(mine, theirs[likes.viewers % 3 == 0], name)


def test_the_hash_of_tokens_is_that_of_their_content(mapped):
    hashed = token_files.hash_tokens(mapped, SPLIT.ends)
    copy = Tokens(*map(np.array, mapped))
    assert token_files.hash_tokens(copy, SPLIT.ends) == hashed
    assert token_files.hash_tokens(copy, SPLIT.ends + 1) != hashed
    copy.times[-1] += 1
    assert token_files.hash_tokens(copy, SPLIT.ends) != hashed


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="this kernel has no huge pages")
def test_one_look_at_a_file_maps_no_huge_page(mapped):
    maps = Path("/proc/self/smaps").read_text().split("/items.bin")[1]
    flags = next(line for line in maps.splitlines() if line.startswith("VmFlags:"))
    assert " nh" in flags
