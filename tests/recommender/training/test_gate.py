"""What goes live: candidates that are good, and poisoned ones, on the tiny model's viewers."""

import numpy as np
import pytest
import torch

from recommender.ml import evaluate
from recommender.ml.data import Histories, tokenise
from recommender.ml.features import build_features
from recommender.ml.popularity import DailyPopularity
from recommender.ml.ranker import Ranker, load_ranker
from recommender.training import evidence, gate, gate_checks, segments
from recommender.training.evidence import ACTIVE, CANDIDATE, LEARNED, POPULARITY
from tests.support.tiny_model import VOCABULARY
from tests.support.tiny_training import simulated_histories

FEATURES = build_features([["genre:Low"] if n % 2 else ["genre:High"] for n in range(len(VOCABULARY))])


@pytest.fixture(scope="module")
def viewers(model_folder):
    tokens = tokenise(Histories.from_events(simulated_histories(viewers=300, seed=9)), load_ranker(model_folder).vocab)
    return tokens, evaluate.leave_one_out(tokens)


@pytest.fixture
def judge_candidate(model_folder, viewers):
    def judge(candidate=None, active=None):
        fresh = load_ranker(model_folder)
        popularity = DailyPopularity.from_tokens(viewers[0], len(VOCABULARY))
        return gate.judge((candidate or (lambda good: good))(fresh), active, *viewers, FEATURES, popularity)

    return judge


def failed(verdict):
    return [check["name"] for check in verdict.figures["gate"]["checks"] if not check["passed"]]


class Popular(Ranker):
    """Popularity in disguise: a hair of noise by viewer."""

    counts = np.bincount(
        [film for events in simulated_histories(viewers=300, seed=9) for film in events.movie_ids[:-2]],
        minlength=max(VOCABULARY) + 1,
    )

    def scores(self, states, exclude=None):
        noise = np.random.default_rng(1).normal(0, 1e-3, (len(states), len(self.vocab)))
        return (self.counts[self.movie_ids] + noise).astype(np.float32)


def constant(good):
    with torch.no_grad():
        good.vectors.items.zero_()
    return good


def broken(good):
    with torch.no_grad():
        good.vectors.items[3] = torch.nan
    return good


def test_a_good_first_model_passes_and_the_evidence_is_kept(judge_candidate):
    verdict = judge_candidate()
    assert verdict.passed, verdict.reason
    evidence = verdict.figures["gate"]
    assert {"Better than the most popular films", "Not worse than counting which film follows which"} <= {
        check["name"] for check in evidence["checks"]
    }
    assert evidence["lists"]["candidate"]["coverage"] > evidence["lists"]["popularity"]["coverage"]


def test_the_next_visit_is_measured_beside_ten_baselines(judge_candidate, model_folder):
    evidence_kept = judge_candidate(active=load_ranker(model_folder)).figures["gate"]
    ranked = evidence_kept["next_visit"]["ranked"]
    assert ranked.keys() == {CANDIDATE, ACTIVE, *POPULARITY, *LEARNED}
    assert len(POPULARITY + LEARNED) == 10
    assert 290 < evidence_kept["next_visit"]["visits"] <= 300  # some saw their last film before
    assert ranked[CANDIDATE]["ndcg10"] > ranked["popularity"]["ndcg10"] + ranked["popularity"]["low"] > 0
    assert ranked[ACTIVE]["difference"] == ranked[ACTIVE]["low"] == ranked[ACTIVE]["high"] == 0
    assert all(values["seconds"] >= 0 for values in ranked.values())
    assert sum(check["name"].startswith("Next visit") for check in evidence_kept["checks"]) == 2


def next_visits(candidate, popular, high, **others):
    """Return evidence where the films of the last three days are the best popular list."""
    ranked = {name: {"ndcg10": 0.01, "difference": 0.1, "low": 0.09, "high": 0.11} for name in POPULARITY}
    ranked |= {CANDIDATE: {"ndcg10": candidate}} | others
    difference = candidate - popular
    ranked["popularity_3"] = {"ndcg10": popular, "difference": difference, "low": difference - 0.1, "high": high}
    return {"visits": 500, "ranked": ranked}


def test_a_candidate_surely_below_what_is_popular_fails_unless_the_active_model_is_below_it_too():
    def check(*figures, **others):
        return gate_checks.follows_what_is_popular(next_visits(*figures, **others))

    below = check(0.10, 0.15, -0.02)
    assert (below.name, below.passed) == ("Next visit: not worse than the films popular in the last 3 days", False)
    assert "0.1000 against 0.1500: -0.0500" in below.detail
    assert check(0.14, 0.15, 0.02).passed
    assert not check(0.10, 0.15, -0.02, active={"ndcg10": 0.16}).passed
    assert check(0.10, 0.15, -0.02, active={"ndcg10": 0.12}).passed


