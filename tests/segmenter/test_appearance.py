"""Geometry moves pictures and labels alike; colours change and the border stays black."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from studio.files.pictures import write_png
from studio.segmenter.appearance import ColourStatistics, _hue_rotation, exposed, moved, recoloured, with_circle
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE
from tests.segmenter.toy import SIZE, TINY, disc

STILL = replace(TINY, flip=0.0, rotation_deg=0.0, scale=(1.0, 1.0), shift=0.0, circle=0.0)


def batch_of_discs(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures that are 1 where the target is 1."""
    inside_HW = torch.from_numpy(disc(SIZE, (20.0, 15.0), 9.0))
    target_BHW = inside_HW.long().expand(count, -1, -1).contiguous()
    return target_BHW[:, None].float().repeat(1, 3, 1, 1), target_BHW


def test_nothing_asked_nothing_moved() -> None:
    image_BCHW, target_BHW = batch_of_discs()
    moved_BCHW, labels_BHW = moved(image_BCHW, target_BHW, STILL, 0)
    torch.testing.assert_close(moved_BCHW, image_BCHW, atol=1e-5, rtol=0)
    assert torch.equal(labels_BHW, target_BHW)


def test_a_sure_flip_mirrors() -> None:
    image_BCHW, target_BHW = batch_of_discs()
    moved_BCHW, labels_BHW = moved(image_BCHW, target_BHW, replace(STILL, flip=1.0), 0)
    torch.testing.assert_close(moved_BCHW, image_BCHW.flip(3), atol=1e-4, rtol=0)
    assert torch.equal(labels_BHW, target_BHW.flip(2))


def test_rotation_keeps_round_things_round() -> None:
    """Turned in pixels, not in the unequal units of the two axes (beyond 17 px the mirrored copies begin)."""
    image_BCHW, target_BHW = batch_of_discs(20)
    centred_HW = torch.from_numpy(disc(SIZE, (32.0, 18.0), 12.0)).long()
    target_BHW = centred_HW.expand_as(target_BHW).contiguous()
    _, labels_BHW = moved(image_BCHW, target_BHW, replace(STILL, rotation_deg=180.0), 4)
    near_HW = torch.from_numpy(disc(SIZE, (32.0, 18.0), 17.0))
    assert (labels_BHW != target_BHW)[:, near_HW].float().mean() < 0.03


def test_pictures_and_labels_move_alike() -> None:
    image_BCHW, target_BHW = batch_of_discs()
    moved_BCHW, labels_BHW = moved(image_BCHW, target_BHW, TINY, 5)
    assert not torch.equal(labels_BHW, target_BHW)
    assert ((moved_BCHW[:, 0] > 0.5) != labels_BHW.bool()).float().mean() < 0.01


