"""Films, people, viewers and events in and out in bulk, by command."""

import io
import json
from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import DataFileError
from catalog.exchange.event_rows import read_event_rows
from catalog.exchange.row_files import WRITTEN_FORMATS, read_rows
from catalog.exchange.row_import import import_rows
from catalog.exchange.row_schemas import FIELDS, RowKind, validate_row
from catalog.exchange.text_blocks import Row, TextBlock
from catalog.models import Credit, Movie, Viewer, WatchEvent
from catalog.selectors import catalogue_and_epoch, resolve_movie_ids
from tests.support.cast import ADA, AMELIE, BEN, CLEO, MATRIX, NEMO
from tests.support.exchange import export_lines, import_file

pytestmark = pytest.mark.usefixtures("cast")
KINDS = ("genres", "movies", "people", "viewers", "events")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_imports_again_and_changes_nothing(tmp_path, form):
    Movie.objects.filter(pk=AMELIE).update(overview='"Paris",\nin 1997', imdb_id="tt0211915")
    before = {kind: export_lines(kind, form) for kind in KINDS}
    for kind, text in before.items():
        path = tmp_path / f"{kind}.{form}"
        path.write_text(text)
        output, rejected = import_file(kind, path)
        assert rejected == []
        assert f"{kind}: " in output
    assert {kind: export_lines(kind, form) for kind in KINDS} == before

    Movie.objects.all().delete()
    Viewer.objects.all().delete()
    for kind in KINDS:
        assert import_file(kind, tmp_path / f"{kind}.{form}")[1] == []
    assert {kind: sorted(export_lines(kind, form).splitlines()) for kind in KINDS} == {
        kind: sorted(text.splitlines()) for kind, text in before.items()
    }


def test_every_wrong_row_is_reported_with_line_field_and_reason(tmp_path):
    path = tmp_path / "films.jsonl"
    rows = [
        json.dumps({"imdb_id": "tt0000042", "title": "Forty-two", "genres": ["Drama"]}),
        "{",
        "",
        '["a list"]',
        json.dumps({"title": "Nameless"}),
        json.dumps({"movie_id": NEMO, "colour": "blue"}),
        json.dumps({"movie_id": 70_001, "year": 1999}),
        json.dumps({"movie_id": NEMO, "year": "x", "genres": ["y" * 61]}),
        json.dumps({"movie_id": NEMO, "imdb_id": "tt0000042"}),
        json.dumps({"movie_id": NEMO, "title": "nul\0"}),
    ]
    path.write_bytes("\n".join(rows).encode() + b'\n{"movie_id": 1, "title": "\xff"}\n')
    (catalogue, _) = catalogue_and_epoch()
    for _ in range(2):
        output, rejected = import_file("movies", path)
        assert "1 stored, 0 there already, 9 rejected" in output
        assert [(line, field) for line, field, _ in rejected] == [
            (2, ""), (4, ""), (5, "movie_id"), (6, ""), (7, "title"), (8, "genres"), (8, "year"), (9, "imdb_id"),
            (10, "title"), (11, ""),
        ]  # fmt: skip
        assert Movie.objects.filter(title="Forty-two").count() == 1
    assert "colour" in rejected[3][2]
    assert "UTF-8" in rejected[-1][2]
    assert catalogue_and_epoch()[0] > catalogue


def test_events_count_once_and_reach_their_viewers(tmp_path):
    Movie.objects.filter(pk=MATRIX).update(tmdb_id=603)
    path = tmp_path / "events.csv"
    path.write_text(
        "user_id,movie_id,kind,occurred_at,rating\n"
        f"{BEN},tmdb:603,rating,1700000000,4.5\n"
        f"{BEN},tmdb:603,rating,2023-11-14T22:13:20Z,4.5\n"  # the same moment
        f"{BEN},1,rating,2023-11-14T22:13:21Z,4.3\n"
        f"{BEN},999999,watch,2023-11-14T22:13:22Z,\n"
        f"{BEN},1,watch,2123-11-14T22:13:22Z,\n"
        f"{BEN},1,watch\n"
        f"777,imdb:tt1,watch,1700000001,\n"
    )
    version = Viewer.objects.get(pk=BEN).version
    output, rejected = import_file("events", path)
    assert "1 stored, 1 there already, 5 rejected" in output
    assert [(line, field) for line, field, _ in rejected] == [
        (4, "rating"), (5, "movie_id"), (6, "occurred_at"), (7, ""), (8, "movie_id"),
    ]  # fmt: skip
    assert Viewer.objects.get(pk=BEN).version == version + 1
    assert not Viewer.objects.filter(pk=777).exists()
    assert "0 stored, 2 there already, 5 rejected" in import_file("events", path)[0]
    assert WatchEvent.objects.filter(viewer=BEN, movie=MATRIX).count() == 1


