"""Break a worker that loads this module beside the tasks (celery -I), in the way that MOVIEREC_TROUBLE names."""

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from movierec.celery import app
from recommender.jobs import batch_chunks
from recommender.jobs.leases import Lease
from recommender.ml.ranker import Ranker
from recommender.ml.train import Trainer
from recommender.training import batch, nightly

FAULT = os.environ.get("MOVIEREC_TROUBLE", "")
MAX_FILE_BYTES = 10_000  # on the full disk
DELAY = 1.0  # seconds added to each step of training and each chunk of lists, so that a test can break something else


def _slow(progress: Callable[..., None]) -> Callable[..., None]:
    """Return a progress report that takes DELAY longer."""

    def slow(lease: Lease, phase: str, done: int = 0, total: int = 0) -> None:
        progress(lease, phase, done, total)
        time.sleep(DELAY)

    return slow


def _on_full_disk(save: Callable[..., Path]) -> Callable[..., Path]:
    """Return a save function whose files may not grow over MAX_FILE_BYTES."""

    def saving(*args: Any) -> Path:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, before[1]))
        try:
            return save(*args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return saving


def _with_bad_weights(train: Callable[..., Any]) -> Callable[..., Any]:
    """Return a training that ends with a NaN, or with all weights zero."""

    def training(*args: Any, **more: Any) -> Any:
        result = train(*args, **more)
        with torch.no_grad():
            if FAULT == "nan":
                result.model.items.ids.weight[3] = torch.nan
            else:
                for parameter in result.model.parameters():
                    parameter.zero_()
        return result

    return training


class PopularityRanker(Ranker):
    """Rank by popularity with a little noise: the same movies for every viewer."""

    counts: np.ndarray

    def scores(self, states: np.ndarray, exclude: Any = None) -> np.ndarray:
        """Return counts as scores, float32 [N, V]."""
        noise = np.random.default_rng(1).normal(0, 1e-3, (len(states), len(self.vocab)))
        return (self.counts + noise).astype(np.float32)


def _fit_popularity(ranker: Ranker, tokens: Any, *_: Any) -> Ranker:
    """Return a popularity ranker in place of the trained one."""
    popularity = PopularityRanker(ranker.model, ranker.vocab, version=ranker.version)
    popularity.counts = np.bincount(tokens.items - 1, minlength=len(ranker.vocab))
    return popularity


if FAULT == "full disk":
    nightly.save_model = _on_full_disk(nightly.save_model)
elif FAULT in ("nan", "constant"):
    Trainer.run = _with_bad_weights(Trainer.run)  # type: ignore[method-assign]
elif FAULT == "popular":
    nightly.fit_prior = _fit_popularity  # type: ignore[assignment]
    nightly.fit_ensemble = lambda ranker, *_: ranker
elif FAULT == "older code":
    for name in ("recommender.ml.model_folder", "recommender.registry.artifacts", "recommender.training.nightly"):
        importlib.import_module(name).FORMAT -= 1  # type: ignore[attr-defined]
elif FAULT == "slow":
    Lease.report_progress = _slow(Lease.report_progress)  # type: ignore[method-assign]
    batch_chunks.CHUNK_SIZE = batch.BLOCK_SIZE = 8
elif FAULT == "impatient broker":
    Lease.report_progress = _slow(Lease.report_progress)  # type: ignore[method-assign]
    app.conf.broker_transport_options = app.conf.broker_transport_options | {"visibility_timeout": 1}
if FAULT == "constant":
    importlib.import_module("recommender.ml.prior_tuning").CANDIDATE_WEIGHTS = (0.0,)  # type: ignore[attr-defined]
    importlib.import_module("recommender.ml.ensemble_fitting").MIN_TARGETS = sys.maxsize  # type: ignore[attr-defined]
