"""A trained model as a folder: weights, vocabulary, metadata as JSON, and a manifest with the checksum of each file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from infrastructure.atomic_files import atomic_folder
from recommender.ml.config import FORMAT, MANIFEST_FILE, ModelConfig, parse_model_config, to_json
from recommender.ml.ensemble import Ensemble
from recommender.ml.features import Features
from recommender.ml.item_vectors import ItemVectors
from recommender.ml.manifest import MANIFEST_ERRORS, checksum, checksum_matches, read_manifest
from recommender.ml.model import TransformerRecModel
from recommender.ml.neighbour_table import NEIGHBOURS_FILE, NeighbourLists, NeighbourTable
from recommender.ml.new_film_term import NewFilmTerm
from recommender.ml.os_errors import system_errors
from recommender.ml.safetensors_reader import read_tensors
from recommender.ml.shortlist import MIN_ITEMS
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.vocab import Vocab

ID_WEIGHTS = "items.ids.weight"  # the largest tensor, and what the vectors are computed from: serving never reads it
WEIGHTS_FILE, VECTORS_FILE, VOCAB_FILE = "weights.safetensors", "vectors.safetensors", "vocab.safetensors"
PRIOR_FILE, METADATA_FILE = "prior.safetensors", "model.json"
MODEL_FILES = (WEIGHTS_FILE, VECTORS_FILE, VOCAB_FILE, PRIOR_FILE, METADATA_FILE)


class ModelUnusable(Exception):
    """A model folder that cannot serve; the message says why and what to do."""


class ModelMissing(ModelUnusable):
    """There is no folder, or it has no manifest."""


class ModelFormatMismatch(ModelUnusable):
    """The folder was written in another format than this code reads."""


class ModelCorrupt(ModelUnusable):
    """A file is cut, edited or unreadable."""


class LoadedModel(NamedTuple):
    """The contents of a model folder."""

    model: TransformerRecModel
    vocab: Vocab
    features: Features
    prior: TransitionPrior
    ensemble: Ensemble | None
    new_film_term: NewFilmTerm | None
    vectors: ItemVectors
    neighbours: NeighbourTable | None  # None: the folder has none, as that of an earlier version
    metadata: dict[str, Any]  # config, metrics, and what the writer added


def save_model(
    folder: Path,
    model: TransformerRecModel,
    vocab: Vocab,
    features: Features,
    metadata: Mapping[str, Any],
    prior: TransitionPrior | None = None,
    ensemble: Ensemble | None = None,
    new_film_term: NewFilmTerm | None = None,
    neighbours: NeighbourLists | None = None,
) -> Path:
    """Write a model folder atomically and return its path. Raises `OSError` with the system's own number on a full
    disk."""
    with atomic_folder(folder) as aside:
        with torch.no_grad():
            _save_tensors(model.state_dict(), aside / WEIGHTS_FILE)
            vectors = ItemVectors.from_table(model.items().cpu(), cosine=bool(model.config.temperature))
            _save_tensors(vectors.to_tensors(), aside / VECTORS_FILE)
            added = (prior or TransitionPrior.empty(len(vocab))).to_tensors()
            for part in (ensemble, new_film_term):
                added |= part.to_tensors() if part else {}
            _save_tensors(added, aside / PRIOR_FILE)
        with system_errors(aside / VOCAB_FILE):
            arrays = {"movie_ids": vocab.movie_ids, "indptr": features.indptr, "indices": features.indices}
            save_arrays(arrays, aside / VOCAB_FILE)
        if neighbours is not None:
            with system_errors(aside / NEIGHBOURS_FILE):
                save_arrays(neighbours._asdict(), aside / NEIGHBOURS_FILE)
        with system_errors(aside):
            stored = {**metadata, "config": to_json(model.config), "feature_names": features.names}
            (aside / METADATA_FILE).write_text(json.dumps(stored, indent=1, sort_keys=True))
            names = (*MODEL_FILES, NEIGHBOURS_FILE) if neighbours is not None else MODEL_FILES
            checksums = {name: checksum(aside / name) for name in names}
            (aside / MANIFEST_FILE).write_text(json.dumps({"format": FORMAT, "sha256": checksums}, indent=1))
    return folder


def _save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    with system_errors(path):
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def serving_bytes(config: ModelConfig, films: int, features: int) -> int:
    """Return the memory that the weights and the film vectors of a model of this shape take in a process that serves
    it, whether it is trained or not; of the folder the ids and the neighbours are not read. `features`: different ones
    of its films."""
    nothing = np.zeros(films + 2, np.int64)
    with torch.device("meta"):  # shapes alone
        model = TransformerRecModel(films, config, Features([""] * features, nothing, nothing[:0]))
    network = sum(tensor.nbytes for name, tensor in model.state_dict().items() if name != ID_WEIGHTS)
    width = config.d_item or config.d_model
    vectors = films * (2 * width + 8)
    return network + vectors + (films * (width + 2) if films >= MIN_ITEMS else 0)


def load_model(folder: Path) -> LoadedModel:
    """Read a model folder. Raises `ModelMissing`, `ModelFormatMismatch` or `ModelCorrupt`."""
    files = _verify(folder)
    try:
        metadata = json.loads((folder / METADATA_FILE).read_text())
        arrays = load_arrays(folder / VOCAB_FILE)
        vocab = Vocab(arrays["movie_ids"])
        features = Features(metadata["feature_names"], arrays["indptr"], arrays["indices"])
        added = read_tensors(folder / PRIOR_FILE)
        prior = TransitionPrior.from_tensors(added, len(vocab))
        ensemble = Ensemble.from_tensors(added, len(vocab))
        config: ModelConfig = parse_model_config(metadata["config"])
        new_film_term = NewFilmTerm.from_tensors(added, len(vocab), config.d_item or config.d_model)
        # Copied into memory, except for the ids, which stay mapped.
        weights = load_file(folder / WEIGHTS_FILE)
        weights = {name: tensor if name == ID_WEIGHTS else tensor.clone() for name, tensor in weights.items()}
        model = TransformerRecModel(len(vocab), config, features, ids=weights[ID_WEIGHTS])
        model.load_state_dict(weights, assign=True)
        tensors = read_tensors(folder / VECTORS_FILE)
        vectors = ItemVectors.from_tensors(tensors, len(vocab), config.d_item or config.d_model)
        neighbours = NeighbourTable(folder / NEIGHBOURS_FILE) if NEIGHBOURS_FILE in files else None
    except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelCorrupt(f"The model in {folder} cannot be read: {error}. Train again or roll back.") from error
    return LoadedModel(model.eval(), vocab, features, prior, ensemble, new_film_term, vectors, neighbours, metadata)


def _verify(folder: Path) -> set[str]:
    """Return the names of the folder's files, each of which has the checksum of the manifest."""
    try:
        stored_format, checksums = read_manifest((folder / MANIFEST_FILE).read_bytes())
    except FileNotFoundError:
        raise ModelMissing(f"There is no model in {folder}. Train one: ./run manage train") from None
    except MANIFEST_ERRORS as error:
        raise ModelCorrupt(f"The manifest in {folder} cannot be read: {error!r}.") from error
    if stored_format != FORMAT:
        raise ModelFormatMismatch(
            f"{folder} has format {stored_format}; this code reads {FORMAT}. Train again or upgrade."
        )
    names = {*MODEL_FILES, *checksums}
    for name in sorted(names):
        if not checksum_matches(folder / name, checksums.get(name)):
            raise ModelCorrupt(f"{folder / name} is missing, cut or edited: its checksum is not the manifest's.")
    return names
