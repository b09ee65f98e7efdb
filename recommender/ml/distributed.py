"""Data-parallel training in several processes, as `torchrun` starts them.

Every process holds all the data and draws the same batches, negatives and input dropout from the seed. Of each batch it
works on its own rows; the gradients are added up after the backward pass, each weighted by its rows' part of the
batch's targets, so that the step is the one of a single process (except for dropout, which differs by process).

Rank 0 saves checkpoints and all processes read them, so on several machines they must share the folder. Only rank 0
passes `TrainingHooks`: it evaluates and reports while the others wait. Without torchrun every function here is a no-op.
Gradients travel by gloo between CPUs and by NCCL between GPUs, one GPU per process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, distributed, nn

T = TypeVar("T")

# For the slowest: rank 0 reads the data before the first step and evaluates after an epoch.
TIMEOUT = timedelta(hours=2)


@contextmanager
def process_group() -> Iterator[None]:
    """Join the process group that torchrun started; do nothing without torchrun."""
    if not distributed.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    distributed.init_process_group(timeout=TIMEOUT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Return this process's rank; 0 is the one that reports and saves, and the only one without a group."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """Return the number of processes, 1 without a group."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def broadcast_from_rank0(value: int) -> int:
    """Return rank 0's value; all processes must call it."""
    if world_size() == 1:
        return value
    tensor = torch.tensor([value], device=_device())
    distributed.broadcast(tensor, 0)
    return int(tensor)


def broadcast_object(value: T | None = None) -> T | None:
    """Return rank 0's value, which can be pickled; all processes must call it, the others without a value."""
    if world_size() == 1:
        return value
    values = [value]
    distributed.broadcast_object_list(values, 0, device=_device())
    return values[0]


def any_rank(flag: bool) -> bool:
    """Return whether `flag` is true in any process; all processes must call it."""
    if world_size() == 1:
        return flag
    tensor = torch.tensor([int(flag)], device=_device())
    distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
    return bool(tensor)


def sync_initial_weights(model: nn.Module, step: int) -> None:
    """Copy the weights of rank 0 to all processes. Raises `RuntimeError` where they do not stand at the same step."""
    if any_rank(broadcast_from_rank0(step) != step):
        raise RuntimeError("The processes read different checkpoints: their folder must be one that all of them see.")
    if world_size() > 1:
        for tensor in model.state_dict().values():
            distributed.broadcast(tensor, 0)


def local_rows(targets: Tensor) -> tuple[np.ndarray | slice, float]:
    """Return this process's rows of a batch with targets int64 [B, L], and their share of all its targets."""
    if world_size() == 1:
        return slice(None), 1.0
    rows = np.arange(rank(), len(targets), world_size())
    part = int((targets[rows] > 0).sum()) / max(1, int((targets > 0).sum()))
    # A batch of few rows: this process repeats a row with weight 0, so that all have the same gradients to add.
    return (rows, part) if part else (np.array([0]), part)


def all_reduce_gradients(model: nn.Module, loss: Tensor) -> Tensor:
    """Add up the gradients of all processes, which `local_rows`' share has weighted, and return the loss of the whole
    batch.
    """
    if world_size() == 1:
        return loss
    parts = [p.grad for p in model.parameters() if p.grad is not None] + [loss.detach()]
    flat = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(flat)
    for part, summed in zip(parts, flat.split([part.numel() for part in parts]), strict=True):
        part.copy_(summed.view_as(part))
    return parts[-1]


def _device() -> torch.device:
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