def test_people_and_viewers(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        f"movie_id,name,role,order\n{NEMO},Willem Dafoe,actor,2\n{NEMO},Ellen DeGeneres,actor,0\n1,X,extra,0\n"
    )
    assert [field for _, field, _ in import_file("people", path)[1]] == ["role"]
    actors = Credit.objects.filter(movie=NEMO, role=Credit.Role.ACTOR).order_by("order", "pk")
    assert [record.person.name for record in actors] == ["Albert Brooks", "Ellen DeGeneres", "Willem Dafoe"]

    versions = dict(Viewer.objects.values_list("pk", "version"))
    path = tmp_path / "viewers.jsonl"
    rows = [{"user_id": ADA, "name": "Ada"}, {"user_id": CLEO, "age_limit": 12}, {"user_id": 4711}, {"user_id": 0}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [(line, field) for line, field, _ in import_file("viewers", path)[1]] == [(4, "user_id")]
    after = {viewer.pk: viewer for viewer in Viewer.objects.all()}
    assert (after[ADA].name, after[CLEO].age_limit, after[4711].name) == ("Ada", 12, "")
    assert after[ADA].version == versions[ADA]
    assert after[CLEO].version > versions[CLEO]


def test_an_unreadable_file_is_refused_with_its_line(tmp_path):
    for name, text, message in (
        ("a.csv", "movie_id,movie_id\n", "names a column twice"),
        ("b.jsonl", "{}\n" + "x" * 1_000_001, "line 2: is longer than 1,000,000 characters"),
        ("c.txt", "", "--form"),
    ):
        path = tmp_path / name
        path.write_text(text)
        assert message in import_file("movies", path)[0]
    assert "No such file" in import_file("movies", tmp_path / "none.csv")[0]
    (tmp_path / "d.csv").write_text("")
    assert "0 stored" in import_file("movies", tmp_path / "d.csv")[0]


def test_many_ids_are_two_queries(django_assert_num_queries):
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0266543", tmdb_id=12)
    with django_assert_num_queries(2):
        resolved = resolve_movie_ids(
            ["1", "x", "tmdb:12", "imdb:tt266543", "imdb:tt1", "9" * 12, "2147483648", str(NEMO)]
        )
    assert resolved == {"1": 1, "tmdb:12": NEMO, "imdb:tt266543": NEMO, str(NEMO): NEMO}


ODD = ["", "1", "tmdb:5", "imdb:tt0000001", "watch", "actor", "2020-01-01", "1e400", "0001-01-01T00:00:00Z"]
ANY = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.integers(0, 2**31), st.text(max_size=30),
    st.lists(st.text(max_size=8), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(ODD), st.datetimes().map(str),
)  # fmt: skip
SOUND = {"user_id": ADA, "movie_id": "1", "kind": "watch", "occurred_at": 1_700_000_000, "name": "x", "role": "actor"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(RowKind), st.data())
def test_any_row_is_stored_or_rejected_by_line(kind, data):
    fields = st.sampled_from(FIELDS[kind])
    sound = {name: value for name, value in SOUND.items() if name in FIELDS[kind]}
    rows = data.draw(st.lists(st.dictionaries(fields, ANY, max_size=5), min_size=1, max_size=3))
    result = import_rows(kind, [Row(n, sound | row) for n, row in enumerate(rows)])
    assert result.stored + result.duplicates + result.rejected == len(rows)
    assert {record.line for record in result.rejections} <= set(range(len(rows)))
    json.dumps([result.rejections], ensure_ascii=False).encode()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(WRITTEN_FORMATS), st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode)))
)
def test_any_bytes_are_rows_or_an_error_with_a_line(form, parts):
    rows = read_rows(io.BytesIO(b"\n".join([b"user_id,name", *parts])), form)
    with suppress(DataFileError):
        assert all(row.line and not (row.problem and row.values) for row in rows)


