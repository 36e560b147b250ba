"""The layouts that scenes may have, as a menu."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from studio.scenes.layouts import folders
from studio.scenes.readers import LAYOUTS

_TITLES = {
    "image2image": "image2image, of the published data sets", "frames": "frames, of the simulator here",
    "blenderproc": "BlenderProc, HDF5", "solo": "Unity Perception, SOLO", "bop": "BOP",
    "nerfstudio": "nerfstudio, instant-ngp", "folders": "plain folders",
}  # fmt: skip


def layout_menu(parent: QWidget, chosen: Callable[[str], None]) -> QMenu:
    """A menu that calls ``chosen`` with the name of a layout; each row says what such a folder holds."""
    menu = QMenu("Add folder of a layout", parent)
    menu.setToolTipsVisible(True)
    for name, reader in LAYOUTS.items():
        action = menu.addAction(f"{_TITLES.get(name, name)}…", partial(chosen, name))
        action.setObjectName(name)
        holds = f"A folder that holds {reader.example}"
        action.setToolTip("You say which folder holds which layer" if name == folders.NAME else holds)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
