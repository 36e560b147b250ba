"""Reading generator weights wherever they come from, with the architecture inferred from the shapes.

Public MUNIT checkpoints are torch files {'a': state, 'b': state}; they are read with weights only, so that no code in
them can run, and only when they unpack to no more than they weigh. Names and shapes are checked one by one before any
network is made, so that a file cannot ask for more memory than it brings.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from studio.files.atomic import folder_in_place, write_text
from studio.translator.checkpoints import (
    CONFIG,
    GENERATORS,
    STATE,
    RunState,
    checkpoint_folder,
    generator_tensors,
    load_exactly,
    read_tensors,
    require_same_shapes,
    under,
)
from studio.translator.networks import Architecture, Generator, Pair
from studio.translator.selection import LAST, checkpoint_named
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError

_RESIDUAL = re.compile(r"enc_content\.model\.3\.model\.(\d+)\.")
_RUNNING = re.compile(r"(enc_content|dec)\..*\.norm\.(running_mean|running_var|num_batches_tracked)")
_GIVE_GENERATORS = "Give a MUNIT generator file (gen_….pt)."


@dataclass(frozen=True, eq=False)
class Imported:
    """Settings that describe the networks of a checkpoint, and the networks with its weights."""

    settings: TrainSettings
    pair: Pair


def read_generators(path: Path, checkpoint: str = LAST) -> tuple[Pair, dict[str, Tensor]]:
    """Both generators from a run folder (``checkpoint``: last, best or a step), a checkpoint folder or a weights file,
    and their weights by name."""
    if path.is_dir():
        found = path / GENERATORS
        path = found if found.is_file() else checkpoint_named(path, checkpoint) / GENERATORS
    if path.suffix == ".safetensors":
        tensors = read_tensors(path)
        pair = Pair(*(_built(under(tensors, side), side, path) for side in ("a", "b")))
        return pair, tensors
    pair = import_checkpoint(path).pair
    return pair, generator_tensors(*pair)


def import_checkpoint(path: Path) -> Imported:
    """A public MUNIT generator file. Raise InputError for anything else, naming the first thing that does not fit."""
    sides = _read_public(path)
    pair = Pair(*(_built(sides[side], side, path) for side in ("a", "b")))
    a, b = pair.a.arch, pair.b.arch
    if not b.styled:
        raise InputError("side 'b' has no style encoder", where=path,
                         remedy="The real side must be 'b', the simulated one 'a'.")  # fmt: skip
    for name in ("dim", "res_blocks", "content_channels"):
        if getattr(a, name) != getattr(b, name):
            raise InputError(f"the two sides differ: {name} is {getattr(a, name)} in 'a' and {getattr(b, name)} in 'b'",
                             where=path, remedy=_GIVE_GENERATORS)  # fmt: skip
    return Imported(_settings_of(b, styled_a=a.styled, where=path), pair)


def _settings_of(arch: Architecture, *, styled_a: bool, where: object) -> TrainSettings:
    """Settings that build such networks; InputError where a size lies beyond what settings allow."""
    try:
        return TrainSettings(
            variant="symmetric" if styled_a else "asymmetric", dim=arch.dim, res_blocks=arch.res_blocks,
            style_size=arch.style_size, mlp_dim=arch.mlp_dim, content_channels=arch.content_channels,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"networks of such a size are not supported: {error.what}", where=where,
                         remedy=error.remedy) from error  # fmt: skip


def import_run(path: Path, run_dir: Path) -> TrainSettings:
    """Make a run of a public checkpoint: config.json and a checkpoint of step 0 that can translate."""
    imported = import_checkpoint(path)
    with folder_in_place(checkpoint_folder(run_dir, 0)) as temporary:
        save_file(generator_tensors(*imported.pair), temporary / GENERATORS)
        (temporary / STATE).write_text(json.dumps(asdict(RunState())))
    write_text(run_dir / CONFIG, imported.settings.to_json())
    return imported.settings


def _read_public(path: Path) -> dict[str, dict[str, Tensor]]:
    """Both sides' weights by name, each a plain tensor of floating-point numbers on the CPU."""
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    if _is_safetensors(path):
        tensors = read_tensors(path)
        return {side: under(tensors, side) for side in ("a", "b")}
    values = _unpickled(path)
    if not isinstance(values, Mapping) or not all(isinstance(values.get(side), Mapping) for side in ("a", "b")):
        held = f"; it holds {_first_names(values)}" if isinstance(values, Mapping) and values else ""
        raise InputError(f"has no generators 'a' and 'b'{held}", where=path, remedy=_GIVE_GENERATORS)
    for side in ("a", "b"):
        for name, value in values[side].items():
            if not isinstance(name, str) or not _is_plain(value):
                raise InputError(f"entry {side}.{name} is no plain tensor", where=path, remedy=_GIVE_GENERATORS)
    return {side: dict(values[side]) for side in ("a", "b")}


