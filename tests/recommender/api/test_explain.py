"""Why a film is listed: the watched film whose absence lowers its score most, over HTTP and with the real model."""

import pytest

from catalog.models import Viewer, WatchEvent
from tests.support.api import recommended_ids
from tests.support.cast import ADA, AMELIE, BEN, EMPIRE, JEDI, MATRIX, NEMO, RAIDERS, STAR_WARS, TOY_STORY
from tests.support.tiny_model import UNKNOWN_TO_MODEL

HISTORY = [AMELIE, NEMO, STAR_WARS, EMPIRE, TOY_STORY, JEDI]


def posted(history, **more):
    return {"history": [str(film) for film in history], "top_k": 60, **more}


def scores(body):
    return {film["movie_id"]: film["score"] for film in body["recommendations"]}


def test_without_the_named_film_the_score_is_lower_by_its_effect(api, model):
    told = api.post("/recommend", posted(HISTORY, explain=True))["recommendations"]
    assert sum(bool(film["because"]) for film in told) > len(told) / 2
    assert all({one["movie_id"] for one in film["because"]} <= set(map(str, HISTORY)) for film in told)
    first = next(film for film in told if film["because"])
    named = first["because"][0]
    rest = [film for film in HISTORY if str(film) != named["movie_id"]]
    without = scores(api.post("/recommend", posted(rest)))
    assert first["score"] - without[first["movie_id"]] == pytest.approx(named["effect"], abs=2e-3)
    others = [
        scores(api.post("/recommend", posted([film for film in HISTORY if film != other])))[first["movie_id"]]
        for other in rest
    ]
    assert all(without[first["movie_id"]] <= score + 2e-3 for score in others), "no other film matters more"


def test_the_fact_is_what_the_catalogue_says_of_both(api, model):
    told = api.post("/recommend", posted([STAR_WARS, EMPIRE], top_k=100, explain=True, titles=True))["recommendations"]
    of = {film["movie_id"]: film for film in told}
    assert of[str(JEDI)]["fact"].startswith("Of the same series as ")
    assert of[str(RAIDERS)]["fact"] in {
        f"With Harrison Ford, like {title}." for title in ("Star Wars", "The Empire Strikes Back")
    } | {f"With Harrison Ford, like {one['title']}." for one in of[str(RAIDERS)]["because"]}


def test_a_stored_list_is_explained_as_it_is(api, model):
    api.get(f"/recommend?user_id={ADA}")
    body = api.get(f"/recommend?user_id={ADA}&explain=true")
    assert body["source"] == "cache"
    own = set(map(str, WatchEvent.objects.filter(viewer_id=ADA).values_list("movie_id", flat=True)))
    named = {one["movie_id"] for film in body["recommendations"] for one in film["because"]}
    assert named
    assert named <= own
    plain = api.get(f"/recommend?user_id={ADA}")["recommendations"]
    assert recommended_ids({"recommendations": plain}) == recommended_ids(body)
    assert "because" not in plain[0]


def test_films_of_viewers_together_and_in_a_batch(api, model):
    together = api.post("/recommend", {"user_ids": [ADA, BEN], "explain": True})["recommendations"]
    assert any(film["because"] for film in together)
    batch = api.post("/batch/recommend", {"user_histories": {"7": [str(STAR_WARS), str(MATRIX)]}, "explain": True})
    assert any(film["because"] for film in batch["results"]["7"])
    many = {"user_histories": {str(n): [] for n in range(1, 22)}, "explain": True}
    [error] = api.post("/batch/recommend", many, expect=400)["errors"]
    assert "20 viewers at most; there are 21" in error["detail"]


def test_nothing_is_claimed_that_was_not_computed(api, model):
    Viewer.objects.create(id=77)
    popular = api.post("/recommend", {"user_id": 77, "explain": True})
    assert popular["source"] == "popular"
    assert {(len(film["because"]), film["fact"]) for film in popular["recommendations"]} == {
        (0, "Popular with other viewers.")
    }
    alone = api.post("/recommend", posted([STAR_WARS], explain=True))["recommendations"]
    assert not any(film["because"] for film in alone), "one film cannot be taken out and the rest asked"
    akin = api.post("/recommend", posted([UNKNOWN_TO_MODEL], explain=True, top_k=5))
    assert akin["source"] == "similar"
    assert {one["movie_id"] for film in akin["recommendations"] for one in film["because"]} == {str(UNKNOWN_TO_MODEL)}
