"""DELETE /jobs/{id}/import: what an import made goes as a whole, and what something else has changed or uses stays."""

from uuid import uuid4

import pytest

from catalog.models import Credit, Genre, Movie, Person, Viewer, WatchEvent
from recommender import maintenance, privacy, tasks
from recommender.models import AuditEntry, ImportedRecords, ImportPart, Job
from tests.support.cast import ADA, BEN, EVE, GODFATHER, NEMO, TOY_STORY
from tests.support.imports import json_lines, post_rows, run_import

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
    assert AuditEntry.objects.filter(action="import_taken_back", subject=job, details="5 rows of events").count() == 1
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
    [row] = site.get(f"/users/{EVE}/ratings")["ratings"]
    assert row["rating"] == 5
    assert deleted(take_back(site, job)) == {"events": 2}
    [row] = site.get(f"/users/{EVE}/ratings")["ratings"]
    assert row["rating"] == 2
