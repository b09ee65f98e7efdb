"""DELETE /jobs/{id}/import: what an import made goes as a whole, and what something else has changed or uses stays."""

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from catalog.exchange import row_import
from catalog.models import Credit, Genre, Movie, Person, Rule, Viewer, WatchEvent
from catalog.services import NewEvent, delete_movies, record_events
from movierec.local.processes import stop
from recommender import maintenance, privacy, tasks
from recommender.ingest import import_undo, imports
from recommender.jobs import leases
from recommender.models import ApiKey, AuditEntry, ImportedRecords, ImportPart, Job
from recommender.training import snapshot
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import ADA, BEN, EVE, GODFATHER, MORNING, NEMO, TOY_STORY
from tests.support.imports import json_lines, post_rows, run_import
from tests.support.jobs import expire_lease
from tests.support.workers import start_worker, wait_until

pytestmark = pytest.mark.usefixtures("transactional_db", "cast")
ZOE, YAN, KEY = 1_987_654_321, 1_987_654_322, "anna@example.org"


def watch(viewer, movie=NEMO, at=1_700_000_000, **more):
    return {"user_id": viewer, "movie_id": str(movie), "kind": "watch", "occurred_at": at} | more


def imported(site, kind, *rows, **more):
    """Import rows; return the job's id."""
    job = run_import(site, post_rows(site, kind, json_lines(*rows), **more))
    assert (job["status"], job["result"]["rejected"]) == ("done", 0)
    return job["job_id"]


def take_back(site, import_id):
    """Take an import back; return the job as it has ended."""
    undo = site.delete(f"/jobs/{import_id}/import", expect=202)
    assert site.response.headers["Location"] == f"/jobs/{undo['job_id']}"
    assert (undo["kind"], undo["status"]) == ("import_undo", "queued")
    assert tasks.run_import_undo(undo["job_id"])["taken"]
    return site.get(f"/jobs/{undo['job_id']}")


def deleted(undo):
    """Return what a job has deleted, without what it has not."""
    assert undo["status"] == "done"
    return {kind: count for kind, count in undo["result"]["deleted"].items() if count}


def test_the_log_of_a_job_counts_one_of_a_kind_as_one(site):
    job = imported(site, "genres", {"name": "Space Opera"})
    undo = take_back(site, job)
    events = imported(site, "events", watch(ZOE), watch(KEY))
    logs = {str(pk): text for pk, text in Job.objects.values_list("pk", "log_tail")}
    assert "All genres: 1 row read, 1 stored" in logs[job]
    assert "Deleted: 1 genre." in logs[undo["job_id"]]
    assert "All events: 2 rows read" in logs[events]
    assert "Deleted: 2 events, 2 viewers." in Job.objects.get(pk=take_back(site, events)["job_id"]).log_tail


def test_events_go_and_so_do_viewers_who_did_nothing_else(site):
    before = site.get(f"/users/{ADA}/history")
    imported(site, "events", watch(YAN))
    job = imported(site, "events", watch(ADA), watch(ZOE), watch(KEY), watch(YAN, TOY_STORY), watch(YAN))
    version = Viewer.objects.get(pk=ADA).version
    [part] = ImportPart.objects.filter(job=job)
    assert len(part.event_ranges) == 1, "a range, and not a row for each"

    undo = take_back(site, job)

    assert deleted(undo) == {"events": 4, "viewers": 2}
    assert (undo["result"]["left"], undo["done"], undo["total"]) == ({}, 6, 6)
    assert site.get(f"/users/{ADA}/history") == before
    assert Viewer.objects.get(pk=ADA).version > version
    assert list(WatchEvent.objects.filter(viewer=YAN).values_list("movie_id", flat=True)) == [NEMO]
    for viewer in (ZOE, KEY):
        site.get(f"/users/{viewer}", expect=404)
    assert site.get(f"/jobs/{job}")["result"]["taken_back_by"] == undo["job_id"]
    assert AuditEntry.objects.filter(action="import_taken_back", subject=job, details="4 rows of events").count() == 1
    assert imported(site, "events", watch(ADA), watch(KEY)) != job, "the same rows may come again"
    assert WatchEvent.objects.filter(viewer__key=KEY).count() == 1


def test_again_is_the_same_job(site):
    job = imported(site, "events", watch(ZOE))
    undo = take_back(site, job)
    again = site.delete(f"/jobs/{job}/import")
    assert (again["job_id"], again["result"]) == (undo["job_id"], undo["result"])
    assert not tasks.run_import_undo(undo["job_id"])["taken"], "it has ended"
    waiting = imported(site, "events", watch(ZOE))
    first, second = (site.delete(f"/jobs/{waiting}/import", expect=202) for _ in range(2))
    assert first["job_id"] == second["job_id"] != undo["job_id"]


