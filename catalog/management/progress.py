"""Progress of a long write: a bar where a person watches, a line now and then where nobody does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper

from catalog.services import Progress

EVERY = 5.0  # seconds between two lines of one step


@contextmanager
def shown_progress(out: OutputWrapper) -> Iterator[Progress]:
    if out.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines(out)


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TextColumn("{task.completed:>12,}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns) as bars:
        tasks: dict[str, int] = {}

        def progress(what: str, done: int, expected: int | None, /) -> None:
            for name in tasks.keys() - {what}:
                bars.stop_task(tasks[name])
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=expected)
            # The expected number is an estimate: the bar never claims to be past its end.
            bars.update(tasks[what], completed=done, total=max(expected, done) if expected else None)

        yield progress


def _lines(out: OutputWrapper) -> Progress:
    said: dict[str, float] = {}

    def progress(what: str, done: int, expected: int | None, /) -> None:
        if time.monotonic() - said.get(what, -EVERY) >= EVERY:
            said[what] = time.monotonic()
            out.write(f"{what}: {done:,} of about {expected:,}" if expected else f"{what} …")
            out.flush()

    return progress
