"""Film ids and token ids: 0 is padding, films are 1..N in the order of their ids."""

import numpy as np

from infrastructure.id_places import IdPlaces

PAD = 0


class Vocab:
    """A sorted set of film ids."""

    def __init__(self, movie_ids: np.ndarray) -> None:
        """Take `movie_ids` [N] in any order, repeated or not."""
        self.movie_ids = np.unique(np.asarray(movie_ids, np.int32))
        self._places = IdPlaces(self.movie_ids)

    def __len__(self) -> int:
        return len(self.movie_ids)

    def encode(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the token ids of film ids [n], int64 [n]; 0 for a film that is not in the vocabulary."""
        return self._places.find(movie_ids) + 1
