"""`./run bench quality --tables`: the tables of docs/quality.md and its pictures, from docs/results.

The page marks where they go: <!-- table NAME -->, then the table, then <!-- end -->."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.quality.tables import beyond_accuracy_tables, comparison_tables
from benchmarks.quality.tables.learning_curves import draw_curves
from benchmarks.quality.tables.next_visit_tables import NEXT_VISIT_TABLES, load_next_visit_results
from benchmarks.quality.tables.result_groups import (
    MAIN_DATA,
    ResultGroup,
    hr_and_ndcg,
    load_groups,
    lookup,
    markdown_table,
)

TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SLICES = {"rated4": "rated 4 stars or more", "new_visits": "on a new visit"}
TIME_LABELS = {
    "request": "the history's and the request's, as a live request with `at`",
    "unknown": "the history's only, as stored lists",
    "none": "none, as a posted history of ids",
}
# HR@10, NDCG@10 as published, each on its own protocol (see the text above the tables).
PUBLISHED = {
    "P1": [
        ("HSTU-large, request time given (RecTools)", 0.3642, 0.2164),
        ("SASRec+, no times, a model of its own, five-core", 0.3207, 0.1858),
    ],
    "A": [("SASRec+ 3000", 0.3159, 0.1857), ("SASRec+", 0.3152, 0.1821), ("BERT4Rec", 0.2843, 0.1537)],
}
PUBLISHED_P2 = {
    "last": (0.1687, 0.0948),
    "successive": (0.2062, 0.1121),
}  # SASRec+: last with a validation by viewer, successive by the last training film


def write_tables(docs: Path) -> None:
    """Rewrite the tables of `docs`/quality.md and the plots of `docs`/results."""
    groups, page = load_groups(docs / "results"), docs / "quality.md"
    next_visits = load_next_visit_results(docs / "results")

    def table(name: str) -> str:
        return NEXT_VISIT_TABLES[name](next_visits) if name in NEXT_VISIT_TABLES else TABLES[name](groups)

    page.write_text(TABLE.sub(lambda match: match[1] + table(match[2]) + match[3], page.read_text()))
    for file in [page, *draw_curves(_main(groups), docs / "results")]:
        print(file)


def _main(groups: Sequence[ResultGroup]) -> list[ResultGroup]:
    return [group for group in groups if group["data"] == MAIN_DATA and group.runs]


def _presets(groups: Sequence[ResultGroup], protocol: str) -> list[ResultGroup]:
    """Return the groups of unchanged presets on a protocol."""
    return [group for group in _main(groups) if group["protocol"] == protocol and not group.changes]


def leave_one_out_table(groups: Sequence[ResultGroup], protocol: str, times: Sequence[str]) -> str:
    """Return the table of HR@10 / NDCG@10 of all targets and of two slices; blend and published results below."""
    selected = _presets(groups, protocol)
    rows: list[list[object]] = []
    for group in selected:
        for mode in times:
            cells = [group.over_seeds(mode), *(group.over_seeds("slices", part, mode) for part in SLICES)]
            rows.append([group.label, TIME_LABELS[mode], *cells, len(group.seeds)])
    for group in selected[:1]:
        blend = group["baselines"]["blend"]
        rows.append(
            [
                "*blend of baselines*",
                "",
                hr_and_ndcg(blend),
                *(hr_and_ndcg(lookup(blend, "slices", part)) for part in SLICES),
                "",
            ]
        )
        rows += [[f"*published: {name}*", "", f"{hr} / {ndcg}", "", "", ""] for name, hr, ndcg in PUBLISHED[protocol]]
    names = [_label_with_targets(selected, part, words) for part, words in SLICES.items()]
    return markdown_table(["", "times given to the model", "all targets", *names, "seeds"], rows)


def _label_with_targets(groups: Sequence[ResultGroup], part: str, label: str) -> str:
    """Return the label with the number of targets."""
    for group in groups:
        if metrics := lookup(group.runs[0], "slices", part, group["time"]):
            return f"{label} ({metrics['targets']:,.0f})"
    return label


def time_split_table(groups: Sequence[ResultGroup]) -> str:
    """Return the table of P2: both tests, and the growing history by its length."""
    parts = {"history_1_5": "1 to 5", "history_6_20": "6 to 20", "history_over_20": "over 20"}
    selected = _presets(groups, "P2")
    rows: list[list[object]] = []
    for group in selected:
        for mode, label in TIME_LABELS.items():
            cells = [group.over_seeds(mode, test) for test in PUBLISHED_P2]
            cells += [group.over_seeds("slices", part, mode, "successive") for part in parts]
            rows.append([group.label, label, *cells, len(group.seeds)])
    for group in selected[:1]:
        for name in ("blend", "recent_popularity", "recent_popularity_7"):
            metrics = group["baselines"][name]
            cells = [hr_and_ndcg(metrics[test]) for test in PUBLISHED_P2]
            rows.append(
                [
                    f"*{name}*",
                    "",
                    *cells,
                    *(hr_and_ndcg(lookup(metrics, "slices", part, "successive")) for part in parts),
                    "",
                ]
            )
        published = [f"{hr} / {ndcg}" for hr, ndcg in PUBLISHED_P2.values()]
        rows.append(
            ["*published: SASRec+, each test with its own validation*", "", *published, *[""] * (len(parts) + 1)]
        )
    history_labels = [f"successive, {label} known films" for label in parts.values()]
    return markdown_table(["", "times given to the model", "last", "successive", *history_labels, "seeds"], rows)


TABLES: dict[str, Callable[[Sequence[ResultGroup]], str]] = {
    "p1": lambda groups: leave_one_out_table(groups, "P1", tuple(TIME_LABELS)),
    "a": lambda groups: leave_one_out_table(groups, "A", ("none",)),
    "p2": time_split_table,
    "p2_presets": lambda groups: comparison_tables.preset_differences_table(_main(groups)),
    "baselines": comparison_tables.baselines_table,
    "presets": lambda groups: comparison_tables.presets_table(_main(groups)),
    "ablations": lambda groups: comparison_tables.ablations_table(_main(groups)),
    "elsewhere": comparison_tables.other_data_table,
    "runs": comparison_tables.runs_table,
    "beyond": lambda groups: beyond_accuracy_tables.beyond_accuracy_table(_main(groups)),
    "cold_start": lambda groups: beyond_accuracy_tables.cold_start_table(_main(groups)),
    "rare_films": lambda groups: beyond_accuracy_tables.rare_movies_table(_main(groups)),
    "cold_films": lambda groups: beyond_accuracy_tables.cold_movies_table(_main(groups)),
}
