"""How many watches each film has lately: counts over rolling windows up to a midnight (UTC).

They are counted as the charts count (recommender/serving/candidates/charts.py): no poor ratings, on the same clock.
"""

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.token_files import viewer_blocks

DAY = 86_400  # seconds
WINDOW_DAYS = (1, 3, 7, 30, 365)
NUM_COUNTS = len(WINDOW_DAYS) + 1  # the windows, then all times
FULL_DAY_VIEWERS = 50  # viewers who watch something on one day: then the clock of what is popular goes on by that day
MIN_GOOD_STARS = 3.0  # a rating below speaks against the film, as in charts
MAX_CACHED_DAYS, CACHED_NUMBERS = 64, 150_000_000  # days at least; numbers, six for a film and day
MAX_TOKENS = 4_000_000  # that are read, as beat reads no more events
# As in catalog/selectors/watch_counts.py and recommender/movies/popularity_counts.py.
LONG_KNOWN_DAYS, MIN_AUDIENCE = 30, 20  # days since a viewer came; viewers
COHORT_SHARE, MIN_COHORT_WEIGHT, MOVIE_SHARE, MIN_MOVIE_WEIGHT = 0.1, 50, 0.05, 3
AUDIENCES = ((3, 3), (0, 3), (0, 1))  # days since they came, different movies unless long known
# Movies that one viewer counts for in a window, however many they watch.
MAX_PER_VIEWER = (20.0, 20.0, 20.0, 200.0, 200.0, 200.0)
NEVER = np.iinfo(np.int64).max // 2


