"""Frames are found by the classes and depths that they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_exr, write_png
from studio.jobs.events import Done, Note
from studio.jobs.stages import result_of
from studio.pipeline.contents import measure_scenes
from studio.pipeline.scenes import add_scenes
from studio.project.project import Project
from studio.project.records import FrameFilter
from tests.making import make_frames_scene


def paint(root: Path, index: int, ids_HW: np.ndarray, depth_mm: float) -> None:
    write_png(root / f"seg/{index:06d}.png", ids_HW)
    write_exr(root / f"depth/{index:06d}.exr", np.full((48, 64), depth_mm, np.float32))
    (root / f"normals/{index:06d}.exr").unlink(missing_ok=True)


@pytest.fixture
def project(tmp_path: Path):
    """Patients A and B: frames at 50, 100 and 150 mm; a quarter of A's frame 0 and all of B's frame 2 are liver."""
    with Project.create(tmp_path / "p") as made:
        for patient in "AB":
            root = make_frames_scene(tmp_path / patient, patient=patient)
            for i in range(3):
                paint(root, i, np.zeros((48, 64), np.uint8), 50.0 * (i + 1))
        quarter = np.zeros((48, 64), np.uint8)
        quarter[:24, :32] = 1
        paint(tmp_path / "A", 0, quarter, 50.0)
        paint(tmp_path / "B", 2, np.ones((48, 64), np.uint8), 150.0)
        for patient in "AB":
            list(add_scenes(made, tmp_path / patient))
        yield made


def names(project: Project, **wanted: object) -> list[str]:
    frames = project.scenes.some(project.contents.matching(FrameFilter(**wanted)))  # type: ignore[arg-type]
    return [f"{f.patient}{f.files.index}" for f in frames]


def test_frames_are_found_by_class_and_depth_and_scene(project: Project) -> None:
    assert names(project, class_id=1) == []
    assert project.contents.missing_count() == 6
    assert result_of(measure_scenes(project)) == {"measured": 6, "unreadable": 0}
    assert project.contents.missing_count() == 0
    assert names(project) == ["A0", "A1", "A2", "B0", "B1", "B2"]
    assert names(project, class_id=1) == ["A0", "B2"]
    assert names(project, class_id=0) == ["A0", "A1", "A2", "B0", "B1"]
    assert names(project, depth_from=60.0) == ["A1", "A2", "B1", "B2"]
    assert names(project, depth_from=60.0, depth_to=100.0) == ["A1", "B1"]
    assert names(project, depth_to=50.0, class_id=1) == ["A0"]
    b = next(s.id for s in project.scenes.all() if s.patient == "B")
    a = next(s.id for s in project.scenes.all() if s.patient == "A")
    assert names(project, scene_ids=(b,), depth_to=100.0) == ["B0", "B1"]
    assert names(project, scene_ids=(b, a), depth_from=60.0) == ["B1", "B2", "A1", "A2"]
    assert names(project, scene_ids=()) == []
    assert project.contents.class_counts() == {0: 5, 1: 2}
    assert project.contents.class_counts([b]) == {0: 2, 1: 1}
    assert project.contents.depth_range() == (50.0, 150.0)


def test_measuring_goes_on_where_it_was_and_anew_after_adding_again(project: Project, tmp_path: Path) -> None:
    list(measure_scenes(project))
    assert result_of(measure_scenes(project)) == {"measured": 0, "unreadable": 0}
    paint(tmp_path / "A", 0, np.full((48, 64), 2, np.uint8), 50.0)
    list(add_scenes(project, tmp_path / "A"))
    assert project.contents.missing_count() == 3
    assert names(project, class_id=1) == ["B2"]
    list(measure_scenes(project))
    assert names(project, class_id=2) == ["A0"]
    project.scenes.remove(project.scenes.all()[0].id)
    assert project.contents.class_counts() == {0: 2, 1: 1}


def test_a_frame_that_cannot_be_read_is_named_and_the_rest_measured(project: Project, tmp_path: Path) -> None:
    (tmp_path / "A/seg/000001.png").write_bytes(b"no picture")
    events = list(measure_scenes(project))
    assert isinstance(events[-1], Done)
    assert events[-1].result == {"measured": 5, "unreadable": 1}
    assert any(isinstance(e, Note) and "seg/000001.png" in e.text for e in events)
    assert "A1" not in names(project, depth_from=1.0)


def test_the_question_uses_the_indexes(project: Project) -> None:
    plan = " ".join(
        str(row[3])
        for row in project._db.execute(
            "EXPLAIN QUERY PLAN SELECT f.id FROM frames f WHERE f.id IN (SELECT frame_id FROM frame_classes WHERE"
            " class_id = 1) AND f.id IN (SELECT frame_id FROM frame_contents WHERE depth_median BETWEEN 1 AND 2)"
        )
    )
    assert "frame_contents_by_depth" in plan
    assert "SCAN" not in plan
