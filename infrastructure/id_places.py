"""Where ids are in an ascending array of them: a table by id where these lie close together, else a binary search."""

import numpy as np

MAX_SPREAD = 16  # entries of the table for each id: 64 bytes
NOWHERE = -1


class IdPlaces:
    """The places of ids in an ascending array of int32 without repetitions."""

    def __init__(self, ids: np.ndarray) -> None:
        """Take the ids [n]."""
        self._ids = ids
        self._least = int(ids[0]) if len(ids) else 0
        spread = int(ids[-1]) - self._least + 1 if len(ids) else 1
        self._table: np.ndarray | None = None  # int32, by id - least, NOWHERE for what is no id, at both ends too
        if spread <= MAX_SPREAD * max(len(ids), 1):
            self._table = np.full(spread + 2, NOWHERE, np.int32)
            self._table[ids.astype(np.int64) - self._least + 1] = np.arange(len(ids))

    def find(self, ids: np.ndarray) -> np.ndarray:
        """Return the place of each id, int64 [n]; NOWHERE for what is none of them, be it too large for int32."""
        ids = np.asarray(ids)
        if self._table is not None:
            offsets = ids.astype(np.int64)
            offsets -= self._least - 1
            np.clip(offsets, 0, len(self._table) - 1, out=offsets)
            return self._table.take(offsets).astype(np.int64)
        # Of one type, or each search would copy the array.
        places = np.searchsorted(self._ids, ids.astype(np.int32)).clip(max=len(self._ids) - 1)
        return np.where(self._ids[places] == ids, places, NOWHERE)
