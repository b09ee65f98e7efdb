"""GET /movies by popularity and by rating: what viewers did, counted by beat."""

import pytest
from django.db import connection

from catalog.models import Movie, MovieStanding
from catalog.services import delete_movies
from recommender import tasks
from recommender.serving.candidates import charts
from tests.support.api import recommended_ids
from tests.support.cast import AMELIE, BEN, JEDI, MATRIX, NEMO, STAR_WARS, TOY_STORY
from tests.support.tiny_model import INVENTED, clear_caches
from tests.support.viewer_traces import event

pytestmark = pytest.mark.usefixtures("model")
ORDERS = ("popularity", "rating")


def counted(site, *events):
    """Send events, and let beat count."""
    if events:
        site.post("/events", list(events))
    tasks.refresh_charts()
    clear_caches()


def pages(site, query, page_size=7):
    """Return the movies of all pages, page by page."""
    found, path = [], f"/movies?{query}&page_size={page_size}"
    while path:
        body = site.get(path)
        found.append([movie["movie_id"] for movie in body["results"]])
        path = body["next"] and body["next"].removeprefix("http://testserver")
    return found


def in_order(site, query):
    return [movie for page in pages(site, query) for movie in page]


def rated(stars, *viewers, movie=NEMO, day=0):
    return [event(viewer, movie, "rating", day, rating=stars) for viewer in viewers]


@pytest.mark.parametrize("sort", ORDERS)
def test_every_film_comes_once_whatever_is_equal(site, sort):
    site.post("/movies", {"movie_id": "own/1", "title": "Of a key", "genres": ["Sci-Fi"]}, expect=201)
    counted(site, *rated(4, BEN, "own@x", movie="own/1"))

    found = pages(site, f"sort={sort}")

    films = [movie for page in found for movie in page]
    assert sorted(films) == sorted(movie.key or str(movie.pk) for movie in Movie.objects.all())
    assert all(len(page) == 7 for page in found[:-1])
    standing = {row.movie.key or str(row.pk): getattr(row, sort) for row in MovieStanding.objects.select_related()}
    numbers = {movie.key or str(movie.pk): movie.pk for movie in Movie.objects.all()}
    assert films == sorted(films, key=lambda film: (-standing.get(film, 0), numbers[film]))
    assert len(set(standing.values())) < len(standing), "some are equal"
    assert films == [movie for page in pages(site, f"sort={sort}", 1) for movie in page]


def test_popularity_is_that_of_the_chart(site):
    counted(site, *[event(viewer, TOY_STORY, day=50) for viewer in range(5_000, 5_020)])

    by_popularity = in_order(site, "sort=popularity")

    chart = recommended_ids(site.get("/popular?top_k=200"))
    watched = MovieStanding.objects.filter(popularity__gt=0).count()
    assert by_popularity[0] == chart[0] == str(TOY_STORY)
    assert by_popularity[:3] == chart[:3]
    assert set(by_popularity[:watched]) == set(chart[:watched])


def test_films_without_a_rating_come_last_and_few_ratings_weigh_little(site):
    crowd, movies = range(6_000, 6_012), INVENTED["Crime"][:3]
    counted(
        site,
        *rated(4.5, *crowd, movie=JEDI),
        *rated(3, *crowd, movie=MATRIX),
        *rated(5, 6_000, movie=STAR_WARS),
        *rated(0.5, *crowd, movie=AMELIE),
        *[event(6_001, movie) for movie in movies],
    )

    found = in_order(site, "sort=rating")

    rated_films = set(MovieStanding.objects.filter(rating__gt=0).values_list("pk", flat=True))
    assert {JEDI, MATRIX, STAR_WARS, AMELIE} <= rated_films
    assert set(found[: len(rated_films)]) == set(map(str, rated_films))
    places = [found.index(str(movie)) for movie in (JEDI, STAR_WARS, MATRIX, AMELIE)]
    assert places == sorted(places), "one five is less than twelve times four and a half"
    assert not rated_films & set(movies)


def test_the_last_word_is_the_rating(site):
    counted(site, *rated(5, *range(6_000, 6_020), movie=JEDI), *rated(4, *range(6_000, 6_020), movie=NEMO))
    assert next(movie for movie in in_order(site, "sort=rating") if movie in (str(JEDI), str(NEMO))) == str(JEDI)
    before = MovieStanding.objects.get(pk=JEDI).rating

    counted(site, *rated(1, *range(6_000, 6_020), movie=JEDI, day=3), *rated(5, 6_000, movie=JEDI, day=-3))

    assert MovieStanding.objects.get(pk=JEDI).rating < before
    assert next(movie for movie in in_order(site, "sort=rating") if movie in (str(JEDI), str(NEMO))) == str(NEMO)


