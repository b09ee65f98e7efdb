"""Film ids and token ids: 0 is padding, films are 1..N in the order of their ids."""

import numpy as np

PAD = 0


class Vocab:
    """A sorted set of film ids."""

    def __init__(self, movie_ids: np.ndarray) -> None:
        """Take `movie_ids` [N] in any order, repeated or not."""
        self.movie_ids = np.unique(np.asarray(movie_ids, np.int32))

    def __len__(self) -> int:
        return len(self.movie_ids)

    def encode(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the token ids of film ids [n], int64 [n]; 0 for a film that is not in the vocabulary."""
        movie_ids = np.asarray(movie_ids)
        if not len(self.movie_ids):
            return np.zeros(len(movie_ids), np.int64)
        # Of one type, or each search would copy the vocabulary; an id too large for int32 equals none.
        index = np.searchsorted(self.movie_ids, movie_ids.astype(np.int32)).clip(max=len(self.movie_ids) - 1)
        return np.where(self.movie_ids[index] == movie_ids, index + 1, PAD)
