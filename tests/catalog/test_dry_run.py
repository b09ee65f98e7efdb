"""What an import would do, without doing it: by command and over HTTP."""

import json

import pytest

from catalog.exchange import row_import
from catalog.limits import DEMO_ID_BASE
from catalog.models import Credit, Genre, Movie, Person, Revision, Viewer, WatchEvent
from recommender.models import ImportPart
from tests.support.cast import ADA, BEN, NEMO, STAR_WARS
from tests.support.exchange import export_lines, import_file
from tests.support.imports import CSV, json_lines, post_rows, run_import

pytestmark = pytest.mark.usefixtures("cast")
MODELS = (Movie, Person, Credit, Genre, Viewer, WatchEvent)


def everything():
    return [Revision.objects.values().first(), *(list(model.objects.order_by("pk").values()) for model in MODELS)]


@pytest.fixture
def unchanged(cast):
    """Check that a test wrote nothing."""
    before = everything()
    yield
    assert everything() == before


@pytest.fixture(params=[1000, 1], ids=["in one part", "in parts"])
def parts(request, monkeypatch):
    for name in ("BATCH_SIZE", "BLOCK_SIZE"):
        monkeypatch.setattr(row_import, name, request.param)


def write(tmp_path, name, *rows):
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.usefixtures("unchanged", "parts")
def test_films_that_would_be_made_changed_and_rejected(tmp_path):
    path = write(
        tmp_path,
        "films.jsonl",
        {"movie_id": NEMO, "title": "Nemo", "actors": ["Somebody New", "Albert Brooks"]},
        {"movie_id": STAR_WARS, "year": 1977},
        {"imdb_id": "tt0000042", "title": "Forty-two", "genres": ["Slow cinema"]},
        {"imdb_id": "tt42", "runtime": 90, "genres": ["Slow cinema", "Drama"]},
        {"imdb_id": "tt0000043", "runtime": 90},
        {"movie_id": 7, "imdb_id": "tt0000042", "title": "Another"},
    )
    output, rejected = import_file("movies", path, dry_run=True, create_genres=True)
    assert "movies: 6 rows read. 1 would be made, 2 changed, 1 are there already, 2 rejected." in output
    assert "Nothing was written." in output
    assert "New genres: 1 (Slow cinema)" in output
    assert "New people: 1 (Somebody New)" in output
    assert [(line, field) for line, field, _ in rejected] == [(5, "title"), (6, "imdb_id")]


@pytest.mark.usefixtures("unchanged", "parts")
def test_what_is_there_as_the_row_says_is_no_change(tmp_path):
    for kind in ("genres", "movies", "people", "viewers", "events"):
        path = tmp_path / f"{kind}.jsonl"
        path.write_text(export_lines(kind))
        rows = len(path.read_text().splitlines())
        output, rejected = import_file(kind, path, dry_run=True)
        assert (
            f"{kind}: {rows:,} rows read. 0 would be made, 0 changed, {rows:,} are there already, 0 rejected" in output
        )
        assert "New" not in output
        assert rejected == []


@pytest.mark.usefixtures("unchanged", "parts")
def test_events_viewers_people_and_genres(tmp_path):
    event = {"user_id": "zoe", "movie_id": NEMO, "kind": "watch", "occurred_at": 1_500_000_000}
    path = write(
        tmp_path, "events.jsonl", event, event | {"event_id": "a"}, event | {"user_id": BEN, "event_id": "b"},
        event | {"occurred_at": 1_500_000_001, "event_id": "b"}, event | {"movie_id": 4711}, event | {"kind": "nap"},
    )  # fmt: skip
    output, rejected = import_file("events", path, dry_run=True)
    assert [line for line, _, _ in rejected][-2:] == [5, 6]
    assert "6 rows read. 2 would be made" in output
    assert "New viewers: 1" in output

    path = write(tmp_path, "viewers.jsonl", {"user_id": ADA, "name": "Ada"}, {"user_id": "zoe"}, {"user_id": "zoe"})
    output, _ = import_file("viewers", path, dry_run=True)
    assert "3 rows read. 1 would be made, 2 changed" in output
    path = write(tmp_path, "people.jsonl", {"movie_id": NEMO, "name": "Zed", "role": "actor"},
                 {"movie_id": NEMO, "name": "Albert Brooks", "role": "actor", "order": 9})  # fmt: skip
    output, _ = import_file("people", path, dry_run=True)
    assert "2 rows read. 1 would be made, 1 changed" in output
    path = write(tmp_path, "genres.jsonl", {"name": "Drama", "aliases": ["Serious"]}, {"name": "Kite"})
    output, _ = import_file("genres", path, dry_run=True)
    assert "1 would be made, 1 changed" in output
    assert "New genres: 1 (Kite)" in output


@pytest.mark.usefixtures("transactional_db")
def test_a_dry_run_over_http_is_a_job_that_reports(site, unchanged):
    body = b"user_id,movie_id,kind,occurred_at\nzoe,1,watch,1500000000\nzoe,1,watch,1500000000\nzoe,1,nap,1500000000\n"
    job = run_import(site, post_rows(site, "events?dry_run=true", body, CSV))
    report = {"dry_run": True, "rows": 3, "made": 1, "changed": 0, "unchanged": 1, "rejected": 1, "new_viewers": 1}
    assert job["status"] == "done"
    assert report.items() <= job["result"].items()
    [row] = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert (row["line"], row["field"]) == (4, "kind")
    assert set(ImportPart.objects.values_list("rows", flat=True)) == {""}
    films = json_lines({"movie_id": "kite", "title": "Kite", "genres": ["Sky"]}, {"movie_id": "k2", "title": "K2"})
    result = run_import(site, post_rows(site, "movies?dry_run=true", films))["result"]
    assert (result["made"], result["rejected"], result["new_genres"]) == (1, 1, [])
    result = run_import(site, post_rows(site, "movies?dry_run=true&create_genres=true", films))["result"]
    assert (result["made"], result["new_genres"]) == (2, ["Sky"])


def test_a_dry_run_says_that_the_demo_would_go(tmp_path):
    Movie.objects.create(pk=DEMO_ID_BASE + 1, title="Demo", is_demo=True)
    before = everything()
    path = write(tmp_path, "films.jsonl", {"movie_id": "kite", "title": "Kite"})
    assert "The demo would be removed." in import_file("movies", path, dry_run=True)[0]
    assert everything() == before
