"""How much a list depends on the order within past visits: it tells the page that a viewer went down, not a taste."""

from typing import Any

import numpy as np

from benchmarks.quality.next_visit import LIST_LENGTH, Split, VisitRanks, ndcg_difference
from recommender.ml import visits
from recommender.ml.data import tokenise

SEED = 1


def shuffle_within_visits(split: Split, seed: int = SEED) -> Split:
    """Return the split with the films of each visit in random order; their times stay in order.

    What is popular, what is asked and what is trained on stay as they were.
    """
    histories, found = split.histories, visits.find_visits(split.tokens)
    visit_of_row = np.repeat(np.arange(len(found.starts)), found.stops - found.starts)
    order = np.lexsort((np.random.default_rng(seed).random(len(visit_of_row)), visit_of_row))
    histories = histories._replace(movie_ids=histories.movie_ids[order], ratings=histories.ratings[order])
    own_tokens = tokenise(histories, split.task.vocab)
    return split._replace(
        histories=histories,
        tokens=tokenise(histories, split.catalogue),
        task=split.task._replace(tokens=own_tokens),
    )


def order_dependence(split: Split, ranked: VisitRanks, shuffled: VisitRanks) -> dict[str, Any]:
    """Return the share of the first ten films that the two have in common, mean over the visits, and what shuffling
    changes of NDCG@10."""
    both = np.concatenate([ranked.lists[:, :LIST_LENGTH], shuffled.lists[:, :LIST_LENGTH]], axis=1)
    both.sort(axis=1)
    overlap = (np.diff(both, axis=1) == 0).sum(1) / min(LIST_LENGTH, ranked.lists.shape[1])
    return {
        "overlap10": round(float(overlap.mean()), 4),
        "ndcg10": ndcg_difference(split, [shuffled], ranked),
    }
