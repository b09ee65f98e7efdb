"""Every limit, and that its message names it."""

import json

import pytest

from infrastructure.body_limits import MAX_BODY
from tests.support.cast import ADA

OK = {"user_id": ADA, "history": ["1"]}


def wrong(api, path, body):
    """The only error of a body: pointer and words."""
    answer = api.post(path, body, expect=400)
    [error] = answer["errors"]
    return error["pointer"], error["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "#/user_id", "needed where no history"),
        ({"user_id": ""}, "#/user_id", "1 to 128 printable characters"),
        ({"user_id": "x" * 129}, "#/user_id", "1 to 128 printable characters"),
        ({"user_id": "tab\t"}, "#/user_id", "1 to 128 printable characters"),
        ({"user_id": True}, "#/user_id", "or a number from 1"),
        ({"user_id": 1.5}, "#/user_id", "or a number from 1"),
        ({"user_id": -1}, "#/user_id", "or a number from 1"),
        ({"user_id": None}, "#/user_id", "null"),
        ({"user_id": 0}, "#/user_id", "or a number from 1"),
        ({"user_id": 2**64}, "#/user_id", "to 18446744073709551615"),
        ({**OK, "top_k": 0}, "#/top_k", "greater than or equal to 1"),
        ({**OK, "top_k": 201}, "#/top_k", "less than or equal to 200"),
        ({**OK, "top_k": "20"}, "#/top_k", "must be an integer"),
        ({**OK, "history": "1,50"}, "#/history", "must be a list"),
        ({**OK, "history": {"0": "1"}}, "#/history", "must be a list"),
        ({**OK, "history": ["1"] * 10_001}, "#/history", "holds 10001 film ids; the limit is 10000"),
        ({**OK, "history": ["1", None]}, "#/history/1", "a film id is a string"),
        ({**OK, "history": ["1", True]}, "#/history/1", "a film id is a string"),
        ({**OK, "history": ["1" * 129]}, "#/history/0", "1 to 128 characters"),
        ({**OK, "history": [""]}, "#/history/0", "1 to 128 characters"),
        ({**OK, "exclude": ["1"] * 1001}, "#/exclude", "the limit is 1000"),
        ({**OK, "at": "yesterday"}, "#/at", "unix seconds"),
        ({**OK, "at": -1}, "#/at", "1970"),
        ({**OK, "at": 10**20}, "#/at", "unix seconds"),
        ({**OK, "at": True}, "#/at", "unix seconds"),
        ({**OK, "titles": "yes"}, "#/titles", "true or false"),
    ],
)
def test_recommend(api, body, pointer, words):
    where, what = wrong(api, "/recommend", body)

    assert where == pointer
    assert words in what


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"final_k": 201}, "#/final_k", "200"),
        ({"top_k": 201}, "#/top_k", "200"),
        ({"genres": "Action"}, "#/genres", "must be a list of names"),
        ({"genres": [7]}, "#/genres/0", "a name is a string"),
        ({"actors": ["x" * 201]}, "#/actors/0", "1 to 200 characters"),
        ({"actors": ["x"] * 51}, "#/actors", "holds 51 names; the limit is 50"),
        ({"min_year": 1799}, "#/min_year", "1800"),
        ({"max_year": 2201}, "#/max_year", "2200"),
        ({"max_year": "2000"}, "#/max_year", "must be an integer"),
    ],
)
def test_filtered(api, body, pointer, words):
    where, what = wrong(api, "/recommend/filtered", {**OK, **body})

    assert where == pointer
    assert words in what


@pytest.mark.parametrize(
    ("path", "body", "pointer", "words"),
    [
        ("/similar", {}, "#/movie_id", "required"),
        ("/similar", {"movie_id": "1", "top_k": 201}, "#/top_k", "200"),
        ("/batch/recommend", {}, "#/user_histories", "required"),
        ("/batch/recommend", {"user_histories": [1]}, "#/user_histories", "dictionary"),
        ("/batch/recommend", {"user_histories": {"1": ["1", 2.5]}}, "#/user_histories/1/1", "a film id is a string"),
        (
            "/batch/recommend",
            {"user_histories": {str(n): [] for n in range(1001)}},
            "#/user_histories",
            "holds 1001 viewers; the limit is 1000",
        ),
    ],
)
def test_the_others(api, path, body, pointer, words):
    where, what = wrong(api, path, body)

    assert where == pointer
    assert words in what


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "user_id"),
        ("user_id=", "user_id"),
        ("user_id=%09", "user_id"),
        ("user_id=1&top_k=0", "top_k"),
        ("user_id=1&top_k=many", "top_k"),
        ("user_id=1&titles=maybe", "titles"),
        ("user_id=1&at=never", "at"),
        ("user_id=1&exclude=" + "1" * 129, "exclude"),
        ("user_id=1&exclude=", "exclude"),
        ("user_id=1&exclude=" + ",".join("1" * 101), "exclude"),
        ("user_id=" + "9" * 5000, "user_id"),
    ],
)
def test_queries(api, query, parameter):
    body = api.get(f"/recommend?{query}", expect=400)

    assert [error["parameter"] for error in body["errors"]] == [parameter]


def test_all_errors_of_a_body_are_reported_at_once(api):
    body = api.post("/recommend", {"user_id": [1], "top_k": 0, "history": [None, "1", 2.5]}, expect=400)

    assert [error["pointer"] for error in body["errors"]] == ["#/top_k", "#/user_id", "#/history/0", "#/history/2"]


def test_a_body_over_two_megabytes(api):
    body = api.post("/recommend", b'{"user_id": 1, "x": "' + b"x" * MAX_BODY + b'"}', expect=413)

    assert (body["code"], str(MAX_BODY) in body["detail"]) == ("too_large", True)


def test_the_largest_batch_that_fits_is_answered(model, api):
    histories = {str(n): ["1", "260"] * 100 for n in range(1, 1001)}
    assert len(json.dumps({"user_histories": histories})) < MAX_BODY

    assert api.post("/batch/recommend", {"user_histories": histories, "top_k": 1})["success_count"] == 1000


def test_the_longest_history(model, api):
    assert api.post("/recommend", {"history": ["1", "260"] * 500, "top_k": 1})["source"] == "model"
