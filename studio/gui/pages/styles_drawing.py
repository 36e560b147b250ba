"""From what the inspector says to styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_draw import DrawPanel
from studio.gui.pages.styles_lab import StyleLab
from studio.styles.sampling import from_reference, sample_cover, sample_fitted, sample_random
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Style

DRAFT = "blend, not kept yet"


def drawn(panel: DrawPanel, lab: StyleLab, bench: StyleBench, *, footage_row: int) -> list[Style]:
    """Styles in the way that is chosen. Raise InputError when something for it is missing."""
    way, codes, seed = panel.chosen_way, lab.codes, bench.next_seed()
    count, temperature = panel.count.value(), panel.temperature.value()
    if way == "blend":
        draft = blend(panel, bench.styles)
        if draft is None:
            raise InputError("two different styles are needed for a blend", remedy="Choose them above.")
        return [replace(draft, name=f"{panel.first.currentText()} + {panel.second.currentText()}")]
    if way == "reference":
        if codes is None or not 0 <= footage_row < len(codes.ids):
            raise InputError("no footage frame is chosen", remedy="Click a dot on the map: it is that frame's style.")
        return [from_reference(codes.codes_NS[footage_row], source=codes.names[footage_row])]
    if way == "random" or codes is None:
        if not lab.style_size:
            raise InputError("the preview engine is still starting", remedy="Try again in a moment.")
        return sample_random(count, lab.style_size, temperature=temperature, seed=seed)
    if way == "fitted":
        return sample_fitted(codes.codes_NS, count, temperature=temperature, seed=seed)
    return sample_cover(codes.codes_NS, count, seed=seed, sources=codes.names)


def another(style: Style, panel: DrawPanel, lab: StyleLab, bench: StyleBench) -> Style:
    """A style in the place of one: like the footage where that is known, else at random. It keeps name and pin."""
    codes, seed, temperature = lab.codes, bench.next_seed(), panel.temperature.value()
    if codes is not None and len(codes.ids) > 1 and codes.codes_NS.shape[1] == len(style.code):
        new = sample_fitted(codes.codes_NS, 1, temperature=temperature, seed=seed)[0]
    else:
        new = sample_random(1, len(style.code), temperature=temperature, seed=seed)[0]
    return replace(new, name=style.name, pinned=style.pinned)


def blend(panel: DrawPanel, styles: Sequence[Style]) -> Style | None:
    """The point between the two styles that the slider says, or None when they are not two of one size."""
    first, second = panel.first.currentIndex(), panel.second.currentIndex()
    if not (0 <= first < len(styles) and 0 <= second < len(styles)) or first == second:
        return None
    if len(styles[first].code) != len(styles[second].code):
        return None
    return styles[first].blended(styles[second], panel.share.value() / 100, name=DRAFT)
