"""Tables that compare settings: baselines, presets, ablations, other data; and the table of all runs."""

from collections.abc import Sequence
from typing import Any

from benchmarks.quality import results
from benchmarks.quality.tables.result_groups import (
    MAIN_DATA,
    Metrics,
    ResultGroup,
    changes_from_preset,
    first_test_metrics,
    format_difference,
    hr_and_ndcg,
    markdown_table,
)
from recommender.ml.evaluate import TIME_MODES

BASELINES = {
    "popularity": "popularity",
    "recent_popularity": "popularity of the last 30 days",
    "recent_popularity_7": "popularity of the last 7 days",
    "ease": "EASE",
    "recency_ease": "EASE with recency-weighted histories",
    "markov": "Markov, window 10",
    "blend": "blend of the last two",
}
PUBLISHED_A = {
    "popularity": "0.0364 / 0.0179",
    "ease": "0.1099 / 0.0544",
    "recency_ease": "0.2333 / 0.1286",
    "markov": "0.2733 / 0.1607",
    "blend": "0.2848 / 0.1679",
}
UNTIMED = ("recent_popularity", "recent_popularity_7")  # meaningless on A, whose order is not by time


def baselines_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of HR@10 / NDCG@10 by protocol, and the seconds to fit on P1: of several runs the fastest."""
    by_protocol: dict[str, Metrics] = {}
    for group in groups:
        if group["data"] == MAIN_DATA and group["protocol"] in ("P1", "A", "P2"):
            fastest = by_protocol.setdefault(group["protocol"], {})
            for name, metrics in group["baselines"].items():
                if name not in fastest or metrics["fit_s"] < fastest[name]["fit_s"]:
                    fastest[name] = metrics
    rows = []
    for name, label in BASELINES.items():
        p1, a, p2 = (by_protocol.get(protocol, {}).get(name, {}) for protocol in ("P1", "A", "P2"))
        on_a = [hr_and_ndcg(a), PUBLISHED_A.get(name, "")]
        if name in UNTIMED and by_protocol.get("A"):
            on_a = ["no times", ""]
        on_p2 = [hr_and_ndcg(p2.get(test)) for test in ("last", "successive")]
        rows.append([label, hr_and_ndcg(p1), *on_a, *on_p2, p1.get("fit_s", "")])
    columns = ["", "P1", "A", "published for A", "P2 last", "P2 successive", "seconds to fit"]
    return markdown_table(columns, rows if by_protocol else [])


def presets_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of costs and accuracy of unchanged presets, in their protocol's time mode; P2 with its first
    test."""
    columns = [
        "",
        "protocol",
        "parameters",
        "minutes of training",
        "HR@10 / NDCG@10",
        "NDCG@10 of the first result over the blend",
    ]
    rows = []
    for group in groups:
        if not group.changes and group["protocol"] != "cold-films":
            costs = [f"{group['parameters']:,}", f"{group.minutes:.0f}"]
            differences = [_ndcg_difference(group[name]) for name in ("over_blend", "over_alone")]
            rows.append([group.label, group["protocol"], *costs, group.over_seeds(group["time"]), *differences])
    return markdown_table([*columns, "of it by the transition prior"], rows)


def _ndcg_difference(differences: Metrics | None) -> str:
    """Format the difference of NDCG@10, of the first test where there are several."""
    of_test = (differences or {}).get("last", differences or {})
    return format_difference(of_test["ndcg10"]) if "ndcg10" in of_test else ""


