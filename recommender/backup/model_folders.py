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
MIN_FREE_BYTES = 256 * 1024 * 1024  # that a restore leaves free on the disk


def archive_members(name: str) -> dict[str, Path]:
    """Return the files of a model by their names in the archive.

    Raises ValueError with what is wrong with the folder, by its own checksums.
    """
    folder = registry.folder(name)
    try:
        _, sums = read_manifest((folder / MANIFEST_FILE).read_bytes())
        for file, expected in sums.items():
            if checksum(folder / file) != expected:
                raise ValueError(f"{file} has not the checksum of its manifest")
    except FileNotFoundError as error:
        raise ValueError(f"{error.filename} is missing") from error
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"it cannot be read: {error!r}") from error
    members = {f"models/{name}/{file}": folder / file for file in (*sums, MANIFEST_FILE)}
    if invalid := [member for member in members if not MODEL_FILE.fullmatch(member)]:
        raise ValueError(f"{invalid[0]} is no name for a file of a model")
    return members


def stored_folders() -> list[Path]:
    """Return the folders on this machine, whether or not the database knows them."""
    store = Path(settings.MODEL_STORE)
    return [path for path in store.iterdir() if not path.name.startswith(".")] if store.exists() else []


@contextmanager
def extract(archive: Archive, on_bytes: OnBytes = no_progress) -> Iterator[Path]:
    """Yield a folder with the archive's model folders, checked, beside the store's own.

    What the block leaves of them is deleted. Raises ArchiveRefused.
    """
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
                with (stage / name / file).open("xb") as out:
                    for block in archive.blocks(member):
                        out.write(block)
                        on_bytes(len(block))
                    out.flush()
                    os.fsync(out.fileno())
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def swap_in(stage: Path) -> Iterator[None]:
    """Move the extracted folders into the store for the block, and back if it fails.

    Folders that are there already with the same content stay.
    """
    store, moved = stage.parent, list[tuple[Path, Path | None]]()
    try:
        for extracted in sorted(stage.iterdir()) if stage.exists() else ():
            target = store / extracted.name
            if not target.is_dir() or _checksums(extracted) != _checksums(target):
                moved.append((target, _hide(target)))
                extracted.rename(target)
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


def _hide(target: Path) -> Path | None:
    """Rename a folder to a hidden name, which is returned; None where there is no such folder."""
    if not target.exists():
        return None
    return target.rename(target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{REPLACED_SUFFIX}"))


def _checksums(folder: Path) -> dict[str, str]:
    return {path.name: checksum(path) for path in folder.iterdir()}


def delete_others(names: Iterable[str]) -> None:
    """Delete the folders of models that are not among NAMES, and what a killed restore left."""
    known = set(names)
    for leftover in Path(settings.MODEL_STORE).glob(f".*{REPLACED_SUFFIX}"):
        shutil.rmtree(leftover, ignore_errors=True)
    for path in stored_folders():
        if path.name not in known and (replaced := _hide(path)) is not None:
            shutil.rmtree(replaced, ignore_errors=True)
