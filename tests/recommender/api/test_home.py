"""GET /home: rows with a reason each, no film twice, in an order of the viewer's own."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from catalog.models import Movie, WatchEvent
from catalog.services import publish_movies, record_events, save_record
from recommender.ml.ranker import Ranker
from recommender.models import ModelVersion
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    AMELIE,
    BEN,
    CLEO,
    DAN,
    EMPIRE,
    EVE,
    JEDI,
    MATRIX,
    MORNING,
    RAIDERS,
    STAR_WARS,
    rating_event,
    watch_event,
)
from tests.support.tiny_model import INVENTED, TINY_MODEL, UNKNOWN_TO_MODEL, clear_caches

pytestmark = pytest.mark.usefixtures("model")
SPACE = {str(film) for film in INVENTED["Sci-Fi"]}
WATCHED = {str(film) for film in (STAR_WARS, EMPIRE, JEDI, MATRIX, AMELIE)}


def rows(body):
    return {row["key"]: row for row in body["rows"]}


def shown(body):
    return [movie["movie_id"] for row in body["rows"] for movie in row["films"]]


def in_row(row):
    return [movie["movie_id"] for movie in row["films"]]


def test_it_works(api):
    body = api.get(f"/home?user_id={ADA}&row_length=6")

    assert (body["user_id"], body["model_version"], body["is_known_user"]) == (ADA, TINY_MODEL, True)
    assert not body["degraded"]
    for row in body["rows"]:
        assert set(row) == {
            "key",
            "kind",
            "about",
            "title",
            "reason",
            "source",
            "recommendation_id",
            "films",
            "see_all",
        }
        assert set(row["films"][0]) == {"movie_id", "title", "year", "genres", "poster_url"}
        assert row["title"]
        assert row["reason"]
        assert 4 <= len(row["films"]) <= 6
    assert len({row["recommendation_id"] for row in body["rows"]}) == len(rows(body)) == len(body["rows"])
    assert {"top_picks", "new", "popular", "genre:Sci-Fi"} <= set(rows(body))
    assert rows(body)["top_picks"]["source"] == "model"


def test_a_similar_movie_is_listed_as_soon_as_its_window_opens(api):
    """The neighbours are cached before. At noon, as on another day it would be the newest and stand in that row."""
    noon = timezone.now().replace(hour=12)
    with time_machine.travel(noon):
        page = api.get(f"/home?user_id={ADA}&rows=20")
        beside = next(row for row in page["rows"] if row["kind"] == "because_you_watched")
        movie = Movie.objects.get(id=int(in_row(beside)[0]))
        movie.available_from = noon + timedelta(hours=1)
        save_record(movie)
        closed = api.get(f"/home?user_id={ADA}&rows=20")

    with time_machine.travel(noon + timedelta(hours=2)):
        opened = api.get(f"/home?user_id={ADA}&rows=20")

    assert str(movie.id) not in shown(closed)
    assert str(movie.id) in in_row(rows(opened)[beside["key"]])


def test_the_top_picks_are_the_viewers_list(api):
    body = api.get(f"/home?user_id={ADA}&row_length=10")

    listed = api.get(f"/recommend?user_id={ADA}&top_k=10")

    assert listed["source"] == "cache", "the page has stored what it asked the model for"
    assert in_row(body["rows"][0]) == recommended_ids(listed)
    assert rows(api.get(f"/home?user_id={ADA}&row_length=10"))["top_picks"]["source"] == "cache"


def test_no_film_comes_twice_and_none_that_was_seen(api):
    body = api.get(f"/home?user_id={ADA}&rows=20&row_length=9")

    assert len(shown(body)) == len(set(shown(body)))
    again = rows(body).pop("watch_again")
    assert set(in_row(again)) <= WATCHED | {str(RAIDERS)}
    assert not WATCHED & (set(shown(body)) - set(in_row(again)))


def test_a_because_you_watched_row_has_the_movies_neighbours(api):
    body = api.get(f"/home?user_id={ADA}&rows=20&row_length=5")

    about = [row for row in body["rows"] if row["kind"] == "because_you_watched"]
    assert about
    assert about[0]["about"] in WATCHED - {str(AMELIE)}, "two stars are no liking"
    title = Movie.objects.get(id=about[0]["about"]).title
    assert (about[0]["title"], about[0]["reason"]) == (f"Because you watched {title}", f"You liked {title}.")
    near = [item["movie_id"] for item in api.post("/similar", {"movie_id": about[0]["about"], "top_k": 60})["similar"]]
    places = [near.index(item) for item in in_row(about[0])]
    assert places == sorted(places), "in the order of likeness, without what other rows show"


def test_a_favourite_person_has_a_row(api):
    more = range(6000, 6020)  # rows above may take some of them
    Movie.objects.bulk_create(Movie(id=movie, title=f"Ford {movie}", year=movie - 4020) for movie in more)
    ford = Movie.objects.get(id=STAR_WARS).credits.get(person__name="Harrison Ford")
    for movie in more:
        Movie.objects.get(id=movie).credits.create(person=ford.person, role=ford.role)
    publish_movies([6000], True)

    row = rows(api.get(f"/home?user_id={ADA}&rows=20&row_length=4"))["actor:Harrison Ford"]

    assert row["title"] == "More with Harrison Ford"
    assert set(in_row(row)) <= set(map(str, more))
    assert row["reason"].startswith("You liked Raiders of the Lost Ark and ")


def test_unwatched_new_movies_have_a_row(api):
    """The model's ranking among them; those that it does not know yet by their genres."""
    Movie.objects.update(added_at=timezone.now() - timedelta(days=90))
    new = [UNKNOWN_TO_MODEL, *INVENTED["Crime"][:10], *INVENTED["Sci-Fi"][:10]]
    Movie.objects.filter(id__in=new).update(added_at=timezone.now())
    publish_movies([UNKNOWN_TO_MODEL], True)

    row = rows(api.get(f"/home?user_id={ADA}&rows=4&row_length=2"))["new"]

    assert (row["source"], row["title"]) == ("latest", "New films")
    assert set(in_row(row)) <= {*SPACE, str(UNKNOWN_TO_MODEL)}, "science fiction before crime"


