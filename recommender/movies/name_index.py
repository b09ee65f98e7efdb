"""Names as people type them: compared without case, accents and doubled spaces."""

import unicodedata
from collections.abc import Sequence


def normalise_name(name: str) -> str:
    if not name.isascii():
        name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(name.casefold().split())


class NameIndex:
    """From a name to all numbers that bear it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            self._numbers.setdefault(normalise_name(name), []).append(number)

    def lookup(self, names: Sequence[str]) -> tuple[list[int], list[str]]:
        """The numbers of all names together, and the names that nothing bears."""
        found = {name: self._numbers.get(normalise_name(name), []) for name in names}
        return (
            [number for numbers in found.values() for number in numbers],
            [name for name, numbers in found.items() if not numbers],
        )
