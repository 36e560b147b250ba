"""Vessels of the stand-in's textures: they branch, thin out, and run on over the tile's border."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from studio.scenes.simulator.textures import MM_PER_TEXEL, SIDE, vessel_tree


def test_vessels_are_few_connected_trees_with_wide_and_narrow_branches() -> None:
    tree = vessel_tree(np.random.default_rng(4), roots=3, width_mm=1.6, wander=0.12)
    assert tree.shape == (SIDE, SIDE) and tree.min() >= 0 and tree.max() <= 1
    drawn = tree > 0.15
    assert 0.005 < drawn.mean() < 0.2
    # On a torus, so tiled once over: most of what is drawn belongs to a few pieces.
    labels, count = ndimage.label(np.tile(drawn, (2, 2)), np.ones((3, 3)))
    sizes = np.sort(np.bincount(labels.ravel())[1:])[::-1]
    assert sizes[: 4 * 3].sum() > 0.8 * sizes.sum(), count
    # Trunks of the width asked for (twice that where branches part), and most of the length much thinner.
    width = 2 * ndimage.distance_transform_edt(tree > 0.5) * MM_PER_TEXEL
    assert 1.0 < width.max() < 3.2
    assert (tree[drawn] < 0.75).mean() > 0.3


def test_vessels_go_on_over_the_tiles_border() -> None:
    tree = vessel_tree(np.random.default_rng(1), roots=12, width_mm=1.2, wander=0.1)
    for axis in (0, 1):
        first, last = np.take(tree, 0, axis), np.take(tree, -1, axis)
        crossing = last > 0.5
        assert crossing.any()
        near = np.maximum.reduce([np.roll(first, shift) for shift in (-2, -1, 0, 1, 2)])
        assert (near[crossing] > 0.2).mean() > 0.8
