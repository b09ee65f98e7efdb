"""Ids are found by a table or by a search, with the same result."""

import numpy as np
import pytest

from infrastructure import id_places
from infrastructure.id_places import IdPlaces

IDS = {
    "close together": [3, 4, 6, 9, 30],
    "below zero too": [-7, -2, 0, 5, 11],
    "far apart": [-(2**31), 1, 2_000_000, 2**31 - 1],
    "one": [260],
    "none": [],
}
ASKED = np.array(
    [-(2**31), -8, -7, -1, 0, 1, 2, 3, 5, 9, 30, 31, 260, 2_000_000, 2**31 - 1, 2**31 + 3, 2**40], np.int64
)


@pytest.mark.parametrize("searched", [False, True])
@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_each_id_is_found_where_it_is(ids, searched, monkeypatch):
    if searched and ids:
        monkeypatch.setattr(id_places, "MAX_SPREAD", 0)
    places = IdPlaces(np.array(ids, np.int32))
    found = places.find(ASKED)
    assert found.tolist() == [ids.index(number) if number in ids else -1 for number in ASKED.tolist()]
    assert found.dtype == np.int64
    assert places.find(np.array(ids, np.int32)).tolist() == list(range(len(ids)))
    assert places.find([]).tolist() == []
