"""POST /users/merge and /users/merge/undo: sessions are folded into accounts, accounts are not; it can be undone."""

import json
import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from catalog import selectors
from catalog.models import Movie, Viewer, WatchEvent
from catalog.services import save_viewer
from recommender import maintenance, merging, privacy, tasks
from recommender.ingest import imports
from recommender.models import ApiKey, Erasure, ImportPart, Impression, Job, Merge
from tests.support.cast import ADA, AMELIE, BEN, EMPIRE, JEDI, NEMO, STAR_WARS
from tests.support.imports import CSV, json_lines, post_rows, run_import
from tests.support.viewer_traces import ZOE, event, traces_of

pytestmark = pytest.mark.usefixtures("model")
SESSION = 1_876_543_210  # a number that stands nowhere by chance


def own(movie, kind="watch", day=0, viewer=SESSION, **more):
    return event(viewer, movie, kind, day, session=True, **more)


def merged(client, viewer=SESSION, into=ZOE, expect=200):
    return client.post("/users/merge", {"from_user_id": viewer, "into_user_id": into}, expect=expect)


def undone(client, merge_id, expect=200):
    return client.post("/users/merge/undo", {"merge_id": str(merge_id)}, expect=expect)


def state(*viewers):
    """All that is known of these viewers, but for what rises with each write."""
    facts = [
        list(WatchEvent.objects.filter(viewer__in=viewers).order_by("pk").values()),
        list(Viewer.objects.filter(pk__in=viewers).order_by("pk").values()),
        list(Impression.objects.filter(viewer_id__in=viewers).order_by("pk").values()),
        [(part.pk, imports._load_rows(part)) for part in ImportPart.objects.filter(stored=None).order_by("pk")],
        list(Job.objects.order_by("pk").values("pk", "parameters")),
    ]
    for viewer in facts[1]:
        del viewer["version"], viewer["publish_pending"]
    return facts


@pytest.fixture
def writer(client_with):
    return client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS)


def test_a_session_is_folded_into_an_account(site):
    site.post("/events", [own(STAR_WARS, day=1), own(NEMO, day=2), event(ZOE, NEMO, day=2)])
    site.post("/events", own(JEDI, "impression"))
    site.get(f"/recommend?user_id={ZOE}&top_k=1")
    before = Viewer.objects.get(pk=ZOE).version

    body = merged(site)

    assert (body["events"], body["duplicates"], body["impressions"], body["visible"]) == (1, 1, 1, True)
    assert selectors.history(ZOE).movie_ids.tolist() == [STAR_WARS, NEMO]
    assert Viewer.objects.get(pk=ZOE).version > before
    answer = site.get(f"/recommend?user_id={ZOE}&top_k=1")
    assert (answer["source"], answer["removed"]["seen"]) == ("model", 2)
    assert Impression.objects.get().viewer_id == ZOE
    assert merged(site) == body, "the same again is answered the same"
    invalid = merged(site, ZOE, ZOE, expect=400)
    assert invalid["errors"][0]["pointer"] == "#/into_user_id"
    with time_machine.travel(timezone.now() + merging.UNDO_WINDOW + timedelta(seconds=1)):
        tasks.finish_erasures()
        assert maintenance.prune()["merges"] == 1
    assert traces_of(SESSION) == []


def test_a_new_viewer_may_be_merged_into(site):
    site.post("/events", own(STAR_WARS))

    assert merged(site)["events"] == 1
    assert site.get(f"/recommend?user_id={ZOE}")["is_known_user"] is True
    assert Viewer.objects.get(pk=ZOE).is_session is False
    assert merged(site, ADA, ZOE, expect=200)["events"] > 0, "this key may erase, so it may merge accounts"


ACCOUNTS = {
    "events of an older client": [[event(ZOE, STAR_WARS)]],
    "some events as a session": [[own(STAR_WARS, viewer=ZOE)], [event(ZOE, EMPIRE, day=1)]],
    "some in one call": [[own(STAR_WARS, viewer=ZOE), event(ZOE, EMPIRE, day=1)]],
    "a session only later": [[event(ZOE, STAR_WARS)], [own(EMPIRE, viewer=ZOE, day=1)]],
    "impressions alone": [[event(ZOE, STAR_WARS, "impression")]],
    "an impression among a session's": [[own(STAR_WARS, viewer=ZOE)], [event(ZOE, EMPIRE, "click")]],
}


