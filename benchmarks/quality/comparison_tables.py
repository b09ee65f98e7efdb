"""Tables that set settings beside each other: baselines, presets, ablations, other data, and the runs themselves."""

from collections.abc import Sequence
from typing import Any

from benchmarks.quality import results
from benchmarks.quality.result_groups import (
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
    "recency_ease": "EASE asked with recency",
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
UNTIMED = ("recent_popularity", "recent_popularity_7")  # say nothing on A, whose order is not that of its times


def baselines_table(groups: Sequence[ResultGroup]) -> str:
    """HR@10 / NDCG@10 by protocol, and the seconds to fit on P1: of several runs those of the fastest."""
    of: dict[str, Metrics] = {}
    for group in groups:
        if group["data"] == MAIN_DATA and group["protocol"] in ("P1", "A", "P2"):
            fastest = of.setdefault(group["protocol"], {})
            for name, figures in group["baselines"].items():
                if name not in fastest or figures["fit_s"] < fastest[name]["fit_s"]:
                    fastest[name] = figures
    rows = []
    for name, words in BASELINES.items():
        p1, a, p2 = (of.get(protocol, {}).get(name, {}) for protocol in ("P1", "A", "P2"))
        on_a = ["no times", ""] if name in UNTIMED and of.get("A") else [hr_and_ndcg(a), PUBLISHED_A.get(name, "")]
        rows.append(
            [
                words,
                hr_and_ndcg(p1),
                *on_a,
                hr_and_ndcg(p2.get("last")),
                hr_and_ndcg(p2.get("successive")),
                p1.get("fit_s", ""),
            ]
        )
    return markdown_table(
        ["", "P1", "A", "published for A", "P2 last", "P2 successive", "seconds to fit"], rows if of else []
    )


def presets_table(groups: Sequence[ResultGroup]) -> str:
    """What each costs and gives as it is, told what its protocol tells; first test of P2."""
    columns = [
        "",
        "protocol",
        "parameters",
        "minutes of training",
        "HR@10 / NDCG@10",
        "NDCG@10 of the first seed over the blend",
    ]
    rows = []
    for group in groups:
        if not group.changes and group["protocol"] != "cold-films":
            figures = group.over_seeds(group["time"])
            over, alone = (_ndcg(group[name]) for name in ("over_blend", "over_alone"))
            minutes = f"{group.minutes:.0f}"
            rows.append([group.label, group["protocol"], f"{group['parameters']:,}", minutes, figures, over, alone])
    return markdown_table([*columns, "of it by the transitions added"], rows)


def _ndcg(over: Metrics | None) -> str:
    of = (over or {}).get("last", over or {})
    return format_difference(of["ndcg10"]) if "ndcg10" in of else ""


def ablations_table(groups: Sequence[ResultGroup]) -> str:
    """Each changed setting beside one of which it changes the least, on the same targets."""
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
            figures = group.over_seeds(group["time"])
            rows.append([group.label, group["protocol"], len(group.seeds), figures, *_against(group, groups)])
    return markdown_table(columns, rows)


def _against(group: ResultGroup, groups: Sequence[ResultGroup]) -> list[str]:
    """Differences of HR@10 and NDCG@10, of NDCG@10 on validation with its value, and from what: the setting that has
    all its changes but the fewest."""
    plainer = [other for other in groups if _is_plainer(group, other)]
    if not plainer:
        return ["", "", f"{group.validation:.4f}", "nothing of this length"]
    other = max(plainer, key=lambda other: len(other.changes))
    of = first_test_metrics(_differences(group, other))
    on_validation = f"{group.validation:.4f}, {group.validation - other.validation:+.4f}"
    seeds = f"{other.label}, seeds {' '.join(map(str, other.seeds))}"
    return [format_difference(of["hr10"]), format_difference(of["ndcg10"]), on_validation, seeds]


def preset_differences_table(groups: Sequence[ResultGroup]) -> str:
    """The default beside each other preset on the same targets, in pairs, by test."""
    plain = [group for group in groups if group["protocol"] == "P2" and not group.changes]
    rows = []
    for ours in (group for group in plain if group["preset"] == "default"):
        for other in (group for group in plain if group is not ours and _same(ours, group, "data_hash", "targets")):
            for test, of in _differences(ours, other).items():
                rows.append(
                    [
                        f"default over {other.label}",
                        test,
                        format_difference(of["hr10"]),
                        format_difference(of["ndcg10"]),
                    ]
                )
    return markdown_table(["", "test", "difference of HR@10", "difference of NDCG@10"], rows)


def _differences(group: ResultGroup, other: ResultGroup) -> Metrics:
    """As `results.differences`, told what the group's protocol tells."""
    viewers = results.load_ranks(group.results[0]["file"])[1]
    found: Metrics = results.compare_ranks(_ranks(group), _ranks(other), viewers)[group["time"]]
    return found


def _same(group: ResultGroup, other: ResultGroup, *names: str) -> bool:
    """Whether both say so, and the other has its ranks beside it."""
    ranked = all(result["file"].with_suffix(".npz").exists() for result in other.results)
    return ranked and all(group[name] == other[name] for name in names)


def _is_plainer(group: ResultGroup, other: ResultGroup) -> bool:
    """Whether the other has a part of the group's changes, and as many epochs."""
    part = other.changes.items() < group.changes.items()
    length = group.changes.get("epochs") == other.changes.get("epochs")
    return bool(other.runs) and part and length and _same(group, other, "protocol", "preset", "data_hash", "targets")


def _ranks(group: ResultGroup) -> dict[int, results.Ranks]:
    return {seed: ranks for result in group.results for seed, ranks in results.load_ranks(result["file"])[0].items()}


def other_data_table(groups: Sequence[ResultGroup]) -> str:
    """Sets that were not used while the model was built."""
    rows = []
    for group in groups:
        if group["data"] != MAIN_DATA and group.runs and group["protocol"] != "cold-films":
            cells = [group.over_seeds(t) for t in TIME_MODES]
            blend = hr_and_ndcg(first_test_metrics(group["baselines"]["blend"]))
            rows.append([group["data"], group["protocol"], group.label, *cells, blend, len(group.seeds)])
    return markdown_table(["data", "protocol", "", "moment told", "time unknown", "no times", "*blend*", "seeds"], rows)


def runs_table(groups: Sequence[ResultGroup]) -> str:
    """Where every figure comes from."""
    columns = ["result", "command, after `./run bench quality`", "epochs chosen", "minutes", "code", "threads"]
    return markdown_table(columns, sorted(_run(result) for group in groups for result in group.results))


def _run(result: dict[str, Any]) -> list[str]:
    words = [f"--data {result['data']}.zip", *([f"--people {result['people']}"] if result.get("people") else [])]
    words += ["--cold-films" if result["protocol"] == "cold-films" else f"--protocol {result['protocol']}"]
    words += [f"--preset {result['preset']}", *(["--baselines-only"] if not result["runs"] else [])]
    changes = [f"{name}={str(value).lower()}" for name, value in changes_from_preset(result).items()]
    words += [f"--set {' '.join(changes)}"] if changes else []
    words += [f"--seeds {' '.join(map(str, result['seeds']))}"]
    link = f"[{result['file'].stem}](results/{result['file'].name})"
    chosen = " ".join(str(int(run["epoch"])) for run in result["runs"])
    minutes = f"{result['train_s'] / 60:.0f}" if result["train_s"] else ""
    device = "" if result.get("device", "cpu") == "cpu" else f" {result['device']}"
    return [
        link,
        f"`{' '.join(words)}`",
        chosen,
        minutes,
        str(result.get("code") or ""),
        f"{result.get('threads', '')}{device}",
    ]
