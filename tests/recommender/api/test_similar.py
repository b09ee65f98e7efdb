"""POST /similar."""

import pytest

from catalog.models import Viewer, WatchEvent
from catalog.services import publish_movies
from tests.support.cast import ADA, EMPIRE, JEDI, STAR_WARS, TOY_STORY, TOY_STORY_2, UNKNOWN_MOVIE
from tests.support.tiny_model import TINY_MODEL, UNKNOWN_TO_MODEL

pytestmark = pytest.mark.usefixtures("model")


def neighbours(body):
    return [item["movie_id"] for item in body["similar"]]


def test_it_works(api):
    body = api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 20})

    assert (body["movie_id"], body["source"], body["model_version"]) == (str(STAR_WARS), "model", TINY_MODEL)
    values = [item["similarity"] for item in body["similar"]]
    assert len(values) == 20
    assert all(0 <= value <= 1 for value in values)
    assert values == sorted(values, reverse=True)
    assert str(STAR_WARS) not in neighbours(body)


def test_a_movie_unknown_to_the_model_has_neighbours_by_content(api):
    body = api.post("/similar", {"movie_id": str(UNKNOWN_TO_MODEL), "top_k": 5})

    assert (body["source"], body["model_version"]) == ("content", None)
    assert all(0 <= item["similarity"] <= 1 for item in body["similar"])
    assert neighbours(body)[0] == "5019", "the latest science fiction film"


def test_movies_of_a_series_are_neighbours(api):
    assert set(neighbours(api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 2}))) == {str(EMPIRE), str(JEDI)}
    assert neighbours(api.post("/similar", {"movie_id": str(TOY_STORY_2), "top_k": 1})) == [str(TOY_STORY)]


def test_a_viewer_gets_no_film_that_was_seen_or_is_not_for_that_age(api):
    everyone = api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 200})
    observed = set(map(str, WatchEvent.objects.filter(viewer_id=ADA).values_list("movie_id", flat=True)))
    assert observed & set(neighbours(everyone))
    Viewer.objects.filter(pk=ADA).update(age_limit=12)
    own = api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 200, "user_id": ADA})
    assert not observed & set(neighbours(own))
    assert own["removed"]["seen"] == len(observed)
    assert own["removed"]["age_limit"] > 0
    assert len(neighbours(own)) < len(neighbours(everyone))


def test_content_counts_genres_people_and_year(api, model):
    model.status = "retired"
    model.save()
    from tests.support.tiny_model import clear_caches

    clear_caches()  # no model at all

    assert neighbours(api.post("/similar", {"movie_id": str(TOY_STORY), "top_k": 1})) == [str(TOY_STORY_2)]
    star_wars = api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 2})
    assert neighbours(star_wars) == [str(EMPIRE), str(JEDI)]
    assert star_wars["source"] == "content"


def test_an_unpublished_film_is_no_neighbour_from_the_next_read_on(api):
    before = neighbours(api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 3}))

    publish_movies([int(before[0])], published=False)

    assert before[0] not in neighbours(api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 3}))


@pytest.mark.parametrize("movie_id", [str(UNKNOWN_MOVIE), "Toy Story", "-1", "٣"])
def test_an_unknown_film_is_not_found(api, movie_id):
    body = api.post("/similar", {"movie_id": movie_id}, expect=404)

    assert (body["status"], body["code"]) == (404, "not_found")
    assert movie_id in body["detail"]
