from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.files.pictures import read_grey_levels, write_png
from studio.footage.labelled import load_mask, read_labelled, studio_mask_path
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE
from tests.making import testdata as real_material

SHAPE = (20, 30)


def _pair(root: Path, patient: str, name: str, mask_HW: np.ndarray, *, mask_name: str = "") -> None:
    write_png(root / patient / "frames" / f"{name}.png", np.full((*mask_HW.shape[:2], 3), 100, np.uint8))
    write_png(root / patient / "masks" / f"{mask_name or name}.png", mask_HW)


def _left(value: int, other: int = 0) -> np.ndarray:
    mask_HW = np.full(SHAPE, other, np.uint8)
    mask_HW[:, :12] = value
    return mask_HW


def test_binary_masks_by_patient(tmp_path):
    _pair(tmp_path, "P 1", "a", _left(255))
    _pair(tmp_path, "P 2", "b", _left(255), mask_name="b_mask")
    found = read_labelled(tmp_path)
    assert [(f.patient, f.name) for f in found] == [("P 1", "a"), ("P 2", "b")]
    assert found.classes_present == (1,)
    np.testing.assert_array_equal(load_mask(found[0]), _left(1))
    gallbladder = read_labelled(tmp_path, positive_class="gallbladder")
    np.testing.assert_array_equal(load_mask(gallbladder[1]), _left(2))
    assert gallbladder.classes_present == (2,)


def test_frames_and_masks_at_the_top_are_one_patient(tmp_path):
    _pair(tmp_path, "Op", "a", _left(255))
    assert [f.patient for f in read_labelled(tmp_path / "Op")] == ["Op"]


def test_masks_of_class_ids_stay_as_they_are(tmp_path):
    _pair(tmp_path, "P", "a", _left(1, 3))
    _pair(tmp_path, "P", "b", _left(4, IGNORE))
    found = read_labelled(tmp_path)
    assert found.classes_present == (1, 3, 4)
    np.testing.assert_array_equal(load_mask(found[1]), _left(4, IGNORE))
    assert studio_mask_path(found[0], tmp_path / "cache") == tmp_path / "P/masks/a.png"


def test_converted_masks_are_kept_in_the_cache(tmp_path):
    _pair(tmp_path, "P", "a", _left(255))
    frame = read_labelled(tmp_path)[0]
    path = studio_mask_path(frame, tmp_path / "cache")
    np.testing.assert_array_equal(read_grey_levels(path), _left(1))
    assert studio_mask_path(frame, tmp_path / "cache") == path


def test_masks_saved_as_jpeg_are_cut_in_the_middle_and_it_is_said(tmp_path):
    rng = np.random.default_rng(0)
    _pair(tmp_path, "P", "a", np.zeros((80, 120), np.uint8))
    (tmp_path / "P/masks/a.png").unlink()
    truth = np.zeros((80, 120), np.uint8)
    truth[20:70, 30:90] = 255
    noisy = np.clip(truth + rng.normal(0, 6, truth.shape), 0, 255).astype(np.uint8)
    Image.fromarray(np.repeat(noisy[..., None], 3, axis=2)).save(tmp_path / "P/masks/a.jpg", quality=85)
    found = read_labelled(tmp_path)
    assert any("JPEG" in note for note in found.notes)
    np.testing.assert_array_equal(load_mask(found[0]), (truth > 0).astype(np.uint8))


def test_unknown_values_are_named_with_their_file(tmp_path):
    _pair(tmp_path, "P", "a", _left(1))
    _pair(tmp_path, "P", "b", _left(99))
    with pytest.raises(InputError, match=r"b\.png: value 99"):
        read_labelled(tmp_path)


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path):
    _pair(tmp_path, "P", "a", _left(255))
    write_png(tmp_path / "P/masks/a.png", np.zeros((10, 15), np.uint8))
    with pytest.raises(InputError, match=r"mask has 15x10 px, its frame 30x20 px"):
        read_labelled(tmp_path)


def test_a_coloured_mask_is_refused(tmp_path):
    _pair(tmp_path, "P", "a", np.dstack([_left(255), _left(0), _left(10)]))
    with pytest.raises(InputError, match="coloured"):
        read_labelled(tmp_path)


def test_frames_without_masks_are_noted(tmp_path):
    _pair(tmp_path, "P", "a", _left(255))
    write_png(tmp_path / "P/frames/b.png", np.zeros((*SHAPE, 3), np.uint8))
    found = read_labelled(tmp_path)
    assert len(found) == 1
    assert any("1 frames have no mask" in note and "b.png" in note for note in found.notes)


def test_cholecseg8k_is_mapped_by_name(tmp_path):
    clip = tmp_path / "video01/video01_00080"
    mask = np.array([[50, 11, 21, 13, 12, 31, 23, 24, 25, 32, 22, 33, 5, 255]] * 10, np.uint8)
    write_png(clip / "frame_80_endo.png", np.zeros((10, 14, 3), np.uint8))
    write_png(clip / "frame_80_endo_watershed_mask.png", np.dstack([mask] * 3))
    write_png(clip / "frame_80_endo_color_mask.png", np.zeros((10, 14, 3), np.uint8))
    found = read_labelled(tmp_path)
    assert [f.patient for f in found] == ["video01"]
    expected = [0, 3, 1, 8, 4, 7, 255, 255, 255, 7, 2, 255, 5, 255]
    assert load_mask(found[0])[0].tolist() == expected
    assert found.classes_present == (1, 2, 3, 4, 5, 8)


def test_dsad_is_read_by_organ_and_patient(tmp_path):
    for organ, number in (("liver", "03"), ("stomach", "03"), ("ureter", "05")):
        folder = tmp_path / organ / number
        write_png(folder / "image07.png", np.zeros((*SHAPE, 3), np.uint8))
        write_png(folder / "mask07.png", _left(255))
    found = read_labelled(tmp_path)
    assert [f.patient for f in found] == ["DSAD 03", "DSAD 03"]
    assert load_mask(found[0]).max() == 1
    assert load_mask(found[1]).max() == 8
    assert found.frames[1].coding.classes_present == (8,)
    assert any("ureter" in note for note in found.notes)


def test_missing_empty_and_strange_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_labelled(tmp_path / "absent")
    with pytest.raises(InputError, match="known layout"):
        read_labelled(tmp_path)
    (tmp_path / "P/frames").mkdir(parents=True)
    (tmp_path / "P/masks").mkdir()
    with pytest.raises(InputError, match="no frame has a mask"):
        read_labelled(tmp_path)


def test_the_real_liver_masks_are_read():
    found = read_labelled(real_material() / "real_labelled")
    assert len(found) == 10
    assert {f.patient for f in found} == {"video35", "video37", "video52", "video55"}
    assert found.classes_present == (1,)
    assert set(np.unique(load_mask(found[0]))) == {0, 1}
