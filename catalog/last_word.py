"""Which events of a viewer hold: the log keeps all of them, and of each movie the last word counts.

Every reader goes by this one function: lists and pages, the batch, training, evaluation, explanations, the admin. What
it says of a viewer's events of one movie, in the order (occurred_at, id):

| events | what holds |
|---|---|
| watch, progress | to `seen_share` or an unknown share: seen, by the newest. Below it started, until seen |
| rating | the newest; stars that are sent again change nothing, not even the moment |
| rewatch | an event beside the watch, and the watch itself where there is none |
| unwatch | takes back what was seen, started and rewatched before; a rating before it tells taste, and no watch |
| like, dislike, not_interested | the newest, unless `unlike`, `undislike` or `interested` took it back |
| watchlist | the newest |

A history without any second thoughts comes back as it is.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from catalog.models import WatchEvent

_CHUNK_ROWS = 2_000_000  # events that are folded at a time: bounds memory
_KIND = WatchEvent.Kind
# A kind of what holds, and of no event: a rating before an unwatch. It has the stars, and is no watch.
PAST_RATING = 13
_TAKEN_BACK_BY = {_KIND.LIKE: _KIND.UNLIKE, _KIND.DISLIKE: _KIND.UNDISLIKE, _KIND.NOT_INTERESTED: _KIND.INTERESTED}


class EventColumns(NamedTuple):
    """Events of one viewer, or of several one after the other, each viewer's in the order (occurred_at, id)."""

    movie_ids: np.ndarray  # int32 [n]
    kinds: np.ndarray  # int8 [n], WatchEvent.Kind
    ratings: np.ndarray  # float32 [n], stars; NaN: none
    completions: np.ndarray  # float32 [n], 0..1; NaN: not known


class HeldEvents(NamedTuple):
    """The events that hold, in their order.

    Kinds are `watch` (seen, whatever event said so), `progress` (started, and not seen since), `rewatch`, `rating`,
    PAST_RATING, `like`, `dislike`, `not_interested` and `watchlist`: at most one of each for a movie, but rewatches.
    """

    rows: np.ndarray | slice  # int64 [m], ascending, into the events; a slice of all where all of them hold
    kinds: np.ndarray  # int8 [m]
    ratings: np.ndarray  # float32 [m]


def find_held_events(events: EventColumns, seen_share: float, viewers: np.ndarray | None = None) -> HeldEvents:
    """Find the events that hold. `viewers`: whose each event is, int [n], in runs; None: all are of one viewer."""
    parts = [_find_in_chunk(events, seen_share, viewers, chunk) for chunk in _chunks(len(events.movie_ids), viewers)]
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part.rows, slice) and part.rows.start is None for part in parts):
        return HeldEvents(slice(None), events.kinds, events.ratings)
    starts = [chunk.start for chunk in _chunks(len(events.movie_ids), viewers)]
    rows = [
        start + (np.arange(len(part.kinds)) if isinstance(part.rows, slice) else part.rows)
        for start, part in zip(starts, parts, strict=True)
    ]
    kinds, ratings = (np.concatenate(columns) for columns in zip(*(part[1:] for part in parts), strict=True))
    return HeldEvents(np.concatenate(rows), kinds, ratings)


def _chunks(count: int, viewers: np.ndarray | None) -> Iterator[slice]:
    """Yield slices that cover all events and end where a viewer ends."""
    if viewers is None or count <= _CHUNK_ROWS:
        yield slice(0, count)
        return
    ends = np.append(np.flatnonzero(viewers[1:] != viewers[:-1]) + 1, count)
    start = 0
    while start < count:
        end = int(ends[np.searchsorted(ends, min(start + _CHUNK_ROWS, count))])
        yield slice(start, end)
        start = end


