"""An ensemble with given weights, the same for every viewer."""

from collections.abc import Sequence

import torch

from recommender.ml.ease import ItemWeights
from recommender.ml.ensemble import NUM_FIELDS, NUM_TRAITS, Ensemble
from recommender.ml.popularity import NUM_COUNTS

HIDDEN = 4


def fixed_ensemble(
    weights: Sequence[float],
    num_items: int,
    *,
    counts: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    ease: ItemWeights | None = None,
    width: int = 128,
) -> Ensemble:
    """Return an ensemble with the weights of EASE and of the fields [NUM_PARTS - 1], in multiples of the model's;
    `counts` [N, NUM_COUNTS], `bias` [N] and `ease` are 0 by default."""
    counts = torch.zeros(num_items, NUM_COUNTS) if counts is None else counts
    nothing = ItemWeights(
        torch.zeros(num_items + 1, dtype=torch.int64), torch.zeros(0, dtype=torch.int32), torch.zeros(0)
    )
    return Ensemble(
        first_watched=torch.zeros(num_items + 1, dtype=torch.int64),
        counts=counts,
        totals=counts.sum(0),
        bias=torch.zeros(num_items) if bias is None else bias,
        ease_mean=torch.zeros(num_items),
        mean_viewer=torch.zeros(width),
        mean=torch.zeros(NUM_TRAITS),
        spread=torch.ones(NUM_TRAITS),
        hidden=torch.zeros(HIDDEN, NUM_TRAITS),
        hidden_bias=torch.zeros(HIDDEN),
        out=torch.zeros(NUM_FIELDS, HIDDEN),
        out_bias=torch.zeros(NUM_FIELDS),
        log_weights=torch.tensor([1.0, *weights]).log(),
        ease=nothing if ease is None else ease,
    )
