"""Cut token sequences into windows and gather them as padded tensors."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.config import GAP_BUCKETS, GAP_NONE, GAP_UNKNOWN, ModelConfig
from recommender.ml.data import Tokens
from recommender.ml.ragged import concatenate_ranges

LENGTH_STEP = 8  # lengths of a batch are multiples of this
UNSEEN = np.iinfo(np.int16).max  # of `first_seen_index`: the viewer has not seen the film


class Windows(NamedTuple):
    """Stretches of sequences: the encoder reads tokens start to stop - 1 of a viewer. All int64 [W]."""

    viewers: np.ndarray
    starts: np.ndarray  # rows of Tokens.items
    stops: np.ndarray

    def select(self, rows: np.ndarray | slice) -> Self:
        """Return some of the windows."""
        return type(self)(self.viewers[rows], self.starts[rows], self.stops[rows])

    def lengths(self) -> np.ndarray:
        """Return the tokens of each window, int64 [W]."""
        return self.stops - self.starts


_OF_TOKENS = ("items", "times", "gaps", "stars")  # columns of a batch that the tokens' own states come from


@dataclass
class Batch:
    """B windows, left-padded to L, with F rows of taste."""

    items: Tensor  # int64 [B, L]; 0 is padding
    times: Tensor  # int64 [B, L], unix seconds
    timed: Tensor  # bool [B]
    gaps: Tensor  # int64 [B, L]: bucket of the time from this token to the next one, or to the request
    stars: Tensor  # int64 [B, L]
    taste: Tensor  # int64 [B, F], right-padded
    taste_weights: Tensor  # float32 [B, F]
    taste_seen: Tensor  # int64 [B, L]: rows of `taste` known at this token

    def select(self, rows: np.ndarray | slice) -> Self:
        """Return some of the windows as a batch."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def columns(self, start: int, stop: int | None = None) -> Self:
        """Return the batch with some columns of its windows alone."""
        return replace(self, **{name: getattr(self, name)[:, start:stop] for name in (*_OF_TOKENS, "taste_seen")})

    def differ_from_first(self, taste_len: int) -> np.ndarray:
        """Return which windows the encoder reads otherwise than the first up to the last token, bool [B]. Of the taste
        that token reads the last `taste_len` rows."""
        ages = self.taste_seen.numpy()[:, -1:] - np.arange(1, taste_len + 1)
        places, is_row = ages.clip(0, self.taste.shape[1] - 1), ages >= 0
        taste = (np.take_along_axis(of.numpy(), places, 1) * is_row for of in (self.taste, self.taste_weights))
        differing = self.timed.numpy() != self.timed.numpy()[0]
        for column in (*self._token_columns(), *taste):
            differing |= (column != column[0]).any(1)
        return differing

    def begin_like(self, row: int) -> np.ndarray:
        """Return in how many of its first columns each window is as the one in this row, int64 [B]."""
        differing = np.zeros(self.items.shape, bool)
        for column in self._token_columns():
            differing |= column != column[row]
        differing |= (self.timed.numpy() != self.timed.numpy()[row])[:, None]
        return np.where(differing.any(1), differing.argmax(1), differing.shape[1])

    def _token_columns(self) -> list[np.ndarray]:
        return [getattr(self, name).numpy() for name in _OF_TOKENS]

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""
        return type(self)(**{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)})


def gap_buckets(gaps: np.ndarray) -> np.ndarray:
    """Map seconds to buckets: 0 for none, then logarithmic with ratio e^0.301 (HSTU, arXiv 2402.17152), clamped."""
    buckets = 1 + np.floor(np.log(np.maximum(gaps, 1)) / 0.301)
    return np.where(gaps <= 0, 0, np.minimum(buckets, GAP_BUCKETS - 1)).astype(np.int64)


def last_windows(tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, max_len: int) -> Windows:
    """Return for each viewer the window of up to `max_len` tokens before row `stops`."""
    return Windows(viewers, np.maximum(tokens.indptr[viewers], stops - max_len), stops)


def training_windows(tokens: Tokens, ends: np.ndarray, max_len: int, rng: np.random.Generator) -> Windows:
    """Cut each viewer's tokens before row `ends` [U] so that every token but the first is a target once.

    The newest targets get a full window; older ones are cut at places that change from epoch to epoch.
    """
    inputs = ends - tokens.indptr[:-1] - 1  # the last token is a target only
    cuts: list[Windows] = []
    viewers = np.flatnonzero(inputs > 0)
    stop, length = ends[viewers] - 1, np.full(len(viewers), max_len)
    while len(viewers):
        start = np.maximum(tokens.indptr[viewers], stop - length)
        cuts.append(Windows(viewers, start, stop))
        more = start > tokens.indptr[viewers]
        viewers, stop = viewers[more], start[more]
        length = rng.integers(1, max_len + 1, len(viewers)) if len(cuts) == 1 else np.full(len(viewers), max_len)
    empty = np.empty(0, np.int64)
    return Windows(*(np.concatenate([empty, *(cut[i] for cut in cuts)]) for i in range(3)))