def _find_in_chunk(events: EventColumns, seen_share: float, viewers: np.ndarray | None, chunk: slice) -> HeldEvents:
    movie_ids, kinds, ratings, completions = (column[chunk] for column in events)
    all_hold = HeldEvents(slice(None), kinds, ratings)
    if not len(movie_ids):
        return all_hold
    keys = movie_ids.astype(np.int64)
    if viewers is not None:
        own = viewers[chunk]
        number = np.cumsum(np.append(False, own[1:] != own[:-1]))
        keys = number * (int(keys.max()) - int(keys.min()) + 1) + (keys - keys.min())
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    again = keys[1:] == keys[:-1]
    # A movie's only event holds as it is, but for these.
    concerned = (kinds > _KIND.WATCHLIST) | ((kinds == _KIND.WATCH) & (completions < seen_share))
    concerned = concerned[order]
    concerned[1:] |= again
    concerned[:-1] |= again
    if not concerned.any():
        return all_hold
    rows, keys = order[concerned], keys[concerned]
    groups = np.cumsum(np.append(False, keys[1:] != keys[:-1]))
    own_kinds = kinds[rows].astype(np.int8)
    held, held_kinds, held_ratings = _last_word(groups, own_kinds, ratings[rows], completions[rows], seen_share)
    cleared = np.isnan(held_ratings) & ~np.isnan(ratings[rows])
    if held.all() and not cleared.any() and (held_kinds == own_kinds).all():
        return all_hold
    keep, new_kinds, new_ratings = np.ones(len(kinds), bool), kinds.astype(np.int8), ratings
    keep[rows], new_kinds[rows] = held, held_kinds
    if cleared.any():
        new_ratings = ratings.copy()
        new_ratings[rows] = held_ratings
    kept = np.flatnonzero(keep)
    return HeldEvents(kept, new_kinds[kept], new_ratings[kept])


def _last_word(
    groups: np.ndarray, kinds: np.ndarray, ratings: np.ndarray, completions: np.ndarray, seen_share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which events hold, bool [n], and as what: kinds and ratings, [n] each.

    `groups`: the number of each event's movie and viewer, int [n], from 0 on, in runs; the events of each are in order.
    """
    position = np.arange(len(groups))
    none = np.full(int(groups[-1]) + 1, -1)

    def last(mask: np.ndarray) -> np.ndarray:
        """Return for each event the position of its group's last event of the mask, or -1."""
        found = none.copy()
        found[groups[mask]] = position[mask]  # of several the last is assigned
        return found[groups]

    def is_newest(mask: np.ndarray) -> np.ndarray:
        return mask & (position == last(mask))

    def is_oldest(mask: np.ndarray) -> np.ndarray:
        found = none.copy()
        found[groups[mask][::-1]] = position[mask][::-1]
        return mask & (position == found[groups])

    def says_something(mask: np.ndarray) -> np.ndarray:
        """Return the events of the mask but those that repeat the one of the mask before, in kind and stars."""
        rows = np.flatnonzero(mask)
        before, after = rows[:-1], rows[1:]
        repeats = (groups[before] == groups[after]) & (kinds[before] == kinds[after])
        repeats &= (kinds[after] != _KIND.RATING) | (ratings[before] == ratings[after])
        new = mask.copy()
        new[after[repeats]] = False
        return new

    is_unwatch, is_rating = kinds == _KIND.UNWATCH, kinds == _KIND.RATING
    stands = position > last(is_unwatch)
    is_progress = kinds == _KIND.PROGRESS
    is_viewing = ((kinds == _KIND.WATCH) | is_progress) & stands
    is_part = (completions < seen_share) | (is_progress & np.isnan(completions))
    is_whole, is_rewatch = is_viewing & ~is_part, (kinds == _KIND.REWATCH) & stands
    watched = is_newest(is_whole) | is_oldest(is_rewatch & (last(is_whole) < 0))
    started = is_newest(is_viewing & is_part)
    started &= position > last((is_whole | is_rewatch | is_rating) & stands)
    rated = is_newest(is_rating & says_something(is_rating | is_unwatch))

    opinion = np.isin(kinds, list(_TAKEN_BACK_BY))
    said = opinion | np.isin(kinds, list(_TAKEN_BACK_BY.values()))
    held_opinion = is_newest(opinion & says_something(said))
    for kind, taken_back_by in _TAKEN_BACK_BY.items():
        held_opinion &= (kinds != kind) | (last(kinds == taken_back_by) < position)

    held = watched | started | is_rewatch | rated | held_opinion | is_newest(kinds == _KIND.WATCHLIST)
    new_kinds, new_ratings = kinds.copy(), ratings.copy()
    new_kinds[watched], new_kinds[started] = _KIND.WATCH, _KIND.PROGRESS
    new_kinds[rated & ~stands] = PAST_RATING
    new_ratings[watched & (last(rated) > position)] = np.nan  # stars that came with the watch: a rating followed
    return held, new_kinds, new_ratings
