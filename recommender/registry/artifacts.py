"""Where the versions' folders are: on this machine, in the model store (`object_store`), or both.

The local folder is what processes read from. With a store, a version is there before it goes live, and a machine that
lacks it fetches it.
"""

import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from recommender import process_state
from recommender.ml.config import FORMAT, MANIFEST_FILE
from recommender.ml.manifest import MANIFEST_ERRORS, checksum_matches, read_manifest
from recommender.models import ModelVersion
from recommender.registry import object_store

PRUNED_PREFIX = "Pruned: "  # how the reason of a version begins whose folder was deleted
FETCH_ERRORS = (object_store.ObjectStoreUnavailable, object_store.ArtifactDamaged)

log = logging.getLogger(__name__)


def folder(name: str) -> Path:
    """Return the path of the version's folder on this machine, whether it is there or not."""
    return Path(settings.MODEL_STORE) / name


def is_local(name: str) -> bool:
    """Return whether this machine has the version's folder, complete."""
    return (folder(name) / MANIFEST_FILE).exists()


def format_of(name: str) -> int | None:
    """Return the format of the version's folder, here or in the store; None without a readable manifest.

    Reads the manifest alone. Raises ObjectStoreUnavailable.
    """
    return _manifest(name)[0]


def is_loadable(name: str) -> bool:
    """Return whether the version is here with every file as it was written, or else in the store, in the format that
    this code reads. Loads nothing. Raises ObjectStoreUnavailable."""
    written_as, checksums = _manifest(name)
    intact = not is_local(name) or all(checksum_matches(folder(name) / file, sha) for file, sha in checksums.items())
    return written_as == FORMAT and intact


def _manifest(name: str) -> tuple[int | None, dict[str, str]]:
    """Return the format and the checksum of each file; (None, {}) without a readable manifest."""
    try:
        if is_local(name):
            raw: bytes | None = (folder(name) / MANIFEST_FILE).read_bytes()
        else:
            raw = object_store.stored_manifest(name) if object_store.is_configured() else None
        if not raw:
            return None, {}
        written_as, checksums = read_manifest(raw)
        return int(written_as), checksums
    except (OSError, *MANIFEST_ERRORS):
        return None, {}


def fetch(name: str) -> None:
    """Download the version's folder from the store, if there is one and this machine lacks it. Raises FETCH_ERRORS.

    A version that is nowhere is logged, and missing for the caller that loads it.
    """
    if is_local(name) or not object_store.is_configured():
        return
    if not object_store.download(folder(name)):
        log.error("Model %s is neither on this machine nor in the model store", name)
        return
    log.info("Model %s was fetched from the model store", name)
    for pruned in ModelVersion.objects.filter(status=ModelVersion.Status.REFUSED, reason__startswith=PRUNED_PREFIX):
        _delete_folder(folder(pruned.name))  # pruned by another machine


def try_fetch(name: str) -> bool:
    """Fetch as `fetch` does, for a caller that has something else to go on with. False where it failed: see the log."""
    try:
        fetch(name)
    except FETCH_ERRORS as error:
        log.error("Model %s is not on this machine: %s", name, error)
    return is_local(name)


# One download at a time.
_fetcher = process_state.Value[threading.Thread | None]("registry: the download under way", None)


def fetch_in_background(name: str, on_failure: Callable[[], None]) -> None:
    """Fetch in a thread, so that nobody waits who has another version to serve from. Does nothing during a download."""

    def run() -> None:
        try:
            if not try_fetch(name):
                on_failure()
        finally:
            close_old_connections()

    if _fetcher.current is None or not _fetcher.current.is_alive():
        _fetcher.current = threading.Thread(target=run, name=f"fetch-{name}", daemon=True)
        _fetcher.current.start()


def fetch_within(name: str, seconds: float) -> bool:
    """Fetch in the background and wait so long at most. Returns whether this machine has the folder now."""
    if object_store.is_configured() and not is_local(name):
        fetch_in_background(name, lambda: None)
        if _fetcher.current is not None:
            _fetcher.current.join(seconds)
    return is_local(name)


def upload_missing() -> list[str]:
    """Upload the versions of this machine that the store lacks. Returns their names. Raises ObjectStoreUnavailable."""
    if not object_store.is_configured():
        return []
    candidates = ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED)
    missing = candidates.exclude(name__in=object_store.version_names())
    return [version.name for version in missing if is_local(version.name) and _try_upload(version.name)]


def _try_upload(name: str) -> bool:
    try:
        return object_store.upload(folder(name))
    except object_store.ArtifactDamaged as error:
        log.error("Model %s is not uploaded: %s", name, error)
        return False


def ensure_replicated(name: str) -> None:
    """Copy a version that is on this machine or in the store to both. Raises FETCH_ERRORS."""
    fetch(name)
    if object_store.is_configured() and is_local(name):
        object_store.upload(folder(name))


def delete(name: str) -> bool:
    """Delete a version in the store, then on this machine. False where the store is away: nothing is deleted then."""
    try:
        if object_store.is_configured():
            object_store.remove(name)
    except object_store.ObjectStoreUnavailable as error:
        log.error("Model %s is not deleted: %s", name, error)
        return False
    _delete_folder(folder(name))
    return True


def _delete_folder(path: Path) -> None:
    """Delete a folder, renamed first, so that half of it is never met under its name."""
    aside = path.with_name(f".{path.name}.gone")
    with suppress(FileNotFoundError):
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
