"""Files as programs and accidents leave them: read, or refused where they break, and every row is counted once."""

import gzip
import io
import json
import sys
from itertools import product

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import csv_records
from catalog.errors import DataFileError
from catalog.exchange.event_rows import read_event_rows
from catalog.exchange.history.importing import import_history
from catalog.exchange.history.reading import ReadOptions
from catalog.exchange.row_files import FileFormat, read_rows
from catalog.exchange.row_import import batched, import_rows, read_batches
from catalog.exchange.row_schemas import COLUMNS, RowKind
from catalog.exchange.text_blocks import rows_of
from catalog.models import Movie, Viewer, WatchEvent
from catalog.movielens import read_movielens
from tests.support.cast import ADA, BEN, NEMO
from tests.support.exchange import export_lines, import_file

pytestmark = pytest.mark.usefixtures("cast")
HEADER = "user_id,movie_id,kind,occurred_at"


def events(number, first=0, viewer=BEN):
    return [f"{viewer},{NEMO},watch,{1_600_000_000 + n}" for n in range(first, first + number)]


def write_file(tmp_path, text, name="events.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("closed_at", [None, 60, 1400], ids=["never", "soon", "late"])
def test_a_quote_that_is_not_closed_costs_its_own_row_alone(tmp_path, closed_at):
    rows = events(1500)
    rows[40] = f'{BEN},"{NEMO},watch,1600000040'
    if closed_at:
        rows[closed_at] = f'{BEN},{NEMO}",watch,1'
    wrong_lines = [42] + ([closed_at + 2] if closed_at else [])

    output, rejected = import_file("events", write_file(tmp_path, "\n".join([HEADER, *rows, ""])))

    assert f"{1500 - len(wrong_lines):,} stored, 0 there already, {len(wrong_lines)} rejected" in output
    assert [line for line, _, _ in rejected] == wrong_lines
    assert "opens a quote that is not closed" in rejected[0][2]
    assert WatchEvent.objects.filter(viewer=BEN, movie=NEMO, occurred_at__year=2020).count() == 1500 - len(wrong_lines)


def test_the_end_of_unclosed_quotes_is_searched_once():
    """Each of the lines opens a quote that the next does not close: looking on from each of them would take minutes."""
    line, number = 'x"y,"z', 3000
    calls = 0

    def counting_parse(text, delimiter, parsed=csv_records.parse_record):
        nonlocal calls
        calls += 1
        return parsed(text, delimiter)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "parse_record", counting_parse)
        body = "\n".join(["movie_id,title,overview", *[line] * number, '7001,One,"two', 'lines"', ""])
        rows = list(read_rows(io.BytesIO(body.encode()), FileFormat.CSV, columns=COLUMNS[RowKind.MOVIES]))
    assert [row.line for row in rows] == [*range(2, number + 3)]
    assert all("quote" in row.problem for row in rows[:-1])
    assert rows[-1].values == {"movie_id": "7001", "title": "One", "overview": "two\nlines"}
    assert calls < 10 * number


def test_an_overview_goes_over_lines_and_an_unclosed_one_swallows_no_movie(tmp_path):
    text = (
        "movie_id,title,overview\n"
        '7001,One,"First line\n\nwith a ""word"", and 2 commas,\nand an end"\n'
        '7002,Two,"never closed\n'
        "7003,Three,plain\n"
        '7004,Four,"closed"\n'
        '7005,"over\ntwo lines",x\n'
    )
    _, rejected = import_file("movies", write_file(tmp_path, text))
    assert [(line, "quote" in reason) for line, _, reason in rejected] == [(6, True), (9, True), (10, False)]
    assert set(Movie.objects.filter(pk__gt=7000).values_list("pk", flat=True)) == {7001, 7003, 7004}
    assert Movie.objects.get(pk=7001).overview == 'First line\n\nwith a "word", and 2 commas,\nand an end'


@pytest.mark.parametrize("ids", ["sku-{}", "tt000000{}", "01HZX{}Q", "a{}@site.example"])
def test_an_unclosed_overview_swallows_no_movie_whose_key_is_a_text(tmp_path, ids):
    one, two, three, four = (ids.format(n) for n in range(1, 5))
    text = (
        "movie_id,overview,title\n"
        f'{one},"never closed,One\n'
        f'{two},24",Two\n'
        f'{three},"first\nlove, death, robots\nlast",Three\n'
        f'{four},"first\nno 4, 5",Four\n'
    )
    _, rejected = import_file("movies", write_file(tmp_path, text, "films.csv"))
    assert [(line, "quote" in reason) for line, _, reason in rejected] == [(2, True)]
    assert {*Movie.objects.exclude(key=None).values_list("key", flat=True)} == {two, three, four}


