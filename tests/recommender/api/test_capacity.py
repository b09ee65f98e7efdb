"""Admission control: past the limit requests are answered with less, at once, and clients take turns."""

import threading

import pytest

from catalog.models import Movie, Rule, Viewer
from recommender import process_state
from recommender.serving import concurrency
from recommender.serving.concurrency import COMPUTING, Bulkhead, Overloaded
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, EVE, MATRIX, STAR_WARS
from tests.support.workers import wait_until

POSTED = {"user_id": ADA, "history": [str(STAR_WARS), str(MATRIX)]}


@pytest.fixture
def occupied(model):
    """Hold every compute slot until the test is over."""
    done, taken = threading.Event(), threading.Barrier(COMPUTING.slots + 1)

    def take():
        with COMPUTING.slot():
            taken.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=take) for _ in range(COMPUTING.slots)]
    for thread in threads:
        thread.start()
    taken.wait(10)
    yield done
    done.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def overloaded(occupied, monkeypatch):
    """Nobody may wait for a slot."""
    monkeypatch.setattr(COMPUTING, "max_queued", 0)


def test_every_list_is_answered_with_less(api, overloaded):
    for body in (
        api.post("/recommend", POSTED),
        api.post("/recommend", {"history": [str(MATRIX)]}),
        api.post("/recommend", {"user_ids": [ADA, BEN]}),
        api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Crime"]}),
        api.get(f"/recommend?user_id={ADA}&seen=include"),
        api.get(f"/recommend?user_id={EVE}&explain=true"),
    ):
        assert (body["source"], body["degraded"]) == ("popular", True)
        assert body["recommendations"]
        assert not {"because", "fact"} & set(body["recommendations"][0])
    assert str(MATRIX) not in recommended_ids(api.post("/recommend", POSTED))
    similar = api.post("/similar", {"movie_id": str(MATRIX)})
    assert (similar["source"], similar["degraded"]) == ("popular", True)
    assert str(MATRIX) not in [film["movie_id"] for film in similar["similar"]]
    trend = api.get(f"/trending?user_id={ADA}&personal=true")
    assert (trend["source"], trend["degraded"]) == ("trending", True)
    page = api.get(f"/home?user_id={ADA}")
    assert page["degraded"]
    assert {"popular", "new"} <= {row["kind"] for row in page["rows"]}
    assert "because_you_watched" not in {row["kind"] for row in page["rows"]}


def test_pages_of_less_go_on(api, overloaded):
    first = api.post("/recommend", {**POSTED, "top_k": 2})
    second = api.post("/recommend", {"cursor": first["next"]})
    assert len(set(recommended_ids(first) + recommended_ids(second))) == 4
    assert recommended_ids(api.post("/recommend", {"cursor": first["next"]})) == recommended_ids(second)


def test_an_older_list_has_nothing_that_may_not_be_shown(api, site, model, request):
    """What was seen, hidden, excluded or is above the age limit since the list was made."""
    before = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=10"))
    seen, hidden, excluded, for_adults, *rest = before
    site.post("/events", {"user_id": ADA, "movie_id": seen, "kind": "watch"})
    site.patch(f"/movies/{hidden}", {"published": False})
    Rule.objects.create(name="Not now", action="exclude", movie_id=int(excluded))
    site.patch(f"/movies/{for_adults}", {"certificate": "FSK 18"})
    site.patch(f"/users/{ADA}", {"age_limit": 16})
    may_be_shown = [
        str(movie)
        for movie in Movie.objects.filter(pk__in=rest).values_list("pk", flat=True)
        if str(movie) in recommended_ids(api.get("/popular?age_limit=16&top_k=100"))
    ]
    request.getfixturevalue("overloaded")

    answer = api.get(f"/recommend?user_id={ADA}&top_k=10")
    page = api.get(f"/home?user_id={ADA}")

    assert (answer["source"], answer["degraded"], answer["model_version"]) == ("cache", True, model.name)
    assert recommended_ids(answer)[: len(may_be_shown)] == [movie for movie in rest if movie in may_be_shown]
    assert len(set(recommended_ids(answer))) == len(answer["recommendations"])
    on_page = [film["movie_id"] for row in page["rows"] for film in row["films"]]
    assert "top_picks" in [row["kind"] for row in page["rows"]]
    assert not {seen, hidden, excluded, for_adults} & {*recommended_ids(answer), *on_page}


def test_the_older_list_of_an_erased_viewer_is_gone(api, site, model, request):
    api.get(f"/recommend?user_id={ADA}")
    site.delete(f"/users/{ADA}/data")
    assert not Viewer.objects.filter(pk=ADA).exists()
    request.getfixturevalue("overloaded")
    answer = api.get(f"/recommend?user_id={ADA}")
    assert (answer["source"], answer["is_known_user"]) == ("popular", False)


