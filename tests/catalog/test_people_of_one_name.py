"""People of one name: told apart by their ids at IMDb, found together by the name, written by name without a mix-up."""

import pytest

from catalog.dataset import CREDITS, GENRES, MOVIES, Dataset, to_frame
from catalog.loading import load_dataset
from catalog.models import Credit, Movie, Person
from catalog.selectors import catalogue_table
from recommender.movies.features import movie_features
from tests.support.api import recommended_ids
from tests.support.cast import ADA, NEMO, TOY_STORY
from tests.support.forms import admin_url, submit

pytestmark = pytest.mark.usefixtures("cast")
NAME = "Sam Field"


@pytest.fixture
def older_and_younger(cast):
    """Return two people of one name with ids at IMDb, the first in Nemo, the second in Toy Story."""
    people = [Person.objects.create(name=NAME, imdb_id=f"nm000002{n}") for n in (1, 2)]
    for movie, person in zip((NEMO, TOY_STORY), people, strict=True):
        Credit.objects.create(movie_id=movie, person=person, role=Credit.Role.DIRECTOR)
    return people


def people_in(movie, role=Credit.Role.DIRECTOR):
    return {credit.person_id for credit in Credit.objects.filter(movie=movie, role=role, person__name=NAME)}


@pytest.mark.usefixtures("model", "older_and_younger")
def test_a_filter_by_name_means_everybody_of_that_name(site):
    body = {"user_id": ADA, "directors": [NAME], "exclude": []}
    listed = recommended_ids(site.post("/recommend/filtered", body))
    found = {movie["movie_id"] for movie in site.get("/movies?people=Sam+Field")["results"]}
    assert found == {str(NEMO), str(TOY_STORY)}
    assert str(NEMO) in listed


def test_a_film_that_is_written_again_keeps_who_is_in_it(site, older_and_younger):
    older, younger = older_and_younger
    for movie in (NEMO, TOY_STORY):
        site.patch(f"/movies/{movie}", {"directors": [NAME, "Somebody New"]})
    assert people_in(NEMO) == {older.pk}
    assert people_in(TOY_STORY) == {younger.pk}
    assert Person.objects.filter(name=NAME).count() == 2


def test_a_name_alone_is_the_only_one_or_the_one_without_an_id(site, older_and_younger):
    older, younger = older_and_younger
    by_name = site.post("/movies", {"title": "A", "actors": [NAME]}, expect=201)["movie_id"]
    unnumbered = Person.objects.get(name=NAME, imdb_id="")  # which of two is not guessed
    again = site.post("/movies", {"title": "B", "actors": [NAME]}, expect=201)["movie_id"]
    assert people_in(by_name, Credit.Role.ACTOR) == people_in(again, Credit.Role.ACTOR) == {unnumbered.pk}
    unnumbered.delete()
    younger.delete()
    only = site.post("/movies", {"title": "C", "actors": [NAME]}, expect=201)["movie_id"]
    assert people_in(only, Credit.Role.ACTOR) == {older.pk}


def test_a_data_set_by_names_keeps_who_is_in_a_film(older_and_younger):
    older, _ = older_and_younger
    movies = [{"id": NEMO, "title": "Finding Nemo", "year": 2003}, {"id": 70_001, "title": "New", "year": 2020}]
    for _ in range(2):
        load_dataset(
            Dataset(
                name="names",
                movies=to_frame(movies, MOVIES),
                genres=to_frame([], GENRES),
                events=(),
                expected_events=0,
                credits=to_frame([(NEMO, NAME, 1, 0), (70_001, NAME, 1, 0)], CREDITS),
            )
        )
        assert people_in(NEMO) == {older.pk}
        assert people_in(70_001) == {Person.objects.get(name=NAME, imdb_id="").pk}


@pytest.mark.usefixtures("older_and_younger")
def test_the_model_learns_them_as_two():
    table = catalogue_table()
    features = dict(zip(table.ids.tolist(), movie_features(table), strict=True))
    directors = {name for movie in (NEMO, TOY_STORY) for name in features[movie] if NAME in name}
    assert len(directors) == 2
    assert f"director:{NAME}" in directors


def test_the_admin_takes_a_second_person_of_a_name_with_an_id_only(editor):
    add = admin_url("person", "add")
    assert submit(editor, add, {"name": "Tom Hanks"}).context["errors"] == [
        ["There is Tom Hanks already: to add another, enter the id at IMDb or TMDB."]
    ]
    assert submit(editor, add, {"name": "Tom Hanks", "imdb_id": "Tom"}).status_code == 200
    assert submit(editor, add, {"name": "Tom  Hanks", "imdb_id": "158"}).status_code == 302
    assert Person.objects.get(imdb_id="nm0000158").name == "Tom Hanks"
    refused = submit(editor, add, {"name": "Another", "imdb_id": "nm158"})
    assert ["Tom Hanks has this id."] in refused.context["errors"]
    assert submit(editor, add, {"name": "Tom Hanks", "tmdb_id": "31"}).status_code == 302
    taken = submit(editor, add, {"name": "Another", "tmdb_id": "31"})
    assert ["Tom Hanks has this id."] in taken.context["errors"]
    page = editor.get(admin_url("person"), {"q": "nm0000158"})
    assert [person.imdb_id for person in page.context["cl"].result_list] == ["nm0000158"]


def test_a_movie_of_the_name_alone_is_unchanged_by_people_with_ids(site, older_and_younger):
    assert Movie.objects.filter(people__name=NAME).count() == len(older_and_younger)
    shown = site.get(f"/movies/{NEMO}")
    assert shown["directors"].count(NAME) == 1
