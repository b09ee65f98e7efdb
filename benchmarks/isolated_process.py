"""Work in a fresh process, so that its memory is its own."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from benchmarks.memory import peak_mb


def run_isolated(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """What `work` returns, and `peak_mb`: the most memory that its process ever held (resident)."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak_mb, work, arguments).result()


def run_isolated_in_parallel(
    works: Sequence[tuple[Callable[..., dict[str, Any]], tuple[object, ...]]],
) -> list[dict[str, Any]]:
    """As `apart`, each in a process of its own, at once."""
    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(lambda one: run_isolated(one[0], *one[1]), works))


def _with_peak_mb(work: Callable[..., dict[str, Any]], arguments: tuple[object, ...]) -> dict[str, Any]:
    told = work(*arguments)
    return told | {"peak_mb": peak_mb()}
