"""Train RecTools' SASRec for a while with its own trainer. This script runs alone in the environment that has RecTools:

    .venv-rectools/bin/python -P benchmarks/training/rectools_runner.py FILE L WIDTH LAYERS HEADS BATCH DROPOUT SECONDS

FILE (npz) holds `viewers` and `films` [n], each viewer's rows in the order of watching. The last line of the output is
JSON: targets_per_s, films (of its softmax), parameters, versions, threads.
"""

import importlib.metadata
import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

WARM_BATCHES = 2
PACKAGES = ("rectools", "pytorch-lightning", "torch")


class Counter(Callback):
    """Counts the targets of all batches but the first ones, and stops the trainer after `seconds` of them."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.targets, self.batches = seconds, 0, 0
        self.started = self.ended = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.batches += 1
        if self.batches <= WARM_BATCHES:
            self.started = time.perf_counter()
            return
        self.ended = time.perf_counter()
        self.targets += int((batch["y"] > 0).sum())
        trainer.should_stop = self.ended - self.started > self.seconds


def load_dataset(path: str) -> Dataset:
    """Read the exported sessions."""
    with np.load(path) as arrays:
        rows = {Columns.User: arrays["viewers"], Columns.Item: arrays["films"]}
    order = pd.to_datetime(np.arange(len(rows[Columns.User])), unit="s")  # only the order counts
    return Dataset.construct(pd.DataFrame(rows | {Columns.Weight: 1.0, Columns.Datetime: order}))


def main(argv: list[str]) -> None:
    """Train with the options of the command line and print the result."""
    path, (length, width, layers, heads, batch), (dropout, seconds) = (
        argv[0],
        map(int, argv[1:6]),
        map(float, argv[6:]),
    )
    warnings.filterwarnings("ignore")
    model = SASRecModel(
        session_max_len=length,
        n_factors=width,
        n_blocks=layers,
        n_heads=heads,
        batch_size=batch,
        dropout_rate=dropout,
        loss="softmax",
        get_trainer_func=lambda: Trainer(
            accelerator="cpu",
            max_epochs=1_000_000,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Counter(seconds)],
        ),
    )
    model.fit(load_dataset(path))
    [counter] = [
        callback for callback in model.fit_trainer.callbacks if isinstance(callback, Counter)
    ]  # fit works on a copy
    result = {
        "targets_per_s": counter.targets / (counter.ended - counter.started),
        "films": len(model.data_preparator.get_known_item_ids()),
        "parameters": sum(p.numel() for p in model.torch_model.parameters()),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
