"""Rows of several ranges at once, for arrays in CSR form: range i is the rows starts[i] to stops[i] - 1."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def concatenate_ranges(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows of the ranges [m] one after the other, int64 [n], and where each range begins, int64 [m + 1]."""
    indptr = np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64)
    return np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], np.diff(indptr)), indptr


def concatenate_tensor_ranges(starts: "Tensor", stops: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return the same as `concatenate_ranges` for tensors, on their device."""
    import torch  # not at the top: web processes load this module, and no torch before a model is needed

    indptr = torch.cat([starts.new_zeros(1), (stops - starts).cumsum(0)])
    rows = torch.arange(int(indptr[-1]), device=starts.device)
    return rows + torch.repeat_interleave(starts - indptr[:-1], indptr.diff()), indptr
