"""Which pages there are, in the order of the flow."""

from __future__ import annotations

import importlib

from studio.gui.actions import Action
from studio.gui.pages.page import Page

PAGES: tuple[tuple[str, str], ...] = (
    ("studio.gui.pages.scenes", "ScenesPage"),
    ("studio.gui.pages.footage", "FootagePage"),
    ("studio.gui.pages.train", "TrainPage"),
    ("studio.gui.pages.styles", "StylesPage"),
    ("studio.gui.pages.curate", "CuratePage"),
    ("studio.gui.pages.export", "ExportPage"),
    ("studio.gui.pages.evaluate", "EvaluatePage"),
)


def page_classes() -> tuple[type[Page], ...]:
    """All page classes; importing them loads neither torch nor the plotting library."""
    return tuple(getattr(importlib.import_module(module), name) for module, name in PAGES)


def rows_of(pages: tuple[type[Page], ...]) -> tuple[Action, ...]:
    """The action rows of all pages."""
    return tuple(row for page in pages for row in page.rows)
