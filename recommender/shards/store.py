"""The shards beside the models in the store (MOVIEREC_MODELS_URL): a trainer on another machine goes on from them.

A file is there before the manifest that names it, and a manifest is replaced whole. One process of all machines writes
at a time. The database is the truth here too: without the store, or a part of what it should have, a night reads more
from Postgres.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infrastructure.atomic_files import atomic_file, write_text
from recommender.locks import advisory_lock
from recommender.registry import object_store
from recommender.registry.object_store import ObjectStoreUnavailable
from recommender.shards.erasure import forget_viewers, may_hold
from recommender.shards.manifest import MANIFEST_FILE, Manifest, with_bounds

FOLDER = "histories"  # of the store
LOCK = "shards in the store"
FETCH_SECONDS = 900.0  # that a night waits for files; Postgres gives the rest

Tell = Callable[[str], None]


@contextmanager
def store_lock(*, wait: bool) -> Iterator[bool]:
    """Yield whether this process may write into the store; with `wait` it waits for its turn."""
    if not object_store.is_configured():
        yield True
        return
    with advisory_lock(LOCK, wait=wait) as may_write:
        yield may_write


def fetch(folder: Path, source: dict[str, Any], tell: Tell) -> None:
    """Copy the shards of the store into `folder` where they are of this source and newer than what is there."""
    if not object_store.is_configured():
        return
    try:
        with object_store.open_store() as (files, root):
            manifest, own = _stored_manifest(files, f"{root}/{FOLDER}"), Manifest.load(folder)
            if manifest is None or manifest.source != source:
                return
            if own is not None and own.source == source and own.taken_at >= manifest.taken_at:
                return
            deadline = time.monotonic() + FETCH_SECONDS
            for shard in manifest.shards:
                if time.monotonic() > deadline:
                    tell(f"The store is slow: after {FETCH_SECONDS:.0f} s the rest is read from Postgres.")
                    break
                if not (folder / shard.file).exists():
                    _copy(files, f"{root}/{FOLDER}", folder, shard.file)
            manifest.save(folder)
    except ObjectStoreUnavailable as error:
        tell(f"{error} What this machine has not is read from Postgres.")


def push(folder: Path, manifest: Manifest, tell: Tell) -> None:
    """Make the store's shards those of a manifest, whose files lie in `folder` or in the store."""
    if not object_store.is_configured():
        return
    try:
        with object_store.open_store() as (files, root):
            _replace(files, f"{root}/{FOLDER}", folder, manifest)
    except ObjectStoreUnavailable as error:
        tell(f"{error} The histories of this night lie on this machine alone.")


def forget_viewers_in_store(viewer_ids: Collection[int]) -> bool:
    """Write the store's shards that hold any of these viewers anew, without them. Returns whether none is left.

    False while an export runs on any machine, or where the store cannot be used: call it again.
    """
    with store_lock(wait=False) as may_write:
        if not may_write:
            return False
        try:
            with object_store.open_store() as (files, root), tempfile.TemporaryDirectory() as name:
                there, folder = f"{root}/{FOLDER}", Path(name)
                manifest = _stored_manifest(files, there)
                if manifest is None:
                    return True
                for shard, after in with_bounds(manifest.shards):
                    if may_hold(shard, after, viewer_ids):
                        _copy(files, there, folder, shard.file)
                manifest.save(folder)
                forget_viewers(folder, viewer_ids)
                _replace(files, there, folder, Manifest.load(folder) or manifest)
        except ObjectStoreUnavailable:
            return False
    return True


def _copy(files: Any, there: str, folder: Path, file: str) -> None:
    """Copy a file of the store, if it is there; what it holds is checked when it is read."""
    try:
        content = files.cat_file(f"{there}/{file}")
    except FileNotFoundError:
        return
    with atomic_file(folder / file) as out:
        out.write(content)


def _replace(files: Any, there: str, folder: Path, manifest: Manifest) -> None:
    """Store what is missing, then the manifest, and delete the files that it does not name."""
    sizes = _stored_sizes(files, there)
    for shard in manifest.shards:
        path = folder / shard.file
        if path.exists() and sizes.get(shard.file) != path.stat().st_size:
            files.put_file(str(path), f"{there}/{shard.file}")
    if object_store.is_folder(files):
        write_text(Path(there) / MANIFEST_FILE, manifest.to_json())  # elsewhere a file appears when it is whole
    else:
        files.pipe_file(f"{there}/{MANIFEST_FILE}", manifest.to_json().encode())
    for file in sizes.keys() - {shard.file for shard in manifest.shards} - {MANIFEST_FILE}:
        files.rm_file(f"{there}/{file}")


def _stored_manifest(files: Any, there: str) -> Manifest | None:
    try:
        return Manifest.from_json(files.cat_file(f"{there}/{MANIFEST_FILE}"))
    except FileNotFoundError:
        return None


def _stored_sizes(files: Any, there: str) -> dict[str, int]:
    """Return file -> bytes, of what lies in the store's folder."""
    if not files.exists(there):
        files.makedirs(there, exist_ok=True)
        return {}
    return {entry["name"].rsplit("/", 1)[-1]: entry["size"] for entry in files.ls(there, detail=True)}
