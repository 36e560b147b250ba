"""Texts can be read: WCAG 2.1's contrast ratio of each text colour on each ground that texts stand on, at least 4.5."""

from __future__ import annotations

import pytest

from studio.gui.theme import DARK, LIGHT, Tokens
from studio.gui.widgets import picture_marks

AA = 4.5
TEXTS = ("text", "muted", "faint", "accent", "good", "warning", "danger")
GROUNDS = ("backdrop", "field", "window", "surface", "raised", "hover")


def luminance(red: float, green: float, blue: float) -> float:
    """WCAG 2.1, relative luminance of 8-bit sRGB."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red / 255, green / 255, blue / 255)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    lighter, darker = sorted((luminance(*first), luminance(*second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgb(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text[1:]))


def test_the_ratio_is_wcags() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.005)  # the grey that just fails


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("text", TEXTS)
def test_texts_can_be_read_on_every_ground(theme: Tokens, text: str) -> None:
    found = {on: round(contrast(rgb(getattr(theme, text)), rgb(getattr(theme, on))), 2) for on in GROUNDS}
    assert min(found.values()) >= AA, found


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_what_is_written_on_the_accent_can_be_read(theme: Tokens) -> None:
    assert contrast(rgb(theme.on_accent), rgb(theme.accent)) >= AA


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_texts_keep_their_order(theme: Tokens) -> None:
    ratios = [contrast(rgb(getattr(theme, t)), rgb(theme.window)) for t in ("text", "muted", "faint", "disabled")]
    assert ratios == sorted(ratios, reverse=True)


@pytest.mark.parametrize("picture", [0, 128, 255])
def test_words_over_any_picture_can_be_read(picture: int) -> None:
    """The tint darkens what lies below it; the words are painted on that."""
    tint, words = picture_marks._TINT, picture_marks._ON_TINT
    below = picture * (1 - tint.alphaF())
    assert contrast((words.red(), words.green(), words.blue()), (below, below, below)) >= AA