def bucket_by_length(
    windows: Windows, max_positions: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Yield rows of `windows` in groups of like length, each of at most `max_positions` padded positions.

    With `rng`, ties of length are shuffled and so are the groups.
    """
    lengths = windows.lengths()
    noise = rng.random(len(lengths)) if rng else np.arange(len(lengths))
    order = np.lexsort((noise, lengths))
    padded = -(-lengths[order] // LENGTH_STEP) * LENGTH_STEP
    groups, begin = [], 0
    while begin < len(order):
        # Lengths ascend, so the last row of a group gives its width: find the largest count with count * width <= max.
        ahead = padded[begin : begin + max(1, max_positions // max(1, padded[begin]))]
        fits = np.arange(1, len(ahead) + 1) * ahead <= max_positions
        count = max(1, int(np.flatnonzero(fits)[-1]) + 1 if fits.any() else 1)
        groups.append(order[begin : begin + count])
        begin += count
    if rng:
        groups = [groups[i] for i in rng.permutation(len(groups))]
    yield from groups


def first_seen_index(tokens: Tokens, windows: Windows, items: np.ndarray) -> np.ndarray:
    """Return when each window's viewer first saw the token ids `items` [K], int16 [W, K]: 0 before the window, 1 for
    its first token and so on, `UNSEEN` otherwise.
    """
    rows, indptr = concatenate_ranges(tokens.indptr[windows.viewers], windows.stops)
    window = np.repeat(np.arange(len(windows.stops)), np.diff(indptr))
    watched = tokens.items[rows]
    column = np.full(max(watched.max(initial=0), items.max(initial=0)) + 1, -1)
    column[items] = np.arange(len(items))
    columns = column[watched]
    matches = np.flatnonzero(columns >= 0)[::-1]  # backwards, so that the first time is the one that stays
    window, rows, columns = window[matches], rows[matches], columns[matches]
    first = np.full((len(windows.stops), len(items)), UNSEEN, np.int16)
    first[window, columns] = np.maximum(rows - windows.starts[window] + 1, 0)
    return first


def collate(tokens: Tokens, windows: Windows, config: ModelConfig, requested_at: np.ndarray | None = None) -> Batch:
    """Return the windows as a batch. `requested_at` int64 [W] is the request time by window, -1 where it is unknown."""
    width = max(1, -(-int(windows.lengths().max(initial=1)) // LENGTH_STEP) * LENGTH_STEP)
    rows = windows.stops[:, None] + np.arange(-width, 0)
    real = rows >= windows.starts[:, None]
    times = _gather_padded(tokens.times, rows, real)
    timed = tokens.timed[windows.viewers]
    last = np.full(len(times), -1) if requested_at is None else requested_at
    buckets = gap_buckets(np.concatenate([times[:, 1:], last[:, None]], axis=1) - times)
    buckets[last < 0, -1] = GAP_UNKNOWN
    buckets[~timed] = GAP_NONE
    taste, taste_weights, taste_seen = _gather_taste(
        tokens, windows, config, _gather_padded(tokens.taste_seen, rows, real), real
    )
    return Batch(
        items=torch.from_numpy(_gather_padded(tokens.items, rows, real)).long(),
        times=torch.from_numpy(times),
        timed=torch.from_numpy(timed),
        gaps=torch.from_numpy(buckets),
        stars=torch.from_numpy(_gather_padded(tokens.stars, rows, real)).long(),
        taste=torch.from_numpy(taste).long(),
        taste_weights=torch.from_numpy(taste_weights),
        taste_seen=torch.from_numpy(taste_seen),
    )


def _gather_padded(column: np.ndarray, rows: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return `column` at `rows` where `real`, else 0."""
    if not len(column):
        return np.zeros(rows.shape, column.dtype)
    return np.where(real, column[np.where(real, rows, 0)], column.dtype.type(0))


def _gather_taste(
    tokens: Tokens, windows: Windows, config: ModelConfig, seen: np.ndarray, real: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gather the rows of taste that the windows' tokens may look at, the last `taste_len` at each of them: items
    [B, F], weights [B, F], and how many of these rows each token knows [B, L]. `seen` counts over all viewers.
    """
    lowest, highest = tokens.taste_indptr[windows.viewers], tokens.taste_indptr[windows.viewers + 1]
    ended = windows.stops == tokens.indptr[windows.viewers + 1]
    seen[:, -1] = np.where(ended, highest, seen[:, -1])  # likes after the last watch count too
    real = np.concatenate([real[:, :-1], real[:, -1:] | ended[:, None]], axis=1)
    oldest = np.where(real, seen, np.iinfo(seen.dtype).max).min(axis=1)
    base = np.clip(oldest - config.taste_len, lowest, highest)
    seen = np.where(real, seen, base[:, None])
    rows = base[:, None] + np.arange(max(1, int((seen[:, -1] - base).max(initial=1))))
    real = rows < seen[:, -1:]
    return (
        _gather_padded(tokens.taste_items, rows, real),
        _gather_padded(tokens.taste_weights, rows, real),
        seen - base[:, None],
    )
