"""Published models beside ours: what they are given, how their scores are ranked, and, where installed, all of it."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import read_events
from benchmarks.quality import next_visit
from benchmarks.quality.peers import lenskit_splits, peer_models
from benchmarks.training import rectools_comparison
from tests.support.movielens_pairs import write_movielens_pairs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_movielens_pairs(tmp_path_factory.mktemp("peers") / "films")


@pytest.fixture(scope="module")
def split(data):
    return next_visit.make_split(*read_events(data, None))


def test_peers_learn_up_to_the_cut_and_are_asked_with_all_that_is_known(split, tmp_path):
    peer_models.write_peer_data(tmp_path / "data.npz", split)
    with np.load(tmp_path / "data.npz") as arrays:
        given = dict(arrays)
    assert len(given["times"]) == (split.tokens.times <= split.cut).sum()
    assert given["times"].max() <= split.cut < given["asked_at"].min()
    assert (np.diff(given["viewers"]) >= 0).all()
    for visit in range(0, len(split.visits.viewers), 7):
        viewer, start = split.visits.viewers[visit], split.visits.starts[visit]
        known = slice(given["history_indptr"][visit], given["history_indptr"][visit + 1])
        expected = split.tokens.items[split.tokens.indptr[viewer] : start]
        assert given["history_films"][known].tolist() == expected.tolist()
        assert given["history_times"][known].max() < given["asked_at"][visit] == split.tokens.times[start]


def test_films_unknown_to_a_peer_come_last_and_unknown_viewers_get_popular_films(split):
    scores = np.random.default_rng(0).random((len(split.visits.viewers), len(split.catalogue))).astype(np.float32)
    scores[:, 5] = np.nan
    scores[3] = np.nan
    own = peer_models.stored_scorer(split, scores)(split.tokens, split.targets)
    assert np.isfinite(own).all()
    others = np.delete(np.arange(len(own)), 3)
    assert (own[others].argmin(1) == 5).all()
    assert (np.argsort(-own[others])[:, :5] == np.argsort(-np.nan_to_num(scores[others], nan=-1))[:, :5]).all()
    popular = next_visit.RollingPopularity(split.tokens, len(split.catalogue), None)
    assert own[3].tolist() == popular(split.tokens, split.targets)[3].tolist()


def test_without_the_environment_the_command_says_how_to_make_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr(rectools_comparison, "RECTOOLS_PYTHON", tmp_path / "nothing")
    with pytest.raises(SystemExit, match=r"pip install -r requirements-rectools\.txt"):
        main(["quality", "--protocol", "N", "--data", str(data), "--peers"])


def test_without_lenskit_the_command_says_how_to_get_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr(lenskit_splits, "LENSKIT_PYTHON", tmp_path / "nothing")
    with pytest.raises(SystemExit, match=r"pip install -r requirements-lenskit\.txt"):
        main(["quality", "--protocol", "N", "--data", str(data), "--lenskit"])


@pytest.mark.slow
@pytest.mark.skipif(not lenskit_splits.LENSKIT_PYTHON.exists(), reason="LensKit is not installed (--lenskit says how)")
@pytest.mark.parametrize("protocol", ["P1", "P2", "N"])
def test_lenskit_makes_the_same_split(data, capsys, protocol):
    assert main(["quality", "--protocol", protocol, "--data", str(data), "--lenskit"]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])["lenskit"]
    assert counts["ours"] == counts["lenskit"] == counts["both"] + counts["tied"] > 0


@pytest.mark.slow
@pytest.mark.skipif(
    not rectools_comparison.is_installed(),
    reason="RecTools is not installed (benchmarks/training/rectools_comparison.py)",
)
def test_all_peers_are_trained_and_ranked(data, capsys):
    options = ["--baselines-only", "--peers", "--peer-minutes", "0.1"]
    assert main(["quality", "--protocol", "N", "--data", str(data), *options]) == 0
    peers = json.loads(capsys.readouterr().out.splitlines()[-1])["peers"]
    assert peers.keys() == set(peer_models.PEERS)
    for metrics in peers.values():
        assert metrics["fit_s"] > 0
        assert 0 < metrics["every"]["ndcg10"] < 1
