"""What a call does not know it refuses by name: parameters, fields at every depth, columns of files. Nothing is passed
over, as a limit that is misspelt would be no limit."""

import json
import re

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Viewer, WatchEvent
from tests.support.api import ApiClient
from tests.support.cast import ADA, CLEO, NEMO, TOY_STORY

pytestmark = pytest.mark.usefixtures("model")
INVENTED = "zzz_invented"
PLACES = {
    "movie_id": TOY_STORY,
    "user_id": ADA,
    "kind": "movies",
    "form": "jsonl",
    "event_id": "e1",
    "account": "home",
    "recommendation_id": "f" * 32,
}
NO_JOB = "6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11"
EVENT = {"user_id": CLEO, "movie_id": str(NEMO), "kind": "watch"}


def calls():
    """Every operation of the contract: method, address, and the schema of its JSON body."""
    contract = json.loads(ApiClient().client.get("/schema?format=json").content)
    return [
        (method, path.format(job_id=NO_JOB, **PLACES), call.get("requestBody", {}).get("content"))
        for path, methods in contract["paths"].items()
        for method, call in methods.items()
    ]


def sent(site, method, path, body=None):
    text = "" if body is None else json.dumps(body)
    response = site.client.generic(method.upper(), path, text, content_type="application/json")
    return response.status_code, json.loads(response.content)


def test_no_call_takes_an_invented_parameter(site):
    every = calls()
    assert len(every) > 25
    for method, path, content in every:
        body = {} if content and "application/json" in content else None
        status, reported = sent(site, method, f"{path}?{INVENTED}=1", body)
        assert status == 400, (method, path, reported)
        [error] = reported["errors"]
        assert error["parameter"] == INVENTED
        assert f"unknown parameter `{INVENTED}`" in error["detail"]


def test_no_call_takes_an_invented_field(site):
    with_body = 0
    for method, path, content in calls():
        if (content and "application/json" not in content) or path.endswith(("/history", "/track")):
            continue  # a file; messages of other makers, who add fields
        status, reported = sent(site, method, path, {INVENTED: 1})
        assert status == 400, (method, path, reported)
        if content:
            with_body += 1
            assert {"pointer": f"#/{INVENTED}"}.items() <= reported["errors"][0].items(), (path, reported)
            assert f"unknown field `{INVENTED}`" in reported["errors"][0]["detail"]
        else:
            assert "takes no body" in reported["errors"][0]["detail"]
    assert with_body > 9


def test_the_contract_says_so(site):
    contract = json.loads(ApiClient().client.get("/schema?format=json").content)
    for methods in contract["paths"].values():
        for call in methods.values():
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = body.get("$ref", "").rpartition("/")[2]
            schema = contract["components"]["schemas"].get(name, {})
            if "anyOf" in schema and "properties" not in schema:  # beside forms it would refuse each of their fields
                assert "additionalProperties" not in schema, name
            elif name:
                assert schema["additionalProperties"] is False, name
    assert contract["components"]["schemas"]["EventRequest"]["additionalProperties"] is False


NEAREST = [
    ("post", "/recommend", {"user_id": ADA, "agelimit": 8}, "agelimit", "did you mean `age_limit`?"),
    ("post", "/recommend", {"userId": ADA}, "userId", "did you mean `user_id`?"),
    ("post", "/recommend", {"user_id": ADA, "genres": ["Crime"]}, "genres", "POST /recommend/filtered takes it"),
    ("post", "/recommend/filtered", {"user_id": ADA, "genre": ["Crime"]}, "genre", "did you mean `genres`?"),
    ("post", "/similar", {"movie_id": "1", "exclude": ["2"]}, "exclude", "unknown field `exclude`: there is"),
    ("post", "/batch/recommend", {"user_histories": {}, "Age-Limit": 8}, "Age-Limit", "`age_limit`?"),
    ("post", "/events", {**EVENT, "timestamp": 1_700_000_000}, "timestamp", "did you mean `occurred_at`?"),
    ("post", "/events", {**EVENT, "occured_at": 1_700_000_000}, "occured_at", "did you mean `occurred_at`?"),
    ("post", "/events", {"events": [EVENT], "dry_run": True}, "dry_run", "there is events."),
    (
        "post",
        "/viewer-tokens",
        {"user_id": ADA, "expires": 60},
        "expires",
        "there is user_id, seconds, scopes, companions.",
    ),
    ("post", "/users/merge", {"from": 1, "into_user_id": ADA}, "from", "unknown field `from`"),
    ("post", "/movies", {"title": "X", "certficate": "R"}, "certficate", "did you mean `certificate`?"),
    ("patch", f"/movies/{NEMO}", {"publish": False}, "publish", "did you mean `published`?"),
    ("get", "/movies?page=2", None, "page", "a page's `next` is the address"),
    ("get", "/people?offset=50", None, "offset", "a page's `next` is the address"),
    ("get", "/movies?agelimit=8", None, "agelimit", "did you mean `age_limit`?"),
    ("get", f"/movies/{NEMO}?fields=title", None, "fields", "there is user_id, age_limit"),
    ("get", "/genres?_=1700000000", None, "_", "unknown parameter `_`"),
    ("get", f"/recommend?user_id={ADA}&genres=Crime", None, "genres", "POST /recommend/filtered takes it"),
    ("get", f"/recommend?user_id={ADA}&history=1", None, "history", "POST /recommend takes it"),
    ("get", "/home?row=3", None, "row", "did you mean `rows`?"),
    ("get", "/popular?format=xml", None, "format", "unknown parameter `format`"),
    ("get", "/health/live?verbose=1", None, "verbose", "there is none here"),
    ("get", "/exports/movies.csv?limit=5", None, "limit", "there is none here"),
    ("post", f"/recommend?age_limit=8&user_id={ADA}", {"user_id": ADA}, "age_limit", "there is none here"),
]


