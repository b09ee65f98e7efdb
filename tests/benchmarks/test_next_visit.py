"""Protocol N on a small world: its command, its split, and that popularity moves on with the days."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import read_events
from benchmarks.quality import next_visit, visit_order
from benchmarks.quality.next_visit import RollingPopularity
from recommender.ml import visits
from recommender.ml.evaluate import Targets
from recommender.ml.visits import DAY
from tests.support.movielens_pairs import write_movielens_pairs

METRICS = {"ndcg10", "recall10", "recall50", "hr10", "mrr", "visits"}
WINDOWS = ["popularity", *(f"popularity_{days}" for days in (1, 3, 7, 30, 365))]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_movielens_pairs(tmp_path_factory.mktemp("next_visit") / "films")


@pytest.fixture(scope="module")
def split(data):
    return next_visit.make_split(*read_events(data, None))


def test_the_command_reports_every_and_first_visits_with_baselines(data, tmp_path, capsys):
    arguments = ["--epochs", "2", "--set", "d_model=8", "layers=1", "heads=1"]
    assert (
        main(["quality", "--protocol", "N", "--data", str(data), "--result", str(tmp_path / "n.json"), *arguments]) == 0
    )
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    result = json.loads((tmp_path / "n.json").read_text())
    assert (result["protocol"], result["data"], [run["seed"] for run in result["runs"]]) == ("N", "films", [1])
    assert {*WINDOWS, "trending", "markov", "ease", "recency_ease", "blend"} == result["baselines"].keys()
    for test in ("every", "first"):
        assert printed[test] == result[test]
        for metrics in (result[test], result[test]["live"], result[test]["liked"], result["baselines"]["blend"][test]):
            assert metrics.keys() >= METRICS
        assert result["best_baseline"][test] in result["baselines"]
    assert result["every"]["visits"] > result["first"]["visits"] > 0
    for metrics in (result["runs"][0], result["baselines"]["trending"]):
        assert metrics["parts"].keys() >= {"history_1_5", "film_under_30_days", "away_under_a_day"}
        assert 0 < metrics["coverage"] <= 1
        assert metrics["novelty"] >= 0
        assert 0 <= metrics["top_ten_share"] <= 1
    for name in {*result["best_baseline"].values(), "blend"}:
        for test in ("every", "first"):
            mean, low, high = result["over"][name][test]["all"]
            assert low <= mean <= high
            assert mean == pytest.approx(result[test]["ndcg10"] - result["baselines"][name][test]["ndcg10"], abs=2e-4)
    assert result["shuffled"].keys() == {"markov", "recency_ease", "blend", "seed 1"}


def test_training_validation_and_baselines_use_nothing_after_the_cut(split):
    task = split.task
    assert (split.tokens.times[split.visits.starts] > split.cut).all()
    viewer_of_token = np.repeat(np.arange(len(task.ends)), task.tokens.lengths())
    is_trained = np.arange(len(viewer_of_token)) < task.ends[viewer_of_token]
    validated = task.tokens.times[task.validation.rows]
    assert len(validated)
    assert task.tokens.times[is_trained].max() < validated.min() <= validated.max() <= split.cut
    viewer_of_token = np.repeat(np.arange(len(split.known_ends)), split.tokens.lengths())
    is_known = np.arange(len(viewer_of_token)) < split.known_ends[viewer_of_token]
    assert split.tokens.times[is_known].max() <= split.cut < split.tokens.times[~is_known].min()


def test_task_rows_map_rows_of_the_tokens_to_those_of_the_model(split):
    task, tokens = split.task, split.tokens
    for viewer, start in zip(split.visits.viewers[:50], split.visits.starts[:50], strict=True):
        movie_ids = split.catalogue.movie_ids[tokens.items[tokens.indptr[viewer] : start] - 1]
        columns = task.tokens.items[task.tokens.indptr[viewer] : split.task_rows[start]] - 1
        assert task.vocab.movie_ids[columns].tolist() == movie_ids[np.isin(movie_ids, task.vocab.movie_ids)].tolist()


def test_popularity_of_some_days_counts_up_to_the_midnight_before_the_visit(split):
    tokens, num_items = split.tokens, len(split.catalogue)
    row = int(split.visits.starts[0])
    midnight = tokens.times[row] // DAY * DAY
    window = (tokens.times >= midnight - 3 * DAY) & (tokens.times < midnight)
    [scores] = RollingPopularity(tokens, num_items, 3)(
        tokens, Targets(split.visits.viewers[:1], split.visits.starts[:1])
    )
    assert np.floor(scores).tolist() == np.bincount(tokens.items[window] - 1, minlength=num_items).tolist()


def test_shuffling_keeps_what_was_watched_in_each_visit_and_all_that_is_asked(split):
    shuffled = visit_order.shuffle_within_visits(split)
    tokens, other = split.tokens, shuffled.tokens
    found = visits.find_visits(tokens)
    assert visits.find_visits(other).starts.tolist() == found.starts.tolist()
    for start, stop in zip(found.starts, found.stops, strict=True):
        before, after = (
            sorted(zip(of.items[start:stop].tolist(), of.stars[start:stop].tolist(), strict=True))
            for of in (tokens, other)
        )
        assert before == after
    assert (tokens.times == other.times).all()
    assert 0.3 < (tokens.items != other.items).mean() < 0.7, "of two films in each visit"
    popularity = RollingPopularity(tokens, len(split.catalogue), 3)
    ranked, again = (next_visit.rank_visits(of, popularity) for of in (split, shuffled))
    assert visit_order.order_dependence(split, ranked, again) == {
        "overlap10": 1.0,
        "ndcg10": {test: {films: [0, 0, 0] for films in ("all", "liked")} for test in ("every", "first")},
    }


def test_what_knows_the_order_of_a_page_loses_by_shuffling(split):
    """The films of a pair come one after the other, and transitions rank by the last film."""
    markov = next_visit.fit_baselines(split)["markov"][0]
    shuffled = visit_order.shuffle_within_visits(split)
    ranked, again = (next_visit.rank_visits(of, markov) for of in (split, shuffled))
    assert 0 < visit_order.order_dependence(split, ranked, again)["overlap10"] < 1


def test_lists_are_the_best_films_and_equal_ones_stand_in_their_order(split):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (len(split.visits.viewers), len(split.catalogue))).astype(np.float32)
    ranked = next_visit.rank_visits(split, lambda tokens, targets: scores)
    for viewer, start, row, own in zip(split.visits.viewers, split.visits.starts, scores, ranked.lists, strict=True):
        row[split.tokens.items[split.tokens.indptr[viewer] : start] - 1] = -np.inf
        assert own.tolist() == np.argsort(-row, kind="stable")[:10].tolist()
