"""Lists on a cluster of three masters: slots move under load, a master is killed, the tests of the cache pass there."""

import os
import subprocess
import sys
import time

import pytest

from tests.support.live_calls import LISTS, VIEWERS, assert_answered, calls, is_degraded, is_full_answer, warm_up
from tests.support.live_server import LiveServer, Load
from tests.support.redis_cluster import ClusterRedis
from tests.support.seen_films import SeenFilms
from tests.support.workers import ROOT, wait_until

pytestmark = pytest.mark.slow

MAX_OUTAGE = 20.0  # seconds from the end of a master to full answers; the others wait 1.5 s of them
PAUSE = 0.2  # seconds between two keys of a slot that moves


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with ClusterRedis(tmp_path_factory.mktemp("cluster")).running() as running:
        yield running


@pytest.fixture(scope="module")
def machine(system, cluster):
    started = LiveServer(system.key, MOVIEREC_LISTS_URL=cluster.url)
    yield started
    started.stop()


@pytest.fixture
def load(live, machine):
    films = SeenFilms(machine)
    started = Load({**calls(machine), "watched": films.watch, "watcher": films.read}, clients=4)
    started.films = films
    return started


def test_the_tests_of_the_cache_pass_on_a_cluster(tmp_path):
    """In a process of their own, on servers of their own: they empty the cluster, and take one that has keys of a site
    but no mark for another server. The one that counts the commands of a server is left out."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("MOVIEREC_", "DATABASE_", "REDIS"))
    }
    command = [sys.executable, "-m", "pytest", "-q", "tests/recommender/test_cache.py", "-k", "not one_round_trip"]
    with ClusterRedis(tmp_path).running() as cluster:
        own["MOVIEREC_LISTS_URL"] = cluster.url
        done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_slots_that_move_under_load_fail_no_call(load, machine, cluster):
    with load:
        warm_up(machine, load)
        began_at = time.monotonic()
        keys = sum(cluster.move_slot(tag, PAUSE) for tag in ("all", *VIEWERS))
        load.wait_until_each_was_sent(60)
        well_at = load.wait_until_all(is_full_answer, 30)
        load.wait_until_each_was_sent(30)
    since = load.outcomes_since(began_at)
    degraded = [one for one in since if not is_full_answer(one)]
    redirected = {kind: count for kind, count in cluster.error_counts().items() if kind in ("MOVED", "ASK", "TRYAGAIN")}
    print(f"\n{keys} keys moved, {len(since)} calls, {len(degraded)} degraded, {redirected}")

    assert keys > len(("model", "epoch", "catalogue")) + 2 * len(VIEWERS)
    assert_answered(since, *load.calls, within=10)
    assert not load.films.wrong, load.films.wrong[0]
    assert redirected.get("ASK"), "no call met a slot in the middle of its move"
    assert not degraded, degraded[0]
    assert "CROSSSLOT" not in cluster.error_counts()
    assert "cache" in {one.body["source"] for one in load.outcomes_since(well_at, "stored")}


def test_a_master_that_is_killed_fails_no_read_and_its_replica_is_not_believed(load, machine, cluster):
    first, replica = cluster.ports[0], cluster.ports[-1]
    with load:
        warm_up(machine, load)
        killed_at = time.monotonic()
        cluster.kill(first)
        load.wait_until_all(lambda one: is_degraded(one) or not is_full_answer(one) or one.call == "watched", 20)
        wait_until(lambda: replica in cluster.masters(replica), 30)
        well_at = load.wait_until_all(is_full_answer, 60)
        load.wait_until_each_was_sent(30)
    since = load.outcomes_since(killed_at)
    refused = [one for one in since if one.status != 200]
    invisible = [one for one in since if one.call in ("event", "watched") and not one.body.get("visible", True)]
    outage = max(one.started_at for one in invisible) - killed_at
    print(f"\n{len(since)} calls, {len(refused)} failed; events not visible at once for {outage:.1f} s")

    assert_answered(since, *load.calls, within=10)
    assert not load.films.wrong, load.films.wrong[0]
    assert 0 < outage < MAX_OUTAGE
    assert well_at - killed_at < MAX_OUTAGE + 2
    after = load.outcomes_since(well_at)
    assert "cache" in {one.body["source"] for one in after if one.call == "stored"}
    assert_answered(after, *LISTS, within=10)
