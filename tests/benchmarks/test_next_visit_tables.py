"""The tables of protocol N in docs/quality.md: what they show of the results on small data sets."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.quality.tables import next_visit_tables
from benchmarks.quality.tables.next_visit_tables import NAMES, NEXT_VISIT_TABLES, load_next_visit_results
from tests.support.movielens_pairs import write_movielens_pairs

TINY = ["--epochs", "1", "--set", "d_model=8", "layers=1", "heads=1"]


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    """A page with empty tables, and results of two data sets: one with a trained model, one of baselines alone."""
    folder = tmp_path_factory.mktemp("next_visit_tables")
    docs = folder / "docs"
    for name, seed, options in (
        ("one", 1, [*TINY, "--judge", str(folder / "lists")]),
        ("two", 2, ["--baselines-only"]),
    ):
        data = write_movielens_pairs(folder / name, seed)
        arguments = ["--protocol", "N", "--data", str(data), "--result", str(docs / "results" / f"n-{name}.json")]
        assert main(["quality", *arguments, *options]) == 0
    markers = "".join(f"<!-- table {name} -->\n<!-- end -->\n" for name in NEXT_VISIT_TABLES)
    (docs / "quality.md").write_text(markers)
    assert main(["quality", "--tables", str(docs)]) == 0
    return docs


def rows(docs, name):
    """Cells of a table, the rule left out."""
    text = (docs / "quality.md").read_text().split(f"<!-- table {name} -->\n")[1].split("<!-- end -->")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return [lines[0], *lines[2:]]


def test_accuracy_stands_side_by_side_and_the_best_is_bold(docs):
    one, two = (json.loads((docs / "results" / f"n-{name}.json").read_text()) for name in ("one", "two"))
    head, visits, *body = rows(docs, "n")
    assert head == ["", "one, every", "one, first", "two, every", "two, first"]
    assert visits[1:] == [
        str(result["baselines"]["blend"][test]["visits"]) for result in (one, two) for test in ("every", "first")
    ]
    by_label = {label: [cell.strip("*") for cell in cells] for label, *cells in body}
    assert by_label[NAMES["trending"]] == [
        f"{result['baselines']['trending'][test]['ndcg10']:.4f}" for result in (one, two) for test in ("every", "first")
    ]
    model = next(label for label in by_label if label.endswith("stored lists"))
    assert by_label[model] == [f"{one[test]['ndcg10']:.4f}" for test in ("every", "first")] + ["", ""]
    for column in range(1, 5):
        cells = [row[column] for row in body if row[column]]
        assert max(cell.strip("*") for cell in cells) in {cell.strip("*") for cell in cells if cell.startswith("**")}


def test_every_table_has_rows(docs):
    for name in NEXT_VISIT_TABLES:
        if name != "n_fits":
            assert len(rows(docs, name)) > 1, name
    assert {row[1] for row in rows(docs, "n_order")[1:]} >= {"Markov", "default, seed 1"}
    assert rows(docs, "n_judged")[1][1] == "13", "11 baselines and the model, stored and live"
    assert float(rows(docs, "n_judged")[1][2]) < 1e-4
    assert "--baselines-only" in rows(docs, "n_runs")[2][1]


def test_results_of_other_data_under_the_same_name_are_refused(docs, tmp_path):
    for name, source in (("a", "one"), ("b", "two")):
        result = json.loads((docs / "results" / f"n-{source}.json").read_text())
        (tmp_path / f"{name}.json").write_text(json.dumps(result | {"data": "same"}))
    with pytest.raises(SystemExit, match="another same"):
        load_next_visit_results(tmp_path)


def test_without_results_the_page_says_so(tmp_path):
    assert next_visit_tables.accuracy_table(load_next_visit_results(tmp_path)) == "Not measured yet.\n"


def test_seeds_of_other_results_are_pooled(docs, tmp_path):
    result = json.loads((docs / "results" / "n-one.json").read_text())
    other = json.loads(json.dumps(result | {"seeds": [2]}))
    other["every"]["ndcg10"] = result["every"]["ndcg10"] + 0.01
    for name, one in (("a", result), ("b", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    [data] = load_next_visit_results(tmp_path)
    stored = next(metrics for label, metrics in data.models.items() if label.endswith("stored lists"))
    assert stored["every"]["ndcg10"] == pytest.approx(result["every"]["ndcg10"] + 0.005)
    assert stored["first"]["ndcg10"] == pytest.approx(result["first"]["ndcg10"])
    gains = next_visit_tables.gains_table([data])
    assert "seed 1, over" in gains
    assert "seed 2, over" in gains
