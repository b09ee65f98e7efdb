"""Peak memory of numpy's arrays per event: at 25 million events the nightly job depends on it."""

import tracemalloc
from collections.abc import Callable

import numpy as np

from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.transitions import Transitions
from recommender.ml.vocab import Vocab

EVENTS, VIEWERS, MOVIES = 200_000, 1_000, 5_000
RANDOM = np.random.default_rng(1)
TOKEN_VIEWERS, ITEMS = np.repeat(np.arange(VIEWERS), EVENTS // VIEWERS), RANDOM.integers(0, MOVIES, EVENTS)


def peak_bytes(work: Callable[[], object]) -> float:
    """Return the peak per event, including the result of `work`."""
    tracemalloc.start()
    try:
        result = work()
        assert result is not None  # alive until the peak is read
        return tracemalloc.get_traced_memory()[1] / EVENTS
    finally:
        tracemalloc.stop()


def test_tokenise_needs_little_more_memory_than_its_result():
    events = Events(
        movie_ids=ITEMS.astype(np.int32),
        times=np.arange(EVENTS),
        kinds=np.full(EVENTS, RATING, np.int8),
        ratings=(RANDOM.integers(1, 11, EVENTS) / 2).astype(np.float32),
        completions=np.full(EVENTS, np.nan, np.float32),
    )
    histories, vocab = Histories.from_table(TOKEN_VIEWERS, events), Vocab(np.arange(MOVIES))
    assert peak_bytes(lambda: tokenise(histories, vocab)) < 60


def test_counting_transitions_holds_few_copies_of_the_pairs():
    """There are ten pairs per event."""
    assert peak_bytes(lambda: Transitions.from_tokens(TOKEN_VIEWERS, ITEMS, MOVIES)) < 600
