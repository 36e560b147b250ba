"""Settings of a training run: one frozen value, three presets, and the table from which the window makes its form.

Imports the standard library only, so that the window can show the form without torch. The paper is Pfeiffer et al.
2019 (arXiv 1907.02882); MUNIT is Huang et al. 2018 (arXiv 1804.04732).
"""

# ruff: noqa: RUF009 (the function behind the defaults returns dataclasses.field)
from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, cast

from studio.vocabulary.errors import InputError

Variant = Literal["asymmetric", "symmetric"]
Precision = Literal["auto", "fp32", "bf16"]
Compile = Literal["auto", "on", "off"]
Mask = Literal["paper", "footage", "none"]
Directions = Literal["both", "ab"]
Start = Literal["apart", "alike"]
PresetName = Literal["paper", "fast", "demo"]
PRESETS: tuple[PresetName, ...] = ("paper", "fast", "demo")

LEAST_SIDE = 8
"""Px a side of the smallest frame that is translated: its content code still has 2 x 2 places."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "variant": ("asymmetric", "symmetric"),
    "directions": ("both", "ab"),
    "start": ("apart", "alike"),
    "precision": ("auto", "fp32", "bf16"),
    "compile": ("auto", "on", "off"),
    "mask": ("paper", "footage", "none"),
}


def _setting(
    default: Any, meaning: str, *, group: str, unit: str = "", low: float = 0.0, high: float = math.inf
) -> Any:
    """A field whose default is the paper's value; ``meaning`` and the limits serve the form and the validation."""
    return field(default=default, metadata={"meaning": meaning, "group": group, "unit": unit, "low": low, "high": high})


