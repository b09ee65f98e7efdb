"""The figures for Prometheus that Postgres has: models, the night, the gate, experiments, what came of lists, drift."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from recommender.experiments.results import read_shares
from recommender.models import Job, ModelVersion, OutcomeSum
from recommender.outcomes import drift

QUALITY = ("hr10", "ndcg10")
SUMMED = ("clicks", "impressions", "plays", "lists")


def collect() -> Iterator[Metric]:
    """Yield the figures. Raises DatabaseError."""
    yield from _models()
    yield from _night()
    yield from _gate()
    yield from _experiments()
    yield _outcomes()
    yield _drift()


def _models() -> Iterator[Metric]:
    """Yield the quality of the active model as its training measured it, and how many versions there are."""
    quality = GaugeMetricFamily("movierec_model_quality", "Of the active model, as measured.", labels=["metric"])
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values_list("metrics", flat=True).first()
    for name in QUALITY:
        if isinstance(value := (active or {}).get(name), int | float):
            quality.add_metric([name], value)
    yield quality
    counts = dict(ModelVersion.objects.values_list("status").annotate(Count("pk")))
    versions = GaugeMetricFamily("movierec_model_versions", "Model versions by state.", labels=["state"])
    for status in ModelVersion.Status:
        versions.add_metric([status], counts.get(status, 0))
    yield versions


def _night() -> Iterator[Metric]:
    """Yield where the night is that runs, and how long the parts of the last one that ended took."""
    jobs = Job.nights().order_by("-created_at")
    running = jobs.filter(status=Job.Status.RUNNING).values("phase", "done", "total").first()
    yield GaugeMetricFamily("movierec_night_running", "1: a nightly job runs.", running is not None)
    message = "Share of its phase that the running nightly job has done."
    progress = GaugeMetricFamily("movierec_night_progress_ratio", message, labels=["phase"])
    if running is not None:
        progress.add_metric(
            [running["phase"] or "start"], running["done"] / running["total"] if running["total"] else 0
        )
    yield progress
    ended = GaugeMetricFamily(
        "movierec_night_ended", "Nightly jobs of the last days by how they ended.", labels=["state"]
    )
    for state, count in jobs.exclude(finished_at=None).order_by().values_list("status").annotate(Count("pk")):
        ended.add_metric([state], count)
    yield ended
    message = "How long each part of the last night that trained took."
    parts = GaugeMetricFamily("movierec_night_part_seconds", message, labels=["part"])
    last = jobs.filter(status=Job.Status.DONE, result__has_key="seconds").values_list(
        "result", "started_at", "finished_at"
    )
    for result, started_at, finished_at in last[:1]:
        for part, seconds in result["seconds"].items():
            parts.add_metric([part], seconds)
        if started_at and finished_at:
            parts.add_metric(["whole"], (finished_at - started_at).total_seconds())
    yield parts


def _gate() -> Iterator[Metric]:
    """Yield what the gate said of the newest version."""
    newest: dict[str, Any] = ModelVersion.objects.order_by("-pk").values_list("metrics", flat=True).first() or {}
    checks = newest.get("gate", {}).get("checks", [])
    message = "Of the newest model version: 1, the check was passed; 0, it was not."
    results = GaugeMetricFamily("movierec_gate_check", message, labels=["check"])
    by_name: dict[str, bool] = {}
    for check in checks:
        before, of_active, _ = check["name"].partition("the active model")  # the name of that model is no label
        by_name[before + of_active] = by_name.get(before + of_active, True) and check["passed"]
    for name, passed in by_name.items():
        results.add_metric([name], passed)
    yield results
    failed = GaugeMetricFamily("movierec_gate_checks_failed", "Checks that the newest model version did not pass.")
    if checks:
        failed.add_metric([], sum(not check["passed"] for check in checks))
    yield failed


def _experiments() -> Iterator[Metric]:
    """Yield who was exposed to each running experiment, and whether the arms have the shares that they should have."""
    labels = ["experiment", "arm"]
    viewers = GaugeMetricFamily("movierec_experiment_viewers", "Viewers who got lists of an arm.", labels=labels)
    message = "Chance of such numbers of viewers, if the arms' shares are right; below 0.001 they are not."
    chance = GaugeMetricFamily("movierec_experiment_sample_ratio_p", message, labels=labels[:1])
    running = read_shares()
    for shares in running:
        for arm, count in shares.viewers.items():
            viewers.add_metric([shares.experiment.name, arm], count)
        chance.add_metric([shares.experiment.name], shares.p_value)
    yield viewers
    yield chance
    yield GaugeMetricFamily("movierec_experiments_running", "Experiments that run.", len(running))


def _outcomes() -> Metric:
    """Return what came of today's lists so far, by call."""
    message = "Lists served today (UTC) and what came of them."
    today = GaugeMetricFamily("movierec_today", message, labels=["surface", "what"])
    for row in OutcomeSum.objects.filter(day=datetime.now(UTC).date(), dimension="surface"):
        for what in SUMMED:
            today.add_metric([row.value, what], row.counts.get(what, 0))
    return today


def _drift() -> Metric:
    message = "Population stability index of the last two days against the two weeks before: over 0.25 is much."
    shifts = GaugeMetricFamily("movierec_drift_psi", message, labels=["of"])
    for name, index in drift.read_drift(datetime.now(UTC).date()).items():
        if index is not None:
            shifts.add_metric([name], index)
    return shifts
