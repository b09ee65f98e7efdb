"""Several processes that train one model, as `torchrun` starts them: what each does, and what they share.

Every process holds all the data and draws the same groups, negatives and forgetting from the seed. Of each group it
works on its own rows; the gradients are added up after the backward pass, each weighted by its rows' part of the
group's targets, so that the step is the one that a single process would make (dropout apart, which differs by process).

Rank 0 saves; all read its checkpoints, so on several machines their folder must be one that all see. The hooks of
`Progress` are for rank 0 to pass: it evaluates and reports while the others wait. Without torchrun every function here
leaves things as they are. Gradients travel by gloo between CPUs and by NCCL between GPUs, one a process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import torch
from torch import Tensor, distributed, nn

TIMEOUT = timedelta(
    hours=2
)  # for the slowest: rank 0 reads the data before the first step and evaluates after an epoch


@contextmanager
def process_group() -> Iterator[None]:
    """In the group of processes that torchrun started, if it started this one."""
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
    """0 for the process that reports and saves, which is also the only one where there is no group."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def broadcast_from_rank0(value: int) -> int:
    """Rank 0's value, once all have asked for it."""
    if world_size() == 1:
        return value
    told = torch.tensor([value], device=_device())
    distributed.broadcast(told, 0)
    return int(told)


def any_rank(flag: bool) -> bool:
    """Whether any process says yes, once all have spoken."""
    if world_size() == 1:
        return flag
    said = torch.tensor([int(flag)], device=_device())
    distributed.all_reduce(said, distributed.ReduceOp.MAX)
    return bool(said)


def sync_initial_weights(model: nn.Module, step: int) -> None:
    """Gives all of them the weights of rank 0. Raises RuntimeError where they do not stand at the same step."""
    if any_rank(broadcast_from_rank0(step) != step):
        raise RuntimeError("The processes read different checkpoints: their folder must be one that all of them see.")
    if world_size() > 1:
        for tensor in model.state_dict().values():
            distributed.broadcast(tensor, 0)


def local_rows(targets: Tensor) -> tuple[np.ndarray | slice, float]:
    """This process's rows of a batch with targets int64 [B, L], and their part of all its targets."""
    if world_size() == 1:
        return slice(None), 1.0
    rows = np.arange(rank(), len(targets), world_size())
    part = int((targets[rows] > 0).sum()) / max(1, int((targets > 0).sum()))
    # A group of few rows: works on one that another counts, so that all have the same gradients to add.
    return (rows, part) if part else (np.array([0]), part)


def all_reduce_gradients(model: nn.Module, loss: Tensor) -> Tensor:
    """Adds up the gradients of all processes, and their losses, each weighted by `own_rows`' part before. Returns the
    loss of the whole batch.
    """
    if world_size() == 1:
        return loss
    parts = [p.grad for p in model.parameters() if p.grad is not None] + [loss.detach()]
    whole = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(whole)
    for part, summed in zip(parts, whole.split([part.numel() for part in parts]), strict=True):
        part.copy_(summed.view_as(part))
    return parts[-1]


def _device() -> torch.device:
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
