"""An audience that drives the running system over HTTP for simulated weeks, in an experiment whose truth is known.

Each viewer asks for a list on some days, looks at places from the top down, and clicks by chance. The chance falls with
the place (position bias), is larger for films of the viewer's genres, for new viewers (novelty), and falls each time
that a film was shown to them before (fatigue). After each day the log is made a day older, so that the system knows
weeks. As the chances are known, so is the true difference of the arms.
"""

import os
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.benchmark_system import BenchmarkSystem
from benchmarks.serving.client import Connection, Server
from benchmarks.serving.fixture import ServingFixture

VISIT_CHANCE = 0.5  # of a viewer's day
PLACES = 10
EXAMINED = 1 / np.sqrt(1 + np.arange(PLACES))  # the chance that a place is looked at
LIKED, OTHER = 0.25, 0.05  # the chance of a click on a film of the viewer's genres, and on another, once looked at
NOVELTY, NOVELTY_DAYS = 0.3, 2.0  # more clicks in a viewer's first days, by this share, which dies away
FATIGUE = 0.7  # of the chance that is left each time that the film was shown before
GENRES = 3  # that a viewer likes
DIVERSITY = 0.8  # of the arm
CHUNK = 40  # viewers whose events are sent together

# A list's id begins with 48 bits of milliseconds.
_A_DAY_OLDER = """CREATE OR REPLACE FUNCTION pg_temp.a_day_older(id uuid) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - 86400000), 12, '0')
          || substr(replace(id::text, '-', ''), 13))::uuid $$"""


def drive_experiment(system: BenchmarkSystem, fixture: ServingFixture, days: int, viewers: int) -> dict[str, Any]:
    """Run an experiment with two arms for so many simulated days, and say whether what is measured is what is true."""
    from recommender import tasks
    from recommender.experiments import lifecycle
    from recommender.experiments.results import read_result
    from recommender.models import Experiment, ExperimentArm, Outcome, ServedList

    ServedList.objects.all().delete()
    Outcome.objects.all().delete()
    experiment = Experiment.objects.create(name="living audience", hypothesis="Different films are clicked more.")
    ExperimentArm.objects.create(experiment=experiment, name="control")
    ExperimentArm.objects.create(experiment=experiment, name="diverse", diversity=DIVERSITY)
    lifecycle.start(experiment.pk)
    system.restart_web()
    audience = _Audience(fixture, days, viewers)
    for day in range(days):
        audience.live_a_day(day)
        _store_logs(audience.lists)
        if day < days - 1:
            _make_log_older()
    tasks.sum_up_outcomes(days)
    arms = list(experiment.arms.all())
    result = read_result(experiment)
    true = audience.true_rates()
    difference = result.arms[1].difference
    if difference is None:
        raise SystemExit("Too few viewers to compare the arms.")
    counted = Counter(dict(Outcome.objects.values_list("kind").annotate(_count())))
    lost = audience.sent["impression"] + audience.sent["click"]
    lost -= counted[Outcome.Kind.IMPRESSION] + counted[Outcome.Kind.CLICK]
    truth = true[arms[1].pk] - true[arms[0].pk]
    low, high = difference.sequential
    return {
        "audience_days": days,
        "audience_viewers": viewers,
        "audience_lists": audience.lists,
        "audience_outcomes": audience.sent.total(),
        "audience_outcomes_lost": lost,
        "audience_sample_ratio_p": round(result.sample_ratio_p, 4),
        "audience_true_difference": round(truth, 5),
        "audience_difference": round(difference.difference, 5),
        "audience_interval": [round(low, 5), round(high, 5)],
        "audience_true_inside": bool(low <= truth <= high),
        "audience_verdict": result.verdict,
    }


