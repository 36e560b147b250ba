"""What starting costs: the command line pays neither for Qt nor for torch, the window never for torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

HEAVY = ("torch", "PySide6", "pyqtgraph")

MODULES_AFTER = """
import json, runpy, sys
sys.argv = ["trocar", "--help"]
try:
    runpy.run_module("studio", run_name="__main__")
except SystemExit as end:
    assert end.code in (0, None), end.code
print(json.dumps([name for name in {heavy} if name in sys.modules]))
"""


def run_python(source: str, *, home: Path) -> str:
    """The last line that a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_help_loads_neither_qt_nor_torch(tmp_path: Path) -> None:
    if not (ROOT / "studio" / "__main__.py").exists():
        pytest.skip("the command line is not there yet")
    assert json.loads(run_python(MODULES_AFTER.replace("{heavy}", repr(HEAVY)), home=tmp_path)) == []
