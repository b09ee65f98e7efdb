"""The judge from outside: trec_eval's own code finds what the harness finds, on P1, P2 and N."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import make_task, read_events
from benchmarks.quality import trec_judge
from benchmarks.quality.baselines import fit_and_rank
from benchmarks.quality.trec_judge import TOLERANCE
from recommender.ml import visits
from recommender.ml.visits import RelevantItems
from tests.support.movielens_pairs import write_movielens_pairs

MEASURES = {"ndcg10", "recall10", "recall50", "hr10", "mrr"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_movielens_pairs(tmp_path_factory.mktemp("trec") / "films")


def assert_equal(judged):
    for name, both in judged.items():
        assert both["ours"].keys() == both["trec_eval"].keys() == MEASURES
        for measure, value in both["ours"].items():
            assert value == pytest.approx(both["trec_eval"][measure], abs=TOLERANCE), (name, measure)


@pytest.mark.parametrize(("protocol", "tests"), [("P1", {"test"}), ("P2", {"last", "successive"})])
def test_leave_one_out_and_the_split_by_time_are_judged_alike(data, tmp_path, protocol, tests):
    task = make_task(protocol, *read_events(data, None), data)
    scorers = {name: baseline.score for name, baseline in fit_and_rank(task).items()}
    judged = trec_judge.judge_task(tmp_path, task, scorers)
    assert judged.keys() == tests
    for by_name in judged.values():
        assert by_name.keys() == scorers.keys()
        assert_equal(by_name)


def test_the_command_judges_the_next_visit(data, tmp_path, capsys):
    options = ["--epochs", "1", "--set", "d_model=8", "layers=1", "heads=1", "--judge", str(tmp_path / "lists")]
    assert main(["quality", "--protocol", "N", "--data", str(data), *options]) == 0
    judged = json.loads(capsys.readouterr().out.splitlines()[-1])["judged"]
    assert judged.keys() >= {"popularity", "trending", "blend", "seed 1", "seed 1 live"}
    assert_equal(judged)
    query, _, _, rank, score, _ = (tmp_path / "lists" / "blend.run").read_text().splitlines()[0].split()
    assert (query, rank, score) == ("0", "1", "60")


def test_films_behind_the_200th_place_count_nothing_for_either(tmp_path):
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(300, dtype=np.float32), (50, 1)), axis=1)
    lists = np.argsort(-scores, axis=1)[:, : trec_judge.LENGTH]
    columns = [rng.choice(300, count, replace=False) for count in rng.integers(1, 80, 50)]
    columns[0] = np.argsort(-scores[0])[250:253]
    indptr = np.append(0, np.cumsum([len(own) for own in columns]))
    relevant = RelevantItems(indptr, np.concatenate(columns), np.ones(indptr[-1], bool))
    ranks = visits.rank_relevant_items(scores, relevant, [np.empty(0, int)] * 50)
    ranking = trec_judge.visit_ranking(lists, ranks, relevant)
    assert_equal({"random": trec_judge.judge(tmp_path, "random", ranking, np.arange(1, 301))})


def test_a_figure_that_trec_eval_does_not_confirm_ends_the_command(data, tmp_path):
    task = make_task("P1", *read_events(data, None), data)
    score = fit_and_rank(task)["blend"].score
    ranking = trec_judge.rank_single_targets(task, task.tests["test"], score)
    wrong = ranking._replace(metrics=ranking.metrics | {"ndcg10": ranking.metrics["ndcg10"] + 0.01})
    with pytest.raises(SystemExit, match="ndcg10"):
        trec_judge.judge(tmp_path, "blend", wrong, task.vocab.movie_ids)
