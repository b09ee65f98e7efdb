"""POST /events with a viewer's token: one viewer's own events, few and of the last days."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Viewer, WatchEvent
from recommender.api.access.throttles import RateThrottle
from recommender.models import ApiKey
from tests.support.api import app_client
from tests.support.cast import ADA, BEN, DAN, EVE, JEDI, MATRIX, NEMO

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def app(client_with):
    return app_client(DAN, client_with, "read", "events")


def own(movie, kind="watch", **more):
    return {"movie_id": str(movie), "kind": kind, **more}


def test_it_sends_its_own_viewers_events(app, site):
    body = app.post("/events", own(NEMO))
    assert (body["stored"], body["visible"]) == (1, True)
    assert app.post("/events", {"user_id": DAN, **own(JEDI, "rating", rating=4)})["stored"] == 1
    assert app.post("/events", [own(MATRIX, "watchlist"), own(MATRIX, "click", position=1)])["stored"] == 2
    assert app.post("/events", {"events": [own(MATRIX, "dislike")]})["stored"] == 1

    assert WatchEvent.objects.filter(viewer=DAN).count() == 5
    listed = app.get(f"/recommend?user_id={DAN}&top_k=50")
    assert str(NEMO) not in {film["movie_id"] for film in listed["recommendations"]}
    assert app.get(f"/users/{DAN}/hidden")["results"][0]["movie_id"] == str(MATRIX)


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": BEN, **own(NEMO)},
        [own(NEMO), {"user_id": BEN, **own(NEMO)}],
        {"events": [{"user_id": str(DAN) + ".0", **own(NEMO)}]},
        {"events": [{"user_id": True, **own(NEMO)}]},
    ],
)
def test_it_sends_nobody_elses(app, body):
    before = WatchEvent.objects.count()
    assert app.post("/events", body, expect=403)["code"] == "permission_denied"
    assert WatchEvent.objects.count() == before


def test_it_takes_back_its_own_viewers_events_alone(app, client_with, site):
    site.post("/events", {"user_id": BEN, **own(JEDI), "event_id": "bens"})
    app.post("/events", [own(NEMO, event_id="dans"), own(JEDI, "watchlist")])

    assert app.delete("/events/bens")["events"] == 0
    assert app.delete("/events/dans")["events"] == 1
    assert app.delete(f"/users/{DAN}/events?movie_id={JEDI}&kind=watchlist")["events"] == 1
    assert app.delete(f"/users/{BEN}/events?all=true", expect=403)["code"] == "permission_denied"
    app_client(DAN, client_with).delete(f"/users/{DAN}/events?all=true", expect=403)
    assert WatchEvent.objects.filter(viewer=BEN).count() == 4


def test_it_sends_few_and_only_of_the_last_days(app, monkeypatch):
    body = app.post("/events", [own(NEMO)] * 51, expect=400)
    assert body["errors"][0]["detail"] == "Holds 51 events; send 1 to 50."
    now = timezone.now()
    moments = [now - timedelta(days=7, seconds=5), now - timedelta(days=6), now + timedelta(minutes=6)]
    results = app.post("/events", [own(NEMO, occurred_at=moment.isoformat()) for moment in moments])["results"]
    assert [result["status"] for result in results] == ["rejected", "stored", "rejected"]
    assert "7 days" in results[0]["reason"]

    rates = RateThrottle.THROTTLE_RATES | {"viewer_events": "5/day"}
    monkeypatch.setattr(RateThrottle, "THROTTLE_RATES", rates)
    late = app_events = app.post("/events", [own(NEMO)] * 50, expect=429)
    assert app_events["code"] == late["code"] == "throttled"
    assert app.get(f"/users/{DAN}")["user_id"] == DAN, "reads have a budget of their own"


def test_a_token_reads_unless_asked_for_more(client_with):
    reader = app_client(ADA, client_with)
    assert reader.post("/events", own(NEMO), expect=403)["code"] == "permission_denied"
    sender = app_client(ADA, client_with, "events")
    sender.get(f"/recommend?user_id={ADA}", expect=403)
    sender.post("/events", own(NEMO))
    sender.post("/users/merge", {"from_user_id": ADA, "into_user_id": BEN}, expect=403)
    key = client_with(ApiKey.Scope.READ)
    body = key.post("/viewer-tokens", {"user_id": ADA, "scopes": ["events"]}, expect=403)
    assert "events:write" in body["detail"]
    for scopes in ([], ["write"], "read", ["read", "events", "read"]):
        assert key.post("/viewer-tokens", {"user_id": ADA, "scopes": scopes}, expect=400)["code"] == "invalid"
    made = key.post("/viewer-tokens", {"user_id": ADA})
    assert made["scopes"] == ["read"]


def test_a_session_stays_a_session(client_with, site):
    site.post("/events", {"user_id": EVE, **own(NEMO), "session": True})
    app_client(EVE, client_with, "events").post("/events", own(JEDI))
    assert Viewer.objects.get(pk=EVE).is_session is True
