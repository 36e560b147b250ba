"""Checkpoints of a run: folders that are there whole or not at all, and that load without running any code.

run_dir/config.json                          settings
run_dir/checkpoints/step_00001000/
    generators.safetensors                   averaged weights, names "a.…" and "b.…": what translating needs
    training.safetensors                     networks and both optimisers' moments, to go on exactly
    state.json                               step, seconds of training, learning-rate factor, health, validity

A folder is moved to its name when it is whole, and off its name before it is taken apart: whenever the process is
killed, what goes by a checkpoint's name is one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from studio.files.atomic import folder_in_place, space_checked, write_text
from studio.translator.health import Health
from studio.translator.learner import Learner
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError, TrocarError

CONFIG, STATE = "config.json", "state.json"
GENERATORS, TRAINING = "generators.safetensors", "training.safetensors"
_FOLDER = re.compile(r"step_(\d{8,})")
_DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is. ``rate_factor`` falls when a rollback lowered the step size; ``rollbacks`` counts them.

    ``validity`` (0 to 1) and ``change`` (mean difference from the render, 0 to 255) are those of the sample panel at
    this very step, None where they were not measured.
    """

    step: int = 0
    seconds: float = 0.0
    rate_factor: float = 1.0
    rollbacks: int = 0
    health: Health = field(default_factory=Health)
    validity: float | None = None
    change: float | None = None


class DamagedCheckpoint(InputError):
    """A file of a checkpoint is missing or cannot be read."""


def checkpoint_folder(run_dir: Path, step: int) -> Path:
    return run_dir / "checkpoints" / f"step_{step:08d}"


