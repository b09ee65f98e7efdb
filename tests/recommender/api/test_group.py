"""Several viewers at once: what any of them has seen is out, the strictest age limit holds, and nobody is left out."""

import numpy as np
import pytest

from catalog.models import Viewer
from catalog.selectors import history
from catalog.services import save_viewer
from recommender.serving.group import fuse_rankings
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    BEN,
    CLEO,
    DAN,
    EVE,
    GODFATHER,
    GODFATHER_2,
    MATRIX,
    PULP_FICTION,
    SHAWSHANK,
    SPIRITED_AWAY,
    TOY_STORY,
)
from tests.support.tiny_model import INVENTED

STRANGERS = [EVE, EVE + 1]


def together(api, *viewers, path="/recommend", **more):
    return api.post(path, {"user_ids": list(viewers), "top_k": 20, **more})


def out(viewer):
    """What this viewer's own history keeps out: film ids."""
    return {str(movie) for movie in history(viewer).movie_ids.tolist()}


@pytest.mark.usefixtures("model")
def test_a_group_gets_one_list(api, django_assert_max_num_queries):
    api.get(f"/recommend?user_id={ADA}")
    with django_assert_max_num_queries(2):
        body = together(api, ADA, BEN, titles=True)
    listed = recommended_ids(body)
    assert len(set(listed)) == 20
    assert not set(listed) & (out(ADA) | out(BEN))
    assert {name: body[name] for name in ("user_id", "user_ids", "source", "model_version", "ignored_history")} == {
        "user_id": None, "user_ids": [ADA, BEN], "source": "model", "model_version": "tiny", "ignored_history": [],
    }  # fmt: skip
    assert (body["is_known_user"], body["removed"]["seen"]) == (True, 9)
    scores = [item["score"] for item in body["recommendations"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert body["recommendations"][0]["title"]
    # Both tastes are there: of each viewer's own ten best some.
    for viewer in (ADA, BEN):
        assert set(listed) & set(recommended_ids(api.get(f"/recommend?user_id={viewer}&top_k=10")))
    assert recommended_ids(together(api, BEN, ADA)) == listed
    assert set(recommended_ids(together(api, ADA, BEN, exclude=listed[:2]))) & set(listed[:2]) == set()


@pytest.mark.usefixtures("model")
def test_a_movie_that_one_of_a_group_rejected_is_out_and_counts_are_of_all(api):
    """Cleo dislikes Toy Story and waves The Matrix away, which Ada has seen; her watchlist is no reason."""
    body = together(api, CLEO, DAN, top_k=200)
    assert not {str(movie) for movie in (TOY_STORY, MATRIX, PULP_FICTION, SHAWSHANK, GODFATHER)} & set(
        recommended_ids(body)
    )
    assert str(SPIRITED_AWAY) not in recommended_ids(body)
    assert str(GODFATHER_2) in recommended_ids(body)
    assert body["removed"] == {"seen": 6}, "that somebody disliked one is nobody else's business"
    assert together(api, CLEO, ADA, BEN)["removed"] == {"seen": 3 + 6 + 3}  # each film once


@pytest.mark.usefixtures("model")
def test_the_strictest_age_limit_holds(api):
    child = Viewer.objects.get(pk=BEN)
    child.age_limit = 8
    save_viewer(child)
    grown_up = set(recommended_ids(together(api, ADA, CLEO, top_k=200)))
    for body in (
        together(api, ADA, BEN, CLEO, top_k=200),
        together(api, ADA, BEN, path="/recommend/filtered", top_k=200, final_k=200),
        together(api, BEN, EVE, EVE + 1, top_k=200, age_limit=15),
        together(api, ADA, CLEO, top_k=200, certificate="PG"),
    ):
        assert recommended_ids(body)
        assert str(INVENTED["Crime"][0]) not in recommended_ids(body)
        assert set(recommended_ids(body)) < grown_up | out(ADA) | out(CLEO)
        assert body["removed"]["age_limit"] > 60


@pytest.mark.usefixtures("model")
def test_viewers_without_a_history(api):
    """Strangers have no say: the list is Dan's. All strangers: what is popular, or of the genres they like."""
    body = together(api, DAN, *STRANGERS)
    assert recommended_ids(body) == recommended_ids(api.get(f"/recommend?user_id={DAN}&top_k=20"))
    assert (body["source"], body["is_known_user"]) == ("model", False)
    cold = together(api, *STRANGERS)
    assert (cold["source"], cold["model_version"]) == ("popular", None)
    assert recommended_ids(cold) == recommended_ids(api.get("/popular?top_k=20"))
    crime = together(api, *STRANGERS, liked_genres=["Crime"], top_k=5)
    assert recommended_ids(crime) == recommended_ids(api.post("/recommend", {"liked_genres": ["Crime"], "top_k": 5}))


@pytest.mark.usefixtures("model")
def test_filters_diversity_and_a_moment_hold_for_several_too(api):
    body = together(api, ADA, BEN, path="/recommend/filtered", genres=["Crime"], min_year=1900, final_k=5)
    assert all("Crime" in movie["genres"] for movie in body["recommendations"])
    assert (len(recommended_ids(body)), body["filters_applied"]["genres"]) == (5, ["Crime"])
    assert together(api, ADA, BEN, path="/recommend/filtered", genres=["Nothing"])["reason"]
    plain, diverse = (recommended_ids(together(api, ADA, CLEO, top_k=10, diversity=value)) for value in (0, 1))
    assert plain != diverse
    assert plain[0] == diverse[0]
    assert len(recommended_ids(together(api, ADA, CLEO, at=1_800_000_000))) == 20


def test_without_a_model_a_group_gets_popular_movies(api, more_movies):
    body = together(api, ADA, BEN)
    assert (body["source"], len(recommended_ids(body))) == ("popular", 20)
    assert not set(recommended_ids(body)) & (out(ADA) | out(BEN))


def test_the_least_content_viewer_counts_for_half():
    """Places 0 and 2 make 1 and 61/63, places 1 and 1 make 61/62 twice; a film that one has last falls behind."""
    scores = np.array([[9.0, 8, 7, 1], [3.0, 5, 4, 6]])
    content = np.array([[1, 61 / 62, 61 / 63, 61 / 64], [61 / 64, 61 / 62, 61 / 63, 1]])
    assert fuse_rankings(scores) == pytest.approx(0.5 * content.mean(0) + 0.5 * content.min(0))
    assert int(np.argmax(fuse_rankings(scores))) == 1
    assert fuse_rankings(scores[:1]) == pytest.approx(content[0])


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"user_ids": [ADA]}, "#/user_ids", "2 and 10"),
        ({"user_ids": list(range(1, 12))}, "#/user_ids", "11 viewers"),
        ({"user_ids": [ADA, ADA]}, "#/user_ids", "twice"),
        ({"user_ids": [ADA, ""]}, "#/user_ids/1", "printable"),
        ({"user_ids": [ADA, str(ADA)]}, "#/user_ids", "twice"),
        ({"user_ids": ADA}, "#/user_ids", "list"),
        ({"user_ids": [ADA, BEN], "user_id": CLEO}, "#/user_id", "beside user_ids"),
        ({"user_ids": [ADA, BEN], "history": ["1"]}, "#/history", "beside user_ids"),
    ],
)
def test_no_such_group(api, db, body, pointer, words):
    for path in ("/recommend", "/recommend/filtered"):
        [error] = api.post(path, body, expect=400)["errors"]
        assert error["pointer"] == pointer
        assert words in error["detail"]


@pytest.mark.usefixtures("model")
def test_a_single_viewers_answer_is_as_it_was(api):
    assert "user_ids" not in api.post("/recommend", {"user_id": ADA})