def test_a_candidate_surely_below_the_active_model_at_the_next_visit_fails():
    active = {"ndcg10": 0.2, "difference": -0.1, "low": -0.2, "high": -0.05}
    assert not gate_checks.serves_next_visit("old", next_visits(0.1, 0.05, 0.2, active=active)).passed
    assert gate_checks.serves_next_visit("old", next_visits(0.1, 0.05, 0.2, active=active | {"high": 0.01})).passed


def test_popular_films_are_better_than_a_model_only_where_that_is_sure():
    surely = {"popularity_30": {"ndcg10": 0.2, "high": -0.01}, "popularity": {"ndcg10": 0.1, "high": 0.01}}
    metrics = {"gate": {"next_visit": {"ranked": surely}}}
    assert evidence.better_without_it(metrics) == "the films popular in the last 30 days"
    surely["popularity_30"]["high"] = 0.0
    assert evidence.better_without_it(metrics) is None
    assert evidence.better_without_it({}) is None


def test_a_model_as_good_as_the_active_one_passes_segment_by_segment(judge_candidate, model_folder):
    verdict = judge_candidate(active=load_ranker(model_folder))
    assert verdict.passed, verdict.reason
    assert {"viewers of fewer than 20 films", "Low"} <= set(verdict.figures["gate"]["segments"])
    assert all(part["difference"] == 0 for part in verdict.figures["gate"]["segments"].values())


@pytest.mark.parametrize("poison", [constant, lambda good: Popular(good.model, good.vocab, version="popular")])
def test_a_candidate_that_only_lists_what_is_popular_stays_one(judge_candidate, model_folder, poison):
    verdict = judge_candidate(poison, load_ranker(model_folder))
    assert not verdict.passed
    names = failed(verdict)
    assert "Better than the most popular films" in names
    assert any(name.startswith("Not worse than the active model") for name in names)
    assert "No segment falls by more than 10%" in names
    assert "popularity" in verdict.reason


def test_a_candidate_with_scores_that_are_not_finite_is_rejected(judge_candidate, model_folder):
    verdict = judge_candidate(broken, load_ranker(model_folder))
    assert (verdict.passed, failed(verdict)) == (False, ["Scores are finite"])
    assert verdict.figures["ndcg10"] == 0


@pytest.mark.parametrize(
    ("baseline", "active", "passed"),
    [("recent_popularity", 3.0, False), ("recent_popularity", 9.0, True), ("popularity", 9.0, False)],
)
def test_an_active_model_worse_than_recent_popularity_is_not_kept(baseline, active, passed):
    """The candidate's rank is 5, the baseline's 4."""
    own, those, before = (np.full(300, rank) for rank in (5.0, 4.0, active))
    check = gate_checks.better_than_baseline(baseline, own, those, before)
    assert (check.passed, "the active model is not better either: 0.3010" in check.detail) == (passed, passed)
    assert not gate_checks.better_than_baseline(baseline, own, those).passed


def test_one_segment_may_not_pay_for_the_others():
    """500 viewers of one genre gain what 100 of another lose."""
    before = np.full(600, 2.0)
    own = np.where(np.arange(600) < 500, 1.0, 5.0)
    parts = {"Drama": np.arange(600) < 500, "Western": np.arange(600) >= 500}
    check = gate_checks.no_segment_falls(segments.compare_segments(own, before, parts))
    assert gate_checks.not_worse_than_active("old", own, before).passed
    assert not check.passed
    assert check.detail == "Western 0.6309 to 0.3869"


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({}, []),
        ({"coverage": 0.19}, ["Enough of the catalogue is shown"]),
        ({"popularity_bias": 0.71}, ["Lists do not drift to popular films"]),
        ({"alike": 0.55}, ["Lists are personal"]),
    ],
)
def test_bounds_of_lists(changed, fails):
    usual = {"coverage": 0.4, "popularity_bias": 0.2, "alike": 0.1}
    lists = {"candidate": usual | changed, "active": usual, "popularity": usual | {"alike": 0.6}}
    assert [check.name for check in gate_checks.check_lists(lists, movies=1000) if not check.passed] == fails
    better = gate_checks.check_lists(lists, movies=1000, surely_better=True)
    assert [check.name for check in better if not check.passed] == [name for name in fails if "personal" in name]
