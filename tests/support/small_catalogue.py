"""A catalogue of a few movies, written by hand: the stages of the read path are tested with it, without a database."""

from collections.abc import Sequence

import numpy as np

from catalog.selectors import CatalogueTable, MerchandisingRule
from recommender.movies.snapshot import CatalogueSnapshot

MIN_TIME, MAX_TIME = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def small_catalogue(
    genres: Sequence[str],
    *,
    ages: Sequence[int] | None = None,
    published: Sequence[bool] | None = None,
    available_from: Sequence[int] | None = None,
    rules: Sequence[MerchandisingRule] = (),
) -> CatalogueSnapshot:
    """Return movies with the ids 10, 20, 30 ..., one for each string of genre letters, all of the year 2000."""
    count = len(genres)
    names = sorted(set("".join(genres)))
    starts = np.concatenate([[0], np.cumsum([len(letters) for letters in genres])]).astype(np.int32)
    return CatalogueSnapshot(
        CatalogueTable(
            version=1,
            ids=np.arange(10, 10 * count + 1, 10, dtype=np.int32),
            published=np.array(published if published is not None else [True] * count),
            available_from=np.array(available_from if available_from is not None else [MIN_TIME] * count, np.int64),
            available_until=np.full(count, MAX_TIME),
            added_at=np.zeros(count, np.int64),
            year=np.full(count, 2000, np.int16),
            runtime=np.zeros(count, np.int16),
            certificate=np.zeros(count, np.int16),
            age=np.array(ages if ages is not None else [0] * count, np.int8),
            language=np.zeros(count, np.int16),
            genre_start=starts,
            genre_of=np.array([names.index(letter) for letters in genres for letter in letters], np.int16),
            credit_start=np.zeros(count + 1, np.int32),
            credit_person=np.empty(0, np.int32),
            credit_role=np.empty(0, np.int8),
            certificates=[""],
            languages=[""],
            genre_names=names,
            person_names=[],
            person_ids=np.empty(0, np.int32),
            titles=[f"Movie {n}" for n in range(count)],
            imdb=np.zeros(count, np.int32),
            tmdb=np.zeros(count, np.int32),
            merchandising_rules=tuple(rules),
        )
    )
