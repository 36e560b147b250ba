"""Class frequencies of the footage, as a segmenter labels it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.jobs.stages import result_of
from studio.pipeline.footage_classes import FILE, footage_classes, has_segmenter, measure_footage_classes
from studio.project.project import Project
from studio.segmenter import prediction
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FootageFile


class Halves:
    """Calls the upper half of every picture liver and the rest nothing."""

    table = SimpleNamespace(class_ids=(1, 2))

    def predict(self, image_HW3: np.ndarray) -> np.ndarray:
        labels_HW = np.zeros(image_HW3.shape[:2], np.uint8)
        labels_HW[: len(labels_HW) // 2] = 1
        return labels_HW


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    files = []
    for index in range(3):
        image_HW3 = np.full((40, 60, 3), 120, np.uint8)
        image_HW3[:, :20] = 0  # the black border of a round image area
        write_png(tmp_path / f"{index}.png", image_HW3)
        files.append(FootageFile("video", str(index), tmp_path / f"{index}.png"))
    with Project.create(tmp_path / "small") as made:
        made.footage.add(files)
        yield made


def test_black_borders_do_not_count_and_the_figures_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    run = project.runs.add("segmenter", "first", {})
    project.runs.update(run, state="done")
    monkeypatch.setattr(prediction, "load_segmenter", lambda _folder, *, device: Halves())
    assert has_segmenter(project) and footage_classes(project) is None
    result = result_of(measure_footage_classes(project))
    assert result == {"run": "first", "frames": 3, "class_shares": {"liver": 0.5, "gallbladder": 0.0}}
    kept = footage_classes(project)
    assert kept is not None and (kept.run, kept.frames, kept.shares["liver"]) == ("first", 3, 0.5)
    (run.folder / FILE).write_text("{")
    assert footage_classes(project) is None


def test_without_a_segmenter_it_says_what_to_do(project: Project) -> None:
    assert not has_segmenter(project)
    with pytest.raises(InputError, match=r"no trained segmenter.*trocar segmenter train"):
        result_of(measure_footage_classes(project))