def test_the_word_before_counts_again(site):
    site.post("/events", watch(EVE, GODFATHER) | {"kind": "rating", "rating": 2})
    rating = watch(EVE, GODFATHER, 1_700_000_500) | {"kind": "rating", "rating": 5}
    same_moment = watch(EVE, GODFATHER) | {"kind": "rating", "rating": 4}
    job = imported(site, "events", rating, same_moment)
    [row] = site.get(f"/users/{EVE}/ratings")["results"]
    assert row["rating"] == 5
    assert deleted(take_back(site, job)) == {"events": 2}
    [row] = site.get(f"/users/{EVE}/ratings")["results"]
    assert row["rating"] == 2


@pytest.mark.usefixtures("model")
def test_the_next_read_and_the_next_training_know_nothing_of_it(site, tmp_path):
    before, data = site.get(f"/recommend?user_id={ADA}&top_k=20"), snapshot.take_snapshot(tmp_path).data_hash
    films = recommended_ids(before)[:3]
    job = imported(site, "events", *(watch(viewer, film) for film in films for viewer in (ADA, *range(5000, 5040))))
    assert not set(films) & set(recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=20")))
    assert snapshot.take_snapshot(tmp_path).data_hash != data
    tasks.count_watches()
    tasks.flush_outbox()

    take_back(site, job)

    after = site.get(f"/recommend?user_id={ADA}&top_k=20")
    assert (after["source"], after["recommendations"]) == ("model", before["recommendations"])
    assert snapshot.take_snapshot(tmp_path).data_hash == data
    assert list(Viewer.objects.filter(publish_pending=True).values_list("pk", flat=True)) == [ADA], "webhooks are told"


def test_progress_that_went_on_since_stays(site):
    def progress(viewer, share, at):
        return {**watch(viewer, at=at), "kind": "progress", "completion": share}

    site.post("/events", progress(BEN, 0.1, 1_700_000_000))
    rows = [progress(ADA, 0.1, 1_700_000_000), progress(BEN, 0.2, 1_700_000_100), progress(EVE, 0.1, 1_700_000_000)]
    job = imported(site, "events", *rows)
    site.post("/events", progress(EVE, 0.3, 1_700_000_200))

    undo = take_back(site, job)

    assert (deleted(undo), undo["result"]["changed"]) == ({"events": 1}, 1)
    left = WatchEvent.objects.filter(movie=NEMO, kind=WatchEvent.Kind.PROGRESS).order_by("viewer")
    assert [(viewer, round(share, 2)) for viewer, share in left.values_list("viewer", "completion")] == [
        (BEN, 0.2),
        (EVE, 0.3),
    ]


def test_progress_of_an_earlier_part_is_the_imports_own(site, monkeypatch):
    monkeypatch.setattr(row_import, "BLOCK_SIZE", 1)
    rows = [watch(EVE, at=1_700_000_000 + n) | {"kind": "progress", "completion": n / 10} for n in (1, 2, 3)]
    undo = take_back(site, imported(site, "events", *rows))
    assert (deleted(undo), undo["result"]["changed"]) == ({"events": 1, "viewers": 1}, 0)
    assert not WatchEvent.objects.filter(viewer=EVE).exists()


def test_films_go_unless_something_else_uses_or_changed_them(site, monkeypatch):
    monkeypatch.setattr(row_import, "BATCH_SIZE", 3)
    people = set(Person.objects.values_list("name", flat=True))
    rows = [
        {"movie_id": f"f{n}", "title": f"Film {n}", "genres": ["Bulk", "Drama"], "directors": ["Di Rector"]}
        | {"tags": {"bulky": 2, f"tag {n}": 1}}
        for n in range(6)
    ]
    rows += [{"movie_id": "f5", "title": "Film 5, again", "actors": ["Ac Tor"]}, {"movie_id": NEMO, "runtime": 99}]
    job = imported(site, "movies?create_genres=true", *rows)
    site.post("/events", watch(ADA, "f1"))
    site.patch("/movies/f2", {"overview": "A bear."})
    imported(site, "people", {"movie_id": "f3", "name": "Late Comer", "role": "actor"})

    undo = take_back(site, job)

    assert deleted(undo) == {"movies": 3, "people": 1, "tags": 3}
    assert undo["result"]["left"] == {"movies": 3, "people": 1, "genres": 1, "tags": 4}
    assert undo["result"]["changed"] == 1
    assert set(Movie.objects.filter(key__startswith="f").values_list("key", flat=True)) == {"f1", "f2", "f3"}
    assert Movie.objects.get(pk=NEMO).runtime == 99
    site.get("/movies/f5", expect=404)
    assert recommended_ids(site.get("/latest?genres=Bulk"))

    site.delete(f"/users/{ADA}/events?movie_id=f1")
    [credit] = Credit.objects.filter(person__name="Late Comer")
    credit.delete()
    site.patch("/movies/f2", {"overview": ""})
    again = take_back(site, job)
    assert again["job_id"] == undo["job_id"], "what was left is tried again"
    assert deleted(again) == {"movies": 6, "people": 2, "genres": 1, "tags": 7}
    assert again["result"]["left"] == {}
    assert set(Person.objects.values_list("name", flat=True)) == people | {"Late Comer"}
    assert not Genre.objects.filter(name="Bulk").exists()


def test_what_a_rule_names_stays(site):
    rows = [{"movie_id": f"f{n}", "title": f"Film {n}", "genres": ["Bulk"]} for n in range(2)]
    job = imported(site, "movies?create_genres=true", *rows)
    ruled = Movie.objects.get(key="f1")
    Rule.objects.create(name="Week", action="pin", places=1, movie=ruled)
    assert take_back(site, job)["result"]["left"] == {"movies": 1, "genres": 1}
    Rule.objects.all().delete()
    Rule.objects.create(name="Bulk week", action="boost", by="genre", genre=Genre.objects.get(name="Bulk"))
    undo = take_back(site, job)
    assert (deleted(undo), undo["result"]["left"]) == ({"movies": 2}, {"genres": 1})
    assert Rule.objects.count() == 1


def test_a_film_that_has_the_id_since_is_another(site):
    row = {"movie_id": 777_001, "title": "Again"}
    job = imported(site, "movies", row)
    delete_movies([777_001])
    site.post("/movies", row | {"movie_id": "777001"}, expect=201)
    undo = take_back(site, job)
    assert (deleted(undo), undo["result"]["left"]) == ({}, {"movies": 1})
    assert site.get("/movies/777001")["title"] == "Again"


def test_credits_and_genres_go(site):
    rows = [{"movie_id": str(movie), "name": "Ex Tra", "role": "actor", "order": 9} for movie in (NEMO, TOY_STORY)]
    known = {"movie_id": str(NEMO), "name": "Albert Brooks", "role": "actor", "order": 4}
    job = imported(site, "people", *rows, known)
    Credit.objects.filter(movie=TOY_STORY, person__name="Ex Tra").update(order=0)
    undo = take_back(site, job)
    assert (deleted(undo), undo["result"]["left"]) == ({"credits": 1}, {"credits": 1, "people": 1})
    assert undo["result"]["changed"] == 1
    assert "Ex Tra" not in str(site.get(f"/movies/{NEMO}"))

    genres = {"name": "Heist", "aliases": ["Caper"], "translations": {"de": "Gaunerei"}}
    job = imported(site, "genres", genres, {"name": "Slasher"}, {"name": "Crime", "aliases": ["Gangster"]})
    site.patch(f"/movies/{NEMO}", {"genres": ["Slasher"]})
    undo = take_back(site, job)
    assert (deleted(undo), undo["result"]["left"], undo["result"]["changed"]) == ({"genres": 1}, {"genres": 1}, 1)
    assert not Genre.objects.filter(name="Heist").exists()


def test_viewers_go_unless_something_is_known_of_them(site):
    rows = [{"user_id": viewer, "name": "new", "age_limit": 12} for viewer in (ZOE, YAN, KEY, "b", "c")]
    job = imported(site, "viewers", *rows, {"user_id": ADA, "name": "Ada", "age_limit": 16})
    site.post("/events", watch(YAN))
    site.post("/events", watch("b") | {"kind": "impression"})
    site.patch("/users/c", {"country": "DE"})
    undo = take_back(site, job)
    assert (deleted(undo), undo["result"]["left"]) == ({"viewers": 2}, {"viewers": 3})
    assert undo["result"]["changed"] == 1
    assert not Viewer.objects.filter(pk=ZOE).exists()
    assert not Viewer.objects.filter(key=KEY).exists()
    assert Viewer.objects.get(pk=ADA).age_limit == 16
    site.post("/events", watch(KEY))
    assert site.get(f"/users/{KEY}")["age_limit"] is None


def test_an_import_that_has_not_ended_is_cancelled_and_what_it_made_goes(site, monkeypatch):
    monkeypatch.setattr(row_import, "BLOCK_SIZE", 1)
    job = post_rows(site, "events", json_lines(*(watch(ZOE, movie) for movie in (NEMO, TOY_STORY, GODFATHER))))
    [first, second, _] = ImportPart.objects.order_by("number")
    lease = leases.claim(job["job_id"])
    imports._import_part(first.pk, imports.RowKind.EVENTS)

    undo = take_back(site, job["job_id"])

    assert deleted(undo) == {"events": 1, "viewers": 1}
    assert site.get(f"/jobs/{job['job_id']}")["status"] == "cancelled"
    assert imports._import_part(second.pk, imports.RowKind.EVENTS).stored == 0, "its worker may be at it still"
    assert not lease.save()
    assert not WatchEvent.objects.filter(viewer=ZOE).exists()
    assert not ImportPart.objects.filter(rows__contains=str(ZOE)).exists()
    assert AuditEntry.objects.filter(action="job_cancelled", subject=job["job_id"]).count() == 1


def test_what_cannot_be_taken_back_says_why(site):
    dry = post_rows(site, "events?dry_run=true", json_lines(watch(ZOE)))["job_id"]
    assert site.delete(f"/jobs/{dry}/import", expect=409)["code"] == "dry_run"
    old = imported(site, "events", watch(ZOE))
    ImportPart.objects.filter(job=old).update(event_ranges=None)  # as an earlier version left it
    refused = site.delete(f"/jobs/{old}/import", expect=409)
    assert (refused["code"], "restore a backup" in refused["detail"]) == ("import_not_recorded", True)
    batch = site.post("/batch/recommend/cache", {}, expect=202)["job_id"]
    for unknown in (uuid4(), batch):
        assert "for 90 days" in site.delete(f"/jobs/{unknown}/import", expect=404)["detail"]


def test_it_can_be_taken_back_for_as_long_as_the_job_is_kept(site):
    job, other = imported(site, "events", watch(ZOE)), imported(site, "events", watch(YAN))
    undo = site.delete(f"/jobs/{other}/import", expect=202)["job_id"]
    Job.objects.filter(kind="import").update(finished_at=timezone.now() - timedelta(days=91))
    assert maintenance.prune()["jobs"] == 1, "that which is being taken back is needed"
    site.delete(f"/jobs/{job}/import", expect=404)
    assert not ImportedRecords.objects.filter(part__job=job).exists()
    tasks.run_import_undo(undo)
    assert deleted(site.get(f"/jobs/{undo}")) == {"events": 1, "viewers": 1}
    assert maintenance.prune()["jobs"] == 1
    site.delete(f"/jobs/{other}/import", expect=404)


def test_it_needs_the_scope_of_the_import(client_with, site):
    scopes = ApiKey.Scope
    job = imported(site, "movies", {"title": "New", "imdb_id": "tt0000001"})
    keeper, events, reader = client_with(scopes.CATALOGUE), client_with(scopes.EVENTS), client_with(scopes.READ)
    for client, status in ((events, 403), (reader, 403), (ApiClient(), 401)):
        client.delete(f"/jobs/{job}/import", expect=status)
    for client, status in ((keeper, 404), (events, 404), (reader, 403), (ApiClient(), 401)):
        client.delete(f"/jobs/{uuid4()}/import", expect=status)
    keeper.delete(f"/jobs/{job}/import", expect=202)


def test_erasure_and_merge_reach_the_notes(site):
    job = imported(site, "events", *(watch(viewer, session=viewer == YAN) for viewer in (ZOE, YAN, KEY, ADA)))
    site.delete(f"/users/{ZOE}/data")
    assert not ImportedRecords.objects.filter(ids__contains=[ZOE]).exists()
    site.post("/users/merge", {"from_user_id": YAN, "into_user_id": BEN})
    assert not ImportedRecords.objects.filter(ids__contains=[YAN]).exists()
    site.post("/events", watch(ZOE, TOY_STORY), expect=200)  # under the same number, and nobody's import
    [part] = ImportPart.objects.filter(job=job)
    ImportedRecords.objects.create(part=part, kind="viewers", ids=[ZOE], states=[1])  # committed during the erasure
    tasks.finish_erasures()
    assert not ImportedRecords.objects.filter(ids__contains=[ZOE]).exists()

    assert deleted(take_back(site, job)) == {"events": 3, "viewers": 1}
    assert not WatchEvent.objects.filter(viewer=BEN, movie=NEMO, occurred_at__year=2023).exists()
    assert WatchEvent.objects.filter(viewer=ZOE).count() == 1
    assert list(Viewer.objects.filter(pk__in=[ZOE, YAN]).values_list("pk", flat=True)) == [ZOE]


def test_undoing_a_merge_brings_nothing_back_that_was_taken_back(site):
    job = post_rows(site, "events", json_lines(watch(YAN, session=True)))["job_id"]
    merge = site.post("/users/merge", {"from_user_id": YAN, "into_user_id": ADA})["merge_id"]
    take_back(site, job)
    site.post("/users/merge/undo", {"merge_id": merge})
    assert not WatchEvent.objects.filter(viewer__in=[YAN, ADA], movie=NEMO, occurred_at__year=2023).exists()


def test_rows_that_undoing_a_merge_imports_again_are_the_imports_own(site):
    job = post_rows(site, "events", json_lines(watch(YAN, session=True)))
    merge = site.post("/users/merge", {"from_user_id": YAN, "into_user_id": ADA})["merge_id"]
    run_import(site, job)
    site.post("/users/merge/undo", {"merge_id": merge})
    assert WatchEvent.objects.filter(viewer=YAN).count() == 1
    take_back(site, job["job_id"])
    assert not WatchEvent.objects.filter(viewer__in=[YAN, ADA], movie=NEMO, occurred_at__year=2023).exists()


def test_an_event_and_an_erasure_that_come_meanwhile(site, monkeypatch):
    monkeypatch.setattr(row_import, "BLOCK_SIZE", 20)
    viewers = range(5001, 5011)
    job = imported(site, "events", *(watch(viewer, at=1_700_000_000 + n) for n in range(30) for viewer in viewers))
    undo = site.delete(f"/jobs/{job}/import", expect=202)["job_id"]

    def others():
        try:
            for n in range(20):
                record_events([NewEvent(5001, TOY_STORY, 1, MORNING + timedelta(days=n))])
                privacy.erase_viewer(5002)
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        beside = pool.submit(others)
        assert tasks.run_import_undo(undo)["taken"]
        beside.result()

    assert site.get(f"/jobs/{undo}")["status"] == "done"
    assert set(WatchEvent.objects.filter(viewer__in=viewers).values_list("viewer", "movie")) == {(5001, TOY_STORY)}
    assert WatchEvent.objects.filter(viewer=5001).count() == 20
    assert list(Viewer.objects.filter(pk__in=viewers).values_list("pk", flat=True)) == [5001]


def test_a_job_that_failed_goes_on_where_it_was(site, monkeypatch):
    monkeypatch.setattr(row_import, "BLOCK_SIZE", 2)
    job = imported(site, "events", *(watch(viewer) for viewer in range(5001, 5009)))
    undo = site.delete(f"/jobs/{job}/import", expect=202)["job_id"]
    whole = import_undo._delete_events
    monkeypatch.setattr(import_undo, "_delete_events", lambda pk: whole(pk) and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.run_import_undo(undo)
    assert site.get(f"/jobs/{undo}")["status"] == "failed"
    assert WatchEvent.objects.filter(viewer__gte=5001).count() == 6
    monkeypatch.setattr(import_undo, "_delete_events", whole)
    assert deleted(take_back(site, job)) == {"events": 8, "viewers": 8}


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["events", "people"])
def test_a_job_whose_worker_is_killed_is_ended_by_the_next(site, moment):
    films = [{"movie_id": f"f{n}", "title": f"Film {n}", "directors": [f"Person {n}"]} for n in range(30)]
    job = imported(site, "movies", *films) if moment == "people" else imported(site, "events", watch(ZOE), watch(ADA))
    undo = Job.objects.get(pk=site.delete(f"/jobs/{job}/import", expect=202)["job_id"])
    tasks.enqueue(undo)

    worker = start_worker(include="tests.support.killed_worker", MOVIEREC_DIES_AT=moment)
    try:
        wait_until(lambda: worker.poll() is not None, 120)
    finally:
        stop(worker, signal.SIGQUIT, 15)
    undo.refresh_from_db()
    assert (undo.status, undo.attempts) == (Job.Status.RUNNING, 1)
    expire_lease(undo)
    assert tasks.requeue_lost_jobs() == 1
    assert tasks.run_import_undo(str(undo.pk))["taken"]

    assert deleted(site.get(f"/jobs/{undo.pk}")) == (
        {"movies": 30, "people": 30} if moment == "people" else {"events": 2, "viewers": 1}
    )
    assert not Movie.objects.filter(key__startswith="f").exists()
    assert not Viewer.objects.filter(pk=ZOE).exists()
