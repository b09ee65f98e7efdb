"""Progress of a long write: a bar in a terminal, else a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper

from catalog.loading import Progress

LINE_INTERVAL = 5.0  # seconds between two lines of one step


@contextmanager
def progress_display(out: OutputWrapper) -> Iterator[Progress]:
    """Show the progress that the block reports: as bars in a terminal, else as lines."""
    if out.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines(out)


@contextmanager
def _bars() -> Iterator[Progress]:
    # Imported here, as only a command in a terminal draws bars.
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    name, count = TextColumn("{task.description:<12}"), TextColumn("{task.fields[count]:>12}")
    with Bars(name, BarColumn(), count, TimeElapsedColumn()) as bars:
        steps: dict[str, TaskID] = {}

        def finish_others(what: str = "") -> None:
            for step in bars.tasks:
                if step.description != what and not step.finished:
                    bars.update(step.id, total=1, completed=1)

        def progress(what: str, done: int, expected: int | None, /) -> None:
            finish_others(what)
            if what not in steps:
                steps[what] = bars.add_task(what, total=expected, count="")
            # The expected number is an estimate: the bar never claims to be past its end.
            total, count = (max(expected, done), f"{done:,}") if expected else (None, "")
            bars.update(steps[what], completed=done, total=total, count=count)

        yield progress
        finish_others()


def _lines(out: OutputWrapper) -> Progress:
    last_line: dict[str, float] = {}

    def progress(what: str, done: int, expected: int | None, /) -> None:
        if time.monotonic() - last_line.get(what, -LINE_INTERVAL) >= LINE_INTERVAL:
            last_line[what] = time.monotonic()
            out.write(f"{what}: {done:,} of about {expected:,}" if expected else f"{what} …")
            out.flush()

    return progress
