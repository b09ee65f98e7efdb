"""The memory that benchmarks tell is that of the process that they tell it of."""

from benchmarks.isolated_process import run_isolated
from benchmarks.memory import peak_mb


def test_the_peak_of_a_process_is_not_that_of_the_one_that_started_it():
    held = b"x" * (200 << 20)
    assert peak_mb() > len(held) >> 20
    assert run_isolated(dict)["peak_mb"] < 100
