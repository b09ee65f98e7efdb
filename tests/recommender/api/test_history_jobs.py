"""POST /users/{id}/history as a job: a long file is stored by a worker, and each file can be taken back as a whole."""

import io
import json
import re
from urllib.parse import quote

import pytest
from django.core.management import call_command

from catalog.exchange import row_import
from catalog.models import Movie, Viewer, WatchEvent
from recommender import maintenance, privacy, tasks
from recommender.ingest import history_files
from recommender.models import ImportPart, Job
from tests.support.api import app_client
from tests.support.cast import AMELIE, EVE, GODFATHER, MATRIX, NEMO
from tests.support.imports import run_import
from tests.support.own_files import send_file, stored_events

pytestmark = [pytest.mark.usefixtures("cast"), pytest.mark.django_db(transaction=True)]
DIARY = (
    "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    "2021-01-05,Amélie,2001,x,4,,,2021-01-02\n"
    "2021-01-05,The Godfather,1972,x,,,,2021-01-04\n"
    "2021-01-06,A Film That Nobody Made,1999,x,,,,2021-01-05\n"
)
STORED = [
    (AMELIE, "watch", "2021-01-02", None),
    (AMELIE, "rating", "2021-01-02", 4.0),
    (GODFATHER, "watch", "2021-01-04", None),
]


@pytest.fixture
def long_from(monkeypatch):
    """Let files of more than two rows be long."""
    monkeypatch.setattr(history_files, "MAX_ROWS_AT_ONCE", 2)


def take_back(site, job_id):
    undo = site.delete(f"/jobs/{job_id}/import", expect=202)
    assert tasks.run_import_undo(undo["job_id"])["taken"]
    return site.get(f"/jobs/{undo['job_id']}")["result"]


@pytest.mark.usefixtures("long_from")
def test_a_long_file_is_stored_by_a_job_with_the_report_in_its_result(site):
    dry = send_file(site, DIARY, "?dry_run=true", expect=202)
    report = run_import(site, dry)["result"]
    assert (report["stored"], report["dry_run"], stored_events()) == (3, True, [])
    job = send_file(site, DIARY, expect=202)
    assert site.response.headers["Location"] == f"/jobs/{job['job_id']}"
    assert (job["status"], job["kind"], job["total"], stored_events()) == ("queued", "import", 3, [])
    job = run_import(site, job)
    assert (job["status"], job["done"], job["phase"]) == ("done", 3, "events")
    assert stored_events() == STORED
    result = job["result"]
    assert {name: result[name] for name in ("source", "rows", "by_title", "stored", "duplicates", "rejected")} == {
        "source": "letterboxd", "rows": 3, "by_title": 2, "stored": 3, "duplicates": 0, "rejected": 1,
    }  # fmt: skip
    assert [(row["line"], row["title"], row["year"]) for row in result["unmatched"]] == [
        (4, "A Film That Nobody Made", 1999)
    ]
    [refused] = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert refused["reason"] == "A Film That Nobody Made (1999): The catalogue has no film of this title."
    again = run_import(site, send_file(site, DIARY, expect=202))["result"]
    assert (again["stored"], again["duplicates"]) == (0, 3)
    assert take_back(site, job["job_id"])["deleted"]["events"] == 3
    assert stored_events() == []
    site.delete(f"/jobs/{dry['job_id']}/import", expect=409)


def test_a_short_file_can_be_taken_back_as_well(site):
    report = send_file(site, DIARY)
    assert stored_events() == STORED
    job = site.get(f"/jobs/{report['job_id']}")
    assert (job["status"], job["result"]["stored"], job["result"]["unmatched"]) == ("done", 3, report["unmatched"])
    assert "of_viewer" not in job["result"]
    assert take_back(site, report["job_id"])["deleted"]["events"] == 3
    assert stored_events() == []
    assert send_file(site, DIARY, "?dry_run=true")["job_id"] is None


