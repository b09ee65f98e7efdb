"""Refused forms: their pages show the stored record, and the admin refuses what the API refuses."""

import json

import pytest

from catalog.models import Genre, Movie
from recommender.models import ApiKey
from tests.support.cast import ADA, NEMO, PULP_FICTION, STAR_WARS
from tests.support.forms import admin_url, submit

pytestmark = pytest.mark.usefixtures("model")
REFUSED = [
    ("imdb_id", "27503384", "Write tt27503384."),
    ("imdb_id", "banana", "as in tt0114709"),
    ("tmdb_id", "0", ""),
    ("year", "1066", ""),
    ("runtime", "0", ""),
    ("runtime", "32768", ""),
    ("language", "English!", ""),
    ("title", " ", ""),
    ("title", "x" * 301, ""),
    ("overview", "x" * 20_001, ""),
    ("poster_url", "no address", ""),
    ("certificate", "x" * 13, ""),
    ("imdb_id", "tt0111161", "has this"),
    ("tmdb_id", "278", "has this"),
]


def test_the_page_of_a_refused_movie_shows_the_stored_movie(admin_client):
    path = admin_url("movie", "change", STAR_WARS)
    answer = submit(admin_client, path, {"title": "Changed", "certificate": "NC-17", "year": "1066"})
    content = answer.content.decode()
    assert answer.status_code == 200
    assert "It can be watched now." in content
    assert "It cannot be watched now." not in content
    assert "Certificate PG" in content
    assert "8 years" in content
    assert answer.context["original"].title != "Changed"
    assert "Similar films" in content
    assert answer.context["adminform"].form["title"].value() == "Changed"


def test_the_page_of_a_refused_viewer_shows_the_stored_viewer(admin_client):
    answer = submit(admin_client, admin_url("viewer", "change", ADA), {"name": "Other", "age_limit": "22"})
    content = answer.content.decode()
    assert answer.status_code == 200
    assert "No history yet" not in content
    assert answer.context["listed"]
    assert str(answer.context["original"]) == f"Viewer {ADA}"


def test_a_new_movie_has_no_summary(admin_client):
    answer = submit(admin_client, admin_url("movie", "add"), {"title": "", "year": "1066"})
    assert answer.status_code == 200
    assert "watched now" not in answer.content.decode()


@pytest.mark.parametrize(("field", "value", "hint"), REFUSED)
def test_the_admin_refuses_what_the_api_refuses(admin_client, client, field, value, hint):
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0111161", tmdb_id=278)
    _, key = ApiKey.objects.create_key(name="shop", scopes=["catalog:write"])
    body = json.dumps({field: int(value) if value.isdigit() and field != "imdb_id" else value})
    header = {"Authorization": f"Api-Key {key}"}
    api = client.patch(f"/movies/{PULP_FICTION}", body, "application/json", headers=header)
    assert api.status_code in (400, 409)
    page = submit(admin_client, admin_url("movie", "change", PULP_FICTION), {field: value})
    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert hint in api.content.decode()
    assert hint in page.content.decode()


def test_the_admin_normalises_as_the_api_does_and_warns_of_unknown_certificates(admin_client):
    path = admin_url("movie", "change", PULP_FICTION)
    changes = {"title": "Pulp   Fiction", "imdb_id": "tt110912", "certificate": "banana"}
    answer = submit(admin_client, path, changes, follow=True)
    movie = Movie.objects.get(pk=PULP_FICTION)
    assert (movie.title, movie.imdb_id, movie.certificate) == ("Pulp Fiction", "tt0110912", "banana")
    [warning] = [str(message) for message in answer.context["messages"] if "No age is known" in str(message)]
    assert "'banana'" in warning
    assert "PG-13" in warning


def test_a_genre_exists_once(admin_client):
    answer = submit(admin_client, admin_url("genre", "add"), {"name": "cRIME"})
    assert "There is the genre Crime already." in answer.content.decode()
    assert Genre.objects.filter(name__iexact="crime").count() == 1


@pytest.mark.parametrize(
    "text",
    [
        str(PULP_FICTION),
        "tt0110912",
        "0110912",
        "https://www.imdb.com/title/tt0110912/?ref_=nv",
        "680",
        "imdb:tt0110912",
        "https://www.themoviedb.org/movie/680-pulp-fiction",
        "tmdb:680",
    ],
)
def test_a_movie_is_found_by_each_of_its_ids(admin_client, text):
    Movie.objects.filter(pk=PULP_FICTION).update(imdb_id="tt0110912", tmdb_id=680)
    rows = admin_client.get(admin_url("movie"), {"q": text}).context["cl"].result_list
    assert [movie.pk for movie in rows] == [PULP_FICTION]
