"""More requests than may be computed: refused at once, while stored lists go on."""

import threading

import pytest

from recommender.serving import capacity, rows
from tests.cast import ADA, MATRIX, STAR_WARS

POSTED = {"user_id": ADA, "history": [str(STAR_WARS), str(MATRIX)]}


@pytest.fixture
def occupied(model):
    """Every place to compute in is taken until the test is over."""
    done, taken = threading.Event(), threading.Barrier(capacity.COMPUTED + 1)

    def take():
        with capacity.computing():
            taken.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=take) for _ in range(capacity.COMPUTED)]
    for thread in threads:
        thread.start()
    taken.wait(10)
    yield done
    done.set()
    for thread in threads:
        thread.join()


def test_past_the_queue_a_request_is_told_to_come_back(api, occupied, monkeypatch):
    monkeypatch.setattr(capacity, "WAITING", 0)
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
    monkeypatch.setattr(capacity, "WAITING", 0)
    assert api.get(f"/recommend?user_id={ADA}")["source"] == "cache"


def test_whoever_waits_is_answered_when_a_place_is_free(api, occupied):
    threading.Timer(0.2, occupied.set).start()
    assert api.post("/recommend", POSTED)["source"] == "model"


def test_nobody_waits_for_ever(api, occupied, monkeypatch):
    monkeypatch.setattr(capacity, "LONGEST_WAIT", 0.05)
    api.post("/recommend", POSTED, expect=503)


def test_a_page_whose_rows_are_computed_needs_one_place(api, model, monkeypatch):
    monkeypatch.setattr(capacity, "_free", threading.BoundedSemaphore(1))
    monkeypatch.setattr(capacity, "LONGEST_WAIT", 0.5)
    rows.kin.cache_clear()
    kinds = [row["kind"] for row in api.get(f"/home?user_id={ADA}")["rows"]]
    assert "because_you_watched" in kinds
