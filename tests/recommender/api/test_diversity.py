"""`diversity`: the plain order at 0, fewer of a series and of a director towards 1, stored lists and those made now."""

import numpy as np
import pytest

from catalog.models import Credit, Genre, Movie, Person
from catalog.selectors import catalogue_table
from recommender.movies.series import detect_series
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.reranking.diversity import greedy_diversify, pairwise_similarity
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, EMPIRE, EVE, GODFATHER, GODFATHER_2, JEDI, STAR_WARS, TOY_STORY

STAR_WARS_FILMS = {str(film) for film in (STAR_WARS, EMPIRE, JEDI)}
GODFATHERS = {str(GODFATHER), str(GODFATHER_2)}


def lists(api, viewer, **more):
    """The same wish through every door: GET, POST with the viewer's own history, filtered, batch."""
    address = "&".join(f"{name}={value}" for name, value in {"user_id": viewer, "top_k": 6, **more}.items())
    batch = api.post("/batch/recommend", {"user_histories": {str(viewer): []}, "top_k": 6, **more})
    wide = {"min_year": 1900, "top_k": 100, "final_k": 6}
    return [
        recommended_ids(api.get(f"/recommend?{address}")),
        recommended_ids(api.post("/recommend", {"user_id": viewer, "top_k": 6, **more})),
        recommended_ids(api.post("/recommend/filtered", {"user_id": viewer, **wide, **more})),
        [item["movie_id"] for item in batch["results"][str(viewer)]],
    ]


@pytest.mark.usefixtures("model")
def test_every_call_gives_the_same_diverse_list_and_zero_is_the_plain_one(api, django_assert_num_queries):
    plain = recommended_ids(api.post("/recommend", {"user_id": BEN, "top_k": 6}))
    assert lists(api, BEN, diversity=0) == [plain] * 4
    first, *others = lists(api, BEN, diversity=0.7)
    assert others == [first] * 3
    assert first != plain
    assert first[0] == plain[0]
    with django_assert_num_queries(0):
        stored = api.get(f"/recommend?user_id={BEN}&top_k=6&diversity=0.7")
    assert (stored["source"], recommended_ids(stored)) == ("cache", first)
    whole = api.get(f"/recommend?user_id={BEN}&top_k=200")["recommendations"]
    assert [item["score"] for item in stored["recommendations"]] == [
        item["score"] for movie in first for item in whole if item["movie_id"] == movie
    ]


@pytest.mark.usefixtures("model")
def test_a_series_comes_once_where_the_list_is_diverse(api):
    """Eve is new: what everyone likes. The model's list for a family film's history has no space adventure twice."""
    space = {"user_id": EVE, "history": [str(TOY_STORY)], "top_k": 10, "exclude": []}
    for body in (space, {"user_id": CLEO, "top_k": 10, "titles": True}):
        diverse = set(recommended_ids(api.post("/recommend", {**body, "diversity": 1})))
        assert len(diverse) == 10
        assert len(diverse & STAR_WARS_FILMS) <= 1
        assert len(diverse & GODFATHERS) <= 1
    popular = set(recommended_ids(api.post("/recommend", {"user_id": EVE, "top_k": 8, "diversity": 0.9})))
    assert len(popular & STAR_WARS_FILMS) <= 1


@pytest.mark.usefixtures("model")
def test_only_the_pool_is_chosen_from_and_a_short_pool_is_listed_whole(api):
    body = {"user_id": ADA, "genres": ["Crime"], "top_k": 5, "final_k": 3, "diversity": 1}
    pool = recommended_ids(api.post("/recommend/filtered", {**body, "diversity": 0, "final_k": 5}))
    assert set(recommended_ids(api.post("/recommend/filtered", body))) < set(pool)
    everything = {**body, "actors": ["Al Pacino"], "top_k": 50, "final_k": 20}
    assert set(recommended_ids(api.post("/recommend/filtered", everything))) == GODFATHERS
    assert recommended_ids(api.post("/recommend/filtered", {**everything, "actors": ["Nobody"]})) == []


@pytest.mark.parametrize(("value", "words"), [(-0.1, "0"), (1.1, "1"), ("0.5", "number"), (True, "number")])
def test_a_diversity_that_is_none_is_refused(api, db, value, words):
    for path in ("/recommend", "/recommend/filtered", "/batch/recommend"):
        viewer_part = {"user_histories": {}} if path.startswith("/batch") else {"user_id": ADA}
        [error] = api.post(path, {**viewer_part, "diversity": value}, expect=400)["errors"]
        assert error["pointer"] == "#/diversity"
        assert words in error["detail"]
    assert api.get(f"/recommend?user_id={ADA}&diversity=x", expect=400)["errors"][0]["parameter"] == "diversity"


def pool(*rows):
    """A film for each (title, year, genres, director), the best first, with scores falling by one."""
    for title, year, genres, director in rows:
        movie = Movie.objects.create(title=title, year=year)
        movie.genres.set([Genre.objects.get_or_create(name=name)[0] for name in genres])
        person, _ = Person.objects.get_or_create(name=director)
        Credit.objects.create(movie=movie, person=person, role=Credit.Role.DIRECTOR, order=0)
    table = catalogue_table()
    return table, RankedMovies(table.ids, np.arange(len(rows), 0, -1, dtype=np.float32))


def test_likeness_and_order_by_hand(db):
    table, ranked = pool(
        ("Night Train", 2000, ("Crime", "Drama"), "Ann"),
        ("Day Train", 2000, ("Crime", "Drama"), "Ann"),
        ("Night Train 2", 2015, ("Comedy", "Drama"), "Bob"),
        ("Meadow", 2015, ("Romance",), "Cid"),
    )
    series = detect_series(table)
    assert series.tolist() == [0, -1, 0, -1]
    alike = pairwise_similarity(table, series, np.arange(4))
    assert alike[0] == pytest.approx([1, 0.6 + 0.25 + 0.15, 1, 0.15 * np.exp(-1)])
    assert alike[1, 2] == pytest.approx(0.6 / 3 + 0.15 * np.exp(-1))
    assert alike[2, 3] == pytest.approx(0.15)
    assert (alike == alike.T).all()
    # 0.5: each cap is one. Day Train has Ann and part 2 the series of the first, so Meadow is second; then both are
    # capped, and worth less likeness decides: 2/3 - (1 + 0.15 / e) / 2 against 1/3 - (1 + 0.15) / 2.
    order = greedy_diversify(table, series, ranked, 4, 0.5).movie_ids
    assert np.searchsorted(table.ids, order).tolist() == [0, 3, 1, 2]
    short = greedy_diversify(table, series, ranked, 2, 1e-6)
    assert np.searchsorted(table.ids, short.movie_ids).tolist() == [0, 3]
    assert short.scores.tolist() == [4, 1]


def test_caps_tighten_with_diversity(db):
    table, ranked = pool(*((f"Saga {n}", 2000 + n, ("Action",), f"Director {n}") for n in range(1, 13)),
                         *((f"Film of Many Words {'x' * n}", 2000, ("Drama",), "Eve") for n in range(1, 13)),
                         *((f"Other {'y' * n}", 1990, ("War",), f"Director {n}{n}") for n in range(1, 21)))  # fmt: skip
    series = detect_series(table)
    for diversity, of_series, of_director in ((0.2, 4, 8), (0.5, 2, 5), (0.75, 1, 2), (1.0, 1, 1)):
        rows = table.rows_of(greedy_diversify(table, series, ranked, 20, diversity).movie_ids)
        assert (rows < 12).sum() <= of_series
        assert ((rows >= 12) & (rows < 24)).sum() <= of_director
        assert len(rows) == 20
