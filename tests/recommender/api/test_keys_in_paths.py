"""Keys that are words of the API's own addresses, in every path that takes a key."""

import re

import pytest
from django.urls import get_resolver, resolve
from django.urls.resolvers import RoutePattern

from catalog.api.key_paths import KeyConverter
from tests.support.api import app_client
from tests.support.cast import EMPIRE, NEMO, STAR_WARS
from tests.support.viewer_traces import event

pytestmark = pytest.mark.usefixtures("model")


def routes(patterns=None, prefix=""):
    """Return (route, view) of every address of the API."""
    for pattern in patterns or get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from () if route.startswith("admin") else routes(pattern.url_patterns, route)
        elif isinstance(pattern.pattern, RoutePattern):  # the storefront's pages are one regular expression
            yield route, pattern.callback


LITERALS = sorted({part for route, _ in routes() for part in route.split("/") if part and "<" not in part})
TAKES_KEY = {route for route, _ in routes() if "<key:" in route}
WORDS = ["merge", "undo", "history", "events", "ids", "admin", "merge%2Fundo"]


def test_these_are_the_words_and_the_paths():
    assert {"merge", "undo", "history", "events", "data", "users", "movies", "similar", "admin"} <= set(LITERALS)
    assert {
        "movies/<key:movie_id>",
        "similar/<key:movie_id>",
        "events/<key:event_id>",
        *(f"users/<key:user_id>{rest}" for rest in ("", "/data", "/events", "/history", "/ratings", "/watchlist")),
        *(f"users/<key:user_id>{rest}" for rest in ("/hidden", "/taste")),
        "accounts/<key:account>/profiles",
        "accounts/<key:account>/data",
        "recommendations/<key:recommendation_id>",
    } == TAKES_KEY, "a new path with a key is called below"
    for word in LITERALS:
        for route in TAKES_KEY:
            found = resolve("/" + re.sub("<key:.*?>", word, route)).route
            assert found == ("users/merge" if (word, route) == ("merge", "users/<key:user_id>") else route)


@pytest.mark.parametrize("word", WORDS)
def test_a_viewer_of_any_name_is_called_by_it(site, client_with, word):
    key = KeyConverter().to_python(word)
    path = f"/users/{word}"
    assert site.put(path, {"age_limit": 12, "account": key}, expect=201)["user_id"] == key
    assert site.patch(path, {"language": "de"})["age_limit"] == 12
    site.post("/events", [event(key, STAR_WARS, event_id=f"{key}-1"), event(key, NEMO, "watchlist", 1)])
    site.post("/events", [event(key, EMPIRE, "rating", 2, rating=4), event(key, 1, "dislike", 3)])

    profile = site.get(path)
    assert (profile["user_id"], profile["language"]) == (key, "de")
    assert len(site.get(f"{path}/history")["results"]) == 4
    assert [row["movie_id"] for row in site.get(f"{path}/ratings")["results"]] == [str(EMPIRE)]
    assert [row["movie_id"] for row in site.get(f"{path}/watchlist")["results"]] == [str(NEMO)]
    assert site.get(f"{path}/taste")["films"] == 2
    assert [row["movie_id"] for row in site.get(f"{path}/hidden")["results"]] == ["1"]
    assert [found["user_id"] for found in site.get(f"/accounts/{word}/profiles")["profiles"]] == [key]
    app = app_client(key, client_with)
    assert app.get(path)["user_id"] == key
    assert len(app.get(f"{path}/history")["results"]) == 4
    app.get(f"/users/{word}x", expect=403)
    assert site.delete(f"{path}/events?kind=dislike&movie_id=1")["events"] == 1
    assert site.delete(f"/events/{word}-1")["visible"]
    assert len(site.get(f"{path}/data")["events"]) == 2
    assert site.delete(f"{path}/data")["events"] == 2
    site.get(path, expect=404)
    site.put(path, {"account": key}, expect=201)
    assert site.delete(f"/accounts/{word}/data")["user_ids"] == [key]


@pytest.mark.parametrize("word", WORDS)
def test_a_film_and_an_event_of_any_name_are_called_by_it(site, word):
    key = KeyConverter().to_python(word)
    body = {"movie_id": key, "title": "Called So", "genres": ["Sci-Fi"]}
    assert site.post("/movies", body, expect=201)["movie_id"] == key
    assert re.fullmatch(r"/movies/[^/]+", site.response.headers["Location"])
    assert site.get(site.response.headers["Location"])["movie_id"] == key
    assert site.patch(f"/movies/{word}", {"runtime": 90})["runtime"] == 90
    assert site.get(f"/similar/{word}?top_k=3")["movie_id"] == key
    site.post("/events", event("who", STAR_WARS, event_id=key))
    assert site.delete(f"/events/{word}")["events"] == 1


def test_a_merge_is_a_merge_all_the_same(site, client_with):
    site.post("/events", [{**event("merge", STAR_WARS), "session": True}])
    reader = client_with("users:read")
    assert reader.get("/users/merge")["session"] is True
    reader.post("/users/merge", {"from_user_id": "merge", "into_user_id": "undo"}, expect=403)
    client_with("events:write").get("/users/merge", expect=403)

    merged = site.post("/users/merge", {"from_user_id": "merge", "into_user_id": "undo"})

    assert (merged["from_user_id"], merged["events"]) == ("merge", 1)
    site.get("/users/merge", expect=404)
    site.post("/users/merge/undo", {"merge_id": merged["merge_id"]})
    assert site.get("/users/merge")["session"] is True
    assert "post" not in site.get("/schema?format=json")["paths"]["/users/{user_id}"]
    assert set(site.get("/schema?format=json")["paths"]["/users/merge"]) == {"post"}
