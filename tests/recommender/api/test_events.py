"""POST /events: what is stored, what is answered, and what the next read shows."""

import time
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from catalog.models import Viewer, WatchEvent
from recommender.models import Impression
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, EVE, NEMO, STAR_WARS, TOY_STORY, UNKNOWN_MOVIE
from tests.support.tiny_model import INVENTED

pytestmark = pytest.mark.usefixtures("model")


def event(**more):
    return {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch", **more}


def statuses(body):
    return [item["status"] for item in body["results"]]


def test_it_works(site):
    body = site.post("/events", event(completion=0.9))

    assert body == {
        "results": [{"index": 0, "status": "stored"}],
        "stored": 1,
        "duplicates": 0,
        "rejected": 0,
        "conflicts": 0,
        "visible": True,
    }
    stored = WatchEvent.objects.filter(viewer_id=ADA).latest("id")
    assert (stored.movie_id, stored.get_kind_display()) == (NEMO, "watch")
    assert stored.completion == pytest.approx(0.9)
    assert abs(stored.occurred_at.timestamp() - time.time()) < 60


def test_the_next_read_knows_of_it(site):
    before = site.get(f"/recommend?user_id={ADA}&top_k=10")
    watched = recommended_ids(before)[0]
    assert site.get(f"/recommend?user_id={ADA}&top_k=10")["source"] == "cache"

    site.post("/events", event(movie_id=watched))

    after = site.get(f"/recommend?user_id={ADA}&top_k=10")
    assert after["source"] == "model"
    assert watched not in recommended_ids(after)
    assert recommended_ids(after) != recommended_ids(before)[1:]


@pytest.mark.parametrize("kind", ["watch", "rating", "dislike", "not_interested"])
def test_never_listed_again_after(site, kind):
    first = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))[0]

    site.post("/events", event(movie_id=first, kind=kind, **({"rating": 4.5} if kind == "rating" else {})))

    assert first not in recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))


@pytest.mark.parametrize("kind", ["like", "watchlist"])
def test_a_new_list_but_the_film_stays_after(site, kind):
    version = Viewer.objects.get(id=ADA).version
    first = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))[0]

    site.post("/events", event(movie_id=first, kind=kind))

    after = site.get(f"/recommend?user_id={ADA}&top_k=200")
    assert (after["source"], first in recommended_ids(after)) == ("model", True)
    assert Viewer.objects.get(id=ADA).version == version + 1


@pytest.mark.parametrize("kind", ["impression", "click"])
def test_impressions_do_not_change_the_list(site, kind):
    listed = site.get(f"/recommend?user_id={ADA}&top_k=3")
    impression = event(kind=kind, recommendation_id=listed["recommendation_id"], position=2, event_id=str(uuid4()))

    assert statuses(site.post("/events", [impression, impression, event(kind=kind, movie_id="999999")])) == [
        "stored",
        "duplicate",
        "rejected",
    ]
    assert statuses(site.post("/events", impression)) == ["duplicate"]

    stored = Impression.objects.get()
    assert (stored.viewer_id, stored.movie_id, stored.position, stored.get_kind_display()) == (ADA, NEMO, 2, kind)
    assert stored.recommendation_id == listed["recommendation_id"]
    assert site.get(f"/recommend?user_id={ADA}&top_k=3")["source"] == "cache"


def test_sent_twice_counts_once(site):
    sent = event(event_id=str(uuid4()))

    assert statuses(site.post("/events", sent)) == ["stored"]
    repeated = site.post("/events", sent)

    assert (statuses(repeated), repeated["visible"]) == (["duplicate"], True)
    assert WatchEvent.objects.filter(viewer_id=ADA, movie_id=NEMO).count() == 1


OTHERS = {
    "user_id": BEN,
    "movie_id": str(STAR_WARS),
    "kind": "like",
    "completion": 0.4,
    "occurred_at": "2026-01-01T20:00:01Z",
}


