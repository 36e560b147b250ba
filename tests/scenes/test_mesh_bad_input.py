"""Mesh files as they come: broken ones are refused in one line, odd ones are read. All are written by hand here."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from studio.scenes.simulator import meshstreams, meshtext
from studio.scenes.simulator.keyframes import read_keyframes
from studio.scenes.simulator.meshbody import notes_on
from studio.scenes.simulator.meshfiles import load_mesh, read_mesh
from studio.scenes.simulator.meshnotes import mended_words
from studio.scenes.simulator.meshplans import plan_from_file, plans_in_folder
from studio.scenes.simulator.placement import concave_side
from studio.vocabulary.errors import InputError

CORNERS = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
"""A cube of side 1, its faces wound outwards."""
TRIANGLES = [t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))]


def _stl(triangles: list[tuple[int, ...]], corners: list[tuple[float, ...]], *, declared: int | None = None) -> bytes:
    rows = [struct.pack("<12fH", 0, 0, 0, *(v for i in t for v in corners[i]), 0) for t in triangles]
    return b"by hand".ljust(80) + struct.pack("<I", len(rows) if declared is None else declared) + b"".join(rows)


def _obj(faces: list[str], *, before: str = "") -> bytes:
    return (before + "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS) + "\n".join(faces) + "\n").encode()


def _big_endian_ply() -> bytes:
    head = (
        "ply\nformat binary_big_endian 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 6\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return head.encode() + b"".join(struct.pack(">3f", *c) for c in CORNERS) + b"".join(
        struct.pack(">B4i", 4, *q) for q in QUADS
    )  # fmt: skip


def _points_ply() -> bytes:
    head = "ply\nformat ascii 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    return (head + "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS)).encode()


def _glb(**more: Any) -> bytes:
    """The cube in a node that is moved, in one that is scaled: 3 times as large, from 30 on."""
    binary = b"".join(struct.pack("<3f", *c) for c in CORNERS) + b"".join(struct.pack("<3H", *t) for t in TRIANGLES)
    content = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1], "scale": [3, 3, 3]}, {"mesh": 0, "translation": [10, 10, 10]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 1]},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 96}, {"buffer": 0, "byteOffset": 96, "byteLength": 72}],
        "buffers": [{"byteLength": 168}], **more,
    }  # fmt: skip
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.stl": (b"", "the file is empty"),
    "empty.obj": (b"", "the file is empty"),
    "none.stl": (_stl([], []), "not a readable mesh|no triangles"),
    "points.ply": (_points_ply(), "no triangles"),
    "picture.stl": (b"\x89PNG\r\n\x1a\n" + bytes(300), "not a readable mesh|no triangles"),
    "words.ply": (b"this is a letter, and no mesh\n", "not a readable mesh"),
    "words.glb": (b"this is a letter, and no mesh\n", "not a readable mesh"),
    "cut.glb": (_glb()[:-40], r"declares [\d,]+ bytes and ends after"),
    "cut.stl": (_stl(TRIANGLES, CORNERS)[:-30], "declares 12 triangles and ends after 11"),
    "cut.ply": (_big_endian_ply()[:-10], "not a readable mesh"),
    "nan.stl": (_stl([(0, 1, 2)], [(0, 0, 0), (float("nan"), 0, 1), (0, 1, 0)]), "not finite"),
    "infinite.stl": (_stl([(0, 1, 2)], [(0, 0, 0), (float("inf"), 0, 1), (0, 1, 0)]), "not finite"),
    "point.stl": (_stl([(0, 1, 2)], [(5, 5, 5)] * 3), "in one place"),
    "beyond.obj": (_obj(["f 1 2 99"]), "not a readable mesh|names corners"),
    "solid.step": (b"ISO-10303-21;", "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_mesh_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, match = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=match) as caught:
        load_mesh(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def _triangles(**more: int) -> list[str]:
    shift = more.get("shift", 1)
    return ["f " + " ".join(str(i + shift) for i in t) for t in TRIANGLES]


TWO_CUBES = [*CORNERS, *((x + 0.5, y + 0.5, z + 0.5) for x, y, z in CORNERS)]
READ: dict[str, tuple[bytes, int, float]] = {
    "plain.stl": (_stl(TRIANGLES, CORNERS), 12, 1.0),
    "flipped.stl": (_stl([t[::-1] for t in TRIANGLES], CORNERS), 12, 1.0),
    "half flipped.stl": (_stl([t[::-1] if i % 3 else t for i, t in enumerate(TRIANGLES)], CORNERS), 12, 1.0),
    "doubled.stl": (_stl(TRIANGLES * 2, CORNERS), 12, 1.0),
    "crossing itself.stl": (_stl([*TRIANGLES, *(tuple(i + 8 for i in t) for t in TRIANGLES)], TWO_CUBES), 24, 2.0),
    "big-endian quads.ply": (_big_endian_ply(), 12, 1.0),
    "scene.glb": (_glb(), 12, 27.0),
    "quads without uv.obj": (_obj(["f " + " ".join(str(i + 1) for i in q) for q in QUADS]), 12, 1.0),
    "negative.obj": (_obj(_triangles(shift=-8)), 12, 1.0),
    "no texture.obj": (_obj(["usemtl skin", *_triangles()], before="mtllib gone.mtl\n"), 12, 1.0),
}
"""File, triangles, volume."""


@pytest.mark.parametrize("name", READ)
def test_odd_meshes_are_read_and_turned_outwards(tmp_path: Path, name: str) -> None:
    content, count, volume = READ[name]
    (tmp_path / name).write_bytes(content)
    mesh = load_mesh(tmp_path / name)
    assert len(mesh.faces_F3) == count
    corners = mesh.vertices_V3[mesh.faces_F3].astype(float)
    # The divergence theorem: positive only where all faces look outwards.
    found = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert found == pytest.approx(volume, rel=1e-5)


def _ascii_stl(*, end: bool = True) -> bytes:
    facets = "".join(
        "facet normal 0 0 0\nouter loop\n"
        + "".join("vertex {} {} {}\n".format(*CORNERS[i]) for i in t)
        + "endloop\nendfacet\n"
        for t in TRIANGLES
    )
    return ("solid cube\n" + facets + ("endsolid cube\n" if end else "")).encode()


def _ascii_ply(*, faces: int = 6) -> bytes:
    head = (
        "ply\r\nformat ascii 1.0\r\nelement vertex 8\r\nproperty float nx\r\nproperty float x\r\nproperty float y\r\n"
        "property float z\r\nelement face 6\r\nproperty list uchar int vertex_indices\r\nproperty uchar red\r\n"
        "end_header\r\n"
    )
    rows = [f"0.5 {x} {y} {z}" for x, y, z in CORNERS] + ["4 {} {} {} {} 200".format(*q) for q in QUADS[:faces]]
    return (head + "\r\n".join(rows)).encode()


def _quads(kind: str) -> list[str]:
    return ["f " + " ".join(kind.format(i + 1) for i in q) for q in QUADS]


def _coloured_ply() -> bytes:
    """Binary, a colour behind each triangle's corners."""
    head = (
        "ply\nformat binary_little_endian 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 12\nproperty list uchar int vertex_index\nproperty uchar red\nproperty float quality\n"
        "end_header\n"
    )
    points = b"".join(struct.pack("<3f", *c) for c in CORNERS)
    return head.encode() + points + b"".join(struct.pack("<B3iBf", 3, *t, 200, 0.5) for t in TRIANGLES)