def test_a_viewer_whom_the_file_made_goes_with_it_and_what_was_there_stays(site):
    path = "/users/anna@example.org/history"
    report = site.post(path, DIARY.encode(), content_type="text/csv")
    assert take_back(site, report["job_id"])["deleted"] | {} == {
        "events": 3, "viewers": 1, "movies": 0, "credits": 0, "people": 0, "genres": 0, "tags": 0,
    }  # fmt: skip
    assert not Viewer.objects.filter(key="anna@example.org").exists()
    site.post("/events", {"user_id": EVE, "movie_id": str(AMELIE), "kind": "watch", "occurred_at": "2021-01-02"})
    report = send_file(site, DIARY)
    assert report["duplicates"] == 1
    take_back(site, report["job_id"])
    assert [event[:3] for event in stored_events()] == [(AMELIE, "watch", "2021-01-02")]


def command_job(output):
    """Return the id of the job that a command's output names."""
    [job_id] = re.findall(r"DELETE /jobs/(\S+)/import", output)
    return job_id


def test_what_a_command_imports_of_a_person_can_be_taken_back(site, tmp_path):
    (tmp_path / "diary.csv").write_text(DIARY)
    out = io.StringIO()
    call_command("import_history", str(EVE), tmp_path / "diary.csv", "--dry-run", stdout=out)
    assert "DELETE" not in out.getvalue()
    call_command("import_history", str(EVE), tmp_path / "diary.csv", stdout=out)
    assert stored_events() == STORED
    job_id = command_job(out.getvalue())
    job = site.get(f"/jobs/{job_id}")
    assert (job["status"], job["result"]) == ("done", {"stored": 3, "duplicates": 0, "rejected": 1})
    assert take_back(site, job_id)["deleted"]["events"] == 3
    assert stored_events() == []


def test_what_a_command_imports_of_rows_can_be_taken_back(site, tmp_path, monkeypatch):
    """Over several steps; what another import uses goes when that is taken back."""
    monkeypatch.setattr(row_import, "BATCH_SIZE", 2)
    films = "movie_id,title,year,directors\n" + "".join(f"film-{n},Film {n},2001,Ada Inventor\n" for n in range(5))
    (tmp_path / "films.csv").write_text(films)
    out = io.StringIO()
    call_command("import_rows", "movies", tmp_path / "films.csv", stdout=out)
    events = "user_id,movie_id,kind,occurred_at\nnew@site.example,film-1,watch,2021-01-02\n"
    (tmp_path / "events.csv").write_text(events)
    later = io.StringIO()
    call_command("import_rows", "events", tmp_path / "events.csv", stdout=later)
    jobs = [command_job(text.getvalue()) for text in (later, out)]
    assert site.get(f"/jobs/{jobs[1]}")["result"] == {"stored": 5, "duplicates": 0, "rejected": 0}
    assert take_back(site, jobs[0])["deleted"] | {"movies": 0} == {
        "events": 1, "viewers": 1, "movies": 0, "credits": 0, "people": 0, "genres": 0, "tags": 0,
    }  # fmt: skip
    deleted = take_back(site, jobs[1])["deleted"]
    assert (deleted["movies"], deleted["people"]) == (5, 1)
    assert not Movie.objects.filter(key__startswith="film-").exists()


@pytest.mark.usefixtures("long_from")
def test_the_same_idempotency_key_is_the_same_job(site):
    header = {"HTTP_IDEMPOTENCY_KEY": "eve-1"}
    path = f"/users/{EVE}/history"
    first, second = (
        site.post(path, DIARY.encode(), content_type="text/csv", expect=202, **header)["job_id"] for _ in range(2)
    )
    assert first == second
    site.post("/users/4711/history", DIARY.encode(), content_type="text/csv", expect=422, **header)


