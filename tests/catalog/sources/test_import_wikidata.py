"""Results of Wikidata's query service, as they are downloaded, by the command as an operator runs it."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Credit, Genre, Movie, MovieTag, MovieTranslation, Person, Revision
from catalog.sources.wikidata import results
from tests.support.imdb import write_imdb

pytestmark = pytest.mark.django_db
ENTITY = "http://www.wikidata.org/entity/"
UNKNOWN = "http://www.wikidata.org/.well-known/genid/0af3c1d2"
PAPER, GLASS = f"{ENTITY}Q1001", f"{ENTITY}Q1002"
OLA, SAM, LENA, BO = (f"{ENTITY}Q{number}" for number in (2001, 2002, 2003, 2004))
# A value with @ and a language is a text in it.
ROWS: list[dict[str, str]] = [
    {"film": PAPER, "imdb": "tt0000101"},
    {"film": PAPER, "tmdb": "501"},
    {"film": PAPER, "label": "Paper Moonrise@en"},
    {"film": PAPER, "label": "Papiermond@de"},
    {"film": PAPER, "label": "Lua de papel@pt-br"},
    {"film": PAPER, "originalTitle": "Luna de papel@es"},
    {"film": PAPER, "date": "1995-01-01T00:00:00Z", "datePrecision": "11"},
    {"film": PAPER, "date": "1994-01-01T00:00:00Z", "datePrecision": "9"},
    {"film": PAPER, "date": "1990-01-01T00:00:00Z", "datePrecision": "8"},
    {"film": PAPER, "seconds": "6120.0"},
    {"film": PAPER, "languageCode": "es"},
    {"film": PAPER, "countryCode": "ES"},
    {"film": PAPER, "countryCode": "SU"},
    {"film": PAPER, "genreLabel": "romantic comedy film@en"},
    {"film": PAPER, "genreLabel": "heist film@en"},
    {"film": PAPER, "director": OLA, "directorLabel": "Ola Brandt@mul", "directorImdb": "nm0000011"},
    {"film": PAPER, "actor": SAM, "actorLabel": "Sam Field@en", "actorOrder": "2"},
    {"film": PAPER, "actor": LENA, "actorLabel": "L. Hart@mul", "actorImdb": "nm0000022", "actorOrder": "1"},
    {"film": PAPER, "actor": LENA, "actorLabel": "Lena Hart@en", "actorImdb": "nm0000022", "actorOrder": "1"},
    {"film": PAPER, "actor": BO, "actorLabel": "Q2004@en"},
    {"film": GLASS, "label": "Glass Harbour@mul"},
    {"film": GLASS, "date": UNKNOWN},
    {"film": GLASS, "director": UNKNOWN, "directorLabel": UNKNOWN},
]


def to_json(rows: list[dict[str, str]], indent: int | None = None) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return json.dumps(
        {
            "head": {"vars": names},
            "results": {"bindings": [{name: binding(text) for name, text in row.items()} for row in rows]},
        },
        indent=indent,
    )


def binding(text: str) -> dict[str, str]:
    if text.startswith("http"):
        return {"type": "uri", "value": text}
    if text.startswith("_:"):
        return {"type": "bnode", "value": text.removeprefix("_:")}
    value, _, language = text.partition("@")
    return {"type": "literal", "value": value} | ({"xml:lang": language} if language else {})


def to_plain_json(rows: list[dict[str, str]]) -> str:
    return json.dumps([{name: text.partition("@")[0] for name, text in row.items()} for row in with_languages(rows)])


def to_csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in with_languages(rows) for name in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows({name: text.partition("@")[0] for name, text in row.items()} for row in with_languages(rows))
    return out.getvalue()


def with_languages(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Add what the query selects beside titles, as these forms say no language of a text."""
    return [
        row | {f"{name}Language": row[name].partition("@")[2] for name in ("label", "originalTitle") if name in row}
        for row in rows
    ]


def write(path: Path, text: str) -> Path:
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("import_wikidata", *map(str, arguments), stdout=out)
    return out.getvalue()


def refusal(*arguments: Any) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert not Movie.objects.exists()
    return str(caught.value)


def contents() -> dict[str, list]:
    return {
        "movies": list(Movie.objects.order_by("id").values()),
        "genres": sorted(Movie.genres.through.objects.values_list("movie_id", "genre__name")),
        "tags": sorted(MovieTag.objects.values_list("movie_id", "tag__name")),
        "credits": sorted(Credit.objects.values_list("movie_id", "role", "order", "person__name", "person__imdb_id")),
        "translations": sorted(MovieTranslation.objects.values_list("movie_id", "language", "title")),
    }


