"""No film above the viewer's or the request's age limit, in any list, stored or made now."""

import pytest

from catalog.models import Movie, Viewer
from catalog.services import save_record, save_viewer
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    BEN,
    CAST_MOVIES,
    EVE,
    GODFATHER,
    GODFATHER_2,
    NEMO,
    PULP_FICTION,
    STAR_WARS,
    TOY_STORY,
)
from tests.support.tiny_model import INVENTED

pytestmark = pytest.mark.usefixtures("model")
AGES = {str(film.id): {"G": 0, "PG": 8, "R": 17}[film.certificate] for film in CAST_MOVIES}
CRIME_FILM = str(INVENTED["Crime"][0])  # like all that are made up it has no certificate


def limited(viewer, years):
    item = Viewer.objects.get(pk=viewer)
    item.age_limit = years
    save_viewer(item)


def lists(api, viewer=ADA, **more):
    """The same wish through every door that lists films for a viewer."""
    batch = api.post("/batch/recommend", {"user_histories": {str(viewer): []}, "top_k": 200, **more})
    return [
        recommended_ids(api.post("/recommend", {"user_id": viewer, "top_k": 200, **more})),  # made now
        recommended_ids(api.post("/recommend", {"user_id": viewer, "top_k": 8, **more})),  # stored
        recommended_ids(
            api.post("/recommend", {"user_id": viewer, "history": [str(PULP_FICTION)], "top_k": 200, **more})
        ),
        recommended_ids(api.post("/recommend/filtered", {"user_id": viewer, "min_year": 1900, "final_k": 200, **more})),
        [item["movie_id"] for item in batch["results"][str(viewer)]],
    ]


def test_without_a_limit_everything_is_listed(api):
    assert CRIME_FILM in lists(api)[0]


@pytest.mark.parametrize("wish", [{"age_limit": 8}, {"certificate": "PG"}, {"certificate": "GB:PG", "age_limit": 15}])
def test_a_requests_limit_holds_in_every_list(api, wish):
    for listed in lists(api, **wish):
        assert listed
        assert all(AGES.get(movie, 18) <= 8 for movie in listed)


def test_a_viewers_limit_holds_in_every_list(api):
    limited(ADA, 8)

    for listed in lists(api):
        assert listed
        assert all(AGES.get(movie, 18) <= 8 for movie in listed)


def test_the_stricter_of_both_holds(api):
    limited(ADA, 8)

    assert not {
        movie
        for movie in recommended_ids(api.get(f"/recommend?user_id={ADA}&age_limit=21&top_k=200"))
        if movie not in AGES
    }
    assert {AGES[movie] for movie in recommended_ids(api.get(f"/recommend?user_id={ADA}&certificate=G&top_k=200"))} == {
        0
    }


def test_a_film_of_unknown_certificate_counts_as_the_setting_says(api, settings):
    assert CRIME_FILM not in recommended_ids(api.get("/popular?age_limit=17&top_k=200"))
    assert CRIME_FILM in recommended_ids(api.get("/popular?age_limit=18&top_k=200"))

    settings.UNCERTIFIED_AGE = 12
    save_record(Movie.objects.get(id=NEMO))  # the catalogue is read anew

    assert CRIME_FILM in recommended_ids(api.get("/popular?age_limit=12&top_k=200"))


def test_similar_and_popular_keep_to_it(api):
    similar = api.post("/similar", {"movie_id": str(GODFATHER), "top_k": 200, "certificate": "PG-13"})
    assert similar["similar"]
    assert all(AGES.get(item["movie_id"], 18) <= 13 for item in similar["similar"])

    popular = api.get("/popular?certificate=G&top_k=200")
    assert {AGES[movie] for movie in recommended_ids(popular)} == {0}
    assert popular["removed"] == {"age_limit": 16 + 60 + 1 - len(recommended_ids(popular))}


