"""Generator files of the public code, as they lie about, and files that only look like them."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from studio.translator.checkpoints import generator_tensors
from studio.translator.imports import import_checkpoint, import_run
from studio.translator.inference import load_translator
from studio.translator.networks import Architecture, Generator, initialise
from studio.vocabulary.errors import InputError

ARCH = Architecture(dim=4, res_blocks=2, style_size=3, mlp_dim=6)
State = dict[str, Tensor]


def side(*, styled: bool = True, seed: int = 2) -> State:
    generator = Generator(Architecture(4, 2, 3, 6, styled=styled))
    initialise(generator, "generator", torch.Generator().manual_seed(seed))
    return dict(generator.state_dict())


def file_of(path: Path, *, a: Any = None, b: Any = None, **more: Any) -> Path:
    torch.save({"a": side() if a is None else a, "b": side(seed=3) if b is None else b, **more}, path)
    return path


def refusal(path: Path) -> str:
    """What the refusal says: one line that names the file."""
    with pytest.raises(InputError) as caught:
        import_checkpoint(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


def changed(name: str, change: Callable[[Tensor], Tensor]) -> State:
    return {key: change(value) if key == name else value for key, value in side(seed=3).items()}


def test_architecture_comes_from_the_shapes(tmp_path: Path) -> None:
    settings = import_checkpoint(file_of(tmp_path / "gen.pt")).settings
    assert settings.variant == "symmetric"
    assert (settings.dim, settings.res_blocks, settings.style_size, settings.mlp_dim) == (4, 2, 3, 6)


def test_a_simulated_side_without_style_is_the_papers_variant(tmp_path: Path) -> None:
    unstyled = side(styled=False)
    assert not any(name.startswith(("enc_style", "mlp")) for name in unstyled)
    assert import_checkpoint(file_of(tmp_path / "gen.pt", a=unstyled)).settings.variant == "asymmetric"


def test_the_real_side_needs_a_style(tmp_path: Path) -> None:
    path = file_of(tmp_path / "gen.pt", a=side(), b=side(styled=False))
    assert "side 'b' has no style encoder" in refusal(path)


def test_statistics_of_the_public_codes_first_months_are_left_out(tmp_path: Path) -> None:
    """Its first files carry running statistics of every instance norm, which its later loader throws away."""
    wide = {0: 4, 1: 8, 2: 16}
    running = {f"enc_content.model.{i}.norm.running_mean": torch.randn(c) for i, c in wide.items()}
    running |= {f"enc_content.model.3.model.{i}.model.{k}.norm.running_var": torch.rand(16)
                for i in (0, 1) for k in (0, 1)}  # fmt: skip
    running |= {"enc_content.model.0.norm.num_batches_tracked": torch.tensor(7)}
    old = file_of(tmp_path / "old.pt", a=side() | running, b=side(seed=3) | running)
    style, picture = np.ones((1, 3), np.float32), np.full((16, 20, 3), 90, np.uint8)
    picture[4:9, 5:15] = 200
    one = load_translator(old, device="cpu", precision="fp32")
    other = load_translator(file_of(tmp_path / "new.pt"), device="cpu", precision="fp32")
    assert one.fingerprint == other.fingerprint
    assert np.array_equal(one.translate(picture, style), other.translate(picture, style))


def test_statistics_elsewhere_are_still_unknown(tmp_path: Path) -> None:
    odd = side() | {"enc_style.model.0.norm.running_mean": torch.zeros(4)}
    assert "unknown 'enc_style.model.0.norm.running_mean'" in refusal(file_of(tmp_path / "gen.pt", a=odd))


def test_half_precision_weights_are_taken(tmp_path: Path) -> None:
    halves = {name: value.half() for name, value in side(seed=3).items()}
    pair = import_checkpoint(file_of(tmp_path / "gen.pt", b=halves)).pair
    expected = side(seed=3)["dec.model.5.conv.weight"].half().float()
    assert torch.equal(pair.b.state_dict()["dec.model.5.conv.weight"], expected)
    assert pair.b.state_dict()["dec.model.5.conv.weight"].dtype == torch.float32


@pytest.mark.parametrize("legacy", [True, False])
def test_files_of_old_and_new_torch_are_read(tmp_path: Path, legacy: bool) -> None:
    ordered = {name: OrderedDict(side()) for name in ("a", "b")}
    torch.save(ordered, tmp_path / "gen.pt", _use_new_zipfile_serialization=not legacy)
    assert import_checkpoint(tmp_path / "gen.pt").settings.dim == 4


def test_our_own_weights_are_taken_whatever_the_file_is_called(tmp_path: Path) -> None:
    pair = import_checkpoint(file_of(tmp_path / "gen.pt")).pair
    for name in ("renamed.pt", "own.safetensors"):
        save_file(generator_tensors(*pair), tmp_path / name)
    translators = [load_translator(tmp_path / n, device="cpu") for n in ("gen.pt", "renamed.pt", "own.safetensors")]
    assert len({t.fingerprint for t in translators}) == 1
    import_run(tmp_path / "renamed.pt", tmp_path / "run")
    assert load_translator(tmp_path / "run", device="cpu").fingerprint == translators[0].fingerprint


@pytest.mark.parametrize(
    ("b", "named"),
    [
        ({k: v for k, v in side().items() if k != "dec.model.4.norm.gamma"}, "lack 'dec.model.4.norm.gamma'"),
        (side() | {"extra.weight": torch.zeros(1)}, "unknown 'extra.weight'"),
        (changed("enc_content.model.1.conv.weight", lambda w: w.transpose(0, 1)),
         "'enc_content.model.1.conv.weight' has the shape (4, 8, 4, 4), this network needs (8, 4, 4, 4)"),
        (changed("dec.model.5.conv.weight", lambda w: w[..., :5]),
         "'dec.model.5.conv.weight' has the shape (3, 4, 7, 5), this network needs (3, 4, 7, 7)"),
        (changed("enc_style.model.6.bias", lambda w: w * float("nan")), "'enc_style.model.6.bias' holds values that"),
        (changed("mlp.model.2.fc.weight", lambda w: w / 0), "'mlp.model.2.fc.weight' holds values that are not finite"),
        (changed("mlp.model.0.fc.bias", lambda w: w.long()), "'mlp.model.0.fc.bias' holds torch.int64"),
        ({f"module.{k}": v for k, v in side().items()},
         "lack 'enc_content.model.0.conv.weight'; the first there is 'module.enc_content.model.0.conv.weight'"),
        ({"cnns.0.0.conv.weight": torch.zeros(4, 3, 4, 4)}, "the first there is 'cnns.0.0.conv.weight'"),
        ({}, "lack 'enc_content.model.0.conv.weight'"),
        (side() | {"enc_content.model.0.conv.weight": torch.tensor(1.0)}, "lack 'enc_content.model.0.conv.weight'"),
        (side() | {"mlp.model.0.fc.weight": "text"}, "b.mlp.model.0.fc.weight is no plain tensor"),
        (side() | {"dec.model.2.conv.bias": torch.zeros(8).to_sparse()}, "b.dec.model.2.conv.bias is no plain tensor"),
        (side() | {"dec.model.2.conv.bias": torch.zeros(8, device="meta")}, "dec.model.2.conv.bias is no plain tensor"),
    ],
)  # fmt: skip
def test_the_first_thing_that_does_not_fit_is_named(tmp_path: Path, b: Mapping[str, Any], named: str) -> None:
    assert named in refusal(file_of(tmp_path / "gen.pt", b=b))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"gen": {}, "dis": {}}, "it holds 'gen', 'dis'"),
        (side(), "it holds 'enc_content.model.0.conv.weight', "),
        ({"a": 3, "b": {}}, "has no generators 'a' and 'b'"),
        ([1, 2], "has no generators 'a' and 'b'"),
    ],
)
def test_files_of_something_else_say_what_they_hold(tmp_path: Path, values: object, named: str) -> None:
    torch.save(values, tmp_path / "other.pt")
    assert named in refusal(tmp_path / "other.pt")


def test_a_training_checkpoint_with_both_sides_is_taken(tmp_path: Path) -> None:
    assert import_checkpoint(file_of(tmp_path / "all.pt", iteration=5, optimiser={"lr": 0.1})).settings.dim == 4


def test_sides_of_different_size_are_refused(tmp_path: Path) -> None:
    other = dict(Generator(Architecture(dim=8, res_blocks=2, style_size=3, mlp_dim=6)).state_dict())
    assert "dim is 8 in 'a' and 4 in 'b'" in refusal(file_of(tmp_path / "gen.pt", a=other))


def test_a_few_numbers_cannot_ask_for_a_huge_network(tmp_path: Path) -> None:
    """A view with stride 0 stands for 500,000 channels in four bytes."""
    vast = side() | {"enc_content.model.0.conv.weight": torch.zeros(1).expand(500_000, 3, 7, 7)}
    assert "enc_content.model.0.conv.weight is no plain tensor" in refusal(file_of(tmp_path / "gen.pt", a=vast))
    wide = side() | {"enc_content.model.0.conv.weight": torch.zeros(600, 3, 1, 1)}
    assert "dim is 600" in refusal(file_of(tmp_path / "wide.pt", a=wide))


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_pickles_with_code_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file_of(tmp_path / "bomb.pt", a={"x": Bomb()})
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "plain.pt"):
        assert "was not run" in refusal(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_an_archive_that_unpacks_to_more_than_it_weighs_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path / "gen.pt")
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.writestr("archive/data/bomb", bytes(50_000_000))
    assert path.stat().st_size < 1_000_000
    assert "bytes that would unpack to" in refusal(path)


def test_a_pickle_that_asks_for_more_memory_than_there_is_is_refused(tmp_path: Path) -> None:
    huge = b"\x80\x02cbuiltins\nbytearray\n\x8a\x08" + struct.pack("<q", 1 << 62) + b"\x85R."
    (tmp_path / "huge.pt").write_bytes(huge)
    refusal(tmp_path / "huge.pt")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no", b"\x89PNG\r\n", b"hello world" * 50, b"\x00" * 100])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, data: bytes) -> None:
    for name in ("file.pt", "file.safetensors"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name):
            load_translator(tmp_path / name)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = file_of(tmp_path / "gen.pt")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refusal(path)


def test_missing_places_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "gone", tmp_path / "gone.safetensors"):
        with pytest.raises(InputError):
            load_translator(place)
