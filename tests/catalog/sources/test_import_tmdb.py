"""TMDB's data, as it comes and as others made tables of it, by the command as an operator runs it."""

import gzip
import io
import json
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Credit, Genre, Movie, MovieAvailability, MovieTag, MovieTranslation, Person, Revision, Tag
from tests.support.imdb import write_imdb
from tests.support.tmdb import (
    CREDITS,
    GLASS,
    METADATA,
    PAPER,
    TMDB_5000,
    V11,
    json_cell,
    names_cell,
    write_lines,
    write_movies_dataset,
    write_table,
)

pytestmark = pytest.mark.django_db


def run(path: Path, *options: str, command: str = "import_tmdb") -> str:
    out = io.StringIO()
    call_command(command, path, *options, stdout=out)
    return out.getvalue()


def contents() -> dict[str, list]:
    return {
        "movies": list(Movie.objects.order_by("id").values()),
        "genres": sorted(Movie.genres.through.objects.values_list("movie_id", "genre__name")),
        "tags": sorted(MovieTag.objects.values_list("movie_id", "tag__name")),
        "credits": sorted(Credit.objects.values_list("movie_id", "role", "order", "person__name", "person__tmdb_id")),
        "people": sorted(Person.objects.values_list("id", "name", "imdb_id")),
        "translations": sorted(MovieTranslation.objects.values_list("movie_id", "language", "title", "overview")),
        "availability": sorted(MovieAvailability.objects.values_list("movie_id", "country")),
    }


def films() -> dict[int | None, Movie]:
    return {movie.tmdb_id: movie for movie in Movie.objects.all()}


def cast_of(movie: Movie) -> list[tuple[str, int | None]]:
    return list(movie.credits.filter(role=Credit.Role.ACTOR).values_list("person__name", "person__tmdb_id"))


def names(manager) -> list[str]:
    return sorted(manager.values_list("name", flat=True))


def test_the_movies_dataset_comes_into_an_empty_catalogue(tmp_path):
    said = run(write_movies_dataset(tmp_path))
    paper, glass = films()[501], films()[502]
    assert (paper.title, paper.original_title, paper.year, paper.runtime) == (
        'The "Paper" Moon', "Lune de papier", 1973, 102,
    )  # fmt: skip
    assert (paper.imdb_id, paper.language, paper.countries) == ("tt0000101", "fr", ["FR", "US"])
    assert paper.overview == "A moon made of paper. It burns."
    assert paper.poster_url == "https://image.tmdb.org/t/p/w500/paper.jpg"
    assert (glass.imdb_id, glass.original_title, glass.overview, glass.runtime) == ("tt0000102", "", "", None)
    assert names(paper.genres) == ["Comedy", "Science Fiction"]
    assert names(paper.tags) == ["dad's car", "moon"]
    # Billed once and in order; two people of one name are two; "Jr." is nobody.
    assert cast_of(paper) == [("Sam Field", 21), ("Lena Hart", 22)]
    assert cast_of(glass) == [("Sam Field", 24)]
    assert list(paper.credits.filter(role=1).values_list("person__name", flat=True)) == ["Ola O'Brandt"]
    assert not Person.objects.filter(name="Ida Writ").exists()
    assert contents()["translations"] == [(paper.pk, "fr", "Lune de papier", "")]
    assert "Not read: ratings.csv." in said
    assert "2 new films, 0 films completed, 4 new people, 0 people recognised, 4 credits, 2 tags" in said


def test_twice_changes_nothing(tmp_path):
    run(write_movies_dataset(tmp_path))
    before, revision = contents(), Revision.objects.values().get()
    assert "0 new films, 0 films completed, 0 new people, 0 people recognised, 0 credits" in run(tmp_path)
    run(tmp_path, "--overwrite")
    assert contents() == before
    assert Revision.objects.values().get() == revision


