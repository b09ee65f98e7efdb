"""POST /similar by what the catalogue says: each kind of fact that two films share makes them more alike."""

import pytest

from recommender.process_state import clear as clear_process
from recommender.tasks import read_texts
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
        {"certificate": "GB:18"},
        {"runtime": 61},
    ],
    ids=lambda shared: next(iter(shared)),
)
def test_a_shared_fact_of_each_kind_counts(similar_to, shared):
    first = BASE | {key: value for key, value in shared.items() if key not in ("title", "year")}
    plain = {"title": "Orchard", "year": 2005, "genres": ["Drama"], "language": "en", "countries": ["US"]}
    plain |= {"certificate": "GB:U", "runtime": 200}
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


def test_what_overviews_and_tags_say_counts_once_it_was_read(similar_to, api):
    plot = "A keeper guards the lighthouse while a storm drowns the harbour."
    films = [
        {"title": "Harbour", "genres": ["Drama"], "overview": plot},
        {"title": "Orchard", "genres": ["Drama"], "overview": "Two cooks open a bakery and quarrel about cake."},
        {"title": "Lagoon", "genres": ["Drama"], "overview": "Storm over a lighthouse: its keeper is drowned."},
        {"title": "Meadow", "genres": ["Drama"], "overview": "The bakery's cooks bake a cake, and quarrel."},
        {"title": "Silent"},
    ]
    before = dict(similar_to(*films))
    assert before["film-1"] == before["film-2"]

    assert read_texts() == {"movies": 4}
    after = {item["movie_id"]: item["similarity"] for item in api.post("/similar", {"movie_id": "film-0"})["similar"]}
    assert after["film-2"] > max(after["film-1"], after["film-3"])
    assert after["film-4"] == before["film-4"] == 0
    clear_process()  # another process reads what this one stored
    again = api.post("/similar", {"movie_id": "film-0"})["similar"]
    assert {item["movie_id"]: item["similarity"] for item in again} == after


def test_a_catalogue_without_texts_is_read_too(similar_to):
    similar_to({"title": "Harbour"}, {"title": "Orchard", "overview": "Alone with its words."})
    assert read_texts() == {"movies": 0}


def test_films_of_which_nothing_is_known_have_neighbours_too(similar_to):
    assert similar_to({"title": "Harbour"}, {"title": "Orchard"}) == [("film-1", 0.0)]
