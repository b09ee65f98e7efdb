"""Events by the site's own keys: counted once, given back as they came, and taken back."""

import json
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.event_keys import parse_event_key
from catalog.exchange.row_export import export_rows
from catalog.exchange.row_files import FileFormat
from catalog.exchange.row_schemas import RowKind
from catalog.models import EventKey, Viewer, WatchEvent
from catalog.services import delete_movies
from recommender.models import ApiKey, Impression
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, EVE, GODFATHER_2, JEDI, NEMO, STAR_WARS
from tests.support.imports import json_lines, post_rows, run_import

pytestmark = pytest.mark.usefixtures("model")

UUID_TEXT = "6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11"
WRITTEN = [UUID_TEXT, UUID_TEXT.upper(), UUID_TEXT.replace("-", ""), f"{{{UUID_TEXT}}}", f"urn:uuid:{UUID_TEXT}"]
KEYS = ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "order/7 of 9?", "7", "ünïcode…", UUID_TEXT.upper(), "a" * 128]


def event(**more):
    return {"user_id": EVE, "movie_id": str(NEMO), "kind": "watch", **more}


def statuses(body):
    return [item["status"] for item in body["results"]]


def test_a_key_counts_once_and_comes_back_as_it_came(site):
    moments = [f"2026-01-0{n + 1}T20:00:00Z" for n in range(len(KEYS))]
    sent = [event(event_id=key, occurred_at=at) for key, at in zip(KEYS, moments, strict=True)]
    sent += [event(event_id=str(uuid4()), occurred_at="2026-01-09T20:00:00Z"), event(kind="like")]
    assert set(statuses(site.post("/events", sent))) == {"stored"}
    assert set(statuses(site.post("/events", sent[:-1]))) == {"duplicate"}
    other = site.post("/events", sent[1] | {"movie_id": str(JEDI)}, expect=409)
    assert other["detail"].startswith(f"event_id: {KEYS[1]} came before with another movie_id")

    told = site.get(f"/users/{EVE}/data")["events"]
    assert [item["event_id"] for item in told] == [*KEYS, sent[-2]["event_id"], None]
    assert EventKey.objects.count() == len(KEYS), "a UUID in lower case needs no text"
    rows = [json.loads(line) for line in "".join(export_rows(RowKind.EVENTS, FileFormat.JSONL)).splitlines()]
    assert [row["event_id"] for row in rows if row["user_id"] == EVE] == [item["event_id"] for item in told]


def test_a_number_is_its_digits_and_a_uuid_is_one_however_it_is_written(site):
    at = {"occurred_at": "2026-01-01T20:00:00Z"}
    body = site.post("/events", [event(event_id=key, **at) for key in (12345678901234567890, "12345678901234567890")])
    assert statuses(body) == ["stored", "duplicate"]
    body = site.post("/events", [event(event_id=key, kind="like", **at) for key in WRITTEN])
    assert statuses(body) == ["stored", *["duplicate"] * 4]
    assert [item["event_id"] for item in site.get(f"/users/{EVE}/data")["events"]] == [
        "12345678901234567890",
        UUID_TEXT,
    ]


@pytest.mark.parametrize("key", ["", "a" * 129, "tab\there", "null\0", 1.5, -1, 2**64, True, None, []])
def test_what_can_be_no_key_is_refused(site, key):
    body = site.post("/events", event(event_id=key), expect=400)
    assert body["errors"][0]["pointer"] == "#/event_id"


def test_impressions_have_keys_too(site):
    shown = event(kind="impression", event_id="seen 1", position=2)
    assert statuses(site.post("/events", [shown, shown, shown | {"position": 3}])) == [
        "stored",
        "duplicate",
        "conflict",
    ]
    assert site.get(f"/users/{EVE}/data")["shown"][0]["event_id"] == "seen 1"
    assert site.delete("/events/seen%201") == {"events": 0, "impressions": 1, "visible": True}
    assert not Impression.objects.exists()


def test_keys_in_files(site):
    at = "2026-01-01T20:00:00Z"
    row = {"user_id": EVE, "movie_id": NEMO, "kind": "watch", "occurred_at": at, "event_id": " spaced "}
    for stored, duplicates in ((1, 0), (0, 1)):
        result = run_import(site, post_rows(site, "events", json_lines(row)))["result"]
        assert (result["stored"], result["duplicates"]) == (stored, duplicates)
    assert EventKey.objects.get().key == " spaced "
    assert site.delete("/events/%20spaced%20")["events"] == 1


@pytest.mark.parametrize("key", [*KEYS, UUID_TEXT])
def test_an_event_is_taken_back_by_its_key(site, key):
    before = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))
    site.post("/events", event(user_id=ADA, movie_id=before[0], event_id=key))
    assert before[0] not in recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))
    version = Viewer.objects.get(pk=ADA).version

    assert site.delete(f"/events/{quote(key, safe='')}") == {"events": 1, "impressions": 0, "visible": True}

    assert recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200")) == before
    assert Viewer.objects.get(pk=ADA).version == version + 1
    assert not EventKey.objects.exists()
    assert site.delete(f"/events/{quote(key, safe='')}") == {"events": 0, "impressions": 0, "visible": True}
    assert statuses(site.post("/events", event(event_id=key))) == ["stored"], "it may come again"