@pytest.mark.parametrize("calls", ACCOUNTS.values(), ids=ACCOUNTS)
def test_an_account_is_never_swallowed(writer, calls):
    for events in calls:
        writer.post("/events", events)
    before = state(ZOE, ADA)

    body = merged(writer, ZOE, ADA, expect=409)

    assert (body["code"], body["status"]) == ("not_a_session", 409)
    assert "users:erase" in body["detail"]
    assert "wrong way round" in body["detail"]
    assert state(ZOE, ADA) == before
    assert not Erasure.objects.exists()
    assert not Merge.objects.exists()


def test_the_numbers_the_wrong_way_round_are_refused(writer):
    writer.post("/events", [own(STAR_WARS), event(ZOE, NEMO)])
    assert merged(writer, ZOE, SESSION, expect=409)["code"] == "not_a_session"
    new = merged(writer, 4711, SESSION, expect=409)  # who has just signed up, and did nothing yet
    assert (new["code"], "wrong way round" in new["detail"]) == ("not_an_account", True)
    writer.post("/events", own(NEMO, viewer=4712))
    assert merged(writer, 4712, SESSION, expect=409)["code"] == "not_an_account"
    assert merged(writer)["events"] == 1


def test_a_named_or_imported_viewer_is_an_account(writer, site):
    writer.post("/events", [own(STAR_WARS, viewer=viewer) for viewer in (SESSION, 4711, 4712, 4713)])
    viewer = Viewer.objects.get(pk=SESSION)
    viewer.name = "Zoe"
    save_viewer(viewer)
    run_import(
        site,
        post_rows(site, "viewers", json_lines({"user_id": 4711, "age_limit": 12}, {"user_id": 4713, "session": True})),
    )
    rows = f"user_id,movie_id,kind,occurred_at\n4712,{NEMO},watch,1700000000\n".encode()
    run_import(site, post_rows(site, "events", rows, CSV))
    for account in (SESSION, 4711, 4712):
        merged(writer, account, ADA, expect=409)
    assert merged(writer, 4713, ADA)["events"] == 1


def test_pending_imports_make_an_account_as_well(writer, site):
    for kind, row in (("viewers", {"user_id": ZOE}), ("events", event(ZOE, NEMO))):
        job = post_rows(site, kind, json_lines(row))
        assert merged(writer, ZOE, ADA, expect=409)["code"] == "not_a_session"
        Job.objects.filter(pk=job["job_id"]).delete()
    assert merged(writer, ZOE, ADA)["merge_id"] is None


def test_only_a_key_that_may_erase_merges_an_account(zoe, site, writer):
    before = site.get(f"/users/{ZOE}/data")
    refused = merged(writer, ZOE, ADA, expect=409)
    assert "Zoe" not in refused["detail"]
    after = site.get(f"/users/{ZOE}/data")
    assert {**after, "exported_at": 0} == {**before, "exported_at": 0}
    facts = state(ZOE, ADA)

    body = merged(site, ZOE, ADA)

    assert (body["events"], body["impressions"]) == (3, 1)
    assert not Viewer.objects.filter(pk=ZOE).exists()
    assert undone(writer, body["merge_id"], expect=403)["code"] == "permission_denied"
    undone(site, body["merge_id"])
    assert state(ZOE, ADA) == facts
    repeated = site.get(f"/users/{ZOE}/data")
    assert (repeated["admin_notes"], repeated["sent_histories"]) == (before["admin_notes"], before["sent_histories"])


def test_undo_moves_back_exactly_what_moved(writer, site):
    writer.post("/events", [own(STAR_WARS, day=1, event_id=str(uuid4())), own(NEMO, day=2), event(ZOE, NEMO, day=2)])
    writer.post("/events", [own(JEDI, "impression"), event(ZOE, JEDI, "impression")])
    Viewer.objects.filter(pk=SESSION).update(age_limit=12)
    site.post("/batch/recommend/cache", {"user_histories": {str(SESSION): ["260"]}}, expect=202)
    post_rows(site, "events", json_lines(own(EMPIRE, day=3), event(ADA, EMPIRE, day=9)))
    before = state(SESSION, ZOE)
    body = merged(writer)
    assert state(SESSION, ZOE) != before
    assert site.get(f"/recommend?user_id={ZOE}&top_k=1")["removed"]["seen"] == 2
    versions = {viewer.pk: viewer.version for viewer in Viewer.objects.all()}

    reported = undone(writer, body["merge_id"])

    assert state(SESSION, ZOE) == before
    assert (reported["events"], reported["from_user_id"], reported["visible"]) == (1, SESSION, True)
    after = {viewer.pk: viewer.version for viewer in Viewer.objects.all()}
    assert after[ZOE] > versions[ZOE]
    assert site.get(f"/recommend?user_id={ZOE}&top_k=1")["removed"]["seen"] == 1
    assert site.get(f"/recommend?user_id={SESSION}&top_k=1")["removed"]["seen"] == 2
    assert undone(writer, body["merge_id"]) == reported, "the same again is answered the same"
    assert merged(writer)["merge_id"] != body["merge_id"]
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD * 2):
        tasks.finish_erasures()


