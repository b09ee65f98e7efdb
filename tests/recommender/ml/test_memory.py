"""What a night holds at 25 million events grows with these: bytes of numpy's arrays by event, at their peak."""

import tracemalloc
from collections.abc import Callable

import numpy as np

from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.transitions import Transitions
from recommender.ml.vocab import Vocab

EVENTS, VIEWERS, FILMS = 200_000, 1_000, 5_000
RANDOM = np.random.default_rng(1)
OWNER, ITEMS = np.repeat(np.arange(VIEWERS), EVENTS // VIEWERS), RANDOM.integers(0, FILMS, EVENTS)


def most_bytes(work: Callable[[], object]) -> float:
    """By event, what `work` returns included."""
    tracemalloc.start()
    try:
        kept = work()
        return tracemalloc.get_traced_memory()[1] / EVENTS if kept is not None else 0
    finally:
        tracemalloc.stop()


def test_tokens_are_made_with_little_more_than_they_hold():
    events = Events(
        movie_ids=ITEMS.astype(np.int32),
        times=np.arange(EVENTS),
        kinds=np.full(EVENTS, RATING, np.int8),
        ratings=(RANDOM.integers(1, 11, EVENTS) / 2).astype(np.float32),
        completions=np.full(EVENTS, np.nan, np.float32),
    )
    histories, vocab = Histories.from_table(OWNER, events), Vocab(np.arange(FILMS))
    assert most_bytes(lambda: tokenise(histories, vocab)) < 60


def test_counting_transitions_holds_few_copies_of_the_pairs():
    """Ten pairs an event."""
    assert most_bytes(lambda: Transitions.from_tokens(OWNER, ITEMS, FILMS)) < 600
