"""Blending against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from studio.gui.widgets.blending import Overlay, PictureState, blended, scale_of
from studio.gui.widgets.layer_ink import (
    colour_map,
    depth_colours,
    depth_range,
    normal_arrows,
    normal_colours,
    outlines,
)
from studio.vocabulary.frames import Layers

RENDER = np.full((4, 6, 3), 100, np.uint8)
TRANSLATION = np.full((4, 6, 3), 200, np.uint8)
LABELS = np.zeros((4, 6), np.uint8)
LABELS[:, 3:] = 1


def state(**changes: object) -> PictureState:
    known = {"translation_HW3": TRANSLATION, **changes}
    layers = Layers(
        RENDER,
        LABELS,
        known.pop("depth_HW", None),
        known.pop("normals_HW3", None),  # type: ignore[arg-type]
    )
    return PictureState(layers, **known)  # type: ignore[arg-type]


def test_wipe_shows_the_render_to_its_left() -> None:
    shown = blended(state(), Overlay(shown="wipe", wipe=0.5))
    assert shown[:, :3].min() == shown[:, :3].max() == 100
    assert shown[:, 3:].min() == shown[:, 3:].max() == 200


def test_segmentation_is_mixed_by_opacity_and_void_is_left_alone() -> None:
    shown = blended(state(), Overlay("segmentation", 0.5, outline=False))
    assert tuple(shown[0, 0]) == (200, 200, 200)
    # Liver is (213, 94, 0): halfway from 200.
    assert tuple(shown[1, 4]) in {(206, 147, 100), (207, 147, 100)}


def test_hidden_classes_are_not_drawn() -> None:
    shown = blended(state(), Overlay("segmentation", 1.0, hidden=frozenset({1})))
    assert (shown == 200).all()


def test_outline_lies_on_the_class_that_is_drawn() -> None:
    labels = LABELS.copy()
    labels[2:, 3:] = 2
    assert outlines(labels).tolist()[1] == [0, 0, 1, 1, 1, 1]
    layers = Layers(RENDER, labels)
    shown = blended(PictureState(layers), Overlay("segmentation", 0.0))
    assert tuple(shown[1, 3]) == (213, 94, 0)
    assert tuple(shown[0, 4]) == (100, 100, 100)


def test_depth_is_bright_near_and_absent_where_unknown() -> None:
    depth = np.full((4, 6), 50, np.float32)
    depth[:, 3:] = 150
    depth[0] = 0
    coloured = depth_colours(depth, 50, 150)
    assert tuple(coloured[1, 0]) == (253, 231, 37) or tuple(coloured[1, 0]) == (253, 231, 36)
    assert tuple(coloured[1, 5]) == (68, 1, 84)
    shown = blended(state(depth_HW=depth), Overlay("depth", 1.0, shown="render", depth_range=(50, 150)))
    assert tuple(shown[0, 0]) == (100, 100, 100)
    assert tuple(shown[1, 5]) == (68, 1, 84)


def test_depth_range_ignores_what_is_unknown() -> None:
    depth = np.zeros((64, 64), np.float32)
    depth[:, :32] = 80
    low, high = depth_range(depth)
    assert low == 80
    assert high > low
    assert depth_range(np.zeros((8, 8), np.float32)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("normal", "colour"),
    [((0, 0, -1), (128, 128, 255)), ((1, 0, 0), (255, 128, 128)), ((0, 1, 0), (128, 0, 128))],
)
def test_normals_as_colours(normal: tuple[int, ...], colour: tuple[int, ...]) -> None:
    assert tuple(normal_colours(np.array([[normal]], np.float32))[0, 0]) == colour


def test_difference_goes_over_its_whole_scale() -> None:
    shown = blended(state(translation_HW3=RENDER + 64), Overlay("difference", 1.0))
    assert (shown == colour_map("magma")[127]).all()
    assert (blended(state(translation_HW3=RENDER), Overlay("difference", 1.0)) == colour_map("magma")[0]).all()


def test_validity_leaves_what_is_trusted_as_it_is() -> None:
    validity = np.ones((4, 6), np.float32)
    validity[:, 0] = 0
    shown = blended(state(validity_HW=validity), Overlay("validity", 1.0))
    assert (shown[:, 1:] == 200).all()
    assert (shown[:, 0] == colour_map("inferno")[255]).all()


def test_what_a_state_lacks_is_left_out() -> None:
    for layer in ("depth", "normals", "validity"):
        assert (blended(state(), Overlay(layer, 1.0)) == 200).all()  # type: ignore[arg-type]
    assert scale_of(state(), Overlay("depth")) is None
    assert scale_of(None, Overlay("depth")) is None


def test_scale_says_the_range_in_mm() -> None:
    depth = np.full((4, 6), 50, np.float32)
    scale = scale_of(state(depth_HW=depth), Overlay("depth", depth_range=(40, 160)))
    assert scale is not None
    assert (scale.low, scale.high, scale.unit) == (40, 160, "mm")
    assert tuple(scale.colours_N3[-1]) == (68, 1, 84)


def test_class_ids_of_a_frame() -> None:
    assert state().class_ids == (0, 1)


def test_a_wipe_from_top_to_bottom_shows_the_render_above() -> None:
    shown = blended(state(), Overlay(shown="wipe", wipe=0.25, wipe_down=True))
    assert (shown[:1] == 100).all() and (shown[1:] == 200).all()


def test_side_by_side_is_the_render_and_then_the_translation_under_one_overlay() -> None:
    shown = blended(state(), Overlay("segmentation", 1.0, outline=False, shown="side"))
    assert shown.shape == (4, 12, 3)
    assert (shown[:, :3] == 100).all() and (shown[:, 6:9] == 200).all()
    assert (shown[:, 3:6] == (213, 94, 0)).all() and (shown[:, 9:] == (213, 94, 0)).all()
    alone = blended(PictureState(Layers(RENDER)), Overlay(shown="side"))
    assert alone.shape == RENDER.shape


def test_depth_colours_span_the_percentiles_that_are_wanted() -> None:
    depth = np.tile(np.arange(1, 101, dtype=np.float32), (100, 1))  # every fourth px is looked at: 1, 5, ... 97
    scale = scale_of(state(depth_HW=depth), Overlay("depth", depth_percentiles=(25, 50)))
    assert scale is not None
    assert (scale.low, scale.high) == (25, 49)


def test_arrows_point_where_the_surface_faces() -> None:
    normals = np.zeros((32, 32, 3), np.float32)
    normals[:, :16] = (0, 0, -1)  # faces the camera: a dot
    normals[16:, 16:] = (0.6, 0, -0.8)  # to the right
    arrows = {tuple(line[0]): line[1] for line in normal_arrows(normals, 16)}
    assert set(arrows) == {(8, 8), (8, 24), (24, 24)}  # none where there is no surface
    assert tuple(arrows[8, 8]) == (8, 8)
    assert arrows[24, 24] == pytest.approx((24 + 0.6 * 8, 24), abs=1 / 16)
    shown = blended(state(normals_HW3=np.broadcast_to(normals[31, 31], (4, 6, 3)).copy()), Overlay("normals", 0.0))
    assert (shown == 200).all()


def test_arrows_are_drawn_over_the_picture_on_demand() -> None:
    normals = np.zeros((64, 64, 3), np.float32)
    normals[...] = (0.6, 0, -0.8)
    grey = np.full((64, 64, 3), 90, np.uint8)
    plain, drawn = (
        blended(PictureState(Layers(grey, normals_HW3=normals)), Overlay("normals", 0.0, arrows=on))
        for on in (False, True)
    )
    assert (plain == 90).all()
    assert drawn.max() > 200 and drawn.min() < 60  # white in black
    assert (drawn[:4] == 90).all()
