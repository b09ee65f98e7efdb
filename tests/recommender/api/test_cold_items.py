"""A film that came after the training stands in personal lists by its genres, people and decade, at once."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.selectors import catalogue_table
from recommender import cache, registry
from recommender.ml.config import get_preset, override
from recommender.ml.data import Histories, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import save_model
from recommender.ml.ranker import Ranker, load_ranker
from recommender.ml.train import Trainer
from recommender.ml.vocab import Vocab
from recommender.movies.features import cold_items
from tests.support.api import recommended_ids
from tests.support.cast import ADA, CLEO
from tests.support.tiny_model import (
    INVENTED,
    TASTES,
    UNKNOWN_TO_MODEL,
    VOCABULARY,
    clear_caches,
)
from tests.support.tiny_training import simulated_histories

SPACE, CRIME = sorted(TASTES["Sci-Fi"]), TASTES["Crime"]


@pytest.fixture(scope="module")
def reading_folder():
    """A model of the default's kind, which reads metadata."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    shape = override(
        get_preset("default"),
        model={"d_model": 16, "d_item": 32, "layers": 1, "taste_len": 0},
        train={"epochs": 6, "batch_positions": 2000, "lr": 1e-2, "warmup_steps": 5, "forget_id": 0.3},
    )
    of = {movie: [f"genre:{taste}"] for taste in TASTES for movie in TASTES[taste] + INVENTED[taste]}
    vocab, features = Vocab(np.array(VOCABULARY)), build_features([of.get(movie, []) for movie in VOCABULARY])
    tokens = tokenise(Histories.from_events(simulated_histories()), vocab)
    net = TransformerRecModel(len(vocab), shape.model, features)
    Trainer(net, tokens, tokens.indptr[1:], shape, device=torch.device("cpu")).run()
    return save_model(Path(settings.MODEL_STORE) / "reads", net, vocab, features, {"metrics": {}})


@pytest.fixture
def ranker(transactional_db, more_movies, reading_folder):
    clear_caches()
    registry.register(reading_folder, preset="default", movies=len(VOCABULARY))
    registry.activate("reads", "for the tests")
    yield load_ranker(reading_folder)
    clear_caches()


def place(body, movie=UNKNOWN_TO_MODEL):
    return recommended_ids(body).index(str(movie)) if str(movie) in recommended_ids(body) else None


def test_it_is_ranked_where_its_genre_belongs(api, ranker):
    ada, cleo = (api.get(f"/recommend?user_id={viewer}&top_k=70") for viewer in (ADA, CLEO))

    assert ada["source"] == "model"
    assert place(ada) < 30 < place(cleo), "space adventures for Ada, crime for Cleo"
    scores = [item["score"] for item in ada["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert place(api.get(f"/recommend?user_id={ADA}&top_k=70&exclude={UNKNOWN_TO_MODEL}")) is None
    assert place(api.get(f"/recommend?user_id={ADA}&top_k=70&explain=true&diversity=0.5")) is not None


def test_a_minute_after_it_was_added(api, site, ranker):
    def space():
        return recommended_ids(api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Sci-Fi"], "final_k": 12}))

    before = space()
    created = site.post("/movies", {"title": "Newer Still", "year": 2025, "genres": ["Sci-Fi"]}, expect=201)

    assert [movie for movie in space() if movie != created["movie_id"]] == before[:11]
    assert created["movie_id"] in recommended_ids(
        api.post("/recommend", {"user_id": ADA, "history": SPACE[:3], "top_k": 40})
    )

    site.patch(f"/movies/{created['movie_id']}", {"published": False})
    assert space() == before


def test_with_a_text_for_a_key_it_costs_a_stored_list_no_query(api, site, ranker):
    site.post("/movies", {"movie_id": "sku-1", "title": "Newer Still", "year": 2025, "genres": ["Sci-Fi"]}, expect=201)
    asked = f"/recommend?user_id={ADA}&top_k=30"
    api.get(asked)
    with CaptureQueriesContext(connection) as queries:
        body = api.get(asked)
    assert (body["source"], [query["sql"] for query in queries]) == ("cache", [])
    assert "sku-1" in [movie["movie_id"] for movie in body["recommendations"]]


def test_the_batch_and_the_live_list_have_it_alike(api, ranker):
    live = api.get(f"/recommend?user_id={ADA}&top_k=70")
    cache.erase_viewer(ADA)
    call_command("batch")

    stored = api.get(f"/recommend?user_id={ADA}&top_k=70")
    assert (stored["source"], recommended_ids(stored)) == ("cache", recommended_ids(live))


def test_a_viewer_who_watched_it_does_not_get_it(api, site, ranker):
    site.post("/events", {"user_id": ADA, "movie_id": UNKNOWN_TO_MODEL, "kind": "watch"})
    assert place(api.get(f"/recommend?user_id={ADA}&top_k=70")) is None


def test_every_other_personal_call_has_it_or_does_without(api, site, ranker):
    listed = site.post("/batch/recommend", {"user_histories": {str(ADA): [], str(CLEO): []}, "top_k": 70})
    assert str(UNKNOWN_TO_MODEL) in json.dumps(listed)
    group = api.post("/recommend", {"user_ids": [ADA, CLEO], "top_k": 30})
    assert (group["source"], place(group)) == ("model", None), "a night has to learn of it first"
    home = api.get(f"/home?user_id={ADA}&rows=6&row_length=20")
    assert any(str(UNKNOWN_TO_MODEL) in json.dumps(row["films"]) for row in home["rows"])


def test_its_vector_is_that_of_an_unwatched_movie(ranker):
    """By hand: the metadata's part alone, and the best k of both kinds by all scores."""
    new = cold_items(catalogue_table(), ranker)
    assert new.movie_ids.tolist() == [UNKNOWN_TO_MODEL]
    parts = ranker.model.items.parts.weight[list(ranker.feature_names).index("genre:Sci-Fi")].detach()
    np.testing.assert_allclose(new.vectors[0], parts / parts.norm(), atol=1e-3)
    states = ranker.encode(simulated_histories(viewers=9, seed=5))
    exclude = [np.array([UNKNOWN_TO_MODEL]) if row == 2 else np.array(SPACE) for row in range(9)]
    with_it = ranker.top(states, 40, None, exclude, new)
    for row, (ids, scores) in enumerate(with_it):
        all_ids = np.append(ranker.movie_ids, UNKNOWN_TO_MODEL)
        own = float(states[row, : ranker.width] @ new.vectors[0].numpy())
        all_scores = np.append(ranker.scores(states[row : row + 1])[0], own)
        all_scores[np.isin(all_ids, exclude[row])] = -np.inf
        order = np.argsort(-all_scores, kind="stable")[:40]
        assert ids.tolist() == all_ids[order].tolist()
        np.testing.assert_allclose(scores, all_scores[order], rtol=1e-5)


def test_a_model_without_metadata_or_a_film_without_known_features_has_none(ranker, model_folder):
    assert not len(cold_items(catalogue_table(), load_ranker(model_folder)).movie_ids)
    assert not len(ranker.cold_items(np.array([7_000]), [["genre:Opera"]]).movie_ids)
    assert not len(Ranker(ranker.model, ranker.vocab).cold_items(np.array([7_000]), [["genre:Sci-Fi"]]).movie_ids)
