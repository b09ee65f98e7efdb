"""What a candidate is worth to somebody who comes back: the list for the next visit, beside what needs no training.

Each measured viewer's films from the first held-out one to the end of that visit are what the list should have. What is
popular is known up to the midnight before the visit, everything else as of the training's end (protocol N of
docs/quality.md).
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from recommender.ml import evaluate, metrics, visits
from recommender.ml.baselines import Markov, baseline_fitters, rolling_popularity
from recommender.ml.evaluate import Scorer, Split, Targets
from recommender.ml.popularity import DAY, WINDOW_DAYS, DailyPopularity
from recommender.ml.training_tokens import TrainingTokens
from recommender.training.evidence import CANDIDATE, LEARNED

MAX_VISITS = 2_000  # measured
MAX_EASE_ITEMS = 4_000  # films that take part in EASE, whose fit takes their number to the third: some seconds


def measure_next_visits(
    models: Mapping[str, Scorer],
    training: TrainingTokens,
    held_out: Split,
    popularity: DailyPopularity,
    markov: Markov,
) -> dict[str, Any]:
    """Measure the models, the candidate and perhaps the active one by name, and the ten baselines.

    `markov` was fitted on `training` already. Returns how many visits there were and, under "ranked", for each ranker
    NDCG@10, HR@10 and recall@50, by how much the candidate's NDCG@10 is higher ("difference") with the bounds of its
    95 % interval ("low", "high"), and the seconds that fitting and ranking took.
    """
    tokens, targets = training.tokens, evaluate.sample_targets(held_out.test, MAX_VISITS)
    by_day = np.argsort(tokens.times[targets.rows] // DAY, kind="stable")  # each day's counts are counted once
    targets = Targets(*(column[by_day] for column in targets))
    relevant = visits.relevant_items(tokens, visits.rest_of_visits(tokens, targets.viewers, targets.rows))
    has_relevant = np.diff(relevant.indptr) > 0
    if not has_relevant.any():
        return {"visits": 0, "ranked": {}}
    scorers = {**models, "popularity": rolling_popularity(popularity, None)}
    scorers |= {f"popularity_{days}": rolling_popularity(popularity, days) for days in WINDOW_DAYS}
    fitters = baseline_fitters(training, max_ease_items=MAX_EASE_ITEMS, markov=markov)
    ranked: dict[str, Any] = {}
    gains: dict[str, np.ndarray] = {}
    for name in (*scorers, *LEARNED):
        started = time.monotonic()
        scorer = scorers[name] if name in scorers else fitters[name]()
        ranks = evaluate.rank_relevant(tokens, targets, relevant, scorer)
        gains[name] = visits.ndcg(ranks, relevant)
        ranked[name] = visits.summary(ranks, relevant) | {"seconds": round(time.monotonic() - started, 2)}
    own = gains[CANDIDATE][has_relevant]
    for name, gain in gains.items():
        bounds = metrics.paired_bootstrap(own, gain[has_relevant]) if name != CANDIDATE else (0.0, 0.0, 0.0)
        ranked[name] |= dict(zip(("difference", "low", "high"), (round(bound, 4) for bound in bounds), strict=True))
    return {"visits": int(has_relevant.sum()), "ranked": ranked}
