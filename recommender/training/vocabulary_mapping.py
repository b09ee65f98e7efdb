"""A model of another vocabulary as a scorer of these movies: the active version beside the candidate."""

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets, by_day, ranker_scorer
from recommender.ml.popularity import DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.truncated_histories import truncate_histories
from recommender.ml.vocab import Vocab


def scorer_for_vocabulary(ranker: Ranker, vocab: Vocab, popularity: DailyPopularity) -> Scorer:
    """Return an older model as a scorer of the movies of `vocab`, for tokens in that vocabulary and at the counts of
    the midnight before each target.

    Movies that it does not know stand below all others.
    """
    if np.array_equal(vocab.movie_ids, ranker.movie_ids):
        return ranker_scorer(ranker, popularity=popularity)
    columns = vocab.encode(ranker.movie_ids) - 1

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        # Of the few viewers alone: a copy of all tokens would be as large as they are.
        known, ends = truncate_histories(tokens, targets, len(tokens.items))
        own_tokens, row_of = remap_tokens(known, vocab, ranker.vocab)
        embeddings = ranker.encode_tokens(own_tokens, ends.viewers, row_of[ends.rows])
        scores = np.empty((len(embeddings), len(vocab)), np.float32)
        for rows, then in by_day(ranker, popularity, vocab.movie_ids, tokens.times[targets.rows]):
            own = then.scores(embeddings[rows])
            scores[rows] = own.min(1, keepdims=True) - 1
            scores[np.ix_(rows, columns[columns >= 0])] = own[:, columns >= 0]
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
