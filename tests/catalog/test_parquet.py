"""Parquet files: as pandas, Spark and warehouses write them, by command and over HTTP."""

import gzip
import io
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from catalog.models import Movie, Viewer, WatchEvent
from recommender.ingest import imports
from tests.support.cast import ADA, BEN, NEMO
from tests.support.exchange import import_file
from tests.support.imports import CSV, post_rows, run_import

pytestmark = pytest.mark.usefixtures("cast")
PARQUET = "application/vnd.apache.parquet"
NOON = datetime(2012, 5, 1, 12, 0, 0, 250_001)


def parquet(columns, **options):
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file, **options)
    return file.getvalue()


def write(tmp_path, columns, name="file.parquet", **options):
    path = tmp_path / name
    path.write_bytes(parquet(columns, **options))
    return path


def test_events_of_every_type_of_column_come_in(tmp_path):
    path = write(
        tmp_path,
        {
            "user_id": [float(BEN), None, 77.0],
            "movie_id": pl.Series([Decimal(NEMO)] * 3, dtype=pl.Decimal(38, 0)),
            "kind": pl.Series(["rating", "watch", "watch"], dtype=pl.Categorical),
            "occurred_at": pl.Series([NOON, NOON, NOON + timedelta(days=1)]).dt.replace_time_zone("Europe/Berlin"),
            "rating": [4.5, float("nan"), None],
            "event_id": [b"a", None, None],
            "session": [None, None, True],
            "__index_level_0__": [5, 6, 7],
        },
    )
    output, rejected = import_file("events", path)
    assert "2 stored, 0 there already, 1 rejected" in output
    assert [(line, field) for line, field, _ in rejected] == [(2, "user_id")]
    [rated, watched] = WatchEvent.objects.filter(occurred_at__year=2012).order_by("occurred_at")
    assert (rated.viewer_id, rated.rating, rated.occurred_at) == (
        BEN,
        4.5,
        (NOON - timedelta(hours=2)).replace(tzinfo=UTC),
    )
    assert (watched.viewer.is_session, watched.rating) == (True, None)
    assert "2 there already" in import_file("events", path)[0]


def test_films_with_lists_structures_and_dates(tmp_path):
    columns = {
        "movie_id": ["kite", "comet"],
        "title": ["Kite", "Comet"],
        "genres": [["Drama", "Comedy"], None],
        "actors": ["Ann A|Bob B", ""],
        "available_from": [date(2020, 1, 1), None],
        "translations": [{"de": {"title": "Drachen", "overview": None}, "fr": None}, None],
        "tmdb_id": pl.Series([2**31 - 1, None], dtype=pl.UInt64),
    }
    path = write(tmp_path, columns)
    _, rejected = import_file("movies", path)
    assert [(line, field) for line, field, _ in rejected] == [(2, "actors")]
    sound = columns | {"actors": ["Ann A|Bob B", None]}
    _, rejected = import_file("movies", write(tmp_path, sound))
    assert rejected == []
    kite = Movie.objects.get(key="kite")
    assert set(kite.genres.values_list("name", flat=True)) == {"Drama", "Comedy"}
    assert list(kite.people.order_by("name").values_list("name", flat=True)) == ["Ann A", "Bob B"]
    assert [(text.language, text.title) for text in kite.translations.all()] == [("de", "Drachen")]


def test_columns_are_mapped_also_members_of_structures(tmp_path):
    columns = {"who": [{"id": ADA, "name": {"first": "Ada"}}], "price": [1.5]}
    path = write(tmp_path, columns)
    assert (
        "1 stored" in import_file("viewers", path, map=["user_id=who.id,name=who.name.first"], set=["language=de"])[0]
    )
    ada = Viewer.objects.get(pk=ADA)
    assert (ada.name, ada.language) == ("Ada", "de")
    for pairs, message in (
        ("", "has to name the columns"),
        ("user_id=who.nr", "has no column `who.nr`, mapped to user_id; its columns are"),
        ("name=who.id", "lacks user_id"),
    ):
        assert message in import_file("viewers", path, map=[pairs])[0]


def test_many_row_groups_are_read_in_order(tmp_path):
    rows = 30_000
    columns = {
        "user_id": [f"viewer {n}" for n in range(rows)],
        "name": ["x" * 200_000 if n == 21_000 else str(n) for n in range(rows)],
    }
    path = write(tmp_path, columns, row_group_size=7_000)
    output, rejected = import_file("viewers", path)
    assert f"{rows - 1:,} stored" in output
    assert [(line, reason) for line, _, reason in rejected] == [(21_001, "has a text that is too long")]
    assert Viewer.objects.filter(key="viewer 29999", name="29999").exists()


@pytest.mark.usefixtures("transactional_db")
def test_over_http_a_program_of_its_own_reads_it(site, monkeypatch):
    body = parquet({"user_id": [ADA, BEN], "name": ["Ada", "Ben"]})
    assert run_import(site, post_rows(site, "viewers", body, PARQUET))["result"]["stored"] == 2
    job = post_rows(site, "viewers?map=name=user_id&set=user_id=9", body, PARQUET)
    assert run_import(site, job)["result"] == {"stored": 0, "duplicates": 0, "rejected": 2}
    assert "is a Parquet file: name that form" in str(post_rows(site, "viewers", body, CSV, expect=400))
    assert "cannot be read as Parquet" in str(post_rows(site, "viewers", b"user_id\n1\n", PARQUET, expect=400))
    assert "no rows" in str(post_rows(site, "viewers", parquet({"user_id": []}), PARQUET, expect=400))
    monkeypatch.setattr(imports, "MAX_ROWS", 1)
    assert "has more than 1 rows" in str(post_rows(site, "viewers", body, PARQUET, expect=400))
    site.get("/exports/viewers.parquet", expect=404)


def test_a_damaged_file_is_refused(tmp_path):
    whole = parquet({"user_id": [ADA, BEN] * 500, "name": ["Ada", "Ben"] * 500})
    path = tmp_path / "file.parquet"
    path.write_bytes(whole[:-20])
    assert "cannot be read" in import_file("viewers", path)[0]
    path.write_bytes(b"")
    assert "cannot be read" in import_file("viewers", path)[0]
    for seed in range(6):
        damaged, chance = bytearray(whole), random.Random(seed)
        for _ in range(40):
            damaged[chance.randrange(len(whole))] ^= chance.randrange(1, 256)
        path.write_bytes(damaged)
        output, _ = import_file("viewers", path)
        assert "cannot be read" in output or "stored" in output or "column" in output, output
    path.write_bytes(gzip.compress(whole))
    assert "1,000 stored" in import_file("viewers", path)[0]


def test_the_web_processes_do_not_load_polars():
    program = (
        "import sys, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'movierec.settings'\n"
        "import django; django.setup(); import movierec.urls, recommender.api.urls, catalog.exchange.parquet_files\n"
        "print([name for name in ('polars', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
