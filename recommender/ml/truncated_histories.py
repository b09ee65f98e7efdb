"""Truncated histories: simulate cold viewers from viewers with long histories."""

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets
from recommender.ml.ragged import concatenate_ranges


def truncate_histories(tokens: Tokens, targets: Targets, max_tokens: int) -> tuple[Tokens, Targets]:
    """Return tokens with one viewer per target, who has the target, the `max_tokens` tokens before it and the taste
    from there on. `targets` [m] become viewers 0..m - 1."""
    viewers, rows = targets
    first = np.maximum(tokens.indptr[viewers], rows - max_tokens)
    token_rows, indptr = concatenate_ranges(first, rows + 1)
    older = tokens.taste_seen[np.maximum(first - 1, 0)]
    low = np.where(first > tokens.indptr[viewers], older, tokens.taste_indptr[viewers])
    taste_rows, taste_indptr = concatenate_ranges(low, tokens.taste_seen[rows])
    target_of_token = np.repeat(np.arange(len(rows)), np.diff(indptr))
    truncated = Tokens(
        indptr=indptr,
        items=tokens.items[token_rows],
        times=tokens.times[token_rows],
        stars=tokens.stars[token_rows],
        timed=tokens.timed[viewers],
        taste_indptr=taste_indptr,
        taste_items=tokens.taste_items[taste_rows],
        taste_weights=tokens.taste_weights[taste_rows],
        taste_seen=tokens.taste_seen[token_rows] + (taste_indptr[:-1] - low)[target_of_token],
    )
    return truncated, Targets(np.arange(len(rows)), indptr[1:] - 1)
