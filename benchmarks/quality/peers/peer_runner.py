"""Train a published model on the events up to the cut of protocol N and score all films for every visit after it. This
script runs alone in the environment that has RecTools and implicit:

    .venv-rectools/bin/python -P benchmarks/quality/peers/peer_runner.py DATA PEER MINUTES SCORES

DATA (npz): `viewers`, `films` (1..N), `times` [n] of training, each viewer's rows in the order of watching;
`history_films`, `history_times` [m] and `history_indptr` [visits + 1], what is known of the viewer at each visit;
`asked_at` [visits]; `num_films`. SCORES (npy) gets float32 [visits, N], NaN for films that the model does not know and
for visits without a known film. The last line of the output is JSON: fit_s, epochs, stopped (the validation ended the
training, not the clock), parameters, settings, versions, threads.
"""

import importlib.metadata
import json
import sys
import time
import warnings
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from implicit.als import AlternatingLeastSquares
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import HSTUModel, SASRecModel
from rectools.models.nn.transformers.base import TransformerModelBase
from rectools.models.nn.transformers.ligr import LiGRLayers
from scipy import sparse

SEED, BATCH, CHUNK = 1, 32, 512
VALIDATION_VIEWERS, PATIENCE, MAX_EPOCHS = 2_000, 3, 500
MAX_LENGTH, COVERED = 50, 0.9  # films of a session: as many as that share of the viewers have, up to 50
# Width, layers, heads, dropout and rate as published with the models for MovieLens 1M; batches, sessions and negatives
# are smaller, so that two cores make enough steps.
SHARED = {"n_blocks": 2, "n_heads": 1, "lr": 1e-3, "loss": "sampled_softmax", "n_negatives": 64}
SASREC = SHARED | {"n_factors": 64, "dropout_rate": 0.1}
HSTU = SHARED | {"n_factors": 50, "dropout_rate": 0.2}
LIGR = {"transformer_layers_type": LiGRLayers, "transformer_layers_kwargs": {"ff_factors_multiplier": 4}}
MODELS: dict[str, partial[TransformerModelBase]] = {
    "sasrec": partial(SASRecModel, **SASREC),
    "esasrec": partial(SASRecModel, **SASREC, **LIGR),
    "hstu": partial(HSTUModel, **HSTU, lightning_module_kwargs={"logits_t": 0.05}),
}
FACTORS, ITERATIONS = 64, 15
ALS_SETTINGS = [(alpha, ridge) for alpha in (1.0, 10.0) for ridge in (0.1, 1.0, 10.0)]
PACKAGES = ("rectools", "pm-implicit", "pytorch-lightning", "torch")


