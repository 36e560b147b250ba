"""Runs laid side by side, and settings taken from one: figures counted by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.pipeline.runs import compare_runs, hanging_on, setting_rows, settings_like
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.translator.settings import preset
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Palette, Style


def add_run(project: Project, name: str, rows: list[dict[str, float]], **changes: object) -> None:
    run = project.runs.add("translator", name, json.loads(preset("demo").with_values(**changes).to_json()))
    run.folder.mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (run.folder / "metrics.jsonl").write_text(lines, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Run "a" of 200 steps whose image loss is 1 up to step 100 and then 0.5, run "b" of two; two translations of a."""
    with Project.create(tmp_path / "body") as made:
        add_run(made, "a", [{"step": s, "seconds": s / 2, "image_b": 1.0 if s <= 100 else 0.5} for s in range(1, 201)])
        rows = [
            {"step": 1, "seconds": 1.5, "image_b": 0.5, "disc_b": 0.25, "validity": 0.75, "learning_rate": 0.1},
            {"step": 2, "seconds": 3.0, "image_b": 0.3, "disc_b": 0.75, "validity": 0.5, "spread_ab": 0.3},
        ]
        add_run(made, "b", rows, seed=3, weight_gan=0.5)
        picture = tmp_path / "0.png"
        write_png(picture, np.zeros((8, 8, 3), np.uint8))
        scene = SceneFiles("s", "p", "frames", tmp_path, (8, 8), STUDIO_CLASSES, (FrameFiles("0.png", 0, picture),))
        list(made.scenes.add(scene))
        frame = made.scenes.frames()[0].id
        path = made.folder / "translations" / "a" / "0.png"
        made.translations.put(
            [NewTranslation(frame, "a", "p", style, (0.0,), path, "f", validity, {})
             for style, validity in (("s", 0.5), ("t", 0.9), ("u", None))]
        )  # fmt: skip
        made.palettes.save(Palette("p", "a", (Style("s", (0.0,), "random"),)))
        made.outcomes.add_export(tmp_path / "out", "coco", recipe={"checkpoints": [{"run": "a"}]}, counts={})
        yield made


def test_compared_runs_say_where_they_differ_and_where_they_ended(project: Project) -> None:
    result = compare_runs(project, ["a", "b"])
    assert result["settings"] == {"weight_gan": {"a": 0.25, "b": 0.5}, "seed": {"a": 0, "b": 3}}
    assert result["settings_equal"] == len(json.loads(preset("demo").to_json())) - 2
    assert result["losses"]["image_b"]["a"] == {"mean": 0.5, "last": 0.5, "step": 200}
    assert result["losses"]["image_b"]["b"] == {"mean": pytest.approx(0.4), "last": 0.3, "step": 2}
    assert result["losses"]["disc_b"] == {"a": None, "b": {"mean": 0.5, "last": 0.75, "step": 2}}
    assert set(result["losses"]) == {"image_b", "disc_b"}
    assert result["validity"] == {"a": None, "b": {"last": 0.5, "step": 2, "best": 0.75, "best_step": 1}}
    assert [(r["name"], r["steps"], r["seconds"]) for r in result["runs"]] == [("a", 200, 100.0), ("b", 2, 3.0)]
    assert result["translations"]["a"] == {"images": 3, "validity": pytest.approx(0.7)}
    assert result["translations"]["b"] == {"images": 0, "validity": None}
    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c", "d", "e"]])
def test_two_to_four_different_runs_are_compared(project: Project, names: list[str]) -> None:
    with pytest.raises(InputError, match="runs were named"):
        compare_runs(project, names)


def test_settings_that_differ_come_first_and_older_runs_have_the_papers_value(project: Project) -> None:
    old = project.runs.add("translator", "old", {"iterations": 5})
    rows = setting_rows([project.runs.get("translator", "a"), old])
    assert rows[0].differs and not rows[-1].differs
    values = {row.name: row.values for row in rows}
    assert values["iterations"] == (1500, 5) and values["dim"] == (16, 64)
    assert len(rows) == len(json.loads(preset("demo").to_json()))


def test_a_clone_has_the_settings_of_its_original_but_for_the_changes(project: Project) -> None:
    cloned = settings_like(project, "b", {"seed": 9})
    assert cloned == preset("demo").with_values(seed=9, weight_gan=0.5)
    with pytest.raises(InputError, match="unknown setting 'colour'"):
        settings_like(project, "b", {"colour": 1})
    with pytest.raises(InputError, match="no translator run 'c'"):
        settings_like(project, "c", {})


def test_what_hangs_on_a_run_is_counted(project: Project) -> None:
    left = hanging_on(project, "a")
    assert (left.palettes, left.translations, left.exports) == (("p",), 3, 1)
    none = hanging_on(project, "b")
    assert (none.palettes, none.translations, none.exports) == ((), 0, 0)
