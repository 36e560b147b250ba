"""The page Scenes."""

from __future__ import annotations

from studio.gui.pages.page import Page


class ScenesPage(Page):
    """To be filled."""

    title = "Scenes"
    icon_name = "scenes"
