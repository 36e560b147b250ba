"""MS-SSIM against an independent implementation, and its behaviour at the borders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity

from studio.quality.content import WEIGHTS, levels_for, ms_ssim_brightness, ms_ssim_map, per_class
from studio.vocabulary.errors import InputError
from tests.quality.made_scenes import made_scene


def _pair(width: int, height: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    image, _ = made_scene(seed, width=width, height=height)
    changed = image * 0.7 + 25 + np.random.default_rng(seed).normal(0, 12, image.shape)
    return image, np.clip(changed, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("width", "height"), [(452, 256), (453, 257), (181, 201)])
def test_equals_pytorch_msssim(width: int, height: int) -> None:
    torch = pytest.importorskip("torch")
    from pytorch_msssim import ms_ssim

    pair = _pair(width, height, width)
    grey = [torch.from_numpy(i.astype(np.float64).mean(axis=2))[None, None] for i in pair]
    expected = float(ms_ssim(*grey, data_range=255, weights=list(np.array(WEIGHTS) / sum(WEIGHTS))))
    assert ms_ssim_brightness(*pair) == pytest.approx(expected, abs=1e-4)


def test_equals_wang_2003_in_float64() -> None:
    """Equations 7 and 8 written out with SciPy: contrast and structure at every level, luminance at the last."""
    a_HW3, b_HW3 = _pair(256, 192, 7)
    a, b = (image.astype(np.float64).mean(axis=2) for image in (a_HW3, b_HW3))
    along = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(along, along) / along.sum() ** 2
    c1, c2, exponents = 2.55**2, 7.65**2, (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    expected = 1.0
    for level, exponent in enumerate(exponents):
        mean_a, mean_b, mean_aa, mean_bb, mean_ab = (
            convolve2d(x, window, mode="valid") for x in (a, b, a * a, b * b, a * b)
        )
        spread = mean_aa - mean_a**2 + mean_bb - mean_b**2
        term = (2 * (mean_ab - mean_a * mean_b) + c2) / (spread + c2)
        if level == 4:
            term = term * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        expected *= term.mean() ** (exponent / sum(exponents))
        a, b = (convolve2d(x, np.full((2, 2), 0.25), mode="valid")[::2, ::2] for x in (a, b))
    assert ms_ssim_brightness(a_HW3, b_HW3) == pytest.approx(expected, abs=1e-5)


def test_one_level_is_plain_ssim() -> None:
    a, b = _pair(64, 48, 1)
    expected = structural_similarity(
        a.astype(float).mean(axis=2), b.astype(float).mean(axis=2), data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )[1][5:-5, 5:-5].mean()  # fmt: skip
    assert ms_ssim_brightness(a, b, levels=1) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("size", "levels"), [((452, 256), 5), ((175, 400), 4), ((176, 176), 5), ((128, 72), 3),
                                             ((11, 11), 1), ((22, 21), 1), ((22, 22), 2)])  # fmt: skip
def test_levels_by_size(size: tuple[int, int], levels: int) -> None:
    assert levels_for(*size) == levels


def test_same_is_one_and_damage_shows_where_it_is() -> None:
    image, segmentation = made_scene(2)
    assert ms_ssim_brightness(image, image) == pytest.approx(1, abs=1e-6)
    assert ms_ssim_map(image, image) == pytest.approx(1, abs=1e-4)
    damaged = image.copy()
    damaged[:60, :80] = damaged[:60, :80][::-1, ::-1]
    found = ms_ssim_map(image, damaged)
    assert found.shape == segmentation.shape and found.dtype == np.float32 and 0 <= found.min() <= found.max() <= 1.001
    assert found[10:50, 10:70].mean() < 0.6 < 0.97 < found[90:, 150:].mean()


def test_inverted_content_is_zero_not_nan() -> None:
    image, _ = made_scene(3)
    assert ms_ssim_brightness(image, 255 - image) == pytest.approx(0, abs=0.05)
    assert np.isfinite(ms_ssim_map(image, 255 - image)).all()


def test_per_class_means() -> None:
    values = np.array([[1.0, 0.5], [0.0, 0.25]], np.float32)
    assert per_class(values, np.array([[1, 1], [3, 255]], np.uint8)) == {1: 0.75, 3: 0.0, 255: 0.25}


def test_unusable_pairs_are_refused() -> None:
    image, _ = made_scene(4)
    for other in (image[:-1], image.astype(np.float32), image[..., 0]):
        with pytest.raises(InputError):
            ms_ssim_brightness(image, other)
    with pytest.raises(InputError, match="10x10"):
        ms_ssim_brightness(image[:10, :10], image[:10, :10])
    with pytest.raises(InputError, match="levels"):
        ms_ssim_brightness(image, image, levels=5)
