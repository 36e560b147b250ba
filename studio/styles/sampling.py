"""Drawing styles: at random, from references, from the footage's distribution, or covering the footage.

Codes are rows of float numbers, about N(0, 1) each (MUNIT, arXiv 1804.04732). Same seed, same styles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.styles.covering import choose_cover
from studio.styles.distances import checked_codes
from studio.styles.distribution import fit_codes
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream
from studio.vocabulary.styles import Style, StyleOrigin

MAX_STYLES = 10_000


def sample_random(count: int, size: int, *, temperature: float = 1.0, seed: int = 0) -> list[Style]:
    """Codes from N(0, temperature² I). ``temperature`` 0 gives the mean style ``count`` times."""
    _check_count(count)
    _check_temperature(temperature)
    if size < 1:
        raise InputError(f"a style size of {size}", where="styles", remedy="Give the translator's style size.")
    codes = stream(seed, "styles", "random").normal(size=(count, size)) * temperature
    return named_styles(codes, origin="random", prefix="random")


def sample_fitted(codes_NS: np.ndarray, count: int, *, temperature: float = 1.0, seed: int = 0) -> list[Style]:
    """Codes from the Gaussian fitted to the footage's codes (shrunk covariance), spread by ``temperature``.

    Raise InputError for fewer than two footage codes.
    """
    _check_count(count)
    _check_temperature(temperature)
    fitted = fit_codes(codes_NS)
    white_CS = stream(seed, "styles", "fitted").normal(size=(count, fitted.size)) * temperature
    return named_styles(fitted.coloured(white_CS), origin="random", prefix="fitted", source="footage")


def sample_cover(
    footage_codes_NS: np.ndarray, count: int, *, seed: int = 0, sources: Sequence[str] | None = None
) -> list[Style]:
    """``count`` of the footage's own codes that stand for all (k-medoids), the most typical first.

    ``sources`` names the footage frame of every row. Raise InputError when the footage has fewer different codes.
    """
    _check_count(count)
    codes = checked_codes(footage_codes_NS)
    distinct = len(np.unique(codes, axis=0))
    if distinct < count:
        raise InputError(
            f"{count} styles wanted, the footage holds {distinct} different ones",
            where="styles",
            remedy=f"Ask for at most {distinct}, or draw at random.",
        )
    rows = choose_cover(codes, count, seed=seed)
    names = [sources[r] for r in rows] if sources is not None else [""] * count
    return [
        Style(f"cover {i + 1:02d}", _as_code(codes[row]), "cover", source=name)
        for i, (row, name) in enumerate(zip(rows, names, strict=True))
    ]


def from_reference(code_S: np.ndarray | Sequence[float], *, source: str, name: str = "") -> Style:
    """The style of one footage frame, as its encoder gave it. Raise InputError when the code is not finite."""
    code = checked_codes(np.asarray(code_S, np.float64)[None, :], where=source)[0]
    return Style(name or f"like {source}", _as_code(code), "reference", source=source)


def from_average(codes_NS: np.ndarray, *, source: str, name: str = "") -> Style:
    """The mean style of several frames, say of one video."""
    return from_reference(checked_codes(codes_NS, where=source).mean(axis=0), source=source, name=name)


def blends(first: Style, second: Style, count: int) -> list[Style]:
    """``count`` styles strictly between two, equally spaced."""
    shares = [(i + 1) / (count + 1) for i in range(count)]
    return [first.blended(second, s, name=f"{first.name} to {second.name} {s:.2f}") for s in shares]


def named_styles(
    codes_NS: np.ndarray, *, origin: StyleOrigin, prefix: str, source: str = "", first: int = 1
) -> list[Style]:
    """Styles "prefix 01", "prefix 02", … of the codes' rows."""
    return [
        Style(f"{prefix} {first + i:02d}", _as_code(code), origin, source=source) for i, code in enumerate(codes_NS)
    ]


def _as_code(code_S: np.ndarray) -> tuple[float, ...]:
    # Through float32: a style is the same before and after it was kept, and is what the network sees.
    return tuple(float(np.float32(v)) for v in code_S)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_STYLES:
        raise InputError(f"{count} styles wanted", where="styles", remedy=f"Ask for 1 to {MAX_STYLES}.")


def _check_temperature(temperature: float) -> None:
    if not 0 <= temperature <= 10:
        raise InputError(f"a temperature of {temperature}", where="styles", remedy="Use 0 to 10; 1 is the usual one.")