@pytest.mark.parametrize("sort", ORDERS)
def test_filters_facets_and_age_limits_hold_in_these_orders(site, sort):
    counted(site, *rated(5, 6_000, movie=TOY_STORY), *rated(4, 6_000, movie=NEMO), *rated(4, 6_000, movie=MATRIX))

    found = in_order(site, f"sort={sort}&genres=Comedy&age_limit=8")

    assert set(found) == set(in_order(site, "genres=Comedy&age_limit=8"))
    plain = site.get("/movies?facets=genres,people,decades&genres=Comedy")["facets"]
    assert site.get(f"/movies?facets=genres,people,decades&genres=Comedy&sort={sort}")["facets"] == plain
    Movie.objects.filter(pk=TOY_STORY).update(published=False)
    assert str(TOY_STORY) not in in_order(site, f"sort={sort}")


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_go_on_where_they_ended(site, sort):
    counted(site, *rated(4, 6_000, 6_001, movie=NEMO))
    first = site.get(f"/movies?sort={sort}&page_size=40")
    shown = [movie["movie_id"] for movie in first["results"]]
    Movie.objects.create(title="A newcomer")
    delete_movies([int(shown[-1])])

    rest, path = [], first["next"]
    while path:
        body = site.get(path.removeprefix("http://testserver"))
        rest += [movie["movie_id"] for movie in body["results"]]
        path = body["next"]

    assert not set(rest) & set(shown)
    assert len(rest) == len(set(rest)) == Movie.objects.count() - 39


@pytest.mark.parametrize("sort", ORDERS)
def test_a_count_between_two_pages_neither_repeats_nor_drops_a_film(site, sort):
    counted(site, *rated(4, 6_000, 6_001, movie=NEMO), *rated(3, 6_000, 6_001, movie=JEDI))
    before = in_order(site, f"sort={sort}")
    first = site.get(f"/movies?sort={sort}&page_size=5")
    shown = [movie["movie_id"] for movie in first["results"]]
    risen, new, fallen = int(before[-1]), INVENTED["Crime"][-1], int(shown[0])
    crowd = range(6_000, 6_040)
    counted(
        site,
        *rated(5, *crowd, movie=risen),
        *rated(5, *crowd, movie=new),
        *rated(0.5, *crowd, movie=fallen, day=90),
        *(event(viewer, movie, day=90) for viewer in crowd for movie in (risen, new)),
    )

    rest, path = [], first["next"]
    while path:
        body = site.get(path.removeprefix("http://testserver"))
        rest += [movie["movie_id"] for movie in body["results"]]
        path = body["next"]

    assert shown + rest == before
    now = in_order(site, f"sort={sort}")
    assert now != before
    assert sorted(now) == sorted(before)
    assert now.index(str(risen)) < 5, "who begins again sees the new count"


def test_what_nobody_watches_any_more_stands_nowhere(site):
    counted(site, *rated(4, 6_000, movie=NEMO))
    assert site.delete("/users/6000/events?movie_id=" + str(NEMO))["events"] == 1
    counted(site)
    assert MovieStanding.objects.get(pk=NEMO).rating == 0
    delete_movies([NEMO])
    assert not MovieStanding.objects.filter(pk=NEMO).exists()


def test_a_large_site_s_ratings_are_counted_by_night(site, monkeypatch):
    site.post("/events", rated(4, *range(6_000, 6_050), movie=NEMO))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_watchevent")
    monkeypatch.setattr(charts, "REFRESH_ROWS", 10)
    counted(site)
    assert not MovieStanding.objects.filter(rating__gt=0).exists()
    assert tasks.refresh_ratings() == MovieStanding.objects.filter(rating__gt=0).count()
    assert MovieStanding.objects.get(pk=NEMO).rating == pytest.approx(4, abs=0.1)


def test_only_the_best_come_first(site):
    for sort in ("-popularity", "-rating"):
        [error] = site.get(f"/movies?sort={sort}", expect=400)["errors"]
        assert error["parameter"] == "sort"
    error = site.get("/movies?sort=rating&cursor=oWyJyYXRpbmciLDEsMV0", expect=400)["errors"][0]
    assert error["parameter"] == "cursor"
