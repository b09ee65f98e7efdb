"""GET, PUT and PATCH /users/{id}, and the profiles of an account."""

from datetime import datetime

import pytest

from catalog.models import Viewer
from recommender.models import ApiKey, AuditEntry
from tests.support.api import app_client, recommended_ids
from tests.support.cast import ADA, AMELIE, BEN, CLEO, EVE, MATRIX, NEMO
from tests.support.viewer_traces import event, traces_of

pytestmark = pytest.mark.usefixtures("model")
CHILD = 1_978_456_123


@pytest.fixture
def writer(client_with):
    return client_with(ApiKey.Scope.USERS_WRITE)


@pytest.fixture
def reader(client_with):
    return client_with(ApiKey.Scope.USERS_READ)


def test_a_profile_tells_what_the_site_knows(reader):
    body = reader.get(f"/users/{CLEO}")

    assert datetime.fromisoformat(body.pop("created_at")).tzinfo is not None
    assert body == {
        "user_id": CLEO,
        "age_limit": None,
        "language": None,
        "country": None,
        "account": None,
        "session": False,
        "counts": {"watched": 3, "rated": 0, "liked": 1, "disliked": 1, "hidden": 2, "watchlist": 1},
    }
    assert reader.get(f"/users/{ADA}")["counts"] == {
        "watched": 6, "rated": 6, "liked": 0, "disliked": 0, "hidden": 0, "watchlist": 0
    }  # fmt: skip
    assert reader.get(f"/users/{EVE}", expect=404)["code"] == "not_found"


def test_a_childs_profile_needs_no_key_that_erases(writer, reader, site):
    made = writer.put(f"/users/{CHILD}", {"age_limit": 7, "language": "de", "country": "DE"}, expect=201)
    assert (made["user_id"], made["age_limit"], made["language"], made["country"]) == (CHILD, 7, "de", "DE")
    assert made["visible"] is True
    assert {"R", "PG"}.isdisjoint(_certificates(site, CHILD))

    assert writer.patch(f"/users/{CHILD}", {"age_limit": 12})["language"] == "de", "what is not named stays"
    assert writer.put(f"/users/{CHILD}", {"age_limit": 12})["language"] is None, "PUT writes the whole profile"
    assert reader.get(f"/users/{CHILD}")["age_limit"] == 12
    assert Viewer.objects.get(pk=CHILD).is_session is False
    actions = AuditEntry.objects.filter(action="profile_written").order_by("pk").values_list("details", flat=True)
    assert list(actions) == ["made, age_limit, language, country", "age_limit", "language, country"]
    assert not any(str(CHILD) in entry.details + entry.subject for entry in AuditEntry.objects.all())
    writer.patch(f"/users/{EVE}", {"age_limit": 12}, expect=404)
    writer.get(f"/users/{CHILD}", expect=403)
    reader.put(f"/users/{CHILD}", {"age_limit": None}, expect=403)
    writer.delete(f"/users/{CHILD}/data", expect=403)
    site.delete(f"/users/{CHILD}/data")
    assert [trace for trace in traces_of(CHILD) if "recommender_erasure" not in trace] == []


def _certificates(site, viewer):
    ids = recommended_ids(site.get(f"/recommend?user_id={viewer}&top_k=50"))
    return {site.get(f"/movies/{movie}")["certificate"] for movie in ids}


def test_an_age_limit_holds_on_the_next_read(writer, site):
    adult = recommended_ids(site.get(f"/recommend?user_id={BEN}&top_k=50"))
    assert {str(MATRIX), str(AMELIE)} <= set(adult)
    version = Viewer.objects.get(pk=BEN).version

    assert writer.patch(f"/users/{BEN}", {"age_limit": 7})["visible"] is True
    assert {"R", "PG-13"}.isdisjoint(_certificates(site, BEN))
    assert Viewer.objects.get(pk=BEN).version > version
    limited = site.get(f"/recommend?user_id={BEN}&top_k=50&age_limit=21")
    assert str(MATRIX) not in recommended_ids(limited), "the stricter of both limits holds"

    version = Viewer.objects.get(pk=BEN).version
    writer.patch(f"/users/{BEN}", {"age_limit": 7})
    assert Viewer.objects.get(pk=BEN).version == version, "what changes nothing makes no list stale"
    writer.patch(f"/users/{BEN}", {"age_limit": None})
    assert recommended_ids(site.get(f"/recommend?user_id={BEN}&top_k=50")) == adult


