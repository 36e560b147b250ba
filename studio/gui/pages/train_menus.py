"""The two menus of the page Train: runs to compare with, and runs to put back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from studio.gui.widgets.run_list import RUN_COLOURS


def open_comparison(
    menu: QMenu, place: QPoint, *, names: Sequence[str], chosen: str, selected: Collection[str],
    toggle: Callable[[str], None], stop: Callable[[], None],
) -> None:  # fmt: skip
    """Offer the other runs, those that are compared already ticked; as many as there are colours can be."""
    menu.clear()
    menu.addAction(f"Compare {_shown(chosen)} with").setEnabled(False)
    for name in names:
        if name != chosen:
            action = menu.addAction(_shown(name), lambda n=name: toggle(n))  # type: ignore[misc]
            action.setCheckable(True)
            action.setChecked(name in selected)
            action.setEnabled(name in selected or len(selected) < len(RUN_COLOURS))
    if len(selected) > 1:
        menu.addSeparator()
        menu.addAction("Stop comparing", stop)
    menu.popup(place, menu.actions()[1])


def open_trash(menu: QMenu, place: QPoint, *, names: Sequence[str], put_back: Callable[[str], None]) -> None:
    """Offer the runs in the trash."""
    menu.clear()
    menu.addAction("Put back").setEnabled(False)
    for name in names:
        menu.addAction(_shown(name), lambda n=name: put_back(n))  # type: ignore[misc]
    menu.popup(place, menu.actions()[1])


def _shown(name: str) -> str:
    """A name in a menu, where & marks a key."""
    return name.replace("&", "&&")
