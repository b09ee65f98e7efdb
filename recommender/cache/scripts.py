"""Redis scripts. One that does the same to many keys costs the client a tenth of what as many commands do."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from redis.exceptions import NoScriptError

from recommender.cache.connection import CacheUnavailable, redis_connection

MAX_KEYS = 1_000  # of a round trip: Redis answers nobody else for a millisecond


class Script(NamedTuple):
    """A script, with the name that Redis has for it."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the script with this text."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def evaluate(script: Script, keys: Sequence[str], *arguments: Any) -> Any:
    """Return the reply to a script, as it came. In a cluster all keys have one hash tag."""
    [reply] = _evaluate_each(script, [(len(keys), *keys, *arguments)])
    return reply


def run_for_keys(
    script: Script,
    keys: Sequence[str],
    values: Sequence[Any],
    *arguments: Any,
    beside: Sequence[tuple[Any, ...]] = (),
) -> None:
    """Run a script that does the same to each of keys [n]; it finds `arguments` first and then the keys' own `values`
    [n] in ARGV. One command for MAX_KEYS of them; in a cluster one for each key, as they lie on several servers.

    `beside`: commands that are sent along.
    """
    size = 1 if redis_connection.is_cluster else MAX_KEYS
    parts = [
        (len(keys[start : start + size]), *keys[start : start + size], *arguments, *values[start : start + size])
        for start in range(0, len(keys), size)
    ]
    for start in range(0, len(parts), MAX_KEYS // size):
        _evaluate_each(script, parts[start : start + MAX_KEYS // size], beside)


def _evaluate_each(
    script: Script, parts: Sequence[tuple[Any, ...]], beside: Sequence[tuple[Any, ...]] = ()
) -> list[Any]:
    """Return the replies to a script with the keys and arguments of each part; one more round trip where a server does
    not know the script yet. Raises CacheUnavailable where one was refused."""
    replies = redis_connection.run(*(("EVALSHA", script.digest, *part) for part in parts), *beside)
    unknown = [number for number, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        again = redis_connection.run(*(("EVAL", script.text, *parts[number]) for number in unknown))
        for number, reply in zip(unknown, again, strict=True):
            replies[number] = reply
    for reply in replies:
        if isinstance(reply, Exception):
            raise CacheUnavailable(f"Redis refused: {reply}") from reply
    return replies[: len(parts)]
