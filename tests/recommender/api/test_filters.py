"""POST /recommend/filtered: filters before the cut."""

import pytest

from catalog.models import Genre, Movie
from catalog.services import save_record
from recommender.ml.ranker import Ranker
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    AMELIE,
    EVE,
    GODFATHER,
    GODFATHER_2,
    MATRIX,
    NEMO,
    RAIDERS,
    SCHINDLERS_LIST,
    SPIRITED_AWAY,
    TOY_STORY_2,
)
from tests.support.tiny_model import INVENTED, UNKNOWN_TO_MODEL

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
    for movie in body["recommendations"]:
        assert {"Action", "Sci-Fi"} & set(movie["genres"])
        assert 1970 <= movie["year"] <= 2023


def test_any_of_the_genres_in_any_case(api):
    body = ask(api, genres=["sci-fi", "CHILDREN", "No Such"], final_k=50)

    assert {genre for movie in body["recommendations"] for genre in movie["genres"]} >= {"Sci-Fi", "Children"}
    assert body["unknown_names"] == {"genres": ["No Such"]}


def test_actors_without_accents_and_case(api):
    body = ask(api, actors=["audrey  tautou", "HARRISON FORD"], final_k=50)

    assert {str(AMELIE), str(RAIDERS)} <= set(recommended_ids(body))
    assert len(recommended_ids(body)) == 5


def test_a_director_is_no_actor(api):
    body = ask(api, actors=["Steven Spielberg"])

    assert (recommended_ids(body), body["reason"]) == (
        [],
        "No film matches actors: change this filter or leave it out.",
    )
    assert str(RAIDERS) in recommended_ids(ask(api, directors=["Steven Spielberg"]))
    assert recommended_ids(ask(api, directors=["Harrison Ford"])) == []


def test_excluded_genres(api):
    body = ask(api, genres=["Sci-Fi", "Crime"], exclude_genres=["thriller", "Adventure"], final_k=200)

    assert ask(api, exclude_genres=["Krimskrams"])["unknown_names"] == {"exclude_genres": ["Krimskrams"]}
    assert len(recommended_ids(body)) == 20 + 20 + 1 + 3, "those made up, the new one, and three of the cast"
    for movie in body["recommendations"]:
        assert not {"Thriller", "Adventure"} & set(movie["genres"])


def test_a_film_of_unknown_runtime_is_in_no_span(api):
    body = ask(api, min_runtime=92, max_runtime=106, final_k=200)

    assert set(recommended_ids(body)) == {str(TOY_STORY_2), str(NEMO)}, (
        "92 and 100 minutes; the 106 of the third were seen"
    )


def test_a_language_stands_for_all_its_kinds(api):
    Movie.objects.exclude(id__in=[AMELIE, SPIRITED_AWAY, NEMO, MATRIX]).update(language="")
    Movie.objects.filter(id=MATRIX).update(language="en-GB")
    fitting = {"FR": {AMELIE}, "ja": {SPIRITED_AWAY}, "en": {NEMO, MATRIX}, "en-GB": {MATRIX}, "en_gb": {MATRIX}}

    for language, movie_ids in fitting.items():
        assert set(recommended_ids(ask(api, languages=[language], final_k=200))) == set(map(str, movie_ids)), language
    both = ask(api, languages=["fr", "ja", "e"], final_k=200)
    assert set(recommended_ids(both)) == {str(AMELIE), str(SPIRITED_AWAY)}
    assert both["unknown_names"] == {"languages": ["e"]}


def test_every_filter_is_echoed(api):
    filters = {
        "genres": ["Crime"],
        "exclude_genres": ["War"],
        "actors": ["Al Pacino"],
        "directors": ["Francis Ford Coppola"],
        "languages": ["en"],
        "min_year": 1970,
        "max_year": 1980,
        "min_runtime": 100,
        "max_runtime": 300,
    }

    body = ask(api, **filters)

    assert body["filters_applied"] == filters
    assert set(recommended_ids(body)) == {str(GODFATHER), str(GODFATHER_2)}


def test_an_edit_of_genres_is_true_for_the_next_filter(api):
    assert str(UNKNOWN_TO_MODEL) not in recommended_ids(ask(api, genres=["Crime"], final_k=200))

    Movie.objects.get(id=UNKNOWN_TO_MODEL).genres.add(Genre.objects.get(name="Crime"))
    save_record(Movie.objects.get(id=UNKNOWN_TO_MODEL))

    assert str(UNKNOWN_TO_MODEL) in recommended_ids(ask(api, genres=["Crime"], final_k=200))