@pytest.mark.parametrize(("columns", "cell"), [(TMDB_5000, json_cell), (V11, names_cell)], ids=["5000", "v11"])
def test_other_tables_say_the_same(tmp_path, columns, cell):
    keywords = {"keywords": [{"id": 1, "name": "moon"}, {"id": 2, "name": "dad's car"}]}
    write_table(tmp_path / "some name (1).csv", columns, [PAPER | keywords, GLASS], cell)
    if columns is TMDB_5000:
        rows = [{"movie_id": film, "title": "", **people} for film, people in CREDITS.items()]
        write_table(tmp_path / "people.csv", "movie_id,title,cast,crew", rows, json_cell)
    run(tmp_path)
    paper, glass = films()[501], films()[502]
    assert (paper.title, paper.year, paper.countries) == ('The "Paper" Moon', 1973, ["FR", "US"])
    assert names(paper.genres) == ["Comedy", "Science Fiction"]
    assert names(paper.tags) == ["dad's car", "moon"]
    assert cast_of(glass) == ([("Sam Field", 24)] if columns is TMDB_5000 else [])


def test_people_known_by_name_alone_keep_their_suffix(tmp_path):
    columns = "id,title,release_date,genres,cast,director"
    rows = [
        {"id": 1, "title": "A", "release_date": "5/9/1973", "genres": "Drama|Music", "cast": "Al Dahl|Bo Lund",
         "director": "Ada North, Jr., Jun Verne"},
        {"id": 2, "title": "B", "release_date": "", "genres": ["Drama"], "cast": ["Bo Lund", "Al Dahl"]},
    ]  # fmt: skip
    run(write_table(tmp_path / "tmdb-movies.csv", columns, rows))
    film = films()[1]
    assert film.year == 1973
    assert names(film.people) == ["Ada North Jr.", "Al Dahl", "Bo Lund", "Jun Verne"]
    assert names(film.genres) == ["Drama", "Music"]
    assert (films()[2].year, names(films()[2].genres)) == (None, ["Drama"])
    assert [name for name, _ in cast_of(films()[2])] == ["Bo Lund", "Al Dahl"]


def broken_metadata(folder: Path) -> Path:
    """Write films whose rows are broken as those of The Movies Dataset are, and in ways that editors break them."""
    videos = [PAPER | {"id": 503, "video": True, "imdb_id": ""}, PAPER | {"id": 504, "adult": True, "imdb_id": ""}]
    later = PAPER | {"id": 505, "imdb_id": "tt0000105", "title": "Later", "original_title": "Later"}
    path = write_table(folder / "movies_metadata.csv", METADATA, [PAPER, *videos, PAPER, later])
    # The overview was not quoted: the row goes on in the next line, and looks shifted by nine columns.
    split = [
        "False,,0,\"[{'id': 18, 'name': 'Drama'}]\",,506,tt0000106,en,Midnight Walk,He walks at night.",
        " - Written by somebody,0.065,/walk.jpg,[],\"[{'iso_3166_1': 'CA', 'name': 'Canada'}]\",1997-08-20,0,"
        "104.0,[],Released,,Midnight Walk,False,0.0,1",
    ]
    shifted = " of the end,0.1,/x.jpg,[],[],1998-08-20,0,0,[],Released,,Shifted,False,0,1"
    no_id = "False,,0,[],,1997-08-20,0,en,Shifted,,0,,[],[],,0,0,[],Released,,Shifted,False,0,1"
    no_flag = no_id.replace("False", "Maybe", 1).replace("1997-08-20", "507")
    open_quote = 'False,,0,[],,508,tt0000108,en,Open,"He said,0,,[],[],1999-01-01,0,90,[],Released,,Open,False,0,1'
    bad_genres = "False,,0,\"[{'id': 18, 'name'\",,509,,en,Cut,,0,,[],[],1999-01-01,0,90,[],Released,,Cut,False,0,1"
    no_title = "False,,0,[],,510,,en,,,0,,[],[],1999-01-01,0,90,[],Released,,,False,0,1"
    last = "False,,0,[],,511,,en,Last,,0,,[],[],1999-01-01,0,90,[],Released,,Last,False,0,1"
    lines = [*split, "stray", no_id, shifted, no_flag, open_quote, bad_genres, no_title, last]
    with path.open("a", encoding="utf-8") as file:
        file.write("\r\n".join(lines) + "\r\n")
    return path


