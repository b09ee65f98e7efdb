"""What an experiment will take, before it is started: viewers, days, power."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from django.utils import timezone

from catalog.models import Movie
from recommender import registry
from recommender.experiments.assignment import BUCKETS, free_buckets
from recommender.experiments.statistics import power_of, viewers_needed
from recommender.experiments.units import read_pilot
from recommender.ml.config import change_fields, get_preset, parse_model_config, parse_recipe
from recommender.models import Experiment, ExperimentArm, ModelVersion

PILOT_DAYS = 14
LOOKS = (7, 14, 28)  # days after which the power is told
MAX_DAYS = 365
LIST_BYTES = 1_160  # of Redis, a stored list of 200 films


class ArmMemory(NamedTuple):
    """What an arm with a model of its own takes beside the active model, trained or not yet."""

    arm: str
    redis: int  # bytes, for the lists of the viewers of two weeks; 0: nobody came
    process: int | None  # bytes, in each web process; None: no machine here has its folder


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be expected of an experiment, by what viewers did in the two weeks before."""

    rate: float | None  # of the metric that decides; None: nobody was shown anything
    viewers_needed: int  # in all arms; 0: not known
    viewers_a_day: float  # of the experiment, who come anew
    days: int | None  # until they are there; None: not known, or over a year
    powers: Sequence[tuple[int, float]]  # days, and the chance to find the expected change by then
    memory: Sequence[ArmMemory]


def make_plan(experiment: Experiment) -> Plan:
    """Return what a draft will take if it is started now. Arms are taken to be of one size."""
    since = timezone.now() - timedelta(days=PILOT_DAYS)
    pilot, new = read_pilot(experiment, since)
    first, end = free_buckets()
    share = max(0, end - first) / BUCKETS * experiment.traffic / 100
    of_experiment = list(experiment.arms.all())
    arms = max(2, len(of_experiment))
    effect = experiment.expected_effect / 100
    needed = viewers_needed(pilot, effect) * arms // 2
    powers = [
        (days, power)
        for days in LOOKS
        if (power := power_of(pilot, effect, int(_viewers_after(days, new, share) * 2 / arms))) is not None
    ]
    days = _days_until(needed, new, share) if needed else None
    viewers = _viewers_after(PILOT_DAYS, new, share)
    weights = sum(arm.weight for arm in of_experiment)
    memory = [
        ArmMemory(arm.name, int(viewers * arm.weight / weights) * LIST_BYTES, _process_bytes(arm))
        for arm in of_experiment
        if arm.model or arm.recipe
    ]
    return Plan(pilot.rate, needed, viewers / PILOT_DAYS, days, powers, memory)


def _process_bytes(arm: ExperimentArm) -> int | None:
    """Return about what an arm's model takes in a web process; None where its folder is not on this machine.

    One that is not trained yet is taken to know the active model's films, with as many counts of what follows what.
    """
    from recommender.ml.model_folder import METADATA_FILE, PRIOR_FILE, VOCAB_FILE, serving_bytes

    name = arm.model or registry.active_name()
    if name is None:
        films, features, counted, metadata = Movie.objects.count(), 0, 0, {}
    else:
        folder = registry.folder(name)
        try:
            metadata = json.loads((folder / METADATA_FILE).read_text())
            counted = sum((folder / file).stat().st_size for file in (PRIOR_FILE, VOCAB_FILE))
        except OSError:
            return None
        films, features = ModelVersion.objects.get(name=name).movies, len(metadata["feature_names"])
    if arm.model:
        config = parse_model_config(metadata["config"])
    else:
        recipe = parse_recipe(arm.recipe)
        config = change_fields(get_preset(recipe.preset), recipe.changes).model
    return serving_bytes(config, films, features) + counted


def _viewers_after(days: int, new: Sequence[int], share: float) -> float:
    """Return how many viewers an experiment has after so many days. `new`: viewers who came anew on each day of the
    pilot; later days are like its last week."""
    later = sum(new[-7:]) / min(7, len(new)) * max(0, days - len(new))
    return share * (sum(new[:days]) + later)


def _days_until(needed: int, new: Sequence[int], share: float) -> int | None:
    """Return the days until so many viewers are in the experiment; None for more than MAX_DAYS."""
    for day, viewers in enumerate(accumulate(new), 1):
        if viewers * share >= needed:
            return day
    daily = share * sum(new[-7:]) / min(7, len(new))
    if not daily:
        return None
    days = len(new) + ceil((needed - share * sum(new)) / daily)
    return days if days <= MAX_DAYS else None
