"""POST /batch/recommend, POST /batch/recommend/cache and GET /jobs/{id}."""

from uuid import uuid4

import pytest

from recommender.models import ApiKey, Job
from recommender.serving import bulk
from recommender.training import batch
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, EVE, NEMO, STAR_WARS
from tests.support.tiny_model import TINY_MODEL

pytestmark = pytest.mark.usefixtures("model")
BRIEF = {
    "user_histories": {"123": ["1", "50", "260"], "456": ["318", "527", "858"], "789": ["1", "2", "3"]},
    "top_k": 20,
}


def test_it_works(api):
    body = api.post("/batch/recommend", BRIEF)

    assert set(body["results"]) == {"123", "456", "789"}
    assert (body["total_users"], body["success_count"], body["failed_users"]) == (3, 3, [])
    assert all(len(movies) == 20 and set(movies[0]) == {"movie_id", "score"} for movies in body["results"].values())
    assert body["lists"]["789"]["ignored_history"] == ["2", "3"]
    assert (body["lists"]["123"]["source"], body["model_version"], body["degraded"]) == ("model", TINY_MODEL, False)


def test_a_batch_gives_each_viewer_the_list_of_a_single_call(api):
    histories = {str(ADA): [], str(BEN): [str(STAR_WARS)], str(EVE): ["1", "50"], "9": [], str(CLEO): ["999999"]}

    body = api.post("/batch/recommend", {"user_histories": histories, "top_k": 30})

    for key, history in histories.items():
        single = api.post("/recommend", {"user_id": int(key), "history": history, "top_k": 30})
        assert [item["movie_id"] for item in body["results"][key]] == recommended_ids(single), key
        scores = [item["score"] for item in body["results"][key]]
        assert scores == pytest.approx([item["score"] for item in single["recommendations"]], abs=1e-4)
        assert body["lists"][key]["is_known_user"] == single["is_known_user"]


def test_keys_that_are_no_viewer_id_are_reported(api):
    body = api.post("/batch/recommend", {"user_histories": {"1": ["1"], "x": ["1"], "": [], "a\tb": [], "9" * 129: []}})

    assert (body["total_users"], body["success_count"]) == (5, 2)
    assert body["failed_users"] == ["", "a\tb", "9" * 129]


def test_queries_do_not_grow_with_viewers(api, django_assert_max_num_queries):
    api.get("/popular")
    with django_assert_max_num_queries(1):
        api.post("/batch/recommend", {"user_histories": {str(n): ["1", "260"] for n in range(1, 1001)}, "top_k": 10})


