"""What a run is trained on: every event and every movie as they stood at one moment, as arrays.

The snapshot is a file beside the checkpoints, so that a resumed run sees the data it began with.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from django.conf import settings

from catalog import selectors
from catalog.last_word import EventColumns, find_held_events
from infrastructure.atomic_files import atomic_file
from recommender.history import select_model_events
from recommender.ml.data import Events, Histories, data_hash
from recommender.movies.features import movie_features

_COLUMNS = {
    "viewer": pl.Int32,
    "movie": pl.Int32,
    "kind": pl.Int8,
    "rating": pl.Float32,
    "completion": pl.Float32,
    "occurred_at": pl.Int64,
}


@dataclass(frozen=True)
class Snapshot:
    """The data of one run."""

    histories: Histories
    movie_ids: np.ndarray  # int32 [M], the whole catalogue, ascending
    movie_features: list[list[str]]  # M: "genre:Drama", "director:Agnès Varda", "actor:...", "decade:1960"

    def content_hash(self) -> str:
        """Return SHA-256 over the arrays, which says what data a metric was measured on."""
        return data_hash(*(np.asarray(column) for column in self.histories), self.movie_ids)

    def counts(self) -> dict[str, int]:
        """Count viewers, events and movies, by the names that a version's metrics store."""
        events = len(self.histories.movie_ids)
        return {"viewers": len(self.histories.viewers), "events": events, "films": len(self.movie_ids)}

    def save(self, path: Path) -> None:
        """Write a file that `load` reads."""
        features = np.frombuffer(json.dumps(self.movie_features).encode(), np.uint8)
        with atomic_file(path) as file:
            np.savez(file, **self.histories._asdict(), film_ids=self.movie_ids, film_features=features)

    @classmethod
    def load(cls, path: Path) -> "Snapshot":
        """Read a file that `save` wrote. Raises OSError or ValueError where it is missing or cut."""
        with np.load(path) as arrays:
            histories = Histories(*(arrays[name] for name in Histories._fields))
            return cls(histories, arrays["film_ids"], json.loads(arrays["film_features"].tobytes()))


def take_snapshot(scratch: Path) -> Snapshot:
    """Read the whole catalogue and all events in bounded memory: CSV goes to a file in `scratch`, polars reads it."""
    with tempfile.TemporaryDirectory(prefix="events-", dir=scratch) as folder:
        path = Path(folder) / "events.csv"
        selectors.export_events(path)
        events = pl.read_csv(path, schema=_COLUMNS)
    table = selectors.catalogue_table()
    return Snapshot(_histories(events), table.ids, movie_features(table))


def _histories(events: pl.DataFrame) -> Histories:
    """Return what holds of `events` as the model reads it. They are as exported: ordered by viewer, then as each
    viewer's history is."""
    viewers = events["viewer"].to_numpy()
    columns = EventColumns(
        movie_ids=events["movie"].to_numpy(),
        kinds=events["kind"].to_numpy(),
        ratings=events["rating"].fill_null(np.nan).to_numpy(),
        completions=events["completion"].fill_null(np.nan).to_numpy(),
    )
    held = find_held_events(columns, settings.SEEN_SHARE, viewers)
    read, rows = select_model_events(
        Events(
            movie_ids=columns.movie_ids[held.rows],
            times=events["occurred_at"].to_numpy()[held.rows],
            kinds=held.kinds,
            ratings=held.ratings,
            completions=columns.completions[held.rows],
        )
    )
    return Histories.from_table(viewers[held.rows][rows], read)
