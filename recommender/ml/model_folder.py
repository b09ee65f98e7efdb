"""A trained model as a folder: weights, vocabulary, a JSON card, and a manifest with the checksum of each."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from recommender.ml.config import FORMAT, MANIFEST_FILE, ModelConfig, parse_model_config, to_json
from recommender.ml.features import Features
from recommender.ml.item_vectors import ItemVectors
from recommender.ml.manifest import MANIFEST_ERRORS, checksum, checksum_matches, read_manifest
from recommender.ml.model import TransformerRecModel
from recommender.ml.safetensors_reader import read_tensors
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.vocab import Vocab

ID_WEIGHTS = "items.ids.weight"  # the largest, and what the vectors are made of: no serving process reads it
WEIGHTS_FILE, VECTORS_FILE, VOCAB_FILE = "weights.safetensors", "vectors.safetensors", "vocab.safetensors"
PRIOR_FILE, METADATA_FILE = "prior.safetensors", "model.json"
MODEL_FILES = (WEIGHTS_FILE, VECTORS_FILE, VOCAB_FILE, PRIOR_FILE, METADATA_FILE)


_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # as safetensors passes the system's number on


class ModelUnusable(Exception):
    """A model folder that cannot serve; the message says why and what to do."""


class ModelMissing(ModelUnusable):
    """There is no folder, or it has no manifest."""


class ModelFormatMismatch(ModelUnusable):
    """The folder was written in another format than this code reads."""


class ModelCorrupt(ModelUnusable):
    """A file is cut, edited or unreadable."""


class LoadedModel(NamedTuple):
    model: TransformerRecModel
    vocab: Vocab
    features: Features
    prior: TransitionPrior
    vectors: ItemVectors
    metadata: dict[str, Any]  # config, metrics, and what the writer told besides


def save_model(
    folder: Path,
    model: TransformerRecModel,
    vocab: Vocab,
    features: Features,
    metadata: Mapping[str, Any],
    prior: TransitionPrior | None = None,
) -> Path:
    """Writes the model aside and renames it to `folder`, so that a half-written one is never seen."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        _write_files(aside, model, vocab, features, metadata, prior)
    except BaseException:  # a full disk is not left fuller
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(folder)
    aside.rename(folder)
    return folder


def _write_files(
    aside: Path,
    model: TransformerRecModel,
    vocab: Vocab,
    features: Features,
    metadata: Mapping[str, Any],
    prior: TransitionPrior | None,
) -> None:
    with torch.no_grad():
        _save_tensors(model.state_dict(), aside / WEIGHTS_FILE)
        vectors = ItemVectors.from_table(model.items().cpu(), cosine=bool(model.config.temperature))
        _save_tensors(vectors.to_tensors(), aside / VECTORS_FILE)
        _save_tensors((prior or TransitionPrior.empty(len(vocab))).to_tensors(), aside / PRIOR_FILE)
    arrays = {"movie_ids": vocab.movie_ids, "indptr": features.indptr, "indices": features.indices}
    with _as_os_error(aside / VOCAB_FILE):
        save_arrays(arrays, aside / VOCAB_FILE)
    told = {**metadata, "config": to_json(model.config), "feature_names": features.names}
    with _as_os_error(aside):
        (aside / METADATA_FILE).write_text(json.dumps(told, indent=1, sort_keys=True))
        sums = {name: checksum(aside / name) for name in MODEL_FILES}
        (aside / MANIFEST_FILE).write_text(json.dumps({"format": FORMAT, "sha256": sums}, indent=1))
        for path in aside.iterdir():
            _fsync(path)


def _save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    with _as_os_error(path):
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    """Raises the system's own error, with the file's name, in place of what a library makes of it: "enforce fail at
    inline_container.cc" is a full disk."""
    try:
        yield
    except (RuntimeError, SafetensorError, OSError) as error:
        number = _errno_of(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _errno_of(error: BaseException) -> int | None:
    found = _OS_ERROR.search(str(error))
    if found:
        return int(found[1])
    if isinstance(error, OSError):
        return error.errno
    return None if error.__context__ is None else _errno_of(error.__context__)


def load_model(folder: Path) -> LoadedModel:
    """The model of a folder. Raises `ModelMissing`, `ModelOutdated` or `ModelCorrupt`."""
    _verify(folder)
    try:
        card = json.loads((folder / METADATA_FILE).read_text())
        arrays = load_arrays(folder / VOCAB_FILE)
        vocab = Vocab(arrays["movie_ids"])
        features = Features(card["feature_names"], arrays["indptr"], arrays["indices"])
        prior = TransitionPrior.from_tensors(read_tensors(folder / PRIOR_FILE), len(vocab))
        config: ModelConfig = parse_model_config(card["config"])
        weights = _read_weights(folder / WEIGHTS_FILE)
        model = TransformerRecModel(len(vocab), config, features, ids=weights[ID_WEIGHTS])
        model.load_state_dict(weights, assign=True)
        vectors = ItemVectors.from_tensors(
            read_tensors(folder / VECTORS_FILE), len(vocab), config.d_item or config.d_model
        )
    except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelCorrupt(f"The model in {folder} cannot be read: {error}. Train again or roll back.") from error
    return LoadedModel(model.eval(), vocab, features, prior, vectors, card)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Into memory, but for the ids, which stay mapped."""
    return {name: tensor if name == ID_WEIGHTS else tensor.clone() for name, tensor in load_file(path).items()}


def _verify(folder: Path) -> None:
    try:
        written, sums = read_manifest((folder / MANIFEST_FILE).read_bytes())
    except FileNotFoundError:
        raise ModelMissing(f"There is no model in {folder}. Train one: ./run manage train") from None
    except MANIFEST_ERRORS as error:
        raise ModelCorrupt(f"The manifest in {folder} cannot be read: {error!r}.") from error
    if written != FORMAT:
        raise ModelFormatMismatch(f"{folder} has format {written}; this code reads {FORMAT}. Train again or upgrade.")
    for name in MODEL_FILES:
        if not checksum_matches(folder / name, sums.get(name)):
            raise ModelCorrupt(f"{folder / name} is missing, cut or edited: its checksum is not the manifest's.")


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes a training state (tensors, numbers, strings) aside and renames it."""
    aside = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # A file of Python's own: torch's would keep the system's error to itself.
        with _as_os_error(path), aside.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # a full disk is not left fuller
        aside.unlink(missing_ok=True)
        raise
    aside.rename(path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """A training state. Raises `ModelCorrupt` where the file is cut or holds anything but tensors and plain values."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ModelCorrupt(f"The checkpoint {path} cannot be read: {error}") from error
    return state


def data_hash(*arrays: np.ndarray) -> str:
    """SHA-256 over the arrays' bytes: says which data a figure was measured on."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