def people(movie: Movie, role: Credit.Role) -> list[tuple[str, str]]:
    return list(movie.credits.filter(role=role).values_list("person__name", "person__imdb_id"))


FORMS = {
    "results.json": lambda rows: to_json(rows, indent=2),
    "compact.json": to_json,
    "query.json": to_plain_json,
    "query.csv": to_csv,
    "query.csv.gz": to_csv,
    "query.json.gz": to_json,
}


@pytest.mark.parametrize("name", FORMS)
def test_films_come_into_an_empty_catalogue_from_every_form_of_the_results(tmp_path, name):
    said = run(write(tmp_path / name, FORMS[name](ROWS)))
    paper, glass = Movie.objects.order_by("id")
    assert (paper.title, paper.original_title, paper.imdb_id, paper.tmdb_id) == (
        "Paper Moonrise", "Luna de papel", "tt0000101", 501
    )  # fmt: skip
    # The earliest date that is sure to the year; the decade is no year.
    assert (paper.year, paper.runtime, paper.language, paper.countries) == (1994, 102, "es", ["ES", "SU"])
    assert sorted(genre.name for genre in paper.genres.all()) == ["Comedy", "Romance"]
    assert list(MovieTag.objects.values_list("movie_id", "tag__name")) == [(paper.pk, "heist film")]
    assert people(paper, Credit.Role.DIRECTOR) == [("Ola Brandt", "nm0000011")]
    # By their numbers in the credits; who has no name but a Q-number is left out.
    names = [name for name, _ in people(paper, Credit.Role.ACTOR)]
    assert names[1:] == ["Sam Field"]
    assert names[0] in ("Lena Hart", "L. Hart")
    assert dict(people(paper, Credit.Role.ACTOR))["Sam Field"] == ""
    assert contents()["translations"] == [
        (paper.pk, "de", "Papiermond"),
        (paper.pk, "es", "Luna de papel"),
        (paper.pk, "pt-BR", "Lua de papel"),
    ]
    assert (glass.title, glass.year, glass.imdb_id, glass.people.count()) == ("Glass Harbour", None, "", 0)
    assert "2 new films" in said
    assert "Read 23 rows of 1 file." in said


def test_twice_changes_nothing_and_neither_does_another_order_of_the_rows(tmp_path):
    run(write(tmp_path / "films.json", to_json(ROWS)))
    before, revision = contents(), Revision.objects.values().get()
    # A film without a year may be any of its title: it is matched no second time, and not doubled either.
    assert "1 film left out" in run(tmp_path / "films.json")
    assert contents() == before
    write(tmp_path / "turned.json", to_json(ROWS[::-1]))
    assert "0 new films, 0 films completed" in run(tmp_path / "turned.json")
    assert contents() == before
    assert Revision.objects.values().get() == revision


def test_a_film_that_is_there_is_completed_and_keeps_what_it_has(tmp_path):
    drama = Genre.objects.create(name="Drama")
    by_imdb = Movie.objects.create(title="Paper Moonrise!", imdb_id="tt0000101", runtime=99)
    by_imdb.genres.add(drama)
    by_tmdb = Movie.objects.create(title="Harbour", tmdb_id=502)
    by_title = Movie.objects.create(title="The Long Key", year=2019)
    said = run(
        write(
            tmp_path / "films.json",
            to_json(
                [
                    *ROWS,
                    {"film": GLASS, "tmdb": "502"},
                    {"film": f"{ENTITY}Q1003", "label": "Long Key@en", "date": "2019-05-01T00:00:00Z"},
                ]
            ),
        )
    )
    assert "(1 by IMDb id, 1 by TMDB id, 1 by title and year)" in said
    assert "0 new films, 1 film completed" in said
    by_imdb, by_tmdb, by_title = (Movie.objects.get(pk=movie.pk) for movie in (by_imdb, by_tmdb, by_title))
    assert (by_imdb.title, by_imdb.runtime, by_imdb.year) == ("Paper Moonrise!", 99, 1994)
    assert [genre.name for genre in by_imdb.genres.all()] == ["Drama"]
    assert by_tmdb.title == "Harbour"
    assert Movie.objects.count() == 3


def test_people_are_those_of_imdb_where_wikidata_has_their_ids(tmp_path):
    run(write(tmp_path / "films.json", to_json(ROWS)))
    call_command("import_imdb", write_imdb(tmp_path / "imdb"), stdout=io.StringIO())
    assert Movie.objects.filter(imdb_id="tt0000101").count() == 1
    assert Person.objects.filter(name="Ola Brandt").count() == 1
    assert Person.objects.filter(name="Lena Hart").count() == 1