def checkpoints_of(run_dir: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    folder = run_dir / "checkpoints"
    found = [p for p in folder.iterdir() if _FOLDER.fullmatch(p.name)] if folder.is_dir() else []
    return sorted((p for p in found if (p / GENERATORS).is_file()), key=step_of)


def step_of(folder: Path) -> int:
    """The step of a checkpoint's folder, -1 for another folder."""
    match = _FOLDER.fullmatch(folder.name)
    return int(match[1]) if match else -1


def save_checkpoint(run_dir: Path, learner: Learner, state: RunState) -> Path:
    """Write the checkpoint of a step. Raise DiskFull before anything is written if it won't fit."""
    dest = checkpoint_folder(run_dir, state.step)
    averaged = generator_tensors(learner.ema_a, learner.ema_b)
    training = _training_tensors(learner)
    space_checked(run_dir, int(1.05 * sum(t.nbytes for t in [*averaged.values(), *training.values()])) + 1_000_000)
    if dest.exists():
        discard(dest)
    with folder_in_place(dest) as temporary:
        save_file(averaged, temporary / GENERATORS)
        save_file(training, temporary / TRAINING)
        (temporary / STATE).write_text(json.dumps(asdict(state)))
        _on_disk(temporary)
    return dest


def _on_disk(folder: Path) -> None:
    """Have the system write the files out, so that a power cut finds the folder whole as well."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def discard(folder: Path) -> None:
    """Remove a checkpoint; taken off its name first, so that a half-removed one is never taken for one."""
    aside = folder.with_name(f".{folder.name}-gone")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def tidy(run_dir: Path) -> None:
    """Remove what a killed process left half-written or half-removed in a run."""
    for path in (run_dir / "checkpoints").glob(".step_*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in (*run_dir.glob(".writing-*"), *run_dir.glob("*/.writing-*"), *run_dir.glob("*/*/.writing-*")):
        path.unlink(missing_ok=True)


def load_newest(run_dir: Path, learner: Learner) -> tuple[RunState, tuple[str, ...]]:
    """Take up the newest checkpoint that can be read; say of the others why not, in a line each.

    Those are set aside (``step_N.damaged``), unless there is no other: then that one's DamagedCheckpoint is raised.
    """
    found = checkpoints_of(run_dir)
    damaged: dict[Path, str] = {}
    for folder in reversed(found):
        try:
            state = load_checkpoint(folder, learner)
        except DamagedCheckpoint as error:
            if folder == found[0]:
                raise
            damaged[folder] = str(error)
            continue
        for other in damaged:
            aside = other.with_name(other.name + _DAMAGED)
            shutil.rmtree(aside, ignore_errors=True)
            other.rename(aside)
        return state, tuple(damaged.values())
    raise InputError("no checkpoint is in this folder", where=run_dir, remedy="Train the run first.")


def load_checkpoint(folder: Path, learner: Learner) -> RunState:
    """Put a checkpoint's weights and optimiser moments into ``learner``.

    Raise DamagedCheckpoint when a file cannot be read, InputError when the weights do not fit.
    """
    values = read_tensors(folder / TRAINING)
    averaged = read_tensors(folder / GENERATORS)
    state = read_state(folder)
    for name, module in _modules(learner).items():
        load_exactly(module, under(values, name), where=folder / TRAINING)
    for name, module in (("a", learner.ema_a), ("b", learner.ema_b)):
        load_exactly(module, under(averaged, name), where=folder / GENERATORS)
    for name, optimiser in _optimisers(learner).items():
        _load_moments(optimiser, under(values, name), where=folder / TRAINING)
    learner.was_loaded()
    return state


def read_state(folder: Path) -> RunState:
    """Raise DamagedCheckpoint when it cannot be read; what an older program did not keep takes its default."""
    try:
        values = json.loads((folder / STATE).read_text())
        return RunState(**{**values, "health": Health(**values.get("health", {}))})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DamagedCheckpoint(
            "not a readable training state", where=folder / STATE, remedy="Use another checkpoint or train again."
        ) from error


def write_state(folder: Path, state: RunState) -> None:
    """Replace a checkpoint's state in one step; its weights stay."""
    write_text(folder / STATE, json.dumps(asdict(state)))


def read_config(run_dir: Path) -> TrainSettings:
    path = run_dir / CONFIG
    try:
        text = path.read_text()
    except OSError as error:
        raise InputError("not a translator run: it has no readable config.json", where=run_dir,
                         remedy="Give a run's folder.") from error  # fmt: skip
    return TrainSettings.from_json(text, where=path)


def generator_tensors(gen_a: nn.Module, gen_b: nn.Module) -> dict[str, Tensor]:
    """Weights of both sides under "a." and "b.", contiguous on the CPU."""
    return {f"{side}.{name}": _plain(value) for side, gen in (("a", gen_a), ("b", gen_b))
            for name, value in gen.state_dict().items()}  # fmt: skip


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. Raise DamagedCheckpoint when it is missing or cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            file.keys()
        return dict(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedCheckpoint("not a readable weights file", where=path,
                                remedy="Use another checkpoint or train again.") from error  # fmt: skip


def under(values: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries below ``prefix.``, without it."""
    start = prefix + "."
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def load_exactly(module: nn.Module, values: Mapping[str, Tensor], *, where: object) -> None:
    """Copy weights in; raise InputError that names the first missing, surplus or misshapen one."""
    own = module.state_dict()
    require_same_shapes(own, values, where=where)
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(values[name])


def require_same_shapes(needed: Mapping[str, Tensor], values: Mapping[str, Tensor], *, where: object) -> None:
    """Raise InputError that names the first of ``values`` that is missing, misshapen or surplus."""
    for name, value in needed.items():
        if name not in values:
            raise InputError(f"the weights lack '{name}'", where=where, remedy="They belong to another network.")
        if values[name].shape != value.shape:
            raise InputError(
                f"'{name}' has the shape {tuple(values[name].shape)}, this network needs {tuple(value.shape)}",
                where=where, remedy="They belong to another network.",
            )  # fmt: skip
    surplus = next((name for name in values if name not in needed), None)
    if surplus is not None:
        raise InputError(f"the weights have an unknown '{surplus}'", where=where, remedy="They are another network's.")


def _modules(learner: Learner) -> dict[str, nn.Module]:
    return {"gen_a": learner.gen_a, "gen_b": learner.gen_b, "disc_a": learner.disc_a, "disc_b": learner.disc_b}


def _optimisers(learner: Learner) -> dict[str, torch.optim.Adam]:
    return {"gen_adam": learner.gen_optimiser, "disc_adam": learner.disc_optimiser}


def _training_tensors(learner: Learner) -> dict[str, Tensor]:
    tensors = {
        f"{name}.{key}": _plain(value)
        for name, module in _modules(learner).items()
        for key, value in module.state_dict().items()
    }
    for name, optimiser in _optimisers(learner).items():
        for place, parameter in enumerate(optimiser.param_groups[0]["params"]):
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"{name}.{place}.{key}"] = _plain(value)
    return tensors


def _load_moments(optimiser: torch.optim.Adam, values: Mapping[str, Tensor], *, where: object) -> None:
    for place, parameter in enumerate(optimiser.param_groups[0]["params"]):
        moments: dict[str, Any] = under(values, str(place))
        if not moments:
            optimiser.state.pop(parameter, None)
            continue
        if set(moments) != {"step", "exp_avg", "exp_avg_sq"} or moments["exp_avg"].shape != parameter.shape:
            raise TrocarError(f"{where}: the optimiser's moments of parameter {place} do not fit")
        # Moments keep their parameter's memory format: the fused update walks both side by side.
        state = {key: torch.empty_like(parameter).copy_(moments[key]) for key in ("exp_avg", "exp_avg_sq")}
        # Copied: what was read is a view of the file, which would stay on the disk for as long as it is looked at.
        optimiser.state[parameter] = {"step": moments["step"].clone().to(parameter.device), **state}


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu").contiguous()