class _Audience:
    """Viewers with a taste, a memory of what they were shown, and the true chance of each click."""

    def __init__(self, fixture: ServingFixture, days: int, viewers: int) -> None:
        from recommender.serving.current_versions import read_versions

        self.rng = np.random.default_rng(7)
        self.viewers = self.rng.choice(fixture.histories.viewers, viewers, replace=False).tolist()
        self.connection = Connection(Server("127.0.0.1", int(os.environ["PORT"]), fixture.key))
        self.table = read_versions(None).load_snapshot().table
        genres = len(self.table.genre_names)
        self.likes = {viewer: set(self.rng.choice(genres, GENRES, replace=False).tolist()) for viewer in self.viewers}
        self.first_day = {viewer: int(self.rng.integers(max(1, days // 2))) for viewer in self.viewers}
        self.shown: Counter[tuple[int, str]] = Counter()
        self.sent: Counter[str] = Counter()
        self.lists = 0
        self._chances: dict[int, list[float]] = defaultdict(list)  # arm -> of a click, for each film seen

    def live_a_day(self, day: int) -> None:
        """Have the viewers of a day ask for lists, look and click."""
        events: list[dict[str, Any]] = []
        for viewer in self.viewers:
            if day < self.first_day[viewer] or self.rng.random() > VISIT_CHANCE:
                continue
            events += self._visit(viewer, day)
            if len(events) > CHUNK * PLACES:
                self._send(events)
                events = []
        self._send(events)

    def true_rates(self) -> dict[int, float]:
        """Return the mean chance of a click of a film seen, by arm."""
        return {arm: float(np.mean(chances)) for arm, chances in self._chances.items()}

    def _visit(self, viewer: int, day: int) -> list[dict[str, Any]]:
        from recommender.experiments import assign

        answer = self._call("GET", f"/recommend?user_id={viewer}&top_k={PLACES}")
        self.lists += 1
        arm = assign(viewer)
        novelty = 1 + NOVELTY * np.exp(-max(0, day - self.first_day[viewer]) / NOVELTY_DAYS)
        events = []
        for place, film in enumerate(answer["recommendations"]):
            if self.rng.random() > EXAMINED[place]:
                continue
            chance = self._appeal(viewer, film["movie_id"]) * novelty * FATIGUE ** self.shown[viewer, film["movie_id"]]
            self.shown[viewer, film["movie_id"]] += 1
            kinds = ["impression"] + ["click"] * bool(self.rng.random() < chance)
            self.sent.update(kinds)
            if arm is not None and arm.arm_id:
                self._chances[arm.arm_id].append(float(chance))
            told = {"user_id": viewer, "movie_id": film["movie_id"], "recommendation_id": answer["recommendation_id"]}
            events += [{**told, "kind": kind} for kind in kinds]
        return events

    def _appeal(self, viewer: int, movie_id: str) -> float:
        [row] = self.table.rows_of(np.array([int(movie_id)], np.int32)).tolist()
        own = self.table.genre_of[self.table.genre_start[row] : self.table.genre_start[row + 1]].tolist()
        return LIKED if self.likes[viewer] & set(own) else OTHER

    def _send(self, events: list[dict[str, Any]]) -> None:
        if events:
            self._call("POST", "/events", events)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        response = self.connection.send(self.connection.server.request(method, path, body))
        if response.status != 200:
            raise SystemExit(f"{method} {path}: {response.status} {response.body[:200]!r}")
        return response.json()


def _count() -> Any:
    from django.db.models import Count

    return Count("kind")


def _store_logs(lists: int) -> None:
    """Store what the web processes have noted; they send their buffers every second."""
    from recommender import tasks
    from recommender.models import ServedList

    until = time.monotonic() + 30
    while ServedList.objects.count() < lists:
        time.sleep(0.5)
        tasks.store_served_lists()
        if time.monotonic() > until:
            raise SystemExit(f"Only {ServedList.objects.count()} of {lists} lists were stored.")
    time.sleep(1.5)
    tasks.store_served_lists()  # what came of the last ones


def _make_log_older() -> None:
    """Have everything in the log be of a day before."""
    from django.db import connection
    from django.db.models import F

    from recommender.models import Experiment, Exposure, ServedList
    from recommender.served_lists.entry import served_at
    from recommender.served_lists.storage import make_partitions

    days: set[date] = {served_at(pk).date() for pk in ServedList.objects.values_list("pk", flat=True)}
    make_partitions({day - timedelta(days=1) for day in days})
    with connection.cursor() as cursor:
        cursor.execute(_A_DAY_OLDER)
        cursor.execute("UPDATE recommender_servedlist SET id = pg_temp.a_day_older(id)")
        cursor.execute("UPDATE recommender_outcome SET list_id = pg_temp.a_day_older(list_id)")
    Exposure.objects.update(first_at=F("first_at") - timedelta(days=1))
    Experiment.objects.update(started_at=F("started_at") - timedelta(days=1))
