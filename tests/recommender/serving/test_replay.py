"""Replay: a served list is computed again, and is the same, or it is said what moved."""

from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import Movie, Rule, Viewer, WatchEvent
from catalog.services import bump_catalogue, save_record
from recommender import registry, tasks
from recommender.models import ModelVersion, ServedList
from recommender.serving.candidates import charts
from recommender.serving.replay import Reason, Verdict, replay
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, DAN, EVE, GODFATHER, MATRIX, NEMO, STAR_WARS, TOY_STORY
from tests.support.tiny_model import INVENTED, second_version


def again(*answers):
    """Compute the lists of answers again; return what became of each."""
    tasks.store_served_lists()
    rows = {row.pk.hex: row for row in ServedList.objects.all()}
    return [replay(rows[answer["recommendation_id"]]) for answer in answers]


def outcome(answer):
    """Return the verdict on one list, and the reasons."""
    [result] = again(answer)
    return result.difference.verdict, [reason for reason, _ in result.difference.reasons]


def say(*ids, **options):
    """Run the command; return what it prints."""
    out = StringIO()
    call_command("replay", *ids, stdout=out, no_color=True, **options)
    return out.getvalue()


def test_lists_of_every_call_are_the_same_while_nothing_moves(site, model):
    first = site.get(f"/recommend?user_id={ADA}&top_k=5")
    lists = [
        first,
        site.get(f"/recommend?user_id={ADA}&top_k=5"),
        site.get(f"/recommend?user_id={ADA}&top_k=5&cursor={first['next']}"),
        site.post("/recommend", {"history": [str(GODFATHER)], "diversity": 0.7, "explain": True}),
        site.post("/recommend", {"user_id": BEN, "history": [str(GODFATHER)], "exclude": [str(MATRIX)]}),
        site.post("/recommend/filtered", {"user_id": CLEO, "genres": ["Crime"], "min_year": 1970}),
        site.get(f"/recommend?user_id={ADA}&seen=include&age_limit=12"),
        site.post("/recommend", {"user_ids": [ADA, BEN]}),
        site.get(f"/similar/{STAR_WARS}"),
        site.post("/similar", {"movie_id": str(NEMO), "top_k": 4}),
        site.get("/popular"),
        site.get(f"/latest?user_id={BEN}"),
        *site.post("/batch/recommend", {"user_histories": {str(ADA): ["260"], str(BEN): []}})["lists"].values(),
    ]
    results = again(*lists)
    assert [result.difference.verdict for result in results] == [Verdict.SAME] * len(lists)
    assert [len(result.again.movie_ids) for result in results[:3]] == [5, 5, 5]


def test_events_that_came_later_are_left_out(site, model):
    before = site.get(f"/recommend?user_id={ADA}&top_k=5")
    site.post("/events", {"user_id": ADA, "movie_id": recommended_ids(before)[0], "kind": "watch"})
    assert recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=5")) != recommended_ids(before)
    assert outcome(before) == (Verdict.SAME, [])

    # An import brings what happened long before the list.
    old = {"user_id": ADA, "kind": "watch", "occurred_at": "2019-05-01T12:00:00Z"}
    late = [{**old, "movie_id": str(movie)} for movie in recommended_ids(before)[1:3]]
    site.post("/events", late)
    WatchEvent.objects.filter(viewer_id=ADA, occurred_at__year__gte=2026).delete()
    [result] = again(before)
    assert result.difference.verdict == Verdict.SAME
    assert result.left_out == 2


def test_what_was_deleted_of_a_history_is_named(site, model):
    before = site.get(f"/recommend?user_id={ADA}&top_k=5")
    site.delete(f"/users/{ADA}/events?all=true")
    assert outcome(before) == (Verdict.EXPLAINED, [Reason.HISTORY_CHANGED])


def test_edits_of_films_are_named_and_the_rest_must_be_the_same(site, model):
    before = site.get(f"/recommend?user_id={ADA}&top_k=8")
    first, second = recommended_ids(before)[:2]
    site.patch(f"/movies/{first}", {"published": False})
    assert outcome(before) == (Verdict.EXPLAINED, [Reason.FILM_GONE])
    said = say(before["recommendation_id"])
    assert "different, explained" in said
    assert f"Not to be listed any more: {first}." in said
    site.patch(f"/movies/{first}", {"published": True})
    assert outcome(before) == (Verdict.SAME, [])

    site.patch(f"/movies/{second}", {"published": False})
    without = site.get(f"/recommend?user_id={ADA}&top_k=8")
    site.patch(f"/movies/{second}", {"published": True})
    assert outcome(without) == (Verdict.EXPLAINED, [Reason.FILM_EDITED])


def test_a_rule_that_is_deleted_is_named(site, model):
    listed = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=5"))
    rule = Rule.objects.create(name="up", action="pin", places=1, movie_id=int(listed[4]))
    bump_catalogue()
    before = site.get(f"/recommend?user_id={ADA}&top_k=5")
    assert recommended_ids(before)[0] == listed[4]
    assert outcome(before)[0] == Verdict.SAME
    rule.delete()
    bump_catalogue()
    verdict, reasons = outcome(before)
    assert (verdict, reasons[0]) == (Verdict.EXPLAINED, Reason.RULES_CHANGED)


