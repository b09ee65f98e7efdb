"""The model store: where versions lie for every machine, named by MOVIEREC_MODELS_URL (an object store, or a folder
that all mount). Without it there is but the local folder.

A version there is a folder as here. Its manifest is written last and deleted first: what has none is no version.
Credentials come from the environment alone, as the store's own library reads them.
"""

import fcntl
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache as once
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from infrastructure import disk_space
from recommender.ml.config import MANIFEST_FILE
from recommender.ml.manifest import MANIFEST_ERRORS, checksum_matches, read_manifest

PROBE_TIMEOUT = 5.0  # for the least that a store can be asked; its first call reads its library's files as well
S3_INSTALL_HINT = "pip install -r requirements-s3.txt"
_S3 = {
    "connect_timeout": 3,  # seconds
    "read_timeout": 30,
    "retries": {"max_attempts": 2},
    # The manifest has checksums; those of Amazon's own kind other stores answer for the whole of what is read in parts.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
BACKEND_OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": _S3}, "file": {"auto_mkdir": True}}


class ObjectStoreUnavailable(Exception):
    """The store cannot be reached, or does not let this process in."""


class ArtifactDamaged(Exception):
    """What lies here or there is not what its manifest tells."""


def is_configured() -> bool:
    """Whether there is a store beside the local folder."""
    return bool(settings.MODELS_URL)


def scheme_of(url: str) -> str:
    return url.partition("://")[0] if "://" in url else "file"


def configuration_error(url: str) -> str:
    """Why no store of that url can be used, whether it is there or not; empty where nothing is wrong."""
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
    """The versions in the store. Raises StorageUnavailable, as everything here."""
    with _store() as (files, root):
        return {path.split("/")[-2] for path in files.glob(f"{root}/*/{MANIFEST_FILE}")}


def stored_manifest(name: str) -> bytes | None:
    """What the version's files have to be; None where the store has no such version."""
    with _store() as (files, root):
        return _manifest(files, f"{root}/{name}")


def upload(folder: Path) -> bool:
    """A complete version of this machine into the store. False where it lies there already. Raises StorageDamaged."""
    told = (folder / MANIFEST_FILE).read_bytes()
    with _store() as (files, root):
        there = f"{root}/{folder.name}"
        before = _manifest(files, there)
        if before == told:
            return False
        if before is not None:
            files.rm_file(f"{there}/{MANIFEST_FILE}")
        for file, checksum in _checksums(told).items():
            _verify(folder / file, checksum)
            files.put_file(str(folder / file), f"{there}/{file}")
        files.pipe_file(f"{there}/{MANIFEST_FILE}", told)
    return True


def download(folder: Path) -> bool:
    """The version of that folder's name out of the store, checked, then renamed into place. False where the store has
    none. One process of a machine at a time: the others find it done. Raises StorageDamaged."""
    with _download_lock(folder.parent), _store() as (files, root):
        if (folder / MANIFEST_FILE).exists():
            return True
        there = f"{root}/{folder.name}"
        told = _manifest(files, there)
        if told is None:
            return False
        aside = folder.with_name(f".{folder.name}.coming")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            for file, checksum in _checksums(told).items():
                files.get_file(f"{there}/{file}", str(aside / file))
                _verify(aside / file, checksum)
            (aside / MANIFEST_FILE).write_bytes(told)
            shutil.rmtree(folder, ignore_errors=True)  # without a manifest it is no version
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return True


def remove(name: str) -> None:
    with _store() as (files, root):
        there = f"{root}/{name}"
        if _manifest(files, there) is not None:
            files.rm_file(f"{there}/{MANIFEST_FILE}")
        if files.exists(there):
            files.rm(there, recursive=True)


@contextmanager
def _store() -> Iterator[tuple[Any, str]]:
    """The file system and the path in it. What its library raises has no common kind."""
    try:
        if wrong := configuration_error(settings.MODELS_URL):
            raise ObjectStoreUnavailable(wrong)
        files, root = _filesystem(settings.MODELS_URL)
        _probe(files, root)
        yield files, root
    except ArtifactDamaged:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ObjectStoreUnavailable) else f"{type(error).__name__}: "
        if (trouble := disk_space.storage_problem(error)) is not None:
            kind = f"{trouble.message} {kind}"
        raise ObjectStoreUnavailable(f"The model store {settings.MODELS_URL} cannot be used: {kind}{error}") from error


_probe_thread: threading.Thread | None = None


def _probe(files: Any, root: str) -> None:
    """Raises StorageUnavailable where nothing comes back at all. In a thread of its own: a call to a network folder
    whose server is gone cannot be ended, and while one hangs nobody begins another."""
    global _probe_thread

    def ask() -> None:
        with suppress(Exception):  # who refuses is there; the call that follows says why
            files.exists(root)

    if _probe_thread is None or not _probe_thread.is_alive():
        _probe_thread = threading.Thread(target=ask, name="knock", daemon=True)
        _probe_thread.start()
        _probe_thread.join(PROBE_TIMEOUT)
    if _probe_thread.is_alive():
        raise ObjectStoreUnavailable("it does not answer")


@once
def _filesystem(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, root = url_to_fs(url, use_listings_cache=False, **BACKEND_OPTIONS.get(scheme_of(url), {}))
    return files, root.rstrip("/")


def _manifest(files: Any, there: str) -> bytes | None:
    try:
        return bytes(files.cat_file(f"{there}/{MANIFEST_FILE}"))
    except FileNotFoundError:
        return None


def _checksums(told: bytes) -> dict[str, str]:
    """File -> SHA-256. A manifest is what somebody may have written by hand: it may name files of its folder alone."""
    try:
        _, sums = read_manifest(told)
    except MANIFEST_ERRORS as error:
        raise ArtifactDamaged(f"A manifest cannot be read: {error!r}") from error
    if strange := [file for file in sums if Path(file).name != file]:
        raise ArtifactDamaged(f"A manifest names {strange[0]!r}, which is no file of its folder.")
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
