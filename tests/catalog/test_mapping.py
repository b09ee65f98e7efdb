"""Files whose columns have other names: which column is which field, as the operator or the client says."""

import json
from datetime import UTC, datetime

import pytest

from catalog.models import Movie, Viewer, WatchEvent
from tests.support.cast import BEN, NEMO
from tests.support.exchange import import_file
from tests.support.imports import CSV, JSONL, json_lines, post_rows, run_import

pytestmark = pytest.mark.usefixtures("cast")
SALES = (
    "\ufeffno;customer;sku;stars;ts;colour\r\n"
    "1;{ben};{nemo};4,5;2012-05-01 20:00;red\r\n"
    "2;ana@shop.example;{nemo};;1336000000;\r\n"
)
MAP = "user_id=customer,movie_id=sku,occurred_at=ts"


def sales():
    return SALES.format(ben=BEN, nemo=NEMO).encode()


def test_a_file_of_another_program_comes_in_by_its_own_column_names(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(sales())
    output, rejected = import_file("events", path, map=[MAP], set=["kind=watch"])
    assert "2 stored, 0 there already, 0 rejected" in output
    assert rejected == []
    assert set(WatchEvent.objects.filter(occurred_at__year=2012).values_list("viewer__key", "movie", "kind")) == {
        (None, NEMO, 1),
        ("ana@shop.example", NEMO, 1),
    }
    assert "2 there already" in import_file("events", path, map=["user_id=customer,movie_id=sku", "occurred_at=ts"],
                                            set=["kind=watch"])[0]  # fmt: skip


def test_a_mapped_column_beats_the_column_of_the_fields_own_name(tmp_path):
    path = tmp_path / "viewers.csv"
    path.write_text(f'user_id,"real, id",name,name\n1,{BEN},Ben,x\n')
    output, _ = import_file("viewers", path, map=['"user_id=real, id"'], set=["language=de"])
    assert "names the column `name` twice" in output
    output, _ = import_file("viewers", path, map=['"user_id=real, id"'], set=["name=Benno"])
    assert "1 stored" in output
    assert Viewer.objects.get(pk=BEN).name == "Benno"


def test_days_of_a_mapped_spreadsheet_are_its_days(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(f"customer;sku;ts\n{BEN};{NEMO};41030.5\n{BEN};{NEMO};20120501\n")
    output, rejected = import_file("events", path, map=[MAP], set=["kind=watch"])
    assert "1 stored, 0 there already, 1 rejected" in output
    assert [(line, field, reason.partition(":")[0]) for line, field, reason in rejected] == [
        (3, "occurred_at", "20120501 is no moment")
    ]
    assert WatchEvent.objects.get(occurred_at__year=2012).occurred_at == datetime(2012, 5, 1, 12, tzinfo=UTC)


def test_texts_by_language_and_lists_of_names_are_mapped_too(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text('id,name_en,name_de,tags,plot\n9001,Kite,Drachen,Drama|Family,"Two\nlines"\n')
    pairs = "movie_id=id,title=name_en,title:de=name_de,genres=tags,overview=plot"
    assert "1 stored" in import_file("movies", path, map=[pairs], create_genres=True)[0]
    movie = Movie.objects.get(pk=9001)
    assert (movie.title, movie.overview, movie.translations.get().title) == ("Kite", "Two\nlines", "Drachen")
    assert set(movie.genres.values_list("name", flat=True)) == {"Drama", "Family"}


def test_json_lines_are_mapped_by_name_and_by_path(tmp_path):
    rows = [
        {"customer": {"id": BEN}, "item": {"sku": NEMO}, "context.ts": "2024-05-01T20:00:00Z", "x": 1},
        {"customer": {"id": BEN}, "item": {"sku": NEMO}, "context.ts": "2024-05-02T20:00:00Z", "stars": 4},
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([*map(json.dumps, rows), "{"]))
    pairs = ["user_id=customer.id,movie_id=item.sku,occurred_at=context.ts"]
    output, rejected = import_file("events", path, map=[*pairs, "rating=stars"], set=["kind=watch"])
    assert "2 stored, 0 there already, 1 rejected" in output
    assert [(line, reason) for line, _, reason in rejected] == [(3, "is not JSON")]
    assert (
        "line 3: no row up to this one has `customer.nr`, mapped to user_id"
        in import_file(
            "events", path, map=["user_id=customer.nr,movie_id=item.sku,occurred_at=context.ts"], set=["kind=watch"]
        )[0]
    )
    output, _ = import_file("events", path, map=[*pairs, "rating=starz"], set=["kind=watch"])
    assert "no row has `starz`, mapped to rating" in output


@pytest.mark.parametrize(
    ("pairs", "constants", "message"),
    [
        ("userid=customer", "", "unknown field `userid`: did you mean `user_id`?"),
        ("user_id", "", "'user_id' is no pair: write field=column, as in user_id=column"),
        ("user_id=customer,user_id=sku", "", "`user_id` stands twice"),
        ("user_id=customer,movie_id=customer", "", "the column `customer` is mapped to"),
        ("kind=colour", "kind=watch", "`kind` has a column and a value for every row"),
        ("", "kind=", "'kind=' is no pair: write field=value"),
        ('"user_id=customer', "", "has a quote that is not closed"),
        (f"{MAP},rating=points", "kind=watch", "line 1: has no column `points`, mapped to rating; its columns are"),
        (MAP, "", "line 1: lacks kind"),
        ("user_id=customer", "", "lacks movie_id and kind and occurred_at"),
    ],
)
def test_each_mistake_of_a_mapping_is_named_and_nothing_is_written(tmp_path, site, pairs, constants, message):
    path = tmp_path / "sales.csv"
    path.write_bytes(sales())
    before = WatchEvent.objects.count()
    assert message in import_file("events", path, map=[pairs], set=[constants])[0]
    answer = site.post(
        "/imports/events", sales(), expect=400, content_type=CSV, query_params={"map": pairs, "set": constants}
    )
    assert message in str(answer["errors"])
    assert WatchEvent.objects.count() == before


def test_an_unknown_column_says_that_it_can_be_mapped(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(sales())
    assert "commands: --map user_id=customer" in import_file("events", path)[0]


@pytest.mark.usefixtures("transactional_db")
def test_a_file_over_http_is_mapped_by_the_query(site):
    job = post_rows(site, f"events?map={MAP}&set=kind=watch", sales(), CSV, headers={"Idempotency-Key": "a"})
    assert run_import(site, job)["result"] == {"stored": 2, "duplicates": 0, "rejected": 0}
    other = post_rows(site, "events?map=user_id=customer,movie_id=sku,occurred_at=ts&set=kind=like", sales(), CSV,
                      expect=422, headers={"Idempotency-Key": "a"})  # fmt: skip
    assert other["code"] == "idempotency_mismatch"
    job = post_rows(site, "viewers?map=user_id=who", json_lines({"who": 77, "other": 1}), JSONL)
    assert run_import(site, job)["result"]["stored"] == 1