def test_broken_rows_cost_themselves_alone_and_are_told(tmp_path):
    said = run(broken_metadata(tmp_path))
    assert sorted(films()) == [501, 505, 506, 509, 511]
    walk = films()[506]
    assert (walk.title, walk.overview) == ("Midnight Walk", "He walks at night. - Written by somebody")
    assert (walk.year, walk.runtime, walk.countries, names(walk.genres)) == (1997, 104, ["CA"], ["Drama"])
    assert "1 videos, 1 for adults only, 1 said twice, 6 broken" in said
    for reason in (
        "line 14: has 1 cells where the first line names 24",
        "line 15: id is '1997-08-20', which is no id",
        "line 16: has 15 cells where the first line names 24",
        "line 17: adult is 'Maybe', which is neither True nor False",
        "line 18: it opens a quote that is not closed where it should be",
        "line 19: genres cannot be read",
        "line 20: has no title",
    ):
        assert f"movies_metadata.csv, {reason}" in said
    assert "Read 14 rows" in said


def test_no_more_than_some_broken_rows_are_named(tmp_path):
    rows = [{"id": f"{number}x", "title": "A", "genres": "[]"} for number in range(30)]
    said = run(write_table(tmp_path / "a.csv", METADATA, [GLASS, *rows]))
    assert said.count("which is no id") == 10
    assert "and 20 more" in said


def test_files_as_spreadsheets_and_browsers_leave_them(tmp_path):
    path = write_table(tmp_path / "a.csv", V11, [PAPER | {"title": "Mond über Köln"}, GLASS], names_cell)
    text = path.read_text().replace("\n", "\r\n")
    for name, content in {
        "bom.csv": text.encode("utf-8-sig"),
        "wide.csv": text.encode("utf-16"),
        "semicolons.csv": text.replace(", ", "; ").replace(",", ";").encode(),
        "really.csv.gz": gzip.compress(text.encode()),
        "unpacked.csv.gz": text.encode(),
    }.items():
        Movie.objects.all().delete()
        (tmp_path / name).write_bytes(content)
        run(tmp_path / name)
        assert {movie.title for movie in Movie.objects.all()} == {"Mond über Köln", "Glass Harbour"}, name
    Movie.objects.all().delete()
    (tmp_path / "latin.csv").write_bytes(text.encode("cp1252"))
    assert "latin.csv, line 2: is not UTF-8 text" in run(tmp_path / "latin.csv")
    assert Movie.objects.count() == 1


def test_a_zip_of_the_whole_data_set(tmp_path):
    write_movies_dataset(tmp_path / "set")
    (tmp_path / "set" / "settings.json").write_text("{not JSON")
    run(Path(shutil.make_archive(str(tmp_path / "archive"), "zip", tmp_path / "set")))
    assert cast_of(films()[502]) == [("Sam Field", 24)]


def test_a_film_that_is_there_is_completed_and_keeps_what_it_has(tmp_path):
    drama = Genre.objects.create(name="Drama")
    Genre.objects.create(name="Sci-Fi")
    by_imdb = Movie.objects.create(title="Paper", imdb_id="tt0000101", runtime=99)
    by_imdb.genres.add(drama)
    by_title = Movie.objects.create(title="Glass harbour", year=1988)
    by_tmdb = Movie.objects.create(title="Third", year=1950, tmdb_id=507)
    others = [PAPER | {"id": 507, "imdb_id": "", "title": "The Third", "release_date": "1951-01-01"}]
    said = run(write_movies_dataset(tmp_path, [PAPER, GLASS, *others]))
    for movie in (by_imdb, by_title, by_tmdb):
        movie.refresh_from_db()
    assert Movie.objects.count() == 3
    assert (by_imdb.title, by_imdb.year, by_imdb.runtime, by_imdb.tmdb_id) == ("Paper", 1973, 99, 501)
    assert names(by_imdb.genres) == ["Drama"]
    assert (by_title.title, by_title.tmdb_id, names(by_title.genres)) == ("Glass harbour", 502, ["Drama"])
    assert (by_tmdb.title, by_tmdb.year, names(by_tmdb.genres)) == ("Third", 1950, ["Sci-Fi"])
    assert "3 are there (1 by IMDb id, 1 by TMDB id, 1 by title and year)" in said
    assert "Comedy (2)" in said
    assert names(Genre.objects) == ["Drama", "Sci-Fi"]
    assert names(by_imdb.tags) == ["dad's car", "moon"]


