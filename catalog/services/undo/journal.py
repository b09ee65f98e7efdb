"""Where an import writes down what it makes, so that it can be taken back: the app above keeps the notes."""

from collections.abc import Callable
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

    def write(self, step: Step[_T]) -> _T:
        """Run a step of the import, and note what it makes in one transaction with it. Returns what the step does."""

    def how_to_undo(self) -> str:
        """Return what an operator does to take the import back; nothing where nothing was noted."""


class _NoJournal:
    """Of a project without an app that keeps notes."""

    def write(self, step: Step[_T]) -> _T:
        return step(MadeRecords())[0]

    def how_to_undo(self) -> str:
        return ""


def open_journal(of: str) -> ImportJournal:
    """Return the journal of an import that begins. `of`: what its rows are."""
    opened: list[Any] = [journal for _, journal in import_began.send(sender=ImportJournal, of=of)]
    journal: ImportJournal = opened[0] if opened else _NoJournal()
    return journal
