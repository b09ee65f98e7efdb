"""GET /movies in an order, with counts by facet, and by ids."""

from collections import Counter

import pytest

from catalog.models import Movie
from catalog.services import publish_movies
from tests.support.cast import AMELIE, CAST_MOVIES, MATRIX, TOY_STORY, UNKNOWN_MOVIE

pytestmark = pytest.mark.usefixtures("cast")
KEYS = {
    "title": lambda movie: (movie.title.lower(), movie.id),
    "-title": lambda movie: ([-ord(letter) for letter in movie.title.lower()] + [1], movie.id),
    "year": lambda movie: (movie.year or 9999, movie.id),
    "-year": lambda movie: (-movie.year if movie.year else 9999, movie.id),
    "added": lambda movie: (movie.added_at, movie.id),
    "-added": lambda movie: (-movie.added_at.timestamp(), movie.id),
}


def ids(body):
    return [movie["movie_id"] for movie in body["results"]]


def pages(api, **query):
    body = api.get("/movies", data=query)
    yield ids(body)
    while body["next"]:
        body = api.get(body["next"].removeprefix("http://localhost"))
        yield ids(body)


@pytest.mark.parametrize("sort", KEYS)
def test_pages_in_an_order(api, sort):
    Movie.objects.create(title="Without a year")
    Movie.objects.create(title="THE MATRIX", year=1999)

    found = list(pages(api, sort=sort, page_size=4))

    expected = [str(movie.pk) for movie in sorted(Movie.objects.all(), key=KEYS[sort])]
    assert [movie for page in found for movie in page] == expected
    assert all(len(page) == 4 for page in found[:-1])


def test_a_page_in_an_order_goes_on_where_it_ended_whatever_was_added(api):
    first = api.get("/movies?sort=title&page_size=4")
    Movie.objects.create(title="A newcomer in front")
    Movie.objects.filter(id=int(ids(first)[1])).delete()

    rest = [movie for page in pages(api, **cursor_of(first)) for movie in page]

    assert not set(rest) & set(ids(first))
    assert len(rest) == len(CAST_MOVIES) - 4


def cursor_of(body):
    return {"sort": "title", "page_size": 4, "cursor": body["next"].partition("cursor=")[2].partition("&")[0]}


def test_facets_count_the_films_that_the_other_filters_match(api):
    Movie.objects.filter(id=AMELIE).update(countries=["FR", "DE"])
    body = api.get("/movies?genres=Crime&min_year=1990&facets=genres,decades,languages,certificates,people,countries")

    facets = {name: {item["value"]: item["films"] for item in counts} for name, counts in body["facets"].items()}
    films = list(CAST_MOVIES)
    since_1990 = [film for film in films if film.year >= 1990]
    crime = [film for film in films if "Crime" in film.genres.split("|")]
    both = [film for film in crime if film.year >= 1990]
    assert facets["genres"] == Counter(genre for film in since_1990 for genre in film.genres.split("|"))
    assert facets["decades"] == Counter(str(film.year // 10 * 10) for film in crime)
    assert facets["languages"] == Counter(film.language for film in both)
    assert facets["certificates"] == Counter(film.certificate for film in both)
    assert facets["people"] == Counter(n for film in both for n in [film.director, *film.actors.split("|")])
    assert facets["countries"] == {}
    assert api.get("/movies?facets=countries")["facets"]["countries"] == [
        {"value": "DE", "films": 1},
        {"value": "FR", "films": 1},
    ]
    assert ids(body) == [str(film.id) for film in both]


def test_a_facet_counts_nothing_hidden_or_too_old(api):
    Movie.objects.filter(id=TOY_STORY).update(published=False)
    publish_movies([TOY_STORY], False)

    body = api.get("/movies?facets=certificates&age_limit=8")

    assert body["facets"]["certificates"] == [{"value": "PG", "films": 5}, {"value": "G", "films": 2}]


def test_more_filters(api):
    Movie.objects.filter(id=AMELIE).update(countries=["FR"])

    assert ids(api.get("/movies?countries=fr")) == [str(AMELIE)]
    assert set(ids(api.get("/movies?certificates=G&certificates=PG"))) == {
        str(film.id) for film in CAST_MOVIES if film.certificate in ("G", "PG")
    }
    assert set(ids(api.get("/movies?genres=Sci-Fi&exclude_genres=Thriller"))) == {
        str(film.id) for film in CAST_MOVIES if "Sci-Fi" in film.genres and "Thriller" not in film.genres
    }


def test_films_by_their_ids_come_in_the_order_asked(api, django_assert_num_queries):
    Movie.objects.filter(id=MATRIX).update(imdb_id="tt0133093", tmdb_id=603)
    Movie.objects.filter(id=AMELIE).update(published=False)

    with django_assert_num_queries(3):
        body = api.get(f"/movies?ids={TOY_STORY},imdb:tt0133093,{UNKNOWN_MOVIE},{AMELIE},50,tmdb:603,x")

    assert ids(body) == [str(TOY_STORY), str(MATRIX), "50"]
    assert body["unknown_ids"] == [str(UNKNOWN_MOVIE), str(AMELIE), "x"]
    assert body["next"] is None
    assert ids(api.get(f"/movies?ids={TOY_STORY},50&age_limit=8")) == [str(TOY_STORY)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=best", "sort"),
        ("facets=genres,actors", "facets"),
        ("search=matrix&sort=title", "sort"),
        ("search=matrix&facets=genres", "facets"),
        ("ids=1&genres=Crime", "genres"),
        ("ids=" + ",".join(["1"] * 201), "ids"),
        ("sort=title&cursor=50", "cursor"),
        ("sort=title&cursor=oWyJ5ZWFyIiwxLDFd", "cursor"),
        ("sort=year&cursor=oWyJ5ZWFyIiwieCIsMV0", "cursor"),
        ("sort=year&cursor=o!", "cursor"),
    ],
)
def test_what_cannot_be_is_refused(api, query, parameter):
    assert parameter in [error["parameter"] for error in api.get(f"/movies?{query}", expect=400)["errors"]]