def test_events_since_the_merge_stay_with_the_account(writer, site):
    writer.post("/events", [own(STAR_WARS, day=1), own(AMELIE, day=4)])
    waiting = post_rows(site, "events", json_lines(own(EMPIRE, day=3)))
    body = merged(writer)
    writer.post("/events", [event(ZOE, JEDI, day=5), own(NEMO, day=6)])
    assert run_import(site, waiting)["result"]["stored"] == 1
    Movie.objects.filter(pk=AMELIE).delete()
    assert selectors.history(ZOE).movie_ids.tolist() == [STAR_WARS, EMPIRE, JEDI]

    undone(writer, body["merge_id"])

    assert selectors.history(ZOE).movie_ids.tolist() == [JEDI]
    assert selectors.history(SESSION).movie_ids.tolist() == [STAR_WARS, EMPIRE, NEMO]


def test_an_account_that_a_merge_made_goes_with_it(writer, site):
    writer.post("/events", own(STAR_WARS))
    undone(writer, merged(writer)["merge_id"])
    assert not Viewer.objects.filter(pk=ZOE).exists()
    assert site.get(f"/recommend?user_id={ZOE}&top_k=1")["source"] == "popular"
    body = merged(writer)
    writer.post("/events", event(ZOE, NEMO))
    undone(writer, body["merge_id"])
    assert selectors.history(ZOE).movie_ids.tolist() == [NEMO]


def test_an_account_that_a_merge_made_stays_once_it_has_a_profile(writer, site):
    writer.post("/events", own(STAR_WARS))
    merge = merged(writer)["merge_id"]
    site.patch(f"/users/{ZOE}", {"language": "de"})

    undone(writer, merge)

    assert site.get(f"/users/{ZOE}")["language"] == "de"


def test_chained_merges_are_undone_from_the_last(writer, site):
    writer.post("/events", [own(STAR_WARS), event(ZOE, NEMO)])
    first, second = merged(writer)["merge_id"], merged(site, ZOE, BEN)["merge_id"]
    body = undone(writer, first, expect=409)
    assert (body["code"], str(second) in body["detail"]) == ("merged_further", True)
    undone(site, second)
    undone(writer, first)
    assert selectors.history(SESSION).movie_ids.tolist() == [STAR_WARS]


def test_it_can_be_undone_for_a_day(writer):
    writer.post("/events", own(STAR_WARS))
    body = merged(writer)
    with time_machine.travel(timezone.now() + merging.UNDO_WINDOW):
        assert "for a day" in undone(writer, body["merge_id"], expect=404)["detail"]
    undone(writer, uuid4(), expect=404)
    writer.post("/users/merge/undo", {"merge_id": 5}, expect=400)


def test_the_export_tells_a_merge_by_the_site_s_keys(site):
    site.post("/movies", {"movie_id": "own/1", "title": "Of a key", "genres": ["Drama"]}, expect=201)
    own_film = {"viewer": "visit-é", "movie": "own/1"}
    site.post("/events", [own(**own_film, event_id="e/1"), own(NEMO, day=1, viewer="visit-é"), event("zoe@x", "own/1")])
    site.post("/events", own("own/1", "impression", viewer="visit-é"))
    merged(site, "visit-é", "zoe@x")

    kept = json.loads(site.get("/users/zoe@x/data")["merges"][0]["kept"])

    assert (kept["viewer"]["user_id"], kept["viewer"]["is_session"]) == ("visit-é", True)
    [double] = kept["duplicates"]
    assert [double[name] for name in ("movie_id", "kind", "event_id")] == ["own/1", "watch", "e/1"]
    assert (kept["events"], kept["impressions"]) == (1, 1)
    inner = {Movie.objects.get(key="own/1").pk, Viewer.objects.get(key="zoe@x").pk}
    numbers = {int(number) for number in re.findall(r"(?<![\w-])-?\d+(?![\w-])", json.dumps(kept))}
    assert not inner & numbers, "numbers of our own"


