"""GET /movies and GET /movies/{id}."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Movie
from catalog.services import publish_movies
from tests.support.cast import AMELIE, CAST_MOVIES, MATRIX, PULP_FICTION, TOY_STORY, UNKNOWN_MOVIE

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def get(client: Client, settings: Any) -> Callable[..., Any]:
    settings.API_OPEN = True

    def call(path: str, status: int = 200, **query: Any) -> Any:
        answer = client.get(path, query)
        assert answer.status_code == status, answer.content
        return answer.json()

    return call


def test_it_works(get: Callable) -> None:
    page = get("/movies", page_size=2)
    assert page["results"] == [
        {
            "movie_id": "1",
            "title": "Toy Story",
            "year": 1995,
            "genres": ["Animation", "Children", "Comedy"],
            "poster_url": "https://posters.example/1.jpg",
        },
        {
            "movie_id": "50",
            "title": "The Usual Suspects",
            "year": 1995,
            "genres": ["Crime", "Mystery", "Thriller"],
            "poster_url": "https://posters.example/50.jpg",
        },
    ]
    assert page["next"].startswith("http://localhost/movies?")


@pytest.mark.parametrize("page_size", [1, 5, 16, 1000])
def test_following_next_gives_every_movie_once(get: Callable, page_size: int) -> None:
    seen, address = [], f"/movies?page_size={page_size}"
    while address:
        page = get(address)
        seen += [int(movie["movie_id"]) for movie in page["results"]]
        address = page["next"]
    assert seen == sorted(movie.id for movie in CAST_MOVIES)


def test_search_and_genre(get: Callable) -> None:
    assert [m["movie_id"] for m in get("/movies", search="matrIX")["results"]] == [str(MATRIX)]
    assert [m["movie_id"] for m in get("/movies", search="AMÉLIE")["results"]] == [str(AMELIE)]
    for nothing in ("100%_", "\x00"):
        assert get("/movies", search=nothing)["results"] == []
    thrillers = get("/movies", genre="thriller", page_size=2)
    assert [m["movie_id"] for m in thrillers["results"]] == ["50", "296"]
    assert [m["movie_id"] for m in get(thrillers["next"])["results"]] == [str(MATRIX)]


def test_one_movie(get: Callable) -> None:
    movie = get(f"/movies/{PULP_FICTION}")
    assert movie["directors"] == ["Quentin Tarantino"]
    assert movie["actors"] == ["John Travolta", "Samuel L. Jackson", "Uma Thurman"]
    assert (movie["movie_id"], movie["runtime"], movie["certificate"]) == ("296", 154, "R")


def test_movies_that_are_not_visible_are_not_found(get: Callable) -> None:
    publish_movies([TOY_STORY], False)
    now, day = timezone.now(), timedelta(days=1)
    Movie.objects.filter(id=MATRIX).update(available_from=now + day)
    Movie.objects.filter(id=AMELIE).update(available_from=now - 2 * day, available_until=now - day)
    for gone in (TOY_STORY, MATRIX, AMELIE, UNKNOWN_MOVIE, 2**31, 10**30):
        assert f"no film {gone}" in get(f"/movies/{gone}", status=404)["detail"]
    shown = {int(movie["movie_id"]) for movie in get("/movies")["results"]}
    assert shown == {movie.id for movie in CAST_MOVIES} - {TOY_STORY, MATRIX, AMELIE}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page_size": 1001}, "page_size is at most 1000"),
        ({"page_size": 0}, "page_size is at least 1"),
        ({"page_size": "x"}, "integer"),
        ({"cursor": "abc"}, "cursor is not one"),
        ({"cursor": "--1"}, "cursor is not one"),
        ({"cursor": 2**31}, "cursor is not one"),
        ({"cursor": "9" * 2000}, "cursor is not one"),
        ({"search": "x" * 101}, "100"),
        ({"genre": "x" * 61}, "60"),
    ],
)
def test_a_limit_is_named_when_it_is_broken(get: Callable, query: dict, message: str) -> None:
    problem = get("/movies", status=400, **query)
    assert problem["status"] == 400
    assert message in str(problem)


def test_a_page_is_one_query(get: Callable, django_assert_num_queries: Callable) -> None:
    for size in (2, 16):
        with django_assert_num_queries(1):
            get("/movies", page_size=size)
    with django_assert_num_queries(1):
        get(f"/movies/{TOY_STORY}")


def test_it_is_closed_without_a_key(client: Client) -> None:
    assert client.get("/movies").status_code == 401
