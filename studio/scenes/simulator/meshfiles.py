"""Mesh files of any common kind, read, mended and told about: OBJ, STL, PLY, GLB, GLTF, OFF.

The libraries for that are imported late: the window starts without them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from studio.files.atomic import size_in_words
from studio.scenes.simulator.fields import Mesh, with_normals
from studio.scenes.simulator.meshcrossings import crossings
from studio.scenes.simulator.meshrepair import Mended, mended
from studio.scenes.simulator.meshstreams import LargeMesh, large_mesh
from studio.scenes.simulator.meshtext import unnamed_points
from studio.scenes.simulator.meshthinning import facing_alike, merged, thinned, thinned_in_pieces
from studio.scenes.simulator.meshwhole import check_whole
from studio.vocabulary.errors import InputError

MESH_SUFFIXES = frozenset({".obj", ".stl", ".ply", ".glb", ".gltf", ".off"})
MAX_FACES = 60_000
_LOOKED_AT = 300_000
"""Faces that are looked at for damage; larger meshes are thinned out before."""
_MAX_BYTES = 2_000_000_000
_MOST_WHOLE = 200_000_000
"""Bytes that are read whole where a file is of a kind that can't be read in pieces."""
_MOST_NOT_FINITE = 0.01
"""Share of the faces that may have coordinates which are no numbers: these faces are left out, their holes closed."""


@dataclass(frozen=True)
class MeshReport:
    """What a file held, and what was done to it. Counts of faces; lengths in the file's units."""

    triangles: int
    not_finite: int = 0
    unnamed: int = 0
    points: int = 0
    """``unnamed`` of so many points of an OBJ belong to no face."""
    doubled: int = 0
    thinned_to: int = 0
    coarse: bool = False
    """Thinned out before it was looked at: small damage is then the thinning's own, or gone."""
    mended: Mended | None = None
    """None: left as it is."""
    crossings: int = 0


@dataclass(frozen=True, eq=False)
class ReadMesh:
    """One file's surfaces as one mesh in the file's own units."""

    mesh: Mesh
    report: MeshReport

    @property
    def extent(self) -> float:
        """The longest side of its box, in the file's units."""
        return float(np.ptp(self.mesh.vertices_V3, axis=0).max())


def load_mesh(path: Path) -> Mesh:
    """A file's mesh alone (see read_mesh)."""
    return read_mesh(path).mesh


def read_mesh(path: Path, *, sheet: bool = False, repair: bool = True) -> ReadMesh:
    """The file's surfaces, mended and turned outwards, at most about MAX_FACES faces.

    ``sheet``: of a kind that may be open. Without ``repair`` faces stay wound as they are, and holes open. Raise
    InputError when the file is missing, unreadable, empty or holds coordinates that are not finite.
    """
    vertices, faces, report = _read(path, _checked(path))
    vertices, faces = _used(vertices, faces)
    extent = float(np.ptp(vertices, axis=0).max(initial=0.0)) if len(vertices) else 0.0
    if extent <= 0:
        raise InputError("all points of the mesh lie in one place", where=path, remedy="Export it again.")
    vertices, faces, report = _mended(*_welded(vertices, faces, report, path), sheet=sheet, repair=repair)
    if len(faces) > MAX_FACES:
        vertices, faces = thinned(vertices, faces, MAX_FACES)
        faces = facing_alike(vertices, faces) if repair else faces
        report = replace(report, thinned_to=len(faces))
    return ReadMesh(with_normals(vertices.astype(np.float32), np.ascontiguousarray(faces, np.int32)), report)


def _welded(
    vertices_V3: np.ndarray, faces_F3: np.ndarray, report: MeshReport, path: Path
) -> tuple[np.ndarray, np.ndarray, MeshReport]:
    """Without points and faces that repeat, and no more than can be looked at."""
    vertices, faces = merged(vertices_V3, faces_F3, float(np.ptp(vertices_V3, axis=0).max()) * 1e-6)
    if not len(faces):
        raise InputError("the mesh holds no triangles that span an area", where=path, remedy="Export it again.")
    if not report.thinned_to:
        report = replace(report, doubled=len(faces_F3) - len(faces))
    if len(faces) > _LOOKED_AT:
        vertices, faces = thinned(vertices, faces, _LOOKED_AT)
        report = replace(report, thinned_to=len(faces), coarse=True)
    return vertices, faces, report


