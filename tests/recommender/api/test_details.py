"""Lists with `details`: overview, runtime, certificate and people of each film, in the query that reads the titles."""

import pytest

from catalog.models import Movie, MovieTranslation
from tests.support.cast import ADA, BEN, EMPIRE, NEMO, STAR_WARS

DETAILS = {"overview", "runtime", "certificate", "directors", "actors"}
NEMO_DETAILS = {
    "title": "Finding Nemo",
    "overview": "A father looks for his son.",
    "runtime": 100,
    "certificate": "G",
    "directors": ["Andrew Stanton"],
    "actors": ["Albert Brooks", "Ellen DeGeneres"],
}


@pytest.fixture(autouse=True)
def overview(model):
    Movie.objects.filter(id=NEMO).update(overview=NEMO_DETAILS["overview"])


def films_of(body):
    rows = body.get("rows")
    if rows is not None:
        return [film for row in rows for film in row["films"]]
    return body.get("recommendations", body.get("similar"))


CALLS = {
    "recommend": lambda api, **more: api.get("/recommend", data={"user_id": ADA, "top_k": 200, **more}),
    "posted": lambda api, **more: api.post("/recommend", {"user_id": ADA, "top_k": 200, **more}),
    "filtered": lambda api, **more: api.post(
        "/recommend/filtered", {"user_id": ADA, "genres": ["Children"], "final_k": 50, **more}
    ),
    "group": lambda api, **more: api.post("/recommend", {"user_ids": [ADA, ADA + 900], "top_k": 200, **more}),
    "popular": lambda api, **more: api.get("/popular", data={"top_k": 200, **more}),
    "similar": lambda api, **more: api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 200, **more}),
    "similar to": lambda api, **more: api.get(f"/similar/{STAR_WARS}", data={"top_k": 200, **more}),
    "home": lambda api, **more: api.get("/home", data={"user_id": ADA, "rows": 20, "row_length": 50, **more}),
}


@pytest.mark.parametrize("name", CALLS)
def test_details_come_along_where_they_are_asked_for(api, name):
    yes = "true" if name in ("recommend", "popular", "similar to", "home") else True

    plain, detailed = films_of(CALLS[name](api)), films_of(CALLS[name](api, details=yes))

    assert not any(DETAILS & set(film) for film in plain)
    assert all(set(film) >= DETAILS for film in detailed)
    nemo = next(film for film in detailed if film["movie_id"] == str(NEMO))
    assert NEMO_DETAILS.items() <= nemo.items()


def test_details_are_read_in_one_query(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}&top_k=10")

    with django_assert_num_queries(1):
        api.get(f"/recommend?user_id={ADA}&top_k=10&details=true")


def test_an_overview_is_in_the_language_of_the_title(api):
    MovieTranslation.objects.create(movie_id=NEMO, language="de", title="Findet Nemo", overview="Ein Vater sucht.")

    films = films_of(api.get("/popular?top_k=200&details=true&language=de"))

    nemo = next(film for film in films if film["movie_id"] == str(NEMO))
    assert (nemo["title"], nemo["overview"]) == ("Findet Nemo", "Ein Vater sucht.")


def test_similar_films_of_everyone_may_be_kept_by_caches(api, site, settings):
    api.get(f"/similar/{STAR_WARS}?top_k=5&titles=true")
    etag, control = api.response.headers["ETag"], api.response.headers["Cache-Control"]
    assert control == "public, no-cache"
    kept = api.client.get(f"/similar/{STAR_WARS}?top_k=5&titles=true", headers={"If-None-Match": etag})
    assert (kept.status_code, kept.content, kept.headers["Cache-Control"]) == (304, b"", control)

    site.patch(f"/movies/{EMPIRE}", {"published": False})
    now = api.client.get(f"/similar/{STAR_WARS}?top_k=5&titles=true", headers={"If-None-Match": etag})
    assert now.status_code == 200

    api.get(f"/similar/{STAR_WARS}?user_id={BEN}")
    assert api.response.headers["Cache-Control"] == "private, no-cache"
    settings.SHARED_CACHE_SECONDS = 60
    api.get(f"/similar/{STAR_WARS}")
    assert api.response.headers["Cache-Control"] == "public, max-age=60"
    api.get("/similar/999999", expect=404)


def test_both_calls_for_similar_films_answer_the_same(api):
    got = api.get(f"/similar/{STAR_WARS}?top_k=7&user_id={ADA}&age_limit=21")
    posted = api.post("/similar", {"movie_id": str(STAR_WARS), "top_k": 7, "user_id": ADA, "age_limit": 21})

    for of_each_answer in ("recommendation_id", "next"):
        assert got.pop(of_each_answer) != posted.pop(of_each_answer)
    assert got == posted