def test_popular_takes_the_filters_in_the_address(api):
    body = api.get("/popular?genres=crime&genres=war&exclude_genres=Thriller&max_year=1993&languages=en&titles=true")

    assert set(recommended_ids(body)) == {str(GODFATHER), str(GODFATHER_2), str(SCHINDLERS_LIST)}
    assert body["filters_applied"]["genres"] == ["crime", "war"]
    assert api.get("/popular?min_year=2100")["reason"].startswith("No film matches min_year")


def test_years_are_inclusive(api):
    body = ask(api, min_year=1972, max_year=1974, genres=["Crime"])

    assert {movie["year"] for movie in body["recommendations"]} == {1972, 1974}
    assert {str(GODFATHER), str(GODFATHER_2)} <= set(recommended_ids(body))


def test_a_film_of_unknown_year_is_in_no_span(api):
    Movie.objects.filter(id=GODFATHER).update(year=None)

    assert str(GODFATHER) not in recommended_ids(ask(api, max_year=2200, final_k=200))


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"genres": ["No Such"]}, "The catalogue has none of the genres: No Such."),
        ({"actors": ["Nobody"], "genres": ["Crime"]}, "The catalogue has none of the actors: Nobody."),
        ({"min_year": 2001, "max_year": 2000}, "min_year 2001 is greater than max_year 2000."),
        ({"min_runtime": 90, "max_runtime": 80}, "min_runtime 90 is greater than max_runtime 80."),
        ({"min_year": 2100}, "No film matches min_year: change this filter or leave it out."),
        (
            {"genres": ["War"], "min_year": 2000},
            "Each filter matches some films, but no film matches all of them: leave one out.",
        ),
        (
            {"actors": ["Kevin Spacey"]},
            "Films matching the filters: 1; all of them are excluded, seen, rejected or not to be shown now: "
            "see removed.",
        ),
    ],
)
def test_filters_without_a_match_give_an_empty_list_and_the_reason(api, filters, reason):
    body = ask(api, **filters)

    assert (recommended_ids(body), body["reason"]) == ([], reason)


def test_final_k_of_the_pool_is_returned(api):
    assert len(recommended_ids(ask(api, top_k=30, final_k=7))) == 7
    assert len(recommended_ids(ask(api, top_k=5, final_k=12))) == 12
    assert len(recommended_ids(ask(api))) == 20


def test_a_stored_list_answers_where_it_holds_enough(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}")

    with django_assert_num_queries(1):  # the titles
        body = api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Sci-Fi"], "final_k": 5})

    assert body["source"] == "cache"
    whole = api.get(f"/recommend?user_id={ADA}&top_k=200&titles=true")["recommendations"]
    assert recommended_ids(body) == [movie["movie_id"] for movie in whole if "Sci-Fi" in movie["genres"]][:5]


def test_the_model_answers_where_it_does_not(api, settings, django_assert_num_queries):
    settings.LIST_LENGTH = 15
    api.get(f"/recommend?user_id={ADA}")

    with django_assert_num_queries(2):  # the history, the titles
        body = api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 22})

    assert body["source"] == "model"
    assert len(recommended_ids(body)) == 22


def test_films_that_the_model_does_not_know_fill_a_list_up(api):
    body = ask(api, genres=["Sci-Fi"], final_k=200)

    assert recommended_ids(body)[-1] == str(UNKNOWN_TO_MODEL)
    assert set(recommended_ids(body)) >= set(map(str, INVENTED["Sci-Fi"]))


def test_a_filter_that_only_they_satisfy_is_answered_by_popularity(api):
    body = ask(api, min_year=2024)

    assert (recommended_ids(body), body["source"]) == ([str(UNKNOWN_TO_MODEL)], "popular")


def test_filters_read_the_catalogue_once(api, monkeypatch):
    requests = []
    top = Ranker.top
    monkeypatch.setattr(Ranker, "top", lambda self, *args: requests.append(args[1]) or top(self, *args))

    api.post("/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 3})

    assert requests == [3]


@pytest.mark.usefixtures("model")
def test_titles_come_along_unless_they_are_not_wanted(api):
    """As other lists are asked for; a page of rows has no use without them."""
    body = {"user_id": ADA, "genres": ["Comedy"]}
    plain, asked, without = (
        api.post("/recommend/filtered", body | more) for more in ({}, {"titles": True}, {"titles": False})
    )
    assert plain["recommendations"] == asked["recommendations"]
    assert plain["recommendations"][0]["title"]
    assert recommended_ids(without) == recommended_ids(plain)
    assert set(without["recommendations"][0]) == {"movie_id", "score"}
    [error] = api.get(f"/home?user_id={ADA}&titles=true", expect=400)["errors"]
    assert "titles always come along here" in error["detail"]