@pytest.mark.parametrize("field", OTHERS)
def test_other_content_under_the_same_id_is_a_conflict(site, field):
    sent = event(event_id=str(uuid4()), completion=0.123456789, occurred_at="2026-01-01T20:00:00Z")
    site.post("/events", sent)

    body = site.post("/events", sent | {field: OTHERS[field]}, expect=409)

    assert (body["code"], body["status"]) == ("event_conflict", 409)
    assert f"came before with another {field};" in body["detail"]
    many = site.post("/events", [sent, sent | {field: OTHERS[field]}, event(event_id=str(uuid4()))])
    assert statuses(many) == ["duplicate", "conflict", "stored"]
    assert (many["duplicates"], many["conflicts"], many["rejected"], many["stored"]) == (1, 1, 0, 1)
    assert many["results"][1]["fields"] == [field]
    assert statuses(site.post("/events", sent)) == ["duplicate"]


def test_an_id_without_a_moment_is_the_same_whenever_it_comes(site):
    sent = event(event_id=str(uuid4()))
    assert statuses(site.post("/events", [sent, sent])) == ["stored", "duplicate"]
    assert statuses(site.post("/events", sent)) == ["duplicate"]
    assert site.post("/events", sent | {"occurred_at": "2026-01-01T20:00:00Z"}, expect=409)["code"] == "event_conflict"


def test_of_two_ratings_at_the_same_moment_the_later_sent_counts(site):
    sent = event(kind="rating", rating=4, occurred_at="2026-01-01T20:00:00Z")
    assert statuses(site.post("/events", [sent, sent | {"rating": 2}])) == ["stored", "stored"]
    assert statuses(site.post("/events", [sent, sent | {"rating": 2}])) == ["duplicate", "duplicate"]


@pytest.mark.parametrize(
    ("kinds", "is_listed"),
    [
        (("like", "dislike", "like"), True),
        (("dislike", "undislike", "dislike"), False),
        (("watch", "unwatch", "watch"), False),
        (("watch", "unwatch", "watch", "unwatch"), True),
        (("not_interested", "interested", "not_interested", "like", "not_interested"), False),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_what_changes_back_within_a_second_is_the_last_word(site, kinds, is_listed, at_once):
    """Sites send whole seconds. Without an id a mark that comes again is one that was sent again."""
    marks = [event(kind=kind, occurred_at="2026-01-01T20:00:00Z", event_id=f"mark-{n}") for n, kind in enumerate(kinds)]
    answers = [site.post("/events", marks)] if at_once else [site.post("/events", mark) for mark in marks]
    assert [status for answer in answers for status in statuses(answer)] == ["stored"] * len(kinds)
    listed = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))
    assert (str(NEMO) in listed) == is_listed
    assert statuses(site.post("/events", marks)) == ["duplicate"] * len(kinds)
    again = [site.post("/events", event(kind=kinds[-1], occurred_at="2026-01-01T20:00:00Z", event_id="again"))]
    again += [site.post("/events", {k: v for k, v in mark.items() if k != "event_id"}) for mark in marks]
    assert [status for answer in again for status in statuses(answer)] == ["duplicate"] * (1 + len(kinds))


@pytest.mark.parametrize("first", [{}, {"event_id": "first"}])
def test_the_id_of_a_duplicate_is_not_kept(site, first):
    """Only after a contrary word of the very moment does it matter; docs/api.md says so."""
    at = {"occurred_at": "2026-01-01T20:00:00Z"}
    like, again = event(kind="like", **at, **first), event(kind="like", **at, event_id="again")
    assert [statuses(site.post("/events", mark)) for mark in (like, again, again)] == [
        ["stored"],
        ["duplicate"],
        ["duplicate"],
    ]
    later = event(kind="dislike", occurred_at="2026-01-01T20:00:01Z", event_id="later")
    assert statuses(site.post("/events", [later, again])) == ["stored", "duplicate"]
    contrary = event(kind="dislike", **at, event_id="contrary")
    assert statuses(site.post("/events", [contrary, like])) == ["stored", "duplicate"]
    assert statuses(site.post("/events", again)) == ["stored"]
    assert statuses(site.post("/events", again)) == ["duplicate"]


