"""The versions that stored lists are judged by: of the model, the epoch, the catalogue and each viewer.

A version is published with its new value, or filled in by a reader who found it absent. Filling is a compare-and-set:
the reader reserves the place with a token, reads the truth from Postgres, and writes it only where the token stands.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping

from infrastructure.connectivity import REDIS
from recommender.cache.codec import Versions
from recommender.cache.connection import CacheUnavailable, redis_connection
from recommender.cache.keys import CATALOGUE, EPOCH, MODEL, RESERVATION_PREFIX, full_key, version_key
from recommender.cache.scripts import Script, run_for_keys

VERSION_TTL = 30 * 86_400  # seconds; far beyond any list's life, so that a version outlives the lists it judges
RESERVATION_TTL = 10  # seconds: longer than reading the truth takes

# A version only grows, and an absent one is not put there by a publisher: one that was overtaken by another, whose
# number was then evicted, would bring an older truth back. A publisher removes the reservation of a reader who is
# reading the truth meanwhile.
_PUBLISH = Script.of("""
for n = 1, #KEYS do
  local held, sent = redis.call('GET', KEYS[n]), ARGV[n + 1]
  if held then
    local number = tonumber(held)
    if not number then redis.call('DEL', KEYS[n])
    elseif number < tonumber(sent) then redis.call('SET', KEYS[n], sent, 'EX', ARGV[1])
    else redis.call('EXPIRE', KEYS[n], ARGV[1]) end
  end
end
""")
# What was read after the place was reserved is the truth still if the token stands there still. A number may be raised
# anyway.
_FILL_RESERVED = Script.of("""
local token = ARGV[2]
for n = 1, #KEYS do
  local held, sent = redis.call('GET', KEYS[n]), ARGV[n + 2]
  if held == token or (tonumber(held or '') or math.huge) < (tonumber(sent) or -1) then
    redis.call('SET', KEYS[n], sent, 'EX', ARGV[1])
  end
end
""")

_DELETE = Script.of("for _, key in ipairs(KEYS) do redis.call('DEL', key) end")

log = logging.getLogger(__name__)


def set_epoch_bumper(bump_epoch: Callable[[], int]) -> None:
    """Wire the one thing that the cache cannot do itself: raise the epoch in Postgres, commit, and return it.

    It is called when another Redis server answers than before, so that no list made before is trusted.
    """

    def distrust_all() -> None:
        # What else is no viewer's own is read from Postgres again: the server may lack what was published last.
        run_for_keys(_DELETE, [full_key(MODEL), full_key(CATALOGUE)], [])
        publish_epoch(bump_epoch())

    redis_connection.on_new_server = distrust_all


REDIS.on_recovery.append(lambda: redis_connection.verify_server())
REDIS.on_answer.append(lambda: redis_connection.renew())


def version_names(viewer_id: int) -> list[str]:
    """Return the keys of the versions, in the order of the fields of Versions."""
    return [MODEL, EPOCH, CATALOGUE, version_key(viewer_id)]


def reserve_missing_versions(viewer_id: int, versions: Versions) -> bytes:
    """Reserve the versions that are None, before the truth is read. Returns the token for `fill_reserved_versions`."""
    names = zip(version_names(viewer_id), versions, strict=True)
    return _reserve(name for name, version in names if version is None)


def reserve_viewer_versions(viewer_ids: Iterable[int], token: bytes = b"") -> bytes:
    """Reserve these viewers' absent versions, before their histories are read. Returns the token.

    `token`: the caller's own of before, if nothing that was read under it is still to be filled in.
    """
    return _reserve(map(version_key, viewer_ids), token)


_RESERVE = Script.of("for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[2], 'EX', ARGV[1], 'NX') end")


def _reserve(names: Iterable[str], token: bytes = b"") -> bytes:
    token = token or RESERVATION_PREFIX + os.urandom(16)
    run_for_keys(_RESERVE, [full_key(name) for name in names], [], RESERVATION_TTL, token)
    return token


def fill_reserved_versions(token: bytes, viewer_id: int, versions: Versions) -> None:
    """Write the versions as they were read after reserving, where nobody published since; None is left alone."""
    model = None if versions.model is None else versions.model.encode()
    values = zip(version_names(viewer_id), (model, *versions[1:]), strict=True)
    _run(_FILL_RESERVED, {name: value for name, value in values if value is not None}, token)


def fill_reserved_viewer_versions(token: bytes, versions: Mapping[int, int]) -> None:
    """Write the viewers' versions as they were read after reserving, where nobody published since."""
    _run(_FILL_RESERVED, {version_key(viewer_id): version for viewer_id, version in versions.items()}, token)


def publish_viewer_versions(versions: Mapping[int, int]) -> None:
    """Raise the versions of these viewers, viewer id -> version, as a transaction has committed them."""
    _run(_PUBLISH, {version_key(viewer_id): version for viewer_id, version in versions.items()})


def try_publish_viewer_versions(versions: Mapping[int, int]) -> bool:
    """Publish as `publish_viewer_versions` does; return False where Redis did not take them.

    Nothing is lost then: the outbox holds them, and beat publishes it within seconds.
    """
    if not versions:
        return True
    try:
        publish_viewer_versions(versions)
    except CacheUnavailable as error:
        log.warning("Versions of %d viewers wait in the outbox: %s", len(versions), error)
        return False
    return True


def publish_epoch(epoch: int) -> None:
    """Raise the epoch, which all lists are judged by."""
    _run(_PUBLISH, {EPOCH: epoch})


def publish_catalogue_version(version: int) -> None:
    """Raise the version of the catalogue, which every process re-reads its snapshot by."""
    _run(_PUBLISH, {CATALOGUE: version})


def _run(script: Script, values: Mapping[str, int | bytes], *more: bytes) -> None:
    """Run a script over the values by name."""
    run_for_keys(script, [full_key(name) for name in values], list(values.values()), VERSION_TTL, *more)


def publish_model(name: str | None) -> None:
    """Point at the active model, or at none. For the holder of the activation lock: it overwrites what is there."""
    with redis_connection.checked_client() as redis:
        if name is None:
            redis.delete(full_key(MODEL))
        else:
            redis.set(full_key(MODEL), name.encode(), ex=VERSION_TTL)
