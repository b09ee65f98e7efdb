"""Which arm of which running experiment a viewer is in: a matter of two hashes, so everywhere the same and for good.

The first hash puts all viewers into buckets. Each running experiment has a span of them of its own, so nobody is in
two, and the last buckets are in none. The second, with the experiment's salt, chooses the arm.
"""

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from recommender import process_state
from recommender.models import Experiment, ExperimentArm

BUCKETS, HOLDOUT = 10_000, 500  # buckets of viewers; those that no experiment touches
REFRESH_SECONDS = 5.0


class Assignment(NamedTuple):
    """What an arm changes, and for whom it is recorded. What is None is as without an experiment."""

    arm_id: int  # 0: what was shipped, for everyone outside the experiments
    diversity: float | None = None
    freshness: float | None = None
    with_seen: bool | None = None
    home_order: tuple[str, ...] | None = None  # kinds of rows that come first
    model: str | None = None  # version whose lists they are


class _Arm(NamedTuple):
    weight: int
    assignment: Assignment | None  # None: it was stopped


class _Running(NamedTuple):
    first_bucket: int
    end_bucket: int
    salt: str
    surface: str
    arms: Sequence[_Arm]


class _State(NamedTuple):
    read_at: float  # monotonic seconds
    running: Sequence[_Running]
    shipped: Mapping[str, Assignment]  # by surface


_UNREAD = _State(float("-inf"), (), {})
_state: process_state.Value[_State] = process_state.Value("experiments: those that run, and what was shipped", _UNREAD)


def assign(viewer_id: int | None, surface: str = Experiment.Surface.LISTS) -> Assignment | None:
    """Return the arm of a viewer, or what was shipped to everyone; None where nothing changes for them.

    No query in a web process, whose watcher reads what runs; elsewhere one, the first time.
    """
    state = _state.current
    if state is _UNREAD:
        state = refresh()
    if state.running and viewer_id is not None:
        bucket = _bucket("viewers", viewer_id, BUCKETS)
        for experiment in state.running:
            if experiment.first_bucket <= bucket < experiment.end_bucket and experiment.surface == surface:
                return _arm_of(experiment, viewer_id) or state.shipped.get(surface)
    return state.shipped.get(surface)


def arm_models() -> set[str]:
    """Return the model versions that arms of running experiments serve, as this process last read them."""
    arms = (arm.assignment for experiment in _state.current.running for arm in experiment.arms)
    return {assignment.model for assignment in arms if assignment is not None and assignment.model}


def _arm_of(experiment: _Running, viewer_id: int) -> Assignment | None:
    place = _bucket(experiment.salt, viewer_id, sum(arm.weight for arm in experiment.arms))
    for arm in experiment.arms:
        if place < arm.weight:
            return arm.assignment
        place -= arm.weight
    raise AssertionError("a place lies below the sum of the weights")


def _bucket(salt: str, viewer_id: int, buckets: int) -> int:
    return int.from_bytes(sha256(f"{salt}:{viewer_id}".encode()).digest()[:8], "big") % buckets


def refresh() -> _State:
    """Read what runs and what was shipped, from Postgres; the latest that was shipped of each setting holds."""
    shipped: dict[str, Assignment] = {}
    ended = Experiment.objects.filter(status=Experiment.Status.SHIPPED).order_by("ended_at")
    for row in ended.select_related("shipped_arm"):
        if row.shipped_arm is not None:
            # Its model is the active one since it was shipped.
            merged = _overlay(shipped.get(row.surface), 0, row.shipped_arm)._replace(model=None)
            shipped[row.surface] = merged
    rows = Experiment.objects.filter(status=Experiment.Status.RUNNING).order_by("pk").prefetch_related("arms")
    experiments = [
        _Running(
            row.first_bucket,
            row.end_bucket,
            row.salt,
            row.surface,
            [
                _Arm(arm.weight, None if arm.stopped_at else _overlay(shipped.get(row.surface), arm.pk, arm))
                for arm in row.arms.all()
            ],
        )
        for row in rows
    ]
    default = {surface: assignment for surface, assignment in shipped.items() if any(assignment[1:])}
    _state.current = state = _State(time.monotonic(), experiments, default)
    return state


def _overlay(shipped: Assignment | None, arm_id: int, arm: ExperimentArm) -> Assignment:
    """Return what an arm changes, over what was shipped."""
    base = shipped or Assignment(0)
    return Assignment(
        arm_id,
        base.diversity if arm.diversity is None else arm.diversity,
        base.freshness if arm.freshness is None else arm.freshness,
        True if arm.with_seen else base.with_seen,
        tuple(arm.home_order.split()) or base.home_order,
        arm.model or None,
    )


def refresh_now_and_then() -> None:
    """Read what runs every few seconds; called at every tick of a web process's watcher."""
    if time.monotonic() - _state.current.read_at >= REFRESH_SECONDS:
        refresh()


def free_buckets() -> tuple[int, int]:
    """Return the widest span of buckets that no running experiment has, below those of the holdout."""
    running = Experiment.objects.filter(status=Experiment.Status.RUNNING).values_list("first_bucket", "end_bucket")
    edges = sorted([*running, (BUCKETS - HOLDOUT, BUCKETS)])
    gaps, free_from = [], 0
    for first, after in edges:
        gaps.append((free_from, first))
        free_from = max(free_from, after)
    return max(gaps, key=lambda gap: gap[1] - gap[0])