MARKS = ("like", "unlike", "dislike", "undislike", "not_interested", "interested")
VIEWINGS = ("watch", "rewatch", "unwatch", "rating")


def in_one_second(kinds, **more):
    stars = {"rating": {"rating": 3}}
    return [
        event(kind=kind, occurred_at="2026-01-01T20:00:00Z", event_id=f"one-{n}", **stars.get(kind, {}), **more)
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_new_kind_stands_behind_the_corrections_of_its_second(site, at_once):
    """The fourth mark is the first of its kind in that second."""
    for kinds in (("like", "dislike", "like", "not_interested"), ("rating", "unwatch", "rating", "unwatch", "watch")):
        marks = in_one_second(kinds)
        answers = [site.post("/events", marks)] if at_once else [site.post("/events", mark) for mark in marks]
        assert [status for answer in answers for status in statuses(answer)] == ["stored"] * len(kinds)
        history = [item["kind"] for item in site.get(f"/users/{ADA}/history?movie_id={NEMO}")["results"]]
        assert history[: len(kinds)] == list(reversed(kinds))
        backwards = list(reversed(marks))
        assert [statuses(site.post("/events", mark)) for mark in backwards] == [["duplicate"]] * len(kinds)
        assert statuses(site.post("/events", backwards)) == ["duplicate"] * len(kinds)
        without_ids = [{key: value for key, value in mark.items() if key != "event_id"} for mark in backwards]
        assert statuses(site.post("/events", without_ids)) == ["duplicate"] * len(kinds)
        site.delete(f"/users/{ADA}/events?movie_id={NEMO}")


@pytest.mark.parametrize("seed", range(6))
def test_in_one_second_holds_what_would_hold_in_many(site, seed):
    """One newcomer says all in one second, in calls of any size; another a word each second."""
    random = Random(seed)
    kinds = random.choices(random.choice([MARKS, VIEWINGS]), k=12)
    marks, answers = in_one_second(kinds, user_id="one"), []
    while len(answers) < len(marks):
        size = random.choice([1, 1, 2, 5])
        answers += statuses(site.post("/events", marks[len(answers) : len(answers) + size]))
    assert set(answers) <= {"stored", "duplicate"}
    apart = [
        mark | {"user_id": "many", "occurred_at": f"2026-01-01T20:00:{n:02}Z", "event_id": f"many-{n}"}
        for n, mark in enumerate(marks)
    ]
    assert set(statuses(site.post("/events", apart))) == {"stored"}
    for page in ("hidden", "ratings"):
        one, many = (site.get(f"/users/{user}/{page}")["results"] for user in ("one", "many"))
        assert [item["kind"] for item in one] == [item["kind"] for item in many], kinds
    one, many = (recommended_ids(site.get(f"/recommend?user_id={user}&top_k=200")) for user in ("one", "many"))
    assert (str(NEMO) in one) == (str(NEMO) in many), kinds
    stored = [mark for mark, answer in zip(marks, answers, strict=True) if answer == "stored"]
    assert set(statuses(site.post("/events", random.sample(stored, len(stored))))) == {"duplicate"}


def test_another_completion_at_the_same_moment_is_a_conflict_without_an_id(site):
    sent = event(completion=0.9, occurred_at="2026-01-01T20:00:00Z")
    assert statuses(site.post("/events", [sent, sent | {"completion": 0.8}])) == ["stored", "conflict"]
    assert "another completion" in site.post("/events", sent | {"completion": 0.8}, expect=409)["detail"]


@pytest.mark.parametrize(
    ("field", "other"),
    [("position", 3), ("recommendation_id", "r-2"), ("kind", "click"), ("movie_id", str(STAR_WARS)), ("user_id", BEN)],
)
def test_an_impression_with_a_known_event_id_is_a_duplicate_or_a_conflict(site, field, other):
    impression = event(kind="impression", position=2, recommendation_id="r-1", event_id=str(uuid4()))
    reported = site.post("/events", [impression, impression | {field: other}, impression])
    assert (statuses(reported), reported["results"][1]["fields"]) == (["stored", "conflict", "duplicate"], [field])
    assert site.post("/events", impression | {field: other}, expect=409)["code"] == "event_conflict"
    assert Impression.objects.get().position == 2


def test_the_same_fact_without_an_id_counts_once(site):
    sent = event(occurred_at="2026-01-01T20:00:00Z")

    assert statuses(site.post("/events", [sent, sent])) == ["stored", "duplicate"]


def test_a_newcomer_is_made_a_viewer(site):
    site.post("/events", [event(user_id=EVE, movie_id=str(TOY_STORY)), event(user_id=EVE)])

    body = site.get(f"/recommend?user_id={EVE}&top_k=5")
    assert (body["source"], body["is_known_user"]) == ("model", True)


def test_each_event_of_a_list_is_validated_alone(site):
    body = site.post(
        "/events",
        {
            "events": [
                event(),
                event(movie_id=str(UNKNOWN_MOVIE)),
                event(kind="rating", rating=7),
                event(kind="rating"),
                event(user_id="10\n1"),
                event(kind="sneeze"),
                event(movie_id="Nemo"),
                event(occurred_at=time.time() + 400),
                {},
                event(user_id=BEN, movie_id=str(STAR_WARS)),
            ]
        },
    )

    assert (body["stored"], body["rejected"], body["visible"]) == (2, 8, True)
    assert [item["index"] for item in body["results"] if item["status"] == "stored"] == [0, 9]
    reasons = [item.get("reason", "") for item in body["results"]]
    assert reasons[1] == "there is no film 999999"
    assert "0.5 to 5 stars in halves" in reasons[2]
    assert reasons[3] == "rating: is needed for the kind rating."
    assert reasons[4].startswith("user_id: a viewer's id is 1 to 128 printable characters")
    assert "sneeze" in reasons[5]
    assert reasons[6] == "there is no film Nemo"
    assert "5 minutes ahead" in reasons[7]
    assert "user_id: This field is required." in reasons[8]


def test_a_single_invalid_event_is_a_bad_request(site):
    body = site.post("/events", event(rating=4.2, kind="rating"), expect=400)

    assert body["errors"] == [{"pointer": "#/rating", "detail": "must be 0.5 to 5 stars in halves."}]


def test_a_thousand_at_once(site, django_assert_max_num_queries):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    road = [movie for movies in INVENTED.values() for movie in movies]
    many = [
        event(
            user_id=1000 + n % 50,
            movie_id=str(road[n % 60]),
            occurred_at=(start + timedelta(minutes=n)).isoformat(),
            event_id=str(uuid4()),
        )
        for n in range(1000)
    ]

    with django_assert_max_num_queries(12):
        body = site.post("/events", many)

    assert (body["stored"], body["visible"]) == (1000, True)
    assert WatchEvent.objects.filter(viewer_id__gte=1000).count() == 1000
    assert site.post("/events", many)["duplicates"] == 1000


def test_more_than_a_thousand_are_refused(site):
    body = site.post("/events", [event()] * 1001, expect=400)

    assert "1001" in body["errors"][0]["detail"]
    assert "1000" in body["errors"][0]["detail"]
    assert not WatchEvent.objects.filter(viewer_id=ADA, movie_id=NEMO).exists()


@pytest.mark.parametrize("body", [[], {"events": []}, {"events": {}}, "event", 3, None, [1], [[]]])
def test_a_body_without_events_is_refused(site, body):
    assert site.post("/events", body, expect=400)["code"] == "invalid"


def test_the_smallest_share_of_a_film(site):
    assert statuses(site.post("/events", event(completion=2e-50))) == ["stored"]


def test_backdated_events_are_sorted_in_by_time(site):
    site.post("/events", event(occurred_at=1_000_000_000))

    assert str(NEMO) not in recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=200"))
    assert WatchEvent.objects.filter(viewer_id=ADA).earliest("occurred_at").movie_id == NEMO
