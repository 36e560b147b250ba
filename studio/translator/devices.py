"""Which device and number format a run uses, and what it says when there is none such."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from functools import cache

import torch

from studio.translator.allocator import keep_freed_memory
from studio.vocabulary.errors import InputError

_WORTHWHILE_GAIN = 1.25


def chosen_device(name: str) -> torch.device:
    """``auto`` takes the GPU when there is one. Raise InputError for a device that this machine lacks.

    The CPU is made ready for computing: from here on the process keeps the memory that it frees.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"no device is called '{name}'", where="--device", remedy="Use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("this machine has no usable CUDA GPU", where="--device", remedy="Use --device auto or cpu.")
    if device.type == "cpu":
        keep_freed_memory()
    return device


def gpu_count() -> int:
    """GPUs that this process can use."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bfloat16 beats fp32 clearly: known for GPUs from Ampere on, measured once (about 30 ms) on CPUs.

    Processors announce AVX-512 BF16 and yet run it at half of fp32's rate, so the flag alone says too little.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and _bf16_gain_on_cpu() > _WORTHWHILE_GAIN


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 at all, fast or not."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@cache
def _bf16_gain_on_cpu() -> float:
    """fp32 time over bf16 time of a convolution as in the residual blocks."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return 0.0
    pairs = [_convolution(torch.float32), _convolution(torch.bfloat16)]
    threads = torch.get_num_threads()
    # One thread, and its own time on the processor, not the clock's: else the same seed would train in another number
    # format on a busy day.
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for pair in pairs:
                torch.nn.functional.conv2d(*pair)
            rounds = [[_timed(*pair) for pair in pairs] for _ in range(6)]
    finally:
        torch.set_num_threads(threads)
    return min(r[0] for r in rounds) / min(r[1] for r in rounds)


def _convolution(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and a weight as in the residual blocks."""
    x_BCHW = torch.ones(1, 128, 34, 34, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight_OIHW = torch.ones(128, 128, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return x_BCHW, weight_OIHW


def _timed(x_BCHW: torch.Tensor, weight_OIHW: torch.Tensor) -> float:
    start = time.thread_time()
    torch.nn.functional.conv2d(x_BCHW, weight_OIHW)
    return time.thread_time() - start


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Resolve ``auto``. Raise InputError for an unknown word."""
    if precision not in ("auto", "fp32", "bf16"):
        raise InputError(f"no precision is called '{precision}'", where="--precision", remedy="Use fp32, bf16 or auto.")
    return precision == "bf16" or (precision == "auto" and bf16_is_fast(device))


def autocast(bf16: bool, device: torch.device) -> AbstractContextManager[object]:
    """Convolutions in bfloat16 where asked for; norms and losses take care of their own fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)


def bf16_or_exact(bf16: bool, device: torch.device) -> AbstractContextManager[object]:
    """``autocast``, or fp32 that is meant: by default cuDNN rounds what it multiplies to ten bits (TF32)."""
    if bf16 or device.type != "cuda":
        return autocast(bf16, device)
    cudnn = torch.backends.cudnn
    return cudnn.flags(
        enabled=True, benchmark=cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False
    )  # fmt: skip


def takes_cpu_kernels(x: torch.Tensor) -> bool:
    """Whether a layer does best with the CPU kernels picked by hand; a compiler is given plain operations to fuse."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def compiled(*modules: torch.nn.Module | None, mode: str | None = None) -> None:
    """Have these modules compiled when they are first called, for the shapes that they are called with.

    State-dict names stay as they are.
    """
    for module in modules:
        if module is not None:
            module.compile(dynamic=False, mode=mode)
