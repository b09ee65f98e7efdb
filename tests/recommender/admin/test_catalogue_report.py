"""What the catalogue lacks: the command, the admin's page with its links, and the API tell the same."""

import json
import re
from io import StringIO

import lxml.html
import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from catalog.models import Credit, Movie, MovieAvailability, Person
from catalog.selectors import doubles
from catalog.services import delete_movies
from recommender.models import ApiKey
from tests.support.admin import get_in_few_queries
from tests.support.cast import AMELIE, GODFATHER, MATRIX, NEMO, PULP_FICTION, SHAWSHANK
from tests.support.forms import admin_url
from tests.support.tiny_model import clear_caches

pytestmark = pytest.mark.usefixtures("cast")
PAGE = "/admin/catalog/movie/report/"
WITHOUT = {
    "poster": 1,
    "certificate": 1,
    "overview": 17,
    "year": 1,
    "runtime": 1,
    "genres": 1,
    "people": 1,
    "language": 1,
    "countries": 16,
    "imdb_id": 15,
    "tmdb_id": 16,
    "availability": 15,
    "events": 3,
}


@pytest.fixture(autouse=True)
def catalogue(cast):
    """The cast's 16 films, and one of which nothing is known."""
    clear_caches()  # another test's catalogue may have had the same version
    Movie.objects.create(title="Nothing is known")
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0266543", tmdb_id=12, countries=["US"])
    Movie.objects.filter(pk=MATRIX).update(imdb_id="tt0133093", available_until="2090-01-01T00:00Z")
    MovieAvailability.objects.create(movie_id=AMELIE, country="FR")


def report():
    out = StringIO()
    call_command("catalogue_report", "--json", stdout=out)
    return json.loads(out.getvalue())


def same_title(**facts):
    return Movie.objects.create(**{"title": "The Matrix", "year": 1999, **facts})


def directed(movie, *names):
    for name in names:
        person, _ = Person.objects.get_or_create(name=name)
        Credit.objects.create(movie=movie, person=person, role=Credit.Role.DIRECTOR)
    return movie


def films_of(title):
    return [entry["films"] for entry in report()["doubles"]["listed"] if entry["title"] == title]


