"""POST /imports/{kind}, GET /jobs/{id}/rejected and GET /exports/{kind}.{form}."""

import io
import time
from uuid import uuid4

import polars as pl
import pytest
from django.db import connection

from catalog.exchange import row_files, row_import
from catalog.exchange.text_blocks import ABSENT, Row, ValueBlock
from catalog.models import Movie, Viewer, WatchEvent
from catalog.selectors import may_bring_genres
from infrastructure import body_limits
from recommender import privacy, tasks
from recommender.ingest import imports
from recommender.models import ApiKey, ImportPart, Job
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CAST_MOVIES, NEMO
from tests.support.imports import CSV, JSONL, json_lines, post_rows, run_import


@pytest.mark.usefixtures("model")
def test_films_come_in_by_a_job_and_are_in_lists_on_the_next_read(site):
    rows = [{"imdb_id": f"tt{n:07d}", "title": f"Film {n}", "genres": ["Sci-Fi", "Bulk"]} for n in range(1, 4)]
    job = post_rows(
        site, "movies?create_genres=true", json_lines(*rows, {"title": "No id"}, {"movie_id": NEMO, "published": False})
    )
    assert site.response.headers["Location"] == f"/jobs/{job['job_id']}"
    assert (job["kind"], job["status"], job["total"]) == ("import", "queued", 5)
    assert recommended_ids(site.get("/latest?genres=Bulk")) == []

    after = run_import(site, job)
    assert (after["status"], after["done"]) == ("done", 5)
    assert after["result"] == {"stored": 4, "duplicates": 0, "rejected": 1}
    assert len(recommended_ids(site.get("/latest?genres=Bulk"))) == 3
    site.get(f"/movies/{NEMO}", expect=404)
    [rejected] = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert (rejected["line"], rejected["field"]) == (4, "movie_id")
    assert set(ImportPart.objects.values_list("rows", flat=True)) == {""}


@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_new_film_does_not_take_the_id_that_a_row_before_it_was_given(site):
    following = int(site.post("/movies", {"title": "First"}, expect=201)["movie_id"]) + 1
    given, other = {"movie_id": following, "title": "Given"}, {"imdb_id": "tt0000001", "title": "Other"}
    assert run_import(site, post_rows(site, "movies", json_lines(given, other)))["result"]["stored"] == 2
    assert site.get(f"/movies/{following}")["title"] == "Given"
    assert site.get("/movies/imdb:tt1")["title"] == "Other"


@pytest.mark.parametrize("form", ["csv", "jsonl", "jsonl of texts", "parquet"])
@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_number_of_a_time_is_a_day_of_a_spreadsheet_or_seconds_of_1973_or_later(site, form):
    good = {46_000: "2025-12-09T00:00:00", 46_000.75: "2025-12-09T18:00:00", 100_000_000: "1973-03-03T09:46:40",
            1_700_000_000.5: "2023-11-14T22:13:20.500000"}  # fmt: skip
    bad = [0, 1_000, 19_999.5, 80_000, 20_251_209, 99_999_999, 1_763_670_000_000]
    moments = [float(number) for number in [*good, *bad]] if form == "parquet" else [*good, *bad]
    rows = [{"user_id": "zoe", "movie_id": str(NEMO), "kind": "like", "occurred_at": moment} for moment in moments]
    if form == "parquet":
        file = io.BytesIO()
        pl.DataFrame(rows).write_parquet(file)
        body, content_type, line = file.getvalue(), "application/vnd.apache.parquet", 1
    elif form == "csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        body, content_type, line = "\n".join(lines).encode(), CSV, 2
    else:
        body = json_lines(*(row | {"occurred_at": str(row["occurred_at"])} if "texts" in form else row for row in rows))
        content_type, line = JSONL, 1

    trial = run_import(site, post_rows(site, "events?dry_run=true", body, content_type))
    assert {"rows": 11, "made": 4, "unchanged": 0, "rejected": 7}.items() <= trial["result"].items()
    job = run_import(site, post_rows(site, "events", body, content_type))
    assert job["result"] == {"stored": 4, "duplicates": 0, "rejected": 7}
    for report in (trial, job):
        rejected = site.get(f"/jobs/{report['job_id']}/rejected")["results"]
        assert [row["line"] for row in rejected] == [*range(line + len(good), line + len(rows))]
        assert {row["field"] for row in rejected} == {"occurred_at"}
        for row, number in zip(rejected, moments[len(good) :], strict=True):
            assert row["reason"].startswith(f"{number} is no moment: write ISO 8601 as in 2026-11-20T20:15:00Z, unix")
    stored = WatchEvent.objects.filter(viewer__key="zoe").order_by("pk")
    assert [event.occurred_at.isoformat() for event in stored] == [f"{moment}+00:00" for moment in good.values()]


