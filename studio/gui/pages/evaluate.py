"""The page Evaluate."""

from __future__ import annotations

from studio.gui.pages.page import Page


class EvaluatePage(Page):
    """To be filled."""

    title = "Evaluate"
    icon_name = "evaluate"
