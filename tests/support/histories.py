"""All histories as training reads them."""

from pathlib import Path

from recommender.ml.data import Histories
from recommender.shards.export import update_shards
from recommender.shards.reading import read_all_histories


def training_histories(folder: Path) -> Histories:
    """Read everything through shards in a folder of the test's own."""
    return read_all_histories(folder, update_shards(folder))