@pytest.mark.usefixtures("transactional_db", "cast")
def test_days_of_a_spreadsheet_are_when_a_viewer_came_and_a_film_was_added(site):
    came = json_lines({"user_id": "zoe", "created_at": 44_000.25}, {"user_id": "yan", "created_at": 5})
    job = run_import(site, post_rows(site, "viewers", came))
    assert job["result"] == {"stored": 1, "duplicates": 0, "rejected": 1}
    assert Viewer.objects.get(key="zoe").created_at.isoformat() == "2020-06-18T06:00:00+00:00"
    films = f"movie_id,added_at\n{NEMO},44000\n{NEMO},99\n"
    job = run_import(site, post_rows(site, "movies", films.encode(), CSV))
    assert job["result"] == {"stored": 1, "duplicates": 0, "rejected": 1}
    assert Movie.objects.get(pk=NEMO).added_at.isoformat() == "2020-06-18T00:00:00+00:00"


@pytest.mark.parametrize("form", ["semicolons", "quotes", "jsonl"])
@pytest.mark.usefixtures("transactional_db", "cast")
def test_numbers_may_have_a_decimal_comma_as_german_spreadsheets_write_them(site, form):
    names = ["user_id", "movie_id", "kind", "occurred_at", "rating", "completion"]
    rows = [
        ["zoe", NEMO, "rating", "45292,75", "4,5", ""],
        ["zoe", NEMO, "watch", "45293,0", "", "0,85"],
        ["zoe", NEMO, "rating", "45294", "4,3", ""],
        ["zoe", NEMO, "rating", "45295", "4,5,1", ""],
        ["zoe", NEMO, "watch", "45.292,75", "", ""],
        ["zoe", NEMO, "watch", "45296", "", "1,2"],
    ]
    if form == "jsonl":
        body = json_lines(*({k: v for k, v in zip(names, row, strict=True) if v} for row in rows))
        content_type, line = JSONL, 1
    else:
        mark, quote = (";", "") if form == "semicolons" else (",", '"')
        lines = [mark.join(f"{quote}{cell}{quote}" for cell in row) for row in [names, *rows]]
        body, content_type, line = "\n".join(lines).encode(), CSV, 2
    job = run_import(site, post_rows(site, "events", body, content_type))
    assert job["result"] == {"stored": 2, "duplicates": 0, "rejected": 4}
    rejected = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert [(row["line"] - line, row["field"], row["reason"]) for row in rejected] == [
        (2, "rating", "rating 4.3 is not among 0.5, 1, 1.5 … 5"),
        (3, "rating", "A valid number is required."),
        (4, "occurred_at", rejected[2]["reason"]),
        (5, "completion", "completion 1.2 is not between 0 and 1"),
    ]
    assert "wrong format" in rejected[2]["reason"]
    stored = WatchEvent.objects.filter(viewer__key="zoe").order_by("pk")
    assert [(event.occurred_at.isoformat(), event.rating, event.completion) for event in stored] == [
        ("2024-01-01T18:00:00+00:00", 4.5, None),
        ("2024-01-02T00:00:00+00:00", None, pytest.approx(0.85)),
    ]


