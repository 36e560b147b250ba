"""Which device and number format a run uses, and what it says when there is none such."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from studio.vocabulary.errors import InputError


def chosen_device(name: str) -> torch.device:
    """``auto`` takes the GPU when there is one. Raise InputError for a device that this machine lacks."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"no device is called '{name}'", where="--device", remedy="Use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("this machine has no usable CUDA GPU", where="--device", remedy="Use --device auto or cpu.")
    return device


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware (AVX-512 BF16 or AMX, Ampere or newer)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Resolve ``auto``. Raise InputError for an unknown word."""
    if precision not in ("auto", "fp32", "bf16"):
        raise InputError(f"no precision is called '{precision}'", where="--precision", remedy="Use fp32, bf16 or auto.")
    return precision == "bf16" or (precision == "auto" and bf16_is_fast(device))


def autocast(bf16: bool, device: torch.device) -> AbstractContextManager[object]:
    """Convolutions in bfloat16 where asked for; norms and losses take care of their own fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)
