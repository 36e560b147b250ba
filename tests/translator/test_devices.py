"""Which number format is chosen on a processor."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from studio.translator import devices


@pytest.fixture(autouse=True)
def _measured_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was measured once is kept; these tests neither use nor leave it."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    devices._bf16_gain_on_cpu.cache_clear()
    yield
    devices._bf16_gain_on_cpu.cache_clear()


def test_waiting_for_other_processes_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A convolution that computes 2 ms in bf16 and 8 in fp32, and is kept from the processor for longer in bf16."""

    def kept_waiting(x: torch.Tensor, _weight: torch.Tensor) -> torch.Tensor:
        end = time.thread_time() + (0.002 if x.dtype == torch.bfloat16 else 0.008)
        while time.thread_time() < end:
            pass
        if x.dtype == torch.bfloat16:
            time.sleep(0.02)
        return x

    monkeypatch.setattr(torch.nn.functional, "conv2d", kept_waiting)
    assert 3.0 < devices._bf16_gain_on_cpu() < 5.0
    assert devices.uses_bf16("auto", torch.device("cpu"))


def test_measuring_leaves_the_threads_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it fails."""

    def broken(*_: torch.Tensor) -> torch.Tensor:
        assert torch.get_num_threads() == 1
        raise RuntimeError("no such kernel")

    before = torch.get_num_threads()
    monkeypatch.setattr(torch.nn.functional, "conv2d", broken)
    torch.set_num_threads(3)
    try:
        with pytest.raises(RuntimeError, match="kernel"):
            devices._bf16_gain_on_cpu()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