@pytest.mark.usefixtures("transactional_db", "cast")
def test_whole_numbers_and_days_of_films_and_viewers_may_have_a_decimal_comma(site):
    films = f"movie_id;year;runtime;added_at\n{NEMO};2004,0;101,0;44000,5\n{NEMO};2004,5;;\n{NEMO};2004;1,000;\n"
    job = run_import(site, post_rows(site, "movies", films.encode(), CSV))
    assert job["result"] == {"stored": 1, "duplicates": 0, "rejected": 2}
    rejected = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert [(row["line"], row["field"]) for row in rejected] == [(3, "year"), (4, "runtime")]
    film = Movie.objects.get(pk=NEMO)
    assert (film.year, film.runtime, film.added_at.isoformat()) == (2004, 101, "2020-06-18T12:00:00+00:00")
    viewers = b"user_id;age_limit;created_at\nzoe;12,0;44000,25\n"
    assert run_import(site, post_rows(site, "viewers", viewers, CSV))["result"]["stored"] == 1
    zoe = Viewer.objects.get(key="zoe")
    assert (zoe.age_limit, zoe.created_at.isoformat()) == (12, "2020-06-18T06:00:00+00:00")


@pytest.mark.usefixtures("transactional_db", "cast")
def test_rejected_rows_are_paged(site, monkeypatch):
    monkeypatch.setattr(row_import, "BATCH_SIZE", 1)
    body = f"user_id,name\n1,a\n\x01,b\n2,c\n{'x' * 129},d\n,e\n"
    job = post_rows(site, "viewers", body.encode(), CSV)
    assert run_import(site, job)["result"] == {"stored": 2, "duplicates": 0, "rejected": 3}
    reported, address = [], f"/jobs/{job['job_id']}/rejected"
    while address:
        page = site.get(address)
        reported += [(item["line"], item["field"]) for item in page["results"]]
        address = page["next"]
    assert reported == [(3, "user_id"), (5, "user_id"), (6, "user_id")]
    *parts, whole = Job.objects.get().log_tail.splitlines()
    assert parts[1] == "Part 2: 1 row read, 0 stored, 0 there already, 1 refused"
    assert (len(parts), whole) == (5, "All viewers: 5 rows read, 2 stored, 0 there already, 3 refused")
    site.get(f"/jobs/{uuid4()}/rejected", expect=404)
    assert not tasks.run_import(job["job_id"])["taken"], "it has ended"


@pytest.mark.usefixtures("transactional_db", "cast")
def test_an_import_that_was_killed_goes_on_where_it_was(site, monkeypatch):
    monkeypatch.setattr(row_import, "BATCH_SIZE", 1)
    job = post_rows(site, "viewers", json_lines(*({"user_id": 5000 + n, "name": "new"} for n in range(3))))
    [first, *_] = ImportPart.objects.order_by("number")
    imports._import_part(first.pk, imports.RowKind.VIEWERS)
    Viewer.objects.filter(pk=5000).update(name="changed since")
    assert run_import(site, job)["result"]["stored"] == 3
    assert Viewer.objects.get(pk=5000).name == "changed since"


@pytest.mark.usefixtures("cast")
def test_the_same_key_and_file_is_the_same_job(site):
    key, body = {"headers": {"Idempotency-Key": "a"}}, json_lines({"user_id": 1})
    job = post_rows(site, "viewers", body, **key)
    assert post_rows(site, "viewers", body, **key)["job_id"] == job["job_id"]
    assert post_rows(site, "viewers", json_lines({"user_id": 2}), expect=422, **key)["code"] == "idempotency_mismatch"
    assert post_rows(site, "people", body, expect=422, **key)["code"] == "idempotency_mismatch"
    site.post("/batch/recommend/cache", {}, expect=422, **key)
    assert (Job.objects.count(), ImportPart.objects.count()) == (1, 1)


