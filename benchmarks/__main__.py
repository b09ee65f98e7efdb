"""python -m benchmarks NAME [WORDS]. A benchmark is a bench_NAME.py with a docstring, `add_arguments` and `run`."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks

PREFIX = "bench_"


def benchmark_names() -> list[str]:
    modules = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name.removeprefix(PREFIX) for name in modules if name.startswith(PREFIX))


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run bench", description="Runs a benchmark; the last line is JSON.")
    parser.add_argument("name", choices=benchmark_names(), help="which one")
    given = parser.parse_args(words[:1])
    bench = importlib.import_module(f"benchmarks.{PREFIX}{given.name}")
    own = argparse.ArgumentParser(
        prog=f"./run bench {given.name}",
        description=bench.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_arguments(own)
    bench.run(own.parse_args(words[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
