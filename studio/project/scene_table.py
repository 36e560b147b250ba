"""Scenes and their frames in the catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from studio.files.atomic import hash_ends, hash_file
from studio.files.containers import is_container
from studio.project.paths import found, kept
from studio.project.records import FrameRecord, SceneRecord
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, SceneFiles
from studio.vocabulary.labels import ClassTable

_BATCH = 500


class SceneTable:
    """Scenes are referenced where they lie; only paths, sizes and hashes are kept."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def add(self, scene: SceneFiles, *, set_name: str = "") -> Iterator[int]:
        """Add one scene, yielding how many of its frames are in; nothing is kept when it is not run to its end.

        Adding a folder again replaces what was known of it, with frames of the same name keeping their ids, and the
        scene its set. ``set_name``: of those that come in together; its folder's name where none is given.
        """
        with self._db:
            scene_id = self._upsert(scene, set_name or scene.root.name)
            # What the frames show is measured anew: their labels may have changed though their pictures did not.
            for table in ("frame_contents", "frame_classes"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE frame_id IN (SELECT id FROM frames WHERE scene_id = ?)", (scene_id,)
                )
            # Positions are unique: move the old ones out of the way before they are given anew.
            self._db.execute("UPDATE frames SET position = -1 - position WHERE scene_id = ?", (scene_id,))
            self._note_known(scene_id)
            for position, frame in enumerate(scene.frames):
                self._put_frame(scene_id, scene.root, replace(frame, index=position), self._known(frame.name))
                if position % _BATCH == _BATCH - 1:
                    yield position + 1
            self._db.execute("DELETE FROM frames WHERE scene_id = ? AND position < 0", (scene_id,))
        yield len(scene.frames)

    def _note_known(self, scene_id: int) -> None:
        """The scene's frames by name, in a table beside the catalogue that SQLite keeps on disk."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS known_frames (name TEXT PRIMARY KEY, id INTEGER)")
        self._db.execute("DELETE FROM known_frames")
        self._db.execute(
            "INSERT OR REPLACE INTO known_frames SELECT name, id FROM frames WHERE scene_id = ?", (scene_id,)
        )

    def _known(self, name: str) -> int | None:
        """The id of a frame of that name, given once."""
        row = self._db.execute("DELETE FROM known_frames WHERE name = ? RETURNING id", (name,)).fetchone()
        return None if row is None else int(row[0])

    def _upsert(self, scene: SceneFiles, set_name: str) -> int:
        row = self._db.execute(
            "INSERT INTO scenes (name, patient, layout, root, width, height, classes, encoding, notes, frame_count,"
            " set_name, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (root, patient) DO UPDATE SET name = excluded.name,"
            " layout = excluded.layout, width = excluded.width, height = excluded.height,"
            " classes = excluded.classes, encoding = excluded.encoding, notes = excluded.notes,"
            " frame_count = excluded.frame_count RETURNING id",
            (
                scene.name, scene.patient, scene.layout, kept(scene.root, self._folder), *scene.size,
                scene.classes.to_json(), json.dumps(scene.encoding), json.dumps(scene.notes), len(scene.frames),
                set_name, datetime.now(UTC).isoformat(timespec="seconds"),
            ),
        ).fetchone()  # fmt: skip
        return int(row[0])

    def _put_frame(self, scene_id: int, root: Path, frame: FrameFiles, known_id: int | None) -> None:
        def relative(path: Path | None) -> str | None:
            # By name alone where it can be: a folder that is a link stays within its scene, and costs no look-ups.
            if path is None or ".." in path.parts or not path.is_relative_to(root):
                return None if path is None else kept(path, root)
            return path.relative_to(root).as_posix()

        size_bytes, rgb_hash = _measured(frame.rgb)
        self._db.execute(
            "INSERT INTO frames (id, scene_id, position, name, rgb, segmentation, depth, normals, flow_forward,"
            " flow_backward, size_bytes, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET position = excluded.position,"
            " rgb = excluded.rgb, segmentation = excluded.segmentation, depth = excluded.depth,"
            " normals = excluded.normals, flow_forward = excluded.flow_forward,"
            " flow_backward = excluded.flow_backward, size_bytes = excluded.size_bytes, hash = excluded.hash",
            (
                known_id, scene_id, frame.index, frame.name, relative(frame.rgb), relative(frame.segmentation),
                relative(frame.depth), relative(frame.normals), relative(frame.flow_forward),
                relative(frame.flow_backward), size_bytes, rgb_hash,
            ),
        )  # fmt: skip

    def ids(self) -> frozenset[int]:
        """Ids of all scenes."""
        return frozenset(int(row[0]) for row in self._db.execute("SELECT id FROM scenes"))

    def set_of(self, roots: Iterable[Path]) -> str:
        """The name of the set that one of these folders' scenes came in with; empty where none did."""
        for root in roots:
            row = self._db.execute(
                "SELECT set_name FROM scenes WHERE root = ? ORDER BY id", (kept(root, self._folder),)
            ).fetchone()
            if row is not None:
                return str(row[0])
        return ""

    def set_names(self) -> list[str]:
        """All sets, in the order in which they came."""
        rows = self._db.execute("SELECT set_name FROM scenes GROUP BY set_name ORDER BY min(id)")
        return [str(row[0]) for row in rows]

    def rename_set(self, name: str, to: str) -> None:
        """Raise InputError for a set that is not there, and for a new name that is empty or another set's."""
        names, wanted = self.set_names(), " ".join(to.split())
        if name not in names:
            raise InputError(f"there is no set '{name}'", where=self._folder, remedy=f"There are {', '.join(names)}.")
        if not wanted or not wanted.isprintable():
            raise InputError("a set needs a name in one line", where=self._folder)
        if wanted != name and wanted in names:
            raise InputError(f"there is another set '{wanted}'", where=self._folder, remedy="Choose another name.")
        with self._db:
            self._db.execute("UPDATE scenes SET set_name = ? WHERE set_name = ?", (wanted, name))

    def all(self) -> list[SceneRecord]:
        """All scenes, by patient and name."""
        rows = self._db.execute("SELECT * FROM scenes ORDER BY patient, name").fetchall()
        return [self._scene(row) for row in rows]

    def get(self, scene_id: int) -> SceneRecord:
        row = self._db.execute("SELECT * FROM scenes WHERE id = ?", (scene_id,)).fetchone()
        if row is None:
            raise InputError(f"there is no scene {scene_id}", where=self._folder)
        return self._scene(row)

    def _scene(self, row: sqlite3.Row) -> SceneRecord:
        return SceneRecord(
            id=row["id"], name=row["name"], patient=row["patient"], layout=row["layout"],
            root=found(row["root"], self._folder), size=(row["width"], row["height"]),
            classes=ClassTable.from_json(row["classes"]), encoding=json.loads(row["encoding"]),
            notes=tuple(json.loads(row["notes"])), frame_count=row["frame_count"], set_name=row["set_name"],
            added=row["added"],
        )  # fmt: skip

    def remove(self, scene_id: int) -> None:
        """Forget a scene and its translations' rows; no file is touched."""
        with self._db:
            self._db.execute("DELETE FROM scenes WHERE id = ?", (scene_id,))

    def relink(self, scene_id: int, root: Path) -> None:
        """Point a scene to where its folder lies now; raise InputError unless its first frame has the same bytes."""
        row = self._db.execute(
            "SELECT rgb, hash FROM frames WHERE scene_id = ? ORDER BY position LIMIT 1", (scene_id,)
        ).fetchone()
        if row is None or not (root / row["rgb"]).is_file() or _identity(root / row["rgb"]) != row["hash"]:
            raise InputError("this is not the scene's folder", where=root, remedy="Choose the folder that was moved.")
        with self._db:
            self._db.execute("UPDATE scenes SET root = ? WHERE id = ?", (kept(root, self._folder), scene_id))

    def frame_count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM frames").fetchone()[0])

    def frames(self, scene_id: int | None = None, *, offset: int = 0, limit: int = -1) -> list[FrameRecord]:
        """Frames in the order of scenes and positions."""
        where = "" if scene_id is None else "WHERE f.scene_id = :scene"
        rows = self._db.execute(
            "SELECT f.*, s.patient, s.root, s.set_name FROM frames f JOIN scenes s ON s.id = f.scene_id "
            f"{where} ORDER BY s.patient, s.name, f.position LIMIT :limit OFFSET :offset",
            {"scene": scene_id, "limit": limit, "offset": offset},
        )
        return [self._frame(row) for row in rows]

    def some(self, ids: Sequence[int]) -> list[FrameRecord]:
        """Frames by id, in the order of the ids; those that are gone are left out."""
        marks = ",".join("?" * len(ids))
        rows = self._db.execute(
            "SELECT f.*, s.patient, s.root, s.set_name FROM frames f JOIN scenes s ON s.id = f.scene_id "
            f"WHERE f.id IN ({marks})", tuple(ids),
        )  # fmt: skip
        found = {row["id"]: self._frame(row) for row in rows}
        return [found[i] for i in ids if i in found]

    def frame(self, frame_id: int) -> FrameRecord:
        """Raise InputError when there is none."""
        row = self._db.execute(
            "SELECT f.*, s.patient, s.root, s.set_name FROM frames f JOIN scenes s ON s.id = f.scene_id "
            "WHERE f.id = ?", (frame_id,)
        ).fetchone()  # fmt: skip
        if row is None:
            raise InputError(f"there is no frame {frame_id}", where=self._folder)
        return self._frame(row)

    def _frame(self, row: sqlite3.Row) -> FrameRecord:
        root = found(row["root"], self._folder)

        def absolute(column: str) -> Path | None:
            return None if row[column] is None else found(row[column], root)

        files = FrameFiles(
            name=row["name"], index=row["position"], rgb=found(row["rgb"], root),
            segmentation=absolute("segmentation"), depth=absolute("depth"), normals=absolute("normals"),
            flow_forward=absolute("flow_forward"), flow_backward=absolute("flow_backward"),
        )  # fmt: skip
        return FrameRecord(row["id"], row["scene_id"], row["patient"], files, row["set_name"])


def _identity(path: Path) -> str:
    """By which a render is known again. Containers hold all layers: reading them whole would take minutes."""
    return hash_ends(path) if is_container(path) else hash_file(path)


def _measured(path: Path) -> tuple[int, str]:
    """Size in bytes and hash of a render. Raise InputError when it has vanished since it was listed."""
    try:
        return path.stat().st_size, _identity(path)
    except OSError as error:
        raise InputError(f"the file vanished or can't be read ({error.strerror})", where=path,
                         remedy="Add the scenes again when the folder is whole.") from error  # fmt: skip
