"""Read the tensors of a safetensors file into memory, each once.

The library maps the file: a tensor that is copied out of it counts twice meanwhile, and one that is not copied ends the
process by SIGBUS when the file is cut short later.
"""

import json
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

_TYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U16": torch.uint16,
    "I8": torch.int8,
}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a file. Raises `ValueError` or `KeyError` where the file does not match its header, or has a
    type that is not supported.

    The layout is https://github.com/huggingface/safetensors#format: the header's length in 8 bytes, little end first,
    the header in JSON, the tensors.
    """
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        header.pop("__metadata__", None)
        return {name: _read(file, start, **about) for name, about in header.items()}


def _read(file: BinaryIO, start: int, dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> Tensor:
    tensor = torch.empty(shape, dtype=_TYPES[dtype])
    buffer = tensor.reshape(-1).view(torch.uint8).numpy().data
    file.seek(start + data_offsets[0])
    if file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
        raise ValueError(f"{file.name} ends too early")
    return tensor