def test_only_films_that_are_there_may_be_completed(tmp_path):
    Movie.objects.create(title="Glass Harbour", year=1988, tmdb_id=502)
    Genre.objects.create(name="Horror")
    said = run(write_movies_dataset(tmp_path), "--existing-only", "--create-genres")
    assert [movie.imdb_id for movie in Movie.objects.all()] == ["tt0000102"]
    assert "0 new films, 1 film completed, 1 new person" in said
    assert names(Person.objects) == ["Sam Field"]
    assert names(Genre.objects) == ["Drama", "Horror"]
    assert not Tag.objects.exists()


def test_people_are_the_same_at_both_sites(tmp_path):
    """In shared films the same name is the same person; two of one name stay two, whichever site came first."""
    run(write_imdb(tmp_path / "imdb"), command="import_imdb")
    said = run(write_movies_dataset(tmp_path / "tmdb"))
    both = {("Sam Field", "nm0000021", 21), ("Sam Field", "nm0000024", 24), ("Lena Hart", "nm0000022", 22)}
    people = set(Person.objects.values_list("name", "imdb_id", "tmdb_id"))
    assert both <= people
    assert "3 people recognised" in said
    assert len(people) == 7  # nobody is doubled; the directors are spelled differently
    before = contents()
    run(tmp_path / "tmdb")
    run(tmp_path / "imdb", command="import_imdb")
    assert contents() == before


def test_somebody_with_one_id_at_each_site_becomes_one_when_a_film_shows_it(tmp_path):
    at_imdb = Person.objects.create(name="Sam Field", imdb_id="nm0000021")
    paper = Movie.objects.create(title="Paper", imdb_id="tt0000101")
    Credit.objects.create(movie=paper, person=at_imdb, role=2)
    cast = {"credits": {"cast": [{"id": 21, "name": "Sam Field", "order": 0}]}}
    run(write_lines(tmp_path / "new.jsonl", [GLASS | cast]))
    assert sorted(Person.objects.values_list("imdb_id", "tmdb_id")) == [("", 21), ("nm0000021", None)]
    assert "1 person recognised" in run(write_lines(tmp_path / "old.jsonl", [PAPER | cast]))
    assert list(Person.objects.values_list("imdb_id", "tmdb_id")) == [("nm0000021", 21)]
    assert Credit.objects.count() == 2


def test_two_of_one_name_in_one_film_are_told_apart_by_their_billing(tmp_path):
    paper = Movie.objects.create(title="Paper", imdb_id="tt0000101")
    for order, number in enumerate(("nm0000031", "nm0000032")):
        person = Person.objects.create(name="Sam Field", imdb_id=number)
        Credit.objects.create(movie=paper, person=person, role=2, order=order)
    cast = [{"id": number, "name": "Sam Field", "order": order} for order, number in enumerate((82, 81))]
    run(write_lines(tmp_path / "a.jsonl", [PAPER | {"credits": {"cast": cast}}]))
    assert sorted(Person.objects.values_list("imdb_id", "tmdb_id")) == [("nm0000031", 82), ("nm0000032", 81)]


API_FILM = PAPER | {
    "imdb_id": None,
    "external_ids": {"imdb_id": "tt0000101"},
    "credits": CREDITS[501],
    "keywords": {"keywords": [{"id": 1, "name": "moon"}]},
    "release_dates": {
        "results": [
            {"iso_3166_1": "DE", "release_dates": [{"certification": "12", "type": 3}]},
            {"iso_3166_1": "US", "release_dates": [
                {"certification": "NR", "type": 1}, {"certification": "R", "type": 5},
                {"certification": "PG-13", "type": 3}, {"certification": "", "type": 4},
            ]},
        ]
    },
    "translations": {
        "translations": [
            {"iso_3166_1": "DE", "iso_639_1": "de", "data": {"title": "Papiermond", "overview": "Ein Mond."}},
            {"iso_3166_1": "AT", "iso_639_1": "de", "data": {"title": "Der Papiermond", "overview": ""}},
            {"iso_3166_1": "FR", "iso_639_1": "fr", "data": {"title": "", "overview": "Une lune."}},
            {"iso_3166_1": "BR", "iso_639_1": "pt", "data": {"title": "Lua de Papel", "overview": ""}},
            {"iso_3166_1": "US", "iso_639_1": "en", "data": {"title": "Paper Moon", "overview": "In English."}},
            {"iso_3166_1": "JP", "iso_639_1": "ja", "data": {"title": "", "overview": ""}},
        ]
    },
    "alternative_titles": {
        "titles": [
            {"iso_3166_1": "DE", "title": "Nicht dieser", "type": ""},
            {"iso_3166_1": "PL", "title": "Papierowy księżyc", "type": ""},
            {"iso_3166_1": "SE", "title": "Working title", "type": "working title"},
        ]
    },
    "watch/providers": {
        "results": {
            "US": {"link": "x", "flatrate": [{"provider_id": 8, "provider_name": "Streamer"}]},
            "GB": {"link": "x", "rent": [{"provider_id": 9, "provider_name": "Other"}]},
            "DE": {"link": "x", "ads": [{"provider_id": 8, "provider_name": "Streamer"}]},
        }
    },
}  # fmt: skip