@pytest.mark.usefixtures("long_from")
@pytest.mark.parametrize("viewer", [EVE, "anna@example.org", "0042"])
def test_an_erased_viewer_leaves_nothing_of_a_file(site, viewer):
    """A file that waits, and the report of one that was stored."""
    path = f"/users/{viewer}/history"
    stored = run_import(site, site.post(path, DIARY.encode(), content_type="text/csv", expect=202))
    waiting = site.post(path, DIARY.encode(), content_type="text/csv", expect=202)
    assert len(site.get(f"/users/{viewer}/data")["waiting_rows"]) == 4
    site.delete(f"/users/{viewer}/data")
    texts = [json.dumps([part.rows, part.reasons]) for part in ImportPart.objects.all()]
    texts += [json.dumps([job.result, job.parameters, job.log_tail]) for job in Job.objects.all()]
    assert not [text for text in texts if str(viewer) in text or "Nobody Made" in text or "Godfather" in text]
    job = run_import(site, waiting)
    assert (job["status"], job["result"]["stored"]) == ("done", 0)
    assert site.get(f"/jobs/{stored['job_id']}")["result"]["stored"] == 3, "counts stay"
    assert not WatchEvent.objects.filter(movie=GODFATHER, occurred_at__year=2021).exists()
    privacy.finish_erasures()


@pytest.mark.usefixtures("long_from")
@pytest.mark.parametrize("viewer", [EVE, "anna@example.org", "0042", 'a "quoted", one'])
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_viewers_token_follows_the_job_of_its_own_file_and_no_other(site, client_with, viewer, query):
    app = app_client(viewer, client_with, "read", "import")
    path = f"/users/{quote(str(viewer), safe='')}/history"
    job = app.post(path + query, DIARY.encode(), content_type="text/csv", expect=202)
    other = send_file(site, DIARY, "?kind=watch", expect=202)
    if viewer == EVE:
        other = site.post("/users/4711/history", DIARY.encode(), content_type="text/csv", expect=202)
    stranger = app_client(4712, client_with, "read", "import")
    rows = {"user_id": 7, "movie_id": str(NEMO), "kind": "watch", "occurred_at": "2021-01-02"}
    events = site.post("/imports/events", json.dumps(rows).encode(), content_type="application/x-ndjson", expect=202)
    followed = f"/jobs/{job['job_id']}"
    for has_ended in (False, True):
        if has_ended:
            run_import(site, job)
            run_import(site, other)
        assert app.get(followed)["status"] == ("done" if has_ended else "queued")
        for nobodys in (other["job_id"], events["job_id"], "6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11"):
            app.get(f"/jobs/{nobodys}", expect=404)
        stranger.get(followed, expect=404)
    report = app.get(followed)["result"]
    assert (report["stored"], report["rejected"], len(report["unmatched"])) == (3, 1, 1)
    app_client(viewer, client_with, "read", "events").get(followed, expect=403)
    for nobodys in (other["job_id"], events["job_id"]):
        app.delete(f"/jobs/{nobodys}/import", expect=404)
    stranger.delete(f"{followed}/import", expect=404)
    if not query:
        undo = f"/jobs/{app.delete(f'{followed}/import', expect=202)['job_id']}"
        stranger.get(undo, expect=404)
        assert app.get(undo)["kind"] == "import_undo"
    app_client(viewer, client_with, "read", "events").delete(f"{followed}/import", expect=403)
    site.delete(f"/users/{quote(str(viewer), safe='')}/data")
    app_client(viewer, client_with, "import").get(followed, expect=404)
    assert "Nobody Made" not in json.dumps(site.get(followed))


@pytest.mark.usefixtures("long_from")
def test_a_file_that_waits_goes_with_its_viewer_into_an_account_and_back(site):
    """Nothing of the session but the file, which only somebody with an account brings: it needs the scope."""
    waiting = site.post("/users/s-1/history", DIARY.encode(), content_type="text/csv", expect=202)
    merge = site.post("/users/merge", {"from_user_id": "s-1", "into_user_id": EVE})
    assert merge["merge_id"]
    site.post("/users/merge/undo", {"merge_id": merge["merge_id"]})
    merge = site.post("/users/merge", {"from_user_id": "s-1", "into_user_id": EVE})
    run_import(site, waiting)
    assert stored_events() == STORED


