"""A viewer's token is the viewer: a call that does not repeat the number is answered as one that does."""

import json
import re

import pytest
from django.urls import get_resolver

from catalog.models import Movie, Viewer
from catalog.selectors import certificate_age
from catalog.services import save_viewer
from tests.support.api import app_client, recommended_ids
from tests.support.cast import AMELIE, CLEO, GODFATHER, NEMO, PULP_FICTION, SHAWSHANK, TOY_STORY

pytestmark = pytest.mark.usefixtures("model")
SESSION = 1_876_543_211
CHILD, YEARS = CLEO, 8  # her history is of films that she may not watch any more
CRIME = [str(PULP_FICTION), str(GODFATHER), str(SHAWSHANK)]
OWN_ID = "key:user_id"  # of a path
WIDE = {"top_k": 200, "age_limit": 21, "explain": True}
# Every call that a token opens, several ways: what the phone leaves out, and what it makes up.
CALLS = {
    ("recommend", "get"): ["", "?titles=true&explain=true&top_k=200", "?age_limit=21", "?liked_genres=Crime"],
    ("recommend", "post"): [
        {},
        {"history": CRIME, "titles": True, **WIDE},
        {"liked_genres": ["Crime"], "titles": True},
        {"titles": True, "certificate": "NC-17", **WIDE},
    ],
    ("recommend/filtered", "post"): [{}, {"genres": ["Crime"]}, {"history": CRIME, "final_k": 200, **WIDE}],
    ("similar", "post"): [{"movie_id": CRIME[0], "top_k": 200}, {"movie_id": str(TOY_STORY), "age_limit": 21}],
    ("similar/<key:movie_id>", "get"): ["", "?titles=true&top_k=200", "?details=true&age_limit=21"],
    ("home", "get"): ["", "?rows=20&row_length=50", "?genres=Crime", "?age_limit=21&rows=20"],
    ("popular", "get"): ["?titles=true&top_k=200", "?titles=true&genres=Crime&age_limit=21"],
    ("trending", "get"): ["?titles=true&top_k=200", "?titles=true&personal=true&top_k=200"],
    ("latest", "get"): ["?titles=true&top_k=200", "?titles=true&certificate=R"],
    ("movies", "get"): [
        "?page_size=1000",
        "?search=godfather",
        "?people=Al+Pacino",
        "?age_limit=21&genres=Crime",
        "?sort=-year",
        f"?ids={GODFATHER},1",
    ],
    ("movies/<key:movie_id>", "get"): ["", "?age_limit=21", "?certificate=NC-17"],
    ("people", "get"): ["?page_size=1000", "?search=pacino"],
    ("genres", "get"): ["", "?age_limit=21"],
    **{(f"users/<{OWN_ID}>/{name}", "get"): ["", "?page_size=1"] for name in ("history", "ratings", "watchlist")},
    (f"users/<{OWN_ID}>/hidden", "get"): [""],
    (f"users/<{OWN_ID}>/taste", "get"): [""],
    (f"users/<{OWN_ID}>", "get"): [""],
}
# What needs a token for events, or none at all opens; tests/recommender/api/users has them.
OTHERS = {
    ("movies", "post"),
    ("movies/<key:movie_id>", "patch"),
    ("events", "post"),
    ("events/<key:event_id>", "delete"),
    (f"users/<{OWN_ID}>/events", "delete"),
    (f"users/<{OWN_ID}>/history", "post"),
    ("jobs/<uuid:job_id>", "get"),
    ("jobs/<uuid:job_id>/import", "delete"),
    (f"users/<{OWN_ID}>/data", "get"),
    (f"users/<{OWN_ID}>/data", "delete"),
    (f"users/<{OWN_ID}>", "put"),
    (f"users/<{OWN_ID}>", "patch"),
}


@pytest.fixture
def app(client_with):
    child = Viewer.objects.get(pk=CHILD)
    child.age_limit = YEARS
    save_viewer(child)
    return app_client(CHILD, client_with)


def forbidden():
    """The films, id to title, that the child may not watch."""
    every = Movie.objects.values_list("id", "title", "certificate")
    return {str(movie): title for movie, title, certificate in every if certificate_age(certificate) > YEARS}


def named_in(body, movies):
    """Which of the films the answer names: in an id, or in words."""
    text = json.dumps({name: item for name, item in body.items() if name not in ("movie_id", "ignored_history")})
    return [
        movie
        for movie, title in movies.items()
        if json.dumps(title) in text or f"You liked {title}" in text or f'"movie_id": "{movie}"' in text
    ]