def test_rows_of_every_combination_are_one_film(tmp_path):
    """What the usual query gives: a row for each genre with each director, country and actor."""
    rows = [
        {
            "item": PAPER,
            "itemLabel": "Paper Moonrise",
            "imdbId": "tt0000101",
            "publication_date": "1994-03-01T00:00:00Z",
            "duration": "102",
            "genre": f"{ENTITY}Q{genre}",
            "genreLabel": ("drama film", "Q9002")[genre - 9001],
            "directorLabel": director,
            "castMember": actor,
            "castMemberLabel": actor[-5:],
            "country": f"{ENTITY}Q30",
            "countryLabel": "United States of America",
        }
        for genre in (9001, 9002)
        for director in ("Ola Brandt", "Ines Okoro")
        for actor in (SAM, LENA)
    ]
    rows = [row | {"castMemberLabel": {SAM: "Sam Field", LENA: "Lena Hart"}[row["castMember"]]} for row in rows]
    run(write(tmp_path / "query.csv", to_csv(rows)))
    movie = Movie.objects.get()
    assert (movie.title, movie.year, movie.runtime, movie.countries) == ("Paper Moonrise", 1994, 102, ["US"])
    assert [genre.name for genre in movie.genres.all()] == ["Drama"]
    assert [name for name, _ in people(movie, Credit.Role.DIRECTOR)] == ["Ola Brandt", "Ines Okoro"]
    assert [name for name, _ in people(movie, Credit.Role.ACTOR)] == ["Sam Field", "Lena Hart"]
    assert not MovieTag.objects.exists()


def test_a_column_for_each_language(tmp_path):
    rows = [{"film": PAPER, "label_en": "Paper Moonrise", "label_de": "Papiermond", "label_zh-hans": "Zhi yue"}]
    run(write(tmp_path / "query.csv", to_csv(rows)))
    movie = Movie.objects.get()
    assert movie.title == "Paper Moonrise"
    assert sorted(movie.translations.values_list("language", "title")) == [("de", "Papiermond"), ("zh-Hans", "Zhi yue")]


def test_titles_are_in_the_language_of_the_site(tmp_path, settings):
    settings.TITLE_LANGUAGE = "de"
    run(write(tmp_path / "films.json", to_json(ROWS)))
    movie = Movie.objects.get(imdb_id="tt0000101")
    assert movie.title == "Papiermond"
    assert ("en", "Paper Moonrise") in movie.translations.values_list("language", "title")


@pytest.mark.parametrize(
    ("titles", "title"),
    [
        ([("label", "Q1005@en"), ("originalTitle", "Luna@es")], "Luna"),
        ([("label", "Q1005"), ("label", "Tsuki@ja")], "Tsuki"),
        ([("label", "Lune@fr"), ("originalTitle", "Luna@es")], "Luna"),
        ([("label", "Moon@mul"), ("originalTitle", "Luna@es")], "Moon"),
    ],
)
def test_a_film_without_a_label_of_that_language_has_another_title(tmp_path, titles, title):
    rows = [{"film": f"{ENTITY}Q1005", name: text} for name, text in titles]
    run(write(tmp_path / "films.json", to_json(rows)))
    assert Movie.objects.get().title == title


def test_rows_and_films_that_are_left_out_are_counted_with_their_reasons(tmp_path):
    rows = [
        *ROWS,
        {"film": UNKNOWN, "label": "Nobody knows@en"},
        {"film": "_:b7", "label": "Nobody knows@en"},
        {"label": "No film@en"},
        {"film": f"{ENTITY}P31", "label": "A property@en"},
        {"film": f"{ENTITY}Q1006", "label": "Q1006@en", "imdb": "tt0000106"},
        {"film": f"{ENTITY}Q1007", "label": "Night Shift Only@en", "genreLabel": "pornographic film@en"},
    ]
    path = write(tmp_path / "films.json", to_json(rows))
    said = run(path)
    assert "4 rows without an item of Wikidata as the film" in said
    assert "films.json, row 24: row without an item of Wikidata as the film" in said
    assert "1 film without a title, 1 film for adults only" in said
    assert "Q1006: film without a title" in said
    assert Movie.objects.count() == 2
    run(path, "--adult")
    assert Movie.objects.filter(title="Night Shift Only").exists()


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ({"date": "-0044-01-01T00:00:00Z"}, "year", None),
        ({"date": "+1994-00-00T00:00:00Z"}, "year", 1994),
        ({"date": "t158392"}, "year", None),
        ({"year": "1994"}, "year", 1994),
        ({"duration": "102", "durationUnit": f"{ENTITY}Q7727"}, "runtime", 102),
        ({"duration": "2", "durationUnit": f"{ENTITY}Q25235"}, "runtime", 120),
        ({"duration": "6120", "durationUnit": f"{ENTITY}Q11574"}, "runtime", 102),
        ({"duration": "102", "durationUnit": f"{ENTITY}Q4917"}, "runtime", None),
        ({"duration": "-5"}, "runtime", None),
        ({"imdb": "nm0000011"}, "imdb_id", ""),
        ({"tmdb": "movie/5"}, "tmdb_id", None),
        ({"countryCode": "XX"}, "countries", []),
        ({"language": f"{ENTITY}Q1860"}, "language", ""),
        ({"language": "mul"}, "language", ""),
    ],
)
def test_values_that_say_nothing_cost_themselves_alone(tmp_path, row, field, value):
    rows = [{"film": PAPER, "label": "Paper Moonrise@en"}, {"film": PAPER} | row]
    run(write(tmp_path / "films.json", to_json(rows)))
    assert getattr(Movie.objects.get(), field) == value


