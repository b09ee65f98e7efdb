"""torchrun's program in test_distributed.py: trains the cases in a group, and writes what each process came to."""

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
MAX_STEPS = 20  # steps of a case


def loss_curve(one: Trainer, stop_at: int = MAX_STEPS, **words: bool) -> list[float]:
    """The loss of every step; rank 0 asks to stop after `stop_at` of them."""
    losses: list[float] = []

    def on_step(step: Step) -> bool:
        losses.append(step.loss)
        return distributed.rank() > 0 or len(losses) != stop_at

    try:
        one.run(TrainingHooks(on_step), **words)
    except TrainingInterrupted:
        assert len(losses) == stop_at
    return losses


def main(folder: Path) -> None:
    with distributed.process_group():
        told = {name: loss_curve(make_trainer(**case)) for name, case in CASES.items()}
        kept = folder / "kept"
        told["resumed"] = loss_curve(make_trainer(folder=kept, **CASES["full"]), stop_at=5)
        distributed.broadcast_from_rank0(0)  # as at a new start, rank 0 is not saving any more
        last = make_trainer(folder=kept, **CASES["full"])
        told["resumed"] += loss_curve(last, resume=True)
        told["weights"] = torch.cat([p.detach().flatten() for p in last.model.parameters()]).tolist()
        (folder / f"rank{distributed.rank()}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