def test_charts_and_home_keep_to_the_viewers_limit_and_to_the_requests(api):
    limited(ADA, 8)
    for path in ("popular", "latest", "trending"):
        for wish, oldest in (("", 8), ("&certificate=G", 0)):
            listed = recommended_ids(api.get(f"/{path}?user_id={ADA}&top_k=200{wish}"))
            assert listed or path == "trending"
            assert all(AGES.get(movie, 18) <= oldest for movie in listed), path

    page = api.get(f"/home?user_id={ADA}")
    listed = [movie["movie_id"] for row in page["rows"] for movie in row["films"]]
    assert listed
    assert all(AGES.get(movie, 18) <= 8 for movie in listed)


def test_a_change_of_the_limit_is_true_on_the_next_read_and_costs_no_query(api, django_assert_num_queries):
    # One film fewer than there are: at the catalogue's end the history says whether a page follows.
    before = api.get(f"/recommend?user_id={BEN}&top_k=4")
    assert api.get(f"/recommend?user_id={BEN}&top_k=4")["source"] == "cache"

    limited(BEN, 8)
    after = api.get(f"/recommend?user_id={BEN}&top_k=4")

    assert recommended_ids(after) != recommended_ids(before)
    assert (after["source"], {AGES[movie] <= 8 for movie in recommended_ids(after)}) == ("model", {True})
    with django_assert_num_queries(0):
        stored = api.get(f"/recommend?user_id={BEN}&top_k=4")
    assert (stored["source"], recommended_ids(stored)) == ("cache", recommended_ids(after))
    assert stored["removed"] == after["removed"] == {"seen": 3, "age_limit": 8 + 60 + 1}
    limited(BEN, None)
    assert recommended_ids(api.get(f"/recommend?user_id={BEN}&top_k=4")) == recommended_ids(before)


def test_a_list_is_full_where_the_catalogue_can_fill_it(api, settings):
    """Of the first ten films that are stored hardly any is for children: the model is asked again."""
    settings.LIST_LENGTH = 10
    api.get(f"/recommend?user_id={ADA}&top_k=4")

    body = api.get(f"/recommend?user_id={ADA}&top_k=4&certificate=PG")

    assert (len(recommended_ids(body)), body["source"]) == (4, "model")


def test_viewers_of_several_ages_in_one_batch(api):
    limited(ADA, 0)
    limited(BEN, 8)
    requests = {str(ADA): [], str(BEN): [], str(EVE): [str(STAR_WARS)]}

    body = api.post("/batch/recommend", {"user_histories": requests, "top_k": 30})

    for key, history in requests.items():
        single = api.post("/recommend", {"user_id": int(key), "history": history, "top_k": 30})
        assert [item["movie_id"] for item in body["results"][key]] == recommended_ids(single), key
        assert body["lists"][key]["removed"] == single["removed"]
    oldest = [max(AGES.get(item["movie_id"], 18) for item in body["results"][key]) for key in requests]
    assert oldest == [0, 8, 18]


def test_an_empty_list_says_that_the_age_is_why(api):
    body = api.post("/recommend/filtered", {"user_id": ADA, "actors": ["Al Pacino"], "age_limit": 12, "final_k": 5})

    assert (recommended_ids(body), body["removed"]) == ([], {"seen": 6, "age_limit": 2})
    assert body["reason"] == (
        "Films matching the filters: 2; none that is available now is for the age of 12, and those of unknown "
        "certificate count as 18."
    )
    assert str(GODFATHER_2) in recommended_ids(
        api.post("/recommend/filtered", {"user_id": ADA, "actors": ["Al Pacino"]})
    )


def test_a_limit_that_is_none_is_refused(api):
    invalid = [
        ({"age_limit": 22}, "#/age_limit", "21"),
        ({"age_limit": -1}, "#/age_limit", "0"),
        ({"age_limit": "12"}, "#/age_limit", "integer"),
        ({"certificate": "PG-12"}, "#/certificate", "PG-13"),
        ({"certificate": 13}, "#/certificate", "GB:15"),
    ]
    requests = {
        "/recommend": {"user_id": ADA},
        "/recommend/filtered": {"user_id": ADA},
        "/similar": {"movie_id": str(TOY_STORY)},
        "/batch/recommend": {"user_histories": {}},
    }
    for path, item in requests.items():
        for wish, where, message in invalid:
            [error] = api.post(path, item | wish, expect=400)["errors"]
            assert error["pointer"] == where
            assert message in error["detail"]
