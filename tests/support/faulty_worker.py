"""Loaded by a worker beside the tasks (celery -I): makes the trouble that MOVIEREC_TROUBLE names."""

import importlib
import os
import resource
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
from recommender.training import batch, nightly

FAULT = os.environ.get("MOVIEREC_TROUBLE", "")
MAX_FILE_BYTES = 10_000  # bytes that a file may have on the full disk
DELAY = 1.0  # seconds that each step of training and each chunk of lists takes longer: time for other troubles


def _slowly(progress: Callable[..., None]) -> Callable[..., None]:
    def slow(lease: Lease, phase: str, done: int = 0, total: int = 0) -> None:
        progress(lease, phase, done, total)
        time.sleep(DELAY)

    return slow


def _on_a_full_disk(save: Callable[..., Path]) -> Callable[..., Path]:
    def saving(*args: Any) -> Path:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, before[1]))
        try:
            return save(*args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return saving


def _poisoned(train: Callable[..., Any]) -> Callable[..., Any]:
    def training(*args: Any, **more: Any) -> Any:
        trained = train(*args, **more)
        with torch.no_grad():
            if FAULT == "nan":
                trained.model.items.ids.weight[3] = torch.nan
            else:
                for parameter in trained.model.parameters():
                    parameter.zero_()
        return trained

    return training


class PopularityRanker(Ranker):
    """Popularity in disguise: the same films for everyone, and a hair of noise."""

    counts: np.ndarray

    def scores(self, states: np.ndarray, exclude: Any = None) -> np.ndarray:
        noise = np.random.default_rng(1).normal(0, 1e-3, (len(states), len(self.vocab)))
        return (self.counts + noise).astype(np.float32)


def _popular(alone: Ranker, tokens: Any, *_: Any) -> Ranker:
    found = PopularityRanker(alone.model, alone.vocab, version=alone.version)
    found.counts = np.bincount(tokens.items - 1, minlength=len(alone.vocab))
    return found


if FAULT == "full disk":
    nightly.save_model = _on_a_full_disk(nightly.save_model)
elif FAULT in ("nan", "constant"):
    nightly.Trainer.run = _poisoned(nightly.Trainer.run)  # type: ignore[method-assign]
elif FAULT == "popular":
    nightly.fit_prior = _popular  # type: ignore[assignment]
elif FAULT == "older code":
    for room in ("recommender.ml.model_folder", "recommender.registry.artifacts", "recommender.training.nightly"):
        importlib.import_module(room).FORMAT -= 1  # type: ignore[attr-defined]
elif FAULT == "slow":
    Lease.report_progress = _slowly(Lease.report_progress)  # type: ignore[method-assign]
    batch_chunks.CHUNK_SIZE = batch.BLOCK_SIZE = 8
elif FAULT == "impatient broker":
    Lease.report_progress = _slowly(Lease.report_progress)  # type: ignore[method-assign]
    app.conf.broker_transport_options = app.conf.broker_transport_options | {"visibility_timeout": 1}
if FAULT == "constant":
    importlib.import_module("recommender.ml.prior_tuning").CANDIDATE_WEIGHTS = (0.0,)  # type: ignore[attr-defined]
