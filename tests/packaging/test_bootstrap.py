"""The set-up script: what it hands over to, what it says when it can't go on, and that it sets up once only."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PACKAGING / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, with its .venv in a folder of the test's own and system libraries that are there."""
    module = load("bootstrap")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "set-up.stamp")
    monkeypatch.setattr(module, "LOG", tmp_path / ".venv" / "set-up.log")
    monkeypatch.setattr(load("system_libraries"), "missing_packages", list)
    yield module
    for name in ("bootstrap", "system_libraries"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("extra", "folder_added"),
    [
        ([], True),
        (["--quick"], True),
        (["--seed", "3", "--no-gui"], True),
        (["--footage", "my videos"], True),
        (["out"], False),
        (["--quick", "out"], False),
        (["--seed", "3", "out"], False),
        (["out", "--seed", "3"], False),
    ],
)
def test_demo_gets_a_folder_when_none_is_named(bootstrap: ModuleType, extra: list[str], folder_added: bool) -> None:
    command = bootstrap._command("demo", extra)
    assert command[1:5] == ["-P", "-m", "studio", "demo"]
    assert command[5:] == ([bootstrap.DEMO_FOLDER, *extra] if folder_added else extra)


def test_unknown_word_is_a_wrong_call(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["instal"]) == 2
    assert "bootstrap.py WORD" in capsys.readouterr().err


@pytest.mark.parametrize("found", ["python3.13", ""])
def test_wrong_python_is_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: str
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10, 4, "final", 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name if name == found else None)
    assert bootstrap.main(["demo"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "3.10.4" in said[0]
    assert (found or "install Python 3.12") in said[0]


@pytest.mark.parametrize(
    ("pip_says", "line_says"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying: NewConnectionError('Temporary failure in name resolution')", "can't be reached"),
        ("ERROR: Could not install: [Errno 13] Permission denied: '/x'", "can't be written"),
        ("ERROR: No matching distribution found for numpy==9", "No matching distribution found for numpy==9"),
    ],
)
def test_pip_failures_are_one_line_with_a_remedy(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, pip_says: str, line_says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    bootstrap.VENV.mkdir()
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: None)
    script = bootstrap.VENV / "pip"
    script.write_text(f"#!/bin/sh\ncat <<'END'\nCollecting numpy\n{pip_says}\nEND\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(bootstrap, "venv_python", lambda: script)
    assert bootstrap.main(["setup"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("  ")]
    assert line_says in said[-1]
    assert not bootstrap.STAMP.exists()


def test_second_set_up_does_nothing(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "_pip", lambda *arguments: runs.append(arguments))
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: bootstrap.venv_python().parent.mkdir(parents=True))
    bootstrap.set_up()
    bootstrap.venv_python().touch()
    assert [run[0] for run in runs] == ["install", "install"]
    assert "--constraint" in runs[0] and "torch" in runs[0]
    bootstrap.set_up()
    assert len(runs) == 2
    monkeypatch.setattr(bootstrap, "_python_version", lambda: "3.99")
    monkeypatch.setattr(bootstrap, "_make_venv", lambda: None)
    bootstrap.set_up()
    assert len(runs) == 4


def test_broken_environment_counts_as_none(bootstrap: ModuleType) -> None:
    assert bootstrap._venv_version() == ""
    bootstrap.venv_python().parent.mkdir(parents=True)
    bootstrap.venv_python().symlink_to("/nonexistent/python")
    assert bootstrap._venv_version() == ""


def test_exit_status_is_handed_through(bootstrap: ModuleType) -> None:
    assert bootstrap.hand_over([sys.executable, "-c", "raise SystemExit(7)"]) == 7
    assert bootstrap.hand_over([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137


def test_missing_libraries_stop_only_what_needs_them(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    libraries = sys.modules["system_libraries"]
    monkeypatch.setattr(libraries, "missing_packages", lambda: ["libegl1"])
    monkeypatch.setattr(libraries, "may_install", lambda: False)
    monkeypatch.setattr(libraries.shutil, "which", lambda name: "/usr/bin/" + name)
    monkeypatch.setattr(libraries.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap, "set_up", lambda: None)
    monkeypatch.setattr(bootstrap, "hand_over", lambda command: 0)
    assert bootstrap.main(["run"]) == 1
    assert "sudo apt-get update && sudo apt-get install -y libegl1" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")
    assert bootstrap.main(["demo"]) == 1
    capsys.readouterr()
    assert bootstrap.main(["demo", "--no-gui"]) == 0
    assert "sudo apt-get install -y libegl1" in capsys.readouterr().err


def test_libraries_are_looked_for_by_loading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = load("system_libraries")
    monkeypatch.setattr(libraries.sys, "platform", "linux")
    monkeypatch.setattr(libraries, "LIBRARIES", {"libc6": "libc.so.6", "libnothing9": "libnothing-of-ours.so.9"})
    assert libraries.missing_packages() == ["libnothing9"]
    monkeypatch.setattr(libraries.sys, "platform", "darwin")
    assert libraries.missing_packages() == []


def test_script_runs_by_itself_without_anything_installed() -> None:
    command = [sys.executable, "-I", "-S", str(PACKAGING / "bootstrap.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python3 packaging/bootstrap.py")
