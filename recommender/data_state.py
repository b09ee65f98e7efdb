"""What this state folder's database was loaded from, and whether a model was trained on it: one small JSON file."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infrastructure.atomic_files import write_text


class DataState:
    """The file's content. `prepare` writes it; a backup takes it along."""

    def __init__(self, file: Path) -> None:
        self._file = file
        values = self.as_dict()
        self.source: str = values.get("source", "")  # the demo, a fingerprint of files, or nothing
        # Without the file the database was filled by other means.
        self.is_trained: bool = values.get("trained", True)

    def as_dict(self) -> dict[str, Any]:
        """Return what the file says; empty without a file."""
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}

    def save(self, *, source: str, is_trained: bool) -> None:
        """Write both values."""
        self.source, self.is_trained = source, is_trained
        self._write({"source": source, "trained": is_trained})

    def restore(self, values: Mapping[str, Any]) -> None:
        """Write what `as_dict` returned elsewhere; without values there is no file."""
        if values:
            self._write(values)
        else:
            self._file.unlink(missing_ok=True)

    @contextmanager
    def loading(self, source: str) -> Iterator[None]:
        """Note that SOURCE is loaded in the block.

        A kill in the middle leaves a file that asks for training; an error changes nothing, as the load did not.
        """
        former_source, was_trained = self.source, self.is_trained
        self.save(source="", is_trained=False)
        try:
            yield
        except Exception:
            self.save(source=former_source, is_trained=was_trained)
            raise
        self.save(source=source, is_trained=False)

    def _write(self, values: Mapping[str, Any]) -> None:
        write_text(self._file, json.dumps(dict(values)))
