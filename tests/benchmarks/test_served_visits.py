"""Protocol N from outside: which visits are played back, and how served lists are scored beside offline ones."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import read_events
from benchmarks.quality import next_visit, served_visits
from benchmarks.quality.next_visit import VisitRanks
from recommender.ml import visits
from recommender.ml.visits import DAY
from tests.support.movielens_pairs import write_movielens_pairs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_movielens_pairs(tmp_path_factory.mktemp("served_visits") / "films")


@pytest.fixture(scope="module")
def split(data):
    return next_visit.make_split(*read_events(data, None))


def test_visits_are_drawn_from_days_after_that_of_the_cut(split):
    sample = served_visits.sample_visits(split, 3, 3)
    days = split.tokens.times[sample.starts] // DAY
    assert len(np.unique(days)) == 3
    assert days.min() > split.cut // DAY
    assert np.unique(days, return_counts=True)[1].max() == 1
    assert np.isin(sample.starts, split.visits.starts).all()


def test_where_days_have_few_visits_more_days_are_played(split):
    days = split.tokens.times[served_visits.sample_visits(split, 500, 2).starts] // DAY
    assert 2 < len(np.unique(days)) <= 2 * served_visits.MAX_TIMES


def test_served_lists_get_the_figures_of_the_same_lists_ranked_offline(split):
    sample = served_visits.sample_visits(split, 12, 3)
    part = split._replace(visits=sample, relevant=visits.relevant_items(split.tokens, sample))
    first = [part.relevant.items[start] for start in part.relevant.indptr[:-1]]
    others = [np.setdiff1d(np.arange(20), part.relevant.items[slice(*part.relevant.indptr[row : row + 2])])[:8]
              for row in range(len(first))]  # fmt: skip
    lists = [np.append(unwatched, film) for unwatched, film in zip(others, first, strict=True)]
    served = served_visits.to_ranks(part, lists)
    assert served.ranks[part.relevant.indptr[:-1]].tolist() == [9.0] * len(first)
    assert np.isinf(np.delete(served.ranks, part.relevant.indptr[:-1])).all()
    assert served.lists[:, 9].tolist() == [-1] * len(first)
    better = VisitRanks(np.where(served.ranks == 9, 1.0, served.ranks), served.lists)
    comparison = served_visits.compare(part, better, served)
    assert comparison["identical_top10"] == 1
    assert comparison["difference"][0] == pytest.approx(
        comparison["served"]["ndcg10"] - comparison["offline"]["ndcg10"], abs=2e-4
    )
    assert comparison["difference"][2] < 0


def test_a_changed_preset_is_refused_with_what_to_do(data):
    with pytest.raises(SystemExit, match="give a model folder with --model"):
        main(["quality", "--protocol", "N", "--served", "--quick", "--data", str(data), "--set", "layers=1"])


@pytest.mark.slow
def test_a_running_system_serves_what_protocol_n_measures(data):
    command = [sys.executable, "-m", "benchmarks", "quality", "--protocol", "N", "--served", "--quick"]
    done = subprocess.run([*command, "--data", data], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["sources"]["stored"] == {"cache": result["visits"]}
    assert result["sources"]["live"] == {"model": result["visits"]}
    assert all(abs(mode["difference"][0]) <= served_visits.TOLERANCE for mode in result["served"].values())
