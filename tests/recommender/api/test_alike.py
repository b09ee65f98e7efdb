"""POST /similar by what the catalogue says: each kind of fact that two films share makes them more alike."""

import pytest

from tests.support.tiny_model import clear_caches

BASE = {"title": "Harbour", "year": 1990, "genres": ["Drama"]}


@pytest.fixture
def similar_to(client_with, api, db):
    """Yield a function that puts films, and returns the answer for the first: (key, similarity), best first."""
    clear_caches()

    def ask(*films):
        writer = client_with("catalog:write")
        for n, film in enumerate(films):
            writer.post("/movies", {"movie_id": f"film-{n}", "create_genres": True, **film}, expect=201)
        answer = api.post("/similar", {"movie_id": "film-0", "top_k": 20})
        assert answer["source"] == "content"
        return [(item["movie_id"], item["similarity"]) for item in answer["similar"]]

    yield ask
    clear_caches()


@pytest.mark.parametrize(
    "shared",
    [
        {"directors": ["Ada Quist"]},
        {"actors": ["Ben Orlo"]},
        {"year": 1992},
        {"title": "Harbour 2"},
        {"language": "ja"},
        {"countries": ["JP"]},
        {"certificate": "18"},
        {"runtime": 61},
    ],
    ids=lambda shared: next(iter(shared)),
)
def test_a_shared_fact_of_each_kind_counts(similar_to, shared):
    first = BASE | {key: value for key, value in shared.items() if key not in ("title", "year")}
    plain = {"title": "Orchard", "year": 1960, "genres": ["Drama"], "language": "en", "countries": ["US"]}
    plain |= {"certificate": "6", "runtime": 200}
    found = similar_to(first, plain, {**plain, "title": "Lagoon", **shared}, {**plain, "title": "Meadow"})
    assert found[0][0] == "film-2"
    assert found[0][1] > found[1][1]


def test_somebody_of_few_films_says_more_than_somebody_of_many(similar_to):
    films = [{"title": f"Valley {letter}", "actors": ["Everywhere"]} for letter in "abcdefgh"]
    found = dict(
        similar_to(
            {"title": "Harbour", "actors": ["Everywhere", "Seldom"]}, *films, {"title": "Moor", "actors": ["Seldom"]}
        )
    )
    assert found["film-9"] > found["film-1"] > 0


def test_genres_that_go_together_are_nearer_than_those_that_never_do(similar_to):
    together = [{"title": f"Valley {letter}", "genres": ["Crime", "Thriller"]} for letter in "abcdef"]
    apart = [{"title": f"Moor {letter}", "genres": ["Music"]} for letter in "abcdef"]
    found = dict(
        similar_to(
            {"title": "Harbour", "genres": ["Crime"]},
            {"title": "Orchard", "genres": ["Thriller"]},
            {"title": "Lagoon", "genres": ["Music"]},
            *together,
            *apart,
        )
    )
    assert found["film-3"] > found["film-1"] > found["film-2"] == 0


def test_films_of_which_nothing_is_known_have_neighbours_too(similar_to):
    assert similar_to({"title": "Harbour"}, {"title": "Orchard"}) == [("film-1", 0.0)]
