"""From what the inspector says to styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_draw import DrawPanel
from studio.gui.pages.styles_lab import StyleLab
from studio.styles.distribution import FittedCodes, fit_codes
from studio.styles.sampling import from_average, from_reference, sample_cover, sample_fitted, sample_random
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Style

DRAFT = "not kept yet"
_FIRST = 4


def drawn(panel: DrawPanel, lab: StyleLab, bench: StyleBench, *, footage_row: int, base: Style | None) -> list[Style]:
    """Styles in the way that is chosen; ``base`` is the style in hand. Raise InputError when something is missing."""
    way, codes, seed = panel.chosen_way, lab.codes, bench.next_seed()
    count, temperature = panel.count.value(), panel.temperature.value()
    if way == "blend":
        draft = blend(panel, bench.styles)
        if draft is None:
            raise InputError("two different styles are needed for a blend", remedy="Choose them above.")
        return [replace(draft, name=f"{panel.first.currentText()} + {panel.second.currentText()}")]
    if way == "walk":
        found = walked(panel, lab, base)
        if base is None or found is None:
            raise InputError("no slider has been moved", remedy="Choose a style, then move a slider above.")
        panel.axes.moved_to.clear()
        stand_at(panel, lab, base, anew=True)
        return [replace(found, name=f"{base.name} moved")]
    if way == "reference":
        found = reference(panel, lab, footage_row)
        if found is None:
            raise InputError("no footage frame is chosen", remedy="Click a dot on the map: it is that frame's style.")
        return [found]
    if way == "random" or codes is None:
        if not lab.style_size:
            raise InputError("the preview engine is still starting", remedy="Try again in a moment.")
        return sample_random(count, lab.style_size, temperature=temperature, seed=seed)
    if way == "fitted":
        return sample_fitted(codes.codes_NS, count, temperature=temperature, seed=seed)
    return sample_cover(codes.codes_NS, count, seed=seed, sources=codes.names)


def first(lab: StyleLab, seed: int) -> list[Style]:
    """What a run is looked at with first: few styles that stand for its footage, or random ones while that has not
    been encoded."""
    codes = lab.codes
    if codes is not None and len(np.unique(codes.codes_NS, axis=0)) >= _FIRST and not lab.codes_are_stale:
        return sample_cover(codes.codes_NS, _FIRST, seed=seed, sources=codes.names)
    return sample_random(_FIRST, lab.style_size, seed=seed)


def another(style: Style, panel: DrawPanel, lab: StyleLab, bench: StyleBench) -> Style:
    """A style in the place of one: like the footage where that is known, else at random. It keeps name and pin."""
    codes, seed, temperature = lab.codes, bench.next_seed(), panel.temperature.value()
    if codes is not None and len(codes.ids) > 1 and codes.codes_NS.shape[1] == len(style.code):
        new = sample_fitted(codes.codes_NS, 1, temperature=temperature, seed=seed)[0]
    else:
        new = sample_random(1, len(style.code), temperature=temperature, seed=seed)[0]
    return replace(new, name=style.name, pinned=style.pinned)


def draft(
    panel: DrawPanel, lab: StyleLab, styles: Sequence[Style], *, base: Style | None, footage_row: int
) -> Style | None:
    """The style that the sliders or the dot that was clicked show before it is kept, if they show one."""
    if panel.chosen_way == "blend":
        return blend(panel, styles)
    if panel.chosen_way == "reference":
        found = reference(panel, lab, footage_row)
        taken = found is None or any(s.code == found.code for s in styles)
        return None if found is None or taken else replace(found, name=DRAFT)
    return walked(panel, lab, base) if panel.chosen_way == "walk" else None


def reference(panel: DrawPanel, lab: StyleLab, footage_row: int) -> Style | None:
    """The style of a footage frame, or the mean style of its video; None when no frame is chosen."""
    codes = lab.all_codes
    if codes is None or not 0 <= footage_row < len(codes.ids):
        return None
    if not panel.whole_video.isChecked():
        return from_reference(codes.codes_NS[footage_row], source=codes.names[footage_row])
    patient = codes.patients[footage_row]
    rows = [i for i, p in enumerate(codes.patients) if p == patient]
    return from_average(codes.codes_NS[rows], source=patient, name=f"mean of {patient}")


def code_axes(lab: StyleLab, size: int) -> tuple[FittedCodes, np.ndarray]:
    """Principal axes of the footage's codes and their shares of the variance; without footage the code's own numbers
    as the translator was trained with, N(0, 1), and no shares."""
    codes = lab.codes
    if codes is None or len(codes.ids) < 2 or codes.codes_NS.shape[1] != size:
        return FittedCodes(np.zeros(size), np.eye(size), np.ones(size), 1.0), np.zeros(0)
    fitted = fit_codes(codes.codes_NS)
    variances_S = fitted.deviations_S**2
    return fitted, variances_S / variances_S.sum()


def stand_at(panel: DrawPanel, lab: StyleLab, base: Style | None, *, anew: bool = False) -> None:
    """Let the axis sliders stand at a style; those that a person is moving stay until another style is in hand."""
    place = None if base is None else (base.code, None if lab.codes is None else lab.codes.fingerprint)
    if place == panel.axes.place and not anew:
        return
    panel.axes.place = place
    if base is None:
        panel.axes.show_axes((), ())
        return
    fitted, shares_S = code_axes(lab, len(base.code))
    panel.axes.show_axes(fitted.coordinates(np.array([base.code]))[0].tolist(), shares_S.tolist())


def walked(panel: DrawPanel, lab: StyleLab, base: Style | None) -> Style | None:
    """The style in hand with the coordinates that were moved, or None when none was."""
    if base is None or not panel.axes.moved_to:
        return None
    fitted, _ = code_axes(lab, len(base.code))
    code_S = np.array(base.code, np.float64)
    for axis, to in panel.axes.moved_to.items():
        code_S = fitted.moved(code_S, axis, to)
    code = tuple(float(np.float32(v)) for v in code_S)
    return Style(DRAFT, code, "manual", source=f"along the axes from {base.name}")


def blend(panel: DrawPanel, styles: Sequence[Style]) -> Style | None:
    """The point between the two styles that the slider says, or None when they are not two of one size."""
    first, second = panel.first.currentIndex(), panel.second.currentIndex()
    if not (0 <= first < len(styles) and 0 <= second < len(styles)) or first == second:
        return None
    if len(styles[first].code) != len(styles[second].code):
        return None
    return styles[first].blended(styles[second], panel.share.value() / 100, name=DRAFT)
