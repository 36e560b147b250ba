"""The shared libraries of the system that the window needs and no Python package brings."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys

VENV_PACKAGE = f"python3.{sys.version_info[1]}-venv"

# Debian package -> the library that proves it is there. The second half serves a real X screen: Qt's own message then
# names xcb-cursor even when icccm is the one that is missing.
LIBRARIES = {
    "libglib2.0-0": "libglib-2.0.so.0",
    "libgl1": "libGL.so.1",
    "libegl1": "libEGL.so.1",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libdbus-1-3": "libdbus-1.so.3",
    "libfontconfig1": "libfontconfig.so.1",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
}


def missing_packages() -> list[str]:
    """Debian names of what is missing; always empty on macOS and Windows, whose Qt brings all it needs."""
    if not sys.platform.startswith("linux"):
        return []
    missing = [package for package, library in LIBRARIES.items() if not _loads(library)]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(VENV_PACKAGE)
    return missing


def may_install() -> bool:
    """Whether this is root on a machine with apt."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> str:
    """Install Debian packages; return an empty string, or why it failed in one line."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if line.startswith("E:")]
            return errors[-1].removeprefix("E:").strip() if errors else f"{command[1]} ended with {done.returncode}"
    left = missing_packages()
    return f"still missing: {' '.join(left)}" if left else ""


def install_command(packages: list[str]) -> str:
    """What a person types to install them."""
    root = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return f"{root}apt-get update && {root}apt-get install -y {' '.join(packages)}"
    return f"your system's installer for what Debian calls {' '.join(packages)}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