def sent(client, route, method, more, movie=GODFATHER, expect=200):
    path = "/" + re.sub(r"<\w+:movie_id>", str(movie), route).replace(f"<{OWN_ID}>", str(CHILD))
    if method == "get":
        return client.get(path + more, expect=expect)
    return client.post(path, more, expect=expect)


def test_the_calls_here_are_all_that_a_token_opens():
    open_to_tokens = {
        (str(item.pattern), method)
        for included in get_resolver().url_patterns
        for item in getattr(included, "url_patterns", ())
        for view in [getattr(item.callback, "cls", None) or getattr(item.callback, "view_class", None)]
        if getattr(view, "allow_viewer_token", False)
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view, method)
    }
    assert open_to_tokens - OTHERS == set(CALLS)


def test_no_call_lists_movies_above_the_age_limit(app):
    barred = forbidden()
    assert set(CRIME) <= set(barred)
    for (route, method), ways in CALLS.items():
        for more in ways:
            details = route.startswith("movies/")
            body = sent(app, route, method, more, expect=404 if details else 200)
            assert details or not named_in(body, barred), (route, more)


def test_the_same_calls_with_the_sites_key_and_no_viewer_tell_of_them(client_with):
    reader, barred = client_with("recommend:read"), forbidden()
    for route, method, more in (
        ("recommend", "post", {"history": CRIME, "titles": True, "top_k": 200, "explain": True}),
        ("recommend/filtered", "post", {"history": CRIME, "genres": ["Crime"]}),
        ("similar", "post", {"movie_id": CRIME[0], "top_k": 200}),
        ("home", "get", "?rows=20&row_length=50"),
        ("popular", "get", "?titles=true&genres=Crime&age_limit=21"),
        ("latest", "get", "?titles=true&top_k=200"),
        ("movies", "get", "?search=godfather"),
    ):
        assert named_in(sent(reader, route, method, more), barred), route
    assert reader.get(f"/movies/{GODFATHER}")["title"] == "The Godfather"


def test_explanations_name_no_movie_above_the_age_limit(app, client_with):
    """She watched them before there was a limit: rows and reasons are not named after them."""
    child = Viewer.objects.get(pk=CHILD)
    child.age_limit = None
    save_viewer(child)
    free = app.get("/home?rows=20")
    explained = {"top_k": 20, "titles": True, "explain": True}
    assert named_in(free, forbidden())
    assert [row for row in free["rows"] if row["kind"] == "because_you_watched"]
    assert any(movie["because"] for movie in app.post("/recommend", explained)["recommendations"])

    child.age_limit = YEARS
    save_viewer(child)

    assert not named_in(app.get("/home?rows=20"), forbidden())
    assert not named_in(app.post("/recommend", explained), forbidden())
    assert not named_in(app.post("/recommend", explained | {"history": CRIME}), forbidden())


def test_named_or_not_the_answer_is_the_viewers_own(app, client_with):
    """The token alone, the token with the number, and the site's key with the number."""
    site = client_with("recommend:read", "users:read")
    observed = set(Viewer.objects.get(pk=CHILD).events.values_list("movie_id", flat=True))
    for route, method in CALLS:
        for more in CALLS[route, method]:
            if OWN_ID in route:
                named = more
            elif isinstance(more, dict):
                named = more | {"user_id": CHILD}
            else:
                named = f"{more}&user_id={CHILD}" if more else f"?user_id={CHILD}"
            expect = 404 if route.startswith("movies/") else 200
            answers = [
                sent(client, route, method, way, expect=expect)
                for client, way in ((app, more), (app, named), (site, named))
            ]
            reported = [{name: _plain(item[name]) for name in item if name not in GIVEN} for item in answers]
            assert reported[0] == reported[1] == reported[2], (route, more)
            if "recommendations" in answers[0]:
                assert answers[0]["user_id"] == CHILD
                assert not observed & set(map(int, recommended_ids(answers[0])))


GIVEN = ("recommendation_id", "request_id", "source", "next")  # of one answer alone


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items() if k not in GIVEN} if isinstance(value, dict) else value


