"""Bring the shards to what Postgres says at one moment. Who has not changed since the last time is not read again.

Every write that changes a viewer's events raises the viewer's version, and whoever comes back under a former id begins
above it. So a viewer of the same version has the same events. After each shard the manifest is written: an export that
was killed goes on where it was.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from catalog import selectors
from catalog.limits import MAX_ID
from recommender.shards.block import HistoryBlock, join
from recommender.shards.files import ShardDamaged, read_shard, read_versions, write_shard
from recommender.shards.lock import folder_lock
from recommender.shards.manifest import BELOW_ALL_IDS, Manifest, Shard
from recommender.shards.store import fetch, push, store_lock

TARGET_EVENTS = 1_000_000  # of a shard: bounds memory to about 100 MB. One of twice as many is split
MAX_VIEWERS = 100_000  # of a new shard
READ_VIEWERS = 512  # whose events are asked for at a time

log = logging.getLogger(__name__)

Progress = Callable[[int], None]  # called with how many viewers are done


def update_shards(
    folder: Path, on_progress: Progress = lambda viewers: None, tell: Callable[[str], None] = log.warning
) -> Manifest:
    """Write the shards whose viewers changed, and return the manifest of all. `tell` is given what was found damaged.

    Viewers who are gone from Postgres are in no shard afterwards. With a store, what another machine wrote is taken up,
    and what this one has is stored; `tell` is given why where that fails.
    """
    with store_lock(wait=True), folder_lock(folder, wait=True):
        fetch(folder, _source(), tell)
        manifest = _update(folder, on_progress, tell)
        push(folder, manifest, tell)
    return manifest


def _update(folder: Path, on_progress: Progress, tell: Callable[[str], None]) -> Manifest:
    with selectors.read_snapshot():
        taken_at = timezone.now().isoformat()
        manifest = _current_manifest(folder)
        after, done = BELOW_ALL_IDS, tuple[Shard, ...]()
        for number, shard in enumerate(manifest.shards):
            renewed = _renew(folder, shard, after, tell)
            done, after = done + renewed, shard.last
            if renewed != (shard,):
                manifest = manifest.with_shards(done + manifest.shards[number + 1 :])
                manifest.save(folder)
            on_progress(sum(shard.viewers for shard in done))
        for grown in _append(folder, done, after):
            manifest = manifest.with_shards(grown)
            manifest.save(folder)
            on_progress(manifest.viewers)
        manifest = manifest.with_shards(manifest.shards, taken_at)
        manifest.save(folder)
    return manifest


def _current_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest, or an empty one where it is of another database or of other rules."""
    source = _source()
    manifest = Manifest.load(folder)
    return manifest if manifest is not None and manifest.source == source else Manifest(source)


def _source() -> dict[str, Any]:
    return {
        "database": selectors.database_identity(),
        "data_set": selectors.data_set(),
        "seen_share": settings.SEEN_SHARE,
    }


def _renew(folder: Path, shard: Shard, after: int, tell: Callable[[str], None]) -> tuple[Shard, ...]:
    """Return what stands in a shard's place: the same one where none of its viewers changed."""
    ids, versions = selectors.viewer_versions_between(after, shard.last)
    try:
        former_ids, former_versions = read_versions(folder, shard)
        if np.array_equal(ids, former_ids) and np.array_equal(versions, former_versions):
            return (shard,)
        places = np.searchsorted(ids, former_ids).clip(max=max(len(ids) - 1, 0))
        kept = np.zeros(len(former_ids), bool)
        if len(ids):
            kept = (ids[places] == former_ids) & (versions[places] == former_versions)
        blocks = [read_shard(folder, shard).select(kept)]
        changed = ~np.isin(ids, former_ids[kept])
    except ShardDamaged as damage:
        tell(f"{damage} Its viewers are read again.")
        blocks, changed = [], np.ones(len(ids), bool)
    blocks += _read_histories(ids[changed])
    return tuple(write_shard(folder, part) for part in _split(join(blocks)))


def _append(folder: Path, done: tuple[Shard, ...], after: int) -> Iterator[tuple[Shard, ...]]:
    """Write the viewers above `after`, and yield all shards after each new one. A small last one grows."""
    pending = list[HistoryBlock]()
    while True:
        ids, _ = selectors.viewer_versions_between(after, MAX_ID, READ_VIEWERS)
        if not pending and len(ids) and done and done[-1].events < TARGET_EVENTS // 2:
            pending.append(read_shard(folder, done[-1]))
            done = done[:-1]
        if len(ids):
            pending += _read_histories(ids)
            after = int(ids[-1])
        viewers, events = sum(len(block.viewers) for block in pending), sum(block.indptr[-1] for block in pending)
        if pending and (not len(ids) or events >= TARGET_EVENTS or viewers >= MAX_VIEWERS):
            done += tuple(write_shard(folder, part) for part in _split(join(pending)))
            pending = []
            yield done
        if not len(ids):
            return


def _split(block: HistoryBlock) -> Iterator[HistoryBlock]:
    """Yield the parts of a block that is too large for one shard; nothing for a block of nobody."""
    parts = max(1, round(len(block.movie_ids) / TARGET_EVENTS)) if len(block.movie_ids) >= 2 * TARGET_EVENTS else 1
    number = np.minimum(block.indptr[:-1] * parts // max(len(block.movie_ids), 1), parts - 1)
    for part in np.unique(number).tolist():
        yield block.select(number == part) if parts > 1 else block


def _read_histories(ids: np.ndarray) -> Iterator[HistoryBlock]:
    """Read viewers from Postgres, some at a time."""
    for start in range(0, len(ids), READ_VIEWERS):
        histories = selectors.histories(ids[start : start + READ_VIEWERS].tolist())
        lengths = [len(history.movie_ids) for history in histories]
        columns = zip(
            *((h.movie_ids, h.occurred_at, h.kinds, h.ratings, h.completions) for h in histories), strict=True
        )
        yield HistoryBlock(
            np.array([history.viewer_id for history in histories], np.int32),
            np.array([history.version for history in histories], np.int64),
            np.cumsum([0, *lengths]),
            *map(np.concatenate, columns),
        )
