"""The model store: an object store, or a folder that all machines mount, named by MOVIEREC_MODELS_URL.

Without it there is only the local folder. A version in the store is a folder as it is on a machine. Its manifest is
written last and deleted first: a folder without one is no version.
Credentials come from the environment alone, as the store's own library reads them.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache as once
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from infrastructure import disk_space
from infrastructure.atomic_files import atomic_folder
from recommender import process_state
from recommender.ml.config import MANIFEST_FILE
from recommender.ml.manifest import MANIFEST_ERRORS, checksum_matches, read_manifest

PROBE_TIMEOUT = 5.0  # seconds for the smallest question; the first one reads the library's files as well
S3_INSTALL_HINT = "pip install -r requirements-s3.txt"
_S3 = {
    "connect_timeout": 3,  # seconds
    "read_timeout": 30,
    "retries": {"max_attempts": 2},
    # The manifest has checksums. Other stores send Amazon's own for the whole file where a part was asked for.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
BACKEND_OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": _S3}, "file": {"auto_mkdir": True}}


class ObjectStoreUnavailable(Exception):
    """The store cannot be reached, or does not let this process in."""


class ArtifactDamaged(Exception):
    """A file, here or in the store, does not match the manifest, or the manifest cannot be read."""


def is_configured() -> bool:
    """Return whether there is a store beside the local folder."""
    return bool(settings.MODELS_URL)


def scheme_of(url: str) -> str:
    """Return the kind of store that a URL names: "s3", ...; "file" for a plain path."""
    return url.partition("://")[0] if "://" in url else "file"


def configuration_error(url: str) -> str:
    """Return why no store of that URL can be used, whether it is there or not; empty where nothing is wrong."""
    # An optional package's registry, read only where a store is configured.
    from fsspec.registry import available_protocols, known_implementations

    kind = scheme_of(url)
    if kind not in available_protocols():
        return f"there is no kind of store {kind!r}: s3://bucket/folder, or a folder that all machines mount"
    package = known_implementations.get(kind, {}).get("class", "fsspec").partition(".")[0]
    if find_spec(package) is None:
        hint = S3_INSTALL_HINT if kind == "s3" else f"pip install {package}"
        return f"the package {package} is not installed: {hint}"
    return ""


def version_names() -> set[str]:
    """Return the names of the versions in the store. Raises ObjectStoreUnavailable, as everything below."""
    with open_store() as (files, root):
        return {path.split("/")[-2] for path in files.glob(f"{root}/*/{MANIFEST_FILE}")}


def stored_manifest(name: str) -> bytes | None:
    """Return the manifest of a version in the store; None where the store has no such version."""
    with open_store() as (files, root):
        return _manifest(files, f"{root}/{name}")


def upload(folder: Path) -> bool:
    """Copy a complete version into the store. False where it lies there already. Raises ArtifactDamaged."""
    raw_manifest = (folder / MANIFEST_FILE).read_bytes()
    with open_store() as (files, root):
        there = f"{root}/{folder.name}"
        before = _manifest(files, there)
        if before == raw_manifest:
            return False
        if before is not None:
            files.rm_file(f"{there}/{MANIFEST_FILE}")
        for file, checksum in _checksums(raw_manifest).items():
            _verify(folder / file, checksum)
            files.put_file(str(folder / file), f"{there}/{file}")
        files.pipe_file(f"{there}/{MANIFEST_FILE}", raw_manifest)
    return True


def download(folder: Path) -> bool:
    """Copy the version of that folder's name out of the store, check it, and rename it into place.

    False where the store has none. One process of a machine does it at a time: the others find it done. Raises
    ArtifactDamaged.
    """
    with _download_lock(folder.parent), open_store() as (files, root):
        if (folder / MANIFEST_FILE).exists():
            return True
        there = f"{root}/{folder.name}"
        raw_manifest = _manifest(files, there)
        if raw_manifest is None:
            return False
        with atomic_folder(folder) as aside:  # in place of a folder without a manifest, which is no version
            for file, checksum in _checksums(raw_manifest).items():
                files.get_file(f"{there}/{file}", str(aside / file))
                _verify(aside / file, checksum)
            (aside / MANIFEST_FILE).write_bytes(raw_manifest)
    return True


def remove(name: str) -> None:
    """Delete a version in the store, if it is there."""
    with open_store() as (files, root):
        there = f"{root}/{name}"
        if _manifest(files, there) is not None:
            files.rm_file(f"{there}/{MANIFEST_FILE}")
        if files.exists(there):
            files.rm(there, recursive=True)


@contextmanager
def open_store() -> Iterator[tuple[Any, str]]:
    """Yield the file system and the path in it. Its library's errors have no common class, so all are translated.

    Raises ObjectStoreUnavailable.
    """
    try:
        if problem := configuration_error(settings.MODELS_URL):
            raise ObjectStoreUnavailable(problem)
        files, root = _filesystem(settings.MODELS_URL)
        _probe(files, root)
        yield files, root
    except ArtifactDamaged:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ObjectStoreUnavailable) else f"{type(error).__name__}: "
        if (full := disk_space.storage_problem(error)) is not None:
            kind = f"{full.message} {kind}"
        raise ObjectStoreUnavailable(f"The model store {settings.MODELS_URL} cannot be used: {kind}{error}") from error


def is_folder(files: Any) -> bool:
    """Return whether the store is a folder, where a file can be seen while it is written."""
    return "file" in files.protocol


_probe_thread = process_state.Value[threading.Thread | None]("registry: the probe of the model store", None)


def _probe(files: Any, root: str) -> None:
    """Raise ObjectStoreUnavailable where no answer comes at all.

    In a thread of its own: a call to a network folder whose server is gone cannot be ended, and while one hangs no
    other is begun.
    """

    def ask() -> None:
        with suppress(Exception):  # a store that refuses is there; the call that follows says why
            files.exists(root)

    if _probe_thread.current is None or not _probe_thread.current.is_alive():
        _probe_thread.current = threading.Thread(target=ask, name="model-store-probe", daemon=True)
        _probe_thread.current.start()
        _probe_thread.current.join(PROBE_TIMEOUT)
    if _probe_thread.current.is_alive():
        raise ObjectStoreUnavailable("it does not answer")


@once
def _filesystem(url: str) -> tuple[Any, str]:
    # An optional package, read only where a store is configured.
    from fsspec.core import url_to_fs

    files, root = url_to_fs(url, use_listings_cache=False, **BACKEND_OPTIONS.get(scheme_of(url), {}))
    return files, root.rstrip("/")


process_state.register("registry: the model store that is open", _filesystem.cache_clear)


def _manifest(files: Any, there: str) -> bytes | None:
    try:
        return bytes(files.cat_file(f"{there}/{MANIFEST_FILE}"))
    except FileNotFoundError:
        return None


def _checksums(raw_manifest: bytes) -> dict[str, str]:
    """Return file -> SHA-256. The manifest may have been written by hand: it may name files of its folder alone."""
    try:
        _, sums = read_manifest(raw_manifest)
    except MANIFEST_ERRORS as error:
        raise ArtifactDamaged(f"A manifest cannot be read: {error!r}") from error
    if foreign := [file for file in sums if Path(file).name != file]:
        raise ArtifactDamaged(f"A manifest names {foreign[0]!r}, which is no file of its folder.")
    return sums


def _verify(path: Path, checksum: str) -> None:
    if not checksum_matches(path, checksum):
        raise ArtifactDamaged(f"{path} is missing, cut or edited: its checksum is not the manifest's.")


@contextmanager
def _download_lock(store: Path) -> Iterator[None]:
    """The kernel lets go of it however the process ends."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".coming.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