def test_titles_and_details_come_along_in_each_viewers_language(api, site, django_assert_max_num_queries):
    site.patch(f"/movies/{NEMO}", {"translations": {"de": {"title": "Findet Nemo"}}})
    for viewer, language in ((ADA, "de"), (BEN, "en")):
        site.patch(f"/users/{viewer}", {"language": language})
    body = {"user_histories": {str(ADA): [], str(BEN): ["1"]}, "top_k": 200, "seen": "include"}
    for wish in ({"titles": True}, {"details": True}, {"titles": True, "explain": True}):
        results = api.post("/batch/recommend", body | wish)["results"]
        for viewer, title in ((ADA, "Findet Nemo"), (BEN, "Finding Nemo")):
            films = {film["movie_id"]: film for film in results[str(viewer)]}
            assert films[str(NEMO)]["title"] == title
            single = {"user_id": viewer, "history": body["user_histories"][str(viewer)], "top_k": 200}
            alone = api.post("/recommend", single | wish | {"seen": "include"})["recommendations"]
            assert {*films[str(NEMO)]} == {*alone[0]}, wish
            assert all(film["title"] for film in films.values())
    many = {"user_histories": {str(n): ["1", "260"] for n in range(1, 1001)}, "top_k": 10, "titles": True}
    with django_assert_max_num_queries(5 + 1000 // bulk.BLOCK_SIZE):
        api.post("/batch/recommend", many)


def test_an_empty_batch_has_an_empty_answer(api):
    assert api.post("/batch/recommend", {"user_histories": {}})["total_users"] == 0


# Stored ahead --------------------------------------------------------------------------------------------------------


@pytest.fixture
def batches(client_with):
    return client_with(ApiKey.Scope.BATCH, ApiKey.Scope.READ)


def run(job_id):
    """What the worker does when the message arrives."""
    from recommender.jobs import leases

    lease = leases.claim(job_id)
    with leases.running_lease(lease):
        batch.run(lease)


def test_a_batch_is_a_job_to_follow(batches):
    body = batches.post("/batch/recommend/cache", {}, expect=202)

    assert batches.response.headers["Location"] == f"/jobs/{body['job_id']}"
    assert (body["kind"], body["status"]) == ("batch", "queued")
    run(body["job_id"])
    done = batches.get(f"/jobs/{body['job_id']}")
    assert (done["status"], done["result"]["viewers"]) == ("done", 4)
    assert batches.get(f"/recommend?user_id={BEN}&top_k=5")["source"] == "cache"


def test_no_body_is_everyone(batches):
    response = batches.client.generic("POST", "/batch/recommend/cache")

    assert response.status_code == 202
    assert "user_histories" not in Job.objects.get().parameters


def test_lists_for_posted_histories_are_stored(batches):
    histories = {str(EVE): ["1", "nonsense", "3114"], str(BEN): [str(STAR_WARS)]}
    job = batches.post("/batch/recommend/cache", {"user_histories": histories}, expect=202)

    run(job["job_id"])

    stored = batches.get(f"/recommend?user_id={EVE}&top_k=5")
    sent = batches.post("/recommend", {"user_id": EVE, "history": ["1", "3114"], "top_k": 5})
    assert (stored["source"], recommended_ids(stored)) == ("cache", recommended_ids(sent))
    assert str(NEMO) not in recommended_ids(batches.get(f"/recommend?user_id={BEN}&top_k=50")), "his own films are seen"


def test_the_same_key_and_body_is_the_same_job(batches):
    key = {"headers": {"Idempotency-Key": "nightly 2026-11-23".replace(" ", "-")}}
    first = batches.post("/batch/recommend/cache", {"top_k": 50}, expect=202, **key)
    second = batches.post("/batch/recommend/cache", {}, expect=202, **key)

    assert first["job_id"] == second["job_id"]
    assert Job.objects.count() == 1
    other = batches.post("/batch/recommend/cache", {"top_k": 60}, expect=422, **key)
    assert other["code"] == "idempotency_mismatch"
    assert Job.objects.count() == 1


def test_another_clients_key_is_another_job(batches, client_with):
    key = {"headers": {"Idempotency-Key": "a"}}

    item = batches.post("/batch/recommend/cache", {}, expect=202, **key)
    two = client_with(ApiKey.Scope.BATCH).post("/batch/recommend/cache", {}, expect=202, **key)

    assert item["job_id"] != two["job_id"]


@pytest.mark.parametrize("key", ["", "ä", "a b", "x" * 129])
def test_an_idempotency_key_is_printable(batches, key):
    batches.post("/batch/recommend/cache", {}, expect=400, headers={"Idempotency-Key": key})


def test_a_batch_job_reports_keys_that_are_no_viewer_id(batches):
    job = batches.post("/batch/recommend/cache", {"user_histories": {"a/\0": ["1"], str(EVE): ["1", "\0"]}}, expect=202)

    assert job["failed_users"] == ["a/\0"]
    run(job["job_id"])
    assert batches.get(f"/jobs/{job['job_id']}")["result"]["viewers"] == 1


def test_an_unknown_job_is_not_found(batches):
    assert batches.get(f"/jobs/{uuid4()}", expect=404)["code"] == "not_found"
    assert batches.get("/jobs/7", expect=404)["code"] == "not_found"
