"""State that a process keeps is named in one place, and cleared by one call."""

import pytest

from recommender import process_state


@pytest.fixture(autouse=True)
def _own_pieces(monkeypatch):
    monkeypatch.setattr(process_state, "_pieces", {})


def test_clear_puts_every_registered_piece_back():
    cached, answers = {"key": 1}, ["answer"]
    last_seen = process_state.Value("a third: what was seen last", 0)
    last_seen.current = 7
    process_state.register("one module: its cache", cached.clear)
    process_state.register("another module: its answers", answers.clear)

    process_state.clear()

    assert (cached, answers, last_seen.current) == ({}, [], 0)
    names = ["a third: what was seen last", "another module: its answers", "one module: its cache"]
    assert process_state.names() == names


def test_two_pieces_never_share_a_name():
    process_state.register("one module: its cache", dict)

    with pytest.raises(ValueError, match="one module: its cache"):
        process_state.register("one module: its cache", list)
