"""What ends an experiment, or an arm of it, without anybody: its last day, and guard metrics that are surely worse."""

import logging
from collections.abc import Callable

from django.utils import timezone

from recommender.experiments import lifecycle
from recommender.experiments.lifecycle import ExperimentError
from recommender.experiments.results import MIN_VIEWERS, compare_guards, failed_guards
from recommender.experiments.units import read_units
from recommender.models import Experiment

log = logging.getLogger(__name__)


def watch_experiments() -> int:
    """Stop the running experiments whose last day is over, and the arms whose guards are surely worse than the
    control's. Return how many were stopped."""
    stopped = 0
    for experiment in Experiment.objects.filter(status=Experiment.Status.RUNNING):
        if experiment.ends_on is not None and experiment.ends_on < timezone.now().date():
            reason = f"its last day, {experiment.ends_on}, is over (by itself)"
            stopped += _stopped(lambda: lifecycle.stop(experiment.pk, reason), experiment, reason)  # noqa: B023
        else:
            stopped += _stop_by_guards(experiment)
    return stopped


def _stop_by_guards(experiment: Experiment) -> int:
    control, *others = experiment.arms.all()
    going_on = [arm for arm in others if arm.stopped_at is None]
    units = read_units(experiment, [arm.pk for arm in (control, *going_on)])
    stopped = 0
    for arm in going_on:
        viewers = min(len(units[of.pk].guards["empty"].above) for of in (control, arm))
        if viewers < MIN_VIEWERS:
            continue
        failed = failed_guards(compare_guards(units[control.pk].guards, units[arm.pk].guards, 2 * viewers))
        if failed:
            reason = f"more {', and '.join(failed)} (by itself)"
            stopped += _stopped(lambda: lifecycle.stop_arm(arm.pk, reason), experiment, reason)  # noqa: B023
    return stopped


def _stopped(stop: Callable[[], object], experiment: Experiment, reason: str) -> bool:
    """Stop something; a member of staff may have been faster."""
    try:
        stop()
    except ExperimentError:
        return False
    log.warning("The experiment %s: %s", experiment.name, reason)
    return True