def test_a_value_out_of_bounds_is_named_and_nothing_changes(writer):
    for field, values in {
        "age_limit": (22, -1, "12", True, 7.5),
        "language": ("deutsch", "de_DE", "", 7),
        "country": ("de", "DEU", "", 7),
        "account": ("", "a\nb", "x" * 129, 0, 1.5, []),
        "agelimit": (7,),
    }.items():
        for value in values:
            body = writer.put(f"/users/{CHILD}", {field: value}, expect=400)
            assert [error["pointer"] for error in body["errors"]] == [f"#/{field}"], (field, value)
    assert not Viewer.objects.filter(pk=CHILD).exists()


def test_profiles_of_an_account_are_a_household(writer, reader, client_with, site, settings):
    settings.PROFILES_PER_ACCOUNT = 3
    for number, limit in enumerate((None, 16, 7)):
        body = {"account": "Müller & Söhne/7", "age_limit": limit}
        assert writer.put(f"/users/{CHILD + number}", body, expect=201)["account"] == "Müller & Söhne/7"
    address = "/accounts/M%C3%BCller%20%26%20S%C3%B6hne%2F7"

    listed = reader.get(f"{address}/profiles")
    assert listed["account"] == "Müller & Söhne/7"
    assert [profile["age_limit"] for profile in listed["profiles"]] == [None, 16, 7]
    full = writer.put(f"/users/{CHILD + 3}", {"account": "Müller & Söhne/7"}, expect=409)
    assert full["code"] == "account_full"
    assert not Viewer.objects.filter(pk=CHILD + 3).exists()
    writer.put(f"/users/{CHILD}", {"account": "Müller & Söhne/7"})  # one of them may be written again
    writer.patch(f"/users/{CHILD + 1}", {"account": None})
    writer.put(f"/users/{CHILD + 3}", {"account": "Müller & Söhne/7"}, expect=201)
    site.post("/events", [event(CHILD, NEMO), event(CHILD + 2, NEMO), event(CHILD + 1, NEMO)])

    writer.delete(f"{address}/data", expect=403)
    erased = client_with(ApiKey.Scope.ERASE).delete(f"{address}/data")
    assert (erased["user_ids"], erased["events"]) == ([CHILD, CHILD + 2, CHILD + 3], 2)
    assert [model["name"] for model in erased["trained_before"]] == ["tiny"]
    reader.get(f"{address}/profiles", expect=404)
    assert reader.get(f"/users/{CHILD + 1}")["counts"]["watched"] == 1, "who left the account before is not erased"
    again = client_with(ApiKey.Scope.ERASE).delete(f"{address}/data")
    assert (again["user_ids"], again["events"]) == ([], 0)


def test_an_accounts_number_stays_a_number(writer, reader):
    for key, sent_as in ((42, 42), ("42", 42), (2**40, str(2**40)), ("042", "042")):
        assert writer.put(f"/users/{ADA}", {"account": key})["account"] == sent_as
        assert reader.get(f"/accounts/{key}/profiles")["account"] == sent_as


def test_a_session_in_an_account_is_an_account(writer, site):
    site.post("/events", event(CHILD, NEMO, session=True))
    assert writer.patch(f"/users/{CHILD}", {"language": "pt-BR"})["session"] is True
    assert writer.patch(f"/users/{CHILD}", {"account": "home"})["session"] is False


def test_a_viewers_token_reads_its_own_profile_and_writes_none(client_with):
    app = app_client(ADA, client_with)

    assert app.get(f"/users/{ADA}")["user_id"] == ADA
    assert app.get(f"/users/{BEN}", expect=403)["code"] == "permission_denied"
    app.put(f"/users/{ADA}", {"age_limit": None}, expect=403)
    app.patch(f"/users/{ADA}", {"age_limit": None}, expect=403)
    app.get("/accounts/home/profiles", expect=403)
    app_client(ADA, client_with, "events").get(f"/users/{ADA}", expect=403)
