"""What every test stands on: no display, one thread, settings of nobody, the same examples on every run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_CHECKOUT = Path(__file__).resolve().parent.parent
_HOME = Path(tempfile.mkdtemp(prefix="trocar-tests-"))

# Before anything imports Qt, numpy or torch: they read these once. Children of the tests inherit them.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["PYTHONHASHSEED"] = "0"
for _threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_threads] = "1"
for _kind in ("CONFIG", "CACHE", "DATA", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = str(_HOME / _kind.lower())

# A shell that starts the tests in the background, or nohup, hands down signals that are ignored: those who are to stop
# at a signal, and their children, would never see it.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ignored in ("SIGTERM", "SIGHUP"):
    if hasattr(signal, _ignored):  # Windows has no SIGHUP
        signal.signal(getattr(signal, _ignored), signal.SIG_DFL)

settings.register_profile(
    "trocar",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("trocar")


def pytest_sessionfinish() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _same_working_folder() -> Iterator[None]:
    """A test that changes the working folder does not change it for the next one."""
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder with real frames, masks and meshes, which is no part of the tree."""
    named = os.environ.get("TROCAR_TESTDATA")
    places = [Path(named)] if named else [base / "shared" / "testdata" for base in (_CHECKOUT.parent, _CHECKOUT)]
    for place in places:
        if place.is_dir():
            return place
    pytest.skip("no test data: set TROCAR_TESTDATA to its folder, or put it into shared/testdata beside the checkout")
