"""The master of Redis is killed under load, or hands over: a replica takes its place by Sentinel."""

import os
import signal
import time

import pytest
import redis

from movierec.local.processes import stop
from recommender.models import Job
from tests.support.cast import ADA, MATRIX
from tests.support.live_calls import (
    LISTS,
    VIEWERS,
    assert_answered,
    calls,
    is_degraded,
    is_full_answer,
    outcomes_by_name,
    warm_up,
)
from tests.support.live_server import LiveServer, Load
from tests.support.seen_films import SeenFilms
from tests.support.sentinel import FailoverRedis
from tests.support.workers import start_worker, wait_until

pytestmark = pytest.mark.slow

MAX_OUTAGE = 15.0  # seconds without Redis, of which DOWN_AFTER is what the Sentinels wait


@pytest.fixture
def failover(tmp_path):
    with FailoverRedis(tmp_path).running() as running:
        yield running


@pytest.fixture
def machine(live, failover):
    apart = {"MOVIEREC_COUNTERS_URL": os.environ["REDIS_URL"]}
    started = LiveServer(live.key, REDIS_URL=failover.url, MOVIEREC_KEY_PREFIX="films", **apart)
    yield started
    started.stop()


def test_a_master_that_is_killed_fails_no_read_and_unsays_no_event(machine, failover):
    films = SeenFilms(machine)
    with Load({**calls(machine), "watched": films.watch, "watcher": films.read}, clients=6) as load:
        warm_up(machine, load)
        killed_at = time.monotonic()
        failover.kill_master()
        noticed = load.wait_until_all(lambda one: is_degraded(one) or not is_full_answer(one) or one.call == "watched")
        well_at = load.wait_until_all(is_full_answer, 60)
        load.wait_until_each_was_sent()
    since = load.outcomes_since(killed_at)
    refused = [one for one in since if one.status != 200]
    invisible = [one for one in since if one.call in ("event", "watched") and not one.body.get("visible", True)]
    outage = max(one.started_at for one in invisible) - killed_at
    print(f"\n{len(since)} calls, {len(refused)} failed; events not visible at once for {outage:.1f} s")

    assert_answered(since, *load.calls, within=10)
    assert not films.wrong, films.wrong[0]
    assert noticed < well_at
    assert 0 < outage < MAX_OUTAGE
    assert well_at - killed_at < MAX_OUTAGE + 2
    without = [one for one in since if is_degraded(one)]
    assert {one.body["source"] for one in outcomes_by_name(without, "stored")["stored"]} == {"model"}
    # The counters have a server of their own.
    assert any("RateLimit" in one.headers for one in outcomes_by_name(without, "keyed")["keyed"])
    after = load.outcomes_since(well_at)
    assert "cache" in {one.body["source"] for one in outcomes_by_name(after, "stored")["stored"]}
    assert_answered(after, *LISTS)


def test_a_master_that_hands_over_is_not_believed_any_more(machine, failover):
    """The former one goes on as a replica, and connections to it may still be there."""
    films = SeenFilms(machine)
    with Load({"watched": films.watch, "watcher": films.read, "stored": calls(machine)["stored"]}, clients=6) as load:
        warm_up(machine, load)
        began_at = time.monotonic()
        failover.hand_over()
        load.wait_until_each_was_sent()
        well_at = load.wait_until_all(is_full_answer, 30)
        load.wait_until_each_was_sent()

    assert_answered(load.outcomes_since(began_at), *load.calls, within=10)
    assert not films.wrong, films.wrong[0]
    assert well_at - began_at < MAX_OUTAGE + 2


def test_a_former_master_that_goes_on_as_one_is_not_read(live, tmp_path):
    """It takes writes and answers on connections that were there; another host knows the next one alone."""
    with FailoverRedis(tmp_path, deaf_master=True).running() as failover:
        environment = {"REDIS_URL": failover.url, "MOVIEREC_KEY_PREFIX": "films", "MOVIEREC_WEB_WORKERS": "1"}
        first = LiveServer(live.key, **environment)
        second = None
        try:
            for viewer in VIEWERS:
                wait_until(lambda viewer=viewer: first.fetch(f"/recommend?user_id={viewer}")["source"] == "cache", 30)
            former = failover.hand_over()
            second = LiveServer(live.key, **environment)
            with redis.Redis(port=former) as server:
                assert server.info("replication")["role"] == "master"
            for viewer in VIEWERS:
                [film, *_] = first.fetch(f"/recommend?user_id={viewer}&top_k=1")["recommendations"]
                seen = {"user_id": viewer, "movie_id": film["movie_id"], "kind": "watch"}
                assert second.fetch("/events", seen, key=True)["visible"]
                reply = first.fetch(f"/recommend?user_id={viewer}&top_k=50")
                assert film["movie_id"] not in {one["movie_id"] for one in reply["recommendations"]}
            wait_until(lambda: first.fetch(f"/recommend?user_id={ADA}")["source"] == "cache", 30)
        finally:
            first.stop()
            if second is not None:
                second.stop()


def test_a_job_that_was_ordered_before_the_master_died_is_done(machine, failover, tmp_path):
    environment = {"REDIS_URL": failover.url, "MOVIEREC_KEY_PREFIX": "films"}
    log = (tmp_path / "worker.log").open("wb")
    worker = start_worker(output=log, **environment)

    def order():
        reply = machine.send("/batch/recommend/cache", {"user_histories": {str(ADA): [str(MATRIX)]}}, key=True)
        return reply.body["job_id"]

    def is_done(job, seconds):
        wait_until(lambda: Job.objects.get(pk=job).status == Job.Status.DONE, seconds)

    try:
        is_done(order(), 60)
        former = failover.kill_master()
        wait_until(lambda: failover.master_port != former, 30)
        wait_until(lambda: machine.fetch("/health/ready")["parts"]["cache"] == "ok", 30)
        is_done(order(), 90)
        assert all(machine.fetch(f"/recommend?user_id={viewer}")["recommendations"] for viewer in VIEWERS)
    finally:
        stop(worker, signal.SIGQUIT, 15)
        log.close()
        Job.objects.all().delete()
