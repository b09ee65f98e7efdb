"""A model of another vocabulary as a scorer of these movies: the active version beside the candidate."""

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets, ranker_scorer
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab


def scorer_for_vocabulary(ranker: Ranker, vocab: Vocab, tokens: Tokens) -> Scorer:
    """Return an older model as a scorer of the movies of `vocab`, for `tokens` in that vocabulary.

    Movies that it does not know stand below all others.
    """
    if np.array_equal(vocab.movie_ids, ranker.movie_ids):
        return ranker_scorer(ranker)  # the tokens are in its vocabulary: a copy would be as large as they are
    own_tokens, row_of = remap_tokens(tokens, vocab, ranker.vocab)
    columns = vocab.encode(ranker.movie_ids) - 1

    def score(_: Tokens, targets: Targets) -> np.ndarray:
        embeddings = ranker.encode_tokens(own_tokens, targets.viewers, row_of[targets.rows])
        own = ranker.scores(embeddings)
        scores = np.repeat(own.min(1, keepdims=True) - 1, len(vocab), axis=1)
        scores[:, columns[columns >= 0]] = own[:, columns >= 0]
        return scores

    return score


def remap_tokens(tokens: Tokens, vocab: Vocab, other: Vocab) -> tuple[Tokens, np.ndarray]:
    """Return the tokens in another vocabulary, without movies that it lacks, and where each row of `tokens` went.

    The second, int [rows + 1]: for every row, and one past the last, how many rows before it remain.
    """
    other_id = np.append(0, other.encode(vocab.movie_ids))
    items, taste = other_id[tokens.items], other_id[tokens.taste_items]
    row_of = np.append(0, np.cumsum(items > 0))
    taste_row_of = np.append(0, np.cumsum(taste > 0))
    keep = items > 0
    return (
        Tokens(
            indptr=row_of[tokens.indptr],
            items=items[keep],
            times=tokens.times[keep],
            stars=tokens.stars[keep],
            timed=tokens.timed,
            taste_indptr=taste_row_of[tokens.taste_indptr],
            taste_items=taste[taste > 0],
            taste_weights=tokens.taste_weights[taste > 0],
            taste_seen=taste_row_of[tokens.taste_seen[keep]],
        ),
        row_of,
    )
