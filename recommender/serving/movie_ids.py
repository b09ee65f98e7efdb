"""Films by their ids at IMDB and TMDB, from the catalogue in memory."""

from collections.abc import Sequence

import numpy as np

from catalog.external_ids import ExternalId
from recommender.movies.snapshot import CatalogueSnapshot, current_snapshot
from recommender.serving import current_versions


def resolve_external_ids(ids: Sequence[ExternalId]) -> list[int]:
    """The catalogue's id of each; 0 where it has no such film. One look at what is true now for all of them."""
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    return [_movie_id_of(films, one) for one in ids]


def _movie_id_of(films: CatalogueSnapshot, one: ExternalId) -> int:
    numbers, rows = films.by_imdb if one.imdb else films.by_tmdb
    place = int(np.searchsorted(numbers, wanted := one.imdb or one.tmdb))
    found = place < len(numbers) and numbers[place] == wanted
    return int(films.table.ids[rows[place]]) if found else 0
