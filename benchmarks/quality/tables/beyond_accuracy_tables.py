"""Tables beyond accuracy: lists as a whole, cold viewers, rare films, cold films."""

from collections.abc import Sequence

import numpy as np

from benchmarks.quality.tables.result_groups import ResultGroup, hr_and_ndcg, lookup, markdown_table

COMPARED_SCORERS = {"model": "", "blend": "*blend*", "popularity": "*popularity*"}
BEYOND_METRICS = {
    "coverage": "coverage",
    "gini": "Gini of exposure",
    "long_tail_share": "long tail",
    "popularity_bias": "popularity bias",
    "diversity": "diversity",
    "novelty": "novelty, bits",
    "calibration": "calibration C_KL",
}
ACCURACY = {"mrr": "MRR", "hr10": "HR@10", "hr50": "HR@50", "percentile": "mean percentile"}
CANDIDATES = {"all": "among all", "held_out": "among the held-out"}


def beyond_accuracy_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of metrics beyond accuracy."""
    rows: list[list[object]] = []
    for group in _unchanged(groups, "beyond"):
        for scorer, label in COMPARED_SCORERS.items():
            cells = [f"{group.mean('beyond', scorer, name):.3f}" for name in BEYOND_METRICS]
            rows.append([label or group.label, group["protocol"], *cells])
    return markdown_table(["", "protocol", *BEYOND_METRICS.values()], rows)


def cold_start_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of accuracy by the number of known films."""
    rows: list[list[object]] = []
    selected = _unchanged(groups, "cold_start")
    for group in selected:
        for scorer, label in COMPARED_SCORERS.items():
            cells = [
                hr_and_ndcg({name: group.mean("cold_start", length, scorer, name) for name in ("hr10", "ndcg10")})
                for length in group["cold_start"]
            ]
            rows.append([label or group.label, group["protocol"], *cells])
    return markdown_table(["known films", "protocol", *(selected[0]["cold_start"] if selected else [])], rows)


def rare_movies_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of accuracy on targets that are rare films."""
    rows: list[list[object]] = []
    for group in groups:
        by_test = lookup(group.runs[0], "slices", "rare_films", group["time"])
        if not by_test or group.changes:
            continue
        for path in [[]] if "hr10" in by_test else [[test] for test in by_test]:
            transformer = group.over_seeds("slices", "rare_films", group["time"], *path)
            baselines = [
                hr_and_ndcg(lookup(group["baselines"], name, "slices", "rare_films", *path))
                for name in ("blend", "popularity")
            ]
            where, targets = " ".join([group["protocol"], *path]), lookup(by_test, *path)["targets"]
            rows.append([group.label, where, f"{targets:,.0f}", transformer, *baselines])
    return markdown_table(["", "protocol", "targets", "transformer", "*blend*", "*popularity*"], rows)


def cold_movies_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of accuracy on targets without any training token."""
    selected = [group for group in groups if group["protocol"] == "cold-films"]
    labels = {
        "request": "request time given",
        "unknown": "history's times",
        "none": "no times",
        "alone": "request time given, no transition prior",
    }
    rows: list[list[object]] = []
    for group in selected:
        for mode, label in labels.items():
            cells = [
                f"{np.mean([run[mode][candidates][name] for run in group.runs]):.4f}"
                for candidates in CANDIDATES
                for name in ACCURACY
            ]
            rows.append([f"{group.label}, {label}", *cells])
        for name, metrics in group["baselines"].items():
            cells = [f"{metrics[candidates][metric]:.4f}" for candidates in CANDIDATES for metric in ACCURACY]
            rows.append([f"*{name.replace('_', ' ')}*", *cells])
    columns = [f"{name} {label}" for label in CANDIDATES.values() for name in ACCURACY.values()]
    return markdown_table(["", *columns], rows)


def _unchanged(groups: Sequence[ResultGroup], name: str) -> list[ResultGroup]:
    """Return the groups of unchanged presets all of whose results have `name`."""
    return [group for group in groups if not group.changes and all(name in result for result in group.results)]
