"""A disk that is too small for a simulation: said beforehand with how much it takes, and on the way."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from studio.files import atomic
from studio.jobs.stages import result_of
from studio.scenes.simulator import PhantomSettings, SimulationSettings, phantom, simulate, simulate_phantom, simulation
from studio.scenes.simulator.settings import expected_bytes
from studio.vocabulary.errors import DiskFull

SETTINGS = SimulationSettings(4, 1, size=(64, 36), processes=1)
_Usage = namedtuple("_Usage", "total used free")


def _free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**12, 10**12 - count, count))


def test_frames_that_will_not_fit_are_refused_before_any_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, 1_000_000)
    large = SimulationSettings(20_000, 2, processes=1)
    # 452 x 256 px of about 7.2 bytes, 20,000 times, is 16.7 GB.
    with pytest.raises(DiskFull, match=r"needs about 16\.7 GB, 1\.0 MB are free"):
        next(simulate(tmp_path / "out", large))
    assert not (tmp_path / "out").exists()


def test_only_what_is_missing_has_to_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result_of(simulate(tmp_path / "out", SETTINGS))
    _free(monkeypatch, 10)
    assert result_of(simulate(tmp_path / "out", SETTINGS))["frames"] == 4
    (tmp_path / "out/patient_000/rgb/000001.png").unlink()
    with pytest.raises(DiskFull, match=r"needs about 0\.0 MB"):
        result_of(simulate(tmp_path / "out", SETTINGS))


def test_a_disk_that_fills_up_is_told_how_much_is_left_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = SimulationSettings(4, 1, size=(400, 250), processes=1)

    def full(path: Path, _content: bytes) -> None:
        with atomic.disk_errors_named(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(simulation, "write_bytes", full)
    with pytest.raises(DiskFull, match=r"the disk is full; the 4 frames that are left need about 2\.9 MB") as caught:
        result_of(simulate(tmp_path / "out", wide))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.png"))


def test_less_is_expected_of_fewer_frames() -> None:
    assert expected_bytes(SETTINGS, frames=2) * 2 == pytest.approx(expected_bytes(SETTINGS), abs=2)
    assert expected_bytes(SETTINGS, frames=0) == 0


STAND_IN = PhantomSettings(3, 1, size=(160, 90), labelled_patients=1, labelled_frames=2, processes=1)


def test_stand_in_footage_that_will_not_fit_is_refused_before_any_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, 1_000_000)
    large = PhantomSettings(20_000, 2, processes=1)
    # 452 x 256 px of about 0.2 bytes, 20,000 times, is 463 MB.
    with pytest.raises(DiskFull, match=r"needs about 462\.8 MB, 1\.0 MB are free"):
        next(simulate_phantom(tmp_path / "footage", tmp_path / "labelled", large))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_with_stand_in_footage_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _content: bytes) -> None:
        with atomic.disk_errors_named(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(phantom, "write_bytes", full)
    # 160 x 90 px: 3 of 0.2 bytes and 2 of 1.4.
    with pytest.raises(DiskFull, match=r"the disk is full; the 5 frames that are left need about 0\.0 MB") as caught:
        result_of(simulate_phantom(tmp_path / "footage", tmp_path / "labelled", STAND_IN))
    assert "\n" not in str(caught.value)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
