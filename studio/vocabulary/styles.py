"""Style codes and palettes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from studio.vocabulary.errors import InputError

StyleOrigin = Literal["random", "reference", "cover", "blend", "manual"]


@dataclass(frozen=True, slots=True)
class Style:
    """One style code (real numbers, about N(0, 1) each) and where it comes from.

    ``source`` names the footage frame it was encoded from, if any.
    """

    name: str
    code: tuple[float, ...]
    origin: StyleOrigin
    source: str = ""
    pinned: bool = False

    def blended(self, other: Style, share: float, *, name: str) -> Style:
        """The point ``share`` (0 to 1) of the way to another style."""
        if len(self.code) != len(other.code):
            raise InputError("styles of different sizes cannot be blended", where=f"{self.name}, {other.name}")
        code = tuple((1 - share) * a + share * b for a, b in zip(self.code, other.code, strict=True))
        return Style(name, code, "blend", source=f"{self.name}+{other.name}@{share:.2f}")


@dataclass(frozen=True)
class Palette:
    """A named, kept set of styles of one run. All codes have the same size; names are unique. ``notes``: a person's."""

    name: str
    run: str
    styles: tuple[Style, ...]
    notes: str = ""

    def __post_init__(self) -> None:
        if len({len(s.code) for s in self.styles}) > 1:
            raise InputError("the styles differ in size", where=f"palette {self.name}")
        if len({s.name for s in self.styles}) != len(self.styles):
            raise InputError("two styles share a name", where=f"palette {self.name}")

    def codes_NS(self) -> np.ndarray:
        """float32 codes, a row a style."""
        return np.array([s.code for s in self.styles], np.float32).reshape(len(self.styles), -1)

    def with_styles(self, styles: tuple[Style, ...]) -> Palette:
        return replace(self, styles=styles)
