"""Where the versions' folders are: on this machine, in the model store (`storage`), or both.

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

from recommender.ml.config import FORMAT, MANIFEST_FILE
from recommender.ml.manifest import MANIFEST_ERRORS, checksum_matches, read_manifest
from recommender.models import ModelVersion
from recommender.registry import object_store

PRUNED_PREFIX = "Pruned: "  # how the reason of a version begins whose folder was deleted
FETCH_ERRORS = (object_store.ObjectStoreUnavailable, object_store.ArtifactDamaged)

log = logging.getLogger(__name__)


def folder(name: str) -> Path:
    return Path(settings.MODEL_STORE) / name


def is_local(name: str) -> bool:
    """Whether this machine has the version's folder, complete."""
    return (folder(name) / MANIFEST_FILE).exists()


def format_of(name: str) -> int | None:
    """Of the version's folder, here or in the store; looks at its manifest alone. Raises StorageUnavailable."""
    return _manifest(name)[0]


def is_loadable(name: str) -> bool:
    """Whether the version is here with every file as it was written, or else in the store, in the format that this
    code reads. Loads nothing. Raises StorageUnavailable."""
    written_as, checksums = _manifest(name)
    files_sound = not is_local(name) or all(
        checksum_matches(folder(name) / file, sha) for file, sha in checksums.items()
    )
    return written_as == FORMAT and files_sound


def _manifest(name: str) -> tuple[int | None, dict[str, str]]:
    try:
        told = (
            (folder(name) / MANIFEST_FILE).read_bytes()
            if is_local(name)
            else object_store.is_configured() and object_store.stored_manifest(name)
        )
        if not told:
            return None, {}
        written_as, checksums = read_manifest(told)
        return int(written_as), checksums
    except (OSError, *MANIFEST_ERRORS):
        return None, {}


def fetch(name: str) -> None:
    """Has the version's folder on this machine, out of the store if there is one. Raises NOT_TO_BE_HAD; a version that
    is nowhere is missing to whoever loads it."""
    if is_local(name) or not object_store.is_configured():
        return
    if not object_store.download(folder(name)):
        log.error("Model %s is neither on this machine nor in the model store", name)
        return
    log.info("Model %s was fetched from the model store", name)
    for pruned in ModelVersion.objects.filter(status=ModelVersion.Status.REFUSED, reason__startswith=PRUNED_PREFIX):
        _delete_folder(folder(pruned.name))  # by another machine


def try_fetch(name: str) -> bool:
    """`fetch` for those who have something else to go on with: False where it failed; the log says why."""
    try:
        fetch(name)
    except FETCH_ERRORS as error:
        log.error("Model %s is not on this machine: %s", name, error)
    return is_local(name)


_fetcher: threading.Thread | None = None  # one download at a time


def fetch_in_background(name: str, on_failure: Callable[[], None]) -> None:
    """In a thread of its own, so that nobody who has another version to serve from waits. Does nothing while one is
    fetched already."""
    global _fetcher

    def run() -> None:
        try:
            if not try_fetch(name):
                on_failure()
        finally:
            close_old_connections()

    if _fetcher is None or not _fetcher.is_alive():
        _fetcher = threading.Thread(target=run, name=f"fetch-{name}", daemon=True)
        _fetcher.start()


def fetch_within(name: str, seconds: float) -> bool:
    """Whether this machine has the version's folder, or gets it within that time; it is fetched on after that."""
    if object_store.is_configured() and not is_local(name):
        fetch_in_background(name, lambda: None)
        if _fetcher is not None:
            _fetcher.join(seconds)
    return is_local(name)


def upload_missing() -> list[str]:
    """Uploads the versions of this machine that the store lacks; their names. Raises StorageUnavailable."""
    if not object_store.is_configured():
        return []
    lacking = ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).exclude(
        name__in=object_store.version_names()
    )
    return [one.name for one in lacking if is_local(one.name) and _try_upload(one.name)]


def _try_upload(name: str) -> bool:
    try:
        return object_store.upload(folder(name))
    except object_store.ArtifactDamaged as error:
        log.error("Model %s is not uploaded: %s", name, error)
        return False


def ensure_replicated(name: str) -> None:
    """Has a version that is on this machine or in the store on both. Raises NOT_TO_BE_HAD."""
    fetch(name)
    if object_store.is_configured() and is_local(name):
        object_store.upload(folder(name))


def delete(name: str) -> bool:
    """The store's first: False where it cannot be reached, and all is left as it is."""
    try:
        if object_store.is_configured():
            object_store.remove(name)
    except object_store.ObjectStoreUnavailable as error:
        log.error("Model %s is not deleted: %s", name, error)
        return False
    _delete_folder(folder(name))
    return True


def _delete_folder(path: Path) -> None:
    """Renamed first, so that no half of it is ever met under its name."""
    aside = path.with_name(f".{path.name}.gone")
    with suppress(FileNotFoundError):
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