@dataclass(frozen=True)
class TrainSettings:
    """Everything that determines a training run beside its images. Defaults are the paper's values."""

    variant: Variant = _setting(
        "asymmetric",
        "asymmetric: only the real side has a style, as in the paper; symmetric: both have one, as in MUNIT",
        group="network",
    )
    directions: Directions = _setting(
        "both",
        "both: the way from footage to simulated looks is learnt too, as in the paper; ab: only from render to real, "
        "in half the time a step",
        group="network",
    )
    start: Start = _setting(
        "apart",
        "apart: the two generators' first weights are drawn apart, as in the paper; alike: they are the same, so that "
        "a short run does not swap the hues of organs",
        group="network",
    )
    dim: int = _setting(64, "channels of the first layer of the generators", group="network", low=4, high=512)
    res_blocks: int = _setting(4, "residual blocks of encoder and decoder", group="network", low=0, high=32)
    style_size: int = _setting(8, "numbers in a style code", group="network", low=1, high=256)
    mlp_dim: int = _setting(256, "width of the network that turns a style into normalisation parameters",
                            group="network", low=4, high=4096)  # fmt: skip
    content_channels: int = _setting(
        0, "squeeze the content code to so many channels (0 = not; the authors' later code: 8)",
        group="network", high=4096,
    )  # fmt: skip
    disc_dim: int = _setting(64, "channels of the discriminators' first layer", group="network", low=4, high=512)
    disc_layers: int = _setting(4, "stride-2 layers of each discriminator", group="network", low=1, high=8)
    disc_scales: int = _setting(3, "picture scales that are judged", group="network", low=1, high=6)

    load_width: int = _setting(0, "width to which pictures are scaled before anything else (0 = as they are)",
                               group="data", unit="px", high=8192)  # fmt: skip
    crop_width: int = _setting(512, "width of a training crop, a multiple of 4", group="data", unit="px", low=32,
                               high=4096)  # fmt: skip
    crop_height: int = _setting(256, "height of a training crop, a multiple of 4", group="data", unit="px", low=32,
                                high=4096)  # fmt: skip
    batch: int = _setting(1, "crops of each side per step", group="data", low=1, high=1024)
    mask: Mask = _setting(
        "paper",
        "round image area put on simulated crops; paper: random circles where any footage is round, footage: those of "
        "the footage, none: no mask",
        group="data",
    )
    resize_low: float = _setting(1.0, "smallest random enlargement before the crop", group="data", low=0.1, high=4)
    resize_high: float = _setting(1.3, "largest random enlargement before the crop", group="data", low=0.1, high=4)
    rotation: float = _setting(10.0, "random rotation, plus or minus", group="data", unit="degrees", high=180)
    contrast: float = _setting(0.25, "random contrast, factor 1 plus or minus", group="data", high=0.95)
    brightness: float = _setting(0.1, "random brightness, added, on a range of -1 to 1", group="data", high=1.0)
    cache_mb: int = _setting(2048, "decoded pictures are kept in memory up to this size", group="data", unit="MB",
                             high=1 << 20)  # fmt: skip

    learning_rate: float = _setting(1e-4, "Adam's step size", group="schedule", low=1e-8, high=1.0)
    disc_rate: float = _setting(
        1.0, "the discriminators' step size, as a multiple", group="schedule", low=0.01, high=100
    )
    beta1: float = _setting(0.5, "Adam's first decay", group="schedule", high=0.9999)
    beta2: float = _setting(0.999, "Adam's second decay", group="schedule", high=0.999999)
    weight_decay: float = _setting(1e-4, "L2 penalty inside Adam", group="schedule", high=1.0)
    halve_every: int = _setting(100_000, "the step size is halved every so many iterations (0 = never)",
                                group="schedule", unit="iterations", high=10**9)  # fmt: skip
    iterations: int = _setting(500_000, "length of the run", group="schedule", unit="iterations", low=1, high=10**9)
    decay_share: float = _setting(0.0, "last share of the run in which the step size falls to zero", group="schedule",
                                  high=1.0)  # fmt: skip
    seconds: float = _setting(0.0, "stop after so much training time even if iterations are left (0 = no limit)",
                              group="schedule", unit="s", high=1e8)  # fmt: skip
    ema: float = _setting(0.999, "decay of the running mean of the generators' weights that is used for translating",
                          group="schedule", high=0.999999)  # fmt: skip

    weight_image: float = _setting(10.0, "image reconstruction, L1", group="losses", high=1e4)
    weight_content: float = _setting(1.0, "content code reconstruction, L1", group="losses", high=1e4)
    weight_style: float = _setting(1.0, "style code reconstruction, L1", group="losses", high=1e4)
    weight_cycle: float = _setting(10.0, "there and back again, L1", group="losses", high=1e4)
    weight_gan: float = _setting(1.0, "least-squares adversarial loss", group="losses", high=1e4)
    weight_ms_ssim_ab: float = _setting(
        5.0, "brightness structure kept from render to translation (MS-SSIM); higher keeps organs in place",
        group="losses", high=1e4,
    )  # fmt: skip
    weight_ms_ssim_ba: float = _setting(
        3.0, "brightness structure kept from footage to its simulated look (MS-SSIM)", group="losses", high=1e4
    )
    encoded_style_share: float = _setting(
        0.5, "share of steps that take the footage crop's own style instead of a random one (symmetric MUNIT: 0)",
        group="losses", high=1.0,
    )  # fmt: skip
    reencode_noise: float = _setting(
        0.0, "noise added to a translation before it is encoded again (the authors' later code: 0.1)",
        group="losses", high=1.0,
    )  # fmt: skip

    seed: int = _setting(0, "the same seed and settings give the same run", group="run", high=2**62)
    precision: Precision = _setting("auto", "number format of the networks; losses are always fp32", group="run")
    compile: Compile = _setting(
        "auto", "networks compiled into fused kernels, after a minute or more at the start; auto: on GPUs", group="run"
    )
    threads: int = _setting(0, "CPU threads (0 = all)", group="run", high=1024)
    log_every: int = _setting(1, "losses are kept every so many iterations", group="run", unit="iterations", low=1,
                              high=10**6)  # fmt: skip
    sample_every: int = _setting(1000, "the panel of samples is drawn every so many iterations", group="run",
                                 unit="iterations", low=1, high=10**9)  # fmt: skip
    sample_frames: int = _setting(4, "renders on the panel", group="run", low=1, high=32)
    sample_styles: int = _setting(4, "styles on the panel", group="run", low=1, high=32)
    checkpoint_every: int = _setting(5000, "a checkpoint is written every so many iterations", group="run",
                                     unit="iterations", low=1, high=10**9)  # fmt: skip
    keep_checkpoints: int = _setting(3, "last checkpoints kept", group="run", low=1, high=10**6)

    def __post_init__(self) -> None:
        for item in fields(self):
            _check(item, getattr(self, item.name))
        if self.crop_width % 4 or self.crop_height % 4:
            raise InputError("crop width and height must be multiples of 4", where="training settings",
                             remedy="Both networks halve the picture twice.")  # fmt: skip
        if self.resize_low > self.resize_high:
            raise InputError("resize_low is above resize_high", where="training settings")

        if _smallest_judged(self) < 2:
            raise InputError("the crop is too small for so many discriminator scales and layers",
                             where="training settings", remedy="Enlarge the crop or lower disc_scales.")  # fmt: skip

    def to_json(self) -> str:
        """One JSON object, all fields."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @staticmethod
    def from_json(text: str, *, where: object = "training settings") -> TrainSettings:
        """Read what to_json wrote; missing fields take the paper's value. Raise InputError for anything else."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"not JSON ({error})", where=where) from error
        if not isinstance(values, dict):
            raise InputError("not a JSON object", where=where)
        return TrainSettings.from_values(values, where=where)

    @staticmethod
    def from_values(values: dict[str, Any], *, where: object = "training settings") -> TrainSettings:
        """Settings from named values; an unknown name or a value of another kind is refused with InputError."""
        known = {item.name for item in fields(TrainSettings)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"unknown setting '{unknown[0]}'", where=where, remedy="Remove it or correct its name.")
        return TrainSettings(**values)

    def continued(self, wanted: TrainSettings) -> TrainSettings:
        """These settings with what differs in ``wanted``, for a run that goes on; precision "auto" leaves it as it is.

        Raise InputError for another network: the run's weights would not fit it.
        """
        if wanted.precision == "auto":
            wanted = wanted.with_values(precision=self.precision)
        for item in fields(self):
            mine, other = getattr(self, item.name), getattr(wanted, item.name)
            if item.metadata["group"] == "network" and mine != other:
                raise InputError(f"{item.name} is {mine} in this run and cannot become {other}",
                                 where="training settings", remedy="Start a new run with it.")  # fmt: skip
        return wanted

    def with_values(self, **values: Any) -> TrainSettings:
        """A copy with some fields replaced, validated like any other."""
        return replace(self, **values)