def test_rows_come_by_the_models_score_of_their_first_films(api):
    """Ada and Cleo: the same catalogue, another order."""
    later = MORNING + timedelta(days=20)
    record_events([watch_event(7000 + n, movie, later) for n, movie in enumerate(2 * INVENTED["Crime"][:8])])
    clear_caches()

    ada, cleo = (api.get(f"/home?user_id={viewer}&rows=20&row_length=4") for viewer in (ADA, CLEO))

    assert ada["rows"][0]["key"] == cleo["rows"][0]["key"] == "top_picks"
    order = [[row["kind"] for row in body["rows"]] for body in (ada, cleo)]
    assert order[0] != order[1]
    assert all(above != below for above, below in zip(order[0], order[0][1:], strict=False))


@pytest.mark.parametrize("who", ["", f"user_id={EVE}&"])
def test_a_page_without_a_history_is_of_popular_movies(api, who):
    later = MORNING + timedelta(days=20)
    record_events([watch_event(7000 + n, movie, later) for n, movie in enumerate(2 * INVENTED["Crime"][:8])])
    clear_caches()

    body = api.get(f"/home?{who}row_length=5")

    assert [row["key"] for row in body["rows"]][:3] == ["trending", "popular", "new"]
    assert body["rows"][3]["kind"] == "popular_genre"
    assert {row["source"] for row in body["rows"]} == {"trending", "popular", "latest"}
    assert body["model_version"] is None
    assert not body["is_known_user"]


def test_one_movie_is_enough_for_a_personal_page(api):
    body = api.get(f"/home?user_id={DAN}&row_length=5")

    assert body["rows"][0]["key"] == "top_picks"
    assert len(body["rows"]) >= 3


def test_without_a_model_there_are_rows_by_content_and_by_everyone(api):
    ModelVersion.objects.update(status=ModelVersion.Status.RETIRED)
    clear_caches()

    body = api.get(f"/home?user_id={ADA}&rows=20&row_length=5")

    assert body["model_version"] is None
    assert {"because_you_watched", "popular", "new", "genre"} <= {row["kind"] for row in body["rows"]}
    assert "top_picks" not in rows(body)
    assert {row["source"] for row in body["rows"]} <= {
        *("similar", "popular", "trending", "latest", "content", "history")
    }