def test_a_film_within_the_limit_is_read_and_seen_ones_are_still_in_the_catalogue(app):
    assert app.get(f"/movies/{NEMO}")["title"] == "Finding Nemo"
    assert recommended_ids({"recommendations": app.get("/movies?page_size=1000")["results"]})
    for path in (f"/movies/{NEMO}", "/movies", "/people", "/genres"):
        app.get(f"{path}?user_id={CHILD + 1}", expect=403)


OPEN = ("/popular", "/home", "/movies", f"/movies/{NEMO}", "/recommend?liked_genres=Crime")


def as_session(client_with, number):
    """Makes the number a session with an age limit. Returns who may merge it."""
    site = client_with("recommend:read", "events:write", "users:erase")
    site.post("/events", {"user_id": number, "movie_id": str(NEMO), "kind": "watch", "session": True})
    session = Viewer.objects.get(pk=number)
    session.age_limit = YEARS
    save_viewer(session)
    return site


def test_it_ends_with_the_session_that_was_merged_and_is_good_again_when_that_is_undone(client_with):
    site = as_session(client_with, SESSION)
    phone = app_client(SESSION, client_with)
    merge = site.post("/users/merge", {"from_user_id": SESSION, "into_user_id": CHILD})["merge_id"]
    for path in OPEN:
        assert "merged" in phone.get(path, expect=401)["detail"]
    site.post("/users/merge/undo", {"merge_id": merge})
    assert not named_in(phone.get("/popular?titles=true&top_k=200"), forbidden())

    site.post("/users/merge", {"from_user_id": SESSION, "into_user_id": CHILD})
    event = {"user_id": SESSION, "movie_id": str(TOY_STORY), "kind": "watch", "session": True}
    site.post("/events", event)  # the phone goes on under its number, which is a new session's, without a limit
    for path in OPEN:
        phone.get(path, expect=401)
    app_client(SESSION, client_with).get("/popular")


def test_it_ends_with_the_erasure_of_its_viewer(app, client_with):
    client_with("users:erase").delete(f"/users/{CHILD}/data")
    for path in OPEN:
        app.get(path, expect=401)


def test_a_token_from_before_the_first_event_stays_valid(client_with):
    phone = app_client(SESSION, client_with)
    as_session(client_with, SESSION)
    for path in OPEN:
        phone.get(path)
    assert not named_in(phone.get("/popular?titles=true&top_k=200"), forbidden())


@pytest.mark.parametrize("wish", ["age_limit=8", "certificate=PG", f"user_id={CHILD}"])
def test_the_catalogue_keeps_to_an_age_for_keys_too(app, client_with, wish):
    site, barred = client_with("recommend:read"), forbidden()
    listed = site.get(f"/movies?page_size=1000&{wish}")["results"]
    assert listed
    assert not {item["movie_id"] for item in listed} & set(barred)
    assert site.get(f"/movies?search=godfather&{wish}")["results"] == []
    site.get(f"/movies/{AMELIE}")
    assert "no film" in site.get(f"/movies/{AMELIE}?{wish}", expect=404)["detail"]
    counted = {item["name"]: item["films"] for item in site.get(f"/genres?{wish}")["results"]}
    every = {item["name"]: item["films"] for item in site.get("/genres")["results"]}
    assert counted["Crime"] == 0 < every["Crime"]
    assert counted["Animation"] == every["Animation"] > 0 or counted["Animation"] > 0
    [pacino] = [item for item in site.get(f"/people?search=pacino&{wish}")["results"] if item["name"] == "Al Pacino"]
    assert pacino["films"] == 0


def test_a_page_goes_on_within_the_limit(client_with):
    site, result, path = client_with("recommend:read"), [], "/movies?page_size=2&age_limit=8"
    while path:
        page = site.get(path)
        result += [item["movie_id"] for item in page["results"]]
        path = page["next"]
    assert result == [item["movie_id"] for item in site.get("/movies?page_size=1000&age_limit=8")["results"]]


def test_a_cached_copy_is_of_one_viewer(app, client_with):
    """One address, two tokens on one phone: the tag of the one is none of the other's answer."""
    other = app_client(CHILD + 1, client_with)
    for path in ("/popular", "/home", "/movies?page_size=1000"):
        app.get(path)
        app.get(path)  # the first one stored a list
        tag, vary = app.response.headers["ETag"], app.response.headers["Vary"]
        assert "Authorization" in vary
        assert "private" in app.response.headers["Cache-Control"]
        assert other.client.get(path, headers={"If-None-Match": tag}).status_code == 200
        assert app.client.get(path, headers={"If-None-Match": tag}).status_code == 304
