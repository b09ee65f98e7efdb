"""Shards of histories beside what Postgres says."""

import numpy as np

from catalog import selectors
from catalog.models import Viewer
from recommender.shards.block import join
from recommender.shards.files import read_shard

FIRST, MANY = 1_000, 40  # viewers: the first id, how many


def read_all(folder, manifest):
    """Return all viewers of the shards."""
    return join([read_shard(folder, shard) for shard in manifest.shards])


def assert_as_in_postgres(block):
    """Compare a block with what serving reads of each viewer."""
    histories = selectors.histories(list(Viewer.objects.values_list("pk", flat=True)))
    assert block.viewers.tolist() == [history.viewer_id for history in histories]
    assert block.versions.tolist() == [history.version for history in histories]
    for place, history in enumerate(histories):
        own = block.select(np.array([place]))
        for mine, theirs in zip(own[3:], history[2:7], strict=True):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype


def files_of(manifest):
    """Return the names of the files."""
    return {shard.file for shard in manifest.shards}
