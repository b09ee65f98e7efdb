"""What a training reports to its job: log lines, progress, and metrics on validation visits after each epoch."""

from pathlib import Path

from recommender.jobs.leases import Lease, LeaseLost
from recommender.ml.epoch_selection import EpochSelection
from recommender.ml.model import TransformerRecModel
from recommender.ml.train import Step

LOG_EVERY_STEPS = 100


class Reporter:
    """Reports one training; its methods are the hooks of the trainer."""

    def __init__(self, lease: Lease, selection: EpochSelection, checkpoints: Path) -> None:
        """`checkpoints`: the folder that the trainer writes to."""
        self.lease, self.selection = lease, selection
        self.checkpoints = checkpoints
        self.finished_epoch = 0  # whose checkpoint has not been logged; 0 for none

    def on_step(self, step: Step) -> bool:
        """Report a step. Returns False where the lease is lost: the training saves its state and stops."""
        self.log_checkpoint()
        if step.step % LOG_EVERY_STEPS == 0 or step.step == step.steps:
            line = f"Epoch {step.epoch} | Step {step.step} | Loss: {step.loss:.4f} | Avg: {step.average:.4f}"
            self.lease.log(line)
        try:
            self.lease.report_progress("training", (step.epoch - 1) * step.steps + step.step, step.epochs * step.steps)
        except LeaseLost:
            return False
        return True

    def on_epoch(self, epoch: int, model: TransformerRecModel) -> dict[str, float]:
        """Measure and log an epoch. Returns its metrics on the validation visits."""
        measured = self.selection.on_epoch(epoch, model)
        self.lease.log(
            f"Epoch {epoch} | NDCG@10: {measured['ndcg10']:.4f} | HR@10: {measured['hr10']:.4f} (validation)"
        )
        self.finished_epoch = epoch
        return measured

    def on_end(self, model: TransformerRecModel) -> None:
        """Take the best epoch's weights and log which it was."""
        self.selection.restore(model)
        self.lease.log(f"Epoch {self.selection.best_epoch} is the best of {self.selection.epoch}")

    def log_checkpoint(self) -> None:
        """Log the last epoch's checkpoint, once: it is written after the epoch was measured."""
        path = self.checkpoints / f"transformer_epoch{self.finished_epoch}.pt"
        if self.finished_epoch and path.exists():
            self.lease.log(f"Saved checkpoint: {path.parent.name}/{path.name}")
        self.finished_epoch = 0