def test_answers_of_the_api_give_all_they_have(tmp_path):
    run(write_lines(tmp_path / "films.jsonl", [API_FILM]), "--provider", "streamer")
    paper = films()[501]
    assert (paper.title, paper.overview, paper.imdb_id) == ("Paper Moon", "In English.", "tt0000101")
    assert paper.certificate == "PG-13"
    assert cast_of(paper) == [("Sam Field", 21), ("Lena Hart", 22)]
    assert contents()["translations"] == [
        (paper.pk, "de", "Papiermond", "Ein Mond."),
        (paper.pk, "de-AT", "Der Papiermond", ""),
        (paper.pk, "fr", "Lune de papier", "Une lune."),
        (paper.pk, "pl", "Papierowy księżyc", ""),
        (paper.pk, "pt-BR", "Lua de Papel", ""),
    ]
    assert contents()["availability"] == [(paper.pk, "DE"), (paper.pk, "US")]
    before = contents()
    run(tmp_path / "films.jsonl", "--provider", "8", "--overwrite")
    assert contents() == before
    # A country that is gone goes with --overwrite only.
    offers = {"US": API_FILM["watch/providers"]["results"]["US"]}
    write_lines(tmp_path / "films.jsonl", [API_FILM | {"watch/providers": {"results": offers}}])
    run(tmp_path / "films.jsonl", "--provider", "8")
    assert contents() == before
    run(tmp_path / "films.jsonl", "--provider", "8", "--overwrite")
    assert contents()["availability"] == [(paper.pk, "US")]


def test_a_certificate_is_the_sites_own_or_names_its_country(tmp_path, settings):
    releases = API_FILM["release_dates"]["results"]
    write_lines(tmp_path / "a.jsonl", [API_FILM | {"release_dates": {"results": releases[:1]}}])
    run(tmp_path)
    assert films()[501].certificate == "DE:12"
    settings.CERTIFICATE_COUNTRY = "DE"
    write_lines(tmp_path / "a.jsonl", [API_FILM])
    run(tmp_path, "--overwrite")
    assert films()[501].certificate == "12"


def test_titles_are_in_the_sites_language(tmp_path, settings):
    settings.TITLE_LANGUAGE = "de"
    run(write_lines(tmp_path / "a.jsonl", [API_FILM]))
    paper = films()[501]
    assert (paper.title, paper.overview) == ("Papiermond", "Ein Mond.")
    assert dict(MovieTranslation.objects.values_list("language", "title"))["en"] == "Paper Moon"


def test_json_in_other_shapes(tmp_path):
    page = {"page": 1, "results": [PAPER | {"genres": None, "genre_ids": [35, 878]}], "total_pages": 1}
    for content in (
        json.dumps([PAPER, GLASS], indent=2),
        "[\n" + ",\n".join(json.dumps(film) for film in (PAPER, GLASS)) + "\n]\n",
        json.dumps([PAPER, GLASS]),
        json.dumps(page) + "\n" + json.dumps(GLASS) + "\n",
    ):
        Movie.objects.all().delete()
        (tmp_path / "films.json").write_text(content)
        run(tmp_path)
        assert sorted(films()) == [501, 502]
        assert names(films()[501].genres) == ["Comedy", "Science Fiction"]