def _mended(
    vertices_V3: np.ndarray, faces_F3: np.ndarray, report: MeshReport, *, sheet: bool, repair: bool
) -> tuple[np.ndarray, np.ndarray, MeshReport]:
    vertices, faces = vertices_V3, faces_F3
    if repair:
        vertices, faces, found = mended(vertices, faces, sheet=sheet)
        report = replace(report, mended=found)
    return vertices, faces, replace(report, crossings=0 if report.coarse else crossings(vertices, faces))


def _checked(path: Path) -> LargeMesh | None:
    """The file's triangles piece by piece, None where it is to be read whole. Raise InputError for what can't be."""
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise InputError(
            f"meshes of the kind '{path.suffix}' cannot be read", where=path, remedy="Use OBJ, STL, PLY or GLB."
        )
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise InputError("the mesh file is larger than 2 GB", where=path,
                         remedy="Reduce it first; binary STL and PLY take least room.")  # fmt: skip
    check_whole(path)
    large = large_mesh(path)
    if size > _MOST_WHOLE and large is None:
        raise InputError(
            f"a mesh file of {size_in_words(size)} of a kind that has to be read whole, which takes too much memory",
            where=path, remedy="Save it as binary STL or PLY of triangles, which are read in pieces, or reduce it.",
        )  # fmt: skip
    return large


def _read(path: Path, large: LargeMesh | None) -> tuple[np.ndarray, np.ndarray, MeshReport]:
    """Vertices and faces, all finite; of a very large file thinned while it is read."""
    if large is None:
        vertices, faces = _read_whole(path)
        _check_some(len(faces), path)
        finite = np.isfinite(vertices).all(axis=1)[faces].all(axis=1)
        _check_finite(int(finite.sum()), len(faces), path)
        points, unnamed = unnamed_points(path)
        return vertices, faces[finite], MeshReport(len(faces), int((~finite).sum()), unnamed, points)
    _check_some(len(large), path)
    low, high, count = large.bounds()
    _check_finite(count, len(large), path)
    vertices, faces = thinned_in_pieces(large.pieces(), low, high)
    return vertices, faces, MeshReport(len(large), len(large) - count, thinned_to=len(faces), coarse=True)


def _check_some(count: int, path: Path) -> None:
    if not count:
        raise InputError("the mesh holds no triangles", where=path, remedy="Export it again as a triangle mesh.")


def _check_finite(finite: int, count: int, path: Path) -> None:
    if count - finite > _MOST_NOT_FINITE * count:
        raise InputError(
            f"the mesh holds coordinates that are not finite, in {count - finite:,} of {count:,} faces", where=path,
            remedy="Export it again.",
        )  # fmt: skip


def _read_whole(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    try:
        with warnings.catch_warnings():
            # Readers warn about materials that are of no concern here.
            warnings.simplefilter("ignore")
            # Materials and their files are not wanted: geometry alone, never anything beside the file.
            loaded = trimesh.load(path, force="mesh", process=False, skip_materials=True)
        vertices, faces = np.asarray(loaded.vertices, np.float64), np.asarray(loaded.faces, np.int64).reshape(-1, 3)
        if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise ValueError("corners that are not there")
        return vertices.reshape(-1, 3), faces
    except Exception as error:  # any reader may fail in its own way on a damaged file
        reason = type(error).__name__
        raise InputError(f"not a readable mesh ({reason})", where=path, remedy="Export it again.") from error


def _used(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without points that no face names: one far away would make the mesh seem large."""
    used, index = np.unique(faces_F3, return_inverse=True)
    return vertices_V3[used], index.reshape(faces_F3.shape)
