"""GET /movies?search=... as people type, filters, pages, copies, and the lists of people and genres."""

from typing import Any
from urllib.parse import urlencode

import pytest

from catalog.models import Movie, SearchWord
from catalog.services import publish_movies
from tests.support.api import ApiClient
from tests.support.cast import (
    AMELIE,
    EMPIRE,
    GODFATHER,
    GODFATHER_2,
    JEDI,
    MATRIX,
    NEMO,
    PULP_FICTION,
    RAIDERS,
    SCHINDLERS_LIST,
    SHAWSHANK,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    USUAL_SUSPECTS,
)

pytestmark = pytest.mark.usefixtures("cast")


def search_ids(api: ApiClient, **query: Any) -> list[int]:
    page = api.get(f"/movies?{urlencode(query, doseq=True)}")
    return [int(movie["movie_id"]) for movie in page["results"]]


@pytest.mark.parametrize(
    ("typed", "movies"),
    [
        ("the godfather", [GODFATHER, GODFATHER_2]),  # the very title first
        ("godfather, the", [GODFATHER, GODFATHER_2]),
        ("GODFATHER part ii", [GODFATHER_2]),
        ("amelie", [AMELIE]),
        ("Amélie", [AMELIE]),
        ("Ame\u0301lie", [AMELIE]),  # as a Mac writes it
        ("destin poulain", [AMELIE]),  # the original title
        ("schindlers list", [SCHINDLERS_LIST]),
        ("schindler\u2019s list", [SCHINDLERS_LIST]),
        ("matrix 1999", [MATRIX]),
        ("matrix 1998", []),
        ("1999 matrix", [MATRIX]),
        ("ford lost ark", [RAIDERS]),  # a person and the title
        ("tarantino", [PULP_FICTION]),
        ("star wars", [STAR_WARS, JEDI, EMPIRE]),  # the shorter, the closer
        ("star wa", [STAR_WARS, JEDI, EMPIRE]),  # still typing
        ("star w", [STAR_WARS, JEDI, EMPIRE]),
        ("harrison ford", [JEDI, RAIDERS, EMPIRE, STAR_WARS]),  # of a person the newest first
        ("matirx", [MATRIX]),
        ("godfahter", [GODFATHER, GODFATHER_2]),
        ("star wras", [STAR_WARS, JEDI, EMPIRE]),
        ("tarrantino", [PULP_FICTION]),
        ("spirted awya", [SPIRITED_AWAY]),
        ("qqqq zzzz", []),
        ("the", [USUAL_SUSPECTS, SHAWSHANK, GODFATHER, EMPIRE, RAIDERS, JEDI, GODFATHER_2, MATRIX]),
        ("...", []),
        ("'; DROP TABLE x; --", []),
        (r"'a' & !'b':* \ <->", []),
    ],
)
def test_a_search_finds_what_people_mean(api, typed, movies):
    assert search_ids(api, search=typed) == movies


def test_titles_that_begin_with_the_search_come_before_shorter_ones(api):
    wish = Movie.objects.create(title="Wish Upon a Star", year=1996)
    publish_movies([wish.pk], True)
    assert search_ids(api, search="star w") == [STAR_WARS, JEDI, EMPIRE, wish.pk]


def test_following_next_gives_every_movie_of_a_search_once_also_of_a_corrected_one(api):
    for typed in ("star wars", "star wras", "harrison", "the"):
        all_ids = search_ids(api, search=typed)
        seen, address = [], f"/movies?page_size=1&search={typed.replace(' ', '+')}"
        while address:
            page = api.get(address)
            seen += [int(movie["movie_id"]) for movie in page["results"]]
            address = page["next"]
        assert seen == all_ids
        assert len(set(seen)) > 2


def test_an_edit_past_the_services_is_found_at_once(api):
    Movie.objects.filter(pk=NEMO).update(title="Zaubermühle")
    assert search_ids(api, search="zaubermuhle") == [NEMO]
    assert search_ids(api, search="zaubermuelhe") == search_ids(api, search="zuabermuhle") == [NEMO]
    assert SearchWord.objects.filter(word="zaubermuhle").exists()


def test_filters(api, site):
    assert search_ids(api, genres=["Sci-Fi", "war"]) == [STAR_WARS, SCHINDLERS_LIST, EMPIRE, JEDI, MATRIX]
    assert search_ids(api, genres="Comedy", min_year=1995, max_year=1999) == [TOY_STORY, 3114]
    assert search_ids(api, people=["harrison ford", "AUDREY TAUTOU"], max_runtime=122) == [STAR_WARS, RAIDERS, AMELIE]
    assert search_ids(api, languages=["FR", "ja"]) == [AMELIE, SPIRITED_AWAY]
    assert search_ids(api, search="star", min_year=1980) == [JEDI, EMPIRE]
    Movie.objects.filter(pk=AMELIE).update(language="fr-CA")
    assert (search_ids(api, languages="fr"), search_ids(api, languages="fr-FR")) == ([AMELIE], [])
    publish_movies([NEMO], False)
    assert search_ids(api, search="nemo") == []
    assert search_ids(site, search="nemo", published="any") == search_ids(site, published="false") == [NEMO]
    assert api.get("/movies?published=any", expect=401)["code"] == "not_authenticated"
    for query in ("min_year=x", "published=maybe", "cursor=s1-", "&".join(["genres=x"] * 51)):
        assert site.get(f"/movies?{query}", expect=400)["errors"][0]["parameter"]


def test_an_etag_is_valid_until_a_movie_changes(api):
    for path in ("/movies?search=nemo", f"/movies/{NEMO}", "/people", "/genres"):
        first = api.client.get(path)
        etag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == "private, no-cache"
        assert "Authorization" in first.headers["Vary"]
        assert api.client.get(path, headers={"If-None-Match": etag}).status_code == 304
    publish_movies([NEMO], False)
    assert api.client.get("/genres", headers={"If-None-Match": etag}).status_code == 200
    assert api.client.get(f"/movies/{NEMO}").headers["Cache-Control"] == "private, no-store"


def test_people_and_genres(api):
    assert api.get("/people?search=ford")["results"] == [
        {"name": "Harrison Ford", "films": 4},
        {"name": "Francis Ford Coppola", "films": 2},
    ]
    page = api.get("/people?page_size=2")
    assert len(page["results"]) == 2
    assert api.get(page["next"])["results"][0]["name"] not in {entry["name"] for entry in page["results"]}
    assert api.get("/people?search=...")["results"] == []
    publish_movies([AMELIE], False)
    genres = {entry["name"]: entry["films"] for entry in api.get("/genres")["results"]}
    assert (genres["Sci-Fi"], genres["Romance"]) == (4, 0)


def test_a_search_is_two_queries_and_five_where_a_word_is_mistyped(api, django_assert_num_queries):
    for typed, queries in (("matrix", 2), ("matirx", 5)):
        with django_assert_num_queries(queries):
            api.get(f"/movies?search={typed}")