class Popularity(NamedTuple):
    """Counts of films by id. Films that are not in it have none."""

    movie_ids: np.ndarray  # int32 [M], ascending
    counts: np.ndarray  # float32 [M, NUM_COUNTS]

    @classmethod
    def empty(cls) -> Self:
        """Return counts of no film."""
        return cls(np.empty(0, np.int32), np.empty((0, NUM_COUNTS), np.float32))

    def counts_of(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the counts of some films, float32 [n, NUM_COUNTS]."""
        found = np.zeros((len(movie_ids), NUM_COUNTS), np.float32)
        if len(self.movie_ids):
            rows = np.searchsorted(self.movie_ids, movie_ids).clip(max=len(self.movie_ids) - 1)
            known = self.movie_ids[rows] == movie_ids
            found[known] = self.counts[rows[known]]
        return found


class DailyPopularity:
    """The counts of a vocabulary's films as they were at any midnight, by the rules of the charts: a film counts once
    for a viewer, at the latest watch; viewers count once they are known; those who came on one day together, and the
    films of one viewer, for so much at most.

    A day on which `FULL_DAY_VIEWERS` viewers watched something passes as a whole, one with fewer by its share: so the
    windows of a small site reach further back, and data that was imported years after its last watch is as good as new.
    """

    def __init__(
        self,
        days: np.ndarray,
        viewers: np.ndarray,
        items: np.ndarray,
        num_items: int,
        counted: np.ndarray | None = None,
        total: int | None = None,
    ) -> None:
        """Take tokens: the day of each since 1970, its viewer and its column 0..num_items - 1, all [n]; `counted` bool
        [n]: all but poor ratings. Of very many only those of some viewers are read; `total`: how many there are where
        the others are left out already."""
        counted = np.ones(len(days), bool) if counted is None else counted
        thinning = -(-(len(days) if total is None else total) // MAX_TOKENS)
        if thinning > 1:
            kept = viewers % thinning == 0
            days, viewers, items, counted = days[kept], viewers[kept], items[kept], counted[kept]
        order = np.argsort(days, kind="stable")
        days, viewers, items, counted = days[order], viewers[order], items[order], counted[order]
        self.num_items, self.scale = num_items, float(max(thinning, 1))
        self.came = came = _first_days(days, viewers)
        self.weights, self.most_of_film = _cohort_bounds(came)
        self.known_from = [_days_known(days[counted], viewers[counted], items[counted], came, *of) for of in AUDIENCES]
        self.known_on = [np.sort(known) for known in self.known_from]
        self.active_days, self.active_viewers = np.divmod(np.unique(days * len(came) + viewers), max(len(came), 1))
        self.until = _next_days(days, viewers, items)[counted]
        self.days, self.viewers, self.items = days[counted], viewers[counted], items[counted]
        self.last_day = int(days[-1]) if len(days) else 0
        packed_days = max(MAX_CACHED_DAYS, CACHED_NUMBERS // (NUM_COUNTS * max(num_items, 1)))
        # Most counts are 0: of many days the others are kept, of few all.
        self._packed_at_day = lru_cache(packed_days)(lambda day: _pack(self._count(day)))
        self.at_day = lru_cache(MAX_CACHED_DAYS)(lambda day: _unpack(self._packed_at_day(day), num_items))

    @classmethod
    def from_tokens(cls, tokens: Tokens, num_items: int, ends: np.ndarray | None = None) -> Self:
        """Count all tokens, or each viewer's before row `ends` [U], but for poor ratings."""
        starts, ends = tokens.indptr[:-1], tokens.indptr[1:] if ends is None else ends
        total = int((ends - starts).sum())
        every = max(1, -(-total // MAX_TOKENS))
        none = np.empty(0, np.int64)
        parts = [(none, none, none, np.empty(0, np.int8))]
        for block in viewer_blocks(tokens):
            viewers = np.arange(-(-block.start // every) * every, block.stop, every)
            rows, indptr = concatenate_ranges(starts[viewers], ends[viewers])
            of_token = np.repeat(viewers, np.diff(indptr))
            parts.append((tokens.times[rows] // DAY, of_token, tokens.items[rows].astype(np.int64), tokens.stars[rows]))
        days, of_token, items, stars = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        counted = (stars == 0) | (stars >= 2 * MIN_GOOD_STARS)
        return cls(days, of_token, items - 1, num_items, counted, total)

    def latest(self) -> np.ndarray:
        """Return the counts with every watch, float32 [num_items, NUM_COUNTS]."""
        return self._count(self.last_day + 1)

    def _count(self, day: int) -> np.ndarray:
        """Count up to the midnight before `day` (since 1970), float32 [num_items, NUM_COUNTS]."""
        enough = [bool(np.searchsorted(known, day, side="right") >= MIN_AUDIENCE) for known in self.known_on]
        known_from = self.known_from[enough.index(True) if any(enough) else -1]
        first_day, age = self._clock(day, known_from)
        stop = np.searchsorted(self.days, day)
        counts = np.zeros((NUM_COUNTS, self.num_items))
        for number, (window, limit) in enumerate(zip((*WINDOW_DAYS, np.inf), MAX_PER_VIEWER, strict=True)):
            first = first_day + int(np.searchsorted(-age, -window - 1e-6))
            rows = slice(0 if window == np.inf else np.searchsorted(self.days, first), stop)
            viewers = self.viewers[rows]
            counted = (known_from[viewers] <= day) & (self.until[rows] >= day)
            viewers, items = viewers[counted], self.items[rows][counted]
            films = np.bincount(viewers, minlength=len(self.weights))
            weights = (self.weights * np.minimum(1.0, limit / films.clip(min=1)))[viewers]
            is_new = self.came[viewers] + LONG_KNOWN_DAYS >= day
            counts[number] = np.bincount(items[~is_new], weights[~is_new], minlength=self.num_items)
            counts[number] += self._count_new(viewers[is_new], items[is_new], weights[is_new])
        return np.ascontiguousarray(counts.T * self.scale, np.float32)

    def _count_new(self, viewers: np.ndarray, items: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Count watches of viewers who are not long known, [num_items]: of those who came on one day together so many
        of a film at most."""
        pairs, rows = np.unique(self.came[viewers] * self.num_items + items, return_inverse=True)
        most = np.zeros(len(pairs))
        most[rows] = self.most_of_film[viewers]
        bounded = np.minimum(np.bincount(rows, weights, minlength=len(pairs)), most)
        return np.bincount(pairs % self.num_items, bounded, minlength=self.num_items)

    def _clock(self, day: int, known_from: np.ndarray) -> tuple[int, np.ndarray]:
        """Return the first day with a viewer who is known at the midnight before `day`, and how many days have passed
        since each day from it on began."""
        stop = np.searchsorted(self.active_days, day)
        viewers = self.active_viewers[:stop]
        known = known_from[viewers] <= day
        days, rows = np.unique(self.active_days[:stop][known], return_inverse=True)
        first_day, passed = passed_days(days, self.scale * np.bincount(rows, self.weights[viewers[known]]))
        return first_day, passed[::-1].cumsum()[::-1]


class _PackedCounts(NamedTuple):
    is_counted: np.ndarray  # which are not 0, as bits
    others: np.ndarray  # float32, these


def _pack(counts: np.ndarray) -> _PackedCounts:
    return _PackedCounts(np.packbits(counts != 0), counts[counts != 0])


def _unpack(packed: _PackedCounts, num_items: int) -> np.ndarray:
    counts = np.zeros(num_items * NUM_COUNTS, np.float32)
    counts[np.unpackbits(packed.is_counted, count=len(counts)).view(bool)] = packed.others
    return counts.reshape(num_items, NUM_COUNTS)


def _first_days(days: np.ndarray, viewers: np.ndarray) -> np.ndarray:
    """Return the day on which each viewer came, int64 [viewers]; NEVER where they have no token."""
    came = np.full(int(viewers.max(initial=-1)) + 1, NEVER)
    np.minimum.at(came, viewers, days)
    return came


def _cohort_bounds(came: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each viewer counts for, and how many of those who came on the same day count for one film while they
    are new, float64 [viewers]: they count for a share of the viewers who came before them, those of the first day in
    full."""
    _, rows, size = np.unique(came, return_inverse=True, return_counts=True)
    before = size.cumsum() - size
    counts_for = np.where(before > 0, np.minimum(size, np.maximum(MIN_COHORT_WEIGHT, COHORT_SHARE * before)), size)
    most = np.where(before > 0, np.maximum(MIN_MOVIE_WEIGHT, MOVIE_SHARE * counts_for), np.inf)
    return (counts_for / size)[rows], most[rows]


def _days_known(
    days: np.ndarray, viewers: np.ndarray, items: np.ndarray, came: np.ndarray, probation_days: int, min_movies: int
) -> np.ndarray:
    """Return the first day at whose midnight each viewer counts, int64 [viewers]; watches are given by day."""
    rows = np.flatnonzero(~_is_repeated(viewers, items))
    rows = rows[np.argsort(viewers[rows], kind="stable")]
    place = np.arange(len(rows)) - np.searchsorted(viewers[rows], viewers[rows])  # among the viewer's films
    enough = np.full(len(came), NEVER)
    last_needed = rows[place == min_movies - 1]
    enough[viewers[last_needed]] = days[last_needed]
    return np.maximum(came + probation_days, np.minimum(enough, came + LONG_KNOWN_DAYS)) + 1


def _is_repeated(viewers: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Mark tokens [n] whose viewer has an earlier one of the film."""
    repeated = np.ones(len(viewers), bool)
    repeated[np.unique(viewers * (items.max(initial=0) + 1) + items, return_index=True)[1]] = False
    return repeated


def _next_days(days: np.ndarray, viewers: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the day of the same viewer's next token of the film, int64 [n]; NEVER where there is none."""
    order = np.lexsort((days, items, viewers))
    same = (np.diff(viewers[order]) == 0) & (np.diff(items[order]) == 0)
    until = np.full(len(days), NEVER)
    until[order[:-1][same]] = days[order[1:][same]]
    return until


def passed_days(days: np.ndarray, viewers: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the first of `days` (since 1970, ascending, int64 [n]) and how much of each day from it to the last has
    passed, float64, 0..1, by how many viewers were active on `days` [n]."""
    if not len(days):
        return 0, np.zeros(0)
    passed = np.zeros(int(days[-1] - days[0]) + 1)
    passed[days - days[0]] = np.minimum(viewers / FULL_DAY_VIEWERS, 1)
    return int(days[0]), passed
