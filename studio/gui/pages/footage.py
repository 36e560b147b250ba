"""The page Footage."""

from __future__ import annotations

from studio.gui.pages.page import Page


class FootagePage(Page):
    """To be filled."""

    title = "Footage"
    icon_name = "footage"
