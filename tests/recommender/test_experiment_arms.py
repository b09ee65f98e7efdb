"""What arms change: lists under a model of their own, films seen, the first rows of the home page; and what stops them
by itself."""

import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from catalog import services
from catalog.models import Movie
from recommender import process_state, registry, tasks
from recommender.experiments import assign, assignment, lifecycle
from recommender.experiments.lifecycle import ExperimentError
from recommender.models import Experiment, ExperimentArm, Exposure, ServedList
from recommender.monitoring import system_health
from recommender.registry import loader
from recommender.serving.replay import Verdict, replay
from tests.support.api import recommended_ids
from tests.support.cast import EMPIRE, STAR_WARS
from tests.support.forms import submit
from tests.support.s3_server import S3Server
from tests.support.tiny_model import TINY_MODEL, second_version

HOME, LISTS = Experiment.Surface.HOME, Experiment.Surface.LISTS


@pytest.fixture
def second(model, model_folder):
    """Another version, registered and not active."""
    with second_version(model_folder) as version:
        yield version
    process_state.clear()


def draft(surface=LISTS, more=None, **changed):
    """Make an experiment of a control and an arm that changes something."""
    experiment = Experiment.objects.create(**{"name": "arms", "hypothesis": "?", "surface": surface, **(more or {})})
    ExperimentArm.objects.create(experiment=experiment, name="control")
    ExperimentArm.objects.create(experiment=experiment, name="changed", **changed)
    return experiment


def started(*arguments, **changed):
    """Return the arms of an experiment that was started now."""
    experiment = lifecycle.start(draft(*arguments, **changed).pk)
    assignment.refresh()
    return experiment, *experiment.arms.all()


def members(arm, count=1):
    """Return the first viewers of an arm."""
    surface = arm.experiment.surface
    found = [viewer for viewer in range(1, 2_000) if (of := assign(viewer, surface)) and of.arm_id == arm.pk]
    return found[:count]


def watch(site, *viewers):
    """Have viewers watch what the model knows."""
    site.post(
        "/events",
        [{"user_id": viewer, "movie_id": film, "kind": "watch"} for viewer in viewers for film in (STAR_WARS, EMPIRE)],
    )


def arm_check():
    [check] = [check for check in system_health.check_system().checks if check.name == "experiments"]
    return check


def test_an_arm_with_a_model_has_lists_of_its_own(second, site):
    experiment, control, changed = started(model=second.name)
    [plain], [other] = members(control), members(changed)
    watch(site, plain, other)
    first = [site.get(f"/recommend?user_id={viewer}&top_k=5") for viewer in (plain, other)]
    assert [answer["model_version"] for answer in first] == [TINY_MODEL, second.name]
    again = [site.get(f"/recommend?user_id={viewer}&top_k=5") for viewer in (plain, other)]
    assert [(answer["source"], answer["model_version"]) for answer in again] == [
        ("cache", TINY_MODEL),
        ("cache", second.name),
    ]
    assert not any(answer["degraded"] for answer in (*first, *again))
    page = site.get(f"/recommend?user_id={other}&top_k=5")
    following = site.get(f"/recommend?cursor={page['next']}")
    assert following["model_version"] == second.name
    assert not set(recommended_ids(page)) & set(recommended_ids(following))
    tasks.store_served_lists()
    rows = {(row.viewer_id, row.arm_id, row.model_id) for row in ServedList.objects.all()}
    active = registry.active_name()
    versions = dict(type(second).objects.values_list("name", "pk"))
    assert rows == {(plain, control.pk, versions[active]), (other, changed.pk, versions[second.name])}
    lifecycle.stop(experiment.pk, "enough")
    assignment.refresh()
    assert site.get(f"/recommend?user_id={other}&top_k=5")["model_version"] == TINY_MODEL


def test_models_of_experiments_stay_in_memory_and_are_not_pruned(second):
    experiment, *_ = started(model=second.name)
    loader.keep(assignment.arm_models())
    loader._last_used.update(dict.fromkeys(loader._last_used, float("-inf")))
    loader.drop_unused()
    assert loader.loaded_names() == [second.name]
    assert second.name not in registry.prune(1)
    lifecycle.stop(experiment.pk, "enough")
    assignment.refresh()
    loader.keep(assignment.arm_models())
    loader._last_used.update(dict.fromkeys(loader._last_used, float("-inf")))
    loader.drop_unused()
    assert loader.loaded_names() == []


