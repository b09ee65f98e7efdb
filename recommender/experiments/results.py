"""What an experiment says so far: checked first, then compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from recommender.experiments.statistics import (
    ALPHA,
    SRM_ALPHA,
    Difference,
    FixedDifference,
    Units,
    compare,
    compare_once,
    sample_ratio_p,
    viewers_needed,
)
from recommender.experiments.units import GUARDS, read_units
from recommender.models import Experiment, ExperimentArm, Exposure

MIN_VIEWERS = 100  # of each arm before anything is said
GUARD_ALPHA = ALPHA / len(GUARDS)  # of each guard's interval: together they stop an arm in error as often as one would


@dataclass(frozen=True, slots=True)
class Shares:
    """How many viewers each arm of a running experiment has, and whether these are the shares that it should have."""

    experiment: Experiment
    viewers: Mapping[str, int]  # by the arm's name; stopped ones too
    p_value: float  # of such shares among the arms that go on; below SRM_ALPHA they are not right


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm with what came of it, beside the control."""

    arm: ExperimentArm
    is_control: bool
    viewers: int
    rate: float | None
    difference: Difference | None  # None: the control itself, or too little to tell
    once: FixedDifference | None  # the same, if it is looked at once
    guards: Mapping[str, Difference]  # of the guard metrics that can be compared; more is worse


@dataclass(frozen=True, slots=True)
class Result:
    """All arms of an experiment, the control first, and what to make of them."""

    arms: Sequence[ArmResult]
    mixed: int  # viewers who got two arms, after a merge
    sample_ratio_p: float
    viewers_needed: int  # in all arms, to find the expected change; 0: not known yet
    verdict: str
    to_ship: ExperimentArm | None  # the arm that the verdict says to ship
    is_trustworthy: bool  # the arms have the shares of viewers that they should have


def read_result(experiment: Experiment) -> Result:
    """Return what came of an experiment: every viewer once, from their first list of it on."""
    arms = list(experiment.arms.all())
    exposed = Exposure.objects.filter(experiment=experiment)
    counts = [exposed.filter(arm=arm, is_mixed=False).count() for arm in arms]
    going_on = [(count, arm.weight) for count, arm in zip(counts, arms, strict=True) if arm.stopped_at is None]
    p_value = sample_ratio_p([count for count, _ in going_on], [weight for _, weight in going_on])
    units = read_units(experiment, [arm.pk for arm in arms])
    control = units[arms[0].pk]
    needed = viewers_needed(control.metric, experiment.expected_effect / 100) * len(arms) // 2
    planned = needed or sum(counts)
    results = []
    for arm, viewers in zip(arms, counts, strict=True):
        others, of_arm = arm is not arms[0], units[arm.pk]
        results.append(
            ArmResult(
                arm,
                not others,
                viewers,
                of_arm.metric.rate,
                compare(control.metric, of_arm.metric, planned) if others else None,
                compare_once(control.metric, of_arm.metric) if others else None,
                compare_guards(control.guards, of_arm.guards, planned) if others else {},
            )
        )
    is_trustworthy, to_ship = p_value >= SRM_ALPHA, None
    if not is_trustworthy:
        verdict = (
            "No verdict: the arms have not the shares of viewers that they should have. Something loses viewers of one "
            "arm, or counts them twice; what they did cannot be compared. Find that first."
        )
    elif min(counts) < MIN_VIEWERS:
        verdict = f"Too early: an arm has fewer than {MIN_VIEWERS} viewers."
    else:
        verdict, to_ship = _verdict(results)
    mixed = exposed.filter(is_mixed=True).count()
    return Result(results, mixed, p_value, needed, verdict, to_ship, is_trustworthy)


def read_shares() -> list[Shares]:
    """Return the shares of the arms of each running experiment, in two queries. Light enough for every process."""
    running = list(Experiment.objects.filter(status=Experiment.Status.RUNNING).prefetch_related("arms"))
    exposed = Exposure.objects.filter(experiment__in=running, is_mixed=False).values_list("arm_id")
    counts: dict[int, int] = dict(exposed.annotate(Count("pk"))) if running else {}
    shares = []
    for experiment in running:
        arms = list(experiment.arms.all())
        going_on = [arm for arm in arms if arm.stopped_at is None]
        p_value = sample_ratio_p([counts.get(arm.pk, 0) for arm in going_on], [arm.weight for arm in going_on])
        shares.append(Shares(experiment, {arm.name: counts.get(arm.pk, 0) for arm in arms}, p_value))
    return shares


def compare_guards(control: Mapping[str, Units], arm: Mapping[str, Units], planned: int) -> dict[str, Difference]:
    """Compare the guard metrics of an arm with the control's, by intervals that hold at every moment."""
    found = {name: compare(control[name], arm[name], planned, GUARD_ALPHA) for name in GUARDS}
    return {name: difference for name, difference in found.items() if difference is not None}


def failed_guards(guards: Mapping[str, Difference]) -> list[str]:
    """Return the guard metrics that are surely worse than the control's, as people read them."""
    return [GUARDS[name] for name, difference in guards.items() if difference.sequential[0] > 0]


def _verdict(results: Sequence[ArmResult]) -> tuple[str, ExperimentArm | None]:
    """Say what to do, and which arm to ship, if one is: what viewers are worse off by comes first, then the metric."""
    for result in results:
        if failed := failed_guards(result.guards):
            return f"Stop: {result.arm.name} has more {', and '.join(failed)}.", None
    decided = [result for result in results if result.difference is not None and result.difference.is_decided]
    better = [result for result in decided if result.difference is not None and result.difference.difference > 0]
    if better:
        best = max(better, key=lambda result: result.rate or 0)
        return f"Ship {best.arm.name}: it is better, whenever you look.", best.arm
    if decided:
        return f"Stop: {decided[0].arm.name} is worse than the control.", None
    return "Not decided yet: the interval that holds at every moment has 0 in it.", None
