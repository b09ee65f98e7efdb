"""Events of calls that come at the same time share a transaction."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from catalog.models import Viewer, WatchEvent
from recommender.ingest.group_commit import GroupCommit
from tests.support.api import ApiClient
from tests.support.cast import ADA, NEMO, TOY_STORY

CALLS = 6


@pytest.fixture
def post(site):
    """Return a function that posts an event in a thread of its own."""
    key = site.client.defaults["HTTP_AUTHORIZATION"]

    def send(viewer_id, movie_id):
        try:
            return ApiClient(Authorization=key).post(
                "/events", {"user_id": viewer_id, "movie_id": str(movie_id), "kind": "watch"}
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLS + 1) as pool:
        yield lambda *event: pool.submit(send, *event)


def wait_for_blocked(count):
    """Wait until so many connections wait for a lock."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the first look would hold
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.02)
    raise AssertionError("Nothing waits for a lock.")


@pytest.mark.django_db(transaction=True)
def test_calls_that_wait_for_one_go_together_with_the_next(post, model):
    post(ADA, TOY_STORY).result()
    with transaction.atomic():
        Viewer.objects.select_for_update().get(pk=ADA)
        first = post(ADA, NEMO)
        wait_for_blocked(1)
        others = [post(700 + number, NEMO) for number in range(CALLS)]
        time.sleep(1)  # they have come by then
        assert not any(call.done() for call in others)

    answers = [call.result() for call in (first, *others)]

    assert all((answer["stored"], answer["visible"]) == (1, True) for answer in answers)
    with connection.cursor() as cursor:
        cursor.execute("SELECT viewer_id, xmin::text FROM catalog_watchevent WHERE movie_id = %s", [NEMO])
        transactions = dict(cursor.fetchall())
    together = {transactions[700 + number] for number in range(CALLS)}
    assert len(together) == 1
    assert transactions[ADA] not in together
    assert WatchEvent.objects.filter(movie_id=NEMO, viewer_id__gte=700).count() == CALLS


@pytest.mark.django_db(transaction=True)
def test_the_same_event_in_two_calls_of_a_transaction_is_stored_once(post, site, model):
    key = site.client.defaults["HTTP_AUTHORIZATION"]
    event = {"user_id": 701, "movie_id": str(NEMO), "kind": "watch", "event_id": "once"}

    def send():
        try:
            return ApiClient(Authorization=key).post("/events", event)["results"][0]["status"]
        finally:
            connection.close()

    post(ADA, TOY_STORY).result()
    with ThreadPoolExecutor(4) as pool:
        with transaction.atomic():
            Viewer.objects.select_for_update().get(pk=ADA)
            post(ADA, NEMO)
            wait_for_blocked(1)
            calls = [pool.submit(send) for _ in range(4)]
            time.sleep(1)
        assert sorted(call.result() for call in calls) == ["duplicate"] * 3 + ["stored"]


@pytest.fixture
def gate():
    """A store that waits for leave, refuses what is bad, and tells what it stored together."""
    leave, stored = threading.Event(), []

    def store(items):
        leave.wait(20)
        if "bad" in items:
            raise ValueError("bad")
        stored.append(list(items))
        return [item.upper() for item in items]

    return leave, stored, store


def run_at_once(group_commit, leave, batches):
    def run(batch):
        try:
            return group_commit.run(batch)
        except ValueError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(batches)) as pool:
        calls = []
        for batch in batches:
            calls.append(pool.submit(run, batch))
            time.sleep(0.05)
        leave.set()
        return [call.result() for call in calls]


def test_a_call_that_fails_spoils_no_other(gate):
    leave, stored, store = gate

    results = run_at_once(GroupCommit(store, 10), leave, [["a"], ["b"], ["bad"], ["c", "d"]])

    assert results == [["A"], ["B"], "bad", ["C", "D"]]
    assert sorted(map(sorted, stored)) == [["a"], ["b"], ["c", "d"]]


def test_a_transaction_has_its_bound_and_keeps_the_order(gate):
    leave, stored, store = gate
    batches = [["a"], ["b", "c"], ["d"], ["e"], ["f"] * 4]

    assert run_at_once(GroupCommit(store, 3), leave, batches) == [[item.upper() for item in items] for items in batches]
    assert [items for items in stored if items != ["f"] * 4] == [["a"], ["b", "c", "d"], ["e"]]
