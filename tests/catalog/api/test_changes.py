"""Films made, changed and hidden through the API; true on the next read, everywhere."""

import pytest

from catalog.models import Credit, Movie
from catalog.selectors import catalogue_and_epoch
from recommender.models import ApiKey
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import ADA, MATRIX, NEMO, STAR_WARS, TOY_STORY, UNKNOWN_MOVIE
from tests.support.sequences import restart_movie_ids

pytestmark = pytest.mark.usefixtures("cast")
NEW = {
    "title": "Perfect Days",
    "year": 2023,
    "genres": ["Drama", "Quiet"],
    "directors": ["Wim Wenders"],
    "actors": ["Kōji Yakusho", "Tokio Emoto", "Kōji Yakusho"],
    "runtime": 124,
    "language": "ja",
    "imdb_id": "tt27503384",
    "tmdb_id": 976893,
}


@pytest.mark.usefixtures("model")
def test_a_new_movie_is_there_at_once(site):
    [refused] = site.post("/movies", NEW, expect=400)["errors"]
    assert refused["pointer"] == "#/genres", "a genre that is new is a typing error until the call says so"
    made = site.post("/movies", NEW | {"create_genres": True}, expect=201)
    assert site.response.headers["Location"] == f"/movies/{made['movie_id']}"
    assert {name: made[name] for name in NEW} == NEW | {"actors": ["Kōji Yakusho", "Tokio Emoto"]}
    for path in (f"/movies/{made['movie_id']}", "/movies/imdb:tt27503384", "/movies/tmdb:976893"):
        assert site.get(path) == made
    assert site.get("/movies?search=yakusho+perfect")["results"][0]["movie_id"] == made["movie_id"]
    body = {"user_id": ADA, "directors": ["Wim Wenders"], "languages": ["ja"]}
    assert (
        recommended_ids(site.post("/recommend/filtered", body))
        == recommended_ids(site.get("/latest?genres=Quiet"))
        == [made["movie_id"]]
    )


def test_ids_from_clients_and_the_sequence_do_not_collide(site):
    restart_movie_ids()
    assert site.post("/movies", {"title": "Given", "movie_id": 70_000}, expect=201)["movie_id"] == "70000"
    assert site.post("/movies", {"title": "Next"}, expect=201)["movie_id"] == "70001"
    last_of_all = str(2**31 - 1)
    assert site.post("/movies", {"title": "End", "movie_id": 2**31 - 1}, expect=201)["movie_id"] == last_of_all
    assert site.post("/movies", {"title": "Behind it"}, expect=201)["movie_id"] == "70002"
    assert "film 70000" in site.post("/movies", {"title": "Again", "movie_id": 70_000}, expect=409)["detail"]
    site.post("/movies", {"title": "A", "imdb_id": "tt0000077"}, expect=201)
    assert site.post("/movies", {"title": "B", "imdb_id": "tt77"}, expect=409)["code"] == "conflict"


def test_movies_that_share_an_id_already_may_keep_it(site):
    Movie.objects.filter(pk__in=(NEMO, MATRIX)).update(tmdb_id=12)
    for movie in (NEMO, MATRIX):
        assert site.patch(f"/movies/{movie}", {"tmdb_id": 12, "runtime": 99})["runtime"] == 99
    assert site.get("/movies/tmdb:12")["movie_id"] == str(min(NEMO, MATRIX))
    assert "has this one" in site.patch(f"/movies/{TOY_STORY}", {"tmdb_id": 12}, expect=409)["detail"]


@pytest.mark.usefixtures("model")
def test_a_change_leaves_the_rest_and_is_in_every_list_on_the_next_read(site):
    before, (catalogue, _) = site.get(f"/movies/{NEMO}"), catalogue_and_epoch()
    after = site.patch(f"/movies/{NEMO}", {"runtime": 101, "actors": ["Ellen DeGeneres", "Albert Brooks"]})
    assert after == before | {"runtime": 101, "actors": ["Ellen DeGeneres", "Albert Brooks"]}
    assert catalogue_and_epoch()[0] > catalogue
    assert Credit.objects.filter(movie_id=NEMO).count() == 3

    listed = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=20"))
    assert str(NEMO) in listed
    site.patch(f"/movies/{NEMO}", {"published": False})
    without = [item for item in listed if item != str(NEMO)]
    assert recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=20"))[:19] == without
    site.get(f"/movies/{NEMO}", expect=404)
    assert site.get(f"/movies/{NEMO}?published=any")["published"] is False
    site.patch(f"/movies/{NEMO}", {"published": True})
    assert recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=20")) == listed