def test_stored_lists_do_not_wait(api, model, request):
    api.get(f"/recommend?user_id={ADA}")
    request.getfixturevalue("overloaded")
    answer = api.get(f"/recommend?user_id={ADA}")
    assert (answer["source"], answer["degraded"]) == ("cache", False)


def test_stored_neighbours_do_not_wait(api, shelf, request):
    request.getfixturevalue("occupied")
    answer = api.post("/similar", {"movie_id": str(MATRIX)})
    assert (len(answer["similar"]), answer["degraded"]) == (20, False)


def test_a_queued_request_is_answered_when_a_slot_is_free(api, occupied, monkeypatch):
    release_connection = concurrency._release_connection

    def free_a_slot():
        occupied.set()
        release_connection()

    monkeypatch.setattr(COMPUTING, "timeout", 10)
    monkeypatch.setattr(concurrency, "_release_connection", free_a_slot)
    assert api.post("/recommend", POSTED)["source"] == "model"


def test_a_queued_request_waits_no_longer_than_it_may(api, occupied, monkeypatch):
    monkeypatch.setattr(COMPUTING, "timeout", 0.05)
    assert api.post("/recommend", POSTED)["degraded"]


def test_a_page_whose_rows_are_computed_needs_one_slot(api, model, monkeypatch):
    monkeypatch.setattr(COMPUTING, "slots", 1)
    page = api.get(f"/home?user_id={ADA}")
    assert "because_you_watched" in [row["kind"] for row in page["rows"]]
    assert not page["degraded"]


class Crowd:
    """Threads of clients at one bulkhead, each in its queue before the next comes; notes whose turn it was."""

    def __init__(self, bulkhead):
        self.bulkhead, self.turns, self.refused, self.threads = bulkhead, [], [], []

    def send(self, client):
        before = self.waiting()

        def call():
            concurrency.begin_call(client, interactive=False)
            try:
                with self.bulkhead.slot():
                    self.turns.append(client)
            except Overloaded:
                self.refused.append(client)

        self.threads.append(threading.Thread(target=call))
        self.threads[-1].start()
        wait_until(lambda: self.waiting() != before or self.refused, 10)

    def waiting(self):
        return sum(map(len, self.bulkhead._queues.values()))

    def wait(self):
        for thread in self.threads:
            thread.join(10)


def test_clients_take_turns(db):
    bulkhead = Bulkhead("a test", slots=1, per_client=1, max_queued=16, timeout=10)
    crowd = Crowd(bulkhead)
    concurrency.begin_call("held", interactive=False)
    with bulkhead.slot():
        for client in "aaaaabac":
            crowd.send(client)
    crowd.wait()
    assert "".join(crowd.turns) == "abcaaaaa"


def test_who_waits_most_makes_room_for_who_waits_less(db):
    bulkhead = Bulkhead("a test", slots=1, per_client=1, max_queued=4, timeout=10)
    crowd = Crowd(bulkhead)
    concurrency.begin_call("held", interactive=False)
    with bulkhead.slot():
        for client in "aaaa":
            crowd.send(client)
        for number, client in enumerate("abbbca", start=1):
            crowd.send(client)
            wait_until(lambda: len(crowd.refused) == number, 10)  # noqa: B023
    crowd.wait()
    assert "".join(crowd.refused) == "aaabaa"
    assert sorted(crowd.turns) == ["a", "b", "b", "c"]


MANY = {"user_histories": {str(user): [str(MATRIX)] for user in range(1, 41)}, "top_k": 3}


def test_a_batch_takes_no_compute_slot(api, occupied, monkeypatch):
    monkeypatch.setattr(concurrency, "MAX_YIELD", 0.01)
    assert api.post("/batch/recommend", MANY)["total_users"] == 40


def test_a_batch_waits_between_its_blocks_while_lists_are_made(model, api, monkeypatch):
    """Each block comes after the lists that somebody waits for, and rests where calls came lately."""
    turns, rests = [], []
    own = concurrency._machine_lock

    def counted_lock():
        turns.append(len(COMPUTING._running))
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
    monkeypatch.setattr(concurrency.BULK_LISTS, "slots", 0)
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
    client = concurrency.GROUPS_AND_EXPLANATIONS.acquire()
    try:
        assert api.post("/recommend", {"user_ids": [ADA, ADA + 1]})["source"] == "popular"
        bare = api.post("/recommend", {**POSTED, "explain": True})
        assert (bare["source"], bare["degraded"], "because" in bare["recommendations"][0]) == ("model", True, False)
        assert api.post("/recommend", POSTED)["source"] == "model"
    finally:
        concurrency.GROUPS_AND_EXPLANATIONS.release(client)
    assert "because" in api.post("/recommend", {**POSTED, "explain": True})["recommendations"][0]
