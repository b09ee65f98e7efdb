"""Viewers by the site's own keys: any text, wherever a viewer is named, and what costs nothing."""

import json
from datetime import timedelta
from threading import Barrier, Thread
from urllib.parse import quote

import pytest
import time_machine
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog import selectors
from catalog.keys import MAX_JSON_NUMBER, MAX_KEY_LENGTH, key_of_number, parse_key
from catalog.limits import MAX_ID
from catalog.models import Viewer
from catalog.services import record_events
from recommender import cache, privacy, process_state, tasks
from recommender.api.fields import named_viewer
from recommender.cache.keys import full_key, viewer_id_key
from recommender.jobs import batch_chunks
from recommender.models import Job
from tests.support.api import app_client, recommended_ids
from tests.support.cast import ADA, BEN, EMPIRE, JEDI, MATRIX, MORNING, NEMO, STAR_WARS, watch_event
from tests.support.histories import training_histories
from tests.support.imports import CSV, JSONL, json_lines, post_rows, run_import
from tests.support.viewer_traces import event, leave_traces, traces_of

pytestmark = pytest.mark.usefixtures("model")
UUID_KEY = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
KEYS = [UUID_KEY, "zoë@example.org", "a/b c?d#e%2F&f=g", "042", " 42", "-1", "0", "4.0", "9" * 19, "日本 👍"]
ALL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def address(path, key):
    return path.format(quote(str(key), safe=""))


def watched(site, key, *movies):
    body = site.post("/events", [event(key, movie, "watch", day) for day, movie in enumerate(movies)])
    assert (body["stored"], body["visible"]) == (len(movies), True), body


# The rule -------------------------------------------------------------------------------------------------------------


@ALL
@given(st.text(max_size=140))
@example("42")
@example("042")
@example("٤٢")
@example(str(MAX_ID))
@example(str(MAX_ID + 1))
def test_a_text_is_a_key_as_it_stands_unless_it_is_a_number_s_decimal(text):
    key = parse_key(text)
    is_number = text.isascii() and text.isdigit() and text == str(int(text or "0")) and 0 < int(text) <= MAX_ID
    if is_number:
        assert key == int(text) == key_of_number(int(text))
    else:
        assert key == (text if 0 < len(text) <= MAX_KEY_LENGTH and text.isprintable() else None)
    if key is not None:
        assert (named_viewer(text).key, named_viewer(text).sent) == (key, text)
        assert parse_key(str(key)) == key


@ALL
@given(st.integers(-10, MAX_JSON_NUMBER + 10) | st.integers(MAX_ID - 5, MAX_ID + 5))
def test_a_number_and_its_decimal_text_are_one_key(number):
    viewer = named_viewer(number)
    if not 1 <= number <= MAX_JSON_NUMBER:
        assert viewer is None
    else:
        assert (viewer.key, viewer.sent) == (parse_key(str(number)), number)


TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=20)


@settings(ALL, max_examples=15)
@given(st.lists(st.integers(1, MAX_JSON_NUMBER) | TEXTS, min_size=2, max_size=6))
@example([42, "42", "042", " 42", "42 ", "+42"])
@example(["é", "e\N{COMBINING ACUTE ACCENT}", "É", "e"])
@example([2**31 - 1, str(2**31 - 1), 2**31, str(2**31)])
def test_two_ids_are_one_viewer_if_the_rule_says_so(site, sent):
    """Each gives one event of an age limit of its own; who has the same key finds both."""
    Viewer.objects.all().delete()
    for number, user_id in enumerate(sent):
        site.post("/events", event(user_id, STAR_WARS, day=number))
    for user_id in sent:
        body = site.post("/recommend", {"user_id": user_id, "top_k": 1})
        assert (body["user_id"], type(body["user_id"])) == (user_id, type(user_id))
        text = str(user_id)
        exported = site.get(address("/users/{}/data", text))
        assert len(exported["events"]) == sum(str(other) == text for other in sent)
        number = parse_key(text)
        assert exported["user_id"] == number


