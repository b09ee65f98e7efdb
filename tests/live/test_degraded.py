"""A part goes away under load and comes back: lists go on meanwhile, and nothing has to be done afterwards."""

import os
import shutil
import signal
import time

import pytest
from django.db import connections

from catalog.models import Viewer
from recommender import registry
from recommender.models import ModelVersion
from tests.support import servers
from tests.support.cast import ADA, MATRIX
from tests.support.live_calls import (
    HISTORY,
    LISTS,
    MAX_SECONDS,
    STRANGER,
    VIEWERS,
    assert_answered,
    calls,
    is_degraded,
    is_full_answer,
    movies_of,
    outcomes_by_name,
    warm_up,
)
from tests.support.live_server import Load
from tests.support.tiny_model import TINY_MODEL
from tests.support.workers import wait_until

VERSIONED = ("stored", "titled", "posted", "anonymous", "filtered", "keyed")


def test_postgres(live):
    with Load(calls(live)) as load:
        warm_up(live, load)
        gone_at = time.monotonic()
        connections.close_all()
        servers.POSTGRES.stop()
        noticed = load.wait_until_all(lambda one: is_degraded(one) or one.call == "event")
        stranger, ready = live.send(f"/recommend?user_id={STRANGER}"), live.send("/health/ready")
        load.wait_until_each_was_sent()
        back_at = time.monotonic()
        servers.POSTGRES.start()
        well_at = load.wait_until_all(is_full_answer)
        load.wait_until_each_was_sent()
    without = [one for one in load.outcomes_since(noticed) if one.started_at + one.seconds < back_at]

    assert_answered(without, *LISTS, "similar")
    assert all(is_degraded(one) for one in without if one.call != "event")
    assert all(movies_of(one) for one in without if one.call not in ("event", "seen"))  # so few viewers make no trend
    assert all(film["title"] for one in outcomes_by_name(without, "titled")["titled"] for film in movies_of(one))
    assert all(one.body["source"] == "cache" for one in outcomes_by_name(without, "stored")["stored"])
    for event in outcomes_by_name(without, "event")["event"]:
        assert (event.status, event.body["code"], event.headers["Retry-After"]) == (503, "database_unreachable", "5")
        assert event.headers["Content-Type"] == "application/problem+json"
        assert event.seconds < MAX_SECONDS
    assert (stranger.status, stranger.headers["Retry-After"]) == (503, "5")
    assert (ready.status, ready.body["parts"]["database"][:11]) == (200, "unreachable")
    assert noticed - gone_at < 10
    assert well_at - back_at < 10
    assert not [one for one in load.outcomes_since(gone_at) if one.status not in (200, 503)]
    assert_answered(load.outcomes_since(well_at), *load.calls)


def test_valkey(live):
    with Load(calls(live)) as load:
        warm_up(live, load)
        gone_at = time.monotonic()
        servers.VALKEY.stop()
        time.sleep(0.5)
        load.wait_until_each_was_sent()
        ordered = live.send("/batch/recommend/cache", {"user_histories": {str(ADA): [str(MATRIX)]}}, key=True)
        back_at = time.monotonic()
        servers.VALKEY.start()
        well_at = load.wait_until_all(is_full_answer)
        load.wait_until_each_was_sent()
    without = [one for one in load.outcomes_since(gone_at + 0.5) if one.started_at + one.seconds < back_at]

    assert_answered(load.outcomes_since(gone_at), *load.calls)
    assert all(is_degraded(one) for one in without if one.call != "event")
    assert all(movies_of(one) for one in without if one.call not in ("event", "seen"))
    assert not any(one.body["visible"] for one in outcomes_by_name(without, "event")["event"])
    assert all(one.body["source"] == "model" for one in outcomes_by_name(without, "stored")["stored"])
    assert (ordered.status, ordered.body["status"]) == (202, "queued"), ordered
    assert well_at - back_at < 10
    assert all(one.body["visible"] for one in outcomes_by_name(load.outcomes_since(well_at), "event")["event"])
    assert "cache" in {one.body["source"] for one in outcomes_by_name(load.outcomes_since(well_at), "stored")["stored"]}


@pytest.mark.parametrize("part", [servers.VALKEY, servers.POSTGRES], ids=["valkey", "postgres"])
def test_health_answers_at_once_and_names_what_is_frozen(live, part):
    name = "cache" if part is servers.VALKEY else "database"
    with part.freeze():
        wait_until(lambda: live.send("/health/ready").body["parts"][name] != "ok", 4)  # a monitor finds out
        found = [live.send("/health/ready") for _ in range(8)]
        assert live.send("/health/live").seconds < 1

    assert max(one.seconds for one in found) < 1.5
    assert all(one.body["parts"][name].startswith("unreachable") for one in found), found
    wait_until(lambda: live.send("/health/ready").body["parts"][name] == "ok", 4)


