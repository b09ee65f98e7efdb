"""The same benchmark twice, one process each: with all instructions of the processor, and without AVX-512 and bf16."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from benchmarks.report import print_report

# What keeps each library from instructions beyond AVX2: of torch, oneDNN, MKL, OpenBLAS and numpy.
AVX2_ALONE = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
RATIOS = (
    "cached_over_floor",
    "uncached_over_bare",
    "explained_over_uncached",
    "filtered_over_uncached",
    "similar_over_floor",
    "home_over_floor",
    "event_over_floor",
)


def run_with_and_without(args: argparse.Namespace) -> None:
    """Run the benchmark with the options of `args` in both ways and print the ratios side by side. Raises SystemExit
    where one of them fails."""
    options = ["--preset", args.preset, "--soak", str(args.soak)]
    options += ["--data", str(args.data)] if args.data else []
    options += ["--quick"] if args.quick else []
    runs = {"all instructions": _run(options, {}), "AVX2 alone": _run(options, AVX2_ALONE)}
    result = dict(runs["all instructions"])
    result |= {f"{name}_avx2": runs["AVX2 alone"][name] for name in (*RATIOS, "bare_ms", "floor_p50_ms")}
    print_report(
        f"{result['movies']:,} films, with all instructions of this processor and without AVX-512 and bf16",
        ["", *runs],
        [[name, *(one[name] for one in runs.values())] for name in (*RATIOS, "bare_ms", "floor_p50_ms")],
        result,
    )


def _run(options: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Run the benchmark in a process of its own and return what its last line says; its report is printed."""
    command = [sys.executable, "-m", "benchmarks", "serving", *options]
    done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode:
        raise SystemExit(f"The benchmark ended with {done.returncode}.")
    last_line: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return last_line
