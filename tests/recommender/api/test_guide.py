"""docs/api.md: every curl line of it is sent, and its examples are of the shapes that are answered."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import Movie, Viewer
from recommender import tasks

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "api.md").read_text()
FIRST_DAY = re.findall(r"```sh\n(.*?)```", (DOCS / "first-day.md").read_text(), re.DOTALL)
HEREDOC = re.compile(r"^cat > (\S+) <<'CSV'\n(.*?)^CSV\n", re.MULTILINE | re.DOTALL)
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


@pytest.mark.django_db(transaction=True)
def test_the_first_day_goes_as_its_page_says(site, tmp_path, monkeypatch):
    """Its files, commands and calls in their order, into an empty catalogue; the start, the key and the night apart."""
    monkeypatch.chdir(tmp_path)
    answers = {}
    for block in FIRST_DAY:
        for name, rows in HEREDOC.findall(block):
            Path(name).write_text(rows)
        for line in HEREDOC.sub("", block).replace("\\\n", " ").splitlines():
            print(line)  # the last one is shown where it fails
            words = shlex.split(line, comments=True)
            if words[:3] == ["./run", "manage", "import_rows"]:
                call_command(*words[2:])
            elif words[:1] == ["call"]:
                path = next(word for word in words if word.startswith("$SITE")).removeprefix("$SITE")
                body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
                send = site.delete if "DELETE" in words else site.patch if "PATCH" in words else site.post
                answers[line] = site.get(path) if words[1] == words[-1] else send(path, *([body] if body else []))
            else:
                assert not words or words[0] in ("./run", "KEY=...", "SITE=http://127.0.0.1:8000", "call()"), line
    assert len(answers) >= 12
    assert all(answer.get("rejected", 0) == 0 for answer in answers.values())
    [films] = [answer for line, answer in answers.items() if "/movies?" in line]
    assert films["facets"]["genres"]
    listed = [answer["recommendations"] for line, answer in answers.items() if '"$SITE/recommend' in line]
    assert len(listed) == 2
    assert all(listed)
    [history] = [answer["results"] for line, answer in answers.items() if line.endswith('/history"')]
    assert ("lantern-road", "unwatch") in {(event["movie_id"], event["kind"]) for event in history}
    assert not Viewer.objects.filter(key="ben@example.org").exists()


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
