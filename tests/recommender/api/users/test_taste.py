"""GET /users/{id}/taste: what the system thinks that a viewer likes."""

import pytest

from recommender.models import ApiKey
from tests.support.api import app_client
from tests.support.cast import ADA, BEN, CLEO, EVE, SPIRITED_AWAY

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def reader(client_with):
    return client_with(ApiKey.Scope.USERS_READ)


def test_it_says_what_stands_out(reader):
    body = reader.get(f"/users/{ADA}/taste")

    assert (body["user_id"], body["films"], body["events"]) == (ADA, 6, 12)
    assert body["mean_rating"] == pytest.approx(4.17, abs=0.01)
    genres = {genre["name"]: genre for genre in body["genres"]}
    assert genres["Action"]["share"] == pytest.approx(5 / 6, abs=0.001)
    assert genres["Action"]["share"] > genres["Action"]["everyone"]
    assert genres["Action"]["direction"] == "more"
    assert {genre["direction"] for genre in body["genres"]} <= {"more", "less", "same"}
    assert body["people"][0] == {"name": "Harrison Ford", "role": "actor", "films": 4}
    assert sum(decade["films"] for decade in body["decades"]) == 6
    assert body["languages"] == [{"language": "en", "films": 5}, {"language": "fr", "films": 1}]
    assert any("Action" in sentence for sentence in body["sentences"])
    assert "Likes films with Harrison Ford: 4 of them." in body["sentences"]


def test_only_what_was_watched_or_rated_counts(reader):
    assert reader.get(f"/users/{CLEO}/taste")["films"] == 3, "a dislike and a watchlist are no watch"


def test_a_childs_taste_names_nobody_of_films_for_older_people(reader, site):
    site.patch(f"/users/{ADA}", {"age_limit": 0})
    assert reader.get(f"/users/{ADA}/taste")["people"] == []


def test_who_did_nothing_has_no_taste_yet(reader, site, client_with):
    reader.get(f"/users/{EVE}/taste", expect=404)
    site.put(f"/users/{EVE}", {"age_limit": 12}, expect=201)
    body = reader.get(f"/users/{EVE}/taste")
    assert (body["films"], body["genres"], body["sentences"], body["mean_rating"]) == (0, [], [], None)
    app = app_client(BEN, client_with)
    assert app.get(f"/users/{BEN}/taste")["films"] == 3
    app.get(f"/users/{ADA}/taste", expect=403)


def test_a_language_that_prevails_is_named(reader, site):
    site.post("/events", {"user_id": EVE, "movie_id": str(SPIRITED_AWAY), "kind": "watch"})
    assert "Watches mostly films in the language ja." in reader.get(f"/users/{EVE}/taste")["sentences"]
