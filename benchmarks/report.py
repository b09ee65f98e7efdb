"""Print the result of a benchmark: a table to read and, as the very last line, one JSON object."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table


def print_report(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], result: Mapping[str, object]
) -> None:
    """Print `rows` as a table and `result`, which has at least bench, preset, parameters and movies, as JSON."""
    missing = {"bench", "preset", "parameters", "movies"} - result.keys()
    if missing:
        raise ValueError(f"the result of a benchmark needs {', '.join(sorted(missing))}")
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(_format(cell) for cell in row))
    Console().print(table)
    print(json.dumps(result), flush=True)


def _format(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.3g}" if abs(cell) < 10 else f"{cell:,.1f}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def revision() -> str | None:
    """Return the commit of this code, with "-dirty" after changes; None without git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
