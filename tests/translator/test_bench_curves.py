"""Curves of the fast path over the plain one: the figures by hand, and both paths on tiny pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_rgb
from studio.jobs.events import Done, Progress
from studio.translator.bench_curves import bench_curves, compared, train_plainly
from studio.translator.curve_chart import Curve, draw_charts, smoothed
from studio.translator.journal import read_journal
from studio.translator.training import train
from tests.translator.making import pictures, tiny


def test_gaps_by_hand() -> None:
    """Of six steps the last two count: plain means 3 and 5 (mean 4, sample deviation sqrt 2), fast ones 4 and 6."""
    runs = {
        ("plain", 0): {"x": [9.0, 9, 9, 9, 2, 4], "y": [1.0] * 6},
        ("plain", 1): {"x": [9.0, 9, 9, 9, 5, 5], "y": [3.0] * 6},
        ("fp32", 0): {"x": [0.0, 0, 0, 0, 4, 4], "y": [2.0] * 6},
        ("fp32", 1): {"x": [0.0, 0, 0, 0, 5, 7], "y": [2.0] * 6},
    }
    figures = compared(runs)
    gap = figures["gaps"]["x"]
    assert gap["plain"] == pytest.approx(4.0)
    assert gap["spread"] == pytest.approx(math.sqrt(2) / 4)
    assert gap["fast"]["fp32"] == pytest.approx(5.0)
    assert gap["gap"]["fp32"] == pytest.approx(0.25)
    assert figures["gaps"]["y"]["gap"]["fp32"] == pytest.approx(0.0)
    in_spreads = figures["gaps_in_spreads"]["fp32"]
    assert in_spreads["largest"] == pytest.approx(1 / math.sqrt(2))
    assert in_spreads["median"] == pytest.approx(1 / math.sqrt(2) / 2)


def test_both_paths_begin_with_the_same_losses(tmp_path: Path) -> None:
    """The first step's losses are of the same weights on the same crops; the second step's after one update of each."""
    images, settings = pictures(tmp_path), tiny(iterations=2, sample_every=100)
    list(train_plainly(tmp_path / "plain", *images, settings, device="cpu"))
    list(train(tmp_path / "fast", *images, settings, device="cpu"))
    plain, fast = (list(read_journal(tmp_path / name / "metrics.jsonl")) for name in ("plain", "fast"))
    for row, expected in zip(fast, plain, strict=True):
        for name in expected:
            if name not in ("step", "seconds"):
                assert row[name] == pytest.approx(expected[name], abs=3e-3), name


def test_curves_are_written_with_their_figures(tmp_path: Path) -> None:
    out = tmp_path / "out"
    events = list(
        bench_curves(*pictures(tmp_path), tiny(iterations=3), work=tmp_path / "work", seeds=2, device="cpu", out=out)
    )
    progress = [e for e in events if isinstance(e, Progress)]
    assert progress[-1].done == progress[-1].total
    assert isinstance(events[-1], Done)
    figures = json.loads((out / "curves.json").read_text())
    assert figures["gaps"] == events[-1].result["gaps"]
    assert set(figures["gaps"]) == {
        "image_a", "image_b", "content_a", "content_b", "style_b", "cycle_a", "cycle_b", "gan_ab", "gan_ba",
        "ms_ssim_ab", "ms_ssim_ba", "disc_a", "disc_b",
    }  # fmt: skip
    assert abs(figures["gaps"]["image_b"]["gap"]["fp32"]) < 0.01
    assert [row["step"] for row in read_journal(out / "plain-1.jsonl")] == [1, 2, 3]
    assert len(np.unique(read_rgb(out / "curves.png").reshape(-1, 3), axis=0)) > 10


def test_running_mean_by_hand() -> None:
    assert smoothed([1.0, 3.0, 5.0, 1.0], 2).tolist() == [1.0, 2.0, 4.0, 3.0]


def test_a_falling_curve_is_drawn_from_top_left_to_bottom_right() -> None:
    page = draw_charts({"loss": [Curve([3.0, 2.0, 1.0, 0.0], (255, 0, 0))]}, [])
    rows, columns = np.nonzero((page[..., 0] > 200) & (page[..., 1] < 80) & (page[..., 2] < 80))
    assert np.corrcoef(rows, columns)[0, 1] > 0.99
