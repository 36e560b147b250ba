"""The page Export."""

from __future__ import annotations

from studio.gui.pages.page import Page


class ExportPage(Page):
    """To be filled."""

    title = "Export"
    icon_name = "export"