def test_control_serves_and_an_alarm_tells_where_the_model_is_missing(second, site):
    experiment, _, changed = started(model=second.name)
    assert (arm_check().status, arm_check().value) == ("ok", "1 running")
    shutil.rmtree(registry.folder(second.name))
    process_state.clear()
    [other] = members(changed)
    watch(site, other)
    answer = site.get(f"/recommend?user_id={other}&top_k=5")
    assert (answer["model_version"], answer["degraded"]) == (TINY_MODEL, False)
    tasks.store_served_lists()
    assert [row.arm_id for row in ServedList.objects.all()] == [0]
    assert not Exposure.objects.exists(), "who got no list of the arm is not in it"
    check = arm_check()
    assert check.status == "fail"
    assert second.name in check.detail
    lifecycle.stop(experiment.pk, "its model is gone")
    with pytest.raises(ExperimentError, match="missing"):
        lifecycle.start(draft(model=second.name, more={"name": "other"}).pk)


def test_a_model_is_shipped_by_making_it_the_active_one(second, site):
    experiment, _, changed = started(model=second.name)
    lifecycle.ship(experiment.pk, changed.pk, "better")
    assignment.refresh()
    assert registry.active_name() == second.name
    assert assign(1) is None
    lifecycle.roll_back(experiment.pk, "complaints")
    assert registry.active_name() == TINY_MODEL


def test_an_arm_may_show_films_that_were_seen(more_movies, site):
    _, control, changed = started(with_seen=True)
    [plain], [other] = members(control), members(changed)
    watch(site, plain, other)
    films = {viewer: recommended_ids(site.get(f"/recommend?user_id={viewer}&top_k=60")) for viewer in (plain, other)}
    assert str(STAR_WARS) not in films[plain]
    assert str(STAR_WARS) in films[other]
    only = site.get(f"/recommend?user_id={other}&top_k=60&seen=only")
    assert set(recommended_ids(only)) == {str(STAR_WARS), str(EMPIRE)}, "what the call asks for goes first"


def test_an_arm_lifts_new_films(more_movies, model, site):
    _, control, changed = started(freshness=2.0)
    [plain], [other] = members(control), members(changed)
    watch(site, plain, other)
    Movie.objects.update(added_at=datetime(2020, 1, 1, tzinfo=UTC))
    services.bump_catalogue()
    before = recommended_ids(site.get(f"/recommend?user_id={other}&top_k=10"))
    assert before == recommended_ids(site.get(f"/recommend?user_id={plain}&top_k=10")), "all are as old"
    newest = before[-1]
    Movie.objects.filter(pk=int(newest)).update(added_at=datetime.now(UTC))
    services.bump_catalogue()
    after = [site.get(f"/recommend?user_id={other}&top_k=10") for _ in range(2)]
    assert {answer["source"] for answer in after} == {"cache"}
    for answer in after:
        films = recommended_ids(answer)
        assert films.index(newest) < 9, "it moved up"
        assert [film for film in films if film != newest] == [film for film in before if film != newest][:9]
    assert recommended_ids(site.get(f"/recommend?user_id={plain}&top_k=10")) == before
    tasks.store_served_lists()
    row = ServedList.objects.filter(arm_id=changed.pk).latest("pk")
    assert row.request["freshness"] == 2.0
    assert replay(row).difference.verdict == Verdict.SAME
    first = site.get(f"/recommend?user_id={other}&top_k=4")
    following = recommended_ids(site.get(f"/recommend?cursor={first['next']}"))
    assert not set(recommended_ids(first)) & set(following)