class BestEpoch(Callback):
    """Keeps the weights of the epoch with the lowest loss on validation, and stops when PATIENCE epochs brought no
    better one or the time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.started = seconds, time.monotonic()
        self.best_loss, self.best_epoch = np.inf, 0
        self.best_weights: dict[str, torch.Tensor] = {}
        self.epoch, self.stopped = 0, False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started = time.monotonic()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.epoch += 1
        loss = float(trainer.callback_metrics["val_loss"])
        print(f"epoch {self.epoch}: {time.monotonic() - self.started:.0f} s, validation {loss:.4f}", flush=True)
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = deepcopy(pl_module.state_dict())
        self.stopped = self.epoch - self.best_epoch >= PATIENCE
        trainer.should_stop = self.stopped or time.monotonic() - self.started > self.seconds


def to_frame(viewers: np.ndarray, films: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    """Return rows as RecTools takes them; equal times keep their order."""
    rows = {Columns.User: viewers, Columns.Item: films, Columns.Weight: 1.0}
    return pd.DataFrame(rows | {Columns.Datetime: pd.to_datetime(times, unit="s")})


def last_rows(viewers: np.ndarray) -> np.ndarray:
    """Mark the last row of a sample of the viewers who have three or more: validation, bool [n]."""
    stops = np.flatnonzero(np.append(viewers[1:] != viewers[:-1], True))
    long = stops[np.diff(stops, prepend=-1) >= 3]
    mask = np.zeros(len(viewers), bool)
    mask[np.random.default_rng(SEED).permutation(long)[:VALIDATION_VIEWERS]] = True
    return mask


def score_with_transformer(
    peer: str, data: dict[str, np.ndarray], seconds: float, scores: np.ndarray
) -> dict[str, Any]:
    """Fit a model of RecTools and fill in its scores."""
    seed_everything(SEED, verbose=False)
    is_validation = last_rows(data["viewers"])
    lengths = np.unique(data["viewers"], return_counts=True)[1]
    length = min(MAX_LENGTH, max(10, int(np.quantile(lengths[lengths > 1], COVERED))))
    rule = BestEpoch(seconds)
    model = MODELS[peer](
        session_max_len=length,
        batch_size=BATCH,
        get_val_mask_func=lambda interactions: is_validation,
        get_trainer_func=lambda: Trainer(
            accelerator="cpu",
            max_epochs=MAX_EPOCHS,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[rule],
        ),
    )
    started = time.monotonic()
    model.fit(Dataset.construct(to_frame(data["viewers"], data["films"], data["times"])))
    fit_s = time.monotonic() - started
    assert model.fit_trainer is not None
    [rule] = [own for own in model.fit_trainer.callbacks if isinstance(own, BestEpoch)]  # fit works on a copy
    model.lightning_model.load_state_dict(rule.best_weights)
    _fill_in(model, data, scores)
    parameters = sum(p.numel() for p in model.torch_model.parameters())
    settings = {"length": length, "batch": BATCH} | {
        name: value for name, value in MODELS[peer].keywords.items() if isinstance(value, (int, float, str))
    }
    return {
        "fit_s": round(fit_s, 1),
        "epochs": rule.best_epoch,
        "stopped": rule.stopped,
        "parameters": parameters,
        "settings": settings,
    }


def _fill_in(model: TransformerModelBase, data: dict[str, np.ndarray], scores: np.ndarray) -> None:
    """Score all films for every visit of which a film is known; HSTU is told when it is asked."""
    known = model.data_preparator.get_known_item_ids().astype(np.int64)
    indptr, films = data["history_indptr"], data["history_films"]
    is_known = np.isin(films, known)
    counts = np.append(0, np.cumsum(is_known))
    asked = np.flatnonzero(counts[indptr[1:]] > counts[indptr[:-1]])
    for chunk in np.array_split(asked, max(1, len(asked) // CHUNK)):
        rows = np.concatenate([np.arange(indptr[visit], indptr[visit + 1]) for visit in chunk])
        visit_of_row = np.repeat(chunk, indptr[chunk + 1] - indptr[chunk])
        frame = to_frame(visit_of_row, films[rows], data["history_times"][rows])
        context = None
        if model.require_recommend_context:
            asked_at = pd.to_datetime(data["asked_at"][chunk], unit="s")
            context = pd.DataFrame({Columns.User: chunk, Columns.Datetime: asked_at, Columns.Weight: 1.0})
        dataset = model.data_preparator.transform_dataset_u2i(Dataset.construct(frame), chunk, context)
        loader = model.data_preparator.get_dataloader_recommend(dataset, CHUNK)
        # The public call returns a table with a row a film and visit: a hundred million rows.
        of_visits, of_films = model.lightning_model._get_user_item_embeddings(loader, "cpu")
        with torch.no_grad():
            similarity = model.torch_model.similarity_module(of_visits, of_films).numpy()
        ids = dataset.item_id_map.convert_to_internal(known)
        visits = dataset.user_id_map.external_ids.astype(np.int64)
        scores[np.ix_(visits, known - 1)] = similarity[:, ids]


def score_with_als(data: dict[str, np.ndarray], scores: np.ndarray) -> dict[str, Any]:
    """Fit iALS on who watched what, its weight and ridge chosen on the last films of a sample of the viewers, and fill
    in its scores."""
    films, num_films = data["films"].astype(np.int64) - 1, int(data["num_films"])
    viewers = np.unique(data["viewers"], return_inverse=True)[1]
    is_validation = last_rows(data["viewers"])
    started = time.monotonic()

    def fit(rows: np.ndarray, alpha: float, ridge: float) -> tuple[AlternatingLeastSquares, sparse.csr_matrix]:
        watched = _matrix(viewers[rows], films[rows], (viewers.max() + 1, num_films))
        model = AlternatingLeastSquares(
            factors=FACTORS, regularization=ridge, alpha=alpha, iterations=ITERATIONS, random_state=SEED
        )
        model.fit(watched, show_progress=False)
        return model, watched

    def mean_gain(alpha: float, ridge: float) -> float:
        model, watched = fit(~is_validation, alpha, ridge)
        asked = viewers[is_validation]
        own = model.user_factors[asked] @ model.item_factors.T
        own[watched[asked].nonzero()] = -np.inf
        rank = (own > own[np.arange(len(asked)), films[is_validation]][:, None]).sum(1) + 1
        gain = float(np.where(rank <= 10, 1 / np.log2(rank + 1), 0).mean())
        print(f"alpha {alpha}, ridge {ridge}: NDCG@10 {gain:.4f}", flush=True)
        return gain

    alpha, ridge = max(ALS_SETTINGS, key=lambda setting: mean_gain(*setting))
    select_s, started = time.monotonic() - started, time.monotonic()
    model, _ = fit(np.ones(len(films), bool), alpha, ridge)
    fit_s = time.monotonic() - started
    known = np.unique(films)
    indptr = data["history_indptr"]
    history = data["history_films"].astype(np.int64) - 1
    for start in range(0, len(indptr) - 1, CHUNK):
        stop = min(start + CHUNK, len(indptr) - 1)
        rows = slice(indptr[start], indptr[stop])
        visit_of_row = np.repeat(np.arange(stop - start), np.diff(indptr[start : stop + 1]))
        watched = _matrix(visit_of_row, history[rows], (stop - start, num_films))
        factors = model.recalculate_user(np.arange(stop - start), watched)
        own = np.full((stop - start, num_films), np.nan, np.float32)
        own[:, known] = factors @ model.item_factors[known].T
        own[np.diff(watched[:, known].indptr) == 0] = np.nan
        scores[start:stop] = own
    settings = {"factors": FACTORS, "iterations": ITERATIONS, "alpha": alpha, "regularization": ridge}
    return {
        "fit_s": round(fit_s, 1),
        "select_s": round(select_s, 1),
        "epochs": ITERATIONS,
        "stopped": True,
        "parameters": int(model.user_factors.size + model.item_factors.size),
        "settings": settings,
    }


def _matrix(viewers: np.ndarray, films: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return who watched what: 1, however often."""
    matrix = sparse.csr_matrix((np.ones(len(films), np.float32), (viewers, films)), shape=shape)
    matrix.data[:] = 1
    return matrix


def main(argv: list[str]) -> None:
    """Train the peer of the command line and write its scores."""
    path, peer, minutes, scores_path = argv[0], argv[1], float(argv[2]), argv[3]
    warnings.filterwarnings("ignore")
    with np.load(path) as arrays:
        data = dict(arrays)
    shape = len(data["asked_at"]), int(data["num_films"])
    scores = np.lib.format.open_memmap(scores_path, mode="w+", dtype=np.float32, shape=shape)
    scores[:] = np.nan
    fitted = (
        score_with_als(data, scores) if peer == "ials" else score_with_transformer(peer, data, minutes * 60, scores)
    )
    scores.flush()
    fitted |= {"versions": {name: importlib.metadata.version(name) for name in PACKAGES}}
    print(json.dumps(fitted | {"threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main(sys.argv[1:])
