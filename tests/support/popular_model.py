"""A popularity term with given weights, the same for every viewer."""

import torch

from recommender.ml.popularity import NUM_COUNTS
from recommender.ml.popularity_term import NUM_FIELDS, NUM_TRAITS, PopularityTerm


def fixed_term(weights: list[float], learned: torch.Tensor, counts: torch.Tensor | None = None) -> PopularityTerm:
    """Return a term with the weights of the fields [NUM_FIELDS], for films of which `learned` [N] watches were learned
    from; `counts` [N, NUM_COUNTS] are 0 by default."""
    num_items = len(learned)
    return PopularityTerm(
        torch.zeros(num_items + 1, dtype=torch.int64),
        learned,
        torch.zeros(num_items, NUM_COUNTS) if counts is None else counts,
        torch.zeros(NUM_TRAITS),
        torch.ones(NUM_TRAITS),
        torch.zeros(4, NUM_TRAITS),
        torch.zeros(4),
        torch.zeros(NUM_FIELDS + 1, 4),
        torch.tensor([*weights, 0.0]),
    )