@pytest.mark.usefixtures("long_from")
def test_undoing_a_merge_gives_a_file_back_that_was_stored_since(site):
    """With what the other viewer knew already, and without the report of it there."""
    godfather = {"movie_id": str(GODFATHER), "kind": "watch", "occurred_at": "2021-01-04"}
    site.post("/events", godfather | {"user_id": EVE})
    waiting = site.post("/users/s-1/history", DIARY.encode(), content_type="text/csv", expect=202)
    merge = site.post("/users/merge", {"from_user_id": "s-1", "into_user_id": EVE})
    assert run_import(site, waiting)["result"]["stored"] == 2
    assert site.get(f"/users/{EVE}/data")["imported_files"]

    site.post("/users/merge/undo", {"merge_id": merge["merge_id"]})

    assert [event[:3] for event in stored_events()] == [(GODFATHER, "watch", "2021-01-04")]
    assert site.get(f"/users/{EVE}/data")["imported_files"] == []
    job = site.get(f"/jobs/{waiting['job_id']}")
    assert (job["status"], job["result"]) == ("queued", {})
    assert run_import(site, waiting)["result"]["stored"] == 3
    assert WatchEvent.objects.filter(viewer__key="s-1").count() == 3
    site.post("/users/merge/undo", {"merge_id": merge["merge_id"]})
    assert WatchEvent.objects.filter(viewer__key="s-1").count() == 3, "once"
    assert take_back(site, waiting["job_id"])["deleted"]["events"] == 3


@pytest.mark.parametrize("at_once", [True, False])
def test_a_viewers_data_has_the_reports_of_their_files(site, monkeypatch, at_once):
    monkeypatch.setattr(history_files, "MAX_ROWS_AT_ONCE", 2_000 if at_once else 2)
    site.put(f"/users/{EVE}", {"country": "DE", "language": "de", "age_limit": 12}, expect=201)
    sent = send_file(site, DIARY, expect=200 if at_once else 202)
    if not at_once:
        run_import(site, sent)
    data = site.get(f"/users/{EVE}/data")
    assert {name: data["viewer"][name] for name in ("country", "language", "age_limit", "is_session", "account")} == {
        "country": "DE", "language": "de", "age_limit": 12, "is_session": False, "account": "",
    }  # fmt: skip
    [file] = data["imported_files"]
    assert file["job_id"] == sent["job_id"]
    report = json.loads(file["report"])
    assert (report["source"], report["rows"], report["stored"], report["rejected"]) == ("letterboxd", 3, 3, 1)
    [unmatched] = file["unmatched"]
    assert unmatched["line"] == 4
    assert "A Film That Nobody Made (1999)" in unmatched["reason"]
    assert site.get("/users/4711/data")["imported_files"] == []


@pytest.mark.usefixtures("long_from")
def test_thousands_of_rows_of_many_films_report_their_progress(site, monkeypatch):
    films = [Movie(title=f"Invented Film {n}", year=1990 + n % 30) for n in range(1_200)]
    Movie.objects.bulk_create(films)
    lines = [f"2021-02-03,{film.title},{film.year},x,3,,,2021-02-01" for film in films]
    job = send_file(site, DIARY + "\n".join(lines), expect=202)
    seen = []
    original = history_files.match_rows
    monkeypatch.setattr(
        history_files,
        "match_rows",
        lambda rows, progress: original(rows, lambda done, total: (seen.append((done, total)), progress(done, total))),
    )
    result = run_import(site, job)["result"]
    assert (result["stored"], result["by_title"], result["rejected"]) == (2_403, 1_202, 1)
    assert seen == [(0, 1_203), (500, 1_203), (1_000, 1_203)]
    assert maintenance.prune()["jobs"] == 0
    assert {NEMO, MATRIX}.isdisjoint({event[0] for event in stored_events()})
