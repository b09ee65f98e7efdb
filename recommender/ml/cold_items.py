"""Cold items: films that came after a model's training, with vectors from their metadata alone."""

from typing import NamedTuple, Self

import numpy as np
from torch import Tensor


class ColdItems(NamedTuple):
    """Films that the model does not know by id, to be ranked among its own."""

    movie_ids: np.ndarray  # int32 [K], none of the model's vocabulary
    vectors: Tensor  # float32 [K, D], output vectors from the films' metadata, rounded as all films' are
    total: int  # such films before any were left out

    def select(self, keep: np.ndarray) -> Self:
        """Return the films where the mask `keep`, bool [K], is true."""
        return self if keep.all() else self._replace(movie_ids=self.movie_ids[keep], vectors=self.vectors[keep])
