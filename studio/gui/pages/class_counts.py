"""Shares of the classes in a scene, from a sample of its frames, kept in the project's cache. No Qt in here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from studio.files.atomic import write_json
from studio.scenes.readers import load_layers_of
from studio.vocabulary.frames import FrameFiles

SAMPLED_FRAMES = 24


def class_shares(
    frames: Sequence[FrameFiles], *, layout: str, encoding: Mapping[str, str], kept: Path
) -> dict[int, float]:
    """Share of the pixels by class id over evenly spaced frames; read from ``kept`` when it is there already."""
    if kept.is_file():
        try:
            return {int(i): float(share) for i, share in json.loads(kept.read_text(encoding="utf-8")).items()}
        except (ValueError, AttributeError):
            kept.unlink(missing_ok=True)
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(SAMPLED_FRAMES, len(frames))).round().astype(int))
    counts = np.zeros(256, np.int64)
    for index in chosen:
        layers = load_layers_of(frames[int(index)], layout=layout, encoding=encoding)
        if layers.segmentation_HW is not None:
            counts += np.bincount(layers.segmentation_HW.ravel(), minlength=256)
    total = int(counts.sum())
    shares = {int(i): float(counts[i] / total) for i in np.flatnonzero(counts)} if total else {}
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, shares)
    return shares