# Wherever a viewer is named ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_a_key_works_wherever_a_viewer_is_named(site, client_with, key):
    unseen = recommended_ids(site.post("/recommend", {"user_id": key, "top_k": 200}))
    assert not site.response.json()["is_known_user"]
    watched(site, key, STAR_WARS, EMPIRE)

    for method, path, body in [
        ("post", "/recommend", {"user_id": key, "top_k": 200}),
        ("post", "/recommend/filtered", {"user_id": key, "final_k": 20}),
        ("get", address("/recommend?user_id={}&top_k=200", key), None),
        ("get", address("/popular?user_id={}&top_k=200", key), None),
        ("get", address("/trending?user_id={}&personal=true", key), None),
        ("get", address("/home?user_id={}", key), None),
    ]:
        answer = site.get(path) if method == "get" else site.post(path, body)
        assert (answer["user_id"], answer["is_known_user"]) == (key, True), path
    assert {str(STAR_WARS), str(EMPIRE)} <= set(unseen)
    listed = recommended_ids(site.post("/recommend", {"user_id": key, "top_k": 200}))
    assert not {str(STAR_WARS), str(EMPIRE)} & set(listed)
    assert site.post("/recommend", {"user_id": key, "top_k": 5})["source"] == "cache"

    group = site.post("/recommend", {"user_ids": [key, ADA, "nobody"], "top_k": 200})
    assert group["user_ids"] == [key, ADA, "nobody"]
    assert str(STAR_WARS) not in recommended_ids(group)
    similar = site.post("/similar", {"movie_id": str(JEDI), "user_id": key, "top_k": 50})
    assert not {str(STAR_WARS), str(EMPIRE)} & {movie["movie_id"] for movie in similar["similar"]}
    batch = site.post("/batch/recommend", {"user_histories": {key: [], "nobody": []}, "top_k": 200})
    assert recommended_ids({"recommendations": batch["results"][key]}) == listed
    assert (batch["lists"][key]["is_known_user"], batch["lists"]["nobody"]["is_known_user"]) == (True, False)
    app = app_client(key, client_with)
    assert recommended_ids(app.get("/recommend?top_k=200")) == listed
    assert app.get(address("/recommend?user_id={}", key))["user_id"] == key
    app.post("/recommend", {"user_id": f"{key}x"}, expect=403)

    data = site.get(address("/users/{}/data", key))
    assert (data["user_id"], [row["movie_id"] for row in data["events"]]) == (key, [str(STAR_WARS), str(EMPIRE)])
    assert site.delete(address("/users/{}/events?movie_id=260", key))["events"] == 1
    assert site.delete(address("/users/{}/data", key))["events"] == 1
    assert not site.get(address("/recommend?user_id={}", key))["is_known_user"]
    assert selectors.find_viewer(key) is None


def test_a_child_s_key_hides_films_of_the_catalogue(site):
    row = {"user_id": "child/1", "name": "Kim", "age_limit": 6}
    assert run_import(site, post_rows(site, "viewers", json_lines(row), JSONL))["result"]["stored"] == 1
    site.get(f"/movies/{MATRIX}")
    site.get(f"/movies/{MATRIX}?user_id=child%2F1", expect=404)
    site.get(f"/movies/{MATRIX}?user_id=%09", expect=400)
    listed = recommended_ids(site.get("/recommend?user_id=child%2F1&top_k=200"))
    assert (str(MATRIX) in listed, str(NEMO) in listed) == (False, True)


def test_an_impression_of_a_key_is_kept_and_counted(site):
    shown = {"kind": "impression", "recommendation_id": "r", "position": 1}
    site.post("/events", [{"user_id": "x y", "movie_id": str(NEMO), **shown}])
    data = site.get("/users/x%20y/data")
    assert [row["movie_id"] for row in data["shown"]] == [str(NEMO)]
    assert site.delete("/users/x%20y/data")["impressions"] == 1


def test_a_session_of_a_key_is_merged_and_given_back(site):
    session, account = "sess/1", "zoe@example.org"
    site.post("/events", [{**event(session, STAR_WARS), "session": True}])
    watched(site, account, EMPIRE)
    merged = site.post("/users/merge", {"from_user_id": session, "into_user_id": account})
    assert (merged["from_user_id"], merged["into_user_id"], merged["events"]) == (session, account, 1)
    assert (
        site.post("/users/merge", {"from_user_id": session, "into_user_id": account})["merge_id"] == merged["merge_id"]
    )
    assert len(site.get(address("/users/{}/data", account))["events"]) == 2
    site.post("/events", [{**event(session, NEMO, day=5), "session": True}])  # the key is used again

    undone = site.post("/users/merge/undo", {"merge_id": merged["merge_id"]})
    assert (undone["from_user_id"], undone["into_user_id"]) == (session, account)
    events = site.get(address("/users/{}/data", session))["events"]
    assert [row["movie_id"] for row in events] == [str(STAR_WARS), str(NEMO)]
    assert len(site.get(address("/users/{}/data", account))["events"]) == 1
    site.post("/users/merge", {"from_user_id": account, "into_user_id": session}, expect=409)
    site.post("/users/merge", {"from_user_id": 42, "into_user_id": "42"}, expect=400)


