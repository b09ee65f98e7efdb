"""Experiments: who is in which arm, what they get, what counts, and what is said of it."""

from collections import Counter

import numpy as np
import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Count
from django.urls import reverse
from scipy.stats import norm

from recommender import tasks
from recommender.experiments import assign, lifecycle
from recommender.experiments.assignment import BUCKETS, HOLDOUT
from recommender.experiments.confidence_sequences import always_valid_p, best_rho, half_width
from recommender.experiments.lifecycle import ExperimentError
from recommender.experiments.planning import make_plan
from recommender.experiments.results import read_result
from recommender.experiments.statistics import (
    Units,
    compare,
    compare_once,
    power_of,
    sample_ratio_p,
    viewers_needed,
)
from recommender.models import AuditEntry, Experiment, ExperimentArm, Exposure, ServedList
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, STAR_WARS
from tests.support.forms import submit

PAGES = "admin:recommender_experiment"


def draft(name="More variety", diversity=0.9, **more):
    """Make an experiment with a control and one arm."""
    experiment = Experiment.objects.create(name=name, hypothesis="More clicks.", **more)
    for arm, value in (("control", None), ("varied", diversity)):
        ExperimentArm.objects.create(experiment=experiment, name=arm, diversity=value)
    return experiment


@pytest.fixture
def running(more_movies, django_capture_on_commit_callbacks):
    """Return a running experiment."""
    with django_capture_on_commit_callbacks(execute=True):
        return lifecycle.start(draft().pk)


def act(action, *arguments, capture):
    """Start or end an experiment, with what follows the commit."""
    with capture(execute=True):
        return action(*arguments)


def members(arm, count=1):
    """Return the first viewers of an arm."""
    found = [viewer for viewer in range(1, 3_000) if (of := assign(viewer)) and of.arm_id == arm.pk]
    return found[:count]


def test_viewers_are_shared_out_for_good(running):
    arms = {arm.pk: arm for arm in running.arms.all()}
    first = [assign(viewer) for viewer in range(1, 20_001)]
    counts = Counter(of.arm_id if of else None for of in first)
    assert set(counts) == {None, *arms}
    assert counts[None] == pytest.approx(20_000 * HOLDOUT / BUCKETS, rel=0.15)
    assert sample_ratio_p([counts[pk] for pk in arms], [50, 50]) > 0.001
    assert [assign(viewer) for viewer in range(1, 20_001)] == first
    assert assign(None) is None


def test_no_viewer_is_in_two_experiments(more_movies, django_capture_on_commit_callbacks):
    capture = django_capture_on_commit_callbacks
    one = act(lifecycle.start, draft("one", traffic=40).pk, capture=capture)
    two = act(lifecycle.start, draft("two").pk, capture=capture)
    assert one.end_bucket <= two.first_bucket
    assert two.end_bucket == BUCKETS - HOLDOUT
    with pytest.raises(ExperimentError, match="have all viewers"):
        lifecycle.start(draft("three").pk)
    of = Counter(ExperimentArm.objects.get(pk=arm.arm_id).experiment.name for n in range(1, 500) if (arm := assign(n)))
    assert of["two"] > of["one"] > 100


def test_lists_are_served_as_the_arm_says_and_recorded(running, site):
    control, varied = running.arms.all()
    [plain], [other] = members(control), members(varied)
    site.post("/events", [{"user_id": n, "movie_id": str(STAR_WARS), "kind": "watch"} for n in (plain, other)])
    before = site.post("/recommend", {"history": [str(STAR_WARS)], "top_k": 20})
    as_control = site.get(f"/recommend?user_id={plain}")
    as_varied = site.get(f"/recommend?user_id={other}")
    wished = site.get(f"/recommend?user_id={other}&diversity=0.9")
    assert recommended_ids(as_control) == recommended_ids(before)
    assert recommended_ids(as_varied) == recommended_ids(wished) != recommended_ids(before)
    tasks.store_served_lists()
    arms = {row.pk.hex: row.arm_id for row in ServedList.objects.all()}
    lists = (before, as_control, as_varied, wished)
    assert [arms[answer["recommendation_id"]] for answer in lists] == [0, control.pk, varied.pk, 0]
    exposed = {exposure.viewer_id: exposure.arm_id for exposure in Exposure.objects.all()}
    assert exposed == {plain: control.pk, other: varied.pk}
    site.get(f"/recommend?user_id={other}")
    tasks.store_served_lists()
    assert Exposure.objects.count() == 2
    site.delete(f"/users/{other}/data")
    assert Exposure.objects.count() == 1


