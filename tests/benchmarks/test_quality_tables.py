"""The tables of docs/quality.md: pooled over seeds, paired with the changed setting, in step with docs/results."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_quality
from benchmarks.__main__ import main
from benchmarks.quality.tables import quality_tables
from benchmarks.quality.tables.result_groups import load_groups, mean_and_std
from recommender.ml.config import get_preset
from tests.support.movielens_pairs import write_movielens_pairs

TINY = {"d_model": 8, "layers": 1, "heads": 1}
RUNS = {
    "p1-default-seed1": [],
    "p1-default-seed2": ["--seeds", "2"],
    "p1-wide-seed1": ["d_model=16"],
    "p2-default-seed1": ["--protocol", "P2"],
    "cold-films-default-seed1": ["--cold-films"],
}


def relabel(path):
    """Make the result look as if the tiny model were the preset and the data ml-1m."""
    result, plain = json.loads(path.read_text()), get_preset("default")
    config = result["config"]
    config |= {name: getattr(plain.model, name) for name, value in TINY.items() if config[name] == value}
    config |= {"epochs": plain.train.epochs, "dropout": plain.model.dropout}
    path.write_text(json.dumps(result | {"data": "ml-1m", "events": 1_000_000}))


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    """A page with empty tables, and the results of five small runs."""
    folder = tmp_path_factory.mktemp("tables")
    data, docs = write_movielens_pairs(folder / "films"), folder / "docs"
    fields = [f"{name}={value}" for name, value in TINY.items()]
    for name, changes in RUNS.items():
        sets = [*fields, *(change for change in changes if "=" in change)]
        options = [change for change in changes if "=" not in change]
        path = docs / "results" / f"{name}.json"
        arguments = ["--data", str(data), "--epochs", "1", "--result", str(path), *options, "--set", *sets]
        assert main(["quality", *arguments]) == 0
        relabel(path)
    markers = "".join(f"<!-- table {name} -->\n<!-- end -->\n" for name in quality_tables.TABLES)
    (docs / "quality.md").write_text("Text stays.\n" + markers)
    assert main(["quality", "--tables", str(docs)]) == 0
    return docs


def rows(docs, name):
    """Cells of a table, header and rule left out."""
    text = (docs / "quality.md").read_text().split(f"<!-- table {name} -->\n")[1].split("<!-- end -->")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


def result(docs, name):
    return json.loads((docs / "results" / f"{name}.json").read_text())


def test_seeds_of_a_setting_are_pooled(docs):
    first_row = rows(docs, "p1")[0]
    both = [result(docs, f"p1-default-seed{seed}")["runs"][0]["request"] for seed in (1, 2)]
    hr, ndcg = ([metrics[name] for metrics in both] for name in ("hr10", "ndcg10"))
    assert (
        first_row[2]
        == f"{np.mean(hr):.4f} ± {np.std(hr, ddof=1):.4f} / {np.mean(ndcg):.4f} ± {np.std(ndcg, ddof=1):.4f}"
    )
    assert first_row[-1] == "2"
    assert mean_and_std([0.1, 0.2, 0.3]) == "0.2000 ± 0.1000"


def test_an_ablation_is_paired_with_the_setting_it_changed(docs):
    ((label, protocol, seeds, _, hr, ndcg, on_validation, base),) = rows(docs, "ablations")
    assert (label, protocol, seeds, base) == ("default, d_model 16", "P1", "1", "default, seeds 1 2")
    changed = result(docs, "p1-wide-seed1")["runs"][0]["request"]
    plain = [result(docs, f"p1-default-seed{seed}")["runs"][0]["request"] for seed in (1, 2)]
    for cell, name in ((hr, "hr10"), (ndcg, "ndcg10")):
        assert float(cell.split()[0]) == pytest.approx(
            changed[name] - np.mean([metrics[name] for metrics in plain]), abs=2e-4
        )
    validation = [
        np.mean([max(epoch["ndcg10"] for epoch in result(docs, name)["curves"][0]) for name in names])
        for names in (["p1-wide-seed1"], ["p1-default-seed1", "p1-default-seed2"])
    ]
    assert on_validation == f"{validation[0]:.4f}, {validation[0] - validation[1]:+.4f}"


def test_every_table_has_its_rows(docs):
    assert [row[0] for row in rows(docs, "p2")[:3]] == ["default"] * 3
    assert rows(docs, "p2_presets") == [], "no other preset"
    assert rows(docs, "a") == []
    assert len(rows(docs, "baselines")) == 7
    assert [row[:2] for row in rows(docs, "presets")] == [["default", "P1"], ["default", "P2"]]
    beyond = result(docs, "p2-default-seed1")["beyond"]["blend"]
    assert f"{beyond['coverage']:.3f}" in rows(docs, "beyond")[4]
    cold = result(docs, "p2-default-seed1")["cold_start"]["5"]["popularity"]
    assert f"{cold['hr10']:.4f} / {cold['ndcg10']:.4f}" in rows(docs, "cold_start")[5]
    assert [row[0] for row in rows(docs, "cold_films")][-2:] == ["*random*", "*genre popularity*"]
    assert len(rows(docs, "runs")) == len(RUNS)


def test_the_same_results_give_the_same_bytes(docs):
    files = [docs / "quality.md", *(docs / "results").glob("*.svg")]
    assert len(files) == 4  # P1, P2 and cold films have a curve each
    before = [path.read_bytes() for path in files]
    quality_tables.write_tables(docs)
    assert [path.read_bytes() for path in files] == before
    assert files[0].read_text().startswith("Text stays.\n")


def test_two_results_with_the_same_seed_are_refused(docs, tmp_path):
    shutil.copytree(docs / "results", tmp_path / "results")
    shutil.copy(tmp_path / "results" / "p1-default-seed1.json", tmp_path / "results" / "p1-again.json")
    with pytest.raises(SystemExit, match="the same seed"):
        load_groups(tmp_path / "results")


@pytest.mark.slow
def test_the_page_is_in_step_with_the_committed_results(tmp_path):
    docs = Path(bench_quality.DOCS)
    copy = tmp_path / "docs"
    shutil.copytree(docs, copy)
    quality_tables.write_tables(copy)
    assert (copy / "quality.md").read_text() == (docs / "quality.md").read_text(), "./run bench quality --tables"
    for picture in (docs / "results").glob("curves-*.svg"):
        assert (copy / "results" / picture.name).read_bytes() == picture.read_bytes(), "./run bench quality --tables"
        assert f"](results/{picture.name})" in (docs / "quality.md").read_text()
