"""Program of torchrun in test_distributed.py: train the cases in a process group and write the results."""

import json
import sys
from pathlib import Path

import torch

from recommender.ml import distributed
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted
from tests.support.small_trainer import make_trainer

CASES = {
    "full": {"epochs": 2, "model": {"dropout": 0.0}},
    "sampled": {"epochs": 1, "model": {"dropout": 0.0}, "negatives": 20},
    "single rows": {"epochs": 1, "model": {"dropout": 0.0}, "batch_positions": 12},
    "dropout": {"epochs": 2, "model": {"dropout": 0.2}},
}
MAX_STEPS = 20  # of a case


def loss_curve(trainer: Trainer, stop_at: int = MAX_STEPS, **options: bool) -> list[float]:
    """Return the loss of every step; rank 0 stops after `stop_at` of them."""
    losses: list[float] = []

    def on_step(step: Step) -> bool:
        losses.append(step.loss)
        return distributed.rank() > 0 or len(losses) != stop_at

    try:
        trainer.run(TrainingHooks(on_step), **options)
    except TrainingInterrupted:
        assert len(losses) == stop_at
    return losses


def main(folder: Path) -> None:
    """Train every case and write loss curves and weights to rankN.json."""
    with distributed.process_group():
        results = {name: loss_curve(make_trainer(**case)) for name, case in CASES.items()}
        checkpoints = folder / "checkpoints"
        results["resumed"] = loss_curve(make_trainer(folder=checkpoints, **CASES["full"]), stop_at=5)
        distributed.broadcast_from_rank0(0)  # as at a new start, rank 0 is not saving any more
        last = make_trainer(folder=checkpoints, **CASES["full"])
        results["resumed"] += loss_curve(last, resume=True)
        results["weights"] = torch.cat([p.detach().flatten() for p in last.model.parameters()]).tolist()
        (folder / f"rank{distributed.rank()}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
