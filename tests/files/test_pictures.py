"""Every kind of picture comes in as 8-bit RGB; what cannot is refused in one line."""

import errno
import os
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from studio.files.atomic import folder_in_place, hash_file, write_bytes
from studio.files.pictures import read_exr, read_grey_levels, read_rgb, read_size, write_exr, write_png
from studio.vocabulary.errors import DiskFull, InputError, TrocarError

AWKWARD_NAMES = ["with blank.png", "Grün ß.png", "line\nbreak.png"]


def gradient(height: int = 12, width: int = 16) -> np.ndarray:
    return np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_colour_survives_whatever_the_name(tmp_path: Path, name: str) -> None:
    write_png(tmp_path / name, gradient())
    assert np.array_equal(read_rgb(tmp_path / name), gradient())
    assert np.array_equal(np.asarray(Image.open(tmp_path / name)), gradient())
    assert read_size(tmp_path / name) == (16, 12)


def test_sixteen_bit_grey_is_scaled_from_its_full_range(tmp_path: Path) -> None:
    levels = np.full((10, 10), 65535, np.uint16)
    levels[0] = 0
    Image.fromarray(levels).save(tmp_path / "deep.png")
    rgb = read_rgb(tmp_path / "deep.png")
    assert rgb.shape == (10, 10, 3) and rgb[0].max() == 0 and rgb[1:].min() == 255


def test_alpha_lies_over_black(tmp_path: Path) -> None:
    Image.new("RGBA", (10, 10), (200, 100, 50, 0)).save(tmp_path / "a.png")
    assert read_rgb(tmp_path / "a.png").max() == 0


def test_palette_and_cmyk(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10), (255, 0, 0)).convert("P").save(tmp_path / "p.png")
    assert read_rgb(tmp_path / "p.png")[0, 0].tolist() == [255, 0, 0]
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "c.jpg", quality=95)
    red, green, blue = read_rgb(tmp_path / "c.jpg")[8, 8].astype(int)
    assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize(("size", "word"), [((1, 1), "1x1"), ((9000, 10), "9000x10")])
def test_unusable_sizes_are_named(tmp_path: Path, size: tuple[int, int], word: str) -> None:
    Image.new("L", size).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=word):
        read_rgb(tmp_path / "x.png")


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(InputError, match="20000x20000"):
        read_rgb(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_cut_short_is_noticed_from_its_end(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    whole, cut, longer = (tmp_path / f"{n}.{suffix}" for n in ("whole", "cut", "longer"))
    Image.fromarray(noise).save(whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    longer.write_bytes(data + b"appended by some program")
    assert read_size(whole) == read_size(longer) == (160, 96)
    with pytest.raises(InputError, match="cut short"):
        read_size(cut)


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    write_png(tmp_path / "whole.png", noise)
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("cut.png", "text.png", "missing.png"):
        with pytest.raises(InputError, match=name) as refusal:
            read_rgb(tmp_path / name)
        assert "\n" not in str(refusal.value)


def test_label_levels_are_untouched(tmp_path: Path) -> None:
    levels = np.array([[0, 26, 51, 255]] * 8, np.uint8).repeat(2, axis=1)
    Image.fromarray(levels).save(tmp_path / "l.png")
    assert np.array_equal(read_grey_levels(tmp_path / "l.png"), levels)


def test_exr_keeps_float32(tmp_path: Path) -> None:
    depth = np.random.default_rng(1).normal(100, 30, (9, 11)).astype(np.float32)
    write_exr(tmp_path / "d.exr", depth)
    assert np.array_equal(read_exr(tmp_path / "d.exr"), depth)
    normals = np.random.default_rng(2).normal(size=(9, 11, 3)).astype(np.float32)
    write_exr(tmp_path / "n.exr", normals)
    assert np.array_equal(read_exr(tmp_path / "n.exr"), normals)


def test_exr_keeps_flow_and_its_gaps_in_channels_that_say_which_is_which(tmp_path: Path) -> None:
    flow = np.random.default_rng(3).normal(size=(9, 11, 2)).astype(np.float32)
    flow[2, 3] = np.nan
    write_exr(tmp_path / "f.exr", flow)
    assert np.array_equal(read_exr(tmp_path / "f.exr"), flow, equal_nan=True)
    with OpenEXR.File(str(tmp_path / "f.exr"), separate_channels=True) as file:
        assert np.array_equal(file.channels()["R"].pixels, flow[..., 0], equal_nan=True)
        assert np.array_equal(file.channels()["G"].pixels, flow[..., 1], equal_nan=True)


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), folder_in_place(tmp_path / "out") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with folder_in_place(tmp_path / "out") as folder:
        (folder / "whole").write_text("x")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["whole"]
    with pytest.raises(InputError, match="exists already"), folder_in_place(tmp_path / "out"):
        pass


def test_a_file_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"one")
    write_bytes(tmp_path / "a", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    # b2sum -l 128 of the three bytes "two"
    import hashlib

    assert hash_file(tmp_path / "a") == hashlib.blake2b(b"two", digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EROFS, InputError), (errno.EIO, TrocarError)]
)
def test_what_stops_an_exr_from_being_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[TrocarError]
) -> None:
    """OpenEXR raises RuntimeError whatever the system says: seen on a full disk, in these words."""

    def write(_file: OpenEXR.File, name: str) -> None:
        raise RuntimeError(f'Failed to write pixel data to image file "{name}". {os.strerror(number)}.')

    monkeypatch.setattr(OpenEXR.File, "write", write)
    with pytest.raises(kind) as caught:
        write_exr(tmp_path / "flow.exr", np.zeros((4, 4, 2), np.float32))
    assert type(caught.value) is kind and "flow.exr" in str(caught.value)
    assert not list(tmp_path.iterdir())
