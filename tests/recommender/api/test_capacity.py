"""Admission control: requests past the limit are refused at once, while cached lists are answered."""

import threading

import pytest

from recommender import process_state
from recommender.serving import concurrency
from tests.support.cast import ADA, MATRIX, STAR_WARS

POSTED = {"user_id": ADA, "history": [str(STAR_WARS), str(MATRIX)]}


@pytest.fixture
def occupied(model):
    """Hold every compute slot until the test is over."""
    done, taken = threading.Event(), threading.Barrier(concurrency.MAX_RUNNING + 1)

    def take():
        with concurrency.compute_slot():
            taken.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=take) for _ in range(concurrency.MAX_RUNNING)]
    for thread in threads:
        thread.start()
    taken.wait(10)
    yield done
    done.set()
    for thread in threads:
        thread.join()


def test_a_request_past_the_queue_is_refused_with_retry_after(api, occupied, monkeypatch):
    monkeypatch.setattr(concurrency, "MAX_QUEUED", 0)
    for path, body in (
        ("/recommend", POSTED),
        ("/similar", {"movie_id": str(MATRIX)}),
        (f"/home?user_id={ADA}", None),
    ):
        problem = api.get(path, expect=503) if body is None else api.post(path, body, expect=503)
        assert api.response["Retry-After"] == "1"
        assert problem["code"] == "overloaded"
        assert "limit" in problem["detail"]


def test_stored_lists_do_not_wait(api, model, request, monkeypatch):
    api.get(f"/recommend?user_id={ADA}")
    request.getfixturevalue("occupied")
    monkeypatch.setattr(concurrency, "MAX_QUEUED", 0)
    assert api.get(f"/recommend?user_id={ADA}")["source"] == "cache"


def test_a_queued_request_is_answered_when_a_slot_is_free(api, occupied, monkeypatch):
    wait_for_slot = concurrency._wait_for_slot

    def free_a_slot_and_wait():
        occupied.set()
        return wait_for_slot()

    monkeypatch.setattr(concurrency, "_wait_for_slot", free_a_slot_and_wait)
    assert api.post("/recommend", POSTED)["source"] == "model"


def test_a_queued_request_times_out(api, occupied, monkeypatch):
    monkeypatch.setattr(concurrency, "QUEUE_TIMEOUT", 0.05)
    api.post("/recommend", POSTED, expect=503)


def test_a_page_whose_rows_are_computed_needs_one_slot(api, model, monkeypatch):
    monkeypatch.setattr(concurrency, "_slots", threading.BoundedSemaphore(1))
    monkeypatch.setattr(concurrency, "QUEUE_TIMEOUT", 0.5)
    kinds = [row["kind"] for row in api.get(f"/home?user_id={ADA}")["rows"]]
    assert "because_you_watched" in kinds


MANY = {"user_histories": {str(user): [str(MATRIX)] for user in range(1, 41)}, "top_k": 3}


def test_a_batch_takes_no_compute_slot(api, occupied, monkeypatch):
    monkeypatch.setattr(concurrency, "MAX_YIELD", 0.01)
    assert api.post("/batch/recommend", MANY)["total_users"] == 40


def test_a_batch_waits_between_its_blocks_while_lists_are_made(model, api, monkeypatch):
    """Each block comes after the lists that somebody waits for, and rests where calls came lately."""
    turns, rests = [], []
    own = concurrency._machine_lock

    def counted_lock():
        turns.append(concurrency._running)
        return own()

    monkeypatch.setattr(concurrency, "_machine_lock", counted_lock)
    monkeypatch.setattr(concurrency.time, "sleep", rests.append)
    process_state.clear()
    api.post("/batch/recommend", MANY)
    # The body, its histories, those of the database, five blocks, the answer: nobody else is there.
    assert (len(turns), rests) == (9, [])
    api.get(f"/recommend?user_id={ADA}")
    api.post("/batch/recommend", MANY)
    assert len(rests) == 9
    assert set(turns) == {0}


def test_one_client_cannot_take_all_batch_slots(model, client_with, monkeypatch):
    monkeypatch.setattr(concurrency.BULK_LISTS, "timeout", 0.1)
    first, second = client_with("recommend:read"), client_with("recommend:read")
    inside, done, statuses = threading.Event(), threading.Event(), []
    own = concurrency.bulk_turn

    def hold():
        inside.set()
        done.wait(10)
        return own()

    def call():
        concurrency.begin_call("held", interactive=False)
        with concurrency.BULK_LISTS.slot():
            hold()

    thread = threading.Thread(target=call)
    thread.start()
    inside.wait(10)
    for caller in (first, second):
        caller.client.post("/batch/recommend", MANY, content_type="application/json")
    concurrency.begin_call("held", interactive=False)
    with pytest.raises(concurrency.Overloaded), concurrency.BULK_LISTS.slot():
        statuses.append("a second place for one client")
    second.post("/batch/recommend", MANY)
    done.set()
    thread.join()
    assert not statuses


def test_a_batch_past_its_bulkhead_is_refused_before_its_body_is_read(model, api, monkeypatch):
    monkeypatch.setattr(concurrency.BULK_LISTS, "max_queued", 0)
    problem = api.post("/batch/recommend", b"{no JSON at all", expect=503)
    assert (problem["code"], api.response["Retry-After"]) == ("overloaded", "1")
    api.get(f"/recommend?user_id={ADA}")


def test_file_transfers_release_their_slot(model, site, monkeypatch):
    monkeypatch.setattr(concurrency.FILE_TRANSFERS, "timeout", 0.05)
    opened = site.client.get("/exports/movies.jsonl")
    site.get("/exports/movies.jsonl", expect=503)
    site.post("/users/9/history", b"", expect=503)
    assert b"".join(opened.streaming_content)
    opened.close()
    repeated = site.client.get("/exports/movies.jsonl")
    repeated.close()  # unread
    last = site.client.get("/exports/movies.jsonl")
    assert (last.status_code, b"".join(last.streaming_content) != b"") == (200, True)
    assert not concurrency.FILE_TRANSFERS._running


def test_groups_and_explanations_leave_a_compute_slot(model, api, monkeypatch):
    monkeypatch.setattr(concurrency.GROUPS_AND_EXPLANATIONS, "timeout", 0.05)
    concurrency.begin_call("another", interactive=True)
    with concurrency.GROUPS_AND_EXPLANATIONS.slot():
        pass
    client = concurrency.GROUPS_AND_EXPLANATIONS.acquire()
    try:
        api.post("/recommend", {"user_ids": [ADA, ADA + 1]}, expect=503)
        api.post("/recommend", {**POSTED, "explain": True}, expect=503)
        assert api.post("/recommend", POSTED)["source"] == "model"
    finally:
        concurrency.GROUPS_AND_EXPLANATIONS.release(client)
    assert "because" in api.post("/recommend", {**POSTED, "explain": True})["recommendations"][0]
