"""Committed results of the quality benchmark, pooled: those of one setting differ in their seeds only."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.ml.config import get_preset, to_json

MAIN_DATA = "ml-1m"  # what the tables are of; other sets have a table of their own
NO_RESULTS = "Not measured yet.\n"
Metrics = dict[str, Any]


@dataclass(frozen=True)
class ResultGroup:
    """One setting on one protocol and data set, with all its seeds."""

    results: Sequence[dict[str, Any]]  # in the order of their files; "file" is the path

    def __getitem__(self, name: str) -> Any:
        """What all results say alike, from the first; None where it says nothing."""
        return self.results[0].get(name)

    @property
    def changes(self) -> dict[str, Any]:
        return changes_from_preset(self.results[0])

    @property
    def label(self) -> str:
        return ", ".join([str(self["preset"]), *(f"{name} {value}" for name, value in self.changes.items())])

    @property
    def runs(self) -> list[Metrics]:
        return [run for result in self.results for run in result["runs"]]

    @property
    def seeds(self) -> list[int]:
        return sorted(run["seed"] for run in self.runs)

    @property
    def minutes(self) -> float:
        """Of training, median over the results."""
        return float(np.median([result["train_s"] for result in self.results])) / 60

    @property
    def validation(self) -> float:
        """NDCG@10 of the epochs that were selected, transformer alone: mean over the seeds and ways of telling time."""
        return float(
            np.mean([max(epoch["ndcg10"] for epoch in c) for result in self.results for c in result["curves"]])
        )

    def over_seeds(self, *path: str) -> str:
        """HR@10 / NDCG@10 of the figures at `path` in the runs: mean, and standard deviation of several seeds."""
        found = [first_test_metrics(of) for of in (lookup(run, *path) for run in self.runs) if of]
        return " / ".join(mean_and_std([of[name] for of in found]) for name in ("hr10", "ndcg10")) if found else ""

    def mean(self, *path: str) -> float:
        """Of the number at `path` in the results, each counted as often as it has seeds."""
        weights = [len(result["runs"]) for result in self.results]
        return float(np.average([lookup(result, *path) for result in self.results], weights=weights))


def load_groups(folder: Path) -> list[ResultGroup]:
    """All results with trained seeds, and those of baselines alone, by setting. Raises SystemExit where two results of
    one setting have the same seed."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        if result.get("bench") == "quality" and "runs" in result and result["protocol"] != "N":
            for run in result["runs"]:  # the first result was written before there were slices
                run.setdefault("slices", {"new_visits": run.get("new_visits")})
            kept.setdefault(_setting(result), []).append(result | {"file": path})
    groups = [ResultGroup(results) for _, results in sorted(kept.items())]
    for group in groups:
        if len(set(group.seeds)) < len(group.seeds):
            names = ", ".join(result["file"].name for result in group.results)
            raise SystemExit(f"{names}: two results of one setting have the same seed.")
    return groups


def changes_from_preset(result: dict[str, Any]) -> dict[str, Any]:
    """What the result's model and training have unlike its preset as it is now: presets change, results stay. Nothing
    of baselines, which have neither."""
    if not result["runs"]:
        return {}
    now = get_preset(result["preset"])
    plain = to_json(now.model) | to_json(now.train)
    return {name: value for name, value in result["config"].items() if name != "seed" and plain.get(name) != value}


def _setting(result: dict[str, Any]) -> str:
    """Everything that makes figures differ but the seed; sorts presets before what was changed in them."""
    config = {name: value for name, value in result["config"].items() if name != "seed"}
    changes = changes_from_preset(result)
    first = [result["protocol"], result["data"], result["preset"], len(changes), changes]
    return json.dumps(
        [*first, result["data_hash"], result.get("targets"), bool(result["runs"]), config], sort_keys=True
    )


def lookup(figures: Any, *path: str) -> Any:
    """What stands there; None where nothing does."""
    for name in path:
        figures = (figures or {}).get(name)
    return figures


def first_test_metrics(figures: Metrics) -> Metrics:
    """Protocols with several tests have theirs by name; `last` comes first."""
    found: Metrics = figures if "hr10" in figures else figures["last"]
    return found


def mean_and_std(values: Sequence[float]) -> str:
    """The mean; with the standard deviation where there are several values."""
    mean = f"{np.mean(values):.4f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.4f}"


def hr_and_ndcg(of: Metrics | None) -> str:
    """HR@10 / NDCG@10."""
    return f"{of['hr10']:.4f} / {of['ndcg10']:.4f}" if of else ""


def format_difference(of: Sequence[float]) -> str:
    """A paired difference with its interval."""
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(*of)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown; says so where there are no rows."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *lines, ""]) if lines else NO_RESULTS