def _smallest_judged(settings: TrainSettings) -> int:
    """Short side that reaches the last stride-2 layer at the smallest scale; reflection needs 2 px."""
    side = min(settings.crop_width, settings.crop_height)
    for _ in range(settings.disc_scales - 1):
        side = (side + 1) // 2
    for _ in range(settings.disc_layers - 1):
        side //= 2
    return side


def _check(item: dataclasses.Field[Any], value: Any) -> None:
    if item.name in _CHOICES:
        if value not in _CHOICES[item.name]:
            raise InputError(f"{item.name} is {value!r}", where="training settings",
                             remedy=f"Choose one of {', '.join(_CHOICES[item.name])}.")  # fmt: skip
        return
    whole = isinstance(item.default, int)
    fits = isinstance(value, int) if whole else isinstance(value, int | float)
    low, high = item.metadata["low"], item.metadata["high"]
    if not fits or isinstance(value, bool) or not math.isfinite(value) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{item.name} is {value!r}", where="training settings",
                         remedy=f"Give {kind} from {low:g} to {high:g}.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """One row of the settings form. ``choices`` is empty for numbers; ``whole`` says that only integers fit."""

    name: str
    group: str
    meaning: str
    paper: str | float
    unit: str
    low: float
    high: float
    whole: bool
    choices: tuple[str, ...]


def field_help() -> tuple[FieldHelp, ...]:
    """Every setting in the order in which the form shows it."""
    return tuple(
        FieldHelp(
            item.name, item.metadata["group"], item.metadata["meaning"], cast(Any, item.default),
            item.metadata["unit"], item.metadata["low"], item.metadata["high"],
            isinstance(item.default, int), _CHOICES.get(item.name, ()),
        )
        for item in fields(TrainSettings)
    )  # fmt: skip


def preset(name: str) -> TrainSettings:
    """``paper``: as published; ``fast``: half the width and crop, for a GPU; ``demo``: minutes on two CPU cores."""
    if name == "paper":
        return TrainSettings()
    if name == "fast":
        return TrainSettings(
            dim=32, disc_dim=32, crop_width=256, crop_height=256, learning_rate=2e-4, iterations=60_000,
            halve_every=20_000, mask="footage", sample_every=500, checkpoint_every=2000,
        )  # fmt: skip
    if name == "demo":
        # Narrow, and most of a small frame in a crop: what lies around an organ tells which organ it is. Learning one
        # way only is twice as fast a step, but left organs alike and a grid on the pictures. At the full adversarial
        # weight so small a generator answers the footage's texture with hatching along edges. Simulated bodies have
        # colours of their own: without a style for them, the content code must carry these, and organs got mixed up.
        return TrainSettings(
            variant="symmetric", start="alike", dim=16, res_blocks=3, mlp_dim=64, disc_dim=16, load_width=192,
            crop_width=128, crop_height=96, mask="footage", resize_low=0.75, resize_high=1.1, contrast=0.1,
            brightness=0.03, learning_rate=3e-4, halve_every=0, decay_share=0.3, iterations=1500, ema=0.99,
            weight_gan=0.25, weight_ms_ssim_ab=3.0, encoded_style_share=0.7, sample_every=100, checkpoint_every=250,
            keep_checkpoints=2,
        )  # fmt: skip
    raise InputError(f"no preset is called '{name}'", where="training settings", remedy=f"Known: {', '.join(PRESETS)}.")