def test_the_nearest_name_is_suggested(site):
    for method, path, body, name, message in NEAREST:
        status, reported = sent(site, method, path, body)
        assert status == 400, (path, reported)
        named = [item for item in reported["errors"] if name in (item.get("parameter"), item.get("pointer", "")[2:])]
        assert [item["detail"] for item in named if message in item["detail"]], (path, reported)
    assert not WatchEvent.objects.filter(viewer_id=CLEO, movie_id=NEMO).exists()


def test_an_event_of_many_is_rejected_by_its_index(site):
    reported = site.post("/events", [EVENT, {**EVENT, "timestamp": 1}])
    assert (reported["stored"], reported["rejected"]) == (1, 1)
    assert "unknown field `timestamp`" in reported["results"][1]["reason"]


def test_a_parameter_that_is_sent_twice_is_not_half_heard(site):
    for path, name in (("/popular", "age_limit"), ("/movies", "age_limit"), ("/movies", "min_year")):
        [error] = site.get(f"{path}?{name}=18&{name}=21", expect=400)["errors"]
        assert error["parameter"] == name
        assert error["detail"] == "is sent 2 times: send it once."


def test_a_parameter_that_says_nothing_is_none_that_was_left_out(site):
    for path in ("/movies?age_limit=", "/movies?min_year=", "/people?cursor=", "/popular?age_limit="):
        [error] = site.get(path, expect=400)["errors"]
        assert error["parameter"] in path


def test_a_field_that_is_sent_twice_is_refused(site):
    body = b'{"user_id": 101, "age_limit": 8, "top_k": 3, "age_limit": 21}'
    assert "names 'age_limit' twice" in site.post("/recommend", body, expect=400)["detail"]
    assert "twice" in site.post("/events", b'[{"kind": "watch", "kind": "like"}]', expect=400)["detail"]


def test_parameters_that_exclude_each_other_are_refused(site):
    body = {"user_histories": {str(ADA): []}, "active_days": 7}
    [error] = site.post("/batch/recommend/cache", body, expect=400)["errors"]
    assert error["pointer"] == "#/active_days"


def test_a_great_many_unknown_names_cost_little(site):
    body = {f"{'agelimit' * 30}{number}": 1 for number in range(5_000)}
    errors = site.post("/recommend", {"user_id": ADA, **body}, expect=400)["errors"]
    assert len(errors) == 10
    assert all(len(item["detail"]) < 400 for item in errors)


COLUMNS = [
    ("viewers", "user_id,agelimit\n7,12\n", "line 1: unknown column `agelimit`: did you mean `age_limit`?"),
    ("viewers", "user_id,age_limit,notes\n7,12,\n", "line 1: unknown column `notes`: there is user_id"),
    (
        "events",
        "user_id,movie_id,kind,timestamp\n7,1,watch,2024-01-01\n",
        "line 1: unknown column `timestamp`: did you mean `occurred",
    ),
    ("movies", "movie_id,tittle\n1,X\n", "line 1: unknown column `tittle`: did you mean `title`?"),
]


def test_a_column_that_is_not_known_ends_the_file_at_its_first_line(site, tmp_path):
    for kind, csv, message in COLUMNS:
        path = tmp_path / f"{kind}.csv"
        path.write_text(csv)
        reported = site.post(f"/imports/{kind}", csv.encode(), expect=400, content_type="text/csv")
        assert message in reported["errors"][0]["detail"]
        with pytest.raises(CommandError, match=re.escape(message)):
            call_command("import_rows", kind, path)
    assert not Viewer.objects.filter(pk=7).exists()


def test_an_unknown_field_of_a_row_is_reported_by_its_line(site, tmp_path):
    path = tmp_path / "viewers.jsonl"
    path.write_text('{"user_id": 7, "age_limit": 12}\n{"user_id": 8, "agelimit": 12}\n')

    with pytest.raises(CommandError):
        call_command("import_rows", "viewers", path)

    rejected = (tmp_path / "viewers.jsonl.rejected.csv").read_text()
    assert "2,,unknown field `agelimit`: did you mean `age_limit`?" in rejected
    assert [*Viewer.objects.filter(pk__in=(7, 8)).values_list("pk", "age_limit")] == [(7, 12)]
