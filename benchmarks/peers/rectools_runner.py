"""Train a model of RecTools for a while and recommend to every viewer. This script runs alone in the environment that
has RecTools:

    .venv-rectools/bin/python -P benchmarks/peers/rectools_runner.py DATA sasrec|hstu SECONDS [SHAPE]

SHAPE: JSON with options of the model, in place of the published ones.

DATA (npz): `viewers` (0..U-1), `films`, `times` [n], each viewer's rows in the order of watching; `asked_at` [U], when
a list is asked for; `target_viewers`, `target_films` [t], what each of these watched next. The last line of the output
is JSON: fit_s, ndcg10, viewers_per_min (lists of 200), one_p50_ms and one_p99_ms (20 films for one viewer), peak_mb.
"""

import json
import resource
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import HSTUModel, SASRecModel

SHARED = {"n_blocks": 2, "n_heads": 1, "n_factors": 64, "session_max_len": 50, "batch_size": 64, "dropout_rate": 0.1}
LIST_LENGTH, SHORT, SINGLES = 200, 20, 60


class Clock(Callback):
    """Stops the training after so many seconds; an epoch is ended in its midst."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.started = seconds, time.monotonic()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        trainer.should_stop = time.monotonic() - self.started > self.seconds


def make_model(name: str, seconds: float, shape: dict[str, Any]) -> Any:
    """Return an untrained model."""
    kind = {"sasrec": SASRecModel, "hstu": HSTUModel}[name]
    return kind(
        **SHARED | shape,
        loss="softmax",
        get_trainer_func=lambda: Trainer(
            accelerator="cpu",
            max_epochs=1_000,
            min_epochs=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Clock(seconds)],
        ),
    )


def context_of(model: Any, viewers: Any, asked_at: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return when the viewers ask, unix seconds by viewer, for a model that goes by it."""
    if not getattr(model, "require_recommend_context", False):
        return {}
    when = pd.to_datetime(asked_at[np.asarray(viewers)], unit="s")
    return {"context": pd.DataFrame({Columns.User: viewers, Columns.Datetime: when})}


def ndcg10(lists: pd.DataFrame, targets: dict[int, int]) -> float:
    """Return NDCG@10 of the lists, one target for each viewer."""
    hits = lists[lists[Columns.Item] == lists[Columns.User].map(targets)]
    return float((1 / np.log2(1 + hits[Columns.Rank])).sum() / len(targets))


def main(path: str, name: str, seconds: float, shape: dict[str, Any]) -> None:
    """Train, recommend and print the result."""
    warnings.filterwarnings("ignore")
    seed_everything(1, verbose=False)
    with np.load(path) as arrays:
        data = dict(arrays)
    rows = {Columns.User: data["viewers"], Columns.Item: data["films"], Columns.Weight: 1.0}
    rows[Columns.Datetime], times = pd.to_datetime(data["times"], unit="s"), data["asked_at"]
    dataset = Dataset.construct(pd.DataFrame(rows))
    model, started = make_model(name, seconds, shape), time.monotonic()
    model.fit(dataset)
    fit_s = time.monotonic() - started
    viewers = np.unique(data["viewers"])
    started = time.monotonic()
    lists = model.recommend(viewers, dataset, k=LIST_LENGTH, filter_viewed=True, **context_of(model, viewers, times))
    recommend_s = time.monotonic() - started
    milliseconds = []
    for viewer in viewers[:SINGLES]:
        started = time.perf_counter()
        model.recommend([viewer], dataset, k=SHORT, filter_viewed=True, **context_of(model, [viewer], times))
        milliseconds.append(1000 * (time.perf_counter() - started))
    result = {
        "fit_s": round(fit_s, 1),
        "ndcg10": ndcg10(lists, dict(zip(data["target_viewers"], data["target_films"], strict=True))),
        "viewers": len(viewers),
        "viewers_per_min": 60 * len(viewers) / recommend_s,
        "one_p50_ms": float(np.quantile(milliseconds, 0.5)),
        "one_p99_ms": float(np.quantile(milliseconds, 0.99)),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), json.loads((sys.argv[4:] or ["{}"])[0]))