def test_files_name_viewers_by_key_and_exports_name_them_so_again(site, tmp_path):
    rows = [{"user_id": key, "movie_id": NEMO, "kind": "watch", "occurred_at": MORNING.isoformat()} for key in KEYS]
    assert run_import(site, post_rows(site, "events", json_lines(*rows), JSONL))["result"]["stored"] == len(KEYS)
    text = "user_id,name\n" + "".join(f'"{key}",Name of {n}\n' for n, key in enumerate(["u-1", "42.0", "a,b"]))
    assert run_import(site, post_rows(site, "viewers", text.encode(), CSV))["result"]["stored"] == 3
    assert {42, "u-1", "a,b"} <= {viewer.site_key for viewer in Viewer.objects.all()}
    exported = b"".join(site.client.get("/exports/viewers.jsonl").streaming_content).decode().splitlines()
    by_file = {json.loads(line)["user_id"] for line in exported}
    assert set(KEYS) - {" 42", "4.0"} <= by_file
    assert {42, 4} <= by_file, "in a file a number may have spaces around it, and a fraction of zero"
    file = tmp_path / "ratings.json"
    file.write_text('[{"watched_at": "2024-01-01T00:00:00Z", "movie": {"title": "The Matrix", "year": 1999}}]')
    call_command("import_history", "k-1", str(file))
    assert site.get("/users/k-1/data")["events"][0]["movie_id"] == str(MATRIX)


def test_a_batch_stores_lists_under_keys_of_whom_nothing_is_known(site):
    histories = {"new-1": [str(STAR_WARS), str(EMPIRE)], "new-2": ["424242"]}
    job = site.post("/batch/recommend/cache", {"user_histories": histories}, expect=202)["job_id"]
    tasks.run_batch(job)
    body = site.get(f"/jobs/{job}")
    assert (body["result"]["viewers"], body["result"]["failed_users"]) == (1, ["new-2"])
    answer = site.get("/recommend?user_id=new-1&top_k=5")
    assert (answer["source"], str(STAR_WARS) in recommended_ids(answer)) == ("cache", False)


def test_every_chunk_export_and_sample_has_viewers_of_ids_below_zero(site, tmp_path):
    for key in ("first", "second"):
        watched(site, key, STAR_WARS, EMPIRE)
    ids = set(selectors.find_viewers(["first", "second"]).values())
    assert max(ids) < 0
    batch_chunks.create(Job.objects.create(kind="batch").pk, "tiny", 1, None)
    assert ids <= set(selectors.viewer_ids(-(2**31), 100))
    assert ids <= set(training_histories(tmp_path).viewers.tolist())
    assert ids | {ADA, BEN} <= set(selectors.sample_viewers(100))


def test_staff_find_a_viewer_by_key(site, admin_client):
    watched(site, "zoe@example.org", STAR_WARS)
    watched(site, "a key of words", STAR_WARS)
    for key in ("zoe@example.org", "a key of words"):
        page = admin_client.get(reverse("admin:catalog_viewer_changelist"), {"q": key})
        [viewer] = page.context["cl"].result_list
        assert viewer.site_key == key
        assert key in page.content.decode()
        own = admin_client.get(reverse("admin:catalog_viewer_change", args=[viewer.pk]))
        assert (own.status_code, key in own.content.decode()) == (200, True)


# What it costs, and what others may know ------------------------------------------------------------------------------


def redis_calls():
    statistics = caches["lists"].client.get_client().info("commandstats")
    return sum(values["calls"] for name, values in statistics.items() if name not in ("cmdstat_info",))


def test_a_stored_list_costs_by_key_what_it_costs_by_number(site, django_assert_num_queries):
    watched(site, "warm", STAR_WARS, EMPIRE)
    costs = {}
    for user_id in (ADA, "warm"):
        site.get(f"/recommend?user_id={user_id}&top_k=5")
        assert site.get(f"/recommend?user_id={user_id}&top_k=5")["source"] == "cache"
        before = redis_calls()
        with django_assert_num_queries(0):
            site.get(f"/recommend?user_id={user_id}&top_k=5")
        costs[user_id] = redis_calls() - before
    assert costs["warm"] == costs[ADA]

    process_state.clear()
    site.get(f"/recommend?user_id={ADA}&top_k=5")  # the catalogue and the key
    with django_assert_num_queries(0):  # another process finds the id in Redis
        assert site.get("/recommend?user_id=warm&top_k=5")["source"] == "cache"


