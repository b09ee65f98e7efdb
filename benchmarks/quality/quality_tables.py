"""`./run bench quality --tables`: the tables of docs/quality.md and its pictures, from docs/results.

The page has places for them: <!-- table NAME -->, then what is written here, then <!-- end -->."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.quality import beyond_accuracy_tables, comparison_tables
from benchmarks.quality.learning_curves import draw_curves
from benchmarks.quality.result_groups import (
    MAIN_DATA,
    ResultGroup,
    hr_and_ndcg,
    load_groups,
    lookup,
    markdown_table,
)

PLACE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SLICES = {"rated4": "rated 4 stars or more", "new_visits": "on a new visit"}
TIME_LABELS = {
    "request": "the moment of the target",
    "unknown": "the history's times only, as stored lists are",
    "none": "no times at all, as a bare posted history",
}
# HR@10, NDCG@10 as published, each on its own protocol (see the text above the tables).
PUBLISHED = {
    "P1": [
        ("HSTU-large, moment told (RecTools)", 0.3642, 0.2164),
        ("SASRec+, no times, a model of its own, five-core", 0.3207, 0.1858),
    ],
    "A": [("SASRec+ 3000", 0.3159, 0.1857), ("SASRec+", 0.3152, 0.1821), ("BERT4Rec", 0.2843, 0.1537)],
}
PUBLISHED_P2 = {
    "last": (0.1687, 0.0948),
    "successive": (0.2062, 0.1121),
}  # SASRec+: last with a validation by viewer, successive by the last training film


def write_tables(docs: Path) -> None:
    """Rewrites the tables of `docs`/quality.md and the pictures of `docs`/results."""
    groups, page = load_groups(docs / "results"), docs / "quality.md"
    page.write_text(PLACE.sub(lambda place: place[1] + TABLES[place[2]](groups) + place[3], page.read_text()))
    for written in [page, *draw_curves(_main(groups), docs / "results")]:
        print(written)


def _main(groups: Sequence[ResultGroup]) -> list[ResultGroup]:
    return [group for group in groups if group["data"] == MAIN_DATA and group.runs]


def _presets(groups: Sequence[ResultGroup], protocol: str) -> list[ResultGroup]:
    """As they are, nothing changed."""
    return [group for group in _main(groups) if group["protocol"] == protocol and not group.changes]


def leave_one_out_table(groups: Sequence[ResultGroup], protocol: str, times: Sequence[str]) -> str:
    """HR@10 / NDCG@10 of all targets and of two parts of them; blend and published figures below."""
    found = _presets(groups, protocol)
    rows: list[list[object]] = []
    for group in found:
        for told in times:
            cells = [group.over_seeds(told), *(group.over_seeds("slices", part, told) for part in SLICES)]
            rows.append([group.label, TIME_LABELS[told], *cells, len(group.seeds)])
    for group in found[:1]:
        blend = group["baselines"]["blend"]
        rows.append(
            [
                "*blend of closed forms*",
                "",
                hr_and_ndcg(blend),
                *(hr_and_ndcg(lookup(blend, "slices", part)) for part in SLICES),
                "",
            ]
        )
        rows += [[f"*published: {name}*", "", f"{hr} / {ndcg}", "", "", ""] for name, hr, ndcg in PUBLISHED[protocol]]
    names = [_counted(found, part, words) for part, words in SLICES.items()]
    return markdown_table(["", "asked with", "all targets", *names, "seeds"], rows)


def _counted(groups: Sequence[ResultGroup], part: str, words: str) -> str:
    """The words, with the number of targets."""
    for group in groups:
        if of := lookup(group.runs[0], "slices", part, group["time"]):
            return f"{words} ({of['targets']:,.0f})"
    return words


def time_split_table(groups: Sequence[ResultGroup]) -> str:
    """P2: both tests, and the growing history by what was known of the viewer."""
    parts = {"history_1_5": "1 to 5", "history_6_20": "6 to 20", "history_over_20": "over 20"}
    found = _presets(groups, "P2")
    rows: list[list[object]] = []
    for group in found:
        for told, words in TIME_LABELS.items():
            cells = [group.over_seeds(told, test) for test in PUBLISHED_P2]
            cells += [group.over_seeds("slices", part, told, "successive") for part in parts]
            rows.append([group.label, words, *cells, len(group.seeds)])
    for group in found[:1]:
        for name in ("blend", "recent_popularity", "recent_popularity_7"):
            of = group["baselines"][name]
            cells = [hr_and_ndcg(of[test]) for test in PUBLISHED_P2]
            rows.append(
                [
                    f"*{name}*",
                    "",
                    *cells,
                    *(hr_and_ndcg(lookup(of, "slices", part, "successive")) for part in parts),
                    "",
                ]
            )
        published = [f"{hr} / {ndcg}" for hr, ndcg in PUBLISHED_P2.values()]
        rows.append(
            ["*published: SASRec+, each test by a validation of its own*", "", *published, *[""] * (len(parts) + 1)]
        )
    known = [f"successive, {words} films known" for words in parts.values()]
    return markdown_table(["", "asked with", "last", "successive", *known, "seeds"], rows)


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
