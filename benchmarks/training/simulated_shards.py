"""Shards of simulated viewers, as an export of that many events would have written them. Postgres holds these viewers
without their events, as unchanged since: so a night reads them from the shards."""

import itertools

import numpy as np

from recommender.ml.data import RATING
from recommender.shards.block import HistoryBlock

FIRST_DAY, LAST_DAY, DAY = 9_139, 18_200, 86_400  # 1995 to 2019, as in ML-25M; seconds
MIN_FILMS, MEAN_FILMS, MAX_FILMS, SPREAD = 20, 154, 5_000, 1.25  # of a viewer; SPREAD: of their logarithm
POPULARITY_SLOPE, POPULARITY_START = -1.15, 12.0
TASTES, TASTE_SHARE = 96, 0.6  # kinds of viewers; share of films that are of the viewer's kind
DRAWN_SHARDS = 8  # others are variations of them
BURST_SECONDS, PAUSE_SHARE, PAUSE_DAYS = 9, 0.015, 20  # between films; films after which a visit ends, until the next


def write_simulated_shards(events: int, seed: int = 1) -> None:
    """Add shards of new viewers until there are so many events, and rows of these viewers in Postgres."""
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from catalog import selectors
    from recommender.shards.export import TARGET_EVENTS, update_shards
    from recommender.shards.files import write_shard

    folder = settings.SHARDS_DIR
    manifest = update_shards(folder)
    movie_ids, random = selectors.catalogue_table().ids, np.random.default_rng(seed)
    shards, first = list(manifest.shards), manifest.shards[-1].last + 1
    drawn = [_simulate(random, 1 + min(TARGET_EVENTS, events) // MEAN_FILMS, movie_ids) for _ in range(DRAWN_SHARDS)]
    for number in itertools.count():
        shards.append(write_shard(folder, _vary(drawn[number % DRAWN_SHARDS], shards[-1].last + 1, number, movie_ids)))
        if sum(shard.events for shard in shards) >= events:
            break
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_viewer (id, name, is_simulated, is_session, created_at, version, publish_pending)
               SELECT id, '', false, false, now(), 1, false FROM generate_series(%s, %s) AS id""",
            [first, shards[-1].last],
        )
    manifest.with_shards(tuple(shards), timezone.now().isoformat()).save(folder)


def _vary(block: HistoryBlock, first_id: int, number: int, movie_ids: np.ndarray) -> HistoryBlock:
    """Return these viewers under other ids, with other films of about the same popularity, some days later."""
    ranks = np.searchsorted(movie_ids, block.movie_ids)
    films = ranks // TASTES * TASTES + (ranks + number // DRAWN_SHARDS) % TASTES
    return block._replace(
        viewers=block.viewers + np.int32(first_id),
        movie_ids=movie_ids[films.clip(max=len(movie_ids) - 1)],
        times=block.times + number // DRAWN_SHARDS * DAY,
    )


def _simulate(random: np.random.Generator, viewers: int, movie_ids: np.ndarray) -> HistoryBlock:
    """Return viewers, with ids from 0, of many films and few, popular ones most of all, in bursts of time."""
    activity = np.exp(random.normal(0, SPREAD, viewers)) / np.exp(SPREAD**2 / 2)
    wanted = np.minimum(MIN_FILMS + (MEAN_FILMS - MIN_FILMS) * activity, MAX_FILMS).astype(np.int64)
    drawn = np.repeat(np.arange(viewers), 2 * wanted)
    weights = (np.arange(len(movie_ids)) + POPULARITY_START) ** POPULARITY_SLOPE
    ranks = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(len(drawn)))
    own = ranks // TASTES * TASTES + random.integers(0, TASTES, viewers)[drawn]
    ranks = np.where(random.random(len(drawn)) < TASTE_SHARE, own, ranks).clip(max=len(movie_ids) - 1)
    pairs = random.permutation(np.unique(drawn * len(movie_ids) + ranks))  # nobody sees a film twice
    pairs = pairs[np.argsort(pairs // len(movie_ids), kind="stable")]
    owner = pairs // len(movie_ids)
    place = np.arange(len(pairs)) - np.searchsorted(owner, owner)
    pairs, owner = pairs[place < wanted[owner]], owner[place < wanted[owner]]
    indptr = np.searchsorted(owner, np.arange(viewers + 1))
    gaps = random.geometric(1 / BURST_SECONDS, len(pairs)) - 1
    pauses = random.random(len(pairs)) < PAUSE_SHARE
    gaps[pauses] = random.exponential(PAUSE_DAYS * DAY, pauses.sum()).astype(np.int64)
    elapsed = np.cumsum(gaps)
    joined = random.integers(FIRST_DAY * DAY, LAST_DAY * DAY, viewers)
    times = np.minimum(joined[owner] + elapsed - elapsed[indptr[owner]], LAST_DAY * DAY)
    return HistoryBlock(
        viewers=np.arange(viewers, dtype=np.int32),
        versions=np.ones(viewers, np.int64),
        indptr=indptr,
        movie_ids=movie_ids[pairs % len(movie_ids)],
        times=times,
        kinds=np.full(len(pairs), RATING, np.int8),
        ratings=(random.integers(1, 11, len(pairs)) / 2).astype(np.float32),
        completions=np.full(len(pairs), np.nan, np.float32),
    )