def test_merging_viewers_of_two_arms_counts_them_for_neither(running, site):
    control, varied = running.arms.all()
    [plain], [other] = members(control), members(varied)
    for viewer in (plain, other):
        event = {"user_id": viewer, "movie_id": str(STAR_WARS), "kind": "watch", "session": viewer == other}
        site.post("/events", event)
        site.get(f"/recommend?user_id={viewer}")
    tasks.store_served_lists()
    site.post("/users/merge", {"from_user_id": other, "into_user_id": plain})
    assert [(row.viewer_id, row.is_mixed) for row in Exposure.objects.all()] == [(plain, True)]
    assert read_result(running).mixed == 1


def test_stopping_shipping_and_rolling_back(more_movies, django_capture_on_commit_callbacks):
    capture = django_capture_on_commit_callbacks
    first, second = draft("first", 0.2), draft("second", 0.8)
    with pytest.raises(ExperimentError, match="not running"):
        lifecycle.stop(first.pk, "too early")
    act(lifecycle.start, first.pk, capture=capture)
    with pytest.raises(ExperimentError, match="already"):
        lifecycle.start(first.pk)
    arm = first.arms.get(name="varied")
    with pytest.raises(ExperimentError, match="no such arm"):
        lifecycle.ship(first.pk, second.arms.first().pk, "why not")
    act(lifecycle.ship, first.pk, arm.pk, "better", capture=capture)
    assert {(of.arm_id, of.diversity) for of in map(assign, (None, ADA, BEN))} == {(0, 0.2)}
    act(lifecycle.start, second.pk, capture=capture)
    act(lifecycle.ship, second.pk, second.arms.get(name="varied").pk, "better still", capture=capture)
    assert assign(ADA).diversity == 0.8
    act(lifecycle.roll_back, second.pk, "complaints", capture=capture)
    assert assign(ADA).diversity == 0.2
    act(lifecycle.roll_back, first.pk, "these too", capture=capture)
    assert assign(ADA) is None
    actions = AuditEntry.objects.values("action").annotate(n=Count("pk")).values_list("action", "n")
    assert dict(actions) == {"experiment_started": 2, "experiment_ended": 4}


def test_what_came_of_it_is_compared_by_viewer(running, site):
    control, varied = running.arms.all()
    clicked = {control.pk: 1, varied.pk: 3}
    assert read_result(running).verdict.startswith("Too early")
    for arm in (control, varied):
        for viewer in members(arm, 110):
            answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
            films = recommended_ids(answer)
            chosen = films[: clicked[arm.pk] + viewer % 2]
            site.post(
                "/events",
                [
                    {
                        "user_id": viewer,
                        "movie_id": film,
                        "kind": kind,
                        "recommendation_id": answer["recommendation_id"],
                    }
                    for kind, shown in (("impression", films), ("click", chosen))
                    for film in shown
                ],
            )
    tasks.store_served_lists()
    result = read_result(running)
    assert [arm.viewers for arm in result.arms] == [110, 110]
    assert result.is_trustworthy
    difference = result.arms[1].difference
    assert difference.difference == pytest.approx(0.5, abs=0.05)
    once = result.arms[1].once
    assert 0 < difference.sequential[0] < once.fixed[0] < 0.5
    assert once.difference == pytest.approx(difference.difference)
    assert not once.uses_before, "nobody was here before"
    assert result.arms[1].guards["empty"].difference == 0
    assert result.verdict == "Ship varied: it is better, whenever you look."
    assert result.viewers_needed > 0
    Exposure.objects.filter(viewer_id__in=members(varied, 60)).delete()
    Exposure.objects.filter(arm=control).update(arm=varied)
    assert not read_result(running).is_trustworthy


