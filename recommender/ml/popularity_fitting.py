"""Fit the popularity term on validation, after training.

The films that a list could have decide, not the long tail: the loss is a softmax over the best films by the model and
by each count. Likelihood over all films gives half the NDCG@10 (docs/lab-log.md, 48 and 49).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml import evaluate
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.popularity import DAY, DailyPopularity
from recommender.ml.popularity_term import (
    NUM_COUNTS,
    NUM_FIELDS,
    NUM_TRAITS,
    PopularityTerm,
    film_fields,
    viewer_traits,
)
from recommender.ml.ranker import Ranker

MAX_TARGETS = 3_000  # of a time mode
CANDIDATES = 80  # films of each source
MIN_TARGETS = 100  # with a target among the candidates; fewer say too little
HIDDEN = 16  # units of the network
EPOCHS, BATCH_SIZE, LR, WEIGHT_DECAY = 8, 128, 1e-2, 1e-3
PADDING = -1e9  # the score of no film
HELD_OUT = 4  # one viewer in so many selects the epoch


class Examples(NamedTuple):
    """Targets among their candidates, padded to C films."""

    viewers: np.ndarray  # int64 [n]
    traits: Tensor  # float32 [n, NUM_TRAITS]
    scores: Tensor  # float32 [n, C]: without popularity; PADDING at padding
    fields: Tensor  # float32 [n, NUM_FIELDS, C]
    target: Tensor  # int64 [n]: the target's place among the candidates

    def select(self, rows: np.ndarray) -> "Examples":
        """Return some of the examples."""
        tensors = (column[torch.from_numpy(rows)] for column in self[1:])
        return Examples(self.viewers[rows], *tensors)


class WeightNetwork(nn.Module):
    """Viewers' traits -> weights of the films' fields and, as its log, of the model. It starts from no popularity."""

    def __init__(self, traits: Tensor) -> None:
        super().__init__()
        self.mean, self.spread = traits.mean(0), traits.std(0).clamp(min=1e-3)
        self.hidden, self.out = nn.Linear(NUM_TRAITS, HIDDEN), nn.Linear(HIDDEN, NUM_FIELDS + 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, examples: Examples) -> Tensor:
        """Return the logits of the candidates, [n, C]."""
        out = self.out(F.silu(self.hidden((examples.traits - self.mean) / self.spread)))
        weights, of_model = out[:, :NUM_FIELDS], out[:, NUM_FIELDS:].exp()
        logits: Tensor = of_model * examples.scores + (weights.unsqueeze(1) @ examples.fields).squeeze(1)
        return logits

    def columns(self) -> tuple[Tensor, ...]:
        """Return the network as the last fields of a `PopularityTerm`."""
        layers = (self.hidden.weight, self.hidden.bias, self.out.weight, self.out.bias)
        return self.mean, self.spread, *(weights.detach().clone() for weights in layers)


def fit_popularity_term(
    ranker: Ranker,
    tokens: Tokens,
    ends: np.ndarray,
    validation: Targets,
    popularity: DailyPopularity,
    within_visits: Targets | None = None,
) -> Ranker:
    """Return `ranker`, whose model learned from the tokens before row `ends` [U], with a popularity term.

    It is fitted on `validation` in all time modes, and on `within_visits` with the request time, at the counts of the
    midnight before each target. Where it does not raise NDCG@10 for the viewers who were left out of the fit, the
    ranker stays as it is.
    """
    num_items = len(ranker.vocab)
    learned = DailyPopularity.from_tokens(tokens, num_items, ends).latest()[:, -1]
    first_watched = first_watch_times(tokens, num_items)
    sources: list[tuple[Targets, TimeMode]] = [(validation, mode) for mode in evaluate.TIME_MODES]
    if within_visits is not None:
        sources.append((within_visits, "request"))
    parts = [
        example
        for targets, mode in sources
        for example in _read_examples(
            ranker, tokens, targets, mode, popularity, torch.from_numpy(learned), first_watched
        )
    ]
    if len(parts) < MIN_TARGETS:
        return ranker
    network = _train(_pad(parts))
    if network is None:
        return ranker
    films = (torch.from_numpy(first_watched), torch.from_numpy(learned), torch.from_numpy(popularity.latest()))
    return ranker.with_popularity_term(PopularityTerm(*films, *network.columns()))


def first_watch_times(tokens: Tokens, num_items: int) -> np.ndarray:
    """Return when each film was first watched, int64 [num_items + 1], unix seconds by token id; 0: never."""
    never = np.iinfo(np.int64).max
    first = np.full(num_items + 1, never)
    np.minimum.at(first, tokens.items, tokens.times)
    return np.where(first == never, 0, first)


class _Example(NamedTuple):
    viewer: int
    traits: np.ndarray  # [NUM_TRAITS]
    scores: Tensor  # [c]
    fields: Tensor  # [NUM_FIELDS, c]
    target: int


def _read_examples(
    ranker: Ranker,
    tokens: Tokens,
    targets: Targets,
    mode: TimeMode,
    popularity: DailyPopularity,
    learned: Tensor,
    first_watched: np.ndarray,
) -> Iterator[_Example]:
    """Yield the targets that are among their candidates."""
    targets = evaluate.sample_targets(targets, MAX_TARGETS)
    order = np.argsort(tokens.times[targets.rows] // DAY, kind="stable")  # a day's counts are counted once
    score = evaluate.ranker_scorer(ranker, mode)
    for chunk in evaluate.chunks(Targets(*(column[order] for column in targets))):
        scores = torch.from_numpy(np.array(score(tokens, chunk), np.float32))
        timed = tokens._replace(timed=np.zeros_like(tokens.timed)) if mode == "none" else tokens
        asked_at = evaluate.request_times(tokens, chunk, mode)
        traits = viewer_traits(timed, *chunk, asked_at, first_watched)
        seen = evaluate.seen_items(tokens, chunk)
        for row, (day, item) in enumerate(
            zip((tokens.times[chunk.rows] // DAY).tolist(), (tokens.items[chunk.rows] - 1).tolist(), strict=True)
        ):
            fields = film_fields(torch.from_numpy(popularity.at_day(day)), learned)
            candidates = _candidates(scores[row], fields, torch.from_numpy(seen[row]))
            place = (candidates == item).nonzero()
            if len(place):
                own = scores[row, candidates]
                yield _Example(
                    int(chunk.viewers[row]), traits[row], own - own.max(), fields[:, candidates], int(place[0])
                )


def _candidates(scores: Tensor, fields: Tensor, seen: Tensor) -> Tensor:
    """Return the columns of the best unseen films by the scores and by each count, int64 [c]."""
    count = min(CANDIDATES, len(scores))
    ties = fields[NUM_COUNTS - 1] * 1e-4  # of one count the film with more watches in all
    sources = torch.cat([scores[None], fields[:NUM_COUNTS] + ties])
    sources[:, seen] = -torch.inf
    best, columns = sources.topk(count, dim=1)
    return columns[best > -torch.inf].unique()


def _pad(parts: list[_Example]) -> Examples:
    width = max(len(part.scores) for part in parts)
    scores = torch.full((len(parts), width), PADDING)
    fields = torch.zeros(len(parts), NUM_FIELDS, width)
    for row, part in enumerate(parts):
        scores[row, : len(part.scores)] = part.scores
        fields[row, :, : len(part.scores)] = part.fields
    return Examples(
        np.array([part.viewer for part in parts]),
        torch.from_numpy(np.stack([part.traits for part in parts])),
        scores,
        fields,
        torch.tensor([part.target for part in parts]),
    )


def _train(examples: Examples) -> WeightNetwork | None:
    """Return the network of the best epoch for the viewers left out; None where no epoch beats no popularity."""
    held_out = examples.viewers % HELD_OUT == 0
    if held_out.all() or not held_out.any():
        return None
    training, check = examples.select(np.flatnonzero(~held_out)), examples.select(np.flatnonzero(held_out))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = WeightNetwork(training.traits)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(0)
    best, kept = _ndcg(network, check), None
    for epoch in range(EPOCHS):
        for group in optimiser.param_groups:
            group["lr"] = LR * (1 - epoch / EPOCHS)
        order = rng.permutation(len(training.viewers))
        for start in range(0, len(order), BATCH_SIZE):
            batch = training.select(order[start : start + BATCH_SIZE])
            loss = F.cross_entropy(network(batch), batch.target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        value = _ndcg(network, check)
        if value > best:
            best, kept = value, {name: weights.clone() for name, weights in network.state_dict().items()}
    if kept is None:
        return None
    network.load_state_dict(kept)
    return network


@torch.no_grad()
def _ndcg(network: WeightNetwork, examples: Examples) -> float:
    """Return the mean NDCG@10 of the targets among their candidates."""
    logits = network(examples)
    own = logits.gather(1, examples.target[:, None])
    ranks = 1.0 + (logits > own).sum(1) + 0.5 * ((logits == own).sum(1) - 1)
    return float(torch.where(ranks <= 10, 1 / torch.log2(ranks + 1), torch.zeros(())).mean())
