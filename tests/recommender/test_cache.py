"""The list cache on a real Valkey."""

import re
import struct
import threading
import time

import numpy as np
import pytest
from django.core.cache import caches

from recommender import cache, process_state
from recommender.cache import keys

MODEL, VIEWER = "v1-test", 7


@pytest.fixture(autouse=True)
def _empty_cache():
    caches["lists"].clear()
    yield
    caches["lists"].clear()


def a_list(model=MODEL, epoch=3, viewer_version=5, n=200):
    ids = np.arange(1, n + 1, dtype=np.int32)
    return cache.StoredList(model, epoch, viewer_version, ids, np.linspace(9, 1, n, dtype=np.float32), int(time.time()))


ABSENT = cache.Versions(None, None, None, None)


def as_answered(scores):
    return np.round(scores.astype(np.float64), 5)


def publish(model=MODEL, epoch=3, viewer_version=5):
    cache.publish_model(model)
    cache.fill_reserved_versions(
        cache.reserve_missing_versions(VIEWER, ABSENT), VIEWER, cache.Versions(model, epoch, 11, viewer_version)
    )


def test_a_list_comes_back_with_the_versions_in_one_round_trip():
    publish()
    cache.store_lists({VIEWER: a_list(), VIEWER + 1: a_list()})
    cache.read_list_and_versions(VIEWER)  # learns which model is active

    before = command_counts()
    versions, stored = cache.read_list_and_versions(VIEWER)

    assert command_counts() - before == {"mget": 1}
    assert versions == (MODEL, 3, 11, 5)
    assert stored.is_current(versions)
    np.testing.assert_array_equal(stored.movie_ids, a_list().movie_ids)
    np.testing.assert_array_equal(as_answered(stored.scores), as_answered(a_list().scores))


def test_a_list_carries_its_viewers_age_limit_and_exclusion_counts():
    exclusion_counts = cache.ExclusionCounts(seen=70_000, disliked=2, not_interested=1)
    stored = a_list()._replace(age_limit=0, exclusion_counts=exclusion_counts)
    cache.store_lists({VIEWER: stored, VIEWER + 1: a_list()})
    publish()

    first, other = cache.read_list_and_versions(VIEWER)[1], cache.read_list_and_versions(VIEWER + 1)[1]

    assert (first.age_limit, first.exclusion_counts) == (0, exclusion_counts)
    assert (other.age_limit, other.exclusion_counts) == (None, (0, 0, 0))


def command_counts():
    """Commands that the server has run, by name."""
    from collections import Counter

    from django_redis import get_redis_connection

    stats = get_redis_connection("lists").info("commandstats")
    housekeeping = {"info", "client|setinfo", "select", "hello"}
    counts = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    return Counter({name: count for name, count in counts.items() if name not in housekeeping})


@pytest.mark.parametrize("version", ["model", "epoch", "viewer_version"])
def test_a_list_made_before_any_version_moved_is_not_current(version):
    publish()
    cache.store_list(VIEWER, a_list())
    assert cache.read_list_and_versions(VIEWER)[1].is_current(cache.read_list_and_versions(VIEWER)[0])

    cache.store_list(VIEWER, a_list(model="v2-test", epoch=3))  # both models' lists lie side by side
    publish(**{version: {"model": "v3-test", "epoch": 4, "viewer_version": 6}[version]})

    versions, stored = cache.read_list_and_versions(VIEWER)
    assert stored is None or not stored.is_current(versions)


@pytest.mark.parametrize("greatest", [60_000, 250_000, 2**31 - 1])
def test_a_list_is_stored_in_few_bytes_and_keeps_its_order(greatest):
    random = np.random.default_rng(1)
    ids = random.permutation(np.append(random.choice(greatest, 199, replace=False), greatest)).astype(np.int32)
    scores = np.sort(random.normal(5, 1, 200).astype(np.float32))[::-1]
    packed = a_list()._replace(movie_ids=ids, scores=scores).pack()

    stored = cache.StoredList.unpack(packed)

    assert len(packed) < {60_000: 930, 250_000: 1_130}.get(greatest, 1_330)
    np.testing.assert_array_equal(stored.movie_ids, ids)
    np.testing.assert_array_equal(stored.scores[:20], scores[:20])
    np.testing.assert_array_equal(as_answered(stored.scores), as_answered(scores))


