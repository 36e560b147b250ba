"""Colours of classes: told apart by everybody, compared in CIELAB, and another one for a project."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from studio.vocabulary.colour_vision import LEAST_DIFFERENCE, Colour, alike, colour_of, difference, hex_of
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable, LabelClass


@pytest.mark.parametrize(("first", "second"), [((213, 94, 0), (0, 158, 115)), ((1, 2, 3), (250, 251, 255))])
def test_difference_is_that_of_cielab(first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
    expected = np.linalg.norm(rgb2lab(np.array(first) / 255) - rgb2lab(np.array(second) / 255))
    assert difference(first, second) == pytest.approx(expected, abs=0.02)


def test_the_studios_own_classes_are_told_apart_by_everybody() -> None:
    assert alike(STUDIO_CLASSES) == []


# Viénot, Brettel and Mollon (1999), equations 3 to 6: cone responses of linear RGB, and what dichromats see of them.
# Another model than the program's own, from other experiments.
LMS_OF_RGB = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
DICHROMATS = {
    "protanopes": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "deuteranopes": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}


def seen_by(viewers: str, colour: Colour) -> np.ndarray:
    """CIELAB of an 8-bit sRGB colour as dichromats see it."""
    values = np.array(colour) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.linalg.inv(LMS_OF_RGB) @ DICHROMATS[viewers] @ LMS_OF_RGB @ linear, 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("viewers", DICHROMATS)
def test_another_model_of_dichromats_tells_the_studios_classes_apart_too(viewers: str) -> None:
    seen = [seen_by(viewers, c.colour) for c in STUDIO_CLASSES if c.id]
    pairs = list(combinations(seen, 2))
    assert min(float(np.linalg.norm(a - b)) for a, b in pairs) > 12
    assert min(float(deltaE_ciede2000(a, b)) for a, b in pairs) > 7


def test_red_and_green_are_one_to_deuteranopes() -> None:
    red, green = (178, 96, 60), (124, 124, 40)
    assert difference(red, green) > 25
    (found,) = alike(ClassTable((LabelClass(1, "liver", red), LabelClass(2, "gallbladder", green))))
    assert (found.first, found.second, found.viewers) == ("liver", "gallbladder", "deuteranopes")
    assert found.difference == difference(red, green, "deuteranopes") < LEAST_DIFFERENCE


def test_the_closest_pair_comes_first_and_void_does_not_count() -> None:
    table = ClassTable((LabelClass(0, "void", (9, 9, 9)), LabelClass(1, "a", (9, 9, 9)), LabelClass(2, "b", (9, 9, 9)),
                        LabelClass(3, "c", (30, 30, 30))))  # fmt: skip
    found = alike(table)
    assert [(p.first, p.second, p.viewers) for p in found] == [
        ("a", "b", "everybody"), ("a", "c", "everybody"), ("b", "c", "everybody"),
    ]  # fmt: skip
    assert found[0].difference == 0


def test_colours_as_text() -> None:
    assert hex_of((213, 94, 0)) == "#d55e00"
    assert colour_of("#D55E00") == (213, 94, 0)
    for wrong in ("d55e00", "#d55e0", "#d55e00 ", "#gg0000", "red", ""):
        with pytest.raises(InputError, match="no colour"):
            colour_of(wrong)


def test_a_project_gives_a_class_another_colour() -> None:
    changed = STUDIO_CLASSES.recoloured({"Tool_Tip": (1, 2, 3), "unknown": (9, 9, 9)})
    assert changed.by_name("tool tip").colour == (1, 2, 3)
    others = [c for c in changed if c.name != "tool tip"]
    assert others == [c for c in STUDIO_CLASSES if c.name != "tool tip"]
