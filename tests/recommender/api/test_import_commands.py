"""Imports that commands run: each is a job, which is seen, cancelled and taken back as one over HTTP is."""

import io
import re
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.loading import film_import, made_rows
from catalog.models import Credit, Genre, Movie, Person, Viewer, WatchEvent
from recommender import tasks
from recommender.ingest import import_journals
from recommender.jobs import leases, queue
from recommender.models import ApiKey, ImportPart, Job
from tests.support.api import ApiClient
from tests.support.cast import NEMO
from tests.support.imdb import write_imdb
from tests.support.jobs import expire_lease
from tests.support.workers import wait_until

pytestmark = [pytest.mark.usefixtures("cast"), pytest.mark.django_db(transaction=True)]
FOLDER = "ml-latest-small"
MOVIES = "movieId,title,genres\n900001,Paper Moon (1973),Comedy|Wonder\n{nemo},Finding Nemo (2003),Animation\n"
RATINGS = "userId,movieId,rating,timestamp\n" + "".join(
    f"{7000 + n},{movie},4.0,{1_000_000_000 + n}\n" for n in range(3) for movie in (900001, NEMO)
)


def run(command, *arguments):
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def job_of(site, said):
    [job_id] = re.findall(r"It is job ([0-9a-f-]{36})", said)
    return site.get(f"/jobs/{job_id}")


def take_back(site, job):
    undo = site.delete(f"/jobs/{job['job_id']}/import", expect=202)
    assert tasks.run_import_undo(undo["job_id"])["taken"]
    undo = site.get(f"/jobs/{undo['job_id']}")
    assert undo["status"] == "done"
    return {kind: count for kind, count in undo["result"]["deleted"].items() if count}, undo["result"]["left"]


def movielens(path, movies=MOVIES, ratings=RATINGS):
    with zipfile.ZipFile(path / "ml.zip", "w") as archive:
        archive.writestr(f"{FOLDER}/movies.csv", movies.format(nemo=NEMO))
        archive.writestr(f"{FOLDER}/ratings.csv", ratings)
        archive.writestr(f"{FOLDER}/links.csv", "movieId,imdbId,tmdbId\n900001,0070510,11293\n")
        archive.writestr(f"{FOLDER}/tags.csv", "userId,movieId,tag,timestamp\n7000,900001,con man,1000000000\n")
    return path / "ml.zip"


def catalogue():
    return {
        model.__name__: set(model.objects.values_list("pk", flat=True))
        for model in (Movie, Person, Genre, Credit, Viewer, WatchEvent)
    }


def test_films_are_a_job_with_a_report_and_go_as_a_whole(site, tmp_path):
    nemo = Movie.objects.get(pk=NEMO)
    nemo.imdb_id = "tt0000102"
    nemo.save()
    before = catalogue()
    said = run("import_imdb", write_imdb(tmp_path), "--create-genres")
    job = job_of(site, said)
    assert (job["kind"], job["status"], job["phase"]) == ("import", "done", "rows")
    assert job["result"] == {"stored": 3, "duplicates": 0, "rejected": 0}
    assert job["started_at"] < job["finished_at"]
    stored = Job.objects.get(pk=job["job_id"])
    assert stored.parameters == {"of": "imdb", "command": "import_imdb"}
    assert "2 new films, 1 film completed" in stored.log_tail
    assert f"DELETE /jobs/{stored.pk}/import" in said
    assert Movie.objects.filter(imdb_id="tt0000101").exists()

    deleted, left = take_back(site, job)

    assert (deleted["movies"], deleted["people"], left) == (2, 6, {})
    assert catalogue() == before
    assert site.get(f"/movies/{NEMO}")["overview"] == nemo.overview


def test_films_that_something_uses_since_stay(site, tmp_path):
    job = job_of(site, run("import_imdb", write_imdb(tmp_path)))
    film = Movie.objects.get(imdb_id="tt0000101")
    site.post("/events", {"user_id": 1, "movie_id": str(film.pk), "kind": "watch"})
    deleted, left = take_back(site, job)
    assert (deleted["movies"], left["movies"]) == (2, 1)
    assert site.get(f"/movies/{film.pk}")["title"] == film.title


def test_the_same_films_again_make_nothing(site, tmp_path):
    run("import_imdb", write_imdb(tmp_path))
    said = run("import_imdb", tmp_path)
    assert "It is job" not in said
    job = Job.objects.first()
    assert (job.status, job.result) == ("done", {"stored": 0, "duplicates": 3, "rejected": 0})
    run("import_imdb", tmp_path, "--dry-run")
    assert Job.objects.count() == 2


def test_a_data_set_is_a_job_and_goes_as_a_whole(site, tmp_path, monkeypatch):
    monkeypatch.setattr(import_journals, "MAX_EVENTS_OF_PART", 4)
    site.post("/events", {"user_id": 7001, "movie_id": str(NEMO), "kind": "watch"})
    before = catalogue()
    job = job_of(site, run("import_movielens", movielens(tmp_path)))
    assert (job["status"], job["result"]) == ("done", {"stored": 6, "duplicates": 0, "rejected": 0})
    assert "2 films" in Job.objects.get(pk=job["job_id"]).log_tail
    assert [len(part.event_ranges) for part in ImportPart.objects.order_by("number")] == [1, 1]

    deleted, left = take_back(site, job)

    assert deleted == {"events": 6, "viewers": 2, "movies": 1, "genres": 1, "tags": 1}
    assert (left, catalogue()) == ({}, before)


