"""The peak memory of a benchmark's process does not include its parent's."""

from benchmarks.memory import peak_mb
from benchmarks.processes.isolated_process import run_isolated


def test_the_peak_of_a_process_does_not_include_that_of_its_parent():
    block = b"x" * (400 << 20)
    assert peak_mb() > len(block) >> 20
    assert run_isolated(dict)["peak_mb"] < len(block) >> 20
