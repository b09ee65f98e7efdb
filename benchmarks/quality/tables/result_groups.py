"""Group committed results of the quality benchmark by setting: results of a group differ in their seeds only."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.ml.config import canonical_preset, fit_to_size, get_preset, to_json

MAIN_DATA = "ml-1m"  # of the tables; other data sets have a table of their own
NO_RESULTS = "Not measured yet.\n"
Metrics = dict[str, Any]


@dataclass(frozen=True)
class ResultGroup:
    """One setting on one protocol and data set, with all its seeds."""

    results: Sequence[dict[str, Any]]  # in the order of their files; "file" is the path

    def __getitem__(self, name: str) -> Any:
        """Return a field that all results share, None where it is missing."""
        return self.results[0].get(name)

    @property
    def changes(self) -> dict[str, Any]:
        """Return the fields that differ from the preset."""
        return changes_from_preset(self.results[0])

    @property
    def label(self) -> str:
        """Return the preset with its changes as text."""
        return ", ".join([str(self["preset"]), *(f"{name} {value}" for name, value in self.changes.items())])

    @property
    def runs(self) -> list[Metrics]:
        """Return the metrics of all trained seeds."""
        return [run for result in self.results for run in result["runs"]]

    @property
    def seeds(self) -> list[int]:
        """Return all seeds, ascending."""
        return sorted(run["seed"] for run in self.runs)

    @property
    def minutes(self) -> float:
        """Return the minutes of training, median over the results."""
        return float(np.median([result["train_s"] for result in self.results])) / 60

    @property
    def validation(self) -> float:
        """Return validation NDCG@10 of the selected epochs, without prior: mean over the seeds and time modes."""
        return float(
            np.mean([max(epoch["ndcg10"] for epoch in c) for result in self.results for c in result["curves"]])
        )

    def over_seeds(self, *path: str) -> str:
        """Return HR@10 / NDCG@10 of the metrics at `path` in the runs: mean, and standard deviation of several
        seeds."""
        metrics_of_runs = [
            first_test_metrics(metrics) for metrics in (lookup(run, *path) for run in self.runs) if metrics
        ]
        return (
            " / ".join(mean_and_std([metrics[name] for metrics in metrics_of_runs]) for name in ("hr10", "ndcg10"))
            if metrics_of_runs
            else ""
        )

    def mean(self, *path: str) -> float:
        """Return the mean of the number at `path` in the results, weighted by their seeds."""
        weights = [len(result["runs"]) for result in self.results]
        return float(np.average([lookup(result, *path) for result in self.results], weights=weights))


def load_groups(folder: Path) -> list[ResultGroup]:
    """Read all results of a folder, grouped by setting. Raises `SystemExit` where two results of one setting have the
    same seed."""
    by_setting: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        if result.get("bench") == "quality" and "runs" in result and result["protocol"] != "N":
            for run in result["runs"]:  # the first result was written before there were slices
                run.setdefault("slices", {"new_visits": run.get("new_visits")})
            result |= {"file": path, "preset": canonical_preset(result["preset"])}
            by_setting.setdefault(_setting(result), []).append(result)
    groups = [ResultGroup(results) for _, results in sorted(by_setting.items())]
    for group in groups:
        if len(set(group.seeds)) < len(group.seeds):
            names = ", ".join(result["file"].name for result in group.results)
            raise SystemExit(f"{names}: two results of one setting have the same seed.")
    return groups


def changes_from_preset(result: dict[str, Any]) -> dict[str, Any]:
    """Return the fields in which a result differs from today's preset of its name, for as many events: presets change,
    results stay. Empty for results of baselines alone. Results without a number of events are of ml-1m."""
    if not result["runs"]:
        return {}
    current = (
        fit_to_size(get_preset(result["preset"]), result["events"])
        if "events" in result
        else get_preset(result["preset"])
    )
    defaults = to_json(current.model) | to_json(current.train)
    return {name: value for name, value in result["config"].items() if name != "seed" and defaults.get(name) != value}


def _setting(result: dict[str, Any]) -> str:
    """Return everything that makes results differ but the seed; sorts presets before their changes."""
    config = {name: value for name, value in result["config"].items() if name != "seed"}
    changes = changes_from_preset(result)
    first = [result["protocol"], result["data"], result["preset"], len(changes), changes]
    return json.dumps(
        [*first, result["data_hash"], result.get("targets"), bool(result["runs"]), config], sort_keys=True
    )


def lookup(metrics: Any, *path: str) -> Any:
    """Return the value at a path of keys; None where it is missing."""
    for name in path:
        metrics = (metrics or {}).get(name)
    return metrics


def first_test_metrics(metrics: Metrics) -> Metrics:
    """Return the metrics of the only test, or of `last` where there are several."""
    first: Metrics = metrics if "hr10" in metrics else metrics["last"]
    return first


def mean_and_std(values: Sequence[float]) -> str:
    """Format the mean, with the standard deviation of several values."""
    text = f"{np.mean(values):.4f}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.4f}"


def hr_and_ndcg(metrics: Metrics | None) -> str:
    """Format HR@10 / NDCG@10."""
    return f"{metrics['hr10']:.4f} / {metrics['ndcg10']:.4f}" if metrics else ""


def format_difference(interval: Sequence[float]) -> str:
    """Format a paired difference with its interval."""
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(*interval)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, or NO_RESULTS without rows."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *lines, ""]) if lines else NO_RESULTS
