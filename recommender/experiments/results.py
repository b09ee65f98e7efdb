"""What an experiment says so far: checked first, then compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import connection
from django.utils import timezone

from recommender.experiments.statistics import (
    SRM_ALPHA,
    Difference,
    Units,
    compare,
    sample_ratio_p,
    viewers_needed,
)
from recommender.models import Experiment, ExperimentArm, Exposure, Outcome
from recommender.served_lists.entry import first_id

COUNTED = {Experiment.Metric.CLICK_THROUGH: Outcome.Kind.CLICK, Experiment.Metric.PLAY_RATE: Outcome.Kind.PLAY}
REJECTIONS = (Outcome.Kind.NOT_INTERESTED, Outcome.Kind.DISLIKE)
MIN_VIEWERS = 100  # of each arm before anything is said


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm with what came of it, beside the control."""

    arm: ExperimentArm
    viewers: int
    rate: float | None
    difference: Difference | None  # None: the control itself, or too little to tell
    rejections: Difference | None  # the guard: films turned down for each one seen


@dataclass(frozen=True, slots=True)
class Result:
    """All arms of an experiment, the control first, and what to make of them."""

    arms: Sequence[ArmResult]
    mixed: int  # viewers who got two arms, after a merge
    sample_ratio_p: float
    viewers_needed: int  # in all arms, to find the expected change; 0: not known yet
    verdict: str
    is_trustworthy: bool  # the arms have the shares of viewers that they should have


def read_result(experiment: Experiment) -> Result:
    """Return what came of an experiment: every viewer once, from their first list of it on."""
    arms = list(experiment.arms.all())
    exposed = Exposure.objects.filter(experiment=experiment)
    counts = [exposed.filter(arm=arm, is_mixed=False).count() for arm in arms]
    p_value = sample_ratio_p(counts, [arm.weight for arm in arms])
    units = _read_units(experiment, arms)
    control = units[arms[0].pk]
    needed = _needed(control[0], experiment, len(arms))
    results = []
    for arm, viewers in zip(arms, counts, strict=True):
        metric, rejections = units[arm.pk]
        others = arm is not arms[0]
        results.append(
            ArmResult(
                arm,
                viewers,
                metric.rate,
                compare(control[0], metric, needed or sum(counts)) if others else None,
                compare(control[1], rejections, needed or sum(counts)) if others else None,
            )
        )
    is_trustworthy = p_value >= SRM_ALPHA
    verdict = (
        _verdict(results, p_value)
        if counts and min(counts) >= MIN_VIEWERS
        else (f"Too early: an arm has fewer than {MIN_VIEWERS} viewers.")
    )
    mixed = exposed.filter(is_mixed=True).count()
    return Result(results, mixed, p_value, needed, verdict, is_trustworthy)


def _verdict(results: Sequence[ArmResult], p_value: float) -> str:
    """Say what to do. Whether the arms can be compared comes first, then what viewers turn down, then the metric."""
    if p_value < SRM_ALPHA:
        return (
            "No verdict: the arms have not the shares of viewers that they should have. Something loses viewers of one "
            "arm, or counts them twice; what they did cannot be compared. Find that first."
        )
    for result in results:
        if result.rejections is not None and result.rejections.sequential[0] > 0:
            return f"Stop: viewers of {result.arm.name} turn down more films."
    decided = [result for result in results if result.difference is not None and result.difference.is_decided]
    better = [result for result in decided if result.difference is not None and result.difference.difference > 0]
    if better:
        best = max(better, key=lambda result: result.rate or 0)
        return f"Ship {best.arm.name}: it is better, whenever you look."
    if decided:
        return f"Stop: {decided[0].arm.name} is worse than the control."
    return "Not decided yet: the interval that holds at every moment has 0 in it."


def _needed(control: Units, experiment: Experiment, arms: int) -> int:
    if len(control.above) < 2 or not control.rate:
        return 0
    deviation = float(np.std(control.residuals(), ddof=1))
    return arms * viewers_needed(control.rate, deviation, experiment.expected_effect / 100)


def _read_units(experiment: Experiment, arms: Sequence[ExperimentArm]) -> dict[int, tuple[Units, Units]]:
    """Return what viewers did with the lists of each arm: by the metric, and by what they turned down. Viewers without
    an impression count for neither sum."""
    started, ended = experiment.started_at or timezone.now(), experiment.ended_at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT list.arm_id,
                 count(*) FILTER (WHERE outcome.kind = %s), count(*) FILTER (WHERE outcome.kind = ANY(%s)),
                 count(*) FILTER (WHERE outcome.kind = 1)
               FROM recommender_servedlist AS list
               JOIN recommender_exposure AS exposure ON exposure.viewer_id = list.viewer_id
                 AND exposure.arm_id = list.arm_id AND NOT exposure.is_mixed
               JOIN recommender_outcome AS outcome ON outcome.list_id = list.id
               WHERE list.arm_id = ANY(%s) AND list.id >= %s AND list.id < %s
                 AND outcome.list_id >= %s AND outcome.list_id < %s
               GROUP BY list.arm_id, list.viewer_id""",
            [
                COUNTED[Experiment.Metric(experiment.metric)],
                list(REJECTIONS),
                [arm.pk for arm in arms],
                *(first_id(started), first_id(ended + timedelta(days=1))) * 2,
            ],
        )
        rows = cursor.fetchall()
    units = {}
    for arm in arms:
        done = np.array([row[1:] for row in rows if row[0] == arm.pk], np.float64).reshape(-1, 3)
        units[arm.pk] = Units(done[:, 0], done[:, 2]), Units(done[:, 1], done[:, 2])
    return units
