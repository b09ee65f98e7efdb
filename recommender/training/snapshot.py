"""What a run is trained on: the viewers' histories and the movies as they stood at one moment, as files of its folder.

The histories come out of the shards, one shard after the other, so that memory does not grow with the events; a resumed
run sees the data it began with.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings

from catalog import selectors
from infrastructure.atomic_files import atomic_file
from recommender.ml.data import Histories, Tokens, tokenise
from recommender.ml.token_files import open_tokens, token_writer
from recommender.ml.vocab import Vocab
from recommender.movies.features import movie_features
from recommender.shards.export import update_shards
from recommender.shards.reading import read_training_histories
from recommender.training.share import TrainingShare

ABOUT_FILE = "about.npz"  # written last


@dataclass(frozen=True)
class Snapshot:
    """The data of one run."""

    folder: Path
    movie_ids: np.ndarray  # int32 [M], the whole catalogue, ascending
    movie_features: list[list[str]]  # M: "genre:Drama", "director:Agnès Varda", "actor:...", "decade:1960"
    counts: dict[str, int]  # viewers, events and films, by the names that a version's metrics store
    left_out: dict[str, int]  # events_per_viewer and active_days that bound what trains, events and viewers left out
    data_hash: str  # SHA-256 over histories and movies, which says what data a metric was measured on

    @classmethod
    def load(cls, folder: Path) -> "Snapshot":
        """Read a folder that `take_snapshot` filled. Raises OSError or ValueError where it is missing or cut."""
        with np.load(folder / ABOUT_FILE) as arrays:
            about = json.loads(arrays["about"].tobytes())
            values = (about[name] for name in ("movie_features", "counts", "left_out", "data_hash"))
            return cls(folder, arrays["movie_ids"], *values)

    def tokens(self) -> Tokens:
        """Return all histories in the vocabulary of `movie_ids`, mapped from the disk. Raises OSError."""
        return open_tokens(self.folder, settings.NIGHTLY_MAPPED_BYTES)


def take_snapshot(
    folder: Path,
    on_progress: Callable[[int], None] = lambda viewers: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Snapshot:
    """Bring the shards up to date and fill `folder` from them. `on_progress` and `tell`: see `update_shards`."""
    manifest = update_shards(settings.SHARDS_DIR, on_progress, tell)
    table = selectors.catalogue_table()
    vocab, digests = Vocab(table.ids), [hashlib.sha256() for _ in Histories._fields]
    counts = {"viewers": 0, "events": 0, "films": len(table.ids)}
    share, now = TrainingShare.from_settings(), time.time()
    left_out = share._asdict() | {"events": 0, "viewers": 0} if any(share) else {}
    with token_writer(folder) as writer:
        for whole in read_training_histories(settings.SHARDS_DIR, manifest):
            histories = share.select(whole, now)
            if left_out:
                left_out["events"] += len(whole.movie_ids) - len(histories.movie_ids)
                left_out["viewers"] += len(whole.viewers) - len(histories.viewers)
            counts["viewers"] += len(histories.viewers)
            counts["events"] += len(histories.movie_ids)
            parts = histories._replace(indptr=np.diff(histories.indptr))  # where shards end says nothing of the data
            for digest, column in zip(digests, parts, strict=True):
                digest.update(np.ascontiguousarray(column).data)
            writer.append(tokenise(histories, vocab))
    data_hash = hashlib.sha256(b"".join(digest.digest() for digest in digests) + table.ids.tobytes()).hexdigest()
    snapshot = Snapshot(folder, table.ids, movie_features(table), counts, left_out, data_hash)
    about = {"movie_features": snapshot.movie_features, "counts": counts, "left_out": left_out, "data_hash": data_hash}
    with atomic_file(folder / ABOUT_FILE) as file:
        np.savez(file, movie_ids=table.ids, about=np.frombuffer(json.dumps(about).encode(), np.uint8))
    return snapshot
