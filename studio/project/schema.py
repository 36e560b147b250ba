"""The catalogue's tables, and how an older catalogue becomes a newer one."""

from __future__ import annotations

import sqlite3

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE scenes (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, patient TEXT NOT NULL, layout TEXT NOT NULL,
        root TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
        classes TEXT NOT NULL, encoding TEXT NOT NULL, notes TEXT NOT NULL, frame_count INTEGER NOT NULL DEFAULT 0,
        UNIQUE (root, patient)
    );
    CREATE TABLE frames (
        id INTEGER PRIMARY KEY, scene_id INTEGER NOT NULL REFERENCES scenes(id) ON DELETE CASCADE,
        position INTEGER NOT NULL, name TEXT NOT NULL, rgb TEXT NOT NULL, segmentation TEXT, depth TEXT, normals TEXT,
        size_bytes INTEGER NOT NULL, hash TEXT NOT NULL, UNIQUE (scene_id, position)
    );
    CREATE TABLE footage (
        id INTEGER PRIMARY KEY, patient TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, seconds REAL,
        size_bytes INTEGER NOT NULL, hash TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
        measures TEXT NOT NULL DEFAULT '{}', included INTEGER NOT NULL DEFAULT 1, decided_by TEXT NOT NULL DEFAULT '',
        area TEXT NOT NULL DEFAULT '', UNIQUE (path, seconds)
    );
    CREATE INDEX footage_by_patient ON footage (patient, name);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('translator', 'segmenter')),
        settings TEXT NOT NULL, state TEXT NOT NULL, result TEXT NOT NULL DEFAULT '{}', created TEXT NOT NULL,
        UNIQUE (kind, name)
    );
    CREATE TABLE palettes (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, run TEXT NOT NULL, styles TEXT NOT NULL,
        recipe TEXT NOT NULL DEFAULT '{}', created TEXT NOT NULL
    );
    CREATE TABLE translations (
        id INTEGER PRIMARY KEY, frame_id INTEGER NOT NULL REFERENCES frames(id) ON DELETE CASCADE,
        run TEXT NOT NULL, palette TEXT NOT NULL, style TEXT NOT NULL, code TEXT NOT NULL, path TEXT NOT NULL,
        fingerprint TEXT NOT NULL, validity REAL, measures TEXT NOT NULL DEFAULT '{}',
        verdict TEXT NOT NULL DEFAULT 'undecided', verdict_by TEXT NOT NULL DEFAULT 'rule',
        verdict_reason TEXT NOT NULL DEFAULT '', UNIQUE (frame_id, run, palette, style)
    );
    CREATE INDEX translations_by_validity ON translations (validity);
    CREATE TABLE verdict_steps (
        id INTEGER PRIMARY KEY, label TEXT NOT NULL, changes TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE exports (
        id INTEGER PRIMARY KEY, dest TEXT NOT NULL, format TEXT NOT NULL, recipe TEXT NOT NULL, counts TEXT NOT NULL,
        created TEXT NOT NULL
    );
    CREATE TABLE evaluations (
        id INTEGER PRIMARY KEY, report TEXT NOT NULL, result TEXT NOT NULL, created TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE frame_contents (
        frame_id INTEGER PRIMARY KEY REFERENCES frames(id) ON DELETE CASCADE,
        depth_near REAL, depth_median REAL, depth_far REAL, problem TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX frame_contents_by_depth ON frame_contents (depth_median);
    CREATE TABLE frame_classes (
        class_id INTEGER NOT NULL, frame_id INTEGER NOT NULL REFERENCES frames(id) ON DELETE CASCADE,
        share REAL NOT NULL, PRIMARY KEY (class_id, frame_id)
    ) WITHOUT ROWID;
    CREATE INDEX frame_classes_by_frame ON frame_classes (frame_id);
    """,
    "ALTER TABLE palettes ADD COLUMN notes TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE frames ADD COLUMN flow_forward TEXT; ALTER TABLE frames ADD COLUMN flow_backward TEXT",
    # Scenes that came in together are a set: of what was simulated here, the folder above the patients'.
    """
    ALTER TABLE scenes ADD COLUMN set_name TEXT NOT NULL DEFAULT '';
    ALTER TABLE scenes ADD COLUMN added TEXT NOT NULL DEFAULT '';
    UPDATE scenes SET set_name =
        CASE WHEN root LIKE 'scenes/%/%' THEN rtrim(rtrim(root, replace(root, '/', '')), '/') ELSE root END;
    UPDATE scenes SET set_name = replace(set_name, rtrim(set_name, replace(set_name, '/', '')), '');
    """,
)

SCHEMA_VERSION = len(MIGRATIONS)


def migrated(connection: sqlite3.Connection) -> int:
    """Bring a catalogue to SCHEMA_VERSION, a transaction a step; return the version it had before."""
    before = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for version in range(before, SCHEMA_VERSION):
        connection.executescript(f"BEGIN IMMEDIATE;{MIGRATIONS[version]};PRAGMA user_version = {version + 1};COMMIT;")
    return before
