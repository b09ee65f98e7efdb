"""Softmax cross-entropy over films that never holds all logits at once."""

import time
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

BLOCK_SIZE = 512  # positions whose logits are held at a time: with 4,000 films 8 MB
NUM_TRIALS = 5  # products timed of each precision


@cache
def bf16_is_faster(device: torch.device) -> bool:
    """Measure whether the loss's matrix product is faster in bf16 on this device. CPUs without such an instruction take
    twenty times as long, and what they report differs by maker; so some products are timed, in a few milliseconds.
    """
    if device.type != "cpu":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)

    def seconds(dtype: torch.dtype) -> float:
        users, items, durations = torch.ones(256, 64, dtype=dtype), torch.ones(64, 1024, dtype=dtype), []
        for _ in range(NUM_TRIALS):
            started = time.perf_counter()
            users @ items
            durations.append(time.perf_counter() - started)
        return min(durations)

    return seconds(torch.bfloat16) < seconds(torch.float32)


class SeenMask(NamedTuple):
    """What a position's viewer had seen: the candidates c with first_seen[windows, c] <= positions. A list never has
    them, so the softmax need not push them down, which would push their neighbours down as well.
    """

    first_seen: Tensor  # int16 [W, K]: where window w's viewer first saw candidate k, see `batches.first_seen_index`
    windows: Tensor  # int64 [P]: the position's row of `first_seen`
    positions: Tensor  # int16 [P]: the position in its window, from 1

    def rows(self, rows: slice) -> Tensor:
        """Return whether each candidate was seen, for some positions: bool [rows, K]."""
        return self.first_seen[self.windows[rows]] <= self.positions[rows, None]


class SoftmaxLoss(torch.autograd.Function):
    """mean_i of log(exp(u_i t_i) + sum_{c neither i's target nor seen} exp(u_i c + log_q_correction)) - u_i t_i.

    The gradient is computed in the forward pass, block by block, where the logits are at hand (as in Cut Cross-Entropy,
    arXiv 2411.09009).
    """

    @staticmethod
    def forward(
        ctx: Any,
        users: Tensor,
        targets: Tensor,
        candidates: Tensor,
        target_columns: Tensor,
        seen: SeenMask | None,
        log_q_correction: float,
        bf16: bool,
    ) -> Tensor:
        """Compute the loss of users, targets [P, D] over candidates [K, D]; target_columns int64 [P]: the target's row
        in `candidates`, or -1."""
        d_users, d_targets = torch.empty_like(users), torch.empty_like(targets)
        d_candidates = torch.zeros_like(candidates)
        lower, total = candidates.to(torch.bfloat16 if bf16 else users.dtype), users.new_zeros(())
        for start in range(0, len(users), BLOCK_SIZE):
            s = slice(start, start + BLOCK_SIZE)
            # The last, shorter block stays in full precision: oneDNN would build and keep a bf16 kernel for its length.
            columns = lower if len(users[s]) == BLOCK_SIZE else candidates
            low = columns.dtype
            hit = (target_columns[s] >= 0).nonzero().squeeze(1)
            logits = users[s].to(low) @ columns.T
            logits[hit, target_columns[s][hit]] = -torch.inf
            if seen is not None:
                logits.masked_fill_(seen.rows(s), -torch.inf)
            own = (users[s] * targets[s]).sum(1)
            # One reference per row keeps exp() in range. The shares are never divided: the users are scaled instead.
            top = torch.maximum(logits.amax(1).float() + log_q_correction, own)
            reference = top - log_q_correction
            shares = logits.sub_(reference.to(low)[:, None]).exp_()
            offset = reference - reference.to(low).float()  # what rounding the reference took away
            others = shares.sum(1, dtype=torch.float32) * offset.neg().exp()
            norm = others + (own - top).exp()
            total += (norm.log() + top - own).sum()
            scale = (offset.neg().exp() / norm)[:, None]
            miss = ((own - top).exp() / norm - 1)[:, None]
            d_users[s] = (shares @ columns).float() * scale + miss * targets[s]
            d_targets[s] = miss * users[s]
            d_candidates += (shares.T @ (users[s] * scale).to(low)).float()
        ctx.save_for_backward(d_users, d_targets, d_candidates)
        return total / len(users)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of users, targets and candidates, as the forward pass computed them."""
        d_users, d_targets, d_candidates = ctx.saved_tensors
        scale = grad / len(d_users)
        return d_users * scale, d_targets * scale, d_candidates * scale, None, None, None, None


def softmax_loss(
    users: Tensor,
    targets: Tensor,
    candidates: Tensor,
    target_columns: Tensor,
    *,
    seen: SeenMask | None = None,
    log_q_correction: float = 0.0,
    bf16: bool = False,
) -> Tensor:
    """Return the mean cross-entropy of each user vector's target against the shared candidates that are not `seen`.

    users, targets [P, D]; candidates [K, D]; target_columns int64 [P], -1 where the target is no candidate. With all
    films as candidates and `log_q_correction` 0 it is the full softmax. With K of N films drawn uniformly and
    log((N - 1) / K) its expectation follows the full softmax's normaliser.
    """
    return SoftmaxLoss.apply(users, targets, candidates, target_columns, seen, log_q_correction, bf16)
