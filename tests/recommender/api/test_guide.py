"""docs/api.md: every curl line of it is sent, and its examples are of the shapes that are answered."""

import json
import re
import shlex
from pathlib import Path

import pytest

from catalog.models import Movie
from recommender import tasks

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
EVENTS, SALES, DIARY = re.findall(r"```csv\n(.*?)```", GUIDE, re.DOTALL)
CALLS = re.findall(r"^curl (?:[^\n]*\\\n)*[^\n]*", GUIDE, re.MULTILINE)


@pytest.mark.usefixtures("model")
def test_every_call_of_the_guide_is_answered(site):
    Movie.objects.create(id=500, title="A film of the demo")
    Movie.objects.filter(id=1).update(imdb_id="tt0114709")
    for call in CALLS:
        print(call)  # the last one is shown where it fails
        arguments = shlex.split(call.replace("\\\n", " "))
        url = next(word for word in arguments if word.startswith("http://"))
        path = url.removeprefix("http://127.0.0.1:8000")
        if path.endswith("/history"):
            assert site.post(path, DIARY.encode(), content_type="text/csv")["unmatched"] == []
        elif path.startswith("/imports"):
            rows = SALES if "@sales.csv" in arguments else EVENTS
            job = site.post(path, rows.encode(), content_type="text/csv", expect=202)
            assert tasks.run_import(job["job_id"])["stored"] == len(rows.splitlines()) - 1
        elif path.startswith("/exports"):
            answer = site.client.get(path)
            assert (answer.status_code, b"".join(answer.streaming_content) != b"") == (200, True)
        elif path.endswith("/import"):
            assert site.delete(f"/jobs/{job['job_id']}/import", expect=202)["kind"] == "import_undo"
        elif "DELETE" in arguments:
            assert site.delete(path)["visible"]
        elif "-d" in arguments:
            send = site.patch if "PATCH" in arguments else site.put if "PUT" in arguments else site.post
            answer = send(
                path, json.loads(arguments[arguments.index("-d") + 1]), expect=201 if path == "/movies" else 200
            )
            assert answer.get("rejected", 0) == 0
        elif path.startswith("/recommendations/"):
            served = site.get("/popular?top_k=1")
            tasks.store_served_lists()
            assert site.get(f"/recommendations/{served['recommendation_id']}")["surface"] == "popular"
        elif path == "/health/system":
            assert site.client.get(path).status_code in (200, 503)  # no worker runs beside this test
        else:
            site.get(path)


def test_the_guide_has_an_example_of_every_call():
    paths = {re.search(r"8000(/[a-z/]+)", call)[1] for call in CALLS}

    assert {
        "/recommend",
        "/recommend/filtered",
        "/similar",
        "/batch/recommend",
        "/events",
        "/popular",
        "/trending",
        "/latest",
        "/home",
        "/movies",
        "/imports/events",
        "/users/",
        "/exports/movies",
    } <= paths


@pytest.mark.usefixtures("model")
def test_the_answers_of_the_guide_have_the_fields_that_are_answered(api):
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]
    [list_example] = [block for block in blocks if "recommendations" in block]
    [error] = [block for block in blocks if "errors" in block]

    assert set(list_example) == set(api.post("/recommend", {"user_id": 123, "history": ["1"]}))
    assert set(error) == set(api.post("/recommend", {"user_id": 123, "top_k": 201}, expect=400))