def test_what_was_seen_while_valkey_stood_still_is_on_no_list_once_it_goes_on(live):
    """No beat runs here, and the frozen server still has the versions and the lists of before."""
    for pause in (0.0, 0.4):  # seconds: the processes know it, or do not know it yet
        films = {viewer: live.fetch(f"/recommend?user_id={viewer}&top_k=10")["recommendations"] for viewer in VIEWERS}
        assert all(live.fetch(f"/recommend?user_id={viewer}")["source"] == "cache" for viewer in VIEWERS)
        with servers.VALKEY.freeze():
            for viewer in VIEWERS:
                seen = {"user_id": viewer, "movie_id": films[viewer][0]["movie_id"], "kind": "watch"}
                told = live.fetch("/events", seen, key=True)
                assert (told["results"][0]["status"], told["visible"]) == ("stored", False), told
            time.sleep(pause)
        wrong = []
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            for viewer in VIEWERS:
                answer = live.fetch(f"/recommend?user_id={viewer}&top_k=10")
                if films[viewer][0]["movie_id"] in [one["movie_id"] for one in answer["recommendations"]]:
                    wrong.append((viewer, answer))
        assert not wrong, (len(wrong), wrong[0])
        assert not Viewer.objects.filter(publish_pending=True).exists()


@pytest.fixture
def broken(live, model_folder):
    """Another version, active; its folder goes with the test."""
    folder = registry.folder("broken")
    shutil.copytree(model_folder, folder)
    registry.register(folder, preset="basic")
    registry.activate("broken", "a test")
    yield folder
    registry.activate(TINY_MODEL, "after the test")
    ModelVersion.objects.filter(name="broken").delete()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_model_folder_that_is_lost_or_cut_is_answered_by_the_version_before(live, broken):
    """The processes hold what they have loaded; one that comes anew finds the folder as it is by then."""
    with Load(calls(live)) as load:
        warm_up(live, load)
        (broken / "weights.safetensors").write_bytes((broken / "weights.safetensors").read_bytes()[:1000])
        held = load.wait_until_all(is_full_answer)
        load.wait_until_each_was_sent()
        before = live.workers
        os.kill(before[0], signal.SIGTERM)  # gunicorn starts another in its place
        wait_until(lambda: len(live.workers) == len(before) and live.workers != before)
        [new] = [pid for pid in live.workers if pid not in before]
        wait_until(lambda: new in live.workers and live.is_ready())
        with live.only_worker(new):
            answers = [live.send("/recommend", {"history": HISTORY, "top_k": 10}) for _ in range(3)]
        registry.rollback("the folder is cut")
        well_at = load.wait_until_all(is_full_answer)
        load.wait_until_each_was_sent()

    assert_answered(load.outcomes_since(held), *load.calls, within=30)  # two of three processes stood still for a while
    assert [(one.status, one.body["model_version"], one.body["degraded"]) for one in answers] == [
        (200, TINY_MODEL, True)
    ] * 3
    assert_answered(load.outcomes_since(well_at), *load.calls)
    assert {one.body["model_version"] for one in load.outcomes_since(well_at, "posted")} == {TINY_MODEL}


def test_a_swap_and_back_fails_no_request_and_mixes_no_versions(live, model_folder):
    other = registry.folder("other")
    shutil.copytree(model_folder, other)
    registry.register(other, preset="basic")
    try:
        with Load(calls(live)) as load:
            warm_up(live, load)
            begun = time.monotonic()
            registry.activate("other", "a test")
            swapped_at = time.monotonic()
            load.wait_until_each_was_sent()
            before_back = time.monotonic()
            registry.rollback("a test")
            back_at = time.monotonic()
            load.wait_until_each_was_sent()
        assert_answered(load.outcomes_since(begun), *load.calls)
        assert not any(is_degraded(one) for one in load.outcomes_since(begun))
        new = [one for one in load.outcomes_since(swapped_at, *VERSIONED) if one.started_at + one.seconds < before_back]
        assert {one.body["model_version"] for one in new} == {"other"}
        assert {one.body["model_version"] for one in load.outcomes_since(back_at, *VERSIONED)} == {TINY_MODEL}
    finally:
        ModelVersion.objects.filter(name="other").delete()
        shutil.rmtree(other, ignore_errors=True)