@pytest.mark.parametrize("last", [12.0, -12.0, np.inf, np.nan, 1e30])
@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_scores_of_any_kind_come_back(last, count):
    """Those that rise, fall far, are great, few or no number."""
    given = a_list(n=count)
    given.scores[-1:] = last
    packed = given.pack()
    np.testing.assert_array_equal(as_answered(cache.StoredList.unpack(packed).scores), as_answered(given.scores))
    assert cache.StoredList.unpack(packed[:-1]) is None
    assert cache.StoredList.unpack(packed + bytes(4)) is None


def test_a_list_of_version_1_0_goes_on_serving():
    """Ids and scores in 32 bits, under format 3."""
    head = struct.pack("<4sBqqqb3I2s12sHB", b"mrl\0", 3, 3, 5, 1_700_000_000, 12, 9, 0, 1, b"DE", b"de", 3, len(MODEL))
    body = np.array([7, 2_147_000_942, 8], "<i4").tobytes() + np.array([2, 1, 0.5], "<f4").tobytes()
    stored = cache.StoredList.unpack(head + MODEL.encode() + body)
    assert (stored.model, stored.epoch, stored.viewer_version, stored.made_at) == (MODEL, 3, 5, 1_700_000_000)
    assert (stored.age_limit, stored.exclusion_counts, stored.country) == (12, cache.ExclusionCounts(9, 0, 1), "DE")
    assert stored.movie_ids.tolist() == [7, 2_147_000_942, 8]
    assert stored.scores.tolist() == [2, 1, 0.5]


def test_after_activation_the_list_of_the_new_model_is_read_at_once():
    publish()
    cache.store_list(VIEWER, a_list())
    cache.store_list(VIEWER, a_list(model="v2-test", n=50))
    cache.read_list_and_versions(VIEWER)

    cache.publish_model("v2-test")

    versions, stored = cache.read_list_and_versions(VIEWER)
    assert stored.is_current(versions)
    assert len(stored.movie_ids) == 50


def test_an_absent_version_is_none_and_matches_nothing():
    cache.store_list(VIEWER, a_list())

    versions, stored = cache.read_list_and_versions(VIEWER)

    assert versions == (None, None, None, None)
    assert stored is None or not stored.is_current(versions)


