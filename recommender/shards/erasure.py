"""Take erased viewers out of the shards."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from catalog import selectors
from recommender.shards.files import ShardDamaged, read_shard, read_versions, write_shard
from recommender.shards.lock import folder_lock
from recommender.shards.manifest import Manifest, Shard, with_bounds

IsKept = Callable[[np.ndarray, int, int], np.ndarray]  # of viewers of a shard, whose ids are above one, up to another

log = logging.getLogger(__name__)


def forget_viewers(folder: Path, viewer_ids: Collection[int]) -> bool:
    """Write the shards that hold any of these viewers anew, without them. Returns whether none is left.

    False while an export runs, whose snapshot may be older than the erasure: call it again.
    """
    wanted = np.array([*viewer_ids], np.int64)

    def is_kept(viewers: np.ndarray, after: int, last: int) -> np.ndarray:
        return ~np.isin(viewers, wanted)

    return _keep(folder, is_kept, viewer_ids)


def forget_deleted(folder: Path) -> bool:
    """Write the shards that hold viewers whom Postgres no longer has anew, without them. Returns as `forget_viewers`.

    For a machine that was not there when they were erased.
    """

    def is_kept(viewers: np.ndarray, after: int, last: int) -> np.ndarray:
        return np.isin(viewers, selectors.viewer_versions_between(after, last)[0])

    return _keep(folder, is_kept)


def may_hold(shard: Shard, after: int, viewer_ids: Collection[int]) -> bool:
    """Return whether any of these viewers is in the range of a shard, whose ids are above `after`."""
    return any(after < viewer_id <= shard.last for viewer_id in viewer_ids)


def _keep(folder: Path, is_kept: IsKept, concerned: Collection[int] | None = None) -> bool:
    """Keep the viewers that `is_kept` says, in shards that may hold any of `concerned`, or in all."""
    if not folder.exists():
        return True
    with folder_lock(folder, wait=False) as may_write:
        if not may_write:
            return False
        manifest = Manifest.load(folder)
        if manifest is None:
            return True
        shards = tuple[Shard, ...]()
        for shard, after in with_bounds(manifest.shards):
            if concerned is None or may_hold(shard, after, concerned):
                shards += _kept_part(folder, shard, after, is_kept)
            else:
                shards += (shard,)
        if shards != manifest.shards:
            manifest.with_shards(shards, manifest.taken_at).save(folder)
    return True


def _kept_part(folder: Path, shard: Shard, after: int, is_kept: IsKept) -> tuple[Shard, ...]:
    """Return the shard with those of its viewers who are kept: the same one where all are, none where nobody is.

    One that is damaged may hold anybody, so it goes: the next export reads its viewers again.
    """
    try:
        kept = is_kept(read_versions(folder, shard)[0], after, shard.last)
        if kept.all():
            return (shard,)
        block = read_shard(folder, shard).select(kept)
    except ShardDamaged as damage:
        log.warning("%s It is deleted.", damage)
        return ()
    return (write_shard(folder, block),) if kept.any() else ()