def test_an_arm_orders_the_rows_of_the_home_page(model, site):
    watch(site, 3_000)
    usual = [row["kind"] for row in site.get("/home?user_id=3000&rows=6")["rows"]]
    last, second_last, *_ = dict.fromkeys(kind for kind in reversed(usual) if kind != usual[0])
    _, control, changed = started(HOME, home_order=f"{last} {second_last}")
    [plain], [other] = members(control), members(changed)
    watch(site, plain, other)
    for _ in range(2):  # made, then stored
        rows = {
            viewer: [row["kind"] for row in site.get(f"/home?user_id={viewer}&rows=6")["rows"]]
            for viewer in (plain, other)
        }
        assert rows[plain] == usual
        kinds = list(dict.fromkeys(rows[other]))
        assert kinds[:2] == [last, second_last]
    tasks.store_served_lists()
    arms = set(ServedList.objects.exclude(viewer_id=3_000).values_list("viewer_id", "arm_id"))
    assert arms == {(plain, control.pk), (other, changed.pk)}
    site.get(f"/recommend?user_id={other}")
    tasks.store_served_lists()
    assert set(ServedList.objects.filter(surface=1).values_list("arm_id", flat=True)) == {0}, "of another surface"


def test_settings_of_another_surface_or_none_are_refused(more_movies):
    for surface, changed, message in (
        (HOME, {"diversity": 0.5}, "first rows alone"),
        (LISTS, {"home_order": "genre"}, "of the home page"),
        (LISTS, {}, "changes nothing"),
        (LISTS, {"model": "nowhere"}, "missing"),
    ):
        experiment = draft(surface, **changed)
        with pytest.raises(ExperimentError, match=message):
            lifecycle.start(experiment.pk)
        experiment.delete()


def test_what_was_shipped_on_both_surfaces_holds_together(more_movies):
    for surface, changed in (
        (LISTS, {"diversity": 0.3}),
        (HOME, {"home_order": "genre"}),
        (LISTS, {"with_seen": True}),
    ):
        experiment, _, arm = started(surface, {"name": str(changed)}, **changed)
        lifecycle.ship(experiment.pk, arm.pk, "better")
    assignment.refresh()
    lists, home = assign(1), assign(1, HOME)
    assert (lists.diversity, lists.with_seen, lists.home_order) == (0.3, True, None)
    assert (home.diversity, home.home_order) == (None, ("genre",))


def test_the_last_day_stops_it(more_movies):
    today = datetime.now(UTC).date()
    experiment, *_ = started(diversity=0.5, more={"ends_on": today})
    assert tasks.watch_experiments() == 0
    Experiment.objects.update(ends_on=today - timedelta(days=1))
    assert tasks.watch_experiments() == 1
    experiment.refresh_from_db()
    assert (experiment.status, experiment.reason) == (
        "stopped",
        f"its last day, {today - timedelta(days=1)}, is over (by itself)",
    )
    with pytest.raises(ExperimentError, match="is over"):
        lifecycle.start(draft(diversity=0.5, more={"ends_on": today - timedelta(days=1), "name": "late"}).pk)


def test_a_guard_stops_an_arm_and_then_the_experiment(more_movies, site):
    experiment, control, changed = started(diversity=0.9)
    good = ExperimentArm.objects.create(experiment=experiment, name="good", diversity=0.1)
    assignment.refresh()
    for arm in (control, changed, good):
        for viewer in members(arm, 105):
            answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
            about = {"user_id": viewer, "recommendation_id": answer["recommendation_id"]}
            films = recommended_ids(answer)
            rejected = films[: 2 + viewer % 2 if arm == changed else viewer % 2]
            told = [("impression", film) for film in films] + [("not_interested", film) for film in rejected]
            site.post("/events", [{**about, "movie_id": film, "kind": kind} for kind, film in told])
    tasks.store_served_lists()
    assert tasks.watch_experiments() == 1
    changed.refresh_from_db()
    assert changed.stopped_reason == "more films turned down for each one seen (by itself)"
    assignment.refresh()
    experiment.refresh_from_db()
    assert experiment.status == "running", "the other arm goes on"
    assert not members(changed)
    assert members(good)
    assert tasks.watch_experiments() == 0
    lifecycle.stop_arm(good.pk, "enough")
    experiment.refresh_from_db()
    assert (experiment.status, experiment.reason) == ("stopped", "arm good: enough")


