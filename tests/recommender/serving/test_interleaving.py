"""Interleaving: two ways of ranking share a list, and clicks count for the one that chose the film."""

import shutil
from io import StringIO

import pytest
from django.core.management import call_command

from recommender import cache, process_state, registry, tasks
from recommender.models import ServedList
from recommender.outcomes.interleaved import judge
from recommender.serving.replay import Reason, Verdict, replay
from recommender.serving.reranking.interleaving import team_draft
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO, GODFATHER
from tests.support.tiny_model import TINY_MODEL, second_version


def test_a_draft_by_hand():
    first, second = [1, 2, 3, 4], [3, 1, 5, 6]
    drafts = [team_draft(first, second, 4, seed) for seed in range(400)]
    # The first one starts: 1, then 3 of the second. Or the second one starts: 3, then 1. Then 2 and 5, in either order.
    orders = {(*ids, *teams) for ids, teams in drafts}
    pairs = [((1, 3), (False, True)), ((3, 1), (True, False))]
    rest = [((2, 5), (False, True)), ((5, 2), (True, False))]
    assert orders == {(*one[0], *two[0], *one[1], *two[1]) for one in pairs for two in rest}
    assert 160 < sum(ids[0] == 1 for ids, _ in drafts) < 240
    assert team_draft([1, 2], [2, 1], 5, 0)[0] in ([1, 2], [2, 1]), "no more films than there are"
    assert len(team_draft(first, second, 3, 1)[0]) == 3


def test_a_viewer_counts_once():
    few = judge([1, 5, -1, 0], 10)
    assert (few.rival, few.first, few.ties, few.verdict) == (2, 1, 1, "No sure difference.")
    assert few.p_value == 1.0
    # Eight heads of eight: 2 / 256.
    clear = judge([3] * 8, 10)
    assert clear.p_value == pytest.approx(2 / 256)
    assert clear.verdict == "The rival is better."
    assert judge([-1] * 8, 10).verdict == "The rival is worse."
    assert judge([], 0).share is None


def test_two_models_share_lists(site, model, model_folder, settings):
    with second_version(model_folder) as second:
        settings.INTERLEAVE_SHARE, settings.INTERLEAVE_MODEL = 1.0, second.name
        process_state.clear()
        answers = [site.get(f"/recommend?user_id={ADA}&top_k=6") for _ in range(2)]  # made, then stored
        assert {answer["model_version"] for answer in answers} == {TINY_MODEL}
        assert cache.read_lists(second.name, [ADA]), "the rival's list is stored too"
        tasks.store_served_lists()
        rows = list(ServedList.objects.all())
        assert [(row.flags & 16, row.request["rival"], len(row.request["teams"])) for row in rows] == [
            (16, second.name, 6)
        ] * 2
        assert {replay(row).difference.verdict for row in rows} == {Verdict.SAME}
        assert second.name not in registry.prune(1), "it is in use"
        film = recommended_ids(answers[0])[rows[0].request["teams"].index("1")]
        event = {"user_id": ADA, "movie_id": film, "recommendation_id": answers[0]["recommendation_id"]}
        site.post("/events", event | {"kind": "click"})
        tasks.store_served_lists()
        out = StringIO()
        call_command("interleaving", stdout=out, no_color=True)
        assert f"2 lists, half of each by the model {second.name}" in out.getvalue()
        assert "1 viewer clicks more films of the rival" in out.getvalue()
        shutil.rmtree(registry.folder(second.name))
        process_state.clear()
        assert {replay(row).difference.reasons[0][0] for row in rows} == {Reason.MODEL_GONE}
        alone = site.get(f"/recommend?user_id={ADA}&top_k=6")
        tasks.store_served_lists()
        row = ServedList.objects.get(pk=alone["recommendation_id"])
        assert (alone["model_version"], row.flags & 16) == (TINY_MODEL, 0), "without its model the list is not shared"


def test_lists_are_shared_and_clicks_count_for_who_chose(site, model, settings):
    plain = {viewer: recommended_ids(site.get(f"/recommend?user_id={viewer}&top_k=6")) for viewer in (ADA, BEN, CLEO)}
    rival = recommended_ids(site.get(f"/recommend?user_id={ADA}&top_k=6&diversity=0.9"))
    settings.INTERLEAVE_SHARE, settings.INTERLEAVE_DIVERSITY = 1.0, 0.9
    answers = {viewer: site.get(f"/recommend?user_id={viewer}&top_k=6") for viewer in (ADA, BEN, CLEO)}
    other = [
        site.post("/recommend/filtered", {"user_id": ADA}),
        site.post("/recommend", {"user_id": ADA, "history": [str(GODFATHER)]}),
        site.get(f"/recommend?user_id={ADA}&explain=true"),
    ]
    settings.INTERLEAVE_SHARE = 0.0
    tasks.store_served_lists()
    rows = {row.pk.hex: row for row in ServedList.objects.all()}
    assert [rows[answer["recommendation_id"]].flags & 16 for answer in other] == [0, 0, 0]
    for viewer, answer in answers.items():
        row = rows[answer["recommendation_id"]]
        teams = row.request["teams"]
        assert (row.flags & 16, row.request["rival"], len(teams)) == (16, 0.9, 6)
        assert sorted(teams) == list("000111")
        chosen = recommended_ids(answer)
        first = [film for film, team in zip(chosen, teams, strict=True) if team == "0"]
        assert first == sorted(first, key=plain[viewer].index), "each team keeps its order"
        assert replay(row).difference.verdict == Verdict.SAME
        film = chosen[teams.index("1" if viewer != CLEO else "0")]
        event = {"user_id": viewer, "movie_id": film, "recommendation_id": answer["recommendation_id"]}
        site.post("/events", event | {"kind": "click"})
    own = recommended_ids(answers[ADA])
    assert set(own) <= {*plain[ADA], *rival}
    tasks.store_served_lists()
    out = StringIO()
    call_command("interleaving", stdout=out, no_color=True)
    said = out.getvalue()
    assert "3 lists, half of each by the rival of diversity 0.9" in said
    assert "2 viewers click more films of the rival" in said
    assert "1 more of the way that serves" in said
    assert "No sure difference. (sign test, p = 1.0000)" in said
