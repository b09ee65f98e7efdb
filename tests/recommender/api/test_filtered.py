"""POST /recommend/filtered: filters before the cut."""

import pytest

from catalog.models import Movie
from recommender.ml.ranker import Ranker
from tests.cast import ADA, AMELIE, EVE, GODFATHER, GODFATHER_2, RAIDERS
from tests.model import MADE_UP, OUTSIDE
from tests.recommender.api.conftest import films

pytestmark = pytest.mark.usefixtures("model")
BRIEF = {
    "user_id": EVE,
    "history": ["1", "50", "260"],
    "genres": ["Action", "Sci-Fi"],
    "min_year": 1970,
    "max_year": 2023,
    "top_k": 50,
    "final_k": 20,
}


def ask(api, **filters):
    return api.post("/recommend/filtered", {"user_id": EVE, "history": ["1", "50"], **filters})


def test_it_works(api):
    body = api.post("/recommend/filtered", BRIEF)

    assert len(body["recommendations"]) == 20
    assert set(body["recommendations"][0]) == {"movie_id", "score", "title", "genres", "year", "poster_url"}
    assert body["filters_applied"] == {"genres": ["Action", "Sci-Fi"], "min_year": 1970, "max_year": 2023}
    for film in body["recommendations"]:
        assert {"Action", "Sci-Fi"} & set(film["genres"])
        assert 1970 <= film["year"] <= 2023


def test_any_of_the_genres_in_any_case(api):
    body = ask(api, genres=["sci-fi", "CHILDREN", "No Such"], final_k=50)

    assert {genre for film in body["recommendations"] for genre in film["genres"]} >= {"Sci-Fi", "Children"}
    assert body["unknown_names"] == {"genres": ["No Such"]}


def test_actors_without_accents_and_case(api):
    body = ask(api, actors=["audrey  tautou", "HARRISON FORD"], final_k=50)

    assert {str(AMELIE), str(RAIDERS)} <= set(films(body))
    assert len(films(body)) == 5


def test_a_director_is_no_actor(api):
    body = ask(api, actors=["Steven Spielberg"])

    assert (films(body), body["reason"]) == (
        [],
        "No film that is available and unseen satisfies all filters together: leave one out.",
    )


def test_years_are_inclusive(api):
    body = ask(api, min_year=1972, max_year=1974, genres=["Crime"])

    assert {film["year"] for film in body["recommendations"]} == {1972, 1974}
    assert {str(GODFATHER), str(GODFATHER_2)} <= set(films(body))


def test_a_film_of_unknown_year_is_in_no_span(api):
    Movie.objects.filter(id=GODFATHER).update(year=None)

    assert str(GODFATHER) not in films(ask(api, max_year=2200, final_k=200))


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"genres": ["No Such"]}, "The catalogue has none of the genres: No Such."),
        ({"actors": ["Nobody"], "genres": ["Crime"]}, "The catalogue has none of the actors: Nobody."),
        ({"min_year": 2001, "max_year": 2000}, "min_year 2001 lies after max_year 2000."),
        ({"min_year": 2100}, "No film that is available and unseen satisfies all filters together: leave one out."),
    ],
)
def test_what_nothing_satisfies_gives_an_empty_list_and_the_reason(api, filters, reason):
    body = ask(api, **filters)

    assert (films(body), body["reason"]) == ([], reason)


def test_final_k_of_the_pool_is_returned(api):
    assert len(films(ask(api, top_k=30, final_k=7))) == 7
    assert len(films(ask(api, top_k=5, final_k=12))) == 12
    assert len(films(ask(api))) == 20


def test_a_stored_list_answers_where_it_holds_enough(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}")

    with django_assert_num_queries(1):  # the titles
        body = api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Sci-Fi"], "final_k": 5})

    assert body["source"] == "cache"
    whole = api.get(f"/recommend?user_id={ADA}&top_k=200&titles=true")["recommendations"]
    assert films(body) == [film["movie_id"] for film in whole if "Sci-Fi" in film["genres"]][:5]


def test_the_model_answers_where_it_does_not(api, settings, django_assert_num_queries):
    settings.LIST_LENGTH = 15
    api.get(f"/recommend?user_id={ADA}")

    with django_assert_num_queries(2):  # the history, the titles
        body = api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 22})

    assert body["source"] == "model"
    assert len(films(body)) == 22


def test_films_that_the_model_does_not_know_fill_a_list_up(api):
    body = ask(api, genres=["Sci-Fi"], final_k=200)

    assert films(body)[-1] == str(OUTSIDE)
    assert set(films(body)) >= set(map(str, MADE_UP["Sci-Fi"]))


def test_a_filter_that_only_they_satisfy_is_answered_by_popularity(api):
    body = ask(api, min_year=2024)

    assert (films(body), body["source"]) == ([str(OUTSIDE)], "popular")


def test_one_pass_over_the_films_is_enough(api, monkeypatch):
    asked = []
    top = Ranker.top
    monkeypatch.setattr(Ranker, "top", lambda self, *args: asked.append(args[1]) or top(self, *args))

    api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 3})

    assert asked == [3]