def test_a_viewers_events_are_taken_back_by_film_kind_and_moment(site):
    assert site.delete(f"/users/{CLEO}/events?movie_id={GODFATHER_2}&kind=watchlist")["events"] == 1
    assert site.delete(f"/users/{CLEO}/events?movie_id={GODFATHER_2}&kind=watchlist")["events"] == 0
    assert site.delete(f"/users/{CLEO}/events?movie_id=999999")["events"] == 0
    assert site.delete(f"/users/{CLEO}/events?kind=watch&before=2024-03-02T00:00:00Z")["events"] == 1
    assert WatchEvent.objects.filter(viewer=CLEO).count() == 5
    site.post(
        "/events", [event(user_id=CLEO, kind="impression"), event(user_id=CLEO, kind="click", movie_id=str(JEDI))]
    )
    assert site.delete(f"/users/{CLEO}/events?kind=impression")["impressions"] == 1
    before = site.get(f"/recommend?user_id={CLEO}&top_k=5")
    assert before["is_known_user"]

    assert site.delete(f"/users/{CLEO}/events?all=true") == {"events": 5, "impressions": 1, "visible": True}

    after = site.get(f"/recommend?user_id={CLEO}&top_k=5")
    assert (after["source"], after["removed"].get("seen", 0)) == ("popular", 0)
    assert site.delete(f"/users/{CLEO}/events?all=true") == {"events": 0, "impressions": 0, "visible": True}
    assert site.delete(f"/users/{EVE}/events?all=true")["events"] == 0, "an unknown viewer"
    assert not Viewer.objects.filter(pk=EVE).exists()


@pytest.mark.parametrize("query", ["", "?all=false", "?all=true&kind=watch", "?kind=sneeze", "?before=yesterday"])
def test_what_is_to_be_deleted_has_to_be_said(site, query):
    site.delete(f"/users/{CLEO}/events{query}", expect=400)
    assert WatchEvent.objects.filter(viewer=CLEO).count() == 7


def test_deleting_needs_the_scope_of_events(client_with):
    reader = client_with(ApiKey.Scope.READ)
    assert reader.delete("/events/x", expect=403)["code"] == "permission_denied"
    assert reader.delete(f"/users/{CLEO}/events?all=true", expect=403)["code"] == "permission_denied"


def test_no_key_outlives_its_event(site):
    """Whoever deletes the event: an erasure, a merge, the film's end, an emptied table."""
    at = "2026-01-01T20:00:00Z"
    session = {"user_id": 900, "session": True, "occurred_at": at}
    site.post("/events", [event(**session, event_id="first"), event(user_id=BEN, occurred_at=at, event_id="twin")])
    merge = site.post("/users/merge", {"from_user_id": 900, "into_user_id": BEN})
    assert (merge["duplicates"], list(EventKey.objects.values_list("key", flat=True))) == (1, ["twin"])
    site.post("/users/merge/undo", {"merge_id": merge["merge_id"]})
    assert sorted(EventKey.objects.values_list("key", flat=True)) == ["first", "twin"], "restored with its key"

    site.delete("/users/900/data")
    assert list(EventKey.objects.values_list("key", flat=True)) == ["twin"]
    site.post("/events", event(user_id=BEN, movie_id=str(STAR_WARS), event_id="another"))
    delete_movies([NEMO])
    assert list(EventKey.objects.values_list("key", flat=True)) == ["another"]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE catalog_watchevent")
    assert not EventKey.objects.exists()


def test_an_event_grows_by_no_byte(site):
    """The header has 24 bytes as long as there are eight columns; a ninth that may be null would cost 8 bytes a row."""
    site.post("/events", [event(event_id="a key of its own", kind="rating", rating=4), event(event_id=UUID_TEXT)])
    site.post("/events", event(kind="like"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, client_event_id IS NOT NULL, pg_column_size(e.*) FROM catalog_watchevent e"
            " WHERE viewer_id = %s ORDER BY id",
            [EVE],
        )
        assert cursor.fetchall() == [(2, True, 72), (1, True, 68), (3, False, 52)]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=140))
def test_every_printable_text_is_a_key_of_its_own(text):
    parsed = parse_event_key(text)
    assert (parsed is not None) == (0 < len(text) <= 128 and text.isprintable())
    if parsed is not None:
        assert str(parsed) == text
        assert parse_event_key(text + " ") != parsed


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.uuids(), st.data())
def test_a_uuid_is_itself_in_any_case(number, data):
    text = "".join(data.draw(st.sampled_from([c, c.upper()])) for c in str(number))
    assert parse_event_key(text).number == UUID(str(number))
    assert str(parse_event_key(text)) == text