@pytest.mark.parametrize("erased", [SESSION, ZOE, BEN])
def test_erasing_either_viewer_erases_the_undo_data(writer, site, erased):
    writer.post("/events", [own(STAR_WARS), own(NEMO), event(ZOE, NEMO)])
    first = merged(writer)["merge_id"]
    merged(site, ZOE, BEN)  # so what was the session's is his
    stored = site.get(f"/users/{erased}/data")["merges"]
    assert stored
    assert all(json.loads(item["kept"])["events"] for item in stored)

    site.delete(f"/users/{erased}/data")

    assert site.get(f"/users/{erased}/data")["merges"] == []
    undone(writer, first, expect=404)
    assert not [item for item in traces_of(erased) if item.startswith("recommender_merge")]


@pytest.mark.parametrize(("limit", "left"), [(None, 6), (12, 6), (6, 6), (0, 0)])
def test_the_lower_age_limit_stays_until_it_is_undone(site, limit, left):
    site.post("/events", [event(ZOE, STAR_WARS), own(NEMO)])
    Viewer.objects.filter(pk=SESSION).update(age_limit=6)
    Viewer.objects.filter(pk=ZOE).update(age_limit=limit)
    path = f"/recommend?user_id={ZOE}&top_k=3"
    assert [site.get(path)["source"] for _ in range(2)] == ["model", "cache"]

    body = merged(site)

    assert Viewer.objects.get(pk=ZOE).age_limit == left
    assert site.get(path)["source"] == "model"
    undone(site, body["merge_id"])
    ages = dict(Viewer.objects.filter(pk__in=[SESSION, ZOE]).values_list("pk", "age_limit"))
    assert ages == {SESSION: 6, ZOE: limit}


def test_a_viewers_own_limit_stays_where_the_session_has_none(site):
    Viewer.objects.create(pk=ZOE, age_limit=12)
    site.post("/events", own(STAR_WARS))
    merged(site)
    assert Viewer.objects.get(pk=ZOE).age_limit == 12


def at_once(*calls):
    """Runs each in a thread of its own, all from one moment on; returns what they answered, or raised."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(position, call):
        barrier.wait()
        try:
            answers[position] = call()
        except Exception as error:
            answers[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.usefixtures("transactional_db")
class TestAtTheSameTime:
    """Real connections, real commits."""

    def test_the_same_merge_twice_is_one(self, writer):
        for day in range(5):
            writer.post("/events", [own(STAR_WARS, day=day), own(NEMO, day=day)])
            merges = [lambda: merging.merge(SESSION, ZOE, allow_accounts=False)] * 4
            answers = [joined.merge for joined in at_once(*merges)]
            assert len({merge.pk for merge in answers}) == 1
            assert {merge.events for merge in answers} == {2}
        assert not Viewer.objects.filter(pk=SESSION).exists()

    def test_events_during_a_merge_end_in_one_of_both(self, writer):
        writer.post("/events", [own(STAR_WARS), event(ZOE, JEDI)])
        calls = [lambda day=day: writer.post("/events", own(NEMO, day=day)) for day in range(1, 9)]
        at_once(*calls[:4], lambda: merging.merge(SESSION, ZOE, allow_accounts=False), *calls[4:])
        assert WatchEvent.objects.filter(viewer__in=[SESSION, ZOE]).count() == 10
        assert merging.merge(SESSION, ZOE, allow_accounts=False) is not None
        assert WatchEvent.objects.filter(viewer=ZOE).count() == 10

    def test_an_erasure_beside_an_undo_leaves_nothing(self, writer):
        for erased in (SESSION, ZOE) * 3:
            writer.post("/events", [own(STAR_WARS), own(NEMO), event(ZOE, NEMO)])
            merge = merging.merge(SESSION, ZOE, allow_accounts=False).merge
            at_once(
                lambda erased=erased: privacy.erase_viewer(erased),
                lambda pk=merge.pk: merging.undo_merge(pk, allow_accounts=False),
            )
            assert not Viewer.objects.filter(pk=erased).exists()
            assert not Merge.objects.exists()
            for viewer in (SESSION, ZOE):
                privacy.erase_viewer(viewer)
