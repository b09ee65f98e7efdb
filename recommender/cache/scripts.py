"""Redis scripts that do the same to many keys: one command for hundreds of keys costs the client a tenth of what as
many commands do."""

from collections.abc import Sequence
from typing import Any

MAX_KEYS = 1_000  # of a command: Redis answers nobody else for a millisecond


def run_script(redis: Any, script: str, keys: Sequence[str], values: Sequence[Any], *arguments: Any) -> None:
    """Run a script over keys [n]; it finds `arguments` first and then the keys' own `values` [n] in ARGV."""
    run = redis.register_script(script)
    for start in range(0, len(keys), MAX_KEYS):
        part = slice(start, start + MAX_KEYS)
        run(keys=keys[part], args=[*arguments, *values[part]])
