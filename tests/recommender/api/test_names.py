"""Names of genres and people as clients write them: spellings, aliases, suggestions; new genres on request alone."""

import json

import pytest

from catalog.models import Genre, GenreAlias, GenreTranslation, Movie, Person
from catalog.services import save_record
from tests.support.api import recommended_ids
from tests.support.cast import ADA, AMELIE, EVE, MATRIX, NEMO
from tests.support.exchange import export_lines, import_file
from tests.support.imports import CSV, json_lines, post_rows, run_import


def ask(api, **filters):
    return api.post("/recommend/filtered", {"user_id": EVE, "history": ["1", "50"], "final_k": 200, **filters})


@pytest.mark.usefixtures("model")
def test_a_genre_has_many_names_in_every_call(api):
    expected = recommended_ids(ask(api, genres=["Sci-Fi"]))
    assert str(MATRIX) in expected
    for name in ("SciFi", "Science Fiction", "sci fi", "SCIENCE-FICTION", "Ciencia Ficción"):
        body = ask(api, genres=[name])
        assert recommended_ids(body) == expected, name
        assert "unknown_names" not in body
        assert body["filters_applied"] == {"genres": [name]}
    for path in ("/popular?top_k=200&genres=", "/movies?page_size=200&genres=", "/home?genres="):
        by_name = [api.get(f"{path}{name}") for name in ("Sci-Fi", "SciFi")]
        for page in by_name:
            page.pop("recommendation_id", None)
            for row in page.get("rows", ()):
                row.pop("recommendation_id")
                row.pop("see_all")  # it repeats the filters as they were sent
            page.pop("filters_applied", None)
            page.pop("next", None)
        assert by_name[0] == by_name[1], path
    liked = [api.get(f"/recommend?user_id={EVE}&liked_genres={name}") for name in ("Children", "Kids")]
    assert recommended_ids(liked[0]) == recommended_ids(liked[1])
    assert "unknown_names" not in liked[1]


@pytest.mark.usefixtures("model")
def test_an_alias_and_a_translation_of_the_catalogue_hold_at_once(api):
    assert ask(api, genres=["Zukunft"])["unknown_names"] == {"genres": ["Zukunft"]}
    save_record(GenreAlias(genre=Genre.objects.get(name="Sci-Fi"), name="Zukunft"))
    save_record(GenreTranslation(genre=Genre.objects.get(name="Sci-Fi"), language="de", name="Raum und Zeit"))
    for name in ("zukunft", "Raum und Zeit"):
        assert recommended_ids(ask(api, genres=[name])) == recommended_ids(ask(api, genres=["Sci-Fi"]))
        assert api.get("/movies", genres=name) is not None


@pytest.mark.usefixtures("model")
def test_people_are_found_without_punctuation_and_accents(api):
    person = Person.objects.get(name="Audrey Tautou")
    person.name = "J. J. Ótomo-O'Toole"
    save_record(person)
    for name in ("JJ Otomo O\u2019Toole", "j.j. ótomo otoole", "J J OTOMO O'TOOLE"):
        body = ask(api, actors=[name])
        assert recommended_ids(body) == [str(AMELIE)], name
        assert [film["movie_id"] for film in api.get("/movies", query_params={"people": name})["results"]] == [
            str(AMELIE)
        ]


@pytest.mark.usefixtures("model")
def test_unknown_names_come_with_near_ones(api, django_assert_max_num_queries):
    body = ask(
        api, genres=["Comdey", "Zzz"], actors=["Harison Frod"], directors=["Spielberg"], exclude_genres=["Thiller"]
    )
    assert body["unknown_names"] == {
        "genres": ["Comdey", "Zzz"],
        "actors": ["Harison Frod"],
        "directors": ["Spielberg"],
        "exclude_genres": ["Thiller"],
    }
    assert body["suggestions"] == {
        "genres": {"Comdey": ["Comedy"]},
        "actors": {"Harison Frod": ["Harrison Ford"]},
        "directors": {"Spielberg": ["Steven Spielberg"]},
        "exclude_genres": {"Thiller": ["Thriller"]},
    }
    assert api.get(f"/recommend?user_id={EVE}&liked_genres=Crme")["suggestions"] == {
        "liked_genres": {"Crme": ["Crime"]}
    }
    assert api.get("/home?genres=Comdey")["suggestions"] == {"genres": {"Comdey": ["Comedy"]}}
    page = api.get("/movies?genres=Comdey&people=Harison+Frod&people=Tom+Hanks")
    assert page["unknown_names"] == {"genres": ["Comdey"], "people": ["Harison Frod"]}
    assert page["suggestions"] == {"genres": {"Comdey": ["Comedy"]}, "people": {"Harison Frod": ["Harrison Ford"]}}
    for name in ("Comedy", "Comedies", "Comdey"):
        with django_assert_max_num_queries(2):  # the history, and titles that are not kept: names are in memory
            ask(api, genres=[name], history=[], user_id=ADA, final_k=5)


