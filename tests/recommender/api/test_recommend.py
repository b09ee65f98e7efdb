"""GET and POST /recommend: where a list comes from, and what it says of itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from recommender import cache
from recommender.ml.ranker import Ranker
from tests.support.api import recommended_ids
from tests.support.cast import ADA, AMELIE, CLEO, DAN, EMPIRE, EVE, JEDI, MATRIX, NEMO, STAR_WARS, TOY_STORY
from tests.support.tiny_model import INVENTED, TINY_MODEL, UNKNOWN_TO_MODEL

pytestmark = pytest.mark.usefixtures("model")
SPACE = {str(film) for film in INVENTED["Sci-Fi"]}
BRIEF = {"user_id": EVE, "history": ["1", "50", "260", "1210"], "top_k": 20}


def test_it_works(api):
    body = api.post("/recommend", BRIEF)

    assert body["user_id"] == EVE
    assert len(body["recommendations"]) == 20
    assert set(body["recommendations"][0]) == {"movie_id", "score"}
    assert isinstance(body["recommendations"][0]["movie_id"], str)
    assert (body["source"], body["model_version"], body["is_known_user"]) == ("model", TINY_MODEL, False)
    assert not set(BRIEF["history"]) & set(recommended_ids(body))


def test_scores_come_best_first(api):
    scores = [item["score"] for item in api.post("/recommend", BRIEF)["recommendations"]]

    assert scores == sorted(scores, reverse=True)


def test_the_first_read_is_computed_and_the_second_is_cached(api):
    first = api.get(f"/recommend?user_id={ADA}&top_k=10")
    second = api.get(f"/recommend?user_id={ADA}&top_k=10")

    assert (first["source"], second["source"]) == ("model", "cache")
    assert first["recommendations"] == second["recommendations"]
    assert first["recommendation_id"] != second["recommendation_id"]
    assert first["made_at"] is None
    assert abs(datetime.now(UTC) - datetime.fromisoformat(second["made_at"])) < timedelta(minutes=5)
    assert recommended_ids(first)[0] in SPACE


def test_post_without_a_history_is_the_same_list(api):
    got = api.get(f"/recommend?user_id={ADA}&top_k=10")

    posted = api.post("/recommend", {"user_id": ADA, "top_k": 10, "history": []})

    assert (posted["source"], recommended_ids(posted)) == ("cache", recommended_ids(got))


def test_a_stored_list_costs_no_query(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}&top_k=10")

    with django_assert_num_queries(0):
        api.get(f"/recommend?user_id={ADA}&top_k=10")
    with django_assert_num_queries(1):
        titled = api.get(f"/recommend?user_id={ADA}&top_k=10&titles=true")
    assert set(titled["recommendations"][0]) == {"movie_id", "score", "title", "genres", "year", "poster_url"}


def test_a_computed_list_costs_one_query(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}")

    with django_assert_num_queries(1):
        assert api.get(f"/recommend?user_id={CLEO}&top_k=5")["source"] == "model"


def test_the_order_of_a_history_changes_the_list(api):
    there = api.post("/recommend", {"user_id": EVE, "history": [str(STAR_WARS), str(EMPIRE), str(TOY_STORY)]})
    back = api.post("/recommend", {"user_id": EVE, "history": [str(TOY_STORY), str(EMPIRE), str(STAR_WARS)]})

    assert recommended_ids(there) != recommended_ids(back)


def test_another_history_gives_another_list(api):
    space = api.post("/recommend", {"user_id": EVE, "history": [str(STAR_WARS), str(EMPIRE), str(JEDI)], "top_k": 10})
    family = api.post("/recommend", {"user_id": EVE, "history": [str(TOY_STORY), str(NEMO)], "top_k": 10})

    assert len(set(recommended_ids(space)) & set(recommended_ids(family))) < 5


def test_a_history_that_is_sent_neither_reads_nor_writes_a_stored_list(api):
    sent = api.post("/recommend", {"user_id": ADA, "history": [str(TOY_STORY)], "top_k": 5})
    own = api.get(f"/recommend?user_id={ADA}&top_k=5")
    repeated = api.post("/recommend", {"user_id": ADA, "history": [str(TOY_STORY)], "top_k": 5})

    assert (sent["source"], own["source"], repeated["source"]) == ("model", "model", "model")
    assert recommended_ids(sent) == recommended_ids(repeated) != recommended_ids(own)
    assert not {str(STAR_WARS), str(TOY_STORY)} & set(recommended_ids(sent)), "her own films and the one sent are seen"


def test_unknown_movies_are_ignored_and_reported(api):
    body = api.post(
        "/recommend", {"user_id": EVE, "history": ["no film", "1", "999999", str(UNKNOWN_TO_MODEL), "999999"]}
    )

    assert body["source"] == "model"
    assert body["ignored_history"] == ["no film", "999999", str(UNKNOWN_TO_MODEL)]


def test_a_history_of_unknown_movies_gets_popular_movies(api):
    body = api.post("/recommend", {"user_id": EVE, "history": ["999999"], "top_k": 5})

    assert (body["source"], body["model_version"], body["ignored_history"]) == ("popular", None, ["999999"])
    assert len(recommended_ids(body)) == 5


def test_an_unknown_viewer_gets_popular_movies(api):
    body = api.get(f"/recommend?user_id={EVE}&top_k=5")

    assert (body["source"], body["is_known_user"]) == ("popular", False)
    assert len(recommended_ids(body)) == 5


def test_a_history_is_enough_without_a_viewer(api):
    body = api.post("/recommend", {"history": ["1", "3114"], "top_k": 5})

    assert (body["user_id"], body["source"]) == (None, "model")


def test_seen_and_rejected_movies_are_never_listed(api):
    body = api.get(f"/recommend?user_id={CLEO}&top_k=200")

    assert not {str(TOY_STORY), str(MATRIX), "858", "296", "318"} & set(recommended_ids(body))
    assert "1221" in recommended_ids(body), "the watchlist is not seen"
    assert body["removed"] == {"seen": 3, "disliked": 1, "not_interested": 1}


def test_excluded_movies_are_not_listed(api):
    [first, second] = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=2"))

    body = api.get(f"/recommend?user_id={ADA}&top_k=1&exclude={first},999999")

    assert (recommended_ids(body), body["source"], body["removed"]) == ([second], "cache", {"seen": 6, "excluded": 1})


def test_a_list_is_full_where_the_catalogue_can_fill_it(api):
    body = api.get(f"/recommend?user_id={DAN}&top_k=200")

    assert len(recommended_ids(body)) == 16 + 60 + 1 - 1
    assert recommended_ids(body)[-1] == str(UNKNOWN_TO_MODEL), "what the model does not know stands last"
    scores = [item["score"] for item in body["recommendations"]]
    assert scores == sorted(scores, reverse=True)


def test_a_list_for_a_request_time_is_computed_and_not_stored(api):
    for at in (1_700_000_000, "2024-05-01T12:00:00Z"):
        assert api.post("/recommend", {"user_id": ADA, "top_k": 5, "at": at})["source"] == "model"
    assert api.get(f"/recommend?user_id={ADA}&top_k=5&at=2024-05-01")["source"] == "model"

    assert cache.read_list_and_versions(ADA)[1] is None


def test_stored_lists_are_longer_than_the_requested_ones(api):
    api.get(f"/recommend?user_id={ADA}&top_k=1")

    assert len(cache.read_list_and_versions(ADA)[1].movie_ids) == 16 + 60 - 6 <= settings.LIST_LENGTH


def test_a_viewer_is_encoded_once_for_a_version(api, site, monkeypatch):
    encoded = []
    encode = Ranker.encode
    monkeypatch.setattr(Ranker, "encode", lambda self, *args: encoded.append(len(args[0])) or encode(self, *args))

    api.get(f"/recommend?user_id={ADA}&top_k=5")
    api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Crime"], "final_k": 20})
    api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 20})
    api.post("/batch/recommend", {"user_histories": {str(ADA): []}, "top_k": 5})
    assert encoded == [1]

    site.post("/events", {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch"})
    api.post("/batch/recommend", {"user_histories": {str(ADA): [], str(CLEO): []}, "top_k": 5})
    api.get(f"/recommend?user_id={ADA}&top_k=5")
    assert encoded == [1, 2]


def test_a_taste_without_watches_is_personal(api, site):
    site.post("/events", {"user_id": EVE, "movie_id": str(AMELIE), "kind": "like"})

    assert api.get(f"/recommend?user_id={EVE}&top_k=5")["source"] == "model"


def test_a_viewer_who_only_rejected_movies_gets_popular_ones_without_them(api, site):
    popular = recommended_ids(api.get("/popular?top_k=2"))
    site.post("/events", {"user_id": EVE, "movie_id": popular[0], "kind": "not_interested"})

    body = api.get(f"/recommend?user_id={EVE}&top_k=1")

    assert (body["source"], body["is_known_user"], recommended_ids(body)) == ("popular", True, popular[1:])
