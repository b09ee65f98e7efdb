"""Films that came after a model's training: they have the vectors of films that nobody has watched yet."""

from typing import NamedTuple, Self

import numpy as np
from torch import Tensor


class ColdItems(NamedTuple):
    movie_ids: np.ndarray  # int32 [K], none of the model's vocabulary
    vectors: Tensor  # float32 [K, D], output vectors from the films' metadata, rounded as all films' are

    def select(self, keep: np.ndarray) -> Self:
        """Those that a mask, bool [K], lets through."""
        return self if keep.all() else type(self)(self.movie_ids[keep], self.vectors[keep])
