"""Film ids and their places in the embedding table: 0 is padding, films stand at 1..N in the order of their ids."""

import numpy as np

PAD = 0


class Vocab:
    """A sorted set of film ids."""

    def __init__(self, movie_ids: np.ndarray) -> None:
        """`movie_ids` [N], in any order, repeated or not."""
        self.movie_ids = np.unique(np.asarray(movie_ids, np.int32))

    def __len__(self) -> int:
        return len(self.movie_ids)

    def encode(self, movie_ids: np.ndarray) -> np.ndarray:
        """[n] film ids to [n] places, int64; 0 for a film that the vocabulary does not hold."""
        movie_ids = np.asarray(movie_ids)
        if not len(self.movie_ids):
            return np.zeros(len(movie_ids), np.int64)
        # Of one type, or each search would copy the vocabulary; an id too large for it equals none that is found.
        found = np.searchsorted(self.movie_ids, movie_ids.astype(np.int32)).clip(max=len(self.movie_ids) - 1)
        return np.where(self.movie_ids[found] == movie_ids, found + 1, PAD)
