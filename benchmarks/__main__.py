"""Run a benchmark: python -m benchmarks NAME [OPTIONS].

A benchmark is a module bench_NAME.py with a docstring, `add_arguments` and `run`.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks

PREFIX = "bench_"


def benchmark_names() -> list[str]:
    """Return the names of all benchmarks."""
    modules = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name.removeprefix(PREFIX) for name in modules if name.startswith(PREFIX))


def main(argv: Sequence[str]) -> int:
    """Run the benchmark of the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="./run bench", description="Runs a benchmark; the last line is JSON.")
    parser.add_argument("name", choices=benchmark_names(), help="which one")
    args = parser.parse_args(argv[:1])
    bench = importlib.import_module(f"benchmarks.{PREFIX}{args.name}")
    bench_parser = argparse.ArgumentParser(
        prog=f"./run bench {args.name}",
        description=bench.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_arguments(bench_parser)
    bench.run(bench_parser.parse_args(argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