def test_numbers_never_go_back_under_concurrent_publishers():
    publish(epoch=0, viewer_version=0)
    numbers = np.random.default_rng(1).permutation(200).tolist()

    def publish_share(share):
        for number in share:
            cache.publish_viewer_versions({VIEWER: number})
            cache.publish_epoch(number)

    threads = [threading.Thread(target=publish_share, args=(numbers[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        seen.append(cache.read_list_and_versions(VIEWER)[0].viewer or 0)

    assert seen == sorted(seen)
    assert (cache.read_list_and_versions(VIEWER)[0].viewer, cache.read_list_and_versions(VIEWER)[0].epoch) == (199, 199)


def test_a_version_read_before_a_change_is_not_filled_in_after_it():
    token = cache.reserve_missing_versions(VIEWER, ABSENT)

    cache.publish_model("v2-test")
    cache.publish_epoch(4)
    cache.publish_viewer_versions({VIEWER: 6})
    cache.fill_reserved_versions(token, VIEWER, cache.Versions("v1-test", 3, 11, 5))

    assert cache.read_list_and_versions(VIEWER)[0] == ("v2-test", None, 11, None)


def test_a_version_read_before_a_change_is_not_filled_in_where_the_newer_one_was_evicted():
    publish()
    caches["lists"].delete(keys.EPOCH)
    token = cache.reserve_missing_versions(VIEWER, cache.read_list_and_versions(VIEWER)[0])
    cache.publish_epoch(4)
    caches["lists"].delete_many([keys.EPOCH, keys.version_key(VIEWER)])

    cache.fill_reserved_versions(token, VIEWER, cache.Versions(None, 3, None, None))
    cache.publish_epoch(3)  # of a transaction that committed before that of 4
    cache.publish_viewer_versions({VIEWER: 5})

    assert cache.read_list_and_versions(VIEWER)[0] == (MODEL, None, 11, None)


def test_only_the_reader_who_reserved_a_version_fills_it_in():
    first, second = cache.reserve_viewer_versions([VIEWER]), cache.reserve_viewer_versions([VIEWER])

    cache.fill_reserved_viewer_versions(second, {VIEWER: 5})
    assert cache.read_list_and_versions(VIEWER)[0].viewer is None
    cache.fill_reserved_viewer_versions(first, {VIEWER: 5})
    assert cache.read_list_and_versions(VIEWER)[0].viewer == 5


@pytest.mark.parametrize(
    "value",
    [b"", b"junk", b"\x80\x04]\x94.", a_list().pack()[:-1], a_list().pack() + b"x", b"XXXX" + a_list().pack()[4:], 12],
    ids=["empty", "junk", "a pickle", "cut", "too long", "other magic", "a number"],
)
def test_a_corrupt_or_foreign_value_is_a_miss(value):
    publish()
    cache.store_list(VIEWER, a_list())
    cache.store_embedding(MODEL, VIEWER, 5, np.ones(8))
    for key in keys_of(VIEWER, "list") + keys_of(VIEWER, "embedding"):
        caches["lists"].set(key, value)

    assert cache.read_list_and_versions(VIEWER)[1] is None
    assert cache.read_embedding(MODEL, VIEWER, 5) is None


def keys_of(viewer, what):
    found = [key for key in caches["lists"].iter_keys("*") if re.search(rf":{{?{viewer}}}?:{what}", key)]
    assert found
    return found


def test_a_user_embedding_belongs_to_one_model_and_one_viewer_version():
    state = np.random.default_rng(0).normal(size=64).astype(np.float32)
    cache.store_embedding(MODEL, VIEWER, 5, state)

    np.testing.assert_array_equal(cache.read_embedding(MODEL, VIEWER, 5), state)
    assert cache.read_embedding(MODEL, VIEWER, 6) is None
    assert cache.read_embedding("v2-test", VIEWER, 5) is None


def test_every_key_has_a_time_to_live():
    publish()
    cache.store_list(VIEWER, a_list())
    cache.store_chart("week", a_list(model=""))
    cache.store_embedding(MODEL, VIEWER, 5, np.ones(8))
    cache.announce_next_model("v2-test")
    cache.report_loaded_model("web:1", MODEL)

    lives = {key: caches["lists"].ttl(key) for key in caches["lists"].iter_keys("*") if "server:" not in key}

    assert len(lives) == 11
    assert all(0 < life <= cache.VERSION_TTL for life in lives.values()), lives
    assert max(life for key, life in lives.items() if "list" in key) <= 86_400


def test_nothing_of_an_erased_viewer_is_left():
    publish()
    cache.store_list(VIEWER, a_list())
    cache.store_list(VIEWER, a_list(model="v2-test"))
    cache.store_embedding(MODEL, VIEWER, 5, np.ones(8))

    cache.erase_viewer(VIEWER)

    assert not [key for key in caches["lists"].iter_keys("*") if re.search(rf":{{?{VIEWER}}}?:", key)]


def test_processes_report_the_models_that_they_have_loaded():
    cache.report_loaded_model("web:1", "v1-test")
    cache.report_loaded_model("web:2", "")
    assert cache.models_by_process() == {"web:1": "v1-test", "web:2": ""}


def test_only_bytes_and_numbers_are_stored():
    with pytest.raises(TypeError, match="pack it first"):
        caches["lists"].set("x", {"a": 1})


def test_with_a_prefix_only_keys_of_this_installation_are_deleted(settings):
    settings.KEY_PREFIX = "films"
    settings.CACHES = settings.CACHES | {
        name: settings.CACHES[name] | {"KEY_PREFIX": "films:lists"} for name in ("lists", "counters")
    }
    process_state.clear()
    try:
        cache.store_list(VIEWER, a_list())
        redis = caches["lists"].client.get_client()
        redis.set("another:lists:1:model", b"theirs")
        assert {key.partition(b":1:")[0] for key in redis.scan_iter("*")} == {b"films:lists", b"another:lists"}
        cache.delete_all()
        assert [*redis.scan_iter("*")] == [b"another:lists:1:model"]
        redis.delete("another:lists:1:model")
    finally:
        process_state.clear()