def test_a_list_is_not_computed_again_without_its_model_viewer_or_page(site, model):
    lists = [
        site.get(f"/recommend?user_id={ADA}&top_k=5"),
        site.get(f"/home?user_id={ADA}")["rows"][0],
        site.post("/recommend", {"history": [str(n) for n in range(1, 900)]}),
    ]
    tasks.store_served_lists()
    rows = [ServedList.objects.get(pk=answer["recommendation_id"]) for answer in lists]
    assert replay(rows[1]).difference.reasons[0][0] == Reason.HOME_ROW
    assert replay(rows[2]).difference.reasons[0][0] == Reason.REQUEST_LEFT_OUT
    Viewer.objects.filter(pk=ADA).delete()
    assert replay(rows[0]).difference.reasons[0][0] == Reason.VIEWER_GONE
    ModelVersion.objects.filter(pk=rows[0].model_id).update(data_set=7)
    assert replay(rows[0]).difference.reasons[0][0] == Reason.DATA_REPLACED
    ModelVersion.objects.all().delete()
    assert replay(rows[0]).difference.reasons[0][0] == Reason.MODEL_GONE


def test_many_are_counted_and_a_difference_that_nothing_explains_is_an_error(site, model):
    started = timezone.now() - timedelta(seconds=5)
    lists = [site.get(f"/recommend?user_id={viewer}&top_k=5") for viewer in (ADA, BEN, CLEO)]
    site.get(f"/home?user_id={ADA}")
    tasks.store_served_lists()
    said = say(since=started)
    assert "       3  the same" in said
    assert "a row of a home page" in said
    assert say(since=started, until=started).startswith("       0  the same")

    row = ServedList.objects.get(pk=lists[0]["recommendation_id"])
    forged = bytearray(row.films)
    forged[-1] ^= 0x40  # the exponent of the last score
    ServedList.objects.filter(pk=row.pk).update(films=bytes(forged))
    with pytest.raises(CommandError, match="1 list is different, and nothing explains it"):
        say(since=started)
    with pytest.raises(CommandError, match="No list x is recorded"):
        say("x")
    with pytest.raises(CommandError, match="Give ids"):
        say()


@pytest.mark.slow
def test_a_thousand_lists_over_a_night_an_import_and_edits_are_all_explained(site, model, model_folder):
    def serve(turns):
        for turn in range(turns):
            viewer = (ADA, BEN, CLEO, DAN, EVE)[turn % 5]
            first = site.get(f"/recommend?user_id={viewer}&top_k={turn % 7 + 3}")
            if first["next"]:
                site.get(f"/recommend?user_id={viewer}&top_k={turn % 7 + 3}&cursor={first['next']}")
            site.get(f"/recommend?user_id={viewer}&diversity=0.{turn % 9 + 1}")
            site.post("/recommend/filtered", {"user_id": viewer, "genres": ["Crime", "Sci-Fi"], "final_k": 5})
            site.get(f"/similar/{STAR_WARS}?user_id={viewer}")
            site.get(("/popular", "/trending", "/latest")[turn % 3] + f"?user_id={viewer}")
            site.post("/recommend", {"user_ids": [ADA, viewer] if viewer != ADA else [ADA, BEN]})
            listed = recommended_ids(first)
            if listed:
                kind = ("watch", "like", "not_interested")[turn % 3]
                site.post("/events", {"user_id": viewer, "movie_id": listed[turn % len(listed)], "kind": kind})
        tasks.store_served_lists()

    serve(50)
    first = recommended_ids(site.get(f"/recommend?user_id={ADA}"))
    site.patch(f"/movies/{first[0]}", {"published": False, "genres": ["Crime"]})
    site.patch(f"/movies/{first[1]}", {"certificate": "R"})
    old = [{"user_id": viewer, "movie_id": str(movie), "kind": "watch", "occurred_at": "2020-01-01T00:00:00Z"}
           for viewer in (ADA, BEN, DAN) for movie in INVENTED["Crime"][:4]]  # fmt: skip
    site.post("/events", old)
    serve(50)
    with second_version(model_folder) as second:
        registry.activate(second.name, "the night")
        Rule.objects.create(name="down", action="bury", places=5, by="movie", movie_id=int(first[2]))
        bump_catalogue()
        save_record(Movie(pk=9_999, title="New", year=2020))
        charts.refresh()
        serve(50)
        verdicts, reasons = Counter(), Counter()
        for row in ServedList.objects.all():
            difference = replay(row).difference
            verdicts[difference.verdict] += 1
            reasons.update({reason for reason, _ in difference.reasons})
            assert difference.verdict != Verdict.UNEXPLAINED, (row.pk, row.get_surface_display(), row.request)
    print(verdicts, reasons)
    assert sum(verdicts.values()) >= 1_000
    assert verdicts[Verdict.SAME] > 300


def test_replaying_leaves_no_trace(site, model):
    before = site.get(f"/recommend?user_id={ADA}&top_k=5")
    site.post("/events", {"user_id": ADA, "movie_id": str(TOY_STORY), "kind": "watch"})
    after = site.get(f"/recommend?user_id={ADA}&top_k=5")
    again(before)
    assert recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=5")) == recommended_ids(after)
    assert tasks.store_served_lists() == 1, "only what a client got"
