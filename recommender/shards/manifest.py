"""Which shards there are: their ranges, counts and checksums, and what all of them are about."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from infrastructure.atomic_files import write_text

FORMAT = 1
MANIFEST_FILE = "shards.json"
BELOW_ALL_IDS = -(2**31) - 1


@dataclass(frozen=True)
class Shard:
    """A file of viewers whose ids are above those of the shard before, up to `last`."""

    file: str
    last: int  # the highest of their ids: nothing names a viewer who is gone
    viewers: int
    events: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A version of the data. While `taken_at` is empty, not every viewer is in it yet."""

    source: dict[str, Any]  # which database and which rules the rows are of: others make all of them anew
    taken_at: str = ""  # ISO 8601, the moment of the last snapshot that went through
    shards: tuple[Shard, ...] = field(default=())  # by id

    @property
    def events(self) -> int:
        """Return how many events the shards hold."""
        return sum(shard.events for shard in self.shards)

    @property
    def viewers(self) -> int:
        """Return how many viewers the shards hold, with events or without."""
        return sum(shard.viewers for shard in self.shards)

    def with_shards(self, shards: tuple[Shard, ...], taken_at: str = "") -> Self:
        """Return a manifest of the same source."""
        return replace(self, shards=shards, taken_at=taken_at)

    def to_json(self) -> str:
        """Return the manifest as text."""
        return json.dumps(asdict(self) | {"format": FORMAT})

    def save(self, folder: Path) -> None:
        """Write the manifest, then delete the shards that it no longer names."""
        write_text(folder / MANIFEST_FILE, self.to_json())
        named = {shard.file for shard in self.shards}
        for path in folder.glob("*.parquet"):
            if path.name not in named:
                path.unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the manifest of a folder; None where there is none that this code reads."""
        try:
            return cls.from_json((folder / MANIFEST_FILE).read_bytes())
        except OSError:
            return None

    @classmethod
    def from_json(cls, text: bytes) -> Self | None:
        """Return the manifest of a text; None for one that this code does not read."""
        try:
            values = json.loads(text)
            if values["format"] != FORMAT:
                return None
            shards = tuple(Shard(**shard) for shard in values["shards"])
            if any(Path(shard.file).name != shard.file for shard in shards):
                return None  # written by hand: it may name files of its folder alone
            return cls(dict(values["source"]), str(values["taken_at"]), shards)
        except (ValueError, KeyError, TypeError):
            return None


def with_bounds(shards: Iterable[Shard]) -> Iterator[tuple[Shard, int]]:
    """Yield each shard with the id that its viewers are above."""
    after = BELOW_ALL_IDS
    for shard in shards:
        yield shard, after
        after = shard.last
