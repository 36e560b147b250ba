"""The page Train."""

from __future__ import annotations

from studio.gui.pages.page import Page


class TrainPage(Page):
    """To be filled."""

    title = "Train"
    icon_name = "train"
