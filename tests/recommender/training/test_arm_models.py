"""Models of experiments' arms: trained by the night from their recipes, served where they pass the gate, shipped as the
recipe of the nights after."""

import shutil
import sys

import pytest
from django.conf import settings
from django.urls import reverse

from recommender import registry
from recommender.experiments import arm_models, assignment, lifecycle
from recommender.experiments.lifecycle import ExperimentError
from recommender.jobs import leases
from recommender.ml import ensemble_fitting, prior_tuning
from recommender.ml.config import CHANGEABLE, PRESETS, change_fields, get_preset, parse_recipe
from recommender.ml.neighbour_table import NEIGHBOURS_FILE
from recommender.models import Experiment, ExperimentArm, Job, ModelVersion
from recommender.monitoring import nightly_checks
from recommender.training import nightly
from tests.support.forms import submit
from tests.support.jobs import new_lease, run_until
from tests.support.tiny_model import clear_caches

SHORT = "basic max_len=30 epochs=10"


@pytest.fixture(autouse=True)
def _fresh():
    clear_caches()
    yield
    clear_caches()
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)


def draft(recipe=SHORT, name="length"):
    experiment = Experiment.objects.create(name=name, hypothesis="The last thirty films are enough.")
    ExperimentArm.objects.create(experiment=experiment, name="control")
    return experiment, ExperimentArm.objects.create(experiment=experiment, name="short", recipe=recipe)


def run_night(**options):
    """Run a nightly job; return its lease."""
    lease = new_lease(**options)
    with leases.running_lease(lease):
        nightly.run(lease)
    return lease


@pytest.mark.slow
def test_the_night_trains_a_model_for_an_arm_and_another_one_while_it_runs(ring):
    experiment, arm = draft()
    with pytest.raises(ExperimentError, match="Train models"):
        lifecycle.start(experiment.pk)
    lease = run_night(epochs=7)
    arm.refresh_from_db()
    first = ModelVersion.objects.get(name=arm.model)
    assert registry.active_name() not in {None, first.name}
    assert lease.result["arms"][str(arm.pk)]["version"] == first.name
    assert registry.ranker(first.name).metadata["config"]["max_len"] == 30
    assert registry.ranker().metadata["config"]["max_len"] == PRESETS["basic"].model.max_len
    assert (registry.folder(first.name) / NEIGHBOURS_FILE).exists()

    run_night(epochs=1)
    arm.refresh_from_db()
    assert arm.model == first.name, "a draft's model is trained once"
    lifecycle.start(experiment.pk)
    run_night(epochs=1, warm=True)
    arm.refresh_from_db()
    assert arm.model != first.name
    assert registry.ranker(arm.model).metadata["parents"] == [first.name], "not the active one"
    assert arm.model not in registry.prune(1)

    lifecycle.stop(experiment.pk, "enough")
    assert "arms" not in run_night(epochs=1).result


@pytest.mark.slow
def test_a_model_that_fails_the_gate_serves_no_arm(ring, monkeypatch):
    run_night(epochs=7)
    experiment, arm = draft("basic d_model=8 heads=1 layers=1 epochs=1 lr=0.00001")
    monkeypatch.setattr(prior_tuning, "CANDIDATE_WEIGHTS", (0.0,))  # counting alone would tell the ring
    monkeypatch.setattr(ensemble_fitting, "MIN_VISITS", sys.maxsize)
    lease = run_night(of_experiment=experiment.pk)
    arm.refresh_from_db()
    outcome = lease.result["arms"][str(arm.pk)]
    assert (outcome["better"], arm.model) == (False, "")
    assert ModelVersion.objects.get(name=outcome["version"]).status == ModelVersion.Status.CANDIDATE


@pytest.mark.slow
def test_a_job_that_was_killed_goes_on_with_the_arm_that_it_was_at(ring):
    _, first = draft()
    _, second = draft("basic max_len=20 epochs=10", "other")
    lease = new_lease(epochs=7)
    run_until(lease, "other")
    trained = set(ModelVersion.objects.values_list("name", flat=True))
    nightly.run(lease)
    new = set(ModelVersion.objects.values_list("name", flat=True)) - trained
    versions = {arm.pk: lease.result["arms"][str(arm.pk)]["version"] for arm in (first, second)}
    assert versions[first.pk] in trained
    assert new == {versions[second.pk]}, "nothing was trained twice"


def test_staff_train_the_arms_of_a_draft_by_a_button(ring, admin_client):
    experiment, arm = draft()
    address = reverse("admin:recommender_experiment_train_models", args=[experiment.pk])
    submit(admin_client, address, button=None)
    job = Job.objects.get()
    assert job.parameters == {"of_experiment": experiment.pk}
    assert nightly_checks.check_nightly()[1].value == "none yet", "that is no night"
    lease = new_lease(of_experiment=experiment.pk, epochs=8)
    nightly.run(lease)
    arm.refresh_from_db()
    assert arm.model
    assert registry.active_name() is None, "the arm's model alone"
    lifecycle.start(experiment.pk)


@pytest.mark.slow
def test_a_shipped_recipe_is_that_of_the_nights_after(ring):
    experiment, arm = draft()
    run_night(epochs=7)
    lifecycle.start(experiment.pk)
    arm.refresh_from_db()
    lifecycle.ship(experiment.pk, arm.pk, "as good, and faster")
    assert registry.active_name() == arm.model
    lease = new_lease(epochs=1)
    del lease.parameters["preset"]  # as the schedule starts it
    with leases.running_lease(lease):
        nightly.run(lease)
    metadata = registry.ranker(lease.result["version"]).metadata
    assert (metadata["preset"], metadata["changes"]) == ("basic", {"max_len": 30, "epochs": 10})
    assert metadata["config"]["max_len"] == 30
    assignment.refresh()
    lifecycle.roll_back(experiment.pk, "complaints")
    assert arm_models.shipped_recipe() is None


def test_recipes_are_read():
    assert parse_recipe("default") == ("default", {})
    recipe = parse_recipe("brief  max_len=100 dropout=0 use_mlp_scorer=True")
    assert recipe == ("basic", {"max_len": 100, "dropout": 0, "use_mlp_scorer": True})
    changed = change_fields(get_preset(recipe.preset), recipe.changes)
    assert (changed.model.max_len, changed.model.use_mlp_scorer) == (100, True)
    for name, (least, largest) in CHANGEABLE.items():
        assert parse_recipe(f"default {name}={str(largest).lower()} heads=1").changes[name] in (largest, 1)
        assert least < largest or (least, largest) == (False, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no preset ''"),
        ("best", "There is no preset 'best'; there are: default"),
        ("default max_len", "write FIELD=VALUE; the fields are d_model"),
        ("default block=softmax", "changes nothing"),
        ("default max_len=501", "max_len is 2 to 500"),
        ("default max_len=1e2", "max_len is 2 to 500"),
        ("default max_len=true", "max_len is 2 to 500"),
        ("default dropout=NaN", "dropout is 0.0 to 0.9"),
        ("default use_mlp_scorer=1", "use_mlp_scorer is false to true"),
        ("default d_model=100 heads=3", "cannot be shared by 3 heads"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_recipe(text)


def test_the_form_names_what_is_wrong_with_a_recipe(transactional_db, admin_client):
    entered = {"name": "Model", "hypothesis": "Better.", "arms-0-name": "control", "arms-1-name": "other"}
    refused = submit(
        admin_client,
        reverse("admin:recommender_experiment_add"),
        entered | {"arms-1-recipe": "default d_model=100000"},
    )
    assert "d_model is 8 to 512" in refused.content.decode()
    assert not Experiment.objects.exists()
