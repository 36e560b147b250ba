"""A trained segmenter at work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from studio.segmenter.checkpoints import RunFacts, load_network
from studio.segmenter.data import OutputTable, resized
from studio.segmenter.devices import chosen_device


class Segmenter:
    """Gives class ids for pictures. ``fingerprint`` names the weights; ``facts`` says how they came to be."""

    def __init__(self, network: torch.nn.Module, facts: RunFacts, fingerprint: str, device: torch.device) -> None:
        self.facts = facts
        self.fingerprint = fingerprint
        self.table = OutputTable(facts.settings)
        self._device = device
        self._network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.facts.settings.classes

    def predict(self, image_HW3: np.ndarray) -> np.ndarray:
        """uint8 HxW class ids (0 = none of the learnt classes) of a uint8 RGB picture, at its own size."""
        return self.table.ids(self.shares(image_HW3).argmax(axis=0))

    @torch.inference_mode()
    def shares(self, image_HW3: np.ndarray) -> np.ndarray:
        """float32 KxHxW softmax shares, output 0 = rest, at the picture's own size."""
        height, width = image_HW3.shape[:2]
        small_HW3 = np.array(resized(image_HW3, self.facts.settings.size))  # a copy: pictures may be read-only
        image_BCHW = torch.from_numpy(small_HW3)[None].to(self._device).permute(0, 3, 1, 2).float() / 255
        logits_BKhw = self._network(image_BCHW.contiguous(memory_format=torch.channels_last)).float()
        logits_BKHW = F.interpolate(logits_BKhw, size=(height, width), mode="bilinear", align_corners=False)
        shares_KHW: np.ndarray = logits_BKHW[0].softmax(0).cpu().numpy()
        return shares_KHW


def load_segmenter(path: Path, *, device: str = "auto") -> Segmenter:
    """A segmenter from a run's folder or weights file. Raise InputError when it is none."""
    network, facts, fingerprint = load_network(path)
    return Segmenter(network, facts, fingerprint, chosen_device(device))
