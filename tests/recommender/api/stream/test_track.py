"""POST /track and Segment's own addresses: each message is judged alone, in its order."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Viewer, WatchEvent
from recommender import checks, process_state
from recommender.models import ApiKey, Impression
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import JEDI, MATRIX, NEMO, STAR_WARS, TOY_STORY

pytestmark = pytest.mark.usefixtures("model")
USER, ANONYMOUS = "anna@example.org", "507f191e-810c-4197-29de-860ea1b2c3d4"


@pytest.fixture
def source(client_with):
    """Return a client that may do all that a stream asks for."""
    return client_with(ApiKey.Scope.EVENTS, ApiKey.Scope.USERS_WRITE, ApiKey.Scope.USERS_READ, ApiKey.Scope.READ)


def track(name, movie, number, user=USER, **properties):
    named = {"userId": user} if user else {"anonymousId": ANONYMOUS}
    properties = {"movie_id": str(movie), **properties}
    return {"type": "track", "event": name, "messageId": number, "properties": properties, **named}


def sent(client, *messages):
    """Send a batch; return the statuses."""
    return [result["status"] for result in client.post("/track", {"batch": list(messages)})["results"]]


def events_of(key):
    events = WatchEvent.objects.filter(viewer__key=key).order_by("pk")
    return list(events.values_list("movie_id", "kind", "rating", "completion"))


def test_a_tracked_event_is_an_event(source):
    moment = (timezone.now() - timedelta(hours=3)).isoformat()
    body = source.post("/track", track("Movie Watched", NEMO, "m-1", completion=0.9) | {"timestamp": moment})

    assert body == {"success": True, "results": [{"index": 0, "type": "track", "status": "stored"}], "visible": True}
    [stored] = WatchEvent.objects.filter(viewer__key=USER)
    assert (stored.movie_id, stored.get_kind_display(), stored.completion) == (NEMO, "watch", pytest.approx(0.9))
    assert stored.occurred_at.isoformat() == moment.replace("Z", "+00:00")
    assert not Viewer.objects.get(key=USER).is_session
    assert str(NEMO) not in recommended_ids(source.get(f"/recommend?user_id={USER}&top_k=50"))
    item = source.get(f"/users/{USER}/history")["results"][0]
    assert (item["movie_id"], item["event_id"]) == (str(NEMO), "m-1")


def test_a_message_sent_twice_counts_once(source):
    message = track("Movie Rated", NEMO, "m-1", rating=4)
    assert sent(source, message, message) == ["stored", "duplicate"]
    assert sent(source, message) == ["duplicate"]
    other = source.post("/track", track("Movie Rated", NEMO, "m-1", rating=2))
    assert (other["success"], other["results"][0]["status"]) == (False, "conflict")


def test_names_of_segments_own_specifications_are_known(source):
    statuses = sent(
        source,
        track("Video Playback Completed", NEMO, "1"),
        track("Video Playback Paused", MATRIX, "2", position=30, total_length=120),
        track("video_playback_paused", JEDI, "3"),
        track("Product Viewed", STAR_WARS, "4", position=2, recommendation_id="r-1"),
        track("Product Added to Wishlist", TOY_STORY, "5"),
        track("Product Removed from Wishlist", TOY_STORY, "6"),
        track("Order Completed", NEMO, "7"),
        track("dislike", JEDI, "8"),
        {"type": "page", "userId": USER},
    )
    assert statuses == ["stored", "stored", "ignored", "stored", "stored", "deleted", "ignored", "stored", "ignored"]
    kind = WatchEvent.Kind
    assert events_of(USER) == [
        (NEMO, kind.WATCH, None, None),
        (MATRIX, kind.PROGRESS, None, 0.25),
        (JEDI, kind.DISLIKE, None, None),
    ]
    assert Impression.objects.get().position == 2


def test_each_message_is_judged_alone_and_says_what_is_wrong(source):
    body = source.post(
        "/track",
        {
            "batch": [
                track("Movie Rated", NEMO, "1", rating=11),
                {"type": "track", "event": "Movie Watched", "userId": USER, "properties": {}},
                {"type": "track", "event": "Movie Watched", "properties": {"movie_id": "1"}},
                {"type": "track", "userId": USER},
                {"type": "tracks", "userId": USER},
                {"type": "alias", "userId": USER},
                {"type": "identify", "userId": USER, "traits": {"age_limit": 99}},
                {"type": "identify", "userId": "a\nb", "traits": {}},
                track("Movie Watched", 999_999, "2"),
                track("Movie Watched", NEMO, "3"),
            ],
            "sentAt": "2026-11-29T03:00:00Z",
            "writeKey": "none of it is read",
        },
    )
    statuses = [result["status"] for result in body["results"]]
    assert statuses == ["rejected"] * 9 + ["stored"]
    reasons = [result.get("reason", "").partition(":")[0] for result in body["results"]]
    assert reasons[:8] == [
        "rating", "properties.movie_id", "userId", "event", "type", "previousId", "traits.age_limit", "userId"
    ]  # fmt: skip
    assert body["success"] is False
    for wrong in ([], {"batch": []}, {"batch": {}}, {"batch": [1]}, {"batch": [{}] * 1001}):
        assert source.post("/track", wrong, expect=400)["code"] == "invalid"


def test_an_anonymous_visitor_becomes_a_viewer(source):
    assert sent(source, track("Movie Watched", STAR_WARS, "1", user=None)) == ["stored"]
    assert Viewer.objects.get(key=ANONYMOUS).is_session
    alias = {"type": "alias", "previousId": ANONYMOUS, "userId": USER}
    assert sent(source, alias, alias) == ["merged", "ignored"]
    assert [movie for movie, *_ in events_of(USER)] == [STAR_WARS]

    sent(source, track("Movie Watched", NEMO, "2", user=None))
    identify = {"type": "identify", "anonymousId": ANONYMOUS, "userId": USER, "traits": {"language": "de_DE"}}
    assert sent(source, identify) == ["written"]
    assert [movie for movie, *_ in events_of(USER)] == [STAR_WARS, NEMO]
    assert source.get(f"/users/{USER}")["language"] == "de-DE"
    sent(source, track("Movie Watched", NEMO, "3", user="bob"))
    assert sent(source, {"type": "alias", "previousId": "bob", "userId": USER}) == ["rejected"], "bob is an account"


def test_traits_and_groups_write_the_profile(source, client_with):
    identify = {"type": "identify", "userId": 7, "traits": {"age": 9, "address": {"country": "de"}, "plan": "gold"}}
    group = {"type": "group", "userId": 7, "groupId": "family-7"}
    assert sent(source, identify, group) == ["written", "written"]
    body = source.get("/users/7")
    assert (body["age_limit"], body["country"], body["account"]) == (9, "DE", "family-7")
    assert sent(source, {"type": "identify", "userId": 7, "traits": {"age": 40}}) == ["ignored"]
    assert source.get("/users/7")["age_limit"] == 9, "an age lifts no limit"

    weak = client_with(ApiKey.Scope.EVENTS)
    assert sent(weak, {"type": "identify", "userId": 7, "traits": {"age_limit": None}}, group) == ["rejected"] * 2
    assert sent(source, {"type": "identify", "anonymousId": ANONYMOUS, "traits": {"language": "fr"}}) == ["written"]
    assert Viewer.objects.get(key=ANONYMOUS).is_session


def test_segments_clients_send_to_their_own_addresses_with_the_key_as_user_name(db):
    _, key = ApiKey.objects.create_key(name="segment", scopes=[ApiKey.Scope.EVENTS])
    client = ApiClient(Authorization="Basic " + base64.b64encode(f"{key}:".encode()).decode())
    message = track("Movie Watched", NEMO, "1")
    del message["type"]
    assert client.post("/v1/track", message)["results"][0]["status"] == "stored"
    assert client.post("/v1/batch", {"batch": [track("Movie Watched", JEDI, "2")]})["success"] is True
    assert client.post("/track", {"type": "page", "userId": USER})["success"] is True
    client.post("/v1/anything", message, expect=404)
    client.post("/events", {}, expect=401)
    for credentials in ("Basic x", "Basic " + base64.b64encode(b"wrong:").decode(), "Basic " + "/" * 7):
        ApiClient(Authorization=credentials).post("/track", message, expect=401)
    _, reader = ApiKey.objects.create_key(name="reader", scopes=[ApiKey.Scope.READ])
    basic = base64.b64encode(f"{reader}:".encode()).decode()
    ApiClient(Authorization=f"Basic {basic}").post("/track", message, expect=403)


def test_a_site_adds_names_of_its_own(source, settings):
    assert sent(source, track("Film zu Ende", NEMO, "1")) == ["ignored"]
    settings.TRACK_EVENTS = {"Film zu Ende": "watch"}
    process_state.clear()
    assert checks.check_track_events(None) == []
    assert sent(source, track("Film zu Ende", NEMO, "1")) == ["stored"]
    settings.TRACK_EVENTS = {"Film zu Ende": "watched"}
    assert checks.check_track_events(None)[0].id == "recommender.E007"


def test_a_clock_that_is_ahead_is_not_believed(source):
    ahead = (timezone.now() + timedelta(hours=2)).isoformat()
    assert sent(source, track("Movie Watched", NEMO, "1") | {"timestamp": ahead}) == ["stored"]
    assert WatchEvent.objects.get(viewer__key=USER).occurred_at <= timezone.now()