def _corners_of_all_kinds() -> list[str]:
    """Triangles as v, v/vt, v//vn and v/vt/vn, one after another."""
    kinds = ("{0}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}")
    return ["f " + " ".join(kinds[n % 4].format(i + 1) for i in t) for n, t in enumerate(TRIANGLES)]


CUT_OFF: dict[str, tuple[bytes, str]] = {
    "text.stl": (_ascii_stl(end=False), "its text ends before 'endsolid'"),
    "text.ply": (_ascii_ply(faces=3), "declares 14 points and faces and ends after 11"),
    "text.obj": (_obj(["f 1 2 3"] * 3)[:-3], "its last line is cut off"),
    "coloured.ply": (_coloured_ply()[:-1], r"it needs 5\d\d bytes for what it declares and ends after 5\d\d"),
    "packed.glb": (_glb(extensionsRequired=["KHR_draco_mesh_compression"]), "packed .* Export it without compression"),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_files_that_were_cut_off_or_packed_are_told(tmp_path: Path, name: str) -> None:
    content, match = CUT_OFF[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=match):
        load_mesh(tmp_path / name)


IN_PIECES: dict[str, tuple[bytes, int, float]] = {
    **{name: found for name, found in READ.items() if "big-endian" not in name},
    "text.stl": (_ascii_stl(), 12, 1.0),
    "text.ply": (_ascii_ply(), 12, 1.0),
    "coloured.ply": (_coloured_ply(), 12, 1.0),
    "with textures.obj": (_obj(_quads("{0}/{0}"), before="vt 0 0\n" * 8), 12, 1.0),
    "with normals.obj": (_obj(_quads("{0}//1"), before="vn 0 0 1\n"), 12, 1.0),
    "of all kinds.obj": (_obj(_corners_of_all_kinds(), before="vt 0 0\n" * 8 + "vn 0 0 1\n" * 8), 12, 1.0),
    "triangles and quads.obj": (
        _obj([*("f " + " ".join(str(i + 1) for i in q) for q in QUADS[1:]), "f 1 2 4", "f 1 4 3"]), 12, 1.0,
    ),
    "coloured.obj": (_obj([]).replace(b"\n", b" 0.1 0.2 0.3\n", 8) + "\n".join(_triangles()).encode(), 12, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PIECES)
def test_large_files_are_read_in_pieces_like_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content, count, volume = IN_PIECES[name]
    (tmp_path / name).write_bytes(content)
    for module, key, value in ((meshstreams, "LARGE", 1), (meshstreams, "TEXT_BYTES", 1), (meshtext, "BLOCK", 40)):
        monkeypatch.setattr(module, key, value)
    monkeypatch.setattr(trimesh, "load", None)  # the library, which would read it whole, is not asked
    mesh = load_mesh(tmp_path / name)
    assert len(mesh.faces_F3) == count
    corners = mesh.vertices_V3[mesh.faces_F3].astype(float)
    found = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert found == pytest.approx(volume, rel=1e-5)
    if name == "scene.glb":
        assert mesh.vertices_V3.min(axis=0) == pytest.approx([30, 30, 30])


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("words.obj", _obj(["f 1 two 3"]), "something that is no number"),
        ("commas.obj", b"v 0,5 1,0 2,0\nv 0 0 1\nv 1 0 0\nf 1 2 3\n", "something that is no number"),
        ("line.obj", _obj(["f 1 2", "f 1 2 3"]), "a face of fewer than three corners"),
        ("flat point.obj", b"v 0 1\nv 1 0\nv 1 1\nf 1 2 3\n", "a point of fewer than three coordinates"),
        ("beyond.obj", _obj(["f 1 2 99"]), "names corners that are not there"),
        ("before.obj", _obj(["f 1 2 -99"]), "names corners that are not there"),
        ("none.obj", _obj(["f 0 1 2"]), "names corners that are not there"),
        ("beyond.ply", _ascii_ply().replace(b"4 1 5 7 3", b"4 1 5 7 8"), "names corners that are not there"),
        ("short.ply", _ascii_ply().replace(b"4 1 5 7 3 200", b"4 1 5 7"), "has not the corners that it declares"),
    ],
)
def test_large_text_that_is_no_mesh_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, match: str
) -> None:
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(meshstreams, "TEXT_BYTES", 1)
    with pytest.raises(InputError, match=match) as caught:
        load_mesh(tmp_path / name)
    assert name in str(caught.value)


