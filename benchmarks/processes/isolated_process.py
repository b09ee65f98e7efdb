"""Run work in a fresh process, so that its memory can be measured by itself."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from benchmarks.memory import peak_mb


def run_isolated(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Return the result of `work` plus `peak_mb`, the maximum resident memory of its process, where the result does
    not say it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak_mb, work, arguments).result()


def run_isolated_in_parallel(
    calls: Sequence[tuple[Callable[..., dict[str, Any]], tuple[object, ...]]],
) -> list[dict[str, Any]]:
    """Run all calls at once, each like `run_isolated`, and return their results in order."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(lambda call: run_isolated(call[0], *call[1]), calls))


def _with_peak_mb(work: Callable[..., dict[str, Any]], arguments: tuple[object, ...]) -> dict[str, Any]:
    result = work(*arguments)
    return {"peak_mb": peak_mb()} | result
