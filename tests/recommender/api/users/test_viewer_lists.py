"""GET /users/{id}/history, /ratings, /watchlist, /hidden: pages, the last word, and who may read."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import EventKey, WatchEvent
from recommender.models import ApiKey
from tests.support.api import app_client
from tests.support.cast import (
    ADA,
    AMELIE,
    BEN,
    CLEO,
    DAN,
    EMPIRE,
    EVE,
    GODFATHER,
    GODFATHER_2,
    JEDI,
    MATRIX,
    NEMO,
    RAIDERS,
    STAR_WARS,
    TOY_STORY,
)
from tests.support.viewer_traces import event

pytestmark = pytest.mark.usefixtures("model")
LISTS = ("history", "ratings", "watchlist", "hidden")


@pytest.fixture
def reader(client_with):
    return client_with(ApiKey.Scope.USERS_READ)


def pages_of(client, path):
    """Return the results of each page."""
    pages = []
    while path:
        body = client.get(path)
        pages.append(body["results"])
        path = body["next"] and body["next"].removeprefix("http://localhost")
    return pages


def films(client, viewer, name):
    return [int(item["movie_id"]) for item in client.get(f"/users/{viewer}/{name}")["results"]]


def test_an_item_says_what_was_done_with_which_film(reader, site):
    number = "0b51ef0a-5b53-4a3c-9a07-1c7a3b0b0001"
    site.post("/events", event(ADA, NEMO, "rating", day=30, rating=4.5, event_id=number))
    item = reader.get(f"/users/{ADA}/ratings")["results"][0]

    assert item == {
        "movie_id": str(NEMO),
        "title": "Finding Nemo",
        "year": 2003,
        "genres": ["Adventure", "Animation", "Children", "Comedy"],
        "poster_url": f"https://posters.example/{NEMO}.jpg",
        "kind": "rating",
        "occurred_at": "2024-03-31T08:00:00+00:00",
        "rating": 4.5,
        "completion": None,
        "event_id": number,
    }
    EventKey.objects.create(id=number, key="order-7")  # a key that is no UUID stands beside the event
    assert reader.get(f"/users/{ADA}/history?page_size=1")["results"][0]["event_id"] == "order-7"
    assert reader.get(f"/users/{DAN}/history")["results"][0]["completion"] == pytest.approx(0.9)


def test_pages_join_without_a_gap_or_a_double_while_events_come(reader, site):
    whole = [item for page in pages_of(reader, f"/users/{ADA}/history") for item in page]
    assert len(whole) == WatchEvent.objects.filter(viewer=ADA).count() == 12
    first = reader.get(f"/users/{ADA}/history?page_size=5")

    site.post("/events", event(ADA, NEMO, day=300))
    following = pages_of(reader, first["next"].removeprefix("http://localhost"))
    assert first["results"] + [item for page in following for item in page] == whole
    assert [len(page) for page in following] == [5, 2]
    assert len(pages_of(reader, f"/users/{ADA}/history?page_size=13")) == 1


def test_many_events_of_one_moment_are_paged_by_their_order(reader, site):
    site.post("/events", [event(EVE, movie, day=1) for movie in (STAR_WARS, EMPIRE, JEDI, NEMO)])
    pages = pages_of(reader, f"/users/{EVE}/history?page_size=1")
    assert [int(item["movie_id"]) for [item] in pages] == [NEMO, JEDI, EMPIRE, STAR_WARS]


def test_the_last_word_on_a_film_counts(reader, site):
    site.post(
        "/events",
        [
            event(CLEO, GODFATHER, "rating", day=20, rating=2.0),
            event(CLEO, MATRIX, "rating", day=21, rating=3.0),
            event(CLEO, GODFATHER, "rating", day=22, rating=4.0),
        ],
    )
    rated = reader.get(f"/users/{CLEO}/ratings")["results"]
    assert [(int(item["movie_id"]), item["rating"]) for item in rated] == [(GODFATHER, 4.0), (MATRIX, 3.0)]
    assert [page[0]["rating"] for page in pages_of(reader, f"/users/{CLEO}/ratings?page_size=1")] == [4.0, 3.0]

    assert films(reader, CLEO, "watchlist") == [GODFATHER_2]
    assert films(reader, CLEO, "hidden") == [MATRIX, TOY_STORY]
    assert {item["kind"] for item in reader.get(f"/users/{CLEO}/hidden")["results"]} == {"dislike", "not_interested"}
    site.post("/events", [event(CLEO, TOY_STORY, "like", day=30), event(CLEO, GODFATHER_2, day=30)])
    assert films(reader, CLEO, "hidden") == [MATRIX], "a like brings a film back"
    assert films(reader, CLEO, "watchlist") == [], "a film that was watched is off the watchlist"
    site.post("/events", event(CLEO, GODFATHER_2, "watchlist", day=31))
    assert films(reader, CLEO, "watchlist") == [GODFATHER_2]
    assert reader.get(f"/users/{CLEO}")["counts"] == {
        "watched": 5, "rated": 2, "liked": 2, "disliked": 0, "hidden": 1, "watchlist": 1
    }  # fmt: skip


def test_nothing_names_a_film_above_the_viewers_age_limit(reader, site):
    assert {MATRIX, AMELIE, RAIDERS} <= set(films(reader, ADA, "history"))
    site.patch(f"/users/{ADA}", {"age_limit": 13})
    assert (
        set(films(reader, ADA, "history")) == set(films(reader, ADA, "ratings")) == {STAR_WARS, EMPIRE, JEDI, RAIDERS}
    )
    assert len(pages_of(reader, f"/users/{ADA}/ratings?page_size=3")) == 2


def test_only_who_may_reads(reader, client_with):
    app, other = app_client(CLEO, client_with), client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS)
    for name in LISTS:
        assert bool(app.get(f"/users/{CLEO}/{name}")["results"]) is (name != "ratings"), name
        assert app.get(f"/users/{ADA}/{name}", expect=403)["code"] == "permission_denied"
        assert app.get(f"/users/{CLEO}/{name}?user_id={CLEO}", expect=400)["code"] == "invalid"
        other.get(f"/users/{CLEO}/{name}", expect=403)
        reader.get(f"/users/{EVE}/{name}", expect=404)
    app.post(f"/users/{CLEO}/history", [], expect=403)
    app_client(CLEO, client_with, "events").post(f"/users/{CLEO}/history", [], expect=403)


@pytest.mark.parametrize("viewer", [EVE, "a-new-guest"])
def test_an_app_reads_an_empty_page_of_a_viewer_of_whom_nothing_was_sent_yet(client_with, viewer):
    app = app_client(viewer, client_with)
    for address in [*LISTS, f"history?movie_id={NEMO}"]:
        assert app.get(f"/users/{viewer}/{address}") == {"results": [], "next": None}
    taste = app.get(f"/users/{viewer}/taste")
    assert (taste["user_id"], taste["events"], taste["genres"], taste["sentences"]) == (viewer, 0, [], [])


@pytest.mark.parametrize(
    "query",
    ["page_size=0", "page_size=201", "cursor=x", "cursor=1.", f"cursor={10**18}.1", f"cursor=1.{2**63}", "page=2"],
)
def test_a_page_that_cannot_be_is_refused(reader, query):
    [error] = reader.get(f"/users/{CLEO}/history?{query}", expect=400)["errors"]
    assert error["parameter"] == query.partition("=")[0]


def test_a_page_costs_few_queries_and_a_copy_is_revalidated(reader):
    reader.get(f"/users/{BEN}/history")  # the key is known from here
    for name in LISTS:
        with CaptureQueriesContext(connection) as queries:
            reader.get(f"/users/{ADA}/{name}")
        assert len(queries) == (3 if name == "history" else 4), name
    tag = reader.response.headers["ETag"]
    assert reader.client.get(f"/users/{ADA}/{LISTS[-1]}", headers={"If-None-Match": tag}).status_code == 304
