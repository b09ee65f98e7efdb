"""Fit the term of new films on validation, after training and everything else.

Known films are looked at as if they were new, a twentieth of them at a time: by their metadata alone, without
transitions, EASE and counts. So each target is two examples, one with its own film among the new ones, and one with
others. They weigh one to nineteen, as often as a target is one of them. As with the ensemble, the loss is a softmax
over the films that a list could have.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.ml import evaluate
from recommender.ml.cold_items import ColdItems
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.new_film_term import NewFilmTerm
from recommender.ml.popularity import DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.training_tokens import TrainingTokens

GROUPS = 20  # one of them at a time is new
MAX_TARGETS = 1_000
CANDIDATES, NEW_CANDIDATES = 200, 50  # best known and new films of an example
MIN_TARGETS = 100  # with a new target among the candidates; fewer say too little
MIN_MOVIES = 100  # known films with metadata
RIDGE = 3.0  # on the weights of the vectors' columns, for films' counts
PADDING = -1e9  # the score of no film
NOBODYS_ID = np.iinfo(np.int32).min  # of a film without counts


class _Example(NamedTuple):
    scores: Tensor  # [c], of new films before slope and offset
    excess: Tensor  # [c], what is expected of them over the mean; 0 for known films
    is_new: Tensor  # bool [c]
    target: int
    weight: float


class _Films(NamedTuple):
    """The known films as if they were new."""

    cold_items: ColdItems
    columns: np.ndarray  # int64 [K], of the vocabulary
    group_of: np.ndarray  # int64 [N], -1 for films that are not among them
    groups: list[np.ndarray]  # by group, places among the K
    excess: Tensor  # float32 [K]


def fit_new_film_term(
    ranker: Ranker,
    tokens: Tokens,
    ends: np.ndarray,
    validation: Targets,
    popularity: DailyPopularity | None = None,
) -> Ranker:
    """Return `ranker`, whose model learned from the tokens before row `ends` [U], with a term for new films; without
    one where the model reads no metadata, or `validation` has too few targets. `popularity`: see `ranker_scorer`."""
    on_device = ranker.metadata_vectors()
    if on_device is None or ranker.model.scorer is not None:
        return ranker
    vectors = on_device.cpu()
    num_items = len(ranker.vocab)
    latest = (popularity or DailyPopularity.from_tokens(tokens, num_items, ends)).latest()
    is_known = TrainingTokens(tokens, ends, num_items).counts() > 0
    described = vectors.any(1).numpy()
    known = np.flatnonzero(described & is_known)
    if len(known) < MIN_MOVIES:
        return ranker
    counts = torch.from_numpy(np.log1p(latest[known]))
    term = NewFilmTerm(
        counts=_ridge(vectors[known], counts),
        mean=counts[:, -1].mean(),
        weights=torch.zeros(2, 2),
        scales=torch.tensor([1.0, float(ranker.ensemble.log_weights[0].exp()) if ranker.ensemble else 1.0]),
        quota=torch.tensor(len(known) / GROUPS),
        unwatched=torch.from_numpy(np.flatnonzero(described & ~is_known)),
    )
    films = _group_films(ranker, known, on_device[known], term)
    # A request within a visit is answered without the ensemble, a stored list, of no time, by it.
    regimes: list[tuple[Ranker, TimeMode]] = [(ranker.with_ensemble(None), "request"), (ranker, "unknown")]
    weights = [
        _fit([*_read_examples(own, term, tokens, validation, mode, popularity, films)], scale)
        for (own, mode), scale in zip(regimes, term.scales, strict=True)
    ]
    if any(fitted is None for fitted in weights):
        return ranker
    return ranker.with_new_film_term(term._replace(weights=torch.stack([w for w in weights if w is not None])))


def _group_films(ranker: Ranker, columns: np.ndarray, vectors: Tensor, term: NewFilmTerm) -> _Films:
    """Divide the films at `columns` [K], with `vectors` from their metadata, into groups by chance."""
    group = np.random.default_rng(0).permutation(len(columns)) % GROUPS
    group_of = np.full(len(ranker.vocab), -1)
    group_of[columns] = group
    return _Films(
        ColdItems(np.full(len(columns), NOBODYS_ID, np.int32), vectors, 0),
        columns,
        group_of,
        [np.flatnonzero(group == number) for number in range(GROUPS)],
        term.expected_counts(vectors.cpu())[:, -1] - term.mean,
    )


def _ridge(vectors: Tensor, counts: Tensor) -> Tensor:
    """Return the weights of the vectors [n, D] and of 1 that give `counts` [n, C] best: float32 [C, D + 1]."""
    columns = torch.cat([vectors, torch.ones(len(vectors), 1)], 1).double()
    penalty = torch.full((columns.shape[1],), RIDGE, dtype=torch.double)
    penalty[-1] = 0
    return torch.linalg.solve(columns.T @ columns + penalty.diag(), columns.T @ counts.double()).T.float()


def _read_examples(
    ranker: Ranker,
    term: NewFilmTerm,
    tokens: Tokens,
    validation: Targets,
    mode: TimeMode,
    popularity: DailyPopularity | None,
    films: _Films,
) -> Iterator[_Example]:
    """Yield the examples whose target is among their candidates."""
    rng = np.random.default_rng(0)
    new_ranker = ranker.with_new_film_term(term)
    targets = evaluate.sample_targets(validation, MAX_TARGETS)
    targets = Targets(*(column[films.group_of[tokens.items[targets.rows] - 1] >= 0] for column in targets))
    read = tokens._replace(timed=np.zeros_like(tokens.timed)) if mode == "none" else tokens
    for chunk in evaluate.chunks(targets):
        states = ranker.encode_tokens(read, *chunk, evaluate.request_times(tokens, chunk, mode))
        scores = torch.from_numpy(evaluate.scores_by_day(ranker, states, popularity, tokens.times[chunk.rows]))
        scores[:, term.unwatched] = -torch.inf
        new_scores = torch.from_numpy(new_ranker.cold_scores(states, films.cold_items))
        seen = evaluate.seen_items(tokens, chunk)
        for row, item in enumerate((tokens.items[chunk.rows] - 1).tolist()):
            scores[row, seen[row]] = -torch.inf
            places = torch.from_numpy(np.searchsorted(films.columns, np.intersect1d(seen[row], films.columns)))
            new_scores[row, places] = -torch.inf
            own = int(films.group_of[item])
            other = int((own + rng.integers(1, GROUPS)) % GROUPS)
            for group, weight in ((own, 1 / GROUPS), (other, 1 - 1 / GROUPS)):
                example = _make_example(scores[row], new_scores[row], films, group, item, weight)
                if example is not None:
                    yield example


def _make_example(
    scores: Tensor, new_scores: Tensor, films: _Films, group: int, item: int, weight: float
) -> _Example | None:
    """Return the example of the target `item` in which the films of `group` are new: the others have `scores` [N], they
    have `new_scores` [K]; -inf for seen films. None where the target is not among the candidates."""
    places = torch.from_numpy(films.groups[group])
    others = scores.clone()
    others[torch.from_numpy(films.columns)[places]] = -torch.inf
    best, columns = others.topk(min(CANDIDATES, len(others)))
    new_best, new = new_scores[places].topk(min(NEW_CANDIDATES, len(places)))
    new = places[new]
    candidates = torch.cat([best, new_best])
    is_target = torch.cat([columns, torch.from_numpy(films.columns)[new]]) == item
    is_target &= candidates > -torch.inf
    if not is_target.any():
        return None
    return _Example(
        (candidates - candidates.max()).clamp(min=PADDING),
        torch.cat([torch.zeros(len(columns)), films.excess[new]]),
        torch.arange(len(candidates)) >= len(columns),
        int(is_target.nonzero()[0]),
        weight,
    )


def _fit(examples: list[_Example], scale: Tensor) -> Tensor | None:
    """Return the slope and the offset with the least loss, float32 [2]; None where too few targets are new films."""
    if sum(bool(example.is_new[example.target]) for example in examples) < MIN_TARGETS:
        return None
    scores, excess, is_new, target, weight = _pad(examples)
    weights = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = scale * scores + is_new * (weights[0] * excess + weights[1])
        value = (F.cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def _pad(examples: list[_Example]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return scores, excess and whether films are new, [n, C] each, targets int64 [n] and weights [n]."""
    scores = torch.nn.utils.rnn.pad_sequence([example.scores for example in examples], True, PADDING)
    excess = torch.nn.utils.rnn.pad_sequence([example.excess for example in examples], True)
    is_new = torch.nn.utils.rnn.pad_sequence([example.is_new for example in examples], True)
    target = torch.tensor([example.target for example in examples])
    return scores, excess, is_new, target, torch.tensor([example.weight for example in examples])