@pytest.mark.usefixtures("cast")
def test_a_new_genre_is_made_by_who_says_so_alone(site):
    [error] = site.patch(f"/movies/{NEMO}", {"genres": ["Animation", "Comdey"]}, expect=400)["errors"]
    assert error["pointer"] == "#/genres"
    assert "no genre Comdey: did you mean Comedy?" in error["detail"]
    assert not Genre.objects.filter(name="Comdey").exists()
    changed = site.patch(f"/movies/{NEMO}", {"genres": ["animation", "SciFi", "Kids"]})
    assert changed["genres"] == ["Animation", "Children", "Sci-Fi"], "other names of the genres that there are"
    changed = site.patch(f"/movies/{NEMO}", {"genres": ["Family", "sci-fi"], "create_genres": True})
    assert changed["genres"] == ["Family", "Sci-Fi"], "who makes genres means no other one"
    assert "names no field" in str(site.patch(f"/movies/{NEMO}", {"create_genres": True}, expect=400))


@pytest.mark.usefixtures("transactional_db", "cast")
def test_a_file_makes_new_genres_when_it_is_told_to(site, tmp_path):
    path = tmp_path / "films.csv"
    path.write_text("movie_id,title,genres\n70001,A,Drama|Coming of Age\n70002,B,Science Fiction\n")
    output, rejected = import_file("movies", path)
    assert "1 stored" in output
    [(line, field, reason)] = rejected
    assert (line, field) == (2, "genres")
    assert "no genre Coming of Age" in reason
    assert site.get("/movies/70002")["genres"] == ["Sci-Fi"]
    assert import_file("movies", path, create_genres=True)[1] == []
    assert site.get("/movies/70001")["genres"] == ["Coming of Age", "Drama"]
    rows = json_lines({"movie_id": 70003, "title": "C", "genres": ["Road Movie"]})
    assert run_import(site, post_rows(site, "movies", rows))["result"]["rejected"] == 1
    assert run_import(site, post_rows(site, "movies?create_genres=true", rows))["result"]["stored"] == 1


@pytest.mark.usefixtures("transactional_db")
def test_the_first_films_of_a_catalogue_bring_their_genres(site, monkeypatch):
    monkeypatch.setattr("catalog.exchange.row_import.BATCH_SIZE", 1)
    body = b"movie_id,title,genres\n1,A,Drama\n2,B,Road Movie\n"
    job = post_rows(site, "movies", body, CSV, headers={"Idempotency-Key": "first"})
    assert run_import(site, job)["result"]["stored"] == 2, "each part after the first finds genres"
    assert post_rows(site, "movies", body, CSV, headers={"Idempotency-Key": "first"})["job_id"] == job["job_id"]
    later = post_rows(site, "movies", b"movie_id,title,genres\n3,C,Noir Comedy\n", CSV)
    assert run_import(site, later)["result"]["rejected"] == 1
    Movie.objects.all().delete()
    Genre.objects.all().delete()
    site.post("/movies", {"title": "First", "genres": ["Heimatfilm"]}, expect=201)
    site.post("/movies", {"title": "Second", "genres": ["Hemiatfilm"]}, expect=400)
    assert Genre.objects.count() == 1


@pytest.mark.usefixtures("transactional_db", "cast")
def test_files_carry_the_names_of_genres(site, tmp_path):
    path = tmp_path / "genres.csv"
    path.write_text(
        "name,aliases,name:de,name:pt-br\nsci-fi,Zukunft|Raum & Zeit,Zukunftsfilm,\nHeist,,,Assalto\nCrime,ZUKUNFT,,\n"
    )
    output, rejected = import_file("genres", path)
    assert "2 stored" in output
    assert [(line, field) for line, field, _ in rejected] == [(4, "aliases")], "an alias is of one genre"
    stored = {"name": "Sci-Fi", "aliases": ["Raum & Zeit", "Zukunft"], "translations": {"de": "Zukunftsfilm"}}
    lines = [json.loads(line) for line in export_lines("genres").splitlines()]
    assert stored in lines
    assert {"name": "Heist", "aliases": [], "translations": {"pt-BR": "Assalto"}} in lines
    assert site.get("/movies?genres=zukunft") == site.get("/movies?genres=Sci-Fi") | {"next": None}
    assert "Zukunftsfilm" in [genre["name"] for genre in site.get("/genres?language=de")["results"]]
    for form in ("csv", "jsonl"):
        copy = tmp_path / f"copy.{form}"
        copy.write_text(export_lines("genres", form))
        GenreAlias.objects.all().delete()
        GenreTranslation.objects.all().delete()
        assert import_file("genres", copy)[1] == []
        assert [json.loads(line) for line in export_lines("genres").splitlines()] == lines
    rows = json_lines(
        {"name": "Sci-Fi", "aliases": [], "translations": {"de": None}}, {"name": "x" * 61}, {"aliases": []}
    )
    job = run_import(site, post_rows(site, "genres", rows))
    assert job["result"] == {"stored": 1, "duplicates": 0, "rejected": 2}
    assert site.get("/movies?genres=zukunft")["unknown_names"] == {"genres": ["zukunft"]}
