"""What came of a list: tied to it by its id, else by time; counted once, and summed up by day with intervals."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from recommender import tasks
from recommender.models import ApiKey, Outcome, OutcomeSum
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import ADA, BEN, CLEO

pytestmark = pytest.mark.usefixtures("more_movies")


@pytest.fixture
def shown(site):
    """Return a list that Ada got."""
    return site.get(f"/recommend?user_id={ADA}&top_k=5")


def send(site, kind, film, answer=None, viewer=ADA, **more):
    """Send an event; with the list that it came of."""
    event = {"user_id": viewer, "movie_id": film, "kind": kind, **more}
    if answer is not None:
        event["recommendation_id"] = answer["recommendation_id"]
    return site.post("/events", event)


def outcomes():
    """Store what waits; return what is tied to lists: kind, film, position, whether no list was named."""
    tasks.store_served_lists()
    rows = Outcome.objects.order_by("kind", "position")
    return [(row.get_kind_display(), str(row.movie_id), row.position, row.is_attributed) for row in rows]


def lost():
    """Return the counts of what is tied to no list."""
    return {row.value: row.counts["count"] for row in OutcomeSum.objects.filter(dimension="lost")}


def insights(site, by="all", **more):
    """Sum up, and return the groups by value."""
    tasks.store_served_lists()
    tasks.sum_up_outcomes()
    query = "".join(f"&{name}={value}" for name, value in more.items())
    answer = site.get(f"/insights?by={by}{query}")
    return {group["value"]: group for group in answer["groups"]}


def test_events_are_tied_to_the_list_that_they_name(site, shown):
    films = recommended_ids(shown)
    for kind, film in (("impression", 0), ("impression", 1), ("click", 1), ("watchlist", 3), ("not_interested", 4)):
        send(site, kind, films[film], shown)
    send(site, "watch", films[2], shown, completion=0.3)
    send(site, "watch", films[1], shown)
    send(site, "like", films[1], shown)
    send(site, "rating", films[1], shown, rating=4.5)
    assert outcomes() == [
        ("impression", films[0], 0, False),
        ("impression", films[1], 1, False),
        ("click", films[1], 1, False),
        ("play", films[1], 1, False),
        ("play", films[2], 2, False),
        ("completion", films[1], 1, False),
        ("like", films[1], 1, False),
        ("rating", films[1], 1, False),
        ("watchlist", films[3], 3, False),
        ("not_interested", films[4], 4, False),
    ]
    assert lost() == {}


def test_what_is_sent_twice_counts_once(site, shown):
    [film, *_] = recommended_ids(shown)
    same = {"event_id": "click-1", "occurred_at": datetime.now(UTC).isoformat()}
    assert send(site, "click", film, shown, **same)["stored"] == 1
    assert send(site, "click", film, shown, **same)["duplicates"] == 1
    send(site, "click", film, shown)
    send(site, "impression", film, shown)
    send(site, "impression", film, shown, position=3)
    assert outcomes() == [("impression", film, 0, False), ("click", film, 0, False)]
    assert outcomes() == [("impression", film, 0, False), ("click", film, 0, False)]


def test_ids_that_are_nobodys_or_anothers_are_taken_and_never_attributed(site, shown):
    films = recommended_ids(shown)
    mine = {"recommendation_id": "r-1"}
    assert send(site, "click", films[0], mine)["stored"] == 1
    assert send(site, "click", films[0], {"recommendation_id": "0" * 31 + "1"})["stored"] == 1
    assert send(site, "click", films[1], shown, viewer=BEN)["stored"] == 1
    others = [film for film in recommended_ids(site.get("/popular?top_k=20")) if film not in films]
    assert send(site, "click", others[0], shown)["stored"] == 1
    assert outcomes() == []
    assert lost() == {"unknown click": 2, "foreign click": 1, "other film click": 1}


def test_lists_of_nobody_and_of_groups_are_for_whoever_saw_them(site):
    chart = site.get("/popular?top_k=3")
    group = site.post("/recommend", {"user_ids": [ADA, BEN], "top_k": 3})
    send(site, "click", recommended_ids(chart)[1], chart, viewer=CLEO)
    send(site, "click", recommended_ids(group)[2], group, viewer=BEN)
    send(site, "click", recommended_ids(group)[0], group, viewer=CLEO)
    assert [row[2] for row in outcomes()] == [1, 2]
    assert lost() == {"foreign click": 1}


def test_without_an_id_the_newest_list_of_a_day_that_had_the_film_is_meant(site):
    now = datetime.now(UTC)
    with time_machine.travel(now - timedelta(hours=30), tick=True):
        old = site.get(f"/recommend?user_id={ADA}&top_k=9")
    with time_machine.travel(now - timedelta(hours=3), tick=True):
        long = site.get(f"/recommend?user_id={ADA}&top_k=6")
    with time_machine.travel(now - timedelta(hours=2), tick=True):
        newest = site.get(f"/recommend?user_id={ADA}&top_k=3")
    films = recommended_ids(old)
    assert films[:6] == recommended_ids(long)
    for film in (films[1], films[5], films[8]):
        send(site, "like", film)
    tasks.store_served_lists()
    rows = {str(row.movie_id): row for row in Outcome.objects.all()}
    assert rows.keys() == {films[1], films[5]}
    assert rows[films[1]].list_id.hex == newest["recommendation_id"]
    assert rows[films[5]].list_id.hex == long["recommendation_id"]
    assert all(row.is_attributed for row in rows.values())
    assert lost() == {"no list like": 1}


def test_clocks_that_are_off_are_bounded(site, shown):
    films = recommended_ids(shown)
    now = datetime.now(UTC)
    send(site, "click", films[0], shown, occurred_at=(now - timedelta(days=400)).isoformat())
    send(site, "click", films[1], shown, occurred_at=(now + timedelta(minutes=4)).isoformat())
    assert len(outcomes()) == 2
    assert all(0 <= row.delay < 60 for row in Outcome.objects.all())


def test_sums_have_rates_and_intervals(site):
    for viewer in range(1, 11):
        answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
        films = recommended_ids(answer)
        site.post(
            "/events",
            [
                {"user_id": viewer, "movie_id": film, "kind": kind, "recommendation_id": answer["recommendation_id"]}
                for kind, chosen in (("impression", films), ("click", films[: viewer % 3]), ("watch", films[:1]))
                for film in chosen
            ],
        )
    site.get("/popular?top_k=3")
    [whole] = insights(site).values()
    assert (whole["lists"], whole["impressions"], whole["clicks"], whole["plays"]) == (11, 40, 10, 10)
    assert whole["lists_without_outcome"] == pytest.approx(1 / 11, abs=1e-6)
    rate = whole["click_through"]
    assert rate["value"] == 0.25
    # By hand: clicks 1 2 0 1 2 0 1 2 0 1 of four each and 0 of 0: residuals 0 1 -1 ... of 11 units.
    half = 1.959964 * (6 * 11 / 10) ** 0.5 / 40
    assert (rate["low"], rate["high"]) == (pytest.approx(0.25 - half, abs=1e-5), pytest.approx(0.25 + half, abs=1e-5))
    by_surface = insights(site, "surface")
    assert {value: group["lists"] for value, group in by_surface.items()} == {"recommend": 10, "popular": 1}
    assert by_surface["popular"]["click_through"] == {"value": None, "low": None, "high": None}
    positions = insights(site, "position")
    assert [positions[str(n)]["clicks"] for n in range(4)] == [7, 3, 0, 0]
    assert {group["impressions"] for group in positions.values()} == {10}
    viewers = insights(site, "viewers")
    assert {value: group["lists"] for value, group in viewers.items()} == {"unknown": 1, "new": 10}
    assert list(insights(site, "day")) == [datetime.now(UTC).date().isoformat()]
    answer = site.get("/insights")
    assert 0 < answer["coverage"] < 1
    assert answer["new_films"] == 1.0, "all films are new here"
    assert answer["novelty"] is None, "watches are not counted yet"
    tasks.count_watches()
    tasks.sum_up_outcomes()
    assert 0 < site.get("/insights")["novelty"] < 12
    assert answer["log"] | {"lists_stored": 11, "outcomes_stored": 60, "lists_dropped": 0} == answer["log"]


def test_rows_of_the_home_page_are_told_apart(site):
    page = site.get(f"/home?user_id={ADA}")
    row = page["rows"][-1]
    send(site, "click", row["films"][0]["movie_id"], row)
    groups = insights(site, "row")
    assert groups.keys() == {row["kind"] for row in page["rows"]}
    assert groups[row["kind"]]["clicks"] == 1


def test_who_clicks_faster_than_people_is_left_out(site, shown):
    long = site.get(f"/recommend?user_id={BEN}&top_k=70")
    lists = [site.get(f"/recommend?user_id={BEN}&top_k=70") for _ in range(2)]
    clicks = [
        {"user_id": BEN, "movie_id": film, "kind": "click", "recommendation_id": answer["recommendation_id"]}
        for answer in lists
        for film in recommended_ids(long)
    ]
    assert len(clicks) > 60
    site.post("/events", clicks)
    send(site, "click", recommended_ids(shown)[0], shown)
    [whole] = insights(site).values()
    assert (whole["lists"], whole["clicks"]) == (1, 1)


def test_erasing_a_viewer_erases_what_came_of_lists(site, shown):
    chart = site.get("/popular?top_k=3")
    send(site, "click", recommended_ids(shown)[0], shown)
    send(site, "click", recommended_ids(chart)[0], chart)
    assert len(outcomes()) == 2
    site.delete(f"/users/{ADA}/data")
    assert outcomes() == []


def test_old_lists_take_their_outcomes_along(site, settings):
    with time_machine.travel(datetime.now(UTC) - timedelta(days=5), tick=True):
        answer = site.get(f"/recommend?user_id={ADA}&top_k=3")
        send(site, "click", recommended_ids(answer)[0], answer)
    assert len(outcomes()) == 1
    settings.SERVED_LISTS_KEPT_DAYS = 3
    tasks.prune()
    assert outcomes() == []


def test_insights_take_their_own_scope_and_two_days_in_order(site, client_with):
    others = [scope for scope in ApiKey.Scope.values if scope != ApiKey.Scope.INSIGHTS]
    client_with(*others).get("/insights", expect=403)
    client_with(ApiKey.Scope.INSIGHTS).get("/insights")
    ApiClient().get("/insights", expect=401)
    for query in ("since=2026-02-01&until=2026-01-01", "since=2020-01-01", "by=film", "since=yesterday"):
        site.get(f"/insights?{query}", expect=400)
    assert site.get("/insights?since=2026-01-01&until=2026-01-02")["groups"] == []
