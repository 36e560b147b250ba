"""The page Curate."""

from __future__ import annotations

from studio.gui.pages.page import Page


class CuratePage(Page):
    """To be filled."""

    title = "Curate"
    icon_name = "curate"
