"""GrowthBook's statistics judge our intervals that hold at every moment, on the same viewers."""

import json
import subprocess

import numpy as np
import pytest

from benchmarks.peers.environments import make_environment
from recommender.experiments.statistics import Units, compare

# Reads for each experiment the sums of both arms, and answers with the interval and the p-value of both tests.
JUDGE = """
import json, sys
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import RatioStatistic, SampleMeanStatistic

def arm(sums):
    n, above, above_squared, below, below_squared, product = sums
    return RatioStatistic(
        n=n,
        m_statistic=SampleMeanStatistic(n=n, sum=above, sum_squares=above_squared),
        d_statistic=SampleMeanStatistic(n=n, sum=below, sum_squares=below_squared),
        m_d_sum_of_products=product,
    )

answers = []
for control, treated, planned in json.load(sys.stdin):
    config = SequentialConfig(difference_type="absolute", sequential_tuning_parameter=planned)
    test = SequentialTwoSidedTTest(arm(control), arm(treated), config)
    answers.append([test.point_estimate, *test.confidence_interval, test.p_value])
print(json.dumps(answers))
"""


def make_arm(rng, viewers, better=0.0):
    shown = rng.poisson(8, viewers) + 1.0
    return Units(rng.binomial(shown.astype(int), rng.beta(2, 18, viewers) * (1 + better)).astype(float), shown)


def sums_of(units):
    above, below = units.above, units.below
    return [len(above), *map(float, (above.sum(), above @ above, below.sum(), below @ below, above @ below))]


@pytest.mark.slow
def test_intervals_and_p_values_are_those_of_gbstats():
    """In an environment of its own, which the first run installs (requirements-gbstats.txt)."""
    python = make_environment("gbstats")
    rng = np.random.default_rng(7)
    experiments = [
        (make_arm(rng, viewers), make_arm(rng, viewers + 30, better), planned)
        for viewers in (150, 2_000, 20_000)
        for better in (0.0, 0.1, 0.5)
        for planned in (500, 5_000, 50_000)
    ]
    asked = json.dumps([(sums_of(control), sums_of(arm), planned) for control, arm, planned in experiments])
    done = subprocess.run([python, "-c", JUDGE], input=asked, capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert len(answers) == len(experiments) == 27
    for (control, arm, planned), (difference, low, high, p_value) in zip(experiments, answers, strict=True):
        ours = compare(control, arm, planned)
        assert ours.difference == pytest.approx(difference, rel=1e-9)
        assert ours.sequential == (pytest.approx(low, rel=1e-6, abs=1e-12), pytest.approx(high, rel=1e-6, abs=1e-12))
        assert ours.p_value == pytest.approx(p_value, rel=1e-6, abs=1e-12)