def ablations_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of changed settings, each compared with the setting it differs from least, on the same
    targets."""
    columns = [
        "changed",
        "protocol",
        "seeds",
        "HR@10 / NDCG@10",
        "difference of HR@10",
        "difference of NDCG@10",
        "validation, difference",
        "from",
    ]
    rows = []
    for group in groups:
        if group.changes.keys() - {"epochs"} and group["protocol"] != "cold-films":
            accuracy = group.over_seeds(group["time"])
            rows.append(
                [group.label, group["protocol"], len(group.seeds), accuracy, *_differences_from_plainer(group, groups)]
            )
    return markdown_table(columns, rows)


def _differences_from_plainer(group: ResultGroup, groups: Sequence[ResultGroup]) -> list[str]:
    """Return the differences of HR@10, NDCG@10 and validation NDCG@10 from the setting that lacks the fewest of its
    changes, and that setting."""
    plainer = [base for base in groups if _is_plainer(base, group)]
    if not plainer:
        return ["", "", f"{group.validation:.4f}", "nothing of this length"]
    base = max(plainer, key=lambda base: len(base.changes))
    differences = first_test_metrics(_differences(group, base))
    on_validation = f"{group.validation:.4f}, {group.validation - base.validation:+.4f}"
    seeds = f"{base.label}, seeds {' '.join(map(str, base.seeds))}"
    return [format_difference(differences["hr10"]), format_difference(differences["ndcg10"]), on_validation, seeds]


def preset_differences_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of paired differences of the default from each other preset on the same targets, by test."""
    plain = [group for group in groups if group["protocol"] == "P2" and not group.changes]
    rows = []
    for default in (group for group in plain if group["preset"] == "default"):
        for base in plain:
            if base is default or not _is_comparable(default, base, "data_hash", "targets"):
                continue
            for test, differences in _differences(default, base).items():
                cells = [format_difference(differences[name]) for name in ("hr10", "ndcg10")]
                rows.append([f"default over {base.label}", test, *cells])
    return markdown_table(["", "test", "difference of HR@10", "difference of NDCG@10"], rows)


def _differences(group: ResultGroup, base: ResultGroup) -> Metrics:
    """Return `results.compare_ranks` of two groups, in the time mode of the first."""
    viewers = results.load_ranks(group.results[0]["file"])[1]
    differences: Metrics = results.compare_ranks(_ranks(group), _ranks(base), viewers)[group["time"]]
    return differences


def _is_comparable(group: ResultGroup, base: ResultGroup, *names: str) -> bool:
    """Return whether the fields `names` are equal, and the base has stored ranks."""
    has_ranks = all(result["file"].with_suffix(".npz").exists() for result in base.results)
    return has_ranks and all(group[name] == base[name] for name in names)


def _is_plainer(base: ResultGroup, group: ResultGroup) -> bool:
    """Return whether the base has only some of the group's changes, and as many epochs."""
    has_fewer_changes = base.changes.items() < group.changes.items()
    same_length = group.changes.get("epochs") == base.changes.get("epochs")
    fields = ("protocol", "preset", "data_hash", "targets")
    return bool(base.runs) and has_fewer_changes and same_length and _is_comparable(group, base, *fields)


def _ranks(group: ResultGroup) -> dict[int, results.Ranks]:
    return {seed: ranks for result in group.results for seed, ranks in results.load_ranks(result["file"])[0].items()}


def other_data_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of data sets that were not used while the model was developed."""
    rows = []
    for group in groups:
        if group["data"] != MAIN_DATA and group.runs and group["protocol"] != "cold-films":
            cells = [group.over_seeds(t) for t in TIME_MODES]
            blend = hr_and_ndcg(first_test_metrics(group["baselines"]["blend"]))
            rows.append([group["data"], group["protocol"], group.label, *cells, blend, len(group.seeds)])
    return markdown_table(
        ["data", "protocol", "", "request time given", "history's times", "no times", "*blend*", "seeds"], rows
    )


def runs_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of all results with the commands that made them."""
    columns = ["result", "command, after `./run bench quality`", "selected epochs", "minutes", "code", "threads"]
    return markdown_table(columns, sorted(_run(result) for group in groups for result in group.results))


def _run(result: dict[str, Any]) -> list[str]:
    options = [f"--data {result['data']}.zip", *([f"--people {result['people']}"] if result.get("people") else [])]
    options += ["--cold-films" if result["protocol"] == "cold-films" else f"--protocol {result['protocol']}"]
    options += [f"--preset {result['preset']}", *(["--baselines-only"] if not result["runs"] else [])]
    changes = [f"{name}={str(value).lower()}" for name, value in changes_from_preset(result).items()]
    options += [f"--set {' '.join(changes)}"] if changes else []
    options += [f"--seeds {' '.join(map(str, result['seeds']))}"]
    link = f"[{result['file'].stem}](results/{result['file'].name})"
    epochs = " ".join(str(int(run["epoch"])) for run in result["runs"])
    minutes = f"{result['train_s'] / 60:.0f}" if result["train_s"] else ""
    device = "" if result.get("device", "cpu") == "cpu" else f" {result['device']}"
    return [
        link,
        f"`{' '.join(options)}`",
        epochs,
        minutes,
        str(result.get("code") or ""),
        f"{result.get('threads', '')}{device}",
    ]
