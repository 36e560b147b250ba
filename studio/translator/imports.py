"""Reading generator weights wherever they come from, with the architecture inferred from the shapes.

Public MUNIT checkpoints are torch files {'a': state, 'b': state}; they are read with weights only, so that no code in
them can run. Names and shapes are checked one by one.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
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
    under,
)
from studio.translator.networks import Architecture, Generator, Pair
from studio.translator.selection import LAST, checkpoint_named
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError

_RESIDUAL = re.compile(r"enc_content\.model\.3\.model\.(\d+)\.")


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
        raise InputError("side 'b' has no style encoder", where=path, remedy="Give a MUNIT generator file.")
    if (a.dim, a.res_blocks, a.content_channels) != (b.dim, b.res_blocks, b.content_channels):
        raise InputError("the two sides differ in size", where=path, remedy="Give a MUNIT generator file.")
    settings = TrainSettings(
        variant="symmetric" if a.styled else "asymmetric", dim=b.dim, res_blocks=b.res_blocks,
        style_size=b.style_size, mlp_dim=b.mlp_dim, content_channels=b.content_channels,
    )  # fmt: skip
    return Imported(settings, pair)


def import_run(path: Path, run_dir: Path) -> TrainSettings:
    """Make a run of a public checkpoint: config.json and a checkpoint of step 0 that can translate."""
    imported = import_checkpoint(path)
    with folder_in_place(checkpoint_folder(run_dir, 0)) as temporary:
        save_file(generator_tensors(*imported.pair), temporary / GENERATORS)
        (temporary / STATE).write_text(json.dumps(asdict(RunState())))
    write_text(run_dir / CONFIG, imported.settings.to_json())
    return imported.settings


def _read_public(path: Path) -> dict[str, dict[str, Tensor]]:
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    try:
        with warnings.catch_warnings():
            # Whether torch likes the pickle's protocol is no concern of whoever gave the file.
            warnings.simplefilter("ignore")
            values = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError("holds something other than weights, which could run code; it was not opened", where=path,
                         remedy="Ask for a file with plain weights.") from error  # fmt: skip
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError("not a checkpoint file", where=path, remedy="Give a MUNIT generator file.") from error
    if not isinstance(values, Mapping) or not all(isinstance(values.get(side), Mapping) for side in ("a", "b")):
        raise InputError("has no generators 'a' and 'b'", where=path, remedy="Give a MUNIT generator file.")
    for side in ("a", "b"):
        for name, value in values[side].items():
            if not isinstance(name, str) or not isinstance(value, Tensor):
                raise InputError(f"entry {side}.{name} is no tensor", where=path,
                                 remedy="Give a MUNIT generator file.")  # fmt: skip
    return {side: dict(values[side]) for side in ("a", "b")}


def _built(state: Mapping[str, Tensor], side: str, path: Path) -> Generator:
    generator = Generator(infer_architecture(state, where=f"{path}, side {side}"))
    load_exactly(generator, state, where=f"{path}, side {side}")
    return generator.requires_grad_(False)


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
        raise InputError(f"the weights lack '{name}'", where=where, remedy="Give a MUNIT generator file.")
    return int(state[name].shape[0])
