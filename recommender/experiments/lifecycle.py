"""The life of an experiment: started once, then stopped or shipped; what was shipped can be rolled back.

An arm with a model of its own is shipped by making that model the active one, which every viewer's lists are then of.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.errors import CatalogError
from catalog.selectors import data_set
from recommender import audit, registry
from recommender.experiments import assignment
from recommender.experiments.assignment import free_buckets
from recommender.locks import advisory_lock
from recommender.models import Experiment, ExperimentArm, ModelVersion
from recommender.registry.object_store import ObjectStoreUnavailable


class ExperimentError(CatalogError):
    """Report why an experiment cannot be started, stopped or shipped, and what to do."""


def start(experiment_id: int) -> Experiment:
    """Start an experiment: give it viewers that no other has. Raises ExperimentError."""
    with advisory_lock("start_experiment", wait=True), transaction.atomic():
        experiment = _locked(experiment_id)
        if experiment.status != Experiment.Status.DRAFT:
            raise ExperimentError(f"It is {experiment.status} already: make a new experiment.")
        arms = list(experiment.arms.all())
        if len(arms) < 2:
            raise ExperimentError("It needs two arms at least: the first is the control.")
        _check_settings(experiment, arms)
        if experiment.ends_on is not None and experiment.ends_on < timezone.now().date():
            raise ExperimentError(f"Its last day, {experiment.ends_on}, is over: choose a later one, or none.")
        first, end = free_buckets()
        if end <= first:
            raise ExperimentError("Running experiments have all viewers: stop one, or start it with less traffic.")
        experiment.first_bucket, experiment.end_bucket = (
            first,
            first + max(1, (end - first) * experiment.traffic // 100),
        )
        experiment.salt, experiment.status = secrets.token_hex(8), Experiment.Status.RUNNING
        experiment.started_at = timezone.now()
        experiment.save()
        audit.record(audit.Action.EXPERIMENT_STARTED, experiment.name)
    transaction.on_commit(assignment.refresh, robust=True)
    return experiment


def stop(experiment_id: int, reason: str) -> Experiment:
    """End a running experiment: everyone gets again what they got before. Raises ExperimentError."""
    return _end(experiment_id, Experiment.Status.RUNNING, Experiment.Status.STOPPED, reason)


def stop_arm(arm_id: int, reason: str) -> None:
    """Stop one arm of a running experiment: its viewers get what they got before, and count no longer. Where only the
    control is left, the experiment is stopped. Raises ExperimentError."""
    with transaction.atomic():
        arm = ExperimentArm.objects.select_for_update().select_related("experiment").filter(pk=arm_id).first()
        if arm is None or arm.experiment.status != Experiment.Status.RUNNING or arm.stopped_at is not None:
            raise ExperimentError("This arm does not run any more.")
        arm.stopped_at, arm.stopped_reason = timezone.now(), reason
        arm.save(update_fields=["stopped_at", "stopped_reason"])
        audit.record(audit.Action.EXPERIMENT_ENDED, arm.experiment.name, f"arm {arm.name}: {reason}")
        if arm.experiment.arms.filter(stopped_at=None).count() < 2:
            _end(arm.experiment_id, Experiment.Status.RUNNING, Experiment.Status.STOPPED, f"arm {arm.name}: {reason}")
    transaction.on_commit(assignment.refresh, robust=True)


def ship(experiment_id: int, arm_id: int, reason: str) -> Experiment:
    """End a running experiment and give everyone what an arm of it gets. Raises ExperimentError, and ActivationRefused
    where the arm's model cannot go live."""
    arm = ExperimentArm.objects.filter(pk=arm_id, experiment_id=experiment_id).first()
    if arm is None:
        raise ExperimentError("It has no such arm: choose one of its own.")
    if arm.stopped_at is not None:
        raise ExperimentError(f"{arm.name} was stopped: {arm.stopped_reason}. Make a new experiment with it.")
    before = _how_it_stands(experiment_id)
    experiment = _end(experiment_id, Experiment.Status.RUNNING, Experiment.Status.SHIPPED, reason, arm)
    if arm.model and arm.model != registry.active_name():
        with _or_as(experiment_id, before):
            registry.activate(arm.model, f"{_shipped_by(experiment)} {reason}")
    return experiment


