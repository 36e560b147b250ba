"""Pictures on organs: their colours at known pixels, coordinates through mending, refusals, and what stays the same."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from studio.files.labels import read_grey_levels
from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.anatomy import Anatomy, Part
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.fields import with_normals
from studio.scenes.simulator.frames import coloured, see
from studio.scenes.simulator.leaving_out import body_without
from studio.scenes.simulator.meshcoordinates import carried_over, file_surface
from studio.scenes.simulator.meshfiles import read_mesh
from studio.scenes.simulator.meshplans import plan_digest, plan_from_file
from studio.scenes.simulator.painting import Painted
from studio.scenes.simulator.patients import build_anatomy, sources_of
from studio.scenes.simulator.plain import PlainLook, draw_plain_look, shade_plain
from studio.scenes.simulator.views import View
from studio.vocabulary.errors import InputError
from tests.scenes.test_simulator_meshes import liver_like

SIZE = (80, 60)
CHECKER = np.array([[[250, 20, 30], [40, 220, 60]], [[20, 50, 240], [230, 210, 90]]], np.uint8)
"""Upper row first."""
FOCAL, DISTANCE, HALF = 60.0, 100.0, 40.0
PICTURE = np.repeat(np.repeat(CHECKER, 16, axis=0), 16, axis=1)


def _plate() -> Anatomy:
    """A square before the camera (x right, y down): its upper left corner has u 0, v 1."""
    corners = np.array([(-HALF, -HALF), (HALF, -HALF), (HALF, HALF), (-HALF, HALF)])
    uv_V2 = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
    faces = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
    mesh = with_normals(np.column_stack([corners, np.full(4, DISTANCE)]).astype(np.float32), faces)
    behind = with_normals(mesh.vertices_V3 * np.array([3, 3, 1.2], np.float32), faces)
    parts = (Part("wall", 3, behind), Part("liver", 1, mesh, texture=Painted(PICTURE, uv_V2[faces], faces)))
    return Anatomy("plate", parts, np.zeros(3), np.zeros((1, 3)), np.zeros(3))


def _seen(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """(colours (H, W, 3) in linear light, divided by the light; class ids)."""
    K = np.array([[FOCAL, 0, SIZE[0] / 2], [0, FOCAL, SIZE[1] / 2], [0, 0, 1.0]])
    look = PlainLook(
        np.full((2, 3), 0.5, np.float32), np.full((2, 3), 0.5, np.float32), np.zeros(2, np.float32), exposure=0.0,
        shine=0.0, ambient=0.5, pictures={1: PICTURE},
    )  # fmt: skip
    geometry = see(Scene(body, View(SIZE, K, np.eye(4))))
    return coloured(geometry, lambda s: shade_plain(s, look, (), lit_at=60.0)) ** 2.2 / 0.5, geometry.class_HW


def _expected() -> tuple[np.ndarray, np.ndarray]:
    """(linear colours of pixels that see the plate, by its projection; which pixels are sure to be seen whole)."""
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5 - SIZE[0] / 2, np.arange(SIZE[1]) + 0.5 - SIZE[1] / 2)
    across, down = x * DISTANCE / FOCAL, y * DISTANCE / FOCAL
    # Between the fields colours blend over a pixel of the picture, and at its border with what is repeated there.
    blend = 1.1 * 2 * HALF / PICTURE.shape[0]
    sure = np.minimum(np.abs(across), np.abs(down)) > blend
    sure &= np.maximum(np.abs(across), np.abs(down)) < HALF - 3
    return (CHECKER / 255.0)[(down > 0).astype(int), (across > 0).astype(int)] ** 2.2, sure


@pytest.mark.parametrize("left_out", [False, True])
def test_a_checker_has_its_colours_where_the_camera_sees_it(left_out: bool) -> None:
    body = Body(_plate())
    found_HW3, class_HW = _seen(body_without(body, ["abdominal wall"]) if left_out else body)
    expected_HW3, sure_HW = _expected()
    assert (class_HW[0, 0] == 0) == left_out
    assert sure_HW.sum() > 1000 and (class_HW[sure_HW] == 1).all()
    assert np.abs(found_HW3 - expected_HW3)[sure_HW].max() < 1e-3


# -- through files and mending


def _ball(folder: Path, *, hole: bool = False) -> Path:
    """A liver-sized ball as OBJ: u by the angle about z, v by z; a seam with points and coordinates of its own."""
    rows, columns = 40, 60
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0.02, 0.98, rows + 1))
    angle, height = 2 * np.pi * u, 2 * v - 1
    flat = np.sqrt(1 - height**2)
    points = np.stack([90 * flat * np.cos(angle), 70 * flat * np.sin(angle), 50 * height], axis=-1).reshape(-1, 3)
    index = np.arange(points.shape[0]).reshape(rows + 1, columns + 1) + 1
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points]
    lines += [f"vt {a:.6f} {b:.6f}" for a, b in zip(u.ravel(), v.ravel(), strict=True)]
    for i in range(rows):
        for j in range(columns):
            if hole and 18 <= i < 22 and 10 <= j < 14:
                continue
            quad = (index[i, j], index[i, j + 1], index[i + 1, j + 1], index[i + 1, j])
            lines.append("f " + " ".join(f"{k}/{k}" for k in quad))
    path = folder / "liver.obj"
    path.write_text("\n".join(lines) + "\n")
    return path


def _uv_of(points_N3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    angle = np.arctan2(points_N3[:, 1] / 70, points_N3[:, 0] / 90) / (2 * np.pi)
    return angle % 1, (points_N3[:, 2] / 50 + 1) / 2


@pytest.mark.parametrize("hole", [False, True])
def test_coordinates_stay_right_through_mending(tmp_path: Path, hole: bool) -> None:
    path = _ball(tmp_path, hole=hole)
    read = read_mesh(path)
    assert read.report.mended is not None and read.report.mended.holes >= 2 + hole  # both poles are open
    uv_F32 = carried_over(file_surface(path), read.mesh)
    corners_F33 = read.mesh.vertices_V3[read.mesh.faces_F3].astype(float)
    low, high = corners_F33[..., 2].min(axis=1), corners_F33[..., 2].max(axis=1)
    side = (low > -48.0 + 1e-3) & (high < 48.0 - 1e-3)  # without the poles' caps
    if hole:
        u, _ = _uv_of(corners_F33.mean(axis=1))
        side &= ~((u > 9 / 60) & (u < 15 / 60) & (np.abs(low) < 12))
    assert side.sum() > 4000
    u, v = (x.reshape(-1, 3) for x in _uv_of(corners_F33[side].reshape(-1, 3)))
    assert np.abs(uv_F32[side][..., 1] - v).max() < 1e-4
    # At the seam 0 and 1 are the same place; no face goes once round.
    assert np.abs((uv_F32[side][..., 0] - u + 0.5) % 1 - 0.5).max() < 1e-4
    assert np.ptp(uv_F32[side][..., 0], axis=1).max() < 1.5 / 60
    if hole:
        middle = corners_F33.mean(axis=1)
        filled = (np.abs(middle[:, 2]) < 4) & (np.abs(_uv_of(middle)[0] - 12 / 60) < 1.5 / 60)
        assert filled.any()
        assert np.abs(uv_F32[filled][..., 0] - 12 / 60).max() < 4 / 60
        assert np.abs(uv_F32[filled][..., 1] - 0.5).max() < 4 / 40


def test_coordinates_stay_right_where_a_mesh_is_thinned_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.scenes.simulator.meshfiles.MAX_FACES", 1500)
    path = _ball(tmp_path)
    read = read_mesh(path)
    assert 500 < read.report.thinned_to <= 1500
    uv_F32 = carried_over(file_surface(path), read.mesh)
    corners_F33 = read.mesh.vertices_V3[read.mesh.faces_F3].astype(float)
    side = np.abs(corners_F33[..., 2]).max(axis=1) < 40
    u, v = (x.reshape(-1, 3) for x in _uv_of(corners_F33[side].reshape(-1, 3)))
    assert np.abs(uv_F32[side][..., 1] - v).max() < 0.03
    assert np.abs((uv_F32[side][..., 0] - u + 0.5) % 1 - 0.5).max() < 0.03
    assert np.ptp(uv_F32[side][..., 0], axis=1).max() < 0.2


def test_coordinates_of_obj_faces_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1 0\nvt 0 .5 # last\nvn 0 0 1\n"
        "f 1/1/1 2/2/1 \\\n3/3/1 4/4/1\nf -4/-4 -2/-2 -1/-1\nf 1 2 3\nf 1//1 2//1 3//1\n"
    )
    surface = file_surface(path)
    expected = [[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 0.5)], [(0, 0), (1, 1), (0, 0.5)]]
    assert surface.uv_F32.tolist() == np.array(expected, float).tolist()
    assert surface.corners_F33[2].tolist() == [[0, 0, 0], [1, 1, 0], [0, 1, 0]]


def test_coordinates_of_glb_point_upwards(tmp_path: Path) -> None:
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], "<f4")
    uv = np.array([(0, 0), (1, 0), (0, 0.25)], "<f4")
    data = points.tobytes() + uv.tobytes()
    head = {
        "asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 36}, {"buffer": 0, "byteOffset": 36, "byteLength": 24},
        ],
        "buffers": [{"byteLength": len(data)}],
    }  # fmt: skip
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    path = tmp_path / "a.glb"
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    assert file_surface(path).uv_F32.tolist() == [[[0, 1], [1, 1], [0, 0.75]]]


# -- anatomy files


def _anatomy(folder: Path, more: str, *, mesh: str = "liver.obj") -> Path:
    path = folder / "body.toml"
    path.write_text(f'[[part]]\nfile = "{mesh}"\nclass = "liver"\nunits = "mm"\n{more}\n')
    return path


def _picture(folder: Path, level: int = 0) -> Path:
    path = folder / "skin.png"
    Image.fromarray(np.roll(PICTURE, level, axis=2)).save(path)
    return path


def test_the_same_body_with_and_without_a_texture(tmp_path: Path) -> None:
    _ball(tmp_path)
    _picture(tmp_path)
    pictures = {}
    for name, more in (("plain", ""), ("textured", 'texture = "skin.png"')):
        settings = SimulationSettings(3, 1, size=(96, 54), seed=4, processes=1, anatomy=_anatomy(tmp_path, more))
        result_of(simulate(tmp_path / name, settings))
        pictures[name] = {str(p.relative_to(tmp_path / name)): p.read_bytes()
                          for p in sorted((tmp_path / name).rglob("*.png"))}  # fmt: skip
    plain, textured = pictures["plain"], pictures["textured"]
    assert plain.keys() == textured.keys() and len(plain) == 12
    differing = {name for name in plain if plain[name] != textured[name]}
    with_liver = [p for p in sorted(tmp_path.glob("plain/**/seg/*.png")) if (read_grey_levels(p) == 1).any()]
    assert len(with_liver) >= 2
    assert differing == {str(p.relative_to(tmp_path / "plain")).replace("seg", "rgb") for p in with_liver}


def test_another_picture_is_another_body(tmp_path: Path) -> None:
    _ball(tmp_path)
    picture = _picture(tmp_path)
    anatomy = _anatomy(tmp_path, 'texture = "skin.png"')
    settings = SimulationSettings(1, 1, size=(64, 36), seed=4, processes=1, anatomy=anatomy)
    result_of(simulate(tmp_path / "out", settings))
    result_of(simulate(tmp_path / "out", settings))  # the same may go on
    before = plan_digest(plan_from_file(anatomy))
    _picture(picture.parent, 1)
    assert plan_digest(plan_from_file(anatomy)) != before
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate(tmp_path / "out", settings))


def test_a_picture_has_no_noise_and_no_shift_of_its_own(tmp_path: Path) -> None:
    look = draw_plain_look(1, 0, _plate())
    assert look.grain_P[0] > 0 and look.grain_P[1] == 0
    assert list(look.pictures) == [1] and look.pictures[1] is PICTURE


@pytest.mark.parametrize("axes", ["+x +y +z", "-x +y +z", "+z +x +y"])
def test_coordinates_stay_with_their_corners_in_other_axes(tmp_path: Path, axes: str) -> None:
    path = _ball(tmp_path)
    _picture(tmp_path)
    anatomy = _anatomy(tmp_path, 'texture = "skin.png"\nscale = 2')
    anatomy.write_text(f'axes = "{axes}"\n' + anatomy.read_text())
    part = build_anatomy(sources_of(1, range(1), anatomy=anatomy)[0]).part(1)
    assert part is not None and part.texture is not None
    # Heights along the files' z are the second coordinate, whichever way that axis points in the body.
    column = ["z" in word for word in axes.split()].index(True)
    along_F3 = part.mesh.vertices_V3[part.mesh.faces_F3][..., column]
    low, high = along_F3.min(), along_F3.max()
    height_F3 = 0.02 + 0.96 * (along_F3 - low) / (high - low)
    side = (np.abs(height_F3 - 0.5) < 0.47).all(axis=1)
    assert side.sum() > 4000
    assert np.abs(part.texture.uv_F32[side][..., 1] - height_F3[side]).max() < 1e-3
    assert len(file_surface(path).uv_F32) == 4800


def test_coordinates_that_are_no_numbers_are_no_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 nan\nvt 1 0\nvt 1e30 1\nf 1/1 2/2 3/2\nf 1/3 2/2 3/2\n")
    with pytest.raises(InputError, match="this mesh has no texture coordinates"):
        file_surface(path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('texture = "skin.png"\ncolour = "#803028"', r"a texture \(line 5\) beside a colour"),
        ('texture = "none.png"', r"texture 'none.png' \(line 5\) is not there"),
        ("texture = 3", r"texture '3' \(line 5\) is no picture's name"),
        ('texture = "liver.obj"', r"texture 'liver.obj' \(line 5\) is no picture's name"),
        ('texture = "cut.png"', r"texture 'cut.png' \(line 5\) cannot be used: .*damaged or cut short"),
        ('texture = "text.png"', r"texture 'text.png' \(line 5\) cannot be used: not a readable picture"),
        ('texture = "wide.png"', r"texture 'wide.png' \(line 5\) cannot be used: .*9000x8 px"),
    ],
)
def test_a_texture_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, more: str, said: str) -> None:
    _ball(tmp_path)
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:4000])
    (tmp_path / "text.png").write_bytes(base64.b64encode(b"no picture"))
    Image.new("RGB", (9000, 8)).save(tmp_path / "wide.png")
    _picture(tmp_path)
    with pytest.raises(InputError, match=said) as found:
        plan_from_file(_anatomy(tmp_path, more))
    assert "body.toml" in str(found.value) and "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["bare.obj", "bare.stl", "bare.ply", "bare.glb"])
def test_a_mesh_without_coordinates_is_told(tmp_path: Path, name: str) -> None:
    trimesh.Trimesh(liver_like().vertices, liver_like().faces).export(tmp_path / name)
    _picture(tmp_path)
    with pytest.raises(InputError, match=rf"\(line 5\) on '{name}': this mesh has no texture coordinates") as found:
        plan_from_file(_anatomy(tmp_path, 'texture = "skin.png"', mesh=name))
    assert "body.toml" in str(found.value) and "vt lines" in str(found.value)
