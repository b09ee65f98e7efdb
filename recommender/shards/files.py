"""One shard as a Parquet file: written whole or not at all, and checked whenever it is read."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from infrastructure.atomic_files import atomic_file
from recommender.shards.block import HistoryBlock
from recommender.shards.manifest import Shard

_LISTS = HistoryBlock._fields[3:]
_COMPRESSION = {
    "compression": "zstd",
    "compression_level": 1,
    # Of few values each; of movies and times a dictionary would be as large as the columns.
    "use_dictionary": [f"{name}.list.element" for name in ("kinds", "ratings", "completions")],
    "column_encoding": {"times.list.element": "DELTA_BINARY_PACKED"},
    "write_statistics": False,
}


class ShardDamaged(Exception):
    """A shard is missing, cut or edited: its checksum is not the manifest's."""


def write_shard(folder: Path, block: HistoryBlock) -> Shard:
    """Write a file of at least one viewer, under the name of its content, beside the other shards. Raises OSError."""
    offsets = pa.array(block.indptr.astype(np.int32))
    lists = {name: pa.ListArray.from_arrays(offsets, pa.array(getattr(block, name))) for name in _LISTS}
    table = pa.table({"viewers": block.viewers, "versions": block.versions, **lists})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **_COMPRESSION)
    content = sink.getvalue()
    checksum = hashlib.sha256(content).hexdigest()
    last = int(block.viewers[-1])
    file = f"{last:010d}-{checksum[:16]}.parquet"
    with atomic_file(folder / file) as out:
        out.write(content)
    return Shard(file, last, len(block.viewers), len(block.movie_ids), checksum)


def read_shard(folder: Path, shard: Shard) -> HistoryBlock:
    """Read a shard. Raises ShardDamaged."""
    table = _read_table(folder, shard, None)
    offsets = table[_LISTS[0]].combine_chunks().offsets.to_numpy()
    columns = (table[name].combine_chunks().values.to_numpy(zero_copy_only=False) for name in _LISTS)
    return HistoryBlock(table["viewers"].to_numpy(), table["versions"].to_numpy(), offsets.astype(np.int64), *columns)


def read_versions(folder: Path, shard: Shard) -> tuple[np.ndarray, np.ndarray]:
    """Return the viewers of a shard, int32 [U], and their versions, int64 [U]. Raises ShardDamaged."""
    table = _read_table(folder, shard, ["viewers", "versions"])
    return table["viewers"].to_numpy(), table["versions"].to_numpy()


def _read_table(folder: Path, shard: Shard, columns: list[str] | None) -> pa.Table:
    try:
        content = (folder / shard.file).read_bytes()
    except OSError as error:
        raise ShardDamaged(f"{folder / shard.file} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != shard.sha256:
        raise ShardDamaged(f"{folder / shard.file} is cut or edited: its checksum is not the manifest's.")
    return pq.read_table(pa.BufferReader(content), columns=columns, use_threads=False)
