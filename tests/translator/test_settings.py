"""Settings of a training run: what is accepted, what is refused, and that they survive the trip through JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from studio.translator.settings import PRESETS, TrainSettings, field_help, preset
from studio.vocabulary.errors import InputError


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    settings = preset(name)
    assert TrainSettings.from_json(settings.to_json()) == settings


def test_paper_preset_has_the_published_values() -> None:
    paper = preset("paper")
    assert (paper.variant, paper.dim, paper.res_blocks, paper.style_size) == ("asymmetric", 64, 4, 8)
    assert (paper.crop_width, paper.crop_height, paper.batch) == (512, 256, 1)
    assert (paper.learning_rate, paper.beta1, paper.beta2, paper.weight_decay) == (1e-4, 0.5, 0.999, 1e-4)
    assert (paper.halve_every, paper.iterations) == (100_000, 500_000)
    assert (paper.weight_image, paper.weight_cycle, paper.weight_content, paper.weight_style) == (10, 10, 1, 1)
    assert (paper.weight_ms_ssim_ab, paper.weight_ms_ssim_ba, paper.encoded_style_share) == (5, 3, 0.5)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"dims": 64}, "dims"),
        ({"dim": "64"}, "dim"),
        ({"dim": 64.5}, "dim"),
        ({"batch": 0}, "batch"),
        ({"batch": True}, "batch"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"variant": "other"}, "variant"),
        ({"crop_width": 130}, "multiples of 4"),
        ({"resize_low": 2.0, "resize_high": 1.0}, "resize_low"),
    ],
)
def test_wrong_values_are_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        TrainSettings.from_values(values)


@pytest.mark.parametrize("text", ["", "[]", "3", "{"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        TrainSettings.from_json(text)


def test_missing_fields_take_the_papers_value() -> None:
    assert TrainSettings.from_json(json.dumps({"dim": 32})) == TrainSettings(dim=32)


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(InputError, match="slow"):
        preset("slow")


def test_every_field_has_help() -> None:
    rows = {row.name: row for row in field_help()}
    assert list(rows) == [item.name for item in fields(TrainSettings)]
    assert all(row.meaning for row in rows.values())
    assert rows["dim"].paper == 64
    assert rows["dim"].whole
    assert not rows["learning_rate"].whole
    assert rows["variant"].choices == ("asymmetric", "symmetric")


def test_the_form_needs_no_torch() -> None:
    code = "import sys, studio.translator.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