@pytest.mark.usefixtures("cast")
def test_each_limit_is_named(site, monkeypatch):
    monkeypatch.setattr(imports, "MAX_ROWS", 2)
    assert "more than 2 rows" in str(post_rows(site, "viewers", json_lines(*[{"user_id": 1}] * 3), expect=400))
    assert "no rows" in str(post_rows(site, "viewers", b"\n", expect=400))
    assert "longer than 1,000,000" in str(post_rows(site, "viewers", b"x" * 1_000_001, expect=400))
    assert "twice" in str(post_rows(site, "viewers", b"user_id,user_id\n", CSV, expect=400))
    assert "Send application/x-ndjson" in str(post_rows(site, "viewers", b"{}", "application/json", expect=415))
    post_rows(site, "tags", b"{}", expect=404)
    monkeypatch.setattr(body_limits, "MAX_FILE", 3 << 20)
    assert "3 MB" in str(post_rows(site, "viewers", b"x" * (3 << 20) + b"x", expect=413))
    assert not Job.objects.exists()


@pytest.mark.usefixtures("cast")
def test_each_kind_needs_its_scope(client_with, api):
    scopes = ApiKey.Scope
    events, keeper = client_with(scopes.EVENTS), client_with(scopes.CATALOGUE, scopes.READ)
    for kind, client in (("movies", keeper), ("people", keeper), ("events", events)):
        job = post_rows(client, kind, b"{}")
        other = events if client is keeper else keeper
        post_rows(other, kind, b"{}", expect=403)
        other.get(f"/jobs/{job['job_id']}/rejected", expect=403)
        client.get(f"/jobs/{job['job_id']}")
    for kind in ("viewers", "events"):
        for client in (events, keeper):
            client.get(f"/exports/{kind}.csv", expect=403)
    post_rows(keeper, "viewers", b"{}", expect=403)
    post_rows(api, "movies", b"{}", expect=401)
    api.get("/exports/movies.csv", expect=401)


@pytest.mark.usefixtures("transactional_db", "cast")
def test_an_export_can_be_imported(site):
    for kind in ("movies", "people", "viewers", "events"):
        for form, content_type in (("jsonl", JSONL), ("csv", CSV)):
            answer = site.client.get(f"/exports/{kind}.{form}")
            assert answer.headers["Content-Disposition"].endswith(f'"{kind}.{form}"')
            assert answer.headers["Cache-Control"] == "private, no-store"
            result = run_import(site, post_rows(site, kind, answer.getvalue(), content_type))["result"]
            assert result["rejected"] == 0
            assert bool(result["duplicates"]) == (kind == "events")
    assert (Movie.objects.count(), WatchEvent.objects.filter(viewer=ADA).count()) == (len(CAST_MOVIES), 12)
    for invalid in ("movies.xml", "tags.csv"):
        site.get(f"/exports/{invalid}", expect=404)


@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_pending_import_does_not_bring_an_erased_viewer_back(site):
    zoe = 1_987_654_321
    rows = [{"user_id": item, "movie_id": "1", "kind": "watch", "occurred_at": 1_700_000_000} for item in (zoe, BEN)]
    waiting = post_rows(site, "events", json_lines(*rows))
    named = post_rows(site, "viewers", f"user_id,name\n{zoe},Zoe\n".encode(), CSV)
    privacy.erase_viewer(zoe)
    assert not ImportPart.objects.filter(rows__contains=str(zoe)).exists()
    assert run_import(site, waiting)["result"]["stored"] == 1
    assert run_import(site, named)["result"]["stored"] == 0
    assert not Viewer.objects.filter(pk=zoe).exists()


