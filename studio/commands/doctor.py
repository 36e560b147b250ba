"""What this machine can do: versions, processor, graphics card, display, disk."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from studio import __version__

_PACKAGES = (
    "torch", "lightning-fabric", "PySide6-Essentials", "pyqtgraph", "numpy", "opencv-python-headless", "scikit-image",
    "embreex", "trimesh", "OpenEXR", "h5py", "safetensors", "pycocotools", "av",
)  # fmt: skip


def examine() -> dict[str, Any]:
    """Facts and advice. ``failed`` is True when something needed is missing; ``problems`` says what to do about it."""
    packages = {name: _version(name) for name in _PACKAGES}
    problems = [
        f"{name} is not installed. Run: python3 packaging/bootstrap.py setup"
        for name, version in packages.items() if version == "missing"
    ]  # fmt: skip
    if packages["PySide6-Essentials"].startswith("6.12") and sys.version_info[:2] == (3, 11):
        problems.append("PySide6 6.12 crashes on Python 3.11. Run: python3 packaging/bootstrap.py setup")
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    if free_gb < 2:
        problems.append(f"Only {free_gb:.1f} GB of disk are free here.")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "packages": packages,
        **_torch_facts(),
        "display": _display(),
        "disk_free_gb": round(free_gb, 1),
        "temporary_folder": tempfile.gettempdir(),
        "problems": problems,
        "failed": bool(problems),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _torch_facts() -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        return {}
    from studio.translator.devices import bf16_is_fast, chosen_device, gpu_count

    device = chosen_device("auto")
    return {"device": str(device), "gpus": gpu_count(), "bf16_in_hardware": bf16_is_fast(device)}


def _display() -> str:
    if sys.platform in ("win32", "darwin"):
        return "native"
    return (
        os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "none (the window needs one; commands don't)"
    )
