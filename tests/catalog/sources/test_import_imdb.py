"""IMDb's files into an empty catalogue and onto films that are there, by the command as an operator runs it."""

import gzip
import io
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Credit, Genre, GenreAlias, Movie, MovieTranslation, Person, Revision, Rule
from catalog.sources import tsv_blocks
from tests.support.imdb import HEADERS, write_imdb

pytestmark = pytest.mark.django_db


def run(folder: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_imdb", folder, *options, stdout=out)
    return out.getvalue()


def contents() -> dict[str, list]:
    return {
        "movies": list(Movie.objects.order_by("id").values()),
        "genres": sorted(Movie.genres.through.objects.values_list("movie_id", "genre__name")),
        "credits": sorted(Credit.objects.values_list("movie_id", "role", "order", "person__name", "person__imdb_id")),
        "people": sorted(Person.objects.values_list("id", "name", "imdb_id")),
        "translations": sorted(MovieTranslation.objects.values_list("movie_id", "language", "title")),
    }


def cast_of(movie: Movie) -> list[tuple[str, str]]:
    return list(movie.credits.filter(role=Credit.Role.ACTOR).values_list("person__name", "person__imdb_id"))


def test_films_people_and_titles_come_into_an_empty_catalogue(tmp_path):
    said = run(write_imdb(tmp_path))
    films = {movie.imdb_id: movie for movie in Movie.objects.all()}
    assert sorted(films) == ["tt0000101", "tt0000102", "tt10000106"]  # no series, nothing for adults, enough votes
    paper, glass, key = films["tt0000101"], films["tt0000102"], films["tt10000106"]
    assert (paper.title, paper.original_title, paper.year, paper.runtime) == ('"The Paper" Moon', "", 1973, 102)
    assert (glass.title, glass.original_title) == ("Glass Harbour", "Hafen aus Glas")
    assert sorted(genre.name for genre in paper.genres.all()) == ["Comedy", "Sci-Fi"]
    directors = paper.credits.filter(role=Credit.Role.DIRECTOR).values_list("person__name", flat=True)
    assert list(directors) == ["Ola Brandt", "Ines Okoro"]
    # Billed once and in order; two people of one name are two; "Jr." is nobody.
    assert cast_of(paper) == [("Sam Field", "nm0000021"), ("Lena Hart", "nm0000022"), ("Bo Lund", "nm0000023")]
    assert cast_of(glass) == [("Sam Field", "nm0000024")]
    assert cast_of(key) == [("Sam Field", "nm0000024"), ("Sam Field", "nm0000021")]
    assert not Person.objects.filter(name="Nobody Here").exists()
    assert contents()["translations"] == [
        (paper.pk, "de", "Der Papiermond"),
        (paper.pk, "fr", "Lune de papier"),
        (glass.pk, "es", "Puerto de cristal"),
    ]
    assert "1 title of other types, 1 for adults only, 1 with too few votes" in said
    assert "3 new films, 0 films completed, 7 new people, 0 people recognised, 9 credits" in said


def test_a_zip_of_the_files_as_they_are(tmp_path):
    write_imdb(tmp_path / "imdb")
    run(Path(shutil.make_archive(str(tmp_path / "archive"), "zip", tmp_path / "imdb")))
    assert Movie.objects.count() == 3


def test_twice_changes_nothing(tmp_path):
    run(write_imdb(tmp_path))
    before, revision = contents(), Revision.objects.values().get()
    assert "0 new films, 0 films completed, 0 new people, 0 people recognised, 0 credits" in run(tmp_path)
    assert contents() == before
    run(tmp_path, "--overwrite")
    assert contents() == before
    assert Revision.objects.values().get() == revision


def test_a_film_that_is_there_is_completed_and_keeps_what_it_has(tmp_path):
    scifi, drama = Genre.objects.create(name="Sci-Fi"), Genre.objects.create(name="Drama")
    by_id = Movie.objects.create(title="Paper Moon!", imdb_id="tt0000101", runtime=99)
    by_id.genres.add(drama)
    by_title = Movie.objects.create(title="Glass harbour", year=1988)
    other = Movie.objects.create(title="The Long Key", year=2019, imdb_id="tt0999999")
    said = run(write_imdb(tmp_path))
    by_id, by_title, other = (Movie.objects.get(pk=movie.pk) for movie in (by_id, by_title, other))
    assert (by_id.title, by_id.year, by_id.runtime) == ("Paper Moon!", 1973, 99)
    assert [genre.name for genre in by_id.genres.all()] == ["Drama"]
    assert (by_title.imdb_id, by_title.title, by_title.original_title) == (
        "tt0000102",
        "Glass harbour",
        "Hafen aus Glas",
    )
    assert [genre.name for genre in by_title.genres.all()] == ["Drama"]  # Biography is no genre of this catalogue
    assert other.imdb_id == "tt0999999"  # another film of that title and year: it is not this one
    assert Movie.objects.count() == 4
    assert "2 are there (1 by IMDb id, 0 by TMDB id, 1 by title and year)" in said
    assert "Biography (1)" in said
    assert "--create-genres" in said
    assert set(Genre.objects.values_list("pk", flat=True)) == {scifi.pk, drama.pk}


def test_genres_are_named_as_the_catalogue_names_them(tmp_path):
    children, life = Genre.objects.create(name="Children"), Genre.objects.create(name="Lives")
    GenreAlias.objects.create(genre=life, name="biography")
    Genre.objects.create(name="Science Fiction")
    run(write_imdb(tmp_path), "--create-genres")
    genres = {movie.imdb_id: sorted(genre.name for genre in movie.genres.all()) for movie in Movie.objects.all()}
    assert genres == {
        "tt0000101": ["Comedy", "Science Fiction"],
        "tt0000102": ["Drama", life.name],
        "tt10000106": [children.name],
    }


def test_overwriting_takes_facts_and_people_but_neither_genres_nor_ids(tmp_path):
    drama = Genre.objects.create(name="Drama")
    movie = Movie.objects.create(title="Paper", imdb_id="tt0000101", runtime=99, tmdb_id=7)
    movie.genres.add(drama)
    wrong = Person.objects.create(name="Wrong Person")
    Credit.objects.create(movie=movie, person=wrong, role=Credit.Role.ACTOR)
    run(write_imdb(tmp_path), "--overwrite")
    movie.refresh_from_db()
    assert (movie.title, movie.runtime, movie.tmdb_id) == ('"The Paper" Moon', 102, 7)
    assert [name for name, _ in cast_of(movie)] == ["Sam Field", "Lena Hart", "Bo Lund"]
    assert [genre.name for genre in movie.genres.all()] == ["Drama"]


def test_people_known_by_name_become_who_they_are(tmp_path):
    paper = Movie.objects.create(title="Paper", imdb_id="tt0000101")
    glass = Movie.objects.create(title="Glass", imdb_id="tt0000102")
    unknown = Movie.objects.create(title="Not at IMDb")
    lena, sam, jun = (Person.objects.create(name=name) for name in ("Lena Hart", "sam field", "Jun Verne"))
    known_jun = Person.objects.create(name="Jun Verne", imdb_id="nm0000013")
    for movie, person, role in (
        (paper, lena, 2), (unknown, lena, 2), (paper, sam, 2), (glass, sam, 2), (unknown, sam, 2),
        (glass, jun, 1), (unknown, jun, 1),
    ):  # fmt: skip
        Credit.objects.create(movie=movie, person=person, role=role)
    rule = Rule.objects.create(name="More of Jun", action="boost", by="person", person=jun)
    run(write_imdb(tmp_path))
    lena.refresh_from_db()
    assert lena.imdb_id == "nm0000022"
    # One name, two people: each film has its own; who is meant elsewhere is not known.
    assert cast_of(paper) == [("Lena Hart", "nm0000022"), ("Sam Field", "nm0000021")]
    assert cast_of(glass) == [("Sam Field", "nm0000024")]
    assert sorted(cast_of(unknown)) == [("Lena Hart", "nm0000022"), ("sam field", "")]
    # There was somebody with that id already: both are one, rules and all.
    assert not Person.objects.filter(pk=jun.pk).exists()
    assert {credit.movie_id for credit in known_jun.credits.all()} == {glass.pk, unknown.pk}
    rule.refresh_from_db()
    assert rule.person_id == known_jun.pk


def test_of_several_films_of_a_title_and_year_none_is_guessed(tmp_path):
    Movie.objects.create(title="Glass Harbour", year=1988)
    Movie.objects.create(title="Glass Harbour", year=1988)
    said = run(write_imdb(tmp_path))
    assert "Glass Harbour (1988)" in said
    assert "1 film left out" in said
    assert Movie.objects.filter(title="Glass Harbour", imdb_id="").count() == 2
    assert Movie.objects.count() == 4


def test_films_may_be_known_by_their_ids_at_imdb(tmp_path):
    run(write_imdb(tmp_path), "--keys", "imdb")
    keys = dict(Movie.objects.values_list("key", "pk"))
    assert set(keys) == {"tt0000101", "tt0000102", "tt10000106"}
    assert all(pk < 0 for pk in keys.values())
    Movie.objects.update(imdb_id="")  # the key alone says which film it is
    run(tmp_path)
    assert dict(Movie.objects.values_list("key", "pk")) == keys
    assert Movie.objects.get(key="tt0000101").imdb_id == "tt0000101"


def test_a_dry_run_says_what_would_happen_and_writes_nothing(tmp_path):
    Movie.objects.create(title="Paper", imdb_id="tt0000101")
    before = contents()
    said = run(write_imdb(tmp_path), "--dry-run")
    assert "Nothing was written. It would add 2 films." in said
    assert "1 are there (1 by IMDb id" in said
    assert contents() == before


def test_options_choose_titles_and_cast(tmp_path):
    run(write_imdb(tmp_path), "--types", "movie,tvSeries", "--min-votes", "0", "--limit-cast", "1", "--adult")
    films = {movie.imdb_id: movie for movie in Movie.objects.all()}
    assert sorted(films) == ["tt0000101", "tt0000102", "tt0000103", "tt0000104", "tt0000105", "tt10000106"]
    assert cast_of(films["tt0000101"]) == [("Sam Field", "nm0000021")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--types", "film"], "'film' is not among movie"),
        (["--limit-cast", "51"], "--limit-cast is 0 to 50"),
        (["--min-votes", "-1"], "--min-votes is 0 or more"),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    with pytest.raises(CommandError, match=message):
        run(write_imdb(tmp_path), *options)


def test_missing_files_are_told(tmp_path):
    said = run(write_imdb(tmp_path, leave_out=("title.crew", "title.akas", "title.ratings")))
    assert "no title.crew.tsv.gz: directors come from title.principals" in said
    assert "no title.akas.tsv.gz" in said
    paper = Movie.objects.get(imdb_id="tt0000101")
    assert list(paper.credits.filter(role=1).values_list("person__name", flat=True)) == ["Ola Brandt"]
    assert Movie.objects.count() == 4  # nobody's votes are counted
    with pytest.raises(CommandError, match=r"no title.ratings.tsv.gz"):
        run(tmp_path, "--min-votes", "10")
    with pytest.raises(CommandError, match=r"no title.basics.tsv.gz of IMDb; it has nothing"):
        run(write_imdb(tmp_path / "empty", leave_out=tuple(HEADERS)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace(b"\t1988", b""), r"title.basics.tsv.gz, line 3: has 8 fields where 9 belong"),
        (lambda text: text.replace(b"Unseen", b"\xff"), r"title.basics.tsv.gz, line 6: is not UTF-8 text"),
        (lambda text: text.replace(b"primaryTitle", b"name"), "line 1: column primaryTitle is missing"),
        (lambda text: b"", "line 1: column tconst"),
    ],
)
def test_broken_files_are_refused_whole_with_their_line(tmp_path, damage, message):
    file = write_imdb(tmp_path) / "title.basics.tsv.gz"
    file.write_bytes(gzip.compress(damage(gzip.decompress(file.read_bytes()))))
    with pytest.raises(CommandError, match=message):
        run(tmp_path)
    assert not Movie.objects.exists()


def test_a_cut_file_is_refused(tmp_path):
    file = write_imdb(tmp_path) / "title.principals.tsv.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CommandError, match="is cut or damaged"):
        run(tmp_path)
    assert not Movie.objects.exists()


def test_blocks_cut_in_the_middle_of_a_film_change_nothing(tmp_path, monkeypatch):
    run(write_imdb(tmp_path))
    whole = contents()
    Movie.objects.all().delete()
    Person.objects.all().delete()
    monkeypatch.setattr(tsv_blocks, "BLOCK_SIZE", 60)
    run(tmp_path)
    strip = [(role, order, name, number) for _, role, order, name, number in contents()["credits"]]
    assert sorted(strip) == sorted((role, order, name, number) for _, role, order, name, number in whole["credits"])