def _unpickled(path: Path) -> object:
    try:
        _refuse_what_swells(path)
        with warnings.catch_warnings():
            # Whether torch likes the pickle's protocol is no concern of whoever gave the file.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError("is no torch file of plain weights; what else it holds was not run", where=path,
                         remedy="Ask for a file with plain weights.") from error  # fmt: skip
    except (
        RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, MemoryError,
        zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise InputError("not a checkpoint file, or a damaged one", where=path, remedy=_GIVE_GENERATORS) from error


def _refuse_what_swells(path: Path) -> None:
    """torch stores weights as they are; an archive that unpacks to more than it weighs was made by something else."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > path.stat().st_size:
        raise InputError(f"{path.stat().st_size} bytes that would unpack to {unpacked}: not what torch.save writes",
                         where=path, remedy="Save it again with torch.save.")  # fmt: skip


def _is_safetensors(path: Path) -> bool:
    """By its first bytes: the length of a JSON header that fits into the file, then that header."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def _is_plain(value: object) -> bool:
    """A dense tensor that brings its own memory; views that repeat a few numbers could fill any memory when copied."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        return False
    return not value.is_quantized and value.untyped_storage().nbytes() >= value.numel() * value.element_size()


def _first_names(values: Mapping[object, object]) -> str:
    names = [f"'{name}'" for name in values]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _built(state: Mapping[str, Tensor], side: str, path: Path) -> Generator:
    """The generator with these weights; InputError names the first that is missing, surplus, misshapen or no number."""
    where = f"{path}, side {side}"
    arch = infer_architecture(state, where=where)
    _settings_of(arch, styled_a=arch.styled, where=where)
    with torch.device("meta"):
        needed = Generator(arch).state_dict()
    # Files of the public code's first months carry statistics that it collected and never used.
    state = {name: value for name, value in state.items() if name in needed or not _RUNNING.fullmatch(name)}
    require_same_shapes(needed, state, where=where)
    for name, value in state.items():
        _require_numbers(name, value, where=where)
    generator = Generator(arch)
    load_exactly(generator, state, where=where)
    return generator.requires_grad_(False)


def _require_numbers(name: str, value: Tensor, *, where: object) -> None:
    if _RUNNING.fullmatch(name):
        return
    if not value.is_floating_point():
        raise InputError(f"'{name}' holds {value.dtype}, not floating-point numbers", where=where,
                         remedy=_GIVE_GENERATORS)  # fmt: skip
    if not torch.isfinite(value.float()).all():
        raise InputError(f"'{name}' holds values that are not finite numbers", where=where,
                         remedy="Its training broke down; take an earlier checkpoint.")  # fmt: skip


def infer_architecture(state: Mapping[str, Tensor], *, where: object) -> Architecture:
    """Sizes from the shapes of a generator's weights."""
    blocks = {int(m[1]) for m in map(_RESIDUAL.match, state) if m}
    styled = any(name.startswith("enc_style.") for name in state)
    squeeze = state.get("enc_content.squeeze.weight")
    dim = _extent(state, "enc_content.model.0.conv.weight", where)
    if not styled:
        return Architecture(dim, len(blocks), content_channels=0 if squeeze is None else len(squeeze), styled=False)
    return Architecture(
        dim, len(blocks), _extent(state, "enc_style.model.6.weight", where),
        _extent(state, "mlp.model.0.fc.weight", where) if blocks else 4,
        0 if squeeze is None else len(squeeze),
    )  # fmt: skip


def _extent(state: Mapping[str, Tensor], name: str, where: object) -> int:
    """The number of outputs of a weight that every generator has."""
    if name not in state or state[name].ndim < 1:
        there = next(iter(state), None)
        first = "" if there is None else f"; the first there is '{there}'"
        raise InputError(f"the weights lack '{name}'{first}", where=where, remedy=_GIVE_GENERATORS)
    return int(state[name].shape[0])