def test_broken_answers_are_told(tmp_path):
    missing = {"success": False, "status_code": 34, "status_message": "The resource could not be found."}
    series = {"id": 7, "name": "A Series", "adult": False}
    odd = PAPER | {"id": 508, "imdb_id": 5, "genres": "x", "credits": [], "translations": {"translations": 3}}
    said = run(write_lines(tmp_path / "a.jsonl", [PAPER, missing, series, '{"id": 5, "title":', "5", odd]))
    for line, reason in {
        2: "is no film: The resource could not be found.", 3: "has no title", 4: "is not JSON",
        5: "is not a JSON object",
    }.items():  # fmt: skip
        assert f"a.jsonl, line {line}: {reason}" in said
    assert sorted(films()) == [501, 508]


IDS = [
    {"adult": False, "id": 501, "original_title": "Lune de papier", "popularity": 7.2, "video": False},
    {"adult": True, "id": 601, "original_title": "Night", "popularity": 99, "video": False},
    {"adult": False, "id": 602, "original_title": "Concert", "popularity": 99, "video": True},
    {"adult": False, "id": 603, "original_title": "Obscure", "popularity": 0.1, "video": False},
    {"adult": False, "id": 604, "original_title": "Popular", "popularity": 88.5, "video": False},
    {"adult": False, "id": 605, "original_title": "Glass Harbour", "popularity": 88.5, "video": False},
]


def test_a_daily_file_of_ids_adds_films_only_where_a_popularity_is_asked_for(tmp_path):
    path = tmp_path / "movie_ids_05_15_2025.json.gz"
    path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in IDS).encode()))
    Movie.objects.create(title="Paper Moon", year=1973, tmdb_id=501)
    Movie.objects.create(title="Glass Harbour", year=1988)
    said = run(path)
    assert "it adds none" in said
    assert (films()[501].title, films()[501].original_title) == ("Paper Moon", "Lune de papier")
    assert Movie.objects.count() == 2
    said = run(path, "--min-popularity", "5", "--overwrite")
    assert sorted(films(), key=str) == [501, 604, None]
    assert (films()[604].title, films()[604].year) == ("Popular", None)
    assert films()[501].title == "Paper Moon"
    assert "Glass Harbour" in said  # without a year it may be the film that is there
    assert "1 for adults only, 1 videos, 1 too little popular" in said


def test_a_daily_file_beside_films_is_read_on_request(tmp_path):
    write_lines(tmp_path / "movie_ids_05_15_2025.json", IDS)
    write_lines(tmp_path / "films.jsonl", [PAPER])
    assert "Not read: movie_ids_05_15_2025.json." in run(tmp_path)
    run(tmp_path, "--min-popularity", "5")
    assert sorted(films()) == [501, 604, 605]


def test_options_choose_films_and_cast(tmp_path):
    run(write_movies_dataset(tmp_path), "--min-votes", "10", "--limit-cast", "1")
    assert sorted(films()) == [501]
    assert cast_of(films()[501]) == [("Sam Field", 21)]
    run(broken_metadata(tmp_path), "--adult", "--video")
    assert {503, 504} <= set(films())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit-cast", "51"], "--limit-cast is 0 to 50"),
        (["--min-votes", "-1"], "--min-votes is 0 or more"),
        (["--min-popularity", "nan"], "--min-popularity is 0 or more"),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    with pytest.raises(CommandError, match=message):
        run(write_movies_dataset(tmp_path), *options)


def test_files_that_are_not_tmdbs_are_refused(tmp_path):
    with pytest.raises(CommandError, match="there is no such zip or folder"):
        run(tmp_path / "nothing")
    with pytest.raises(CommandError, match="holds no films of TMDB; it has nothing, and should have movies_metadata"):
        run(tmp_path)
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating\n1,1,5\n")
    with pytest.raises(CommandError, match=r"it has ratings\.csv"):
        run(tmp_path)
    write_lines(tmp_path / "person_ids.json", [{"adult": False, "id": 1, "name": "Sam Field", "popularity": 1}])
    with pytest.raises(CommandError, match="holds no films"):
        run(tmp_path / "person_ids.json")
    cut = gzip.compress(json.dumps(PAPER).encode() * 50)[:-12]
    (tmp_path / "cut.json.gz").write_bytes(cut)
    with pytest.raises(CommandError, match="is cut or damaged"):
        run(tmp_path / "cut.json.gz")
    assert not Movie.objects.exists()
