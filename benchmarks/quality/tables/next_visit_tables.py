"""The tables of protocol N in docs/quality.md: one table a question, all data sets in each."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.quality.tables.result_groups import Metrics, format_difference, lookup, markdown_table

NAMES = {
    "popularity": "popularity of all times",
    "popularity_1": "popularity of a day",
    "popularity_3": "popularity of 3 days",
    "popularity_7": "popularity of 7 days",
    "popularity_30": "popularity of 30 days",
    "popularity_365": "popularity of a year",
    "trending": "the chart of what is trending",
    "markov": "Markov",
    "ease": "EASE",
    "recency_ease": "recency EASE",
    "blend": "blend of Markov and recency EASE",
    "ials": "iALS",
    "sasrec": "SASRec",
    "esasrec": "eSASRec",
    "hstu": "HSTU",
}
DATA_ORDER = ("movietweetings-2013", "ml-1m", "ml-latest-small")
PARTS = {
    "history_1_5": "1 to 5 known films",
    "history_6_20": "6 to 20",
    "history_over_20": "over 20",
    "film_under_30_days": "films new within 30 days",
    "film_older": "older films",
    "away_under_a_day": "away under a day",
    "away_under_a_week": "under a week",
    "away_longer": "longer",
}


class NextVisitData(NamedTuple):
    """All results on one data set."""

    name: str
    baselines: dict[str, Metrics]
    peers: dict[str, Metrics]
    models: dict[str, Metrics]  # by label, means over the seeds; live beside stored lists
    results: list[dict[str, Any]]

    def rows(self) -> dict[str, Metrics]:
        """Return all metrics by the label of their row: baselines, peers, models."""
        others = {NAMES[name]: metrics for name, metrics in (self.baselines | self.peers).items()}
        return others | self.models

    def compared(self) -> dict[str, Metrics]:
        """Return what a reader compares: popularity, the best baseline of each test, the blend, peers and models."""
        best = [
            max(self.baselines, key=lambda name: self.baselines[name][test]["ndcg10"]) for test in ("every", "first")
        ]
        names = dict.fromkeys(["popularity", *best, "trending", "blend"])
        chosen = {NAMES[name]: self.baselines[name] for name in names}
        return chosen | {NAMES[name]: metrics for name, metrics in self.peers.items()} | self.models


def load_next_visit_results(folder: Path) -> list[NextVisitData]:
    """Read all results of protocol N in a folder, by data set. Raises `SystemExit` where two of one name are not of the
    same data."""
    by_name: dict[str, NextVisitData] = {}
    of_seeds: dict[str, dict[str, list[Metrics]]] = {}  # by data set and label
    hashes: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        if result.get("bench") != "quality" or result.get("protocol") != "N" or "baselines" not in result:
            continue
        name = result["data"]
        if hashes.setdefault(name, result["data_hash"]) != result["data_hash"]:
            raise SystemExit(f"{path.name}: another {name} than in the results before it.")
        data = by_name.setdefault(name, NextVisitData(name, {}, {}, {}, []))
        data.baselines.update(result["baselines"])
        data.peers.update(result.get("peers", {}))
        for label, metrics in _models(result).items():
            seeds = of_seeds.setdefault(name, {}).setdefault(label, [])
            seeds += [metrics] * len(result["seeds"])
            data.models[label] = _mean(seeds)
        data.results.append(result | {"file": path})
    order = {name: position for position, name in enumerate(DATA_ORDER)}
    return sorted(by_name.values(), key=lambda data: (order.get(data.name, len(order)), data.name))


def _models(result: dict[str, Any]) -> dict[str, Metrics]:
    """Return the metrics of the result's model as stored, which are means over its seeds, and live."""
    if not result["runs"]:
        return {}
    changes = [f"{name} {value}" for name, value in result["changes"].items()]
    label = ", ".join([f"**{result['preset']}**", *changes])
    first = result["runs"][0]  # parts and lists of the first seed
    stored = first | {test: result[test] for test in ("every", "first")}
    live = {test: result[test]["live"] for test in ("every", "first")}
    return {f"{label}, stored lists": stored, f"{label}, live": live}


def _mean(metrics: Sequence[Metrics]) -> Metrics:
    """Return the means of nested metrics, of what all have."""
    names = [name for name in metrics[0] if all(name in of for of in metrics)]
    columns = {name: [of[name] for of in metrics] for name in names}
    return {
        name: _mean(values) if isinstance(values[0], dict) else sum(values) / len(values)
        for name, values in columns.items()
    }


def _cell(metrics: Metrics | None, *path: str) -> str:
    value = lookup(metrics, *path)
    return "" if value is None else f"{value:.4f}"


def accuracy_table(data: Sequence[NextVisitData], *path: str) -> str:
    """Return NDCG@10 of every visit and of each viewer's first, side by side for the data sets; `path` leads to a part
    of a test's metrics. The best of each column is bold."""
    labels = list(dict.fromkeys(label for of in data for label in of.rows()))
    columns = [f"{of.name}, {test}" for of in data for test in ("every", "first")]
    rows = []
    for label in labels:
        rows.append([_cell(of.rows().get(label), test, *path, "ndcg10") for of in data for test in ("every", "first")])
    for column in range(len(columns)):
        best = max((row[column] for row in rows), default="")
        for row in rows:
            row[column] = f"**{best}**" if best and row[column] == best else row[column]
    counts = [
        f"{lookup(of.baselines['popularity'], test, *path, 'visits'):,}" for of in data for test in ("every", "first")
    ]
    body = [[label, *row] for label, row in zip(labels, rows, strict=True)]
    return markdown_table(["", *columns], [["visits", *counts], *body] if data else [])


