"""`./run bench quality --tables`: the tables of docs/quality.md and its pictures, from docs/results.

The page has places for them: <!-- table NAME -->, then what is written here, then <!-- end -->."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.quality import besides, compared
from benchmarks.quality.curves import draw
from benchmarks.quality.pool import MAIN_DATA, Group, at, load, pair, table

PLACE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
PARTS = {"rated4": "rated 4 stars or more", "new_visits": "on a new visit"}
ASKED = {
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


def write(docs: Path) -> None:
    """Rewrites the tables of `docs`/quality.md and the pictures of `docs`/results."""
    groups, page = load(docs / "results"), docs / "quality.md"
    page.write_text(PLACE.sub(lambda place: place[1] + TABLES[place[2]](groups) + place[3], page.read_text()))
    for written in [page, *draw(_main(groups), docs / "results")]:
        print(written)


def _main(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if group["data"] == MAIN_DATA and group.runs]


def _presets(groups: Sequence[Group], protocol: str) -> list[Group]:
    """As they are, nothing changed."""
    return [group for group in _main(groups) if group["protocol"] == protocol and not group.changes]


def leave_one_out(groups: Sequence[Group], protocol: str, times: Sequence[str]) -> str:
    """HR@10 / NDCG@10 of all targets and of two parts of them; blend and published figures below."""
    found = _presets(groups, protocol)
    rows: list[list[object]] = []
    for group in found:
        for told in times:
            cells = [group.over_seeds(told), *(group.over_seeds("slices", part, told) for part in PARTS)]
            rows.append([group.label, ASKED[told], *cells, len(group.seeds)])
    for group in found[:1]:
        blend = group["baselines"]["blend"]
        rows.append(
            ["*blend of closed forms*", "", pair(blend), *(pair(at(blend, "slices", part)) for part in PARTS), ""]
        )
        rows += [[f"*published: {name}*", "", f"{hr} / {ndcg}", "", "", ""] for name, hr, ndcg in PUBLISHED[protocol]]
    names = [_counted(found, part, words) for part, words in PARTS.items()]
    return table(["", "asked with", "all targets", *names, "seeds"], rows)


def _counted(groups: Sequence[Group], part: str, words: str) -> str:
    """The words, with the number of targets."""
    for group in groups:
        if of := at(group.runs[0], "slices", part, group["time"]):
            return f"{words} ({of['targets']:,.0f})"
    return words


def time_split(groups: Sequence[Group]) -> str:
    """P2: both tests, and the growing history by what was known of the viewer."""
    parts = {"history_1_5": "1 to 5", "history_6_20": "6 to 20", "history_over_20": "over 20"}
    found = _presets(groups, "P2")
    rows: list[list[object]] = []
    for group in found:
        for told, words in ASKED.items():
            cells = [group.over_seeds(told, test) for test in PUBLISHED_P2]
            cells += [group.over_seeds("slices", part, told, "successive") for part in parts]
            rows.append([group.label, words, *cells, len(group.seeds)])
    for group in found[:1]:
        for name in ("blend", "recent_popularity", "recent_popularity_7"):
            of = group["baselines"][name]
            cells = [pair(of[test]) for test in PUBLISHED_P2]
            rows.append([f"*{name}*", "", *cells, *(pair(at(of, "slices", part, "successive")) for part in parts), ""])
        published = [f"{hr} / {ndcg}" for hr, ndcg in PUBLISHED_P2.values()]
        rows.append(
            ["*published: SASRec+, each test by a validation of its own*", "", *published, *[""] * (len(parts) + 1)]
        )
    known = [f"successive, {words} films known" for words in parts.values()]
    return table(["", "asked with", "last", "successive", *known, "seeds"], rows)


TABLES: dict[str, Callable[[Sequence[Group]], str]] = {
    "p1": lambda groups: leave_one_out(groups, "P1", tuple(ASKED)),
    "a": lambda groups: leave_one_out(groups, "A", ("none",)),
    "p2": time_split,
    "p2_presets": lambda groups: compared.presets_on_p2(_main(groups)),
    "baselines": compared.baselines,
    "presets": lambda groups: compared.presets(_main(groups)),
    "ablations": lambda groups: compared.ablations(_main(groups)),
    "elsewhere": compared.elsewhere,
    "runs": compared.runs,
    "beyond": lambda groups: besides.beyond(_main(groups)),
    "cold_start": lambda groups: besides.cold_start(_main(groups)),
    "rare_films": lambda groups: besides.rare_films(_main(groups)),
    "cold_films": lambda groups: besides.cold_films(_main(groups)),
}
