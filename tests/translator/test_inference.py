"""Translating, and the child that serves previews."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.files.pictures import write_png
from studio.jobs.stages import result_of
from studio.translator.devices import bf16_or_exact
from studio.translator.imports import import_run
from studio.translator.inference import Translator, load_translator
from studio.translator.networks import Architecture, Generator, initialise
from studio.translator.preview import Engine, read_question, serve
from studio.translator.training import train
from studio.vocabulary.errors import InputError
from tests.translator.making import pictures, tiny

ARCH = Architecture(dim=4, res_blocks=2, style_size=8, mlp_dim=16)


def generators(*, styled_a: bool = True) -> tuple[Generator, Generator]:
    chance = torch.Generator().manual_seed(2)
    pair = (Generator(Architecture(4, 2, 8, 16, styled=styled_a)), Generator(ARCH))
    for generator in pair:
        initialise(generator, "generator", chance)
    return pair


def public_file(path: Path, **changes: Any) -> Path:
    a, b = generators()
    torch.save({"a": a.state_dict(), "b": b.state_dict(), **changes}, path)
    return path


def image(height: int = 24, width: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def codes(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 8)).astype(np.float32)


def test_public_checkpoint_gives_the_generators_picture(tmp_path: Path) -> None:
    """Side a's content under side b's decoder, by straight use of the networks in float64."""
    translator = load_translator(public_file(tmp_path / "gen.pt"), device="cpu", precision="fp32")
    picture, style = image(), codes(1)
    a, b = (g.double() for g in generators())
    with torch.no_grad():
        values = torch.from_numpy(picture).double().permute(2, 0, 1)[None] / 127.5 - 1
        straight = b.decode(a.encode(values), torch.from_numpy(style).double())
        style_code = b.encode_style(values)
    expected = ((straight[0].permute(1, 2, 0).numpy() + 1) / 2 * 255).clip(0, 255)
    assert np.abs(translator.translate(picture, style)[0] - expected).max() <= 0.51
    assert np.allclose(translator.encode_style(picture), style_code[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (23, 34), (40, 31)])
def test_size_is_kept_to_the_pixel(size: tuple[int, int]) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    assert translator.translate(image(*size), codes(3)).shape == (3, *size, 3)


def test_padding_reflects_at_the_right_and_below() -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    odd = image(22, 33)
    padded = np.pad(odd, ((0, 2), (0, 3), (0, 0)), mode="reflect")
    assert np.array_equal(translator.translate(odd, codes(1)), translator.translate(padded, codes(1))[:, :22, :33])


def test_styles_do_not_depend_on_their_batch() -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    content = translator.set_frame(image())
    together = translator.render(content, codes(5)).astype(int)
    alone = np.concatenate([translator.render(content, c[None]) for c in codes(5)]).astype(int)
    assert np.abs(together - alone).max() <= 1
    assert translator.render(content, np.zeros((0, 8), np.float32)).shape == (0, 24, 36, 3)


@pytest.mark.parametrize("wrong", [np.zeros((1, 7)), np.full((1, 8), np.nan)])
def test_wrong_codes_are_refused(wrong: np.ndarray) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    with pytest.raises(InputError, match="style"):
        translator.translate(image(), wrong)


def test_runs_and_imports_load_the_same_way(tmp_path: Path) -> None:
    file = public_file(tmp_path / "gen.pt")
    import_run(file, tmp_path / "imported")
    one, other = load_translator(file, device="cpu"), load_translator(tmp_path / "imported", device="cpu")
    assert one.fingerprint == other.fingerprint
    assert np.array_equal(one.translate(image(), codes(1)), other.translate(image(), codes(1)))
    result_of(train(tmp_path / "run", *pictures(tmp_path), tiny(iterations=1), device="cpu"))
    assert load_translator(tmp_path / "run", device="cpu").fingerprint != one.fingerprint


def answers(out: io.BytesIO) -> list[tuple[dict[str, Any], bytes]]:
    out.seek(0)
    found = []
    while line := out.readline():
        header = json.loads(line)
        found.append((header, out.read(header.get("bytes", 0))))
    return found


def test_preview_sends_coarse_then_sharp_and_drops_the_stale(tmp_path: Path) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    write_png(tmp_path / "frame one.png", image(24, 40))
    question = {
        "ask": "pictures", "generation": 2, "frames": [str(tmp_path / "frame one.png")], "codes": codes(2).tolist(),
        "coarse": 20, "sharp": -1,
    }  # fmt: skip
    lines = [
        question | {"generation": 1},
        question,
        question | {"generation": 1},
        {"ask": "code", "generation": 3, "frame": str(tmp_path / "frame one.png")},
    ]
    out, stream = io.BytesIO(), _Stream(lines, wait_for=b'"done","generation":2')
    stream.out = out
    serve(stream, out, translator)  # type: ignore[arg-type]
    found = answers(out)
    assert found[0][0]["answer"] == "ready"
    sent = [(h["style"], h["quality"], h["width"], h["height"]) for h, _ in found if h.get("generation") == 2 and
            h["answer"] == "picture"]  # fmt: skip
    assert sent == [(0, "coarse", 20, 12), (1, "coarse", 20, 12), (0, "sharp", 40, 24), (1, "sharp", 40, 24)]
    last = next(data for h, data in found if h.get("quality") == "sharp" and h["style"] == 1 and h["generation"] == 2)
    expected = translator.translate(image(24, 40), codes(2)[1:])[0]
    assert np.abs(np.frombuffer(last, np.uint8).reshape(24, 40, 3).astype(int) - expected).max() <= 1
    assert not any(h.get("generation") == 1 for h, _ in found)
    assert len(next(h for h, _ in found if h["answer"] == "code")["code"]) == 8


def test_preview_goes_on_after_an_error(tmp_path: Path) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    out = io.BytesIO()
    stream = _Stream([{"ask": "code", "generation": 1, "frame": str(tmp_path / "none.png")}], wait_for=b"error")
    stream.out = out
    stream.first = [b"nonsense\n"]
    serve(stream, out, translator)  # type: ignore[arg-type]
    texts = [h["text"] for h, _ in answers(out) if h["answer"] == "error"]
    assert len(texts) == 2
    assert "none.png" in texts[1]


def test_a_frame_that_is_gone_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    write_png(tmp_path / "there.png", image(24, 40))
    frames = [str(tmp_path / "gone.png"), str(tmp_path / "there.png")]
    question = {"ask": "pictures", "generation": 1, "frames": frames, "codes": codes(1).tolist(), "coarse": 20,
                "sharp": -1}  # fmt: skip
    engine = Engine(translator)
    found = [header for header, _ in engine.answers(read_question(json.dumps(question).encode()))]
    assert [(h["answer"], h.get("frame")) for h in found] == [
        ("unreadable", 0), ("picture", 1), ("picture", 1), ("done", None)
    ]  # fmt: skip
    assert "gone.png" in found[0]["text"]


def test_a_picture_that_shows_nothing_has_no_style(tmp_path: Path) -> None:
    translator = Translator(*generators(), device=torch.device("cpu"), precision="fp32")
    dark = np.zeros((24, 40, 3), np.uint8)
    dark[2, 2] = 255  # a single bright pixel of text
    for name, picture in (("black", dark), ("blank", np.full((24, 40, 3), (10, 20, 200), np.uint8))):
        write_png(tmp_path / f"{name}.png", picture)
        question = {"ask": "code", "generation": 1, "frame": str(tmp_path / f"{name}.png")}
        header, _ = next(Engine(translator).answers(read_question(json.dumps(question).encode())))
        assert header["answer"] == "error" and "black or blank" in header["text"]


class _Stream:
    """Lines of questions; the last one comes, and the stream ends, once the answers hold ``wait_for``."""

    def __init__(self, questions: list[dict[str, Any]], *, wait_for: bytes) -> None:
        self.first: list[bytes] = []
        self._lines = [json.dumps(q).encode() + b"\n" for q in questions]
        self._wait_for = wait_for
        self.out = io.BytesIO()

    def __iter__(self) -> Any:
        yield from self.first
        yield b"".join([])
        *early, last = self._lines
        if early:
            yield from early
            self._wait(self._wait_for)
        yield last
        self._wait(b'"code"' if early else self._wait_for)
        if early:
            self._wait(b'"done","generation":3')

    def _wait(self, text: bytes) -> None:
        import time

        limit = time.monotonic() + 20
        while text not in self.out.getvalue() and time.monotonic() < limit:
            time.sleep(0.005)


def test_fp32_on_a_gpu_does_without_tf32() -> None:
    """The switch is there on any machine; what it does to a picture shows on a GPU alone."""
    cudnn, before = torch.backends.cudnn, torch.backends.cudnn.allow_tf32
    cudnn.allow_tf32 = True
    try:
        with bf16_or_exact(False, torch.device("cuda")):
            assert not cudnn.allow_tf32
        assert cudnn.allow_tf32
    finally:
        cudnn.allow_tf32 = before