def test_a_data_set_into_an_empty_database_goes_as_a_whole(site, tmp_path):
    WatchEvent.objects.all().delete()
    job = job_of(site, run("import_movielens", movielens(tmp_path, ratings=RATINGS + RATINGS.split("\n")[1] + "\n")))
    deleted, _ = take_back(site, job)
    assert deleted["events"] == 6
    assert not WatchEvent.objects.exists()


def test_more_films_than_are_noted_say_so(site, tmp_path, monkeypatch):
    monkeypatch.setattr(made_rows, "MAX_RECORDED_FILMS", 2)
    said = run("import_imdb", write_imdb(tmp_path))
    job = job_of(site, said)
    refused = site.delete(f"/jobs/{job['job_id']}/import", expect=409)
    assert refused["code"] == "import_not_recorded"
    assert refused["detail"] in said
    assert "3 films" in refused["detail"]
    assert "restore a backup" in refused["detail"]
    assert site.get(f"/jobs/{job['job_id']}")["result"]["not_recorded"] == refused["detail"]
    assert Movie.objects.filter(imdb_id="tt0000101").exists()


def test_it_is_seen_while_it_runs_and_can_be_cancelled(site, tmp_path, monkeypatch):
    """Beside an import over HTTP, which runs at the same time."""
    monkeypatch.setattr(leases, "RENEW_INTERVAL", 0.02)
    write_people = film_import.write_people

    def cancel_before(*args, **options):
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(watch_and_cancel).result()
        return write_people(*args, **options)

    def watch_and_cancel():
        try:
            job = Job.objects.get()
            assert leases.claim(Job.objects.create(kind="import", parameters={"of": "events"}).pk)
            wait_until(lambda: site.get(f"/jobs/{job.pk}")["phase"] == "writing people", 20)
            assert site.get(f"/jobs/{job.pk}")["status"] == "running"
            assert queue.cancel(job.pk)
        finally:
            connection.close()

    monkeypatch.setattr(film_import, "write_people", cancel_before)
    with pytest.raises(CommandError, match=r"Nothing was imported.*cancelled"):
        run("import_imdb", write_imdb(tmp_path))
    assert not Movie.objects.filter(imdb_id="tt0000101").exists()


@pytest.mark.parametrize("command", ["import_imdb", "import_movielens", "import_history"])
def test_one_that_has_written_everything_cannot_be_cancelled_any_more(site, tmp_path, monkeypatch, command):
    """Else it would say that nothing was imported."""
    monkeypatch.setattr(leases, "RENEW_INTERVAL", 0.02)
    cancelled, write = [], import_journals.JobJournal.write

    def cancel_behind(*args, **options):
        result = write(*args, **options)
        with ThreadPoolExecutor(1) as elsewhere:
            cancelled.append(elsewhere.submit(cancel).result())
        time.sleep(0.2)  # the lease is looked at meanwhile
        return result

    def cancel():
        try:
            return queue.cancel(Job.objects.get().pk)
        finally:
            connection.close()

    monkeypatch.setattr(import_journals.JobJournal, "write", cancel_behind)
    (tmp_path / "diary.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n2021-01-05,Finding Nemo,2003,x,4\n")
    arguments = {
        "import_imdb": lambda: [write_imdb(tmp_path)],
        "import_movielens": lambda: [movielens(tmp_path)],
        "import_history": lambda: ["7", tmp_path / "diary.csv"],
    }[command]()
    said = run(command, *arguments)
    job = job_of(site, said)
    assert (cancelled, job["status"], job["result"]["stored"] > 0) == ([False], "done", True)
    stored = Job.objects.get(pk=job["job_id"])
    assert (stored.holder, stored.done > 0) == (None, True)
    assert command == "import_history" or stored.log_tail, "what was logged behind the last step"
    assert take_back(site, job)[0]


def test_one_that_fails_or_whose_process_died_has_failed(site, tmp_path):
    with pytest.raises(CommandError, match="line 2"):
        run("import_movielens", movielens(tmp_path, ratings=RATINGS.replace("4.0,1000000000", "x,1000000000", 1)))
    job = Job.objects.get()
    assert (job.status, "7000" in job.error, "printed" in job.error) == ("failed", False, True)
    job.status, job.error, job.result = "running", "", {}
    job.save()
    expire_lease(job)
    assert tasks.requeue_lost_jobs() == 1
    with pytest.raises(leases.JobCannotRun):
        tasks.run_import(str(job.pk))
    job = site.get(f"/jobs/{job.pk}")
    assert (job["status"], "import_movielens" in job["error"]) == ("failed", True)


def test_it_needs_the_scope_of_what_it_brought(site, client_with, tmp_path):
    films, data_set = (
        job_of(site, said)["job_id"]
        for said in (run("import_imdb", write_imdb(tmp_path)), run("import_movielens", movielens(tmp_path)))
    )
    scopes = ApiKey.Scope
    for scope, job, status in (
        (scopes.EVENTS, films, 403), (scopes.CATALOGUE, data_set, 403), (scopes.CATALOGUE, films, 202),
        (scopes.ERASE, data_set, 202),
    ):  # fmt: skip
        client_with(scope).delete(f"/jobs/{job}/import", expect=status)
    ApiClient().delete(f"/jobs/{films}/import", expect=401)