def test_several_files_folders_and_zips_are_one_source(tmp_path):
    folder = tmp_path / "years"
    folder.mkdir()
    write(folder / "a.json", to_json(ROWS[:10]))
    write(folder / "films.rq", "SELECT …")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("b.csv", to_csv(ROWS[10:]))
    said = run(folder, tmp_path / "more.zip")
    assert "Read 23 rows of 2 files." in said
    movie = Movie.objects.get(imdb_id="tt0000101")
    assert (movie.year, movie.people.count()) == (1994, 3)


def test_a_file_larger_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "CHUNK", 700)
    run(write(tmp_path / "films.json", to_json(ROWS, indent=1)))
    assert Movie.objects.get(imdb_id="tt0000101").people.count() == 3


TRACE = "SPARQL-QUERY: queryStr=SELECT\njava.util.concurrent.TimeoutException\n\tat java.util.concurrent.FutureTask"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", to_json(ROWS)[:900], ["a.json: is cut or damaged after row 4; download it again"]),
        ("a.json", to_json(ROWS)[:900] + TRACE, ["ran out of time", "fewer films"]),
        ("a.json", to_json(ROWS, 2).replace('"Papiermond"', "Papiermond"), ["is cut or damaged after row 3"]),
        ("a.json", to_plain_json(ROWS)[:-1], ["is cut or damaged after row 23"]),
        ("a.json", to_json([]), ["has no results: the query found no film"]),
        ("a.json", "[]", ["has no results"]),
        ("a.json", "[1, 2]", ["row 1 is not a JSON object"]),
        ("a.json", '{"entities": {"Q42": {}}}', ["is no result of a query: it has no results.bindings"]),
        ("a.json", to_json([{"actor": SAM}]), ["it needs the variable film", "it has actor"]),
        ("a.csv", to_csv(ROWS) + TRACE, ["ran out of time"]),
        ("a.csv", to_csv(ROWS) + '"http', ["a.csv, line 25: is cut or damaged"]),
        ("a.csv", "film,label\n", ["has no results"]),
        ("a.csv", "", ["a.csv, line 1: is no result of a query"]),
        ("a.csv", TRACE, ["is no result of a query"]),
        ("a.tsv", "?film\t?label\n<http://www.wikidata.org/entity/Q1>\t\"x\"@en\n", ["download it as JSON or CSV"]),
        ("a.csv", "title,year\nHeat,1995\n", ["it needs the variable film", "it has title, year"]),
    ],
)  # fmt: skip
def test_what_is_no_whole_result_is_refused_and_changes_nothing(tmp_path, name, text, words):
    said = refusal(write(tmp_path / name, text))
    assert all(word in said for word in words), said


def test_a_folder_without_results_and_a_missing_file_are_refused(tmp_path):
    write(tmp_path / "films.rq", "SELECT …")
    assert "holds no results of a query as JSON or CSV; it has films.rq" in refusal(tmp_path)
    assert "no such" in refusal(tmp_path / "nowhere.json")
    assert "--limit-cast is 0 to 50" in refusal(tmp_path, "--limit-cast", 51)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_and_utf_16_are_read(tmp_path, encoding):
    for name, form in (("films.json", to_json), ("films.csv", to_csv)):
        (tmp_path / name).write_bytes(form(ROWS).encode(encoding))
        run(tmp_path / name)
    assert Movie.objects.filter(imdb_id="tt0000101").count() == 1