def test_it_is_made_started_and_ended_in_the_admin(
    more_movies, admin_client, client, django_capture_on_commit_callbacks
):
    entered = {"name": "Variety", "hypothesis": "More clicks.", "arms-0-name": "control", "arms-1-name": "varied"}
    submit(admin_client, reverse(f"{PAGES}_add"), entered | {"arms-1-diversity": "0.5"})
    experiment = Experiment.objects.get()
    assert [(arm.name, arm.weight, arm.diversity) for arm in experiment.arms.all()] == [
        ("control", 50, None),
        ("varied", 50, 0.5),
    ]
    assert experiment.owner
    address = reverse(f"{PAGES}_change", args=[experiment.pk])

    def press(action, values=None):
        with django_capture_on_commit_callbacks(execute=True):
            submit(admin_client, reverse(f"{PAGES}_{action}", args=[experiment.pk]), values, button=None)
        experiment.refresh_from_db()
        return experiment.status

    assert press("start") == "running"
    page = admin_client.get(address)
    assert "Too early" in page.content.decode()
    assert "arms-0-name" not in page.content.decode(), "what runs is not changed"
    with pytest.raises(ValueError, match="nobody"):  # no such choice
        press("ship", {"arm": "nobody", "reason": "?"})
    assert "Too early" in admin_client.get(reverse(f"{PAGES}_ship", args=[experiment.pk])).content.decode()
    assert press("ship", {"arm": "varied", "reason": "it is better"}) == "running", "no verdict says so"
    assert press("ship", {"arm": "varied", "reason": "it is cheaper", "is_meant": True}) == "shipped"
    assert experiment.reason.startswith("it is cheaper (admin, in the admin) The verdict was: Too early: ")
    assert press("roll_back", {"reason": "complaints"}) == "stopped"
    analyst = User.objects.create_user("looks", is_staff=True)
    analyst.groups.add(Group.objects.get(name="analyst"))
    client.force_login(analyst)
    assert client.get(address).status_code == 200
    assert client.post(reverse(f"{PAGES}_start", args=[experiment.pk])).status_code == 403


def test_a_draft_says_what_it_will_take(more_movies, site, admin_client):
    experiment = draft(expected_effect=10)
    address = reverse(f"{PAGES}_change", args=[experiment.pk])
    assert "Nobody was shown anything yet" in admin_client.get(address).content.decode()
    for viewer in range(1, 21):
        answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
        about = {"user_id": viewer, "recommendation_id": answer["recommendation_id"]}
        films = recommended_ids(answer)
        events = [("impression", film) for film in films] + [("click", film) for film in films[: viewer % 3]]
        site.post("/events", [{**about, "movie_id": film, "kind": kind} for kind, film in events])
    tasks.store_served_lists()
    plan = make_plan(experiment)
    assert plan.rate == pytest.approx(21 / 80)
    assert plan.viewers_a_day == pytest.approx(20 * 0.95)
    assert 1_000 < plan.viewers_needed < 365 * 19
    assert plan.days == pytest.approx(plan.viewers_needed / 19, abs=1)
    assert [days for days, _ in plan.powers] == [7, 14, 28]
    assert 0 < plan.powers[0][1] < plan.powers[2][1] < 1
    assert "viewers are needed" in admin_client.get(address).content.decode()


def test_an_experiment_needs_two_arms(more_movies):
    experiment = Experiment.objects.create(name="alone", hypothesis="?")
    with pytest.raises(ExperimentError, match="two arms"):
        lifecycle.start(experiment.pk)


def test_the_intervals_are_those_of_the_paper():
    """By hand: sqrt(2 (1000 * 0.01 + 1) / (1000**2 * 0.01) * log(sqrt(11) / 0.05)) = 0.09607."""
    assert half_width(1_000, 1.0, 0.1) == pytest.approx(0.09606, abs=1e-4)
    rho = best_rho(1_000)
    assert half_width(1_000, 1.0, rho) < min(half_width(1_000, 1.0, rho * other) for other in (0.7, 1.5))
    assert half_width(1_000, 1.0, rho) > 1.96 / 1_000**0.5
    edge = half_width(500, 2.0, rho)
    assert always_valid_p(500, edge, 2.0, rho) == pytest.approx(0.05, abs=1e-6)
    assert always_valid_p(500, 0.0, 2.0, rho) == always_valid_p(0, 1.0, 0.0, rho) == 1.0


