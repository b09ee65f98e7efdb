"""Fit the ensemble's weights on validation, after training.

The films that a list could have decide, not the long tail: the loss is a softmax over the best films by each part.
Likelihood over all films gives half the NDCG@10 (docs/lab-log.md, 48 and 49). All new films of a visit are its targets.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml import evaluate
from recommender.ml.data import Tokens
from recommender.ml.ease import HISTORY, ItemWeights
from recommender.ml.ensemble import (
    NUM_COUNTS,
    NUM_FIELDS,
    NUM_PARTS,
    NUM_TRAITS,
    Ensemble,
    film_fields,
    is_within_visit,
    log_ease,
    part_weights,
    viewer_traits,
)
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.popularity import DAY, DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.token_files import release_pages, token_blocks
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import last_items
from recommender.ml.visits import Visits, relevant_items

MAX_VISITS = 2_000  # of a time mode
MAX_MEAN_VIEWERS = 2_000  # whose scores' mean is a film's bias
CANDIDATES = 60  # films of each source
MIN_VISITS = 100  # with a target among the candidates; fewer say too little
HIDDEN = 16  # units of the network
STEPS, BATCH_SIZE, LR, WEIGHT_DECAY = 500, 128, 1e-2, 1e-2
LR_GLOBAL = 5e-2  # of the global weights
PULL = 300.0  # visits whose loss grows by 1 where a global weight is e times the prior's
PADDING = -1e9  # the score of no film
HELD_OUT = 4  # one viewer in so many says whether the ensemble is better than the model
# Weights that are sensible on any data, in the order of the parts: fitted ones are near them where there is little to
# fit on. From MovieTweetings and ml-1m (docs/lab-log.md, 53).
PRIOR_WEIGHTS = (0.04, 0.3, 0.1, 0.2, 0.2, 0.1, 0.015, 0.015, 0.3)


class Examples(NamedTuple):
    """Visits among their candidates, padded to C films."""

    viewers: np.ndarray  # int64 [n]
    traits: Tensor  # float32 [n, NUM_TRAITS]
    plain: Tensor  # float32 [n, C]: the model's scores with transitions; PADDING at padding
    parts: Tensor  # float32 [n, NUM_PARTS, C]: these without the bias, EASE, the fields
    targets: Tensor  # float32 [n, C]: 1 for films of the visit
    relevant: Tensor  # float32 [n]: films of the visit, also those that are no candidates

    def select(self, rows: np.ndarray) -> "Examples":
        """Return some of the examples."""
        tensors = (column[torch.from_numpy(rows)] for column in self[1:])
        return Examples(self.viewers[rows], *tensors)


class WeightNetwork(nn.Module):
    """Viewers' traits -> logs of the parts' weights, near those of the prior. It starts there."""

    def __init__(self, traits: Tensor) -> None:
        super().__init__()
        self.mean, self.spread = traits.mean(0), traits.std(0).clamp(min=1e-3)
        self.input, self.output = nn.Linear(NUM_TRAITS, HIDDEN), nn.Linear(HIDDEN, NUM_FIELDS)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.shift = nn.Parameter(torch.zeros(NUM_PARTS))

    # As the fields of an `Ensemble`.
    hidden = property(lambda self: self.input.weight)
    hidden_bias = property(lambda self: self.input.bias)
    out = property(lambda self: self.output.weight)
    out_bias = property(lambda self: self.output.bias)
    log_weights = property(lambda self: torch.tensor(PRIOR_WEIGHTS).log() + self.shift)

    def forward(self, examples: Examples) -> Tensor:
        """Return the logits of the candidates, [n, C]."""
        weights = part_weights(examples.traits, self)
        logits = (weights.exp().unsqueeze(1) @ examples.parts).squeeze(1)
        return logits.masked_fill(examples.plain == PADDING, PADDING)

    def fields(self) -> dict[str, Tensor]:
        """Return the network as fields of an `Ensemble`."""
        names = ("mean", "spread", "hidden", "hidden_bias", "out", "out_bias", "log_weights")
        return {name: getattr(self, name).detach().clone() for name in names}


def fit_ensemble(
    ranker: Ranker,
    tokens: Tokens,
    ends: np.ndarray,
    validation: Visits,
    popularity: DailyPopularity,
    ease: ItemWeights | None = None,
) -> Ranker:
    """Return `ranker`, whose model learned from the tokens before row `ends` [U], in an ensemble. `ease`: fitted on
    these tokens.

    It is fitted on the films of the visits `validation` in all time modes, at the counts of the midnight before each.
    Where it does not raise NDCG@10 for viewers who are left out of the fit, the ranker stays as it is.
    """
    if not len(validation.viewers):
        return ranker
    start = prior_ensemble(ranker, tokens, ends, validation, popularity, ease)
    parts = [
        example
        for mode in evaluate.TIME_MODES
        for example in _read_examples(ranker, start, tokens, validation, mode, popularity)
    ]
    if len(parts) < MIN_VISITS:
        return ranker
    examples = _pad(parts)
    held_out = examples.viewers % HELD_OUT == 0
    if held_out.all() or not held_out.any():
        return ranker
    check = examples.select(np.flatnonzero(held_out))
    if _ndcg(_train(examples.select(np.flatnonzero(~held_out)))(check), check) <= _ndcg(check.plain, check):
        return ranker
    network = _train(examples)
    return ranker.with_ensemble(Ensemble(**(start._asdict() | network.fields())))


def prior_ensemble(
    ranker: Ranker,
    tokens: Tokens,
    ends: np.ndarray,
    visits: Visits,
    popularity: DailyPopularity,
    ease: ItemWeights | None = None,
) -> Ensemble:
    """Return the ensemble of a ranker, whose model learned from the tokens before row `ends` [U], at the prior's
    weights for everybody. The means of a film are over viewers at the start of `visits`: those who come back."""
    num_items = len(ranker.vocab)
    ease = ease or ItemWeights.from_training(TrainingTokens(tokens, ends, num_items))
    sample = evaluate.sample_targets(Targets(visits.viewers, visits.starts), MAX_MEAN_VIEWERS)
    ease_scores, count = ease.scorer(), len(sample.viewers)
    mean_viewer = torch.zeros(ranker.width)
    with torch.inference_mode():
        bias, ease_mean = torch.zeros(num_items), torch.zeros(num_items)
        for rows in np.array_split(np.arange(count), max(1, count // evaluate.CHUNK_SIZE)):
            states = ranker.encode_tokens(tokens, sample.viewers[rows], sample.rows[rows])
            history = torch.from_numpy(last_items(tokens, sample.viewers[rows], sample.rows[rows], HISTORY))
            ease_mean += log_ease(ease_scores(history)).sum(0) / count
            bias += torch.from_numpy(ranker.scores(states)).sum(0) / count
            mean_viewer += torch.from_numpy(states[:, : ranker.width]).sum(0) / count
            release_pages(tokens)
    if ranker.model.scorer is not None:  # only its candidates have scores of their own
        bias, mean_viewer = torch.zeros_like(bias), torch.zeros_like(mean_viewer)
    counts = torch.from_numpy(popularity.latest())
    network = WeightNetwork(torch.tensor([[-1.0], [1.0]]).expand(2, NUM_TRAITS))
    first_watched = torch.from_numpy(first_watch_times(tokens, num_items))
    return Ensemble(
        first_watched=first_watched,
        counts=counts,
        totals=counts.sum(0),
        bias=bias,
        ease_mean=ease_mean,
        mean_viewer=mean_viewer,
        ease=ease,
        **network.fields(),
    )


def first_watch_times(tokens: Tokens, num_items: int) -> np.ndarray:
    """Return when each film was first watched, int64 [num_items + 1], unix seconds by token id; 0: never."""
    never = np.iinfo(np.int64).max
    first = np.full(num_items + 1, never)
    for rows in token_blocks(tokens):
        np.minimum.at(first, tokens.items[rows], tokens.times[rows])
    return np.where(first == never, 0, first)


class _Example(NamedTuple):
    viewer: int
    traits: np.ndarray  # [NUM_TRAITS]
    plain: Tensor  # [c]
    parts: Tensor  # [NUM_PARTS, c]
    targets: Tensor  # [c]
    relevant: int  # films of the visit


def _read_examples(
    ranker: Ranker,
    start: Ensemble,
    tokens: Tokens,
    validation: Visits,
    mode: TimeMode,
    popularity: DailyPopularity,
) -> Iterator[_Example]:
    """Yield the visits that have a film among their candidates, but for requests within a visit."""
    sample = np.sort(np.random.default_rng(0).permutation(len(validation.viewers))[:MAX_VISITS])
    # A day's counts are counted once.
    visits = validation.select(sample[np.argsort(tokens.times[validation.starts[sample]] // DAY, kind="stable")])
    score, ease_scores = evaluate.ranker_scorer(ranker, mode), start.ease.scorer()
    for first in range(0, len(visits.viewers), evaluate.CHUNK_SIZE):
        part = visits.select(np.arange(first, min(first + evaluate.CHUNK_SIZE, len(visits.viewers))))
        chunk, relevant = Targets(part.viewers, part.starts), relevant_items(tokens, part)
        scores = torch.from_numpy(np.array(score(tokens, chunk), np.float32))
        timed = tokens._replace(timed=np.zeros_like(tokens.timed)) if mode == "none" else tokens
        traits = viewer_traits(timed, *chunk, evaluate.request_times(tokens, chunk, mode), start.first_watched.numpy())
        within, seen = is_within_visit(traits), evaluate.seen_items(tokens, chunk)
        history = torch.from_numpy(last_items(tokens, *chunk, HISTORY))
        for row, day in enumerate((tokens.times[chunk.rows] // DAY).tolist()):
            items = relevant.items[relevant.indptr[row] : relevant.indptr[row + 1]]
            if within[row] or not len(items):
                continue
            counts = torch.from_numpy(popularity.at_day(day))
            ease = log_ease(ease_scores(history[row : row + 1]))[0]
            fields = film_fields(counts, counts.sum(0))
            candidates = _candidates(scores[row], ease, fields, torch.from_numpy(seen[row]))
            targets = torch.isin(candidates, torch.from_numpy(items)).float()
            if targets.any():
                own = scores[row, candidates]
                taste = torch.stack([own - start.bias[candidates], (ease - start.ease_mean)[candidates]])
                parts = torch.cat([taste, fields[:, candidates]])
                yield _Example(int(chunk.viewers[row]), traits[row], own, parts, targets, len(items))


def _candidates(scores: Tensor, ease: Tensor, fields: Tensor, seen: Tensor) -> Tensor:
    """Return the columns of the best unseen films by the model, by EASE and by each field, int64 [c]."""
    count = min(CANDIDATES, len(scores))
    ties = fields[NUM_COUNTS - 1] * 1e-4  # of one count the film with more watches in all
    sources = torch.cat([scores[None], ease[None], fields + ties])
    sources[:, seen] = -torch.inf
    best, columns = sources.topk(count, dim=1)
    return columns[best > -torch.inf].unique()


def _pad(parts: list[_Example]) -> Examples:
    width = max(len(part.plain) for part in parts)
    plain = torch.full((len(parts), width), PADDING)
    own_parts, targets = torch.zeros(len(parts), NUM_PARTS, width), torch.zeros(len(parts), width)
    for row, part in enumerate(parts):
        stop = len(part.plain)
        plain[row, :stop], own_parts[row, :, :stop], targets[row, :stop] = part.plain, part.parts, part.targets
    return Examples(
        np.array([part.viewer for part in parts]),
        torch.from_numpy(np.stack([part.traits for part in parts])),
        plain,
        own_parts,
        targets,
        torch.tensor([float(part.relevant) for part in parts]),
    )


def _train(examples: Examples) -> WeightNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = WeightNetwork(examples.traits)
    layers = [*network.input.parameters(), *network.output.parameters()]
    groups = [
        {"params": [network.shift], "lr": LR_GLOBAL, "weight_decay": 0.0},
        {"params": layers, "lr": LR, "weight_decay": WEIGHT_DECAY},
    ]
    optimiser = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, STEPS)
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        batch = examples.select(rng.integers(0, len(examples.viewers), min(BATCH_SIZE, len(examples.viewers))))
        shares = batch.targets / batch.targets.sum(1, keepdim=True)
        loss = -(F.log_softmax(network(batch), 1) * shares).sum(1).mean()
        loss = loss + PULL * network.shift.square().sum() / len(examples.viewers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


@torch.no_grad()
def _ndcg(logits: Tensor, examples: Examples) -> float:
    """Return the mean NDCG@10 of the visits among their candidates."""
    count = min(10, logits.shape[1])
    gains = examples.targets.gather(1, logits.topk(count, 1).indices)
    discounts = 1 / torch.log2(torch.arange(count) + 2.0)
    best = torch.cat([torch.zeros(1), discounts.cumsum(0)])[examples.relevant.clamp(max=count).long()]
    return float(((gains * discounts).sum(1) / best).mean())
