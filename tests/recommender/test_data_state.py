"""The note on what a state folder's database was loaded from."""

import pytest

from recommender.data_state import DataState


def test_without_a_file_the_database_was_filled_by_other_means(tmp_path):
    state = DataState(tmp_path / "data.json")

    assert (state.source, state.is_trained, state.as_dict()) == ("", True, {})


def test_a_load_is_noted_and_asks_for_training(tmp_path):
    file = tmp_path / "data.json"
    with DataState(file).loading("demo"):
        during = DataState(file)

    after = DataState(file)
    assert (during.source, during.is_trained) == ("", False), "a kill in the middle has to train"
    assert (after.source, after.is_trained) == ("demo", False)


def test_a_load_that_fails_changes_nothing(tmp_path):
    file = tmp_path / "data.json"
    DataState(file).save(source="demo", is_trained=True)

    with pytest.raises(OSError, match="no such data set"), DataState(file).loading("files"):
        raise OSError("no such data set")

    assert (DataState(file).source, DataState(file).is_trained) == ("demo", True)


@pytest.mark.parametrize("values", [{}, {"source": "demo", "trained": False}])
def test_a_backup_takes_it_along(tmp_path, values):
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    DataState(there).save(source="other", is_trained=True)
    DataState(here).restore(values)

    DataState(there).restore(DataState(here).as_dict())

    assert DataState(there).as_dict() == values
    assert here.exists() == bool(values)