@pytest.mark.parametrize("ids", [["amelie", "the-matrix", "nemo", "up"], ["AMELIE", "MATRIX", "NEMO", "UP"]])
def test_an_unclosed_overview_swallows_no_movie_whose_key_is_a_word(tmp_path, ids):
    one, two, three, four = ids
    text = (
        "movie_id,year,overview,title\n"
        f'{one},2001,"never closed,One\n'
        f'{two},1999,24",Two\n'
        f'{three},2003,"first\nlove, death, and, robots\nParis,London,Rome,Madrid\nlast",Three\n'
        f'{four},2009,"first\nno 4, 5",Four\n'
    )
    _, rejected = import_file("movies", write_file(tmp_path, text, "films.csv"))
    assert [(line, "quote" in reason) for line, _, reason in rejected] == [(2, True)]
    assert {*Movie.objects.exclude(key=None).values_list("key", flat=True)} == {two, three, four}
    assert "Paris,London,Rome,Madrid" in Movie.objects.get(key=three).overview


def test_lines_of_json_are_read_alone_where_one_of_a_block_is_broken(tmp_path):
    """Each line is judged by itself, though a thousand of them are read at once."""
    event = {"user_id": BEN, "movie_id": str(NEMO), "kind": "watch"}
    good = [json.dumps(event | {"occurred_at": 1_600_000_000 + n}) for n in range(1_500)]
    broken = {
        3: good[0] + "," + good[1],
        700: good[0].replace("{", '{"user_id": 103, ', 1),
        701: '{"user_id": 102, "movie_id": "x',
        702: 'y", "kind": "watch"}',
        1_100: '{"user_id": NaN}',
        1_101: '{"a": {"b": 1}',
        1_102: '{"b": 2}}',
        1_103: '"text"',
        1_104: '{"user_id": 102, "movie_id": "\udc80"}',
    }
    lines = [broken.get(number, line) for number, line in enumerate(good, 1)]
    path = tmp_path / "events.jsonl"
    path.write_bytes("\r\n".join(lines).encode(errors="surrogateescape"))
    _, rejected = import_file("events", path)
    assert {line for line, _, _ in rejected} == broken.keys()
    assert WatchEvent.objects.filter(viewer=BEN, movie=NEMO, occurred_at__year=2020).count() == 1_500 - len(broken)


@pytest.mark.parametrize(
    ("kind", "header", "messages"),
    [
        (
            "events",
            "userid,movie_id,kind,occurred_at",
            ["unknown column `userid`: did you mean `user_id`?", "lacks user_id"],
        ),
        (
            "events",
            "user_id,movie_id,kind,timestamp",
            ["`timestamp`", "did you mean `occurred_at`", "lacks occurred_at"],
        ),
        ("events", "user_id,movie_id", ["lacks kind and occurred_at"]),
        ("events", "5,6,watch,2020-01-01", ["has to name the columns", "user_id"]),
        ("events", "5,5,watch,2020-01-01", ["has to name the columns", "user_id"]),
        ("events", f",{HEADER}", ["no name for column 1", "index=False"]),
        ("movies", "title,year", ["lacks movie_id or imdb_id or tmdb_id"]),
        ("people", "movie_id,name", ["lacks role"]),
        ("viewers", "name,age_limit", ["lacks user_id"]),
        ("viewers", "user_id,user_id", ["twice"]),
        ("viewers", 'user_id,"name', ["it opens a quote"]),
    ],
)
def test_a_wrong_header_is_refused_at_line_1(tmp_path, kind, header, messages):
    output, rejected = import_file(kind, write_file(tmp_path, f"{header}\n1,2,3,4\n1,2,3,4\n"))
    assert "line 1: " in output
    assert all(word in output for word in messages), output
    assert rejected == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252", "iso-8859-1"]
)
def test_every_encoding_delimiter_and_line_end_is_read(tmp_path, encoding):
    options = {"encoding": encoding} if encoding in ("windows-1252", "iso-8859-1") else {}
    for place, (delimiter, end) in enumerate(product(",;\t|", ("\n", "\r\n", "\r"))):
        rows = [["user_id", "name"], [str(ADA), f"Zoë {place}"], [], [str(BEN), f'"B{delimiter}{place}"']]
        text = end.join(delimiter.join(row) for row in rows)
        output, rejected = import_file("viewers", write_file(tmp_path, text.encode(encoding), "viewers.csv"), **options)
        assert output.endswith("viewers: 2 stored, 0 there already, 0 rejected.\n")
        assert rejected == []
        names = [Viewer.objects.get(pk=pk).name for pk in (ADA, BEN)]
        assert names == [f"Zoë {place}", " ".join(f"B{delimiter}{place}".split())]


