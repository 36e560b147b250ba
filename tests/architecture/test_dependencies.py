"""Dependencies: what the code imports is declared, what is declared is imported, and all of it is pinned."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version

from tests.architecture.source_tree import ROOT, modules

IMPORTED_AS = {
    "opencv-python-headless": "cv2",
    "pyside6-essentials": "PySide6",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "pytorch-msssim": "pytorch_msssim",
    "pillow": "PIL",
    "openexr": "OpenEXR",
    "lightning-fabric": "lightning_fabric",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEV = PROJECT["optional-dependencies"]["dev"]


def distribution(requirement: str) -> str:
    """The normalised name at the head of a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ ;<>=!~\[(]", requirement)[0]).lower()


DECLARED = {IMPORTED_AS.get(name, name) for name in map(distribution, PROJECT["dependencies"])}
PINS = {
    distribution(line): line.split("==")[1].split(";")[0].strip()
    for line in (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
}


def imported(folder: str) -> set[str]:
    """Top-level packages that a folder's modules import from outside the standard library."""
    names = {name.split(".")[0] for module in modules(folder) for _, name in module.imports()}
    return names - set(sys.stdlib_module_names) - {"studio", "tests"}


def test_what_is_imported_is_declared() -> None:
    assert imported("studio") - DECLARED - {"shiboken6"} == set()
    tools = {IMPORTED_AS.get(name, name) for name in map(distribution, DEV)} | {"pytestqt", "packaging"}
    assert imported("tests") - DECLARED - {"shiboken6"} - tools == set()


def test_what_is_declared_is_imported() -> None:
    assert DECLARED - imported("studio") == set()


def test_the_whole_set_is_pinned() -> None:
    """Every requirement of every pinned package that applies here has a pin too."""
    wanted = {distribution(requirement) for requirement in [*PROJECT["dependencies"], *DEV, "setuptools"]}
    for name in list(PINS):
        wanted |= {distribution(line) for line in _applying_requirements(name)}
    assert wanted - set(PINS) == set()


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {name: _installed(name) for name in PINS}
    assert len([name for name in installed if installed[name]]) > 30
    differing = {name: (found, PINS[name]) for name, found in installed.items() if found and found != PINS[name]}
    assert differing == {}


def _applying_requirements(name: str, extra: str = "") -> list[str]:
    """What a package asks for here, also through the extras that it names of others, as in ``fsspec[http]``."""
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return []
    applying = [each for each in declared if each.marker is None or each.marker.evaluate({"extra": extra})]
    through_extras = [_applying_requirements(each.name, asked) for each in applying for asked in each.extras]
    return [each.name for each in applying] + [name for names in through_extras for name in names]


def _installed(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return ""
