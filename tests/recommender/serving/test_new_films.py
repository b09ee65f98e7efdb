"""A place for new films: a share of the lists has one, until enough is known of it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from django.urls import reverse

from catalog.models import Movie
from catalog.services import bump_catalogue
from recommender import process_state, tasks
from recommender.models import NewFilm, ServedList
from recommender.outcomes import new_films
from recommender.outcomes.new_films import OpenFilms
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.replay import Verdict, replay
from recommender.serving.reranking.new_films import put_at
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN
from tests.support.tiny_model import UNKNOWN_TO_MODEL

NEW = UNKNOWN_TO_MODEL


@pytest.fixture
def new_film(model, settings):
    """Have one film of the catalogue be new, with a place in every list."""
    settings.NEW_FILM_SHARE = 1.0
    Movie.objects.update(added_at=datetime(2020, 1, 1, tzinfo=UTC))
    Movie.objects.filter(pk=NEW).update(added_at=datetime.now(UTC))
    bump_catalogue()
    tasks.sum_up_outcomes()
    new_films.refresh_open()
    yield NewFilm.objects.get()
    process_state.clear()


def ranked(*films):
    return RankedMovies(np.array(films, np.int32), np.arange(len(films), 0, -1, dtype=np.float32))


def test_a_film_is_put_at_its_place():
    assert put_at(ranked(1, 2, 3, 4), 9, 2).movie_ids.tolist() == [1, 2, 9, 3]
    assert put_at(ranked(1, 2, 3, 4), 9, 2).scores.tolist() == [4, 3, 2, 2]
    assert put_at(ranked(1, 2, 3, 4), 4, 2).movie_ids.tolist() == [1, 2, 4, 3], "it moves up"
    assert put_at(ranked(1, 2, 3, 4), 1, 2).movie_ids.tolist() == [1, 2, 3, 4], "it stands higher"
    assert put_at(ranked(1, 2), 9, 2).movie_ids.tolist() == [1, 2], "the list is shorter"


def test_a_film_that_may_be_good_is_drawn_more_often():
    films = OpenFilms(0.0, np.array([7, 8, 9], np.int32), np.array([30.0, 10.0, 1.0]), np.array([70.0, 90.0, 9.0]))
    rng, all_three = np.random.default_rng(1), np.ones(3, bool)
    drawn = [new_films.sample(films, all_three, [1, 1, 1], rng) for _ in range(2_000)]
    share = {film: drawn.count(film) / 2_000 for film in (7, 8, 9)}
    # Film 9 of mean 0.1 and standard deviation 0.09 beats 30 % in one draw of 25; film 8 of deviation 0.03 never does.
    assert 0.9 < share[7] < 0.99
    assert share[8] < 0.005 < share[9]
    assert {new_films.sample(films, np.array([False, True, True]), [1, 1, 0], rng) for _ in range(50)} == {8}
    assert new_films.sample(films, all_three, [0, 0, 0], rng) is None


def test_a_new_film_has_a_place_and_its_impressions_are_counted(site, new_film, settings):
    assert (new_film.movie_id, new_film.is_open, new_film.impressions) == (NEW, True, 0)
    assert (round(new_film.alpha, 6), round(new_film.beta, 6)) == (2, 18), "20 impressions at 10 %"
    answers = [site.get(f"/recommend?user_id={viewer}&top_k=8") for viewer in (ADA, BEN) for _ in range(4)]
    assert [answer["source"] for answer in answers] == (["model"] + ["cache"] * 3) * 2
    places = [recommended_ids(answer).index(str(NEW)) for answer in answers]
    assert set(places) <= set(range(2, 8))
    assert len(set(places)) > 1
    for answer in answers:
        films = recommended_ids(answer)
        assert len(films) == len(set(films)) == 8
        told = {"recommendation_id": answer["recommendation_id"], "movie_id": str(NEW)}
        user = ADA if answer in answers[:4] else BEN
        site.post("/events", [{"user_id": user, "kind": "impression", **told}] * 2)
    site.post("/events", {"user_id": BEN, "kind": "click", **told})
    following = recommended_ids(site.get(f"/recommend?cursor={answers[-1]['next']}"))
    assert not set(following) & set(recommended_ids(answers[-1]))
    tasks.store_served_lists()
    new_film.refresh_from_db()
    assert (new_film.impressions, new_film.clicks) == (8, 1), "sent twice counts once"
    rows = list(ServedList.objects.filter(request__new_film__1=NEW))
    assert len(rows) == 8
    assert {replay(row).difference.verdict for row in rows} == {Verdict.SAME}


def test_other_lists_have_no_place_for_it(site, new_film, settings):
    for body in (
        {"user_id": ADA, "top_k": 8, "diversity": 0.1},
        {"user_id": ADA, "top_k": 8, "exclude": ["1"]},
        {"user_id": ADA, "top_k": 2},
        {"user_ids": [ADA, BEN], "top_k": 8},
    ):
        site.post("/recommend", body)
    site.post("/events", {"user_id": ADA, "movie_id": str(NEW), "kind": "watch"})
    site.get(f"/recommend?user_id={ADA}&top_k=8")
    assert str(NEW) not in recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=8")), "seen, also where stored"
    Movie.objects.filter(pk=NEW).update(available_until=datetime(2021, 1, 1, tzinfo=UTC))
    bump_catalogue()
    assert str(NEW) not in recommended_ids(site.get(f"/recommend?user_id={BEN}&top_k=8")), "not available"
    tasks.store_served_lists()
    assert not ServedList.objects.filter(request__has_key="new_film").exists()
    settings.NEW_FILM_SHARE = 0.0
    tasks.sum_up_outcomes()
    assert not NewFilm.objects.filter(is_open=True).exists(), "switched off"


@pytest.mark.parametrize(
    ("impressions", "clicks", "budget", "is_open"),
    [
        (30, 3, 300, True),  # 50 of it with the prior, 10 %: 2 * 1.96 * sqrt(0.09 / 50) = 17 % wide
        (200, 20, 300, False),  # 220: 8 % wide, narrower than the 10 % of all films
        (30, 3, 30, False),  # the budget is spent
        (100, 0, 300, False),  # nobody clicks: 1.7 %, at most 4 %
    ],
)
def test_it_ends_where_enough_is_known(new_film, settings, impressions, clicks, budget, is_open):
    settings.NEW_FILM_IMPRESSIONS = budget
    NewFilm.objects.update(impressions=impressions, clicks=clicks)
    tasks.sum_up_outcomes()
    new_film.refresh_from_db()
    assert new_film.is_open == is_open
    n, mean = impressions + 20, (clicks + 2) / (impressions + 20)
    wide = 2 * 1.96 * np.sqrt(mean * (1 - mean) / n)
    assert new_film.high - new_film.low == pytest.approx(wide, rel=0.15)
    new_films.refresh_open()
    assert list(new_films.open_films().movie_ids) == [NEW] * is_open


def test_a_film_is_new_for_its_days(new_film, settings):
    settings.NEW_FILM_DAYS = 0
    tasks.sum_up_outcomes()
    assert not NewFilm.objects.exists()


def test_a_process_reads_them_now_and_then(new_film, django_assert_num_queries):
    process_state.clear()
    with django_assert_num_queries(1):
        assert list(new_films.open_films().movie_ids) == [NEW]
        new_films.open_films()
        new_films.refresh_open_now_and_then()


def test_staff_see_them(new_film, admin_client):
    page = admin_client.get(reverse("admin:recommender_newfilm_changelist")).content.decode()
    assert str(Movie.objects.get(pk=NEW).title) in page
    assert "a place in some lists" in page
    assert "1.30% to 26.03%" in page  # Beta(2, 18)
