"""What starting costs: the command line pays neither for Qt nor for torch, the window never for torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import ROOT

SHOW_HELP = """
import json, runpy, sys
sys.argv = ["trocar", "--help"]
try:
    runpy.run_module("studio", run_name="__main__")
except SystemExit as end:
    assert end.code in (0, None), end.code
print(json.dumps([name for name in ("torch", "PySide6", "pyqtgraph", "cv2") if name in sys.modules]))
"""

SHOW_WINDOW = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QSettings
from studio.gui.app import application, build_window
from studio.project.project import Project
app = application()
Project.create(Path("empty")).close()
settings = QSettings("window.ini", QSettings.Format.IniFormat)
window = build_window(Path("empty.trocar"), settings=settings)
window.show()
app.processEvents()
assert window.isVisible() and window.session.is_open
pages = [action for action in window.actions_table if action.id.startswith("go.")]
for action in pages:
    window.actions_table.qaction(action.id).trigger()
    app.processEvents()
window.close()
print(json.dumps({"pages": len(pages), "torch": "torch" in sys.modules}))
"""


def run_python(source: str, *, home: Path) -> str:
    """The last line that a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_help_loads_neither_qt_nor_torch(tmp_path: Path) -> None:
    assert json.loads(run_python(SHOW_HELP, home=tmp_path)) == []


def test_window_and_all_its_pages_load_no_torch(tmp_path: Path) -> None:
    assert json.loads(run_python(SHOW_WINDOW, home=tmp_path)) == {"pages": 7, "torch": False}
