"""Where an import that a command runs is written down, so that it is seen and can be taken back: the app above keeps
the notes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, Protocol, TypeVar

from catalog.services.undo.made import MadeRecords
from catalog.signals import import_began

_T = TypeVar("_T")


class StepCounts(NamedTuple):
    """What became of the rows of a step."""

    stored: int
    duplicates: int
    rejected: int


Step = Callable[[MadeRecords], tuple[_T, StepCounts]]


class ImportJournal(Protocol):
    """The notes of one import."""

    def write(self, step: Step[_T], *, is_last: bool = False) -> _T:
        """Run a step of the import, and note what it makes in one transaction with it. Returns what the step does.

        `is_last`: the import has ended with it, and cannot be cancelled any more.
        """

    def report_progress(self, what: str, done: int, expected: int | None) -> None:
        """Say how far the import is: the step, how much of it is done, and how much is expected (None: not counted)."""

    def log(self, line: str) -> None:
        """Add a line to the report."""

    def how_to_undo(self) -> str:
        """Return what an operator does to take the import back; nothing where it has made nothing."""


class _NoJournal:
    """Of a project without an app that keeps notes."""

    def write(self, step: Step[_T], *, is_last: bool = False) -> _T:
        return step(MadeRecords())[0]

    def report_progress(self, what: str, done: int, expected: int | None) -> None:
        pass

    def log(self, line: str) -> None:
        pass

    def how_to_undo(self) -> str:
        return ""


@contextmanager
def open_journal(of: str, command: str) -> Iterator[ImportJournal]:
    """Open the journal of an import for the length of the block. `of`: what its rows are, or the site they come from.

    Raises CatalogError where the import was cancelled from elsewhere.
    """
    answers: list[tuple[Any, Any]] = import_began.send(sender=ImportJournal, of=of, command=command)
    opened: AbstractContextManager[ImportJournal] = answers[0][1] if answers else nullcontext(_NoJournal())
    with opened as journal:
        yield journal