def test_geometry_is_that_of_the_step() -> None:
    batch = batch_of_discs()
    first, again, other = (moved(*batch, TINY, step)[1] for step in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_outside_the_circle_is_black_and_rest_but_ignored_stays_ignored() -> None:
    image_BCHW = torch.ones(8, 3, SIZE[1], SIZE[0])
    target_BHW = torch.ones(8, SIZE[1], SIZE[0], dtype=torch.long)
    target_BHW[:, :, 0] = IGNORE
    masked_BCHW, labels_BHW = with_circle(image_BCHW, target_BHW, replace(TINY, circle=1.0), 0)
    assert (labels_BHW[:, :, 0] == IGNORE).all()
    inner_BHW = labels_BHW[:, :, 1:]
    assert torch.equal(inner_BHW == 1, masked_BCHW[:, 0, :, 1:] == 1)
    assert (inner_BHW == 0).any()
    assert (inner_BHW[:, SIZE[1] // 2, SIZE[0] // 2] == 1).all()


def test_recolouring_changes_each_picture_its_own_way() -> None:
    image_BCHW = torch.rand(4, 3, *SIZE[::-1]) * 0.5 + 0.25
    image_BCHW[0] = image_BCHW[1]
    out_BCHW = recoloured(image_BCHW, seed=0, step=0)
    assert out_BCHW.min() >= 0
    assert out_BCHW.max() <= 1
    assert (out_BCHW[0] - out_BCHW[1]).abs().mean() > 0.02
    assert torch.equal(out_BCHW, recoloured(image_BCHW, seed=0, step=0))
    assert not torch.equal(out_BCHW, recoloured(image_BCHW, seed=0, step=1))


def test_recolouring_leaves_the_border_black() -> None:
    image_BCHW = torch.full((6, 3, *SIZE[::-1]), 0.5)
    image_BCHW[..., :10] = 0
    out_BCHW = recoloured(image_BCHW, seed=1, step=3)
    assert (out_BCHW[..., :10] == 0).all()
    assert out_BCHW[..., 20:].mean() > 0.1


def test_turning_hues_keeps_greys() -> None:
    for angle in (-0.6, 0.3):
        matrix_33 = _hue_rotation(angle)
        np.testing.assert_allclose(matrix_33 @ np.ones(3), np.ones(3), atol=1e-12)
        np.testing.assert_allclose(matrix_33 @ matrix_33.T, np.eye(3), atol=1e-12)


def soft_picture(seed: int, mean: tuple[int, int, int], spread: float) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.clip(draw.normal(mean, spread, (36, 64, 3)), 40, 220).astype(np.uint8)


def test_transferred_pictures_have_the_references_lab_statistics(tmp_path: Path) -> None:
    reference_HW3, image_HW3 = soft_picture(0, (150, 90, 80), 12), soft_picture(1, (110, 120, 130), 18)
    write_png(tmp_path / "reference.png", reference_HW3)
    footage = ColourStatistics.of_footage([tmp_path / "reference.png"], (64, 36))
    moved_HW3 = footage.transferred(image_HW3, np.random.default_rng(0))
    for fact in (np.mean, np.std):
        np.testing.assert_allclose(
            fact(rgb2lab(moved_HW3), axis=(0, 1)), fact(rgb2lab(reference_HW3), axis=(0, 1)), atol=0.35
        )


def test_black_border_takes_no_part_in_the_transfer(tmp_path: Path) -> None:
    inside_HW = disc((64, 36), (32.0, 18.0), 17.0)
    plain_HW3 = np.full((36, 64, 3), (180, 100, 90), np.uint8)
    round_HW3 = np.where(inside_HW[..., None], plain_HW3, 0).astype(np.uint8)
    write_png(tmp_path / "round.png", round_HW3)
    footage = ColourStatistics.of_footage([tmp_path / "round.png"], (64, 36))
    image_HW3 = np.where(inside_HW[..., None], soft_picture(2, (120, 120, 120), 10), 0).astype(np.uint8)
    moved_HW3 = footage.transferred(image_HW3, np.random.default_rng(0))
    assert (moved_HW3[:, :10] == 0).all()
    np.testing.assert_allclose(moved_HW3[disc((64, 36), (32.0, 18.0), 14.0)].mean(axis=0), (180, 100, 90), atol=3)


def test_no_footage_no_colours() -> None:
    with pytest.raises(InputError, match="no footage"):
        ColourStatistics.of_footage([], (64, 36))


def test_a_camera_changes_exposure_but_no_hue() -> None:
    image_BCHW = torch.tensor([0.4, 0.2, 0.1]).view(1, 3, 1, 1).expand(12, 3, 24, 32).contiguous()
    out_BCHW = exposed(image_BCHW, seed=0, step=0)
    assert torch.equal(out_BCHW, exposed(image_BCHW, seed=0, step=0))
    means_B3 = out_BCHW.mean((2, 3))
    gains_B = means_B3[:, 0] / 0.4
    # Evenly drawn on a logarithmic scale from 0.6 to 1.5; noise averages out over 768 pixels.
    assert gains_B.min() >= 0.59 and gains_B.max() <= 1.51 and gains_B.max() / gains_B.min() > 1.5
    assert torch.allclose(means_B3[:, 0] / means_B3[:, 1], torch.full((12,), 2.0), rtol=0.05)