def test_an_unknown_encoding_is_refused_at_line_1(tmp_path):
    path = write_file(tmp_path, "user_id,name\n1,Bob\n2,Zoë\n".encode("windows-1252"), "viewers.csv")
    output, _ = import_file("viewers", path)
    assert all(word in output for word in ("line 1: is not UTF-8", "line 3", "--encoding windows-1252"))
    mixed = write_file(
        tmp_path, "user_id,name\n1,Zoë\n".encode() + b"2,Zo\xeb\n", "mixed.csv"
    )  # damage, not an encoding
    output, rejected = import_file("viewers", mixed)
    assert rejected == [(3, "", "is not UTF-8")]
    assert "1 stored" in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"PK\x03\x04" + b"\0" * 30, "is a zip archive or an Excel workbook"),
        (b"", "0 stored, 0 there already, 0 rejected"),
        (f"{HEADER}\n".encode(), "0 stored, 0 there already, 0 rejected"),
        (f"\n\r\n{HEADER}\n\n{events(1)[0]}\n\n".encode(), "1 stored, 0 there already, 0 rejected"),
        (gzip.compress(f"{HEADER}\n{events(1)[0]}\n".encode()), "1 stored, 0 there already, 0 rejected"),
        (gzip.compress(f"{HEADER}\n{events(99)}\n".encode())[:-30], "import the whole file again"),
        (gzip.compress(b"a" * 999)[:12] + b"\xff\xff\xff", "import the whole file again"),
    ],
    ids=["workbook", "empty", "header", "blank lines", "gzip by another name", "cut", "damaged"],
)
def test_files_without_text_are_refused_and_empty_ones_store_nothing(tmp_path, text, message):
    assert message in import_file("events", write_file(tmp_path, text))[0]


