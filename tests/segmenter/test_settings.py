"""Settings: what they refuse, and that JSON carries them whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from studio.segmenter.settings import SegmenterSettings, preset
from studio.vocabulary.errors import InputError


@pytest.mark.parametrize("name", ["demo", "paper"])
def test_presets_survive_json(name: str) -> None:
    settings = preset(name)
    assert SegmenterSettings.from_json(settings.to_json()) == settings


def test_the_paper_preset_is_the_papers_network() -> None:
    assert preset("paper").network == "ternausnet11"


def test_everything_but_defaults_survives_json() -> None:
    settings = replace(
        preset("demo"), classes=("liver", "fat"), merges=(), size=(128, 72), scale=(0.5, 2.0), lr=1e-4, precision="bf16"
    )
    assert SegmenterSettings.from_json(settings.to_json()) == settings


def test_missing_fields_take_their_defaults() -> None:
    assert SegmenterSettings.from_json('{"steps": 7}') == SegmenterSettings(steps=7)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"network": "resnet"}, "resnet"),
        ({"size": [8, 8]}, "8x8"),
        ({"size": [128]}, "2 numbers"),
        ({"classes": []}, "no class"),
        ({"classes": "liver"}, "no list"),
        ({"classes": ["liver", "liver"]}, "twice"),
        ({"steps": 0}, "below 1"),
        ({"steps": 1.5}, "whole number"),
        ({"steps": "many"}, "wrong kind"),
        ({"lr": 0}, "positive"),
        ({"scale": [2, 1]}, "scale"),
        ({"circle": 1.5}, "circle"),
        ({"network": 3}, "no text"),
        ({"speed": 1}, "speed"),
        ({"encoder_weights": "vgg11.pth"}, "ternausnet11 only"),
    ],
)
def test_refusals_name_what_is_wrong(values: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SegmenterSettings.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_no_settings_at_all(text: str) -> None:
    with pytest.raises(InputError, match="not"):
        SegmenterSettings.from_json(text)


def test_unknown_preset() -> None:
    with pytest.raises(InputError, match="demo, paper"):
        preset("huge")
