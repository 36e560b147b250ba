"""Copying and saving what a picture view shows, in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.files.pictures import write_png
from studio.gui.models.pictures import qimage
from studio.vocabulary.errors import InputError


class PictureOutput:
    """``picture`` gives uint8 HxWx3 or None; ``say`` puts a line into the view."""

    def __init__(self, view: QWidget, picture: Callable[[], np.ndarray | None], say: Callable[[str], None]) -> None:
        self._view, self._picture, self._say = view, picture, say

    def copy(self) -> None:
        """Put it on the clipboard."""
        picture_HW3 = self._picture()
        if picture_HW3 is not None:
            QGuiApplication.clipboard().setImage(qimage(picture_HW3))
            self._say("Copied.")

    def save(self, path: Path) -> None:
        """Write it as PNG, and say in the view how that went."""
        picture_HW3 = self._picture()
        if picture_HW3 is None:
            return
        try:
            write_png(path, picture_HW3)
        except (InputError, OSError) as error:
            self._say(str(error))
        else:
            self._say(f"Wrote {path.name}")

    def add_to(self, menu: QMenu) -> None:
        """The menu's entries for both."""
        for text, act in (("Copy picture\tCtrl+C", self.copy), ("Save picture…", self._ask)):
            menu.addAction(text, act).setEnabled(self._picture() is not None)

    def _ask(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self._view, "Save what is shown", "picture.png", "PNG picture (*.png)")
        if name:
            path = Path(name)
            self.save(path if path.suffix else path.with_suffix(".png"))
