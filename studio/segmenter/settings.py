"""What determines a segmenter: network, classes, budget and geometry. No torch here, so that a form can show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from studio.vocabulary.errors import InputError

NetworkName = Literal["small", "ternausnet11"]
Appearance = Literal["none", "colour", "reinhard"]
"""What is done to the look of training images: nothing, strong colour augmentation, or colour-statistics transfer."""
Precision = Literal["auto", "fp32", "bf16"]
NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)
APPEARANCES: tuple[Appearance, ...] = get_args(Appearance)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """A run is determined by these, its data and its appearance. Regimes to be compared share them all.

    The budget is a number of *steps*, never of seconds: a slower way of feeding data must not train less.
    """

    network: NetworkName = "small"
    """small: a U-Net for minutes on a CPU; ternausnet11: the paper's network (VGG-11 encoder)."""
    width: int = 16
    """Channels of the small network's first stage; of no effect on ternausnet11."""
    encoder_weights: str = ""
    """Path of a VGG-11 state dict (.safetensors or .pth) for ternausnet11's encoder; empty: He initialisation."""
    size: tuple[int, int] = (160, 90)
    """Width and height in px at which images enter the network; predictions leave at the image's own size."""
    classes: tuple[str, ...] = ("liver",)
    """Names of the classes to learn, one output each beside "rest". The first is the one that matters most."""
    merges: tuple[tuple[str, str], ...] = (("ligament", "fat"),)
    """(from, to) names of classes that are counted as another one, in training and in evaluation."""
    steps: int = 500
    batch: int = 12
    lr: float = 3e-3
    """Highest rate of the one-cycle schedule (AdamW)."""
    weight_decay: float = 1e-3
    seed: int = 0
    flip: float = 0.5
    """Probability of a left-right flip."""
    rotation_deg: float = 15.0
    """Largest rotation to either side."""
    scale: tuple[float, float] = (0.8, 1.4)
    """Range of magnification; what lies beyond the picture is mirrored in."""
    shift: float = 0.1
    """Largest shift as a share of the picture's sides."""
    circle: float = 0.5
    """Probability of a round endoscope mask, outside black and "rest"."""
    precision: Precision = "auto"
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        for wrong, what in self._complaints():
            if wrong:
                raise InputError(what, where="segmenter settings")

    def _complaints(self) -> list[tuple[bool, str]]:
        width, height = self.size
        low, high = self.scale
        shares = {"flip": self.flip, "circle": self.circle, "shift": self.shift}
        return [
            (self.network not in NETWORKS, f"no network is called '{self.network}'; known: {', '.join(NETWORKS)}"),
            (self.precision not in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}"),
            (not (32 <= width <= 2048 and 32 <= height <= 2048), f"a size of {width}x{height} px; 32 to 2048 work"),
            (
                bool(self.encoder_weights) and self.network != "ternausnet11",
                "encoder_weights are for ternausnet11 only",
            ),
            (not self.classes, "no class to learn is named"),
            (len(set(self.classes)) != len(self.classes), "a class is named twice"),
            (len(self.classes) > 64, "more than 64 classes"),
            (min(self.steps, self.batch, self.width, self.checkpoint_every) < 1, "a count is below 1"),
            (self.lr <= 0 or self.weight_decay < 0, "lr must be positive and weight_decay not negative"),
            (not 0 < low <= high, "scale must be two positive numbers, the smaller first"),
            (not 0 <= self.rotation_deg <= 180, "rotation_deg must lie in 0 to 180"),
            *((not 0 <= v <= 1, f"{name} must lie in 0 to 1") for name, v in shares.items()),
        ]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> SegmenterSettings:
        """Read to_json's form; raise InputError for unknown names and values of another kind."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"not JSON ({error})", where="segmenter settings") from error
        if not isinstance(values, Mapping):
            raise InputError("not a JSON object", where="segmenter settings")
        return SegmenterSettings.from_values(values)

    @staticmethod
    def from_values(values: Mapping[str, Any]) -> SegmenterSettings:
        """The settings with these fields, the others at their defaults."""
        known = {f.name: f for f in fields(SegmenterSettings)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InputError(
                f"unknown: {', '.join(unknown)}", where="segmenter settings", remedy=f"Known: {', '.join(known)}."
            )
        defaults = asdict(_DEFAULTS)
        try:
            return SegmenterSettings(**{name: _like(defaults[name], value) for name, value in values.items()})
        except (TypeError, ValueError) as error:
            raise InputError(f"a value is of the wrong kind ({error})", where="segmenter settings") from error


def _like(default: object, value: Any) -> Any:
    """A JSON value in the kind of the default: lists become tuples, whole numbers may stand for fractions."""
    if isinstance(default, tuple):
        if isinstance(value, str):
            raise ValueError(f"'{value}' is no list")
        inner = default[0] if default else ""
        items = tuple(_like(inner, v) for v in value)
        if isinstance(inner, (int, float)) and len(items) != len(default):
            raise ValueError(f"{len(default)} numbers were expected, not {len(items)}")
        return items
    if isinstance(default, float):
        return float(value)
    if isinstance(default, int):
        if int(value) != float(value):
            raise ValueError(f"{value} is no whole number")
        return int(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def preset(name: str) -> SegmenterSettings:
    """demo: a small network, a minute or so on two cores; paper: TernausNet-11 at the public set's full size."""
    presets = {
        "demo": _DEFAULTS,
        "paper": SegmenterSettings(
            network="ternausnet11", size=(448, 256), steps=60_000, batch=8, lr=1e-4, checkpoint_every=1000
        ),
    }
    if name not in presets:
        raise InputError(f"no preset is called '{name}'", where="segmenter", remedy=f"Known: {', '.join(presets)}.")
    return presets[name]


_DEFAULTS = SegmenterSettings()
