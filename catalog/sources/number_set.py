"""Sets of ids as masks: a million ids and a test of ninety million rows cost little memory and no hashing."""

import numpy as np

_FIRST_SIZE = 1 << 20


class NumberSet:
    """A set of whole numbers from 0."""

    def __init__(self) -> None:
        self._has = np.zeros(_FIRST_SIZE, bool)

    def add(self, numbers: np.ndarray) -> None:
        """Add the numbers, int [n]."""
        if len(numbers) and (last := int(numbers.max())) >= len(self._has):
            grown = np.zeros(last + last // 4 + 1, bool)
            grown[: len(self._has)] = self._has
            self._has = grown
        self._has[numbers] = True

    def contains(self, numbers: np.ndarray) -> np.ndarray:
        """Return which of the numbers are in the set, bool [n]."""
        inside = numbers < len(self._has)
        return inside & self._has[np.where(inside, numbers, 0)]
