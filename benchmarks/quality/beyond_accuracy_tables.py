"""Tables of what stands beside accuracy: lists as a whole, cold viewers, cold films."""

from collections.abc import Sequence

import numpy as np

from benchmarks.quality.result_groups import Metrics, ResultGroup, hr_and_ndcg, lookup, markdown_table

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
SHOWN = {"mrr": "MRR", "hr10": "HR@10", "hr50": "HR@50", "percentile": "mean percentile"}
AMONG = {"all": "among all", "held_out": "among those held out"}


def beyond_accuracy_table(groups: Sequence[ResultGroup]) -> str:
    rows: list[list[object]] = []
    for group in _unchanged(groups, "beyond"):
        for who, words in COMPARED_SCORERS.items():
            cells = [f"{group.mean('beyond', who, name):.3f}" for name in BEYOND_METRICS]
            rows.append([words or group.label, group["protocol"], *cells])
    return markdown_table(["", "protocol", *BEYOND_METRICS.values()], rows)


def cold_start_table(groups: Sequence[ResultGroup]) -> str:
    rows: list[list[object]] = []
    found = _unchanged(groups, "cold_start")
    for group in found:
        for who, words in COMPARED_SCORERS.items():
            cells = [
                hr_and_ndcg({name: group.mean("cold_start", told, who, name) for name in ("hr10", "ndcg10")})
                for told in group["cold_start"]
            ]
            rows.append([words or group.label, group["protocol"], *cells])
    return markdown_table(["films known", "protocol", *(found[0]["cold_start"] if found else [])], rows)


def rare_movies_table(groups: Sequence[ResultGroup]) -> str:
    rows: list[list[object]] = []
    for group in groups:
        parts = lookup(group.runs[0], "slices", "rare_films", group["time"])
        for test in _tests(parts) if parts and not group.changes else ():
            path = [] if test == "test" else [test]
            ours = group.over_seeds("slices", "rare_films", group["time"], *path)
            beside = [
                hr_and_ndcg(lookup(group["baselines"], name, "slices", "rare_films", *path))
                for name in ("blend", "popularity")
            ]
            where, targets = " ".join([group["protocol"], *path]), lookup(parts, *path)["targets"]
            rows.append([group.label, where, f"{targets:,.0f}", ours, *beside])
    return markdown_table(["", "protocol", "targets", "transformer", "*blend*", "*popularity*"], rows)


def _tests(figures: Metrics) -> list[str]:
    return ["test"] if "hr10" in figures else list(figures)


def cold_movies_table(groups: Sequence[ResultGroup]) -> str:
    found = [group for group in groups if group["protocol"] == "cold-films"]
    asked = {
        "request": "moment told",
        "unknown": "time unknown",
        "none": "no times",
        "alone": "moment told, no transitions added",
    }
    rows: list[list[object]] = []
    for group in found:
        for told, words in asked.items():
            found_in = [[lookup(run, told, among) for run in group.runs] for among in AMONG]
            cells = [f"{np.mean([of[name] for of in figures]):.4f}" for figures in found_in for name in SHOWN]
            rows.append([f"{group.label}, {words}", *cells])
        for name, of in group["baselines"].items():
            cells = [f"{of[among][figure]:.4f}" for among in AMONG for figure in SHOWN]
            rows.append([f"*{name.replace('_', ' ')}*", *cells])
    return markdown_table(["", *(f"{name} {words}" for words in AMONG.values() for name in SHOWN.values())], rows)


def _unchanged(groups: Sequence[ResultGroup], name: str) -> list[ResultGroup]:
    """Presets as they are, all of whose results have `name`."""
    return [group for group in groups if not group.changes and all(name in result for result in group.results)]
