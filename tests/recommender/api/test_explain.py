"""Why a film is listed: the watched film whose absence lowers its score most, over HTTP and with the real model."""

import pytest

from catalog.models import Viewer, WatchEvent
from catalog.services import record_events
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    AMELIE,
    BEN,
    EMPIRE,
    JEDI,
    MATRIX,
    MORNING,
    NEMO,
    RAIDERS,
    STAR_WARS,
    TOY_STORY,
    watch_event,
)
from tests.support.tiny_model import UNKNOWN_TO_MODEL

HISTORY = [AMELIE, NEMO, STAR_WARS, EMPIRE, TOY_STORY, JEDI]


def posted(history, **more):
    return {"history": [str(movie) for movie in history], "top_k": 60, **more}


def scores(body):
    return {movie["movie_id"]: movie["score"] for movie in body["recommendations"]}


def test_without_the_named_film_the_score_is_lower_by_its_effect(api, model):
    movies = api.post("/recommend", posted(HISTORY, explain=True))["recommendations"]
    assert sum(bool(movie["because"]) for movie in movies) > len(movies) / 2
    assert all({item["movie_id"] for item in movie["because"]} <= set(map(str, HISTORY)) for movie in movies)
    first = next(movie for movie in movies if movie["because"])
    named = first["because"][0]
    rest = [movie for movie in HISTORY if str(movie) != named["movie_id"]]
    without = scores(api.post("/recommend", posted(rest)))
    assert first["score"] - without[first["movie_id"]] == pytest.approx(named["effect"], abs=2e-3)
    others = [
        scores(api.post("/recommend", posted([movie for movie in HISTORY if movie != other])))[first["movie_id"]]
        for other in rest
    ]
    assert all(without[first["movie_id"]] <= score + 2e-3 for score in others), "no other film matters more"


def test_the_fact_is_what_both_movies_share_in_the_catalogue(api, model):
    movies = api.post("/recommend", posted([STAR_WARS, EMPIRE], top_k=100, explain=True, titles=True))[
        "recommendations"
    ]
    of = {movie["movie_id"]: movie for movie in movies}
    assert of[str(JEDI)]["fact"].startswith("Of the same series as ")
    assert of[str(RAIDERS)]["fact"] in {
        f"With Harrison Ford, like {title}." for title in ("Star Wars", "The Empire Strikes Back")
    } | {f"With Harrison Ford, like {item['title']}." for item in of[str(RAIDERS)]["because"]}


def test_a_stored_list_is_explained_as_it_is(api, model):
    api.get(f"/recommend?user_id={ADA}")
    body = api.get(f"/recommend?user_id={ADA}&explain=true")
    assert body["source"] == "cache"
    own = set(map(str, WatchEvent.objects.filter(viewer_id=ADA).values_list("movie_id", flat=True)))
    named = {item["movie_id"] for movie in body["recommendations"] for item in movie["because"]}
    assert named
    assert named <= own
    plain = api.get(f"/recommend?user_id={ADA}")["recommendations"]
    assert recommended_ids({"recommendations": plain}) == recommended_ids(body)
    assert "because" not in plain[0]


def test_films_of_viewers_together_and_in_a_batch(api, model):
    record_events([watch_event(BEN, STAR_WARS, MORNING)])
    together = api.post("/recommend", {"user_ids": [ADA, BEN], "explain": True})["recommendations"]
    named = {item["movie_id"] for movie in together for item in movie["because"]}
    assert named == {str(STAR_WARS)}, "the one that both of them watched"
    batch = api.post("/batch/recommend", {"user_histories": {"7": [str(STAR_WARS), str(MATRIX)]}, "explain": True})
    assert any(movie["because"] for movie in batch["results"]["7"])
    many = {"user_histories": {str(n): [] for n in range(1, 22)}, "explain": True}
    [error] = api.post("/batch/recommend", many, expect=400)["errors"]
    assert "20 viewers at most; there are 21" in error["detail"]


def test_nothing_is_claimed_that_was_not_computed(api, model):
    Viewer.objects.create(id=77)
    popular = api.post("/recommend", {"user_id": 77, "explain": True})
    assert popular["source"] == "popular"
    assert {(len(movie["because"]), movie["fact"]) for movie in popular["recommendations"]} == {
        (0, "Popular with other viewers.")
    }
    single = api.post("/recommend", posted([STAR_WARS], explain=True))["recommendations"]
    assert not any(movie["because"] for movie in single), "one film cannot be taken out and the rest asked"
    akin = api.post("/recommend", posted([UNKNOWN_TO_MODEL], explain=True, top_k=5))
    assert akin["source"] == "similar"
    assert {item["movie_id"] for movie in akin["recommendations"] for item in movie["because"]} == {
        str(UNKNOWN_TO_MODEL)
    }