WRONG = [
    ({"title": ""}, "#/title"),
    ({"title": "x" * 301}, "#/title"),
    ({"title": "nul\0"}, "#/title"),
    ({"title": None}, "#/title"),
    ({"certificate": 12}, "#/certificate"),
    ({"overview": 12}, "#/overview"),
    ({"year": 1869}, "#/year"),
    ({"year": True}, "#/year"),
    ({"year": 2000.5}, "#/year"),
    ({"genres": ["x"] * 51}, "#/genres"),
    ({"genres": "Drama"}, "#/genres"),
    ({"actors": ["x" * 201]}, "#/actors/0"),
    ({"imdb_id": "114709"}, "#/imdb_id"),
    ({"tmdb_id": 2**31}, "#/tmdb_id"),
    ({"published": 0}, "#/published"),
    ({"language": "e"}, "#/language"),
    ({"poster_url": "javascript:alert(1)"}, "#/poster_url"),
    ({"available_from": "2030-01-02T00:00:00Z", "available_until": "2030-01-01T00:00:00Z"}, "#/available_until"),
    ({}, "#"),
    ([], "#"),
]


def test_wrong_values_are_named_and_nothing_is_changed(site):
    before = site.get(f"/movies/{TOY_STORY}")
    for body, pointer in WRONG:
        problem = site.patch(f"/movies/{TOY_STORY}", body, expect=400)
        assert {error["pointer"] for error in problem["errors"]} == {pointer}, body
    assert site.get(f"/movies/{TOY_STORY}") == before


def test_changes_need_the_write_scope(client_with, api):
    reader, keeper = client_with(ApiKey.Scope.READ), client_with(ApiKey.Scope.CATALOGUE)
    for item in (reader, client_with(ApiKey.Scope.EVENTS, ApiKey.Scope.BATCH, ApiKey.Scope.ERASE)):
        assert "catalog:write" in item.post("/movies", NEW, expect=403)["detail"]
        assert "catalog:write" in item.patch(f"/movies/{NEMO}", {"year": 2000}, expect=403)["detail"]
    api.post("/movies", NEW, expect=401)
    keeper.get("/movies", expect=403)
    keeper.post("/movies", NEW | {"create_genres": True}, expect=201)
    token = reader.post("/viewer-tokens", {"user_id": ADA})["token"]
    app = ApiClient(Authorization=f"Viewer-Token {token}")
    app.get(f"/movies/{NEMO}")
    for path, body in (("/movies", NEW), ("/movies", NEW | {"user_id": ADA})):
        app.post(path, body, expect=403)
    app.get("/movies?published=any", expect=403)


@pytest.mark.usefixtures("model")
def test_external_ids_are_accepted_wherever_an_id_is(site, django_assert_num_queries):
    Movie.objects.filter(pk=STAR_WARS).update(imdb_id="tt0076759", tmdb_id=11)
    site.patch(f"/movies/{MATRIX}", {"imdb_id": "tt0133093"})
    own = site.post("/recommend", {"history": [str(STAR_WARS), str(MATRIX)], "exclude": [str(NEMO)], "top_k": 5})
    theirs = site.post("/recommend", {"history": ["tmdb:11", "imdb:tt133093"], "exclude": [str(NEMO)], "top_k": 5})
    assert (recommended_ids(theirs), theirs["ignored_history"]) == (recommended_ids(own), [])
    with django_assert_num_queries(0):
        strange = ["imdb:tt9999999", "tmdb:0", "imdb:76759", "tmdb:99999999999"]
        body = site.post("/recommend", {"history": ["tmdb:11", *strange], "exclude": ["imdb:tt0133093"], "top_k": 20})
    assert body["ignored_history"] == strange
    assert str(MATRIX) not in recommended_ids(body)
    assert str(MATRIX) not in recommended_ids(site.get(f"/recommend?user_id=102&exclude=imdb:tt0133093,{NEMO}"))
    assert (
        site.post("/similar", {"movie_id": "tmdb:11"})["similar"]
        == site.post("/similar", {"movie_id": "260"})["similar"]
    )
    site.post("/similar", {"movie_id": "tmdb:12"}, expect=404)
    answer = site.post(
        "/events", [{"user_id": 9, "movie_id": item, "kind": "watch"} for item in ("imdb:tt0076759", "tmdb:5", "1")]
    )
    assert [item["status"] for item in answer["results"]] == ["stored", "rejected", "stored"]
    assert site.get("/movies/imdb:tt0076759")["movie_id"] == str(STAR_WARS)
    assert site.patch("/movies/tmdb:11", {"runtime": 122})["movie_id"] == str(STAR_WARS)
    for unknown in ("imdb:tt1", "tmdb:0", "tmdb:x", "x", UNKNOWN_MOVIE):
        site.get(f"/movies/{unknown}", expect=404)
        site.patch(f"/movies/{unknown}", {"year": 2000}, expect=404)
