"""What a run keeps: weights and resume state as safetensors, which hold numbers and text and can run nothing."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from studio.files.atomic import hash_bytes, write_bytes
from studio.segmenter.networks import build_network
from studio.segmenter.settings import Appearance, SegmenterSettings
from studio.vocabulary.errors import InputError

WEIGHTS = "segmenter.safetensors"
RESUME = "resume.safetensors"
METRICS = "metrics.jsonl"
_FORMAT, _VERSION = "trocar-segmenter", 1
_KINDS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a checkpoint says about how it came to be. ``step`` counts finished steps."""

    settings: SegmenterSettings
    appearance: Appearance
    step: int
    pairs: int
    patients: int
    init: str = ""
    """Fingerprint of the run whose weights this one started from."""


def save_weights(path: Path, network: nn.Module, facts: RunFacts) -> None:
    """The network in fp32 with its facts, atomically."""
    write_bytes(path, save(_plain(network.state_dict()), _metadata(facts)))


def save_resume(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, facts: RunFacts) -> None:
    """Network and AdamW moments, so that training goes on exactly."""
    tensors = {f"network.{name}": t for name, t in _plain(network.state_dict()).items()}
    for name, parameter in network.named_parameters():
        state = optimiser.state[parameter]
        tensors |= {f"{kind}.{name}": state[kind].detach().cpu().contiguous() for kind in _KINDS}
    write_bytes(path, save(tensors, _metadata(facts)))


def load_resume(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> RunFacts:
    """Put network and optimiser back to where save_resume saw them."""
    facts, tensors = read(path)
    _fill(network, {n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")}, path)
    for name, parameter in network.named_parameters():
        try:
            moments = {kind: tensors[f"{kind}.{name}"].to(parameter.device) for kind in _KINDS}
        except KeyError as error:
            raise _damaged(path) from error
        optimiser.state[parameter] = {"step": torch.tensor(float(facts.step)), **moments}
    return facts


def load_network(path: Path) -> tuple[nn.Module, RunFacts, str]:
    """A trained network, its facts and its fingerprint; ``path`` is a weights file or a run's folder."""
    file = weights_file(path)
    facts, tensors = read(file)
    # The encoder's own file need not be at hand any more: all weights are in this one.
    settings = SegmenterSettings.from_values({**asdict(facts.settings), "encoder_weights": ""})
    network = build_network(settings)
    _fill(network, tensors, file)
    return network, facts, fingerprint(tensors)


def load_initial(path: Path, network: nn.Module, settings: SegmenterSettings) -> str:
    """Start from an earlier run's weights; gives their fingerprint. Raise InputError when they don't fit."""
    file = weights_file(path)
    facts, tensors = read(file)
    ours = (settings.network, settings.width, settings.classes)
    theirs = (facts.settings.network, facts.settings.width, facts.settings.classes)
    if ours != theirs:
        raise InputError(
            f"was trained as {_words(*theirs)}, not as {_words(*ours)}",
            where=file,
            remedy="Fine-tune with the same network and classes.",
        )
    _fill(network, tensors, file)
    return fingerprint(tensors)


def weights_file(path: Path) -> Path:
    """The weights file of a run's folder, or the file itself. Raise InputError when there is none."""
    if path.is_dir():
        if not (path / WEIGHTS).is_file():
            remedy = "Resume its training first." if (path / RESUME).is_file() else "Name a segmenter's run."
            raise InputError("holds no trained segmenter", where=path, remedy=remedy)
        return path / WEIGHTS
    if not path.is_file():
        raise InputError("there is no such segmenter", where=path, remedy="Train one first or check the path.")
    return path


def read(path: Path) -> tuple[RunFacts, dict[str, torch.Tensor]]:
    """Facts and tensors of a checkpoint. Raise InputError for anything but one of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError, struct.error) as error:
        raise InputError(
            "not a segmenter checkpoint", where=path, remedy="Only the studio's own .safetensors files are read."
        ) from error
    return _facts(metadata, path), tensors


def fingerprint(tensors: Mapping[str, torch.Tensor]) -> str:
    """BLAKE2b-128 over names and bytes of the weights: the same for the same network wherever it lies."""
    parts = []
    for name in sorted(tensors):
        parts += [name.encode(), tensors[name].detach().cpu().contiguous().numpy().tobytes()]
    return hash_bytes(b"\0".join(parts))


def _plain(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _metadata(facts: RunFacts) -> dict[str, str]:
    """One entry only: the order of several is not the same from one save to the next."""
    return {_FORMAT: json.dumps({"version": _VERSION, **asdict(facts)})}


def _facts(metadata: Mapping[str, str], path: Path) -> RunFacts:
    if _FORMAT not in metadata:
        raise InputError("is no segmenter checkpoint", where=path, remedy="Name a segmenter's run or weights file.")
    try:
        values = json.loads(metadata[_FORMAT])
        if values.pop("version") != _VERSION:
            raise InputError("was written by another version of the studio", where=path, remedy="Update the studio.")
        settings = SegmenterSettings.from_values(values.pop("settings"))
        return RunFacts(settings=settings, **values)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path) from error


def _fill(network: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError("the checkpoint is damaged or incomplete", where=path, remedy="Train again.")


def _words(network: str, width: int, classes: tuple[str, ...]) -> str:
    return f"{network}{f' of width {width}' if network == 'small' else ''} for {', '.join(classes)}"