def reach_table(data: Sequence[NextVisitData]) -> str:
    """Return how much of every visit ten and fifty places hold."""
    figures = {"hr10": "HR@10", "recall10": "recall@10", "recall50": "recall@50", "mrr": "MRR"}
    rows = [
        [of.name, label, *(_cell(metrics, "every", name) for name in figures)]
        for of in data
        for label, metrics in of.compared().items()
    ]
    return markdown_table(["data", "", *figures.values()], rows)


def parts_table(data: Sequence[NextVisitData]) -> str:
    """Return NDCG@10 of every visit by the viewer's history, the film's age in the data and the time away."""
    rows = [
        [of.name, label, *(_cell(metrics, "parts", part, "ndcg10") for part in PARTS)]
        for of in data
        for label, metrics in of.compared().items()
        if "parts" in metrics
    ]
    return markdown_table(["data", "", *PARTS.values()], rows)


def variety_table(data: Sequence[NextVisitData]) -> str:
    """Return how varied the lists are."""
    rows = [
        [of.name, label, _cell(metrics, "coverage"), f"{metrics['novelty']:.2f}", _cell(metrics, "top_ten_share")]
        for of in data
        for label, metrics in of.compared().items()
        if "coverage" in metrics
    ]
    return markdown_table(["data", "", "coverage", "novelty, bits", "share of the ten most popular"], rows)


def order_table(data: Sequence[NextVisitData]) -> str:
    """Return what shuffling the order within past visits changes."""
    rows = []
    for of in data:
        for result in of.results:
            for name, changed in result.get("shuffled", {}).items():
                label = NAMES.get(name, f"{result['preset']}, {name}")
                changes = [format_difference(changed["ndcg10"][test]["all"]) for test in ("every", "first")]
                rows.append([of.name, label, f"{changed['overlap10']:.3f}", *changes])
    unique = list({(row[0], row[1]): row for row in rows}.values())
    return markdown_table(["data", "", "overlap@10", "NDCG@10, every", "NDCG@10, first"], unique)


def gains_table(data: Sequence[NextVisitData]) -> str:
    """Return what our model gains over others on the same visits."""
    rows = []
    for of in data:
        for result in of.results:
            for name, by_test in result.get("over", {}).items():
                cells = [
                    format_difference(by_test[test][films]) if films in by_test[test] else ""
                    for films in ("all", "liked")
                    for test in ("every", "first")
                ]
                seeds = ", ".join(map(str, result["seeds"]))
                rows.append([of.name, f"{result['preset']}, seed {seeds}, over {NAMES[name]}", *cells])
    return markdown_table(["data", "", "every", "first", "every, liked", "first, liked"], rows)


def fits_table(data: Sequence[NextVisitData]) -> str:
    """Return how long the fits took and how they ended."""
    rows = []
    for of in data:
        for name, metrics in (of.baselines | of.peers).items():
            if metrics.get("fit_s"):
                by_validation = "by validation" if metrics.get("stopped") else "by the clock"
                end = by_validation if "epochs" in metrics and "select_s" not in metrics else ""
                rows.append([of.name, NAMES[name], f"{metrics['fit_s']:,.0f}", metrics.get("epochs", ""), end])
    return markdown_table(["data", "", "seconds to fit", "epochs or iterations", "ended"], rows)


def judged_table(data: Sequence[NextVisitData]) -> str:
    """Return the largest difference between our figures and trec_eval's."""
    rows = []
    for of in data:
        for result in of.results:
            if judged := result.get("judged"):
                largest = max(
                    abs(value - both["trec_eval"][name])
                    for both in judged.values()
                    for name, value in both["ours"].items()
                )
                example = judged["blend"]["trec_eval"]
                cells = [f"{example[name]:.4f}" for name in ("ndcg10", "recall10", "recall50", "hr10", "mrr")]
                rows.append([of.name, len(judged), f"{largest:.6f}", *cells])
    measures = [f"blend, {name}" for name in ("NDCG@10", "recall@10", "recall@50", "HR@10", "MRR")]
    return markdown_table(["data", "scorers", "largest difference", *measures], rows)


def results_table(data: Sequence[NextVisitData]) -> str:
    """Return the results with the commands that made them."""
    rows = []
    for of in data:
        for result in of.results:
            options = [f"--protocol N --data {of.name}.zip"]
            options += [f"--people {result['people']}"] if result.get("people") else []
            options += ["--peers"] if result.get("peers") else []
            options += [f"--preset {result['preset']} --seeds {' '.join(map(str, result['seeds']))}"]
            changes = [f"{name}={json.dumps(value)}" for name, value in result["changes"].items()]
            options += [f"--set {' '.join(changes)}"] if changes else []
            options += ["--baselines-only"] if not result["runs"] else []
            link = f"[{result['file'].stem}](results/{result['file'].name})"
            rows.append([link, f"`{' '.join(options)}`", str(result.get("code") or ""), result.get("threads", "")])
    return markdown_table(["result", "command, after `./run bench quality`", "code", "threads"], rows)


NEXT_VISIT_TABLES: dict[str, Callable[[Sequence[NextVisitData]], str]] = {
    "n": accuracy_table,
    "n_liked": lambda data: accuracy_table(data, "liked"),
    "n_gains": gains_table,
    "n_reach": reach_table,
    "n_parts": parts_table,
    "n_variety": variety_table,
    "n_order": order_table,
    "n_fits": fits_table,
    "n_judged": judged_table,
    "n_runs": results_table,
}