@pytest.mark.usefixtures("transactional_db", "cast")
def test_pending_rows_of_a_session_go_to_the_account_it_is_merged_into(site):
    session, zoe = 1_876_543_210, 1_987_654_321
    row = f"user_id,movie_id,kind,occurred_at,session\n{session},1,watch,1700000000,true\n"
    waiting = post_rows(site, "events", row.encode(), CSV)
    rows = [{"user_id": session, "age_limit": limit, "session": True} for limit in (12, 6, None, 99)]
    named = post_rows(site, "viewers", json_lines(*rows, {"user_id": zoe, "name": "Zoe"}))

    merged = site.post("/users/merge", {"from_user_id": session, "into_user_id": zoe})

    assert (merged["events"], merged["duplicates"]) == (0, 0)
    assert not ImportPart.objects.filter(rows__contains=str(session)).exists()
    assert run_import(site, waiting)["result"] == {"stored": 1, "duplicates": 0, "rejected": 0}
    assert run_import(site, named)["result"]["stored"] == 1
    assert not Viewer.objects.filter(pk=session).exists()
    assert list(WatchEvent.objects.filter(viewer=zoe).values_list("movie_id", flat=True)) == [1]
    viewer = Viewer.objects.get(pk=zoe)
    assert (viewer.name, viewer.age_limit, viewer.is_session) == ("Zoe", 6, False)


@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_file_is_read_as_it_was_written_or_refused_at_line_1(site):
    rows = f"user_id;name\r\n{ADA};Zoë\r\n"
    for body, charset in (
        (rows.encode("utf-16"), ""),
        (rows.encode("utf-8-sig"), ""),
        (rows.encode(), "; charset=windows-1252"),  # the test's client writes it so
        (rows.encode(), "; charset=ISO-8859-1"),
    ):
        assert run_import(site, post_rows(site, "viewers", body, f"text/csv{charset}"))["result"]["stored"] == 1
        assert Viewer.objects.get(pk=ADA).name == "Zoë"
    refused = str(post_rows(site, "viewers", rows.encode("cp1252"), CSV, expect=400))
    assert all(message in refused for message in ("the body, line 1: is not UTF-8", "charset=windows-1252"))
    assert "Send a charset of" in str(post_rows(site, "viewers", b"x", "text/csv; charset=big5", expect=415))
    for body, message in (
        (b"userid,nam\n5,x\n", "has to name the columns"),
        (b"user_id,nam\n5,x\n", "line 1: unknown column `nam`: did you mean `name`?"),
        (b"name\nx\n", "line 1: lacks user_id; there is user_id, name"),
        (b"PK\x03\x04xlsx", "an Excel workbook"),
        (b"\x1f\x8bgz", "gzip: unpack it first"),
        (b"user_id,name\n", "no rows"),
    ):
        assert message in str(post_rows(site, "viewers", body, CSV, expect=400))
    assert "is a JSON list" in str(post_rows(site, "viewers", b'[{"user_id": 5}]', expect=400))


@pytest.mark.usefixtures("transactional_db", "cast")
def test_an_unclosed_quote_costs_its_own_row(site):
    rows = [f"{5000 + n},name {n}" for n in range(300)]
    rows[7] = '5007,"name'
    job = post_rows(site, "viewers", "\n".join(["user_id,name", *rows]).encode(), CSV)
    assert run_import(site, job)["result"] == {"stored": 299, "duplicates": 0, "rejected": 1}
    [row] = site.get(f"/jobs/{job['job_id']}/rejected")["results"]
    assert (row["line"], "quote" in row["reason"]) == (9, True)


@pytest.fixture
def short_transactions():
    """Let Postgres end a transaction that does nothing for a tenth of a second."""
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
    yield
    connection.close()


