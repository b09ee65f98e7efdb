"""Is a candidate good enough to go live? Measured beside the baselines and the active model on the same targets."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import evaluate, metrics
from recommender.ml.baselines import Markov, Prefix, popularity, recent_popularity
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Split, Targets
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab

HELD_OUT = 0.05  # share of all events, the newest ones
MOST_VIEWERS = 10_000  # measured; half of them after each epoch, the other half at the end
FEWEST_VIEWERS = 200  # below it the newest events say too little, and each viewer's last two are taken
TOLERANCE = 0.01  # a candidate may lie this share below the active model: noise of the measurement
FIRM = "ndcg10"  # what is compared


class Verdict(NamedTuple):
    better: bool
    reason: str
    figures: dict[str, Any]  # hr10, ndcg10, ... of the candidate; "baselines" and "active" with the same


def split(tokens: Tokens, seed: int) -> tuple[Split, str]:
    """What is held out, and that in words."""
    recent = evaluate.newest(tokens, HELD_OUT, MOST_VIEWERS, np.random.default_rng(seed))
    if len(recent.test.rows) >= FEWEST_VIEWERS // 2:
        return recent, f"each viewer's first event among the newest {HELD_OUT:.0%} of all events"
    return evaluate.leave_one_out(tokens), "each viewer's last event"


def judge(candidate: Ranker, active: Ranker | None, tokens: Tokens, held_out: Split) -> Verdict:
    """`tokens` are in the candidate's vocabulary. The lists are made without a time of asking, and so is this."""
    prefix = Prefix(tokens, held_out.ends, len(candidate.vocab))
    others: dict[str, Scorer] = {
        "popularity": popularity(prefix),
        "recent_popularity": recent_popularity(prefix),
        "markov": Markov(prefix),
    }
    ranks = {name: evaluate.rank(tokens, held_out.test, scorer) for name, scorer in others.items()}
    own = evaluate.rank(tokens, held_out.test, evaluate.of_ranker(candidate))
    figures: dict[str, Any] = metrics.summary(own)
    figures["baselines"] = {name: metrics.summary(those) for name, those in ranks.items()}
    figures["active"] = None
    if active is not None:
        before = evaluate.rank(tokens, held_out.test, of_another(active, candidate.vocab, tokens))
        mean, low, high = metrics.paired_bootstrap(metrics.gains(own, 10), metrics.gains(before, 10))
        figures["active"] = metrics.summary(before) | {"name": active.version}
        figures["difference"] = {"ndcg10": mean, "low": low, "high": high}
    return Verdict(*_decide(figures), figures)


def _decide(figures: Mapping[str, Any]) -> tuple[bool, str]:
    own, popular = figures[FIRM], figures["baselines"]["popularity"][FIRM]
    if own <= popular:
        return False, f"NDCG@10 {own:.4f} does not beat popularity's {popular:.4f}"
    if figures["active"] is None:
        return True, f"the first model: NDCG@10 {own:.4f}, popularity {popular:.4f}"
    before, name = figures["active"][FIRM], figures["active"]["name"]
    words = f"NDCG@10 {own:.4f}, active model {name} {before:.4f}, popularity {popular:.4f}"
    if own < before * (1 - TOLERANCE):
        return False, f"more than {TOLERANCE:.0%} below the active model: {words}"
    return True, words


def of_another(ranker: Ranker, vocab: Vocab, tokens: Tokens) -> Scorer:
    """An older model as a scorer of the films of `vocab`, for `tokens` in that vocabulary. Films that it does not know
    stand below all others."""
    known, row_of = translated(tokens, vocab, ranker.vocab)
    columns = vocab.places(ranker.movie_ids) - 1

    def score(_: Tokens, targets: Targets) -> np.ndarray:
        states = ranker.encode_tokens(known, targets.viewers, row_of[targets.rows])
        own = ranker.scores(states)
        scores = np.repeat(own.min(1, keepdims=True) - 1, len(vocab), axis=1)
        scores[:, columns[columns >= 0]] = own[:, columns >= 0]
        return scores

    return score


def translated(tokens: Tokens, vocab: Vocab, other: Vocab) -> tuple[Tokens, np.ndarray]:
    """The tokens in another vocabulary, without films that it lacks; and for every row of `tokens` (and one past the
    last) how many rows before it remain."""
    place = np.append(0, other.places(vocab.movie_ids))
    items, taste = place[tokens.items], place[tokens.taste_items]
    row_of = np.append(0, np.cumsum(items > 0))
    taste_row_of = np.append(0, np.cumsum(taste > 0))
    kept = items > 0
    return (
        Tokens(
            indptr=row_of[tokens.indptr],
            items=items[kept],
            times=tokens.times[kept],
            stars=tokens.stars[kept],
            timed=tokens.timed,
            taste_indptr=taste_row_of[tokens.taste_indptr],
            taste_items=taste[taste > 0],
            taste_weights=tokens.taste_weights[taste > 0],
            taste_before=taste_row_of[tokens.taste_before[kept]],
        ),
        row_of,
    )
