"""Palettes in the catalogue: notes, and projects from before there were any."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from studio.pipeline.class_colours import class_colours, set_class_colour
from studio.project.project import Project
from studio.project.schema import MIGRATIONS
from studio.vocabulary.styles import Palette, Style

STYLES = (Style("a", (1.0, 2.0), "manual", pinned=True),)


def test_notes_and_pins_are_kept(tmp_path: Path) -> None:
    palette = Palette("mine", "first", STYLES, "for the green set\n“β”")
    with Project.create(tmp_path / "p") as project:
        project.palettes.save(palette)
    with Project.open(tmp_path / "p") as project:
        assert project.palettes.get("mine").palette == palette
        project.palettes.save(Palette("mine", "first", STYLES))
        assert project.palettes.get("mine").palette.notes == ""


def test_a_palette_from_before_there_were_notes_is_read(tmp_path: Path) -> None:
    Project.create(tmp_path / "old").close()
    catalogue = tmp_path / "old.trocar" / "catalogue.sqlite"
    with sqlite3.connect(catalogue) as db:
        db.executescript("ALTER TABLE palettes DROP COLUMN notes; PRAGMA user_version = 2;")
        db.executescript("ALTER TABLE frames DROP COLUMN flow_forward; ALTER TABLE frames DROP COLUMN flow_backward;")
        db.executescript("ALTER TABLE scenes DROP COLUMN set_name; ALTER TABLE scenes DROP COLUMN added;")
        db.execute(
            "INSERT INTO palettes (name, run, styles, created) VALUES ('kept', 'first', ?, '')",
            ('[{"name": "a", "code": [1.0, 2.0], "origin": "manual", "source": "", "pinned": true}]',),
        )
    db.close()
    assert "notes" in MIGRATIONS[2]
    with Project.open(tmp_path / "old") as project:
        assert project.palettes.get("kept").palette == Palette("kept", "first", STYLES)


def test_class_colours_stay_with_the_project(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        set_class_colour(project, "tool tip", (1, 2, 3))
        set_class_colour(project, "liver", (4, 5, 6))
        set_class_colour(project, "Tool_Tip", (7, 8, 9))
    with Project.open(tmp_path / "p") as project:
        assert class_colours(project) == {"liver": (4, 5, 6), "Tool_Tip": (7, 8, 9)}
        set_class_colour(project, "tool tip", None)
        assert class_colours(project) == {"liver": (4, 5, 6)}