def test_it_costs_a_query_and_the_model_reads_a_history_once(api, monkeypatch, django_assert_num_queries):
    encoded, ranked = [], []
    encode, top = Ranker.encode, Ranker.top
    monkeypatch.setattr(Ranker, "encode", lambda self, *args: encoded.append(1) or encode(self, *args))
    monkeypatch.setattr(Ranker, "top", lambda self, *args: ranked.append(1) or top(self, *args))
    api.get("/home?row_length=50")
    with django_assert_num_queries(2):  # the history, the titles that this process has not shown yet
        api.get(f"/home?user_id={ADA}&row_length=50")
    assert (len(encoded), len(ranked)) == (1, 1)

    with django_assert_num_queries(0):  # it is stored
        api.get(f"/home?user_id={ADA}&row_length=50")
    with django_assert_num_queries(1):  # the history
        api.get(f"/home?user_id={ADA}&row_length=49")
    with django_assert_num_queries(0):  # which this process knows now
        api.get(f"/home?user_id={ADA}&row_length=49&at=2024-04-01")
    with django_assert_num_queries(0):
        api.get("/home?row_length=49")

    assert (len(encoded), len(ranked)) == (2, 2), "only for the moment that was told"


def test_an_event_and_an_edit_are_true_on_the_next_page(api, site):
    first, second, *_ = shown(api.get(f"/home?user_id={ADA}"))

    site.post("/events", {"user_id": ADA, "movie_id": first, "kind": "watch"})
    publish_movies([int(second)], False)

    assert not {first, second} & set(shown(api.get(f"/home?user_id={ADA}")))


def test_filters_and_exclusions_hold_for_the_whole_page(api):
    first = shown(api.get(f"/home?user_id={BEN}&genres=Children"))[0]

    body = api.get(f"/home?user_id={BEN}&genres=Children&exclude={first}")

    assert all("Children" in movie["genres"] for row in body["rows"] for movie in row["films"])
    assert first not in shown(body)
    assert (body["filters_applied"], len(body["rows"]) > 0) == ({"genres": ["Children"]}, True)
    empty = api.get("/home?genres=No+Such")
    assert (empty["rows"], empty["reason"]) == ([], "The catalogue has none of the genres: No Such.")


def test_an_empty_catalogue_has_no_rows(api):
    WatchEvent.objects.all().delete()
    Movie.objects.all().delete()
    clear_caches()

    assert api.get("/home")["rows"] == []


def test_a_page_has_the_requested_rows_and_length(api):
    assert [len(row["films"]) for row in api.get(f"/home?user_id={ADA}&rows=3&row_length=2")["rows"]] == [2, 2, 2]
    for faulty, message in {"rows=21": "20", "row_length=51": "50", "rows=0": "1", "user_id=%01": "printable"}.items():
        [error] = api.get(f"/home?{faulty}", expect=400)["errors"]
        assert (error["parameter"], message in error["detail"]) == (faulty.split("=")[0], True)


def test_liked_movies_were_watched_to_the_end_or_rated_well(api):
    record_events(
        [watch_event(EVE, STAR_WARS, MORNING, completion=0.3), watch_event(EVE, MATRIX, MORNING, completion=1.0)]
    )
    record_events([watch_event(EVE, JEDI, MORNING, completion=1.0), rating_event(EVE, JEDI, MORNING, 1.5)])

    body = api.get(f"/home?user_id={EVE}&rows=20&row_length=4")

    assert [row["about"] for row in body["rows"] if row["kind"] == "because_you_watched"] == [str(MATRIX)]
    assert rows(body)[f"because_you_watched:{MATRIX}"]["reason"] == "You watched The Matrix."


@pytest.mark.parametrize("number", [1, 3])
def test_a_site_of_few_films_shows_them(api, number):
    few = [str(movie) for movie in INVENTED["Sci-Fi"][:number]]
    publish_movies(Movie.objects.exclude(pk__in=few).values_list("pk", flat=True), False)
    body = api.get("/home")
    assert sorted(shown(body)) == sorted(few), body