@pytest.mark.usefixtures("transactional_db", "cast", "short_transactions")
def test_a_file_may_take_its_time_between_two_parts(site, monkeypatch):
    in_turns = imports.in_bulk_turns

    def slow_turns(batches):
        for batch in in_turns(batches):
            time.sleep(0.3)
            yield batch

    monkeypatch.setattr(imports, "in_bulk_turns", slow_turns)
    row = {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch", "occurred_at": 1_700_000_000}
    assert post_rows(site, "events", json_lines(row))["status"] == "queued"


@pytest.mark.usefixtures("transactional_db", "cast", "short_transactions")
def test_a_transaction_that_postgres_ended_is_tried_again(site, monkeypatch):
    def slow(*args, **more):
        time.sleep(0.3)
        return may_bring_genres()

    monkeypatch.setattr(imports, "MAX_READING_SECONDS", 0.1)
    monkeypatch.setattr(imports, "may_bring_genres", slow)
    refused = post_rows(site, "movies", json_lines({"movie_id": "x", "title": "X"}), expect=503)
    assert refused["code"] == "database_unreachable"
    assert not Job.objects.exists()


STRANGE_EVENTS = (
    '{"user_id": 7, "movie_id": "%(film)s", "kind": "watch", "occurred_at": 1700000000}',
    '{"user_id": "anna@example.org", "movie_id": %(film)s, "kind": "rating", "occurred_at": 1700000001, "rating": 4}',
    '{"user_id": 7, "movie_id": "%(film)s", "kind": "progress", "occurred_at": 1700000002, "completion": 0.3}',
    '{"user_id": 7, "movie_id": "%(film)s", "kind": "like", "occurred_at": 1700000003, "rating": null}',
    '{"user_id": true, "movie_id": "%(film)s", "kind": "like", "occurred_at": 1700000004}',
    '{"user_id": 7, "movie_id": "%(film)s", "kind": "like", "occurred_at": 1700000005, "stars": 4}',
    '{"user_id": 7.0, "movie_id": "%(film)s", "kind": "like", "occurred_at": 1700000006.0, "session": false}',
    '{"user_id": 7, "movie_id": "%(film)s", "kind": "like"}',
    '{"user_id": "zo\\u00eb", "movie_id": "%(film)s", "kind": "like", "occurred_at": "2023-11-14", "event_id": "e[1]"}',
    "[]",
    '{"user_id": 7, "movie_id": "1999999", "kind": "like", "occurred_at": 1700000007}',
)


@pytest.mark.usefixtures("transactional_db", "cast")
def test_events_over_http_wait_as_columns_and_mean_what_they_mean_row_by_row(site, monkeypatch):
    """The first lines alike, the others as different as lines can be; and again while each is read alone."""
    said, stored, rejected = [], [], []
    body = "\n".join(STRANGE_EVENTS * 3) % {"film": NEMO}
    for way in ("columns", "rows"):
        if way == "rows":
            monkeypatch.setattr(row_files, "_parse_json_columns", lambda *_: None)
        job = post_rows(site, "events", body.encode())
        waiting = ImportPart.objects.get().rows
        assert waiting.startswith('{"lines": ')
        site.post("/users/merge", {"from_user_id": "zoë", "into_user_id": "zoe@example.org"})
        said.append(run_import(site, job)["result"])
        columns = ("viewer__key", "movie", "kind", "occurred_at", "rating", "completion")
        mine = WatchEvent.objects.filter(occurred_at__year=2023).exclude(viewer__in=(ADA, BEN))
        stored.append(sorted(mine.values_list(*columns), key=repr))
        rejected.append(site.get(f"/jobs/{job['job_id']}/rejected")["results"])
        site.delete(f"/jobs/{job['job_id']}/import", expect=202)
        assert tasks.run_import_undo(str(Job.objects.get(kind=Job.Kind.IMPORT_UNDO, status="queued").pk))["taken"]
        ImportPart.objects.all().delete()
    assert said[0] == said[1]
    assert stored[0] == stored[1] != []
    assert rejected[0] == rejected[1] != []


@pytest.mark.parametrize("absent", ["nowhere", "somewhere", "everywhere"])
def test_a_block_of_values_is_stored_with_what_its_rows_do_not_say(absent):
    values = ["", None, 0, False, 1.5, "1", "null"]
    column = {"nowhere": values, "everywhere": [ABSENT] * 7, "somewhere": [*values[:-1], ABSENT]}[absent]
    block = ValueBlock([*range(1, 8)], {"kind": column, "rating": values}, [Row(9, {"x": [1]}, "is broken")])
    part = ImportPart(rows=imports._dump(block))
    assert imports._load(part) == block
    assert imports._load_rows(part) == block.rows()
