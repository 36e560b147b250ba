"""Who may import Qt and torch. The direction between the packages is import-linter's, in pyproject.toml."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from tests.architecture.source_tree import Module, modules

QT = ("PySide6", "shiboken6", "pyqtgraph", "PyQt5", "PyQt6", "qtpy")
TORCH = ("torch", "torchvision", "torchmetrics", "pytorch_msssim", "safetensors.torch", "lightning", "lightning_fabric")
MAY_IMPORT_TORCH = ("studio.translator", "studio.styles", "studio.quality", "studio.segmenter")


def offences(module: Module, forbidden: tuple[str, ...]) -> list[str]:
    """path:line and name of every import of one of the forbidden packages."""
    return [
        f"{module.path}:{line} imports {name}"
        for line, name in module.imports()
        if any(name == package or name.startswith(package + ".") for package in forbidden)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import PySide6.QtCore",
        "def f():\n    from PySide6 import QtWidgets",
        "import importlib\nimportlib.import_module('PySide6.QtGui')",
        "try:\n    import pyqtgraph as pg\nexcept ImportError:\n    pass",
    ],
)
def test_every_way_to_import_is_seen(source: str) -> None:
    assert offences(Module("studio.x", Path("studio/x.py"), 1, ast.parse(source)), QT)


def test_relative_imports_are_resolved() -> None:
    source = textwrap.dedent("""
        from . import networks
        from ..jobs.events import Done
    """)
    module = Module("studio.styles.drawing", Path("studio/styles/drawing.py"), 2, ast.parse(source))
    assert [name for _, name in module.imports()] == ["studio.styles.networks", "studio.jobs.events.Done"]


def test_only_the_window_imports_qt() -> None:
    engine = [module for module in modules() if not module.name.startswith("studio.gui")]
    assert len(engine) > 20
    assert [offence for module in engine for offence in offences(module, QT)] == []


def test_only_the_learning_packages_import_torch() -> None:
    rest = [module for module in modules() if not module.name.startswith(MAY_IMPORT_TORCH)]
    assert [offence for module in rest for offence in offences(module, TORCH)] == []


def test_package_files_of_learning_packages_import_no_torch() -> None:
    """Importing ``studio.styles.sampling`` must not pay for torch because its package file does."""
    package_files = [module for module in modules() if module.path.name == "__init__.py"]
    assert [offence for module in package_files for offence in offences(module, TORCH)] == []
