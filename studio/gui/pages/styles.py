"""The page Styles."""

from __future__ import annotations

from studio.gui.pages.page import Page


class StylesPage(Page):
    """To be filled."""

    title = "Styles"
    icon_name = "styles"
