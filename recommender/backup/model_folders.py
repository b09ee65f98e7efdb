"""Model folders on their way into a backup and out of it."""

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from recommender import registry
from recommender.backup.archive import MODEL_FILE, Archive, ArchiveRefused, OnBytes, model_members, no_progress
from recommender.ml.config import MANIFEST_FILE
from recommender.ml.manifest import checksum, read_manifest

STAGING_FOLDER, REPLACED_SUFFIX = ".restore", ".former"
MIN_FREE_BYTES = 256 * 1024 * 1024  # bytes of the disk that a restore leaves free


def archive_members(name: str) -> dict[str, Path]:
    """Name in the archive -> file. Raises ValueError with what is wrong with the folder, by its own checksums."""
    folder = registry.folder(name)
    try:
        _, sums = read_manifest((folder / MANIFEST_FILE).read_bytes())
        for file, wanted in sums.items():
            if checksum(folder / file) != wanted:
                raise ValueError(f"{file} has not the checksum of its manifest")
    except FileNotFoundError as error:
        raise ValueError(f"{error.filename} is missing") from error
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"it cannot be read: {error!r}") from error
    found = {f"models/{name}/{file}": folder / file for file in (*sums, MANIFEST_FILE)}
    if strange := [member for member in found if not MODEL_FILE.fullmatch(member)]:
        raise ValueError(f"{strange[0]} is no name for a file of a model")
    return found


def stored_folders() -> list[Path]:
    """The folders of the store, whether or not the database knows them."""
    store = Path(settings.MODEL_STORE)
    return [path for path in store.iterdir() if not path.name.startswith(".")] if store.exists() else []


@contextmanager
def extract(archive: Archive, on_bytes: OnBytes = no_progress) -> Iterator[Path]:
    """The archive's model folders, checked and beside the store's. Raises ArchiveRefused. What the block leaves of them
    is deleted."""
    store = Path(settings.MODEL_STORE)
    store.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(stage := store / STAGING_FOLDER, ignore_errors=True)  # of a restore that was killed
    needed = sum(
        archive.files[member]["bytes"]
        for files in model_members(archive.manifest).values()
        for member in files.values()
    )
    if (free := shutil.disk_usage(store).free) < needed + MIN_FREE_BYTES:
        raise ArchiveRefused(f"The models take {needed:,} bytes, and {store} has {free:,} free: make room first.")
    try:
        for name, files in model_members(archive.manifest).items():
            (stage / name).mkdir(parents=True)
            for file, member in files.items():
                _write(stage / name / file, archive.blocks(member), on_bytes)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(path: Path, blocks: Iterable[bytes], told: OnBytes) -> None:
    with path.open("xb") as out:
        for block in blocks:
            out.write(block)
            told(len(block))
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def swap_in(stage: Path) -> Iterator[None]:
    """Moves the unpacked folders into the store for the block, and back if it fails. Folders that are there already
    with the same content stay."""
    store, moved = stage.parent, list[tuple[Path, Path | None]]()
    try:
        for fresh in sorted(stage.iterdir()) if stage.exists() else ():
            if not _same_content(fresh, target := store / fresh.name):
                moved.append((target, _set_aside(target)))
                fresh.rename(target)
        yield
    except BaseException:
        for target, former in reversed(moved):
            shutil.rmtree(target, ignore_errors=True)
            if former is not None:
                former.rename(target)
        raise
    for _, former in moved:
        if former is not None:
            shutil.rmtree(former, ignore_errors=True)


def _set_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    return target.rename(target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{REPLACED_SUFFIX}"))


def _same_content(one: Path, other: Path) -> bool:
    def sums(folder: Path) -> dict[str, str]:
        return {path.name: checksum(path) for path in folder.iterdir()}

    return other.is_dir() and sums(one) == sums(other)


def delete_others(names: Iterable[str]) -> None:
    """Deletes the folders of models that the restored database does not know, and what a killed restore left."""
    known = set(names)
    for leftover in Path(settings.MODEL_STORE).glob(f".*{REPLACED_SUFFIX}"):
        shutil.rmtree(leftover, ignore_errors=True)
    for path in stored_folders():
        if path.name not in known and (aside := _set_aside(path)) is not None:
            shutil.rmtree(aside, ignore_errors=True)