CELLS = {
    "user_id": ["5", " 5.0", "zoe", "007", "\x07", "x" * 129, "4294967296", "é"],
    "movie_id": ["1", "1.0", " 1 ", "imdb:tt1", "a-film", "\n", "9" * 200, "x" * 129],
    "kind": ["watch", "rating", "nap", " like "],
    "occurred_at": [
        "1600000000", "1600000000.5", "2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01 10:00", "20200101", "-5",
        "2020-01-01T00:00:00+05:30", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2020-13-01", "noon",
        "9" * 12, "1e9", "2020-W01-1", "٢٠٢٠-01-01",
        "46000", "000046000", "46000.75", "4.6e4", "19999", "20000", "79999.9", "80000", "99999999", "100000000",
        "1763670000000", "1" * 400,
    ],
    "rating": ["4.5", "5", "4,5", "nan", "x"],
    "completion": ["0.5", "1", "2", "inf"],
    "event_id": ["a", "0" * 129, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "\t", " "],
    "session": ["true", "0", "yes", "maybe"],
}  # fmt: skip
FIELDS_NEEDED = ("user_id", "movie_id", "kind", "occurred_at")
JSON_CELLS = st.one_of(ANY, st.sampled_from([1, True, 1.0, 5, 5.5, 2**40, -1, None, 1_600_000_000, 1e10]))


def cells(name, as_text):
    sampled = st.sampled_from(["", *CELLS[name]])
    numbers = st.integers(0, 10**9) | st.floats(0, 10**9) | st.sampled_from([46_000, 46_000.5, 99_999_999, 10**400])
    more = numbers if name == "occurred_at" else st.nothing()
    return st.one_of(sampled, more.map(str)) if as_text else st.one_of(sampled, JSON_CELLS, more)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans())
def test_columns_of_events_are_read_as_single_rows_are(data, as_text):
    names = [name for name in CELLS if name in FIELDS_NEEDED or data.draw(st.booleans())]
    rows = data.draw(st.lists(st.fixed_dictionaries({name: cells(name, as_text) for name in names}), max_size=6))
    if as_text:
        batch = TextBlock([*range(len(rows))], {name: [row[name] for row in rows] for name in names})
        read, rows = read_event_rows(batch), [{name: cell for name, cell in row.items() if cell} for row in rows]
    else:
        read = read_event_rows([Row(n, row) for n, row in enumerate(rows)])
    one_by_one = [validate_row(RowKind.EVENTS, Row(n, row)) for n, row in enumerate(rows)]
    assert [row.line for row in read.doubtful] == [n for n, (_, problems) in enumerate(one_by_one) if problems]
    assert list(read.lines) == [n for n, (_, problems) in enumerate(one_by_one) if not problems]
    for place, line in enumerate(read.lines):
        values = [column[place] for column in read[1:-1]]
        values[2] = WatchEvent.Kind(values[2]).label
        assert repr(dict(zip(FIELDS[RowKind.EVENTS], values, strict=True))) == repr(as_utc(one_by_one[line][0]))


def as_utc(values):
    return values | {"occurred_at": values["occurred_at"].astimezone(UTC)}


def test_a_share_too_small_for_its_column_is_none_at_all(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(f"user_id,movie_id,kind,occurred_at,completion\n{BEN},{NEMO},watch,1600000000,1e-60\n")
    assert "1 stored" in import_file("events", path)[0]
    assert WatchEvent.objects.get(viewer=BEN, occurred_at__year=2020).completion == 0
    assert "1 there already" in import_file("events", path)[0]
