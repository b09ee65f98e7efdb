"""Viewers of whom the model can read nothing: liked genres, and films that it does not know."""

import pytest

from catalog.models import Movie
from catalog.services import save_record
from tests.support.api import recommended_ids
from tests.support.cast import ADA, EVE, MATRIX, NEMO, PULP_FICTION, TOY_STORY, TOY_STORY_2
from tests.support.tiny_model import INVENTED, UNKNOWN_TO_MODEL

pytestmark = pytest.mark.usefixtures("model")


def test_liked_genres_come_first_and_the_rest_below(api):
    body = api.post("/recommend", {"user_id": EVE, "liked_genres": ["crime"], "top_k": 200, "titles": True})

    crime = ["Crime" in movie["genres"] for movie in body["recommendations"]]
    assert (body["source"], body["is_known_user"], len(crime)) == ("popular", False, 16 + 60 + 1)
    assert crime == sorted(crime, reverse=True)
    assert crime.count(True) == 5 + 20
    scores = [movie["score"] for movie in body["recommendations"]]
    assert scores == sorted(scores, reverse=True)


def test_popularity_times_the_share_of_the_liked_genres(api):
    """Pulp Fiction has both genres and was watched by Cleo alone, as was Nemo, which has one, by Ben."""
    liked = ["Comedy", "Crime"]
    popularity = {f["movie_id"]: f["score"] for f in api.get("/popular?top_k=200")["recommendations"]}

    body = api.post("/recommend", {"user_id": EVE, "liked_genres": liked, "top_k": 200})

    scores = {movie["movie_id"]: movie["score"] for movie in body["recommendations"]}
    assert scores[str(PULP_FICTION)] == pytest.approx(popularity[str(PULP_FICTION)], abs=1e-4)
    assert scores[str(NEMO)] == pytest.approx(popularity[str(NEMO)] / 2, abs=1e-4)
    assert scores[str(MATRIX)] == pytest.approx(popularity[str(MATRIX)] - 1, abs=1e-4)
    assert recommended_ids(body)[0] == str(PULP_FICTION)


def test_in_the_address_and_without_a_viewer(api):
    got = api.get(f"/recommend?user_id={EVE}&liked_genres=Comedy&liked_genres=Crime&top_k=9")

    assert recommended_ids(
        api.post("/recommend", {"liked_genres": ["Comedy", "Crime"], "top_k": 9})
    ) == recommended_ids(got)


def test_unknown_genres_are_reported(api):
    some = api.post("/recommend", {"user_id": EVE, "liked_genres": ["Crime", "Krimskrams"], "top_k": 5})
    none = api.post("/recommend", {"user_id": EVE, "liked_genres": ["Krimskrams"], "top_k": 5})

    assert some["unknown_names"] == none["unknown_names"] == {"liked_genres": ["Krimskrams"]}
    assert recommended_ids(some) != recommended_ids(none) == recommended_ids(api.get("/popular?top_k=5"))


def test_they_hold_within_filters_and_limits(api):
    body = api.post(
        "/recommend/filtered",
        {"user_id": EVE, "liked_genres": ["Comedy"], "genres": ["Animation"], "certificate": "G", "exclude": ["1"]},
    )

    assert set(recommended_ids(body)) == {str(TOY_STORY_2), str(NEMO)}


def test_a_history_that_the_model_reads_counts_for_more(api):
    plain = api.post("/recommend", {"user_id": ADA, "top_k": 5})

    assert recommended_ids(
        api.post("/recommend", {"user_id": ADA, "top_k": 5, "liked_genres": ["Romance"]})
    ) == recommended_ids(plain)


# Films that the model does not know -----------------------------------------------------------------------------------


@pytest.fixture
def sequel(model):
    """Of Toy Story, and newer than the model: everything else is made up."""
    movie = Movie.objects.create(title="Toy Story 3", year=2010, certificate="G")
    movie.genres.set(Movie.objects.get(id=TOY_STORY_2).genres.all())
    movie.people.set(Movie.objects.get(id=TOY_STORY_2).people.all(), through_defaults={"role": 2})
    save_record(movie)
    return str(movie.pk)


def test_one_movie_unknown_to_the_model_gives_similar_movies(api, sequel):
    body = api.post("/recommend", {"user_id": EVE, "history": [sequel, "no film"], "top_k": 30})

    assert (body["source"], body["model_version"], body["ignored_history"]) == ("similar", None, ["no film"])
    assert recommended_ids(body)[:2] == [str(TOY_STORY_2), str(TOY_STORY)]
    assert sequel not in recommended_ids(body)
    scores = [movie["score"] for movie in body["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == len(set(recommended_ids(body))) == 30


def test_that_film_watched_by_the_viewer(api, site, sequel):
    site.post("/events", {"user_id": EVE, "movie_id": sequel, "kind": "watch"})

    single = api.get(f"/recommend?user_id={EVE}&top_k=10")
    batch = api.post("/batch/recommend", {"user_histories": {str(EVE): []}, "top_k": 10})

    assert (single["source"], recommended_ids(single)[0], single["removed"]) == (
        "similar",
        str(TOY_STORY_2),
        {"seen": 1},
    )
    assert [item["movie_id"] for item in batch["results"][str(EVE)]] == recommended_ids(single)
    assert batch["lists"][str(EVE)]["source"] == "similar"


def test_a_disliked_movie_gives_no_similar_movies(api, site, sequel):
    site.post("/events", {"user_id": EVE, "movie_id": sequel, "kind": "dislike"})

    body = api.get(f"/recommend?user_id={EVE}&top_k=5")

    assert (body["source"], body["removed"]) == ("popular", {"disliked": 1})


def test_similar_movies_satisfy_the_filters(api):
    body = api.post("/recommend/filtered", {"history": [str(UNKNOWN_TO_MODEL)], "genres": ["Sci-Fi"], "max_year": 1972})

    assert body["source"] == "similar"
    assert recommended_ids(body)[:2] == [str(INVENTED["Sci-Fi"][1]), str(INVENTED["Sci-Fi"][0])], (
        "the nearer in time first"
    )
