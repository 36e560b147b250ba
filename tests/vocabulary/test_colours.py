"""Colours of classes: told apart by everybody, compared in CIELAB, and another one for a project."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from studio.vocabulary.colour_vision import confusable, difference
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable, LabelClass


@pytest.mark.parametrize(("first", "second"), [((213, 94, 0), (0, 158, 115)), ((1, 2, 3), (250, 251, 255))])
def test_difference_is_that_of_cielab(first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
    expected = np.linalg.norm(rgb2lab(np.array(first) / 255) - rgb2lab(np.array(second) / 255))
    assert difference(first, second) == pytest.approx(expected, abs=0.02)


def test_the_studios_own_classes_are_told_apart_by_everybody() -> None:
    assert confusable(STUDIO_CLASSES) == []


def test_red_and_green_are_one_to_deuteranopes() -> None:
    red, green = (178, 96, 60), (124, 124, 40)
    assert difference(red, green) > 25
    found = confusable(ClassTable((LabelClass(1, "liver", red), LabelClass(2, "gallbladder", green))))
    assert ("liver", "gallbladder", "deuteranopes") in found
    assert ("liver", "gallbladder", "everybody") not in found


def test_a_project_gives_a_class_another_colour() -> None:
    changed = STUDIO_CLASSES.recoloured({"Tool_Tip": (1, 2, 3), "unknown": (9, 9, 9)})
    assert changed.by_name("tool tip").colour == (1, 2, 3)
    others = [c for c in changed if c.name != "tool tip"]
    assert others == [c for c in STUDIO_CLASSES if c.name != "tool tip"]
