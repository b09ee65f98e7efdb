"""What viewers did, as the units of an experiment's statistics: read from the log of lists and what came of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.utils import timezone

from recommender.experiments.statistics import Units
from recommender.models import Experiment, Outcome, ServedList
from recommender.served_lists.entry import first_id

COUNTED = {Experiment.Metric.CLICK_THROUGH: Outcome.Kind.CLICK, Experiment.Metric.PLAY_RATE: Outcome.Kind.PLAY}
REJECTIONS = (Outcome.Kind.NOT_INTERESTED, Outcome.Kind.DISLIKE)
BEFORE_DAYS = 14  # in front of a viewer's first list, which CUPED looks at
SURFACES: Mapping[str, Sequence[int]] = {
    Experiment.Surface.LISTS: (ServedList.Surface.RECOMMEND, ServedList.Surface.FILTERED),
    Experiment.Surface.HOME: (ServedList.Surface.HOME,),
}
BOT_CLICKS = 60  # in one minute: faster than people are

# Seconds since 1970 of an outcome, and the id below those of all lists from a moment on.
_SECOND = "(('x' || left(replace({list_id}::text, '-', ''), 12))::bit(48)::bigint / 1000 + {delay})"
_FIRST_ID = "(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
_OUTCOMES = f"""
WITH exposed AS (
  SELECT viewer_id, arm_id, {_FIRST_ID.format(at="first_at")} AS first_list,
    {_FIRST_ID.format(at="first_at - %(before)s")} AS first_before
  FROM recommender_exposure WHERE experiment_id = %(experiment)s AND NOT is_mixed
), outcomes AS (
  SELECT exposed.viewer_id, exposed.arm_id, outcome.kind, outcome.list_id, outcome.delay,
    outcome.list_id >= exposed.first_list AS is_after
  FROM exposed JOIN recommender_servedlist AS list ON list.viewer_id = exposed.viewer_id
    AND list.id >= exposed.first_before AND list.id < %(end)s
    AND (list.arm_id = exposed.arm_id OR list.id < exposed.first_list)
    AND list.surface = ANY(%(surfaces)s)
  JOIN recommender_outcome AS outcome ON outcome.list_id = list.id
  WHERE list.id >= %(oldest)s AND outcome.list_id >= %(oldest)s AND outcome.list_id < %(end)s
), bots AS (
  SELECT DISTINCT viewer_id FROM (
    SELECT viewer_id FROM outcomes WHERE kind = 2
    GROUP BY viewer_id, {_SECOND.format(list_id="list_id", delay="delay")} / 60
    HAVING count(*) > %(bot_clicks)s) AS minutes
)
SELECT arm_id,
  count(*) FILTER (WHERE is_after AND kind = %(counted)s),
  count(*) FILTER (WHERE is_after AND kind = ANY(%(rejections)s)),
  count(*) FILTER (WHERE is_after AND kind = 1),
  count(*) FILTER (WHERE NOT is_after AND kind = %(counted)s),
  count(*) FILTER (WHERE NOT is_after AND kind = 1)
FROM outcomes WHERE viewer_id NOT IN (SELECT viewer_id FROM bots)
GROUP BY arm_id, viewer_id
HAVING bool_or(is_after)
"""  # noqa: S608
_LISTS = f"""
SELECT list.arm_id,
  count(*) FILTER (WHERE get_byte(list.films, 1) = 0 AND get_byte(list.films, 2) = 0),
  count(*) FILTER (WHERE (list.flags & 1) > 0), count(*)
FROM recommender_exposure AS exposure
JOIN recommender_servedlist AS list ON list.viewer_id = exposure.viewer_id AND list.arm_id = exposure.arm_id
  AND list.id >= {_FIRST_ID.format(at="exposure.first_at")} AND list.id < %(end)s
WHERE exposure.experiment_id = %(experiment)s AND NOT exposure.is_mixed AND list.id >= %(start)s
GROUP BY list.arm_id, list.viewer_id
"""  # noqa: S608
_PILOT = """
SELECT min(list.id::text), count(*) FILTER (WHERE outcome.kind = %(counted)s),
  count(*) FILTER (WHERE outcome.kind = 1)
FROM recommender_servedlist AS list JOIN recommender_outcome AS outcome ON outcome.list_id = list.id
WHERE list.id >= %(start)s AND outcome.list_id >= %(start)s AND list.viewer_id <> 0
  AND list.surface = ANY(%(surfaces)s)
GROUP BY list.viewer_id
"""


class ArmUnits(NamedTuple):
    """An arm's viewers by the metric that decides, and by the guard metrics."""

    metric: Units
    guards: dict[str, Units]  # by name, of GUARDS; more is worse


# Guard metric -> what it is, for people.
GUARDS = {
    "rejections": "films turned down for each one seen",
    "empty": "lists without a film",
    "degraded": "lists made while a part was down",
}


def read_units(experiment: Experiment, arms: Sequence[int]) -> dict[int, ArmUnits]:
    """Return what viewers did with the lists of each arm, by its id. Viewers without an outcome count for no rate."""
    started, ended = experiment.started_at or timezone.now(), experiment.ended_at or timezone.now()
    values: dict[str, Any] = {
        "experiment": experiment.pk,
        "counted": int(COUNTED[Experiment.Metric(experiment.metric)]),
        "rejections": [int(kind) for kind in REJECTIONS],
        "before": timedelta(days=BEFORE_DAYS),
        "oldest": first_id(started - timedelta(days=BEFORE_DAYS)),
        "start": first_id(started),
        "end": first_id(ended + timedelta(minutes=1)),
        "surfaces": [int(surface) for surface in SURFACES[experiment.surface]],
        "bot_clicks": BOT_CLICKS,
    }
    outcomes, lists = _by_arm(_OUTCOMES, values, 5), _by_arm(_LISTS, values, 3)
    units = {}
    for arm in arms:
        clicks, rejections, seen, clicks_before, seen_before = outcomes.get(arm, np.empty((0, 5))).T
        empty, degraded, served = lists.get(arm, np.empty((0, 3))).T
        guards = {
            "rejections": Units(rejections, seen),
            "empty": Units(empty, served),
            "degraded": Units(degraded, served),
        }
        units[arm] = ArmUnits(Units(clicks, seen, clicks_before, seen_before), guards)
    return units


def _by_arm(query: str, values: dict[str, Any], columns: int) -> dict[int, np.ndarray]:
    """Return the rows of each arm, float64 [viewers, columns]."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = np.array(cursor.fetchall(), np.float64).reshape(-1, columns + 1)
    return {int(arm): rows[rows[:, 0] == arm, 1:] for arm in np.unique(rows[:, 0])}


def read_pilot(experiment: Experiment, since: datetime) -> tuple[Units, list[int]]:
    """Return what all viewers did from then on with lists like the experiment's, and how many of them came anew on each
    day from the first that had one."""
    values: dict[str, Any] = {
        "counted": int(COUNTED[Experiment.Metric(experiment.metric)]),
        "start": first_id(since),
        "surfaces": [int(surface) for surface in SURFACES[experiment.surface]],
    }
    with connection.cursor() as cursor:
        cursor.execute(_PILOT, values)
        rows = cursor.fetchall()
    counts = np.array([row[1:] for row in rows], np.float64).reshape(-1, 2)
    days = [(int(first.replace("-", "")[:12], 16) / 1000 - since.timestamp()) // 86_400 for first, *_ in rows]
    new = np.bincount(np.array(days, np.int64).clip(min=0), minlength=1)
    return Units(counts[:, 0], counts[:, 1]), new[int((new > 0).argmax()) :].tolist()
