"""Read shards one after the other, in memory that does not grow with their number."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recommender.history import select_model_events
from recommender.ml.data import Events, Histories
from recommender.shards.block import HistoryBlock, join
from recommender.shards.files import read_shard
from recommender.shards.manifest import Manifest


def read_training_histories(folder: Path, manifest: Manifest) -> Iterator[Histories]:
    """Yield what the model reads of the viewers of each shard, by id, without those of whom it reads nothing. Raises
    ShardDamaged."""
    for shard in manifest.shards:
        yield to_training_histories(read_shard(folder, shard))


def to_training_histories(block: HistoryBlock) -> Histories:
    """Return what the model reads of a block."""
    events, rows = select_model_events(Events(*block[3:]))
    return Histories.from_table(np.repeat(block.viewers, block.lengths())[rows], events)


def read_all_histories(folder: Path, manifest: Manifest) -> Histories:
    """Return what `read_training_histories` yields as one, in memory."""
    return to_training_histories(join([read_shard(folder, shard) for shard in manifest.shards]))