def test_ratios_shares_and_the_viewers_needed():
    rng = np.random.default_rng(3)
    shown = rng.poisson(8, 4_000).astype(float)
    rates = rng.beta(2, 18, 4_000)
    half = slice(0, 2_000), slice(2_000, 4_000)
    control, arm = (
        Units(rng.binomial(shown[part].astype(int), rates[part]).astype(float), shown[part]) for part in half
    )
    found, once = compare(control, arm, 4_000), compare_once(control, arm)
    assert once.fixed[0] < 0 < once.fixed[1]
    assert once.difference == pytest.approx(found.difference)
    resampled = []
    for _ in range(300):
        drawn = [(units, rng.integers(2_000, size=2_000)) for units in (control, arm)]
        one, other = (Units(units.above[chosen], units.below[chosen]) for units, chosen in drawn)
        resampled.append(compare(one, other, 4_000).difference)
    assert np.std(resampled) == pytest.approx(found.standard_error, rel=0.15)
    assert once.fixed[1] - once.difference == pytest.approx(1.959964 * found.standard_error, rel=1e-5)
    assert compare(control, Units(np.zeros(5), np.zeros(5)), 100) is None
    assert sample_ratio_p([500, 500], [50, 50]) == 1.0
    assert sample_ratio_p([600, 400], [50, 50]) < 1e-6
    assert sample_ratio_p([300, 200, 500], [3, 2, 5]) == 1.0
    # By hand: (1.96 + 0.84)**2 times the variances of both arms over the squared effect, for each of two arms.
    variance, effect = np.var(control.residuals(), ddof=1), 0.05 * control.rate
    needed = viewers_needed(control, 0.05)
    assert needed == pytest.approx(2 * 7.849 * (1 + 1.05**2) * variance / effect**2, rel=0.01)
    assert power_of(control, 0.05, needed) == pytest.approx(0.8, abs=0.001)
    assert compare_once(control, Units(np.zeros(5), np.ones(5))) is None, "nothing above the line"
    for alike in (Units(np.ones(2), np.ones(2)), Units(np.full(100, 2.0), np.full(100, 10.0))):
        assert (viewers_needed(alike, 0.05), power_of(alike, 0.05, 1_000), compare_once(alike, alike)) == (
            0,
            None,
            None,
        )
    none_empty, all_empty = Units(np.zeros(100), np.ones(100)), Units(np.ones(100), np.ones(100))
    assert compare(none_empty, all_empty, 200).sequential[0] > 0, "a guard that is sure"
    assert compare(none_empty, all_empty, 200).p_value == 0.0
    assert viewers_needed(Units(np.zeros(5), np.ones(5)), 0.05) == 0


@pytest.mark.parametrize("effect", [0.05, 0.3])
def test_the_planned_viewers_find_the_change_as_often_as_planned(effect):
    rng = np.random.default_rng(4)

    def viewers(better):
        shown = rng.poisson(rng.gamma(1.0, 8.0, 500_000))
        clicks = rng.binomial(shown, np.minimum(1, rng.beta(2, 18, 500_000) * (1 + better)))
        return Units(clicks.astype(float), shown.astype(float))

    control, arm = viewers(0.0), viewers(effect)
    needed = viewers_needed(control, effect)
    error = ((np.var(control.residuals()) + np.var(arm.residuals())) / (needed / 2)) ** 0.5
    power = norm.sf(norm.isf(0.025) - effect * 0.1 / error)
    assert 0.8 <= power < 0.85
    assert power_of(control, effect, needed) == pytest.approx(0.8, abs=0.001)


def test_the_weeks_before_take_out_variance_and_no_bias():
    rng = np.random.default_rng(5)

    def viewers(number, better):
        rates = rng.beta(2, 18, number)
        shown, before = rng.poisson(20, number) + 1.0, rng.poisson(40, number).astype(float)
        clicks = rng.binomial(shown.astype(int), np.minimum(1, rates * (1 + better))).astype(float)
        return Units(clicks, shown, rng.binomial(before.astype(int), rates).astype(float), before)

    control, arm = viewers(4_000, 0.0), viewers(4_000, 0.1)
    plain = compare(Units(control.above, control.below), Units(arm.above, arm.below), 8_000)
    adjusted, once = compare(control, arm, 8_000), compare_once(control, arm)
    assert adjusted.standard_error < 0.85 * plain.standard_error
    assert once.uses_before
    assert once.difference == pytest.approx(adjusted.difference, rel=1e-6)
    assert once.fixed[1] - once.difference == pytest.approx(1.959964 * adjusted.standard_error, rel=1e-5)
    assert once.fixed[0] < 0.1 * control.rate < once.fixed[1], "the truth"
    assert viewers_needed(control, 0.05) < 0.75 * viewers_needed(Units(control.above, control.below), 0.05)
