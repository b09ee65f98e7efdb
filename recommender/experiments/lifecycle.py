"""The life of an experiment: started once, then stopped or shipped; what was shipped can be rolled back."""

import secrets

from django.db import transaction
from django.utils import timezone

from catalog.errors import CatalogError
from recommender import audit
from recommender.experiments import assignment
from recommender.experiments.assignment import free_buckets
from recommender.locks import advisory_lock
from recommender.models import Experiment


class ExperimentError(CatalogError):
    """Report why an experiment cannot be started, stopped or shipped, and what to do."""


def start(experiment_id: int) -> Experiment:
    """Start an experiment: give it viewers that no other has. Raises ExperimentError."""
    with advisory_lock("start_experiment", wait=True), transaction.atomic():
        experiment = _locked(experiment_id)
        if experiment.status != Experiment.Status.DRAFT:
            raise ExperimentError(f"It is {experiment.status} already: make a new experiment.")
        if experiment.arms.count() < 2:
            raise ExperimentError("It needs two arms at least: the first is the control.")
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


def ship(experiment_id: int, arm_id: int, reason: str) -> Experiment:
    """End a running experiment and give everyone what an arm of it gets. Raises ExperimentError."""
    return _end(experiment_id, Experiment.Status.RUNNING, Experiment.Status.SHIPPED, reason, arm_id)


def roll_back(experiment_id: int, reason: str) -> Experiment:
    """Take back what an experiment shipped: what was shipped before holds again. Raises ExperimentError."""
    return _end(experiment_id, Experiment.Status.SHIPPED, Experiment.Status.STOPPED, reason)


def _end(experiment_id: int, before: str, after: str, reason: str, arm_id: int | None = None) -> Experiment:
    with transaction.atomic():
        experiment = _locked(experiment_id)
        if experiment.status != before:
            raise ExperimentError(f"It is {experiment.status}, not {before}.")
        if arm_id is not None and not experiment.arms.filter(pk=arm_id).exists():
            raise ExperimentError("It has no such arm: choose one of its own.")
        experiment.status, experiment.ended_at, experiment.reason = after, timezone.now(), reason
        experiment.shipped_arm_id = arm_id
        experiment.save()
        audit.record(audit.Action.EXPERIMENT_ENDED, experiment.name, f"{after}: {reason}")
    transaction.on_commit(assignment.refresh, robust=True)
    return experiment


def _locked(experiment_id: int) -> Experiment:
    experiment = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if experiment is None:
        raise ExperimentError("There is no such experiment any more.")
    return experiment
