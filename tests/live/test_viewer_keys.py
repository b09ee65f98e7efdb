"""Viewers' keys over two web processes: in paths as clients write them, and after an erasure in another process."""

from urllib.parse import quote

import pytest

from recommender import privacy
from recommender.ingest.events import ClientEvent, record_client_events
from tests.support.cast import EMPIRE, JEDI, MATRIX, MORNING, NEMO, STAR_WARS
from tests.support.freshness_load import movie_ids_in

KEYS = ["zoë@example.org", "a/b", "100%", "%2F", "a%2Fb", "q?x=1#y", "with space", "é/%25/日本", "x;y=z", "a+b"]


def watch(key, *movies):
    events = [ClientEvent(viewer=key, movie_id=movie, kind="watch", occurred_at=MORNING) for movie in movies]
    assert record_client_events(events).visible


@pytest.mark.parametrize("key", KEYS)
def test_a_path_has_any_key_percent_encoded(live, key):
    watch(key, STAR_WARS, EMPIRE)

    body = live.fetch(f"/users/{quote(key, safe='')}/data", key=True)

    assert (body["user_id"], len(body["events"])) == (key, 2)
    assert live.fetch(f"/recommend?user_id={quote(key, safe='')}")["user_id"] == key
    assert live.send(f"/users/{quote('x' * 129, safe='')}/data", key=True).status == 404
    assert live.send("/users/a/b/c/data", key=True).status == 404


def test_a_process_that_knows_a_key_sees_who_has_it_now(live):
    key, path = "comes/goes", "/recommend?user_id=comes%2Fgoes&top_k=20"
    watch(key, STAR_WARS, EMPIRE, JEDI)
    for answer in live.fetch_from_each_worker(path) + live.fetch_from_each_worker(path):
        assert answer["is_known_user"]

    privacy.erase_viewer(key)
    assert [answer["is_known_user"] for answer in live.fetch_from_each_worker(path)] == [False, False]
    watch(key, MATRIX, NEMO)

    for answer in live.fetch_from_each_worker(path):
        assert answer["is_known_user"]
        assert not {str(MATRIX), str(NEMO)} & set(movie_ids_in(answer))
    privacy.erase_viewer(key)
    watch(key, STAR_WARS)  # nobody asked in between
    for answer in live.fetch_from_each_worker(path):
        assert answer["is_known_user"]
        assert str(STAR_WARS) not in movie_ids_in(answer)
