"""Checkpoints of a run: folders that are there whole or not at all, and that load without running any code.

run_dir/config.json                          settings
run_dir/checkpoints/step_00001000/
    generators.safetensors                   averaged weights, names "a.…" and "b.…": what translating needs
    training.safetensors                     networks and both optimisers' moments, to go on exactly
    state.json                               step, seconds of training, learning-rate factor
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from studio.files.atomic import folder_in_place, space_checked
from studio.translator.learner import Learner
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError, TrocarError

CONFIG, STATE = "config.json", "state.json"
GENERATORS, TRAINING = "generators.safetensors", "training.safetensors"
_FOLDER = re.compile(r"step_(\d{8,})")


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is. ``rate_factor`` falls when a rollback lowered the step size; ``rollbacks`` counts them."""

    step: int = 0
    seconds: float = 0.0
    rate_factor: float = 1.0
    rollbacks: int = 0


def checkpoint_folder(run_dir: Path, step: int) -> Path:
    return run_dir / "checkpoints" / f"step_{step:08d}"


def checkpoints_of(run_dir: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    folder = run_dir / "checkpoints"
    found = [p for p in folder.iterdir() if _FOLDER.fullmatch(p.name)] if folder.is_dir() else []
    return sorted((p for p in found if (p / GENERATORS).is_file()), key=_step_of)


def _step_of(folder: Path) -> int:
    match = _FOLDER.fullmatch(folder.name)
    return int(match[1]) if match else -1


def save_checkpoint(run_dir: Path, learner: Learner, state: RunState) -> Path:
    """Write the checkpoint of a step, then drop old ones. Raise DiskFull before anything is written if it won't fit."""
    dest = checkpoint_folder(run_dir, state.step)
    averaged = generator_tensors(learner.ema_a, learner.ema_b)
    training = _training_tensors(learner)
    space_checked(run_dir, int(1.05 * sum(t.nbytes for t in [*averaged.values(), *training.values()])) + 1_000_000)
    # A checkpoint of the same step is left by a rollback or by a run that was closed twice at one step.
    shutil.rmtree(dest, ignore_errors=True)
    with folder_in_place(dest) as temporary:
        save_file(averaged, temporary / GENERATORS)
        save_file(training, temporary / TRAINING)
        (temporary / STATE).write_text(json.dumps(asdict(state)))
    for old in checkpoints_of(run_dir)[: -learner.settings.keep_checkpoints]:
        shutil.rmtree(old, ignore_errors=True)
    return dest


def load_checkpoint(folder: Path, learner: Learner) -> RunState:
    """Put a checkpoint's weights and optimiser moments into ``learner``. Raise InputError when they do not fit."""
    values = read_tensors(folder / TRAINING)
    averaged = read_tensors(folder / GENERATORS)
    for name, module in _modules(learner).items():
        load_exactly(module, under(values, name), where=folder / TRAINING)
    for name, module in (("a", learner.ema_a), ("b", learner.ema_b)):
        load_exactly(module, under(averaged, name), where=folder / GENERATORS)
    for name, optimiser in _optimisers(learner).items():
        _load_moments(optimiser, under(values, name), where=folder / TRAINING)
    learner.was_loaded()
    return read_state(folder)


def read_state(folder: Path) -> RunState:
    try:
        return RunState(**json.loads((folder / STATE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("not a readable training state", where=folder / STATE,
                         remedy="Resume from an older checkpoint: move this folder away.") from error  # fmt: skip


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
    """All tensors of a safetensors file. Raise InputError when it is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            file.keys()
        return dict(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError("not a readable weights file", where=path,
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
        optimiser.state[parameter] = {"step": moments["step"].to(parameter.device), **state}


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu").contiguous()