def roll_back(experiment_id: int, reason: str) -> Experiment:
    """Take back what an experiment shipped: what was shipped before holds again, and the model before serves where the
    arm had one of its own. Raises ExperimentError, and ActivationRefused."""
    before = _how_it_stands(experiment_id)
    experiment = _end(experiment_id, Experiment.Status.SHIPPED, Experiment.Status.STOPPED, reason)
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    if active is not None and active.reason.startswith(_shipped_by(experiment)):
        with _or_as(experiment_id, before):
            registry.rollback(f"{experiment.name} was rolled back: {reason}")
    return experiment


def _shipped_by(experiment: Experiment) -> str:
    """Return how the reason of a model version begins that an experiment shipped."""
    return f"Shipped by the experiment {experiment.name}:"


def _how_it_stands(experiment_id: int) -> dict[str, Any]:
    columns = ("status", "ended_at", "reason", "shipped_arm")
    return Experiment.objects.filter(pk=experiment_id).values(*columns).first() or {}


@contextmanager
def _or_as(experiment_id: int, before: Mapping[str, Any]) -> Iterator[None]:
    """Have an experiment stand as before where the block fails, as the model that was to go live cannot."""
    try:
        yield
    except Exception:
        Experiment.objects.filter(pk=experiment_id).update(**before)
        transaction.on_commit(assignment.refresh, robust=True)
        raise


def _check_settings(experiment: Experiment, arms: Sequence[ExperimentArm]) -> None:
    """Check that each arm but the control changes something, on the experiment's surface. Raises ExperimentError."""
    for arm in arms:
        of_lists = not (arm.diversity is None and arm.freshness is None and not arm.with_seen)
        of_lists |= bool(arm.model or arm.recipe)
        if experiment.surface == Experiment.Surface.HOME and of_lists:
            raise ExperimentError(f"{arm.name}: on the home page an arm sets the first rows alone.")
        if experiment.surface == Experiment.Surface.LISTS and arm.home_order:
            raise ExperimentError(f"{arm.name}: the first rows are of the home page; choose that surface.")
        if arm is not arms[0] and not of_lists and not arm.home_order:
            raise ExperimentError(f"{arm.name} changes nothing: it is as the control is.")
        if arm.recipe and not arm.model:
            raise ExperimentError(f"{arm.name} has no model yet: choose Train models, or wait for the night.")
        try:
            is_missing = bool(arm.model) and not is_servable(arm.model)
        except ObjectStoreUnavailable as error:
            raise ExperimentError(f"{arm.name}: the model store does not answer, so nobody knows its model.") from error
        if is_missing:
            raise ExperimentError(f"{arm.name}: the model {arm.model} is missing or cannot be loaded; choose another.")


def is_servable(model: str) -> bool:
    """Say whether the lists of an arm can be made by this model version. Raises ObjectStoreUnavailable."""
    rows = ModelVersion.objects.filter(name=model, data_set=data_set()).exclude(status=ModelVersion.Status.REFUSED)
    return rows.exists() and registry.is_loadable(model)


def _end(experiment_id: int, before: str, after: str, reason: str, arm: ExperimentArm | None = None) -> Experiment:
    with transaction.atomic():
        experiment = _locked(experiment_id)
        if experiment.status != before:
            raise ExperimentError(f"It is {experiment.status}, not {before}.")
        experiment.status, experiment.ended_at, experiment.reason = after, timezone.now(), reason
        experiment.shipped_arm = arm
        experiment.save()
        audit.record(audit.Action.EXPERIMENT_ENDED, experiment.name, f"{after}: {reason}")
    transaction.on_commit(assignment.refresh, robust=True)
    return experiment


def _locked(experiment_id: int) -> Experiment:
    experiment = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if experiment is None:
        raise ExperimentError("There is no such experiment any more.")
    return experiment
