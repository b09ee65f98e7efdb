"""Two processes, and a master of Redis that another one takes the place of: what one writes the other one sees, or it
does not believe what it reads. On real servers, with real Sentinels."""

import threading
import time

import pytest
import redis
from django.conf import settings as django_settings

from infrastructure.redis_address import RedisAddress
from recommender.cache import CacheUnavailable
from recommender.cache.connection import LEASE_SECONDS, RedisConnection, SentinelConnection
from tests.support.sentinel import FailoverRedis
from tests.support.workers import wait_until

pytestmark = pytest.mark.slow


class Process:
    """What a process without a monitor has of Redis, and its epoch in place of Postgres'."""

    def __init__(self, connection):
        self.connection, self.raised = connection, 0
        connection.on_new_server = self.count

    def count(self):
        self.raised += 1

    def run(self, *command):
        [reply] = self.connection.run(command)
        return reply

    def run_when_there(self, *command):
        def is_done():
            try:
                replies.append(self.run(*command))
            except CacheUnavailable:
                return False
            return True

        replies = []
        wait_until(is_done, 30)
        return replies[-1]


@pytest.fixture
def process(settings):
    """Return a function that makes a process whose lists lie at an address."""

    def make(url):
        address = RedisAddress.parse(url)
        options = django_settings.CACHES["lists"]
        own = options | {"LOCATION": address.url, "OPTIONS": options["OPTIONS"] | {"ADDRESS": address}}
        settings.CACHES = django_settings.CACHES | {"lists": own}
        return Process((SentinelConnection if address.sentinels else RedisConnection)("lists", None))

    return make


def test_a_former_master_that_goes_on_beside_the_next_one_is_not_read(process, tmp_path):
    """Connections to it are open, it takes writes and answers; another process knows the next one alone."""
    with FailoverRedis(tmp_path, deaf_master=True).running() as failover:
        reader, writer = process(failover.url), process(failover.url)
        assert writer.run_when_there("SET", "seen", 0) == b"OK"
        stop, wrong, acknowledged, reads, refused = threading.Event(), [], [0], [0], [0]

        def read():
            while not stop.is_set():
                least = acknowledged[0]
                try:
                    found = int(reader.run("GET", "seen"))
                except CacheUnavailable:
                    refused[0] += 1
                    time.sleep(0.002)
                    continue
                reads[0] += 1
                if found < least:
                    wrong.append((least, found))

        thread = threading.Thread(target=read)
        thread.start()
        try:
            former = failover.hand_over()
            writer.connection.reset()  # as one that has just started: it has no connection to the former one
            ends_at = time.monotonic() + 3 * LEASE_SECONDS
            while time.monotonic() < ends_at or acknowledged[0] < 20:
                try:
                    writer.run("SET", "seen", acknowledged[0] + 1)
                    acknowledged[0] += 1
                except CacheUnavailable:
                    time.sleep(0.01)
            wait_until(lambda: reader.run_when_there("GET", "seen") == str(acknowledged[0]).encode(), 30)
        finally:
            stop.set()
            thread.join()
        with redis.Redis(port=former) as server:
            assert server.info("replication")["role"] == "master"
            assert int(server.get("seen")) < acknowledged[0]
        assert not wrong, (wrong[0], len(wrong), reads)
        assert refused[0], "for the length of a lease nobody knew"


def test_a_write_that_the_former_master_took_is_not_confirmed_after_its_time(process, tmp_path):
    with FailoverRedis(tmp_path, deaf_master=True).running() as failover:
        late, other = process(failover.url), process(failover.url)
        late.run_when_there("SET", "seen", 0)

        def write():
            with late.connection.checked_client() as client:
                failover.hand_over()
                other.run_when_there("SET", "seen", 1)
                assert client.set("seen", 2)  # the block began while the word for the former one held

        former = failover.master_port
        with pytest.raises(CacheUnavailable):
            write()
        with redis.Redis(port=former) as server:
            assert server.info("replication")["role"] == "master"
        assert other.run("GET", "seen") == b"1"


def test_without_a_majority_of_sentinels_nothing_is_believed(process, tmp_path):
    with FailoverRedis(tmp_path).running() as failover:
        one = process(failover.url)
        one.run_when_there("SET", "seen", 1)
        first, second, _ = failover.ports[2:]
        failover.kill(first)
        time.sleep(LEASE_SECONDS)
        assert one.run_when_there("GET", "seen") == b"1", "two of three are enough"
        failover.kill(second)
        time.sleep(LEASE_SECONDS)
        with pytest.raises(CacheUnavailable, match="majority"):
            one.run("GET", "seen")


def test_a_promoted_replica_is_accepted_once_and_by_a_process_that_starts_later_too(process, tmp_path):
    """Its epoch is raised by whoever comes first; who started after the failover must not take its lists for good."""
    with FailoverRedis(tmp_path).running() as failover:
        before = process(failover.url)
        before.run_when_there("SET", "list", "old")
        assert before.raised == 0, "an empty server has nothing that is out of date"
        failover.kill_master()
        failover.wait_for_another_master()
        later = process(failover.url)
        assert later.run_when_there("GET", "list") == b"old"
        assert later.raised == 1
        assert before.run_when_there("GET", "list") == b"old"
        assert process(failover.url).run_when_there("GET", "list") == b"old"
        assert before.raised == 0, "it was done"


def test_a_master_that_takes_its_place_again_is_another_one(process, tmp_path):
    """It never was a replica, so it is the same run with the same data, without what was written meanwhile."""
    with FailoverRedis(tmp_path, deaf_master=True).running() as failover:
        one = process(failover.url)
        one.run_when_there("SET", "version", 1)
        former = failover.hand_over()
        time.sleep(LEASE_SECONDS)  # until then the former master may take a write
        one.run_when_there("SET", "version", 2)
        assert one.raised == 1
        failover.kill(failover.master_port)
        wait_until(lambda: failover.master_port == former, 60)
        assert one.run_when_there("GET", "version") == b"1"
        assert one.raised == 2


@pytest.fixture
def server(tmp_path):
    """A Redis that stores its data when it is told to."""
    servers = FailoverRedis(tmp_path)
    servers.start_server(servers.ports[0])
    yield servers
    servers.stop()


def test_a_server_that_came_back_with_older_data_is_another_one(process, server):
    """Between two calls of a process, which has connections to it, and before one that starts."""
    port = server.ports[0]
    url = f"redis://127.0.0.1:{port}/2"
    running = process(url)
    running.run_when_there("SET", "version", 1)
    with redis.Redis(port=port) as client:
        client.save()
    running.run("SET", "version", 2)
    server.kill(port)
    server.start_server(port)

    with pytest.raises(CacheUnavailable):
        running.run("GET", "version")
    assert running.raised == 0
    starting = process(url)
    assert starting.run_when_there("GET", "version") == b"1"
    assert starting.raised == 1
    assert running.run_when_there("GET", "version") == b"1"


def test_a_server_that_became_a_replica_is_not_read(process, server):
    port, other = server.ports[:2]
    one = process(f"redis://127.0.0.1:{port}/0")
    one.run_when_there("SET", "seen", 1)
    server.start_server(other)
    with redis.Redis(port=port) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", other)
    with pytest.raises(CacheUnavailable, match="replica"), one.connection.checked_client():
        one.connection.verify_server()
    with pytest.raises(CacheUnavailable):
        one.run("GET", "seen")