def test_arms_are_entered_in_the_admin_with_the_memory_they_take(second, site, admin_client):
    entered = {"name": "Model", "hypothesis": "Better.", "arms-0-name": "control", "arms-1-name": "other"}
    address = reverse("admin:recommender_experiment_add")
    refused = submit(admin_client, address, entered | {"arms-1-home_order": "genre nonsense"})
    assert "There is no row nonsense" in refused.content.decode()
    submit(admin_client, address, entered | {"arms-1-model": second.name})
    experiment = Experiment.objects.get()
    assert [arm.model for arm in experiment.arms.all()] == ["", second.name]
    for viewer in (1, 2):  # who click all that they see: they say nothing of how much others would
        film = recommended_ids(site.get(f"/recommend?user_id={viewer}&top_k=4"))[0]
        for kind in ("impression", "click"):
            site.post("/events", {"user_id": viewer, "movie_id": film, "kind": kind})
    tasks.store_served_lists()
    page = admin_client.get(reverse("admin:recommender_experiment_change", args=[experiment.pk])).content.decode()
    assert "The arm other has a model of its own" in page
    assert "too much alike" in page


def test_what_a_recipe_takes_is_told_before_it_is_trained_or_started(model, admin_client):
    experiment = draft(recipe="default d_model=32")
    ExperimentArm.objects.create(experiment=experiment, name="wide", recipe="default d_model=256 d_item=256")
    page = admin_client.get(reverse("admin:recommender_experiment_change", args=[experiment.pk])).content.decode()
    assert "its lists take about 1.2 kB of Redis for each viewer" in page
    told = [float(megabytes) for megabytes in re.findall(r"the model ([\d.]+) MB in each web process", page)]
    assert len(told) == 2
    assert told[1] > 5 * told[0] > 0, "the wider one takes more"
    for name in ("train_models", "start"):
        dialog = admin_client.get(reverse(f"admin:recommender_experiment_{name}", args=[experiment.pk]))
        assert f"the model {told[1]} MB in each web process" in dialog.content.decode()
    ExperimentArm.objects.filter(name="wide").update(model="gone")
    page = admin_client.get(reverse("admin:recommender_experiment_change", args=[experiment.pk])).content.decode()
    assert "this machine has no copy of it" in page


def test_an_arm_that_was_stopped_is_not_shipped(second):
    experiment, _, changed = started(model=second.name)
    lifecycle.stop_arm(changed.pk, "more empty lists")
    with pytest.raises(ExperimentError, match="was stopped: more empty lists"):
        lifecycle.ship(experiment.pk, changed.pk, "all the same")
    assert registry.active_name() == TINY_MODEL


def test_what_cannot_be_rolled_back_stays_shipped(second):
    experiment, _, changed = started(model=second.name)
    lifecycle.ship(experiment.pk, changed.pk, "better")
    assert registry.active_name() == second.name
    former = type(second).objects.filter(name=TINY_MODEL)
    former.update(status="refused")  # as pruned
    with pytest.raises(registry.ActivationRefused):
        lifecycle.roll_back(experiment.pk, "complaints")
    experiment.refresh_from_db()
    assert (experiment.status, experiment.shipped_arm, experiment.reason) == ("shipped", changed, "better")
    former.update(status="retired")
    lifecycle.roll_back(experiment.pk, "complaints")
    assert registry.active_name() == TINY_MODEL


def test_a_model_that_was_active_before_stays_when_its_arm_is_rolled_back(second):
    registry.activate(second.name, "better")
    experiment, _, changed = started(model=second.name, diversity=0.3)
    lifecycle.ship(experiment.pk, changed.pk, "more variety")
    lifecycle.roll_back(experiment.pk, "complaints")
    assert registry.active_name() == second.name


def test_a_model_store_that_is_away_leaves_the_experiment_unknown_and_all_other_checks(
    second, settings, monkeypatch, tmp_path
):
    experiment, *_ = started(model=second.name)
    shutil.rmtree(registry.folder(second.name))
    environment = S3Server(tmp_path).environment  # it is not started
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.MODELS_URL = environment["MOVIEREC_MODELS_URL"]
    [check] = [check for check in system_health.check_system().checks if check.name == "experiments"]
    assert check.status == "unknown"
    lifecycle.stop(experiment.pk, "enough")
    experiment.status = "draft"
    experiment.save()
    with pytest.raises(ExperimentError, match="model store does not answer"):
        lifecycle.start(experiment.pk)