def test_a_large_file_without_faces_holds_no_triangles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshstreams, "TEXT_BYTES", 1)
    (tmp_path / "points.obj").write_bytes(_obj([]))
    with pytest.raises(InputError, match="no triangles"):
        load_mesh(tmp_path / "points.obj")


def test_points_that_no_face_names_are_said(tmp_path: Path) -> None:
    """Text that was cut off between two lines: the points are all there, most faces are not."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=80)
    lines = ball.export(file_type="obj").splitlines()
    faces = [line for line in lines if line.startswith("f ")]
    kept = [line for line in lines if not line.startswith("f ")] + faces[: len(faces) * 3 // 4]
    (tmp_path / "liver.obj").write_text("\n".join(kept) + "\n")
    report = read_mesh(tmp_path / "liver.obj").report
    named = {int(i) for face in faces[: len(faces) * 3 // 4] for i in face.split()[1:]}
    assert (report.points, report.unnamed) == (642, 642 - len(named))
    assert any("points belong to no face, as in a file that was cut off" in w for w in mended_words(report, 1.0))


def test_a_texture_that_is_broken_is_of_no_concern(tmp_path: Path) -> None:
    (tmp_path / "skin.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    (tmp_path / "skin.png").write_bytes(b"no picture")
    (tmp_path / "liver.obj").write_bytes(_obj(["usemtl skin", *_triangles()], before="mtllib skin.mtl\n"))
    assert len(load_mesh(tmp_path / "liver.obj").faces_F3) == 12


def _loop(folder: Path) -> Path:
    (folder / "liver.stl").symlink_to(folder / "other.stl")
    (folder / "other.stl").symlink_to(folder / "liver.stl")
    return folder / "liver.stl"


def test_links_that_lead_in_a_circle_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_mesh(_loop(tmp_path))
    with pytest.raises(InputError, match="no meshes here"):
        plans_in_folder(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "gallbladder.stl").write_bytes(_stl(TRIANGLES, CORNERS))
    assert [m.path.name for m in plans_in_folder(tmp_path)[0].meshes] == ["gallbladder.stl"]


TOML: dict[str, tuple[str, str]] = {
    "a key twice": ('[[part]]\nfile = "a.stl"\nclass = "liver"\nclass = "fat"\n', "not valid TOML.*line 4"),
    "a table twice": ('[instrument]\nname = "a"\n[instrument]\nname = "b"\n', "not valid TOML.*line 3"),
    "no parts": ('name = "x"\n', "names no parts"),
    "a part without a file": ('[[part]]\nclass = "liver"\n', r"a part \(line 1\) lacks file"),
    "a place of two numbers": ('[[part]]\nfile = "a.stl"\nclass = "liver"\nmove = [1, 2]\n', "three numbers"),
    "a place in words": ('[[part]]\nfile = "a.stl"\nclass = "liver"\nmove = "left"\n', r"move 'left' \(line 4\)"),
    "a scale below 0": ('[[part]]\nfile = "a.stl"\nclass = "liver"\nscale = -1\n', r"scale '-1' \(line 4\)"),
    "repair in words": ('[[part]]\nfile = "a.stl"\nclass = "liver"\nrepair = "no"\n', r"repair 'no' \(line 4\)"),
    "units of the second part": (
        '[[part]]\nfile = "a.stl"\nclass = "liver"\nunits = "mm"\n[[part]]\nfile = "b"\nclass = "fat"\nunits = "mms"\n',
        r"units 'mms' \(line 8\) are not known. Did you mean 'mm'",
    ),
    "a colour beyond 1": ('[[part]]\nfile = "a.stl"\nclass = "fat"\ncolour = [1, 2, 3]\n', r"colour .* \(line 4\)"),
    "an instrument without jaws": ('[[instrument]]\nname = "grasper"\n', r"an instrument \(line 1\) has no jaws"),
    "two livers": (
        '[[part]]\nfile = "a.stl"\nclass = "liver"\n[[part]]\nfile = "b.stl"\nclass = "liver"\n',
        r"a second liver \(line 6\)",
    ),
    "three jaws": ('[[instrument]]\njaws = ["a.stl", "b.stl", "c.stl"]\n', r"an instrument of 3 jaws \(line 2\)"),
    "not text": ("\x00\x01", "not valid TOML"),
    "one part in single brackets": ('[part]\nfile = "a.stl"\n', r"'part' \(line 1\) is one table"),
    "a name of numbers": ('name = 3\n[[part]]\nfile = "a.stl"\nclass = "liver"\n', r"name '3' \(line 1\)"),
    "an organ that is a tool": (
        '[[part]]\nfile = "a.stl"\nclass = "tool tip"\n',
        r"class 'tool tip' \(line 3\) is an instrument's",
    ),
    "jaws without brackets": ('[[instrument]]\njaws = "a.stl"\n', r"jaws 'a.stl' \(line 2\) are no list"),
    "units in an inline table": (
        'part = [\n {file = "a.stl", class = "liver", units = "mx"}]\n',
        r"units 'mx' \(line 2\)",
    ),
}


@pytest.mark.parametrize("case", TOML)
def test_mistakes_in_anatomy_files_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    content, match = TOML[case]
    (tmp_path / "case.toml").write_text(content)
    with pytest.raises(InputError, match=match) as caught:
        plan_from_file(tmp_path / "case.toml")
    assert "\n" not in str(caught.value)


def _anatomy(folder: Path, *, more: str = "") -> Path:
    (folder / "liver.stl").write_bytes(_stl(TRIANGLES, [(200 * x, 90 * y, 70 * z) for x, y, z in CORNERS]))
    path = folder / "case.toml"
    path.write_text(f'[[part]]\nfile = "liver.stl"\nclass = "liver"\nunits = "mm"\n{more}', encoding="utf-8")
    return path


def test_a_missing_file_is_named_with_its_line_and_the_one_that_was_meant(tmp_path: Path) -> None:
    path = _anatomy(tmp_path, more='[[instrument]]\nshaft = "livr.stl"\njaws = ["liver.stl"]\n')
    with pytest.raises(
        InputError, match=r"case.toml: shaft 'livr.stl' \(line 6\) is not there. Did you mean 'liver.stl'"
    ):
        plan_from_file(path)


@pytest.mark.parametrize(("make", "match"), [
    (lambda path: path.mkdir(), "it is no file"),
    (lambda path: path.write_bytes(b"#" * 30_000_000), "it is larger than 20.0 MB"),
    (lambda path: None, "there is no such file"),
    # Reading a pipe would wait for ever; Windows has none.
    (lambda path: os.mkfifo(path) if hasattr(os, "mkfifo") else path.mkdir(), "it is no file"),
])  # fmt: skip
def test_what_can_be_no_anatomy_file_or_camera_path_is_not_read(
    tmp_path: Path, make: Callable[[Path], object], match: str
) -> None:
    make(tmp_path / "case")
    for read in (plan_from_file, read_keyframes):
        with pytest.raises(InputError, match=f"case: cannot be read: {match}"):
            read(tmp_path / "case")


def test_a_mesh_file_is_no_folder_of_meshes(tmp_path: Path) -> None:
    (tmp_path / "liver.stl").write_bytes(_stl(TRIANGLES, CORNERS))
    with pytest.raises(InputError, match="a file, and no folder"):
        plans_in_folder(tmp_path / "liver.stl")


def test_a_folder_that_cannot_be_looked_through_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rglob(_folder: Path, _pattern: str) -> list[Path]:
        raise OSError(22, "Invalid argument", "net")

    monkeypatch.setattr(Path, "rglob", rglob)
    with pytest.raises(InputError, match=r"cannot be looked through \(Invalid argument: net\)"):
        plans_in_folder(tmp_path)


def test_an_anatomy_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = _anatomy(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [m.path.name for m in plan_from_file(path).meshes] == ["liver.stl"]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ("scale = 100.0\n", r"liver.stl: the mesh of 200 mm would be 2e\+04 mm large, scaled by 100"),
        ("move = [1e30, 0, 0]\n", "liver.stl: moved far away from the body"),
        ("move = [0, 5000, 0]\n", r"liver.stl: moved 4,9\d\d mm away from the body"),
    ],
)
def test_numbers_that_lead_out_of_the_body_are_refused(tmp_path: Path, more: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        notes_on(plan_from_file(_anatomy(tmp_path, more=more)))


def test_a_flat_mesh_is_no_organ(tmp_path: Path) -> None:
    disc = [(0.0, 0.0, 0.0), *((100 * np.cos(a), 60 * np.sin(a), 0.0) for a in np.linspace(0, 6, 30))]
    (tmp_path / "liver.stl").write_bytes(_stl([(0, i, i + 1) for i in range(1, 30)], disc))
    with pytest.raises(InputError, match=r"liver.stl: the mesh is flat, which no liver is"):
        notes_on(plans_in_folder(tmp_path)[0])


def test_a_flat_wall_is_a_sheet_without_a_hollow_side(tmp_path: Path) -> None:
    disc = [(0.0, 0.0, 0.0), *((150 * np.cos(a), 200 * np.sin(a), 0.0) for a in np.linspace(0, 6, 30))]
    (tmp_path / "wall.stl").write_bytes(_stl([(0, i, i + 1) for i in range(1, 30)], disc))
    assert notes_on(plans_in_folder(tmp_path)[0])
    assert not concave_side(load_mesh(tmp_path / "wall.stl")).any()
