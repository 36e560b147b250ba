"""The styles that are being tuned, and every step of it as an edit that can be undone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio.vocabulary.seeds import derived_seed
from studio.vocabulary.styles import Style

Styles = tuple[Style, ...]


class StyleBench(QObject):
    """``changed`` after every edit, undo and redo. Names are unique: a new style gives way."""

    changed = Signal()

    def __init__(self, stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stack = stack
        self._styles: Styles = ()
        self._rolls = 0

    @property
    def styles(self) -> Styles:
        return self._styles

    def next_seed(self) -> int:
        """Another seed for each draw of this session, the same ones in the same order every time."""
        self._rolls += 1
        return derived_seed(0, "style bench", self._rolls) % 1_000_000

    def load(self, styles: Sequence[Style]) -> None:
        """Lay another set on the bench; not an edit."""
        self._styles = tuple(styles)
        self.changed.emit()

    def edit(self, label: str, styles: Sequence[Style]) -> None:
        """Replace all styles as one step named ``label``."""
        if tuple(styles) != self._styles:
            self._stack.push(_Edit(self, label, self._styles, tuple(styles)))

    def add(self, label: str, styles: Sequence[Style]) -> None:
        """Put new styles behind those there are."""
        self.edit(label, unique((*self._styles, *styles), keep=len(self._styles)))

    def draw_anew(self, label: str, styles: Sequence[Style]) -> None:
        """New styles in the place of all that are not pinned."""
        pinned = [s for s in self._styles if s.pinned]
        self.edit(label, unique((*pinned, *styles), keep=len(pinned)))

    def replace(self, label: str, index: int, style: Style) -> None:
        others = [s.name for i, s in enumerate(self._styles) if i != index]
        changed = list(self._styles)
        changed[index] = replace(style, name=free_name(style.name, others))
        self.edit(label, changed)

    def pin(self, index: int) -> None:
        """Pin or let go: drawing anew keeps what is pinned."""
        style = self._styles[index]
        verb = "unpin" if style.pinned else "pin"
        self.replace(f"{verb} {style.name}", index, replace(style, pinned=not style.pinned))

    def rename(self, index: int, name: str) -> None:
        name = " ".join(name.split())
        if name and name != self._styles[index].name:
            self.replace(f"rename {self._styles[index].name}", index, replace(self._styles[index], name=name))

    def drop(self, indices: Sequence[int]) -> None:
        gone = set(indices)
        names = ", ".join(self._styles[i].name for i in sorted(gone))
        self.edit(f"drop {names}", [s for i, s in enumerate(self._styles) if i not in gone])

    def _set(self, styles: Styles) -> None:
        self._styles = styles
        self.changed.emit()


class _Edit(QUndoCommand):
    def __init__(self, bench: StyleBench, label: str, before: Styles, after: Styles) -> None:
        super().__init__(label)
        self._bench, self._before, self._after = bench, before, after

    def undo(self) -> None:
        self._bench._set(self._before)

    def redo(self) -> None:
        self._bench._set(self._after)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the name with the first number that makes it free."""
    if name not in taken:
        return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def unique(styles: Sequence[Style], *, keep: int = 0) -> Styles:
    """The same styles with names that differ; the first ``keep`` keep theirs."""
    result, taken = list(styles[:keep]), {s.name for s in styles[:keep]}
    for style in styles[keep:]:
        name = free_name(style.name, taken)
        result.append(style if name == style.name else replace(style, name=name))
        taken.add(name)
    return tuple(result)