def test_standard_input_is_read_like_a_file(tmp_path, monkeypatch):
    text = gzip.compress(f"{HEADER}\n{events(1)[0]}\n".encode("utf-16"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    out = io.StringIO()
    call_command("import_rows", "events", "-", "--form", "csv", "--rejected", tmp_path / "rejected.csv", stdout=out)
    assert "1 stored" in out.getvalue()


def test_integers_are_read_as_pandas_writes_them(tmp_path):
    Movie.objects.filter(pk=NEMO).update(tmdb_id=None)
    movies = f"movie_id,tmdb_id,year,runtime\n{NEMO}.0,862.0,2003.0,\xa0100.0\n{NEMO},1e3,,\n{NEMO},862.5,,\n"
    _, rejected = import_file("movies", write_file(tmp_path, movies, "films.csv"))
    assert [(line, field) for line, field, _ in rejected] == [(3, "tmdb_id"), (4, "tmdb_id")]
    movie = Movie.objects.get(pk=NEMO)
    assert (movie.tmdb_id, movie.year, movie.runtime) == (862, 2003, 100)
    rows = f"{HEADER},rating\n{BEN}.0,{NEMO}.0,rating,1600000000.0,4.0\n{BEN},{NEMO}.5,watch,1600000000,\n"
    _, rejected = import_file("events", write_file(tmp_path, rows))
    assert [(line, field) for line, field, _ in rejected] == [(3, "movie_id")]


def test_jsonl_line_by_line(tmp_path):
    rows = ['{"user_id": 5, "user_id": 6}', '{"user_id": 7', f'{{"user_id": {ADA}.0, "name": "Ada"}}', "NaN", "5"]
    for encoding in ("utf-8-sig", "utf-16"):
        path = write_file(tmp_path, "\n".join(rows).encode(encoding), "viewers.jsonl")
        output, rejected = import_file("viewers", path)
        assert [line for line, _, _ in rejected] == [1, 2, 4, 5]
        assert "'user_id' twice" in rejected[0][2]
        assert "1 stored" in output
    for text in ('[{"user_id": 5}]', '\n[\n{"user_id": 5}\n]'):
        assert (
            "is a JSON list: write one object a line"
            in import_file("viewers", write_file(tmp_path, text, "a.jsonl"))[0]
        )


def test_other_content_under_the_same_event_id_is_rejected_with_its_row(tmp_path):
    event_id = "6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11"
    rows = [f"{row},{event_id}" for row in (*events(2), *events(1))]
    output, rejected = import_file("events", write_file(tmp_path, "\n".join([f"{HEADER},event_id", *rows])))
    assert "1 stored, 1 there already, 1 rejected" in output
    [(line, field, reason)] = rejected
    assert (line, field) == (3, "event_id")
    assert f"{event_id} came before with another occurred_at" in reason


PERSONAL = {
    "imdb": "Const,Your Rating,Date Rated,Title,Title Type,Year\ntt1,8,2024-01-02,Finding Nemo,Movie,2003\n",
    "letterboxd": "Date,Name,Year,Letterboxd URI,Rating,Watched Date\n2024-01-02,Finding Nemo,2003,x,4,2024-01-01\n",
}


@pytest.mark.parametrize("text", PERSONAL.values(), ids=PERSONAL)
@pytest.mark.parametrize("encoding_and_delimiter", [("utf-16", ";"), ("utf-8-sig", "\t"), ("utf-8", ",")])
def test_history_files_are_read_in_every_encoding(text, encoding_and_delimiter):
    encoding, delimiter = encoding_and_delimiter
    names, row = text.splitlines()
    broken = row.replace("Finding Nemo", '"Finding Nemo')
    changed = "\r\n".join([names, broken, row, row.replace("Finding Nemo", "No such film")]).replace(",", delimiter)
    report = import_history(ADA, io.BytesIO(changed.encode(encoding)))
    assert (report.rows, report.by_id + report.by_title, [row.line for row in report.unmatched]) == (3, 1, [2, 4])


def test_every_row_of_a_history_file_is_counted_once():
    names, row = PERSONAL["imdb"].splitlines()
    text = "\n".join([names, row, row.replace(",8,", ",2,"), row, row.replace("2024", "2124"), "x,y", ""])
    report = import_history(ADA, io.BytesIO(text.encode()))
    assert (report.rows, report.by_title, len(report.unmatched)) == (5, 3, 2)
    assert (report.stored, report.merged) == (1, 2)  # of several ratings of one moment the last row counts
    with pytest.raises(DataFileError, match="zip archive"):
        import_history(ADA, io.BytesIO(b"PK\x03\x04" + b"\0" * 30))
    old = PERSONAL["imdb"].replace("Nemo", "Nemö").encode("cp1252")
    for encoding in (None, "cp1252"):
        assert import_history(ADA, io.BytesIO(old), ReadOptions(encoding=encoding)).by_title == 1


MOVIES = "movieId,title,genres\n1,Toy Story (1995),Comedy\n2,Jumanji (1995),Adventure\n3,Heat (1995),Action\n"


@pytest.mark.parametrize("close", ["", '4,"Nixon, The (1995)",Drama\n', '4,Nixon" (1995),Drama\n'])
def test_a_movielens_file_names_the_line_that_opens_the_quote(tmp_path, close):
    (tmp_path / "movies.csv").write_text(MOVIES.replace("2,Jumanji", '2,"Jumanji') + close)
    with pytest.raises(DataFileError, match=r"movies.csv, line 3: .*quote"):
        read_movielens(tmp_path)


def test_a_movielens_file_with_a_nul_names_its_line(tmp_path):
    (tmp_path / "movies.csv").write_text(MOVIES.replace("Heat", "He\0at"))
    with pytest.raises(DataFileError, match=r"movies.csv, line 4: has a NUL"):
        read_movielens(tmp_path)


def test_movielens_as_pandas_writes_it(tmp_path):
    (tmp_path / "movies.csv").write_text(MOVIES, encoding="utf-16")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n1.0,114709,862.0\n")
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1.0,1.0,4.0,964982703.0\n2,2,3.5,964982704\n"
    )
    dataset = read_movielens(tmp_path)
    assert dataset.movies["tmdb_id"].to_list()[0] == 862
    [frame] = dataset.events
    assert (frame["viewer"].to_list(), frame["occurred_at"].to_list()) == ([1, 2], [964982703, 964982704])
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4,964982703\n1.5,1,4,964982703\n")
    with pytest.raises(DataFileError, match=r"ratings.csv, line 3"):
        list(read_movielens(tmp_path).events)


def test_a_file_that_is_refused_leaves_the_command_failed(tmp_path):
    with pytest.raises(CommandError, match="line 1"):
        call_command("import_rows", "events", write_file(tmp_path, "user_id\n1\n"))


SOUND = [HEADER + ",session,rating", *(f"{ADA},{NEMO},watch,{1_600_000_000 + n},," for n in range(12))]
FORMS = {FileFormat.CSV: "\n".join(SOUND) + "\n", FileFormat.JSONL: ""}
PIECES = [
    b'"',
    b'""',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    "é".encode(),
    b"{",
    b"}",
    b"7,",
    b'"\n"',
    b"\n\n",
    b";",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_row_of_a_mangled_file_is_counted_once(data):
    """Rows that nothing has touched are stored or there already, wherever the file is broken."""
    lines = [line.encode() for line in FORMS[FileFormat.CSV].splitlines()]
    touched = data.draw(st.sets(st.integers(1, len(lines) - 1), max_size=4))
    for number in touched:
        at = data.draw(st.integers(0, len(lines[number])))
        piece = data.draw(st.sampled_from(PIECES))
        lines[number] = lines[number][:at] + piece + lines[number][at + data.draw(st.integers(0, 3)) :]
    body = b"\n".join(lines)
    reader = read_rows(io.BytesIO(body), FileFormat.CSV, columns=COLUMNS[RowKind.EVENTS])
    if b"\xff" in body and "é".encode() not in body:
        with pytest.raises(DataFileError, match="line 1: is not UTF-8"):
            list(reader)
        return
    rows = list(reader)
    physical = [
        line for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[1:] if line.strip(b" ")
    ]
    assert len(rows) == len(physical), "no row goes over lines in a file of events"
    results = [import_rows(RowKind.EVENTS, block) for block in batched(rows)]
    assert sum(result.stored + result.duplicates + result.rejected for result in results) == len(rows)
    rejected = {rejection.line for result in results for rejection in result.rejections}
    assert len(rejected) == sum(result.rejected for result in results)
    whole = {line.decode() for number, line in enumerate(lines[1:], 1) if number not in touched}
    kept = [row for row in rows if row.line not in rejected]
    assert {row.values.get("occurred_at") for row in kept} >= {line.split(",")[3] for line in whole}


def test_an_export_says_which_viewers_are_sessions(tmp_path):
    Viewer.objects.create(pk=9001, is_session=True)
    for kind in ("viewers", "events"):
        assert import_file(kind, write_file(tmp_path, export_lines(kind, "csv"), f"{kind}.csv"))[1] == []
    assert Viewer.objects.get(pk=9001).is_session
    assert not Viewer.objects.get(pk=ADA).is_session


NUMBERS = ["1", "1.0", "-0", "4.5", "1e3", "1E400", "NaN", "18446744073709551616", "-9223372036854775809", "01", "true"]
TEXTS = ['"x"', '""', '"a\\u0041"', '"{"', '"}"', '"1', '"\x01"']
VALUES = st.sampled_from([*NUMBERS, *TEXTS, "null", "{}", "[]", '{"a": 1}'])
NAMES = st.sampled_from(["user_id", "movie_id", "rating", "event_id", "other"])
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(
    lambda pairs: "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"
)


def object_of(line):
    """Return the object that a line is, with its names in order; None where it is none, or names something twice."""

    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError
        return dict(sorted(pairs))

    try:
        value = json.loads(line, object_pairs_hook=once, parse_constant=int)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES | st.sampled_from(["{", "}", "", "7", '{"user_id": 1},{"user_id": 2}']), max_size=6))
def test_lines_of_json_say_in_a_block_what_each_says_alone(lines):
    """Also numbers that the quick parser knows not, as whole numbers beyond 64 bits."""
    alone = [(number, object_of(line)) for number, line in enumerate(lines, 1) if line]
    body, columns = "\n".join(lines).encode(), COLUMNS[RowKind.EVENTS]
    blocks = list(read_batches(RowKind.EVENTS, io.BytesIO(body), FileFormat.JSONL, "f", columns=columns))
    rows = read_rows(io.BytesIO(body), FileFormat.JSONL, columns=columns)
    for read in (rows, (row for block in blocks for row in rows_of(block))):
        said = [(row.line, None if row.problem else dict(sorted(row.values.items()))) for row in read]
        assert repr(said) == repr(alone)
    for block in blocks:
        as_columns, as_rows = read_event_rows(block), read_event_rows(rows_of(block))
        assert repr(as_columns[:-1]) == repr(as_rows[:-1])
        assert {row.line for row in as_columns.doubtful} == {row.line for row in as_rows.doubtful}