def test_whoever_knows_an_id_that_is_no_more_looks_again(site, client_with):
    key = "comes and goes"
    watched(site, key, STAR_WARS, EMPIRE)
    asked = address("/recommend?user_id={}&top_k=200", key)
    site.get(asked)
    former = selectors.find_viewer(key)
    version_and_list = cache.read_list_and_versions(former)
    privacy.erase_viewer(key)
    record_events([watch_event(key, NEMO, MORNING)])
    assert selectors.find_viewer(key) != former

    for where in (asked, address("/home?user_id={}", key), address("/popular?user_id={}&top_k=200", key)):
        know_as(key, former)
        assert site.get(where)["is_known_user"], where
    for path, body in [
        ("/recommend", {"user_ids": [key, ADA], "top_k": 200}),
        ("/batch/recommend", {"user_histories": {key: []}, "top_k": 200}),
        ("/similar", {"user_id": key, "movie_id": str(STAR_WARS), "top_k": 200}),
    ]:
        know_as(key, former)
        assert f'"{NEMO}"' not in json.dumps(site.post(path, body)), path
    know_as(key, former)
    cache.store_list(former, version_and_list[1])  # by whoever had read the history before
    listed = recommended_ids(site.get(asked))
    assert (str(NEMO) in listed, str(STAR_WARS) in listed) == (False, True)
    watched(site, key, MATRIX)
    assert Viewer.objects.filter(key=key).count() == 1


def know_as(key, viewer_id):
    """Have this process and Redis believe that the key has this id."""
    process_state.clear()
    cache.store_viewer_ids({key: viewer_id})


def test_reading_creates_nobody(site):
    before = Viewer.objects.count()
    for path in ("/recommend?user_id=who", "/home?user_id=who", "/users/who/data", "/popular?user_id=who"):
        site.get(path)
    site.delete("/users/who/data")
    site.post("/users/merge", {"from_user_id": "who", "into_user_id": "whom"})
    site.post("/events", {"user_id": "who", "movie_id": "424242", "kind": "watch"})
    assert Viewer.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_the_same_new_keys_written_at_once_are_one_viewer_each(cast):
    keys = [f"k{n}" for n in range(20)]
    barrier, failures = Barrier(4), []

    def write(number):
        try:
            barrier.wait(10)
            events = [watch_event(key, NEMO, MORNING + timedelta(minutes=number)) for key in keys]
            record_events(events if number % 2 else events[::-1])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert Viewer.objects.filter(key__in=keys).count() == len(keys)
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM catalog_viewer_key_id")
        [before] = cursor.fetchone()
        record_events([watch_event(key, NEMO, MORNING + timedelta(days=1)) for key in keys])
        cursor.execute("SELECT last_value FROM catalog_viewer_key_id")
        assert cursor.fetchone() == (before,), "who is known takes no number"


def test_nothing_is_left_of_an_erased_key(site, admin_client):
    key, viewer_id = "zoë.o'unlikely+1@example.org", -1_987_654_320
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('catalog_viewer_key_id', %s)", [viewer_id + 1])
    leave_traces(site, admin_client, key)
    site.post("/events", [{**event("sess/unlikely", NEMO), "session": True}])
    site.post("/users/merge", {"from_user_id": "sess/unlikely", "into_user_id": key})
    assert selectors.find_viewer(key) == viewer_id
    redis = caches["lists"].client.get_client()
    assert redis.exists(full_key(viewer_id_key(key)))
    kinds = {line.split(":")[0].split()[0] for line in traces_of(key)}
    assert kinds >= {"catalog_viewer", "recommender_importpart", "recommender_merge"}

    body = site.delete(address("/users/{}/data", key))

    assert (body["user_id"], body["events"], body["impressions"], body["jobs"]) == (key, 4, 1, 2)
    assert not redis.exists(full_key(viewer_id_key(key)))
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD + timedelta(seconds=1)):
        assert tasks.finish_erasures() == 2  # the session's, of its merge, and this one
    assert (traces_of(key), traces_of(viewer_id), traces_of("sess/unlikely")) == ([], [], [])
    assert site.get(address("/users/{}/data", key))["viewer"] is None
    assert BEN in Viewer.objects.values_list("pk", flat=True)


def test_what_was_read_before_anything_was_known_goes_too(site):
    key = "zoë.o'unlikely+4@example.org"
    for path, values in [
        ("/recommend", {"top_k": 5}),
        ("/recommend/filtered", {"genres": ["Crime"], "final_k": 5}),
        ("/similar", {"movie_id": str(STAR_WARS), "top_k": 5}),
        ("/recommend", {"top_k": 5, "history": [str(n) for n in range(1, 900)]}),
    ]:
        first = site.post(path, {"user_id": key, **values})
        site.post(path, {"user_id": key, "cursor": first["next"]})
    group = site.post("/recommend", {"user_ids": [key, ADA], "top_k": 5})
    site.post("/recommend", {"cursor": group["next"]})
    redis = caches["lists"].client.get_client()
    assert len(list(redis.scan_iter("*pages:*:ids"))) == 5
    site.delete(address("/users/{}/data", key))
    assert traces_of(key) == []
    assert not list(redis.scan_iter("*pages:*:ids")), "long ones are compressed"