def test_the_command_counts_what_films_lack():
    counted = report()
    assert counted["movies"] == 17
    assert {fact: missing["movies"] for fact, missing in counted["missing"].items()} == WITHOUT
    assert counted["missing"]["overview"]["share"] == 1
    assert counted["missing"]["poster"]["share"] == round(1 / 17, 4)

    out = StringIO()
    call_command("catalogue_report", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "17 films; of them without"
    assert re.sub(" +", " ", lines[1]) == " poster 1 5.9%"
    assert "0 titles and years have more than one film" in out.getvalue()


def test_each_count_of_the_page_leads_to_these_films(editor):
    double = same_title()
    page = get_in_few_queries(editor, PAGE)
    links = lxml.html.fromstring(page.content.decode()).xpath("//td/a[contains(@href, '?report=')]")
    shown = {link.get("href").split("=")[1]: int(link.text) for link in links}
    expected = {fact: films + (fact != "year") for fact, films in WITHOUT.items()}
    assert shown == expected | {"namesakes": 2, "doubles": 2}
    for link in links:
        changelist = get_in_few_queries(editor, link.get("href"))
        assert changelist.context["cl"].result_count == int(link.text), link.get("href")
    assert f"{MATRIX}</a> = <a" in page.content.decode()
    assert admin_url("movie", "change", double.pk) in page.content.decode()


def test_the_films_list_links_to_the_page_and_knows_no_other_count(editor):
    page = lxml.html.fromstring(editor.get(admin_url("movie")).content.decode())
    [link] = page.xpath("//a[normalize-space()='What the catalogue lacks']/@href")
    onward = editor.get(link, follow=True)
    assert onward.redirect_chain[-1][0] == PAGE
    assert editor.get(f"{admin_url('movie')}?report=zzz").status_code == 302


def test_who_may_see_films_may_see_the_page(client):
    for role, status in (("analyst", 200), ("editor", 200), (None, 403)):
        user = User.objects.create_user(f"the {role}", is_staff=True)
        user.groups.set(Group.objects.filter(name=role))
        browser = Client()
        browser.force_login(user)
        assert browser.get(PAGE).status_code == status, role
    assert client.get(PAGE).status_code == 302


def test_a_key_that_writes_the_catalogue_reads_the_report(client_with):
    assert client_with(ApiKey.Scope.CATALOGUE).get("/catalogue/report") == report()
    client_with(ApiKey.Scope.READ).get("/catalogue/report", expect=403)


def test_more_events_than_a_page_should_read_are_not_counted(editor, site, monkeypatch):
    for place in ("catalog.api.views", "recommender.admin.catalogue_report"):
        monkeypatch.setattr(f"{place}.MAX_COUNTED_EVENTS", -2)
    assert site.get("/catalogue/report")["missing"]["events"] == {"movies": None, "share": None}
    assert b"too many events" in editor.get(PAGE).content
    assert report()["missing"]["events"]["movies"] == 3


@pytest.mark.parametrize("title", ["The Matrix", "the MATRIX", "The  Mátrix!", "THE-MATRIX"])
def test_films_of_one_title_and_year_count_as_one(title):
    double = same_title(title=title)
    counted = report()["doubles"]
    assert (counted["titles"], counted["movies"], counted["counted_as_one"]) == (1, 2, 2)
    assert counted["listed"] == [{"title": "The Matrix", "year": 1999, "films": [[str(MATRIX), str(double.pk)]]}]


@pytest.mark.parametrize("facts", [{"year": 2003}, {"year": None}, {"title": "The Matrix Reloaded"}])
def test_another_title_or_year_is_another_film(facts):
    same_title(**facts)
    assert report()["doubles"]["titles"] == 0


def test_two_films_without_a_year_are_no_doubles():
    Movie.objects.create(title="Nothing is known")
    assert report()["doubles"]["titles"] == 0


def test_directors_who_are_known_on_both_sides_tell_films_apart():
    other = directed(same_title(), "Somebody Else")
    assert films_of("The Matrix") == [[[str(MATRIX)], [str(other.pk)]]]
    directed(other, "Lana Wachowski")
    assert films_of("The Matrix") == [[[str(MATRIX), str(other.pk)]]]


def test_ids_at_tmdb_tell_films_apart_and_ids_at_imdb_do_not():
    other = same_title(imdb_id="tt9999991")
    Movie.objects.filter(pk=MATRIX).update(tmdb_id=603)
    assert films_of("The Matrix") == [[[str(MATRIX), str(other.pk)]]]
    Movie.objects.filter(pk=other.pk).update(tmdb_id=604)
    assert films_of("The Matrix") == [[[str(MATRIX)], [str(other.pk)]]]
    Movie.objects.filter(pk=other.pk).update(imdb_id="tt0133093")
    assert films_of("The Matrix") == [[[str(MATRIX), str(other.pk)]]]


def test_a_film_that_may_be_either_of_two_is_neither():
    other, unknown = directed(same_title(), "Somebody Else"), same_title()
    assert films_of("The Matrix") == [[[str(MATRIX)], [str(other.pk)], [str(unknown.pk)]]]
    Movie.objects.filter(pk__in=(other.pk, unknown.pk)).update(tmdb_id=604)
    assert films_of("The Matrix") == [[[str(MATRIX)], [str(other.pk), str(unknown.pk)]]]


def test_a_title_of_many_films_of_a_year_makes_none_a_double():
    Movie.objects.bulk_create(Movie(title="Episode 1", year=2001) for _ in range(doubles.MAX_NAMESAKES + 1))
    counted = report()["doubles"]
    assert (counted["titles"], counted["movies"], counted["counted_as_one"]) == (1, 21, 0)


def test_the_lists_of_doubles_are_bounded(editor, monkeypatch):
    monkeypatch.setattr("catalog.selectors.completeness.MAX_LISTED", 2)
    films = {GODFATHER: "The Godfather", PULP_FICTION: "Pulp Fiction", SHAWSHANK: "The Shawshank Redemption"}
    for pk, title in films.items():
        Movie.objects.create(title=title, year=Movie.objects.get(pk=pk).year)
    directed(Movie.objects.create(title="Toy Story", year=1995), "Somebody Else")
    counted = report()["doubles"]
    assert (counted["titles"], counted["counted_as_one"]) == (4, 6)
    assert [entry["title"] for entry in counted["listed"]] == ["Pulp Fiction", "The Godfather"]
    out = StringIO()
    call_command("catalogue_report", stdout=out)
    assert out.getvalue().splitlines()[-1] == "  and 2 more"
    assert b"and 2 more." in editor.get(PAGE).content
    assert "Toy Story" not in out.getvalue()


def test_an_empty_catalogue_has_a_report(editor):
    delete_movies(list(Movie.objects.values_list("pk", flat=True)))
    assert report()["missing"]["poster"] == {"movies": 0, "share": 0}
    assert b"There are none." in editor.get(PAGE).content
