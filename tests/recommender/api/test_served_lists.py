"""The log of served lists: every list that a client gets is recorded as it was, and told again by its id."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection

from recommender import cache, maintenance, privacy, record_log, tasks
from recommender.models import ApiKey, ServedList
from recommender.served_lists import storage
from tests.support.api import ApiClient, app_client, recommended_ids
from tests.support.cast import ADA, BEN, GODFATHER, STAR_WARS, TOY_STORY

pytestmark = pytest.mark.usefixtures("more_movies")


def stored():
    """Store what waits; return what was recorded, the oldest first."""
    tasks.store_served_lists()
    return list(ServedList.objects.order_by("pk"))


def counters():
    """Return the sums of all counters of this hour."""
    return cache.read_counters(int(datetime.now(UTC).timestamp()), 3_600, 1)[0]


def test_a_list_is_told_as_it_was(site):
    served = site.get(f"/recommend?user_id={ADA}&top_k=5")
    site.get(f"/recommendations/{served['recommendation_id']}", expect=404)
    assert tasks.store_served_lists() == 1

    told = site.get(f"/recommendations/{served['recommendation_id']}")
    assert (told["user_id"], told["surface"], told["row"]) == (ADA, "recommend", "")
    films = [(film["movie_id"], film["score"], film["position"]) for film in told["films"]]
    assert films == [(film["movie_id"], film["score"], n) for n, film in enumerate(served["recommendations"])]
    same = ("source", "model_version", "degraded", "is_known_user")
    assert [told[name] for name in same] == [served[name] for name in same]
    assert told["request"] == {"top_k": 5}
    assert abs(datetime.fromisoformat(told["served_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert told["viewer_version"] is not None
    assert told["epoch"] is not None
    assert {film["propensity"] for film in told["films"]} == {1.0}
    assert told["seed"] is None, "nothing was drawn"
    assert tasks.store_served_lists() == 0, "each once"


def test_every_surface_is_recorded(site):
    genres = {"genres": ["Crime"], "min_year": 1970}
    recommended = site.post("/recommend", {"user_id": ADA, "history": ["260", "1196"]})
    cached = site.get(f"/recommend?user_id={ADA}")
    again = site.get(f"/recommend?user_id={ADA}")
    filtered = site.post("/recommend/filtered", {"user_id": ADA, **genres})
    similar = site.post("/similar", {"movie_id": str(STAR_WARS)})
    like = site.get(f"/similar/{STAR_WARS}")
    charts = [site.get(f"/{name}?user_id={BEN}") for name in ("popular", "trending", "latest")]
    group = site.post("/recommend", {"user_ids": [ADA, BEN]})
    batch = site.post("/batch/recommend", {"user_histories": {str(ADA): ["260"], str(BEN): []}})
    home = site.get(f"/home?user_id={ADA}")

    lists = [recommended, cached, again, filtered, similar, like, *charts, group, *batch["lists"].values()]
    lists += home["rows"]
    rows = {row.pk.hex: row for row in stored()}
    assert rows.keys() == {answer["recommendation_id"] for answer in lists}
    recorded = [rows[answer["recommendation_id"]] for answer in lists]
    surfaces = ["recommend"] * 3 + ["filtered"] + ["similar"] * 2 + ["popular", "trending", "latest", "group"]
    surfaces += ["batch"] * 2 + ["home"] * len(home["rows"])
    assert [row.get_surface_display() for row in recorded] == surfaces
    assert [row.viewer_id for row in recorded[:12]] == [ADA] * 4 + [0, 0, BEN, BEN, BEN, 0, ADA, BEN]
    assert recorded[0].request == {"history": ["260", "1196"]}
    assert recorded[3].request == {"top_k": 50, "final_k": 20, "filters": genres}
    assert recorded[4].request == {"about": str(STAR_WARS)}
    assert recorded[9].request["members"] == [ADA, BEN]
    assert [row.row for row in recorded[12:]] == [row["key"] for row in home["rows"]]
    for answer, row in zip(home["rows"], recorded[12:], strict=True):
        told = site.get(f"/recommendations/{answer['recommendation_id']}")
        assert [film["movie_id"] for film in told["films"]] == [film["movie_id"] for film in answer["films"]]
        assert (told["source"], told["row"]) == (answer["source"], row.row)
    assert site.get(f"/recommendations/{group['recommendation_id']}")["request"]["user_ids"] == [ADA, BEN]


def test_who_has_a_key_of_their_own_is_named_by_it(site):
    site.post("/events", {"user_id": "ann@example.org", "movie_id": str(STAR_WARS), "kind": "watch"})
    served = site.get("/recommend?user_id=ann@example.org")
    stored()
    assert site.get(f"/recommendations/{served['recommendation_id']}")["user_id"] == "ann@example.org"


def test_a_stored_list_is_recorded_each_time_with_its_model(site, model):
    lists = [site.get(f"/recommend?user_id={ADA}") for _ in range(3)]
    lists += site.get(f"/home?user_id={ADA}")["rows"][:1]
    assert [answer["source"] for answer in lists] == ["model", "cache", "cache", "cache"]
    stored()
    for answer in lists:
        told = site.get(f"/recommendations/{answer['recommendation_id']}")
        assert (told["source"], told["model_version"]) == (answer["source"], model.name)
        assert all(film["score"] is not None for film in told["films"])


def test_pages_are_lists_of_their_own_and_a_repeated_one_is_none(site):
    first = site.get(f"/recommend?user_id={ADA}&top_k=4")
    second = site.get(f"/recommend?user_id={ADA}&top_k=4&cursor={first['next']}")
    repeated = site.get(f"/recommend?user_id={ADA}&top_k=4&cursor={first['next']}")
    assert repeated["recommendation_id"] == second["recommendation_id"]
    rows = stored()
    assert [row.pk.hex for row in rows] == [first["recommendation_id"], second["recommendation_id"]]
    assert rows[1].request["page"] == 1


def test_a_copy_that_is_still_right_and_a_call_that_fails_are_no_lists(site):
    path = f"/recommend?user_id={ADA}"
    site.get(path)
    etag = site.response.headers["ETag"]
    assert site.client.get(path, headers={"If-None-Match": etag}).status_code == 304
    site.get("/similar/999999", expect=404)
    site.get("/recommend?user_id=x&top_k=0", expect=400)
    assert len(stored()) == 1


def test_what_staff_try_out_is_no_list(site, admin_client):
    from django.urls import reverse

    page = admin_client.get(reverse("admin:catalog_viewer_change", args=[ADA]))
    assert page.status_code == 200
    assert stored() == []


def test_it_takes_a_scope(site, client_with):
    served = site.get(f"/recommend?user_id={ADA}")["recommendation_id"]
    stored()
    client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS).get(f"/recommendations/{served}", expect=403)
    app_client(ADA, client_with).get(f"/recommendations/{served}", expect=403)
    for unknown in ("0" * 32, "x", "r-1", "é", served.upper()):
        assert "recorded" in site.get(f"/recommendations/{unknown}", expect=404)["detail"]


def test_a_share_is_recorded_by_setting(site, settings):
    settings.LIST_LOG_SHARE = 0.0
    site.get(f"/recommend?user_id={ADA}")
    assert stored() == []
    settings.LIST_LOG_SHARE = 0.5
    for _ in range(60):
        site.get("/popular?top_k=1")
    assert 10 < len(stored()) < 50


def test_lists_go_on_without_redis_and_what_is_lost_is_counted(site, monkeypatch):
    def unavailable(*_):
        raise cache.CacheUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "append_records", unavailable)
        for _ in range(3):
            assert recommended_ids(site.get(f"/recommend?user_id={ADA}"))
    site.get(f"/recommend?user_id={ADA}")
    assert len(stored()) == 1
    assert counters()["lists_dropped"] == 3
    assert counters()["lists_sent"] == counters()["lists_stored"] == 1


def test_a_worker_that_is_away_costs_the_oldest_and_that_is_counted(site, settings):
    settings.LOG_BACKLOG = 100
    for _ in range(4):
        site.post("/batch/recommend", {"user_histories": {str(n): [] for n in range(1, 101)}, "top_k": 1})
    waiting = cache.count_waiting_records(record_log.SERVED_LISTS)
    assert 100 <= waiting <= 200, "Redis trims by whole nodes"
    assert len(stored()) == waiting
    assert counters()["lists_dropped"] == 400 - waiting
    site.get(f"/recommend?user_id={ADA}")
    stored()
    assert counters()["lists_dropped"] == 400 - waiting


def test_a_process_keeps_no_more_than_its_bound(site, monkeypatch):
    monkeypatch.setattr("recommender.record_log.buffer.MAX_BYTES", 10)
    site.get(f"/recommend?user_id={ADA}")
    record_log.flush_all()
    assert stored() == []
    assert counters()["lists_dropped"] == 1


def test_a_block_that_was_stored_and_not_taken_is_not_stored_twice(site, monkeypatch):
    site.get(f"/recommend?user_id={ADA}")

    def crash(*_):
        raise RuntimeError("the worker was killed")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "take_records", crash)
        with pytest.raises(RuntimeError):
            storage.store_served_lists(lambda lists: None)
    site.get(f"/recommend?user_id={ADA}")
    assert len(stored()) == 2


def test_another_redis_begins_another_stream(site):
    site.get(f"/recommend?user_id={ADA}")
    assert len(stored()) == 1
    caches["lists"].clear()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1), tick=True):
        site.get(f"/recommend?user_id={ADA}")
    assert len(stored()) == 2


def test_each_day_has_a_partition_and_old_ones_are_dropped(site, settings):
    now = datetime.now(UTC)
    for days in (9, 5, 0):
        with time_machine.travel(now - timedelta(days=days), tick=True):
            site.get(f"/recommend?user_id={ADA}&top_k=3")
    assert len(stored()) == 3
    assert storage.stored_days() == [now.date() - timedelta(days=days) for days in (9, 5, 0)]
    settings.SERVED_LISTS_KEPT_DAYS = 7
    assert maintenance.prune()["served_list_days"] == 1
    assert ServedList.objects.count() == 2
    with time_machine.travel(now - timedelta(days=20), tick=True):
        site.get(f"/recommend?user_id={ADA}&top_k=3")
    assert len(stored()) == 2, "nothing is stored that would be dropped at once"


def test_a_viewer_exports_and_erases_them(site):
    mine = site.get(f"/recommend?user_id={ADA}&top_k=3")
    together = site.post("/recommend", {"user_ids": [ADA, BEN], "top_k": 3})
    other = site.get(f"/recommend?user_id={BEN}&top_k=3")
    stored()
    exported = site.get(f"/users/{ADA}/data")["served_lists"]
    assert [entry["recommendation_id"] for entry in exported] == [
        together["recommendation_id"],
        mine["recommendation_id"],
    ]
    assert [film["movie_id"] for film in exported[1]["films"]] == recommended_ids(mine)
    assert str(BEN) not in json.dumps(exported[0]["request"]), "not who watched along"

    late = site.get(f"/recommend?user_id={ADA}&top_k=3")
    site.delete(f"/users/{ADA}/data")
    assert late["recommendation_id"] in {row.pk.hex for row in stored()}
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3), tick=True):
        tasks.finish_erasures()
    assert [row.pk.hex for row in stored()] == [other["recommendation_id"]]


def test_an_erasure_is_not_over_while_the_log_waits(site):
    site.get(f"/recommend?user_id={ADA}&top_k=3")
    site.delete(f"/users/{ADA}/data")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3), tick=True):
        assert privacy.finish_erasures() == 0
        assert tasks.finish_erasures() == 1
    assert stored() == []


def test_a_merge_takes_them_along_and_gives_them_back(site):
    event = {"user_id": "session-1", "movie_id": str(STAR_WARS), "kind": "watch", "session": True}
    site.post("/events", event)
    served = site.get("/recommend?user_id=session-1")["recommendation_id"]
    stored()
    merged = site.post("/users/merge", {"from_user_id": "session-1", "into_user_id": ADA})
    assert site.get(f"/recommendations/{served}")["user_id"] == ADA
    site.post("/users/merge/undo", {"merge_id": merged["merge_id"]})
    assert site.get(f"/recommendations/{served}")["user_id"] == "session-1"


def test_a_long_history_is_counted_and_not_kept(site):
    site.post("/recommend", {"history": [str(STAR_WARS), str(TOY_STORY), str(GODFATHER)] * 300})
    [row] = stored()
    assert row.request == {"left_out": {"history": 900}}


def test_a_list_costs_few_bytes(site):
    viewers = {str(n): [str(STAR_WARS)] for n in range(1, 501)}
    for _ in range(4):
        site.post("/batch/recommend", {"user_histories": viewers})
    assert len(stored()) == 2_000
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent = 'recommender_servedlist'::regclass"
        )
        assert cursor.fetchone()[0] / 2_000 < 400


def test_lists_without_a_key_are_recorded_too(settings):
    settings.API_OPEN = True
    ApiClient().get("/popular?top_k=2")
    assert [row.viewer_id for row in stored()] == [0]
