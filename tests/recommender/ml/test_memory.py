"""Memory: the peak of numpy's arrays per event, on which the nightly job depends at 25 million events; and what a model
takes that serves, told before it is trained."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from recommender.ml.config import change_fields, get_preset, parse_recipe
from recommender.ml.data import RATING, Events, Histories, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import ID_WEIGHTS, load_model, save_model, serving_bytes
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


@pytest.mark.parametrize("films", [300, 9_000])  # with a shortlist and without
@pytest.mark.parametrize(
    "text", ["default", "basic", "default max_len=100 use_mlp_scorer=true", "default d_model=256 heads=4 d_item=0"]
)
def test_what_a_model_takes_that_serves_is_told_by_its_recipe(tmp_path, text, films):
    recipe = parse_recipe(text)
    config = change_fields(get_preset(recipe.preset), recipe.changes).model
    features = build_features([[f"genre:{film % 40}"] for film in range(films)])
    model = TransformerRecModel(films, config, features)
    loaded = load_model(save_model(tmp_path / "model", model, Vocab(np.arange(1, films + 1)), features, {}))
    weights = sum(tensor.nbytes for name, tensor in loaded.model.state_dict().items() if name != ID_WEIGHTS)
    table, norms, score_norms, shortlist = loaded.vectors
    vectors = sum(tensor.nbytes for tensor in (table, norms, score_norms, *(shortlist or ())))
    assert serving_bytes(config, films, len(features.names)) == pytest.approx(weights + vectors, rel=0.01)
