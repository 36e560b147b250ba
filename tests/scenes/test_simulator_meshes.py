"""Patients from mesh files: classes from names, units, winding, bad files, anatomy files, the given meshes."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from studio.jobs.stages import result_of
from studio.scenes.readers import read_scenes
from studio.scenes.simulator import SimulationSettings, meshstreams, simulate
from studio.scenes.simulator.meshfiles import load_mesh
from studio.scenes.simulator.meshplans import class_in_name, plans_in_folder
from studio.scenes.simulator.patients import build_anatomy, patient_name, sources_of
from studio.vocabulary.errors import InputError


def liver_like() -> trimesh.Trimesh:
    """Widest in x, bulky at negative x; mm."""
    big = trimesh.creation.icosphere(subdivisions=3, radius=1.0)
    big.apply_scale((75, 60, 50))
    big.apply_translation((-40, 0, 0))
    small = trimesh.creation.icosphere(subdivisions=3, radius=1.0)
    small.apply_scale((70, 35, 20))
    small.apply_translation((45, 5, 10))
    return trimesh.util.concatenate([big, small])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    body = tmp_path / "meshes" / "some body"
    body.mkdir(parents=True)
    liver = liver_like()
    liver.apply_scale(0.001)
    liver.export(body / "Liver (final).stl")
    trimesh.creation.icosphere(subdivisions=2, radius=0.014).apply_translation((-0.03, -0.06, -0.03)).export(
        body / "GallBladder.ply"
    )
    return tmp_path / "meshes"


@pytest.mark.parametrize(
    ("stem", "class_id"),
    [
        ("VH_F_Liver", 1),
        ("gallbladder_visual", 2),
        ("Gall-Bladder", 2),
        ("liverGallbladder", 2),
        ("Abdominal_wall", 3),
        ("fat", 4),
        ("Duodenum", 8),
        ("Spleen", 0),
        ("instrument_shaft", None),
        ("cube", None),
    ],
)
def test_classes_are_found_in_names(stem: str, class_id: int | None) -> None:
    assert class_in_name(stem) == class_id


def test_a_folder_in_metres_becomes_a_whole_patient(folder: Path) -> None:
    source = sources_of(1, range(3, 4), meshes=folder)[0]
    assert patient_name(source) == "patient_003_some-body"
    anatomy = build_anatomy(source)
    liver = anatomy.part(1)
    assert liver is not None
    assert 200 < np.ptp(liver.mesh.vertices_V3, axis=0).max() < 260
    assert {p.class_id for p in anatomy.parts} == {1, 2, 3, 4, 5, 8}


def test_mesh_patients_are_simulated(folder: Path, tmp_path: Path) -> None:
    settings = SimulationSettings(1, 1, size=(64, 36), meshes=folder, processes=1)
    result = result_of(simulate(tmp_path / "out", settings))
    assert [s.patient for s in read_scenes(Path(result["scenes"][0]))] == ["patient_000_some-body"]


def test_mixed_winding_is_mended(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=10)
    faces = ball.faces.copy()
    faces[::3] = faces[::3, ::-1]
    inside_out = trimesh.Trimesh(ball.vertices + 30, ball.faces[:, ::-1], process=False)
    trimesh.util.concatenate([trimesh.Trimesh(ball.vertices, faces, process=False), inside_out]).export(
        tmp_path / "a.stl"
    )
    mesh = load_mesh(tmp_path / "a.stl")
    middle = np.where(mesh.vertices_V3[:, :1] > 15, 30.0, 0.0)
    outwards = (mesh.vertices_V3 - middle) / 10
    assert (np.einsum("ij,ij->i", outwards, mesh.normals_V3) > 0.9).all()


def test_large_meshes_are_thinned_out(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=7, radius=80)
    assert len(ball.faces) > 300_000
    ball.export(tmp_path / "a.stl")
    mesh = load_mesh(tmp_path / "a.stl")
    assert len(mesh.faces_F3) <= 60_000
    assert np.abs(np.linalg.norm(mesh.vertices_V3, axis=1) - 80).max() < 1.0


def test_large_binary_files_are_thinned_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ball = trimesh.creation.icosphere(subdivisions=6, radius=80)
    ball.export(tmp_path / "a.stl")
    monkeypatch.setattr(meshstreams, "LARGE", 1000)
    monkeypatch.setattr(meshstreams, "PIECE", 7000)
    monkeypatch.setattr(trimesh, "load", None)  # the library, which would read it whole, is not asked
    mesh = load_mesh(tmp_path / "a.stl")
    assert 10_000 < len(mesh.faces_F3) <= 60_000
    assert np.abs(np.linalg.norm(mesh.vertices_V3, axis=1) - 80).max() < 0.5
    assert (np.einsum("ij,ij->i", mesh.vertices_V3, mesh.normals_V3) > 75).all()
    assert trimesh.Trimesh(mesh.vertices_V3, mesh.faces_F3, process=False).is_watertight
    ball.export(tmp_path / "a.ply")
    as_ply = load_mesh(tmp_path / "a.ply")
    assert np.abs(np.linalg.norm(as_ply.vertices_V3, axis=1) - 80).max() < 0.5
    assert trimesh.Trimesh(as_ply.vertices_V3, as_ply.faces_F3, process=False).is_watertight
    content = bytearray((tmp_path / "a.stl").read_bytes())
    for face in range(1000):  # of 81,920
        content[84 + 50 * face + 12 : 84 + 50 * face + 16] = struct.pack("<f", float("nan"))
    (tmp_path / "nan.stl").write_bytes(content)
    with pytest.raises(InputError, match="the mesh holds coordinates that are not finite"):
        load_mesh(tmp_path / "nan.stl")


def test_unusable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.stl").write_bytes(b"\x00" * 100)
    (tmp_path / "empty.obj").write_text("# nothing\n")
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv nan 1 0\nv 1 0 0\nf 1 2 3\n")
    (tmp_path / "point.obj").write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    for name in ("broken.stl", "empty.obj", "nan.obj", "point.obj", "missing.stl"):
        with pytest.raises(InputError, match=name):
            load_mesh(tmp_path / name)
    with pytest.raises(InputError, match="no meshes"):
        plans_in_folder(_made(tmp_path / "nothing"))
    (_made(tmp_path / "odd") / "cube.stl").write_bytes(b"")
    with pytest.raises(InputError, match="named after an organ"):
        plans_in_folder(tmp_path / "odd")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


ANATOMY = """
name = "Case 7"
axes = "+x +y +z"
[[part]]
file = "meshes/some body/Liver (final).stl"
class = "liver"
units = "m"
colour = "#803028"
[[part]]
file = "meshes/some body/GallBladder.ply"
class = "gallbladder"
units = "m"
"""


def test_an_anatomy_file_names_parts(folder: Path) -> None:
    path = folder.parent / "case.toml"
    path.write_text(ANATOMY)
    source = sources_of(1, range(1), anatomy=path)[0]
    anatomy = build_anatomy(source)
    assert anatomy.name == "case-7"
    liver = anatomy.part(1)
    assert liver is not None
    assert liver.colour == pytest.approx((128 / 255, 48 / 255, 40 / 255))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (('units = "m"', 'unit = "m"'), r"'unit' \(line 7\)"),
        (('units = "m"', 'units = "miles"'), "miles"),
        (('units = "m"', 'units = ["m"]'), "are not known"),
        (('class = "liver"', 'class = "lever"'), r"'lever' \(line 6\). Did you mean 'liver'"),
        (('file = "meshes/some body/GallBladder.ply"', "file = 7"), r"'7' \(line 10\) is no file's name"),
        (("colour =", "color ="), r"'color' \(line 8\) is not known. Did you mean 'colour'"),
        (('axes = "+x +y +z"', 'axes = "+x +x +z"'), "twice"),
        (("#803028", "red"), "red"),
        (("[[part]]", "[part"), "TOML"),
        (("Liver (final)", "Other"), r"Other.*\(line 5\) is not there"),
        (('units = "m"', 'units = "mm"'), 'mm large. Did you mean units = "m"'),
    ],
)
def test_mistakes_in_an_anatomy_file_are_named(folder: Path, change: tuple[str, str], match: str) -> None:
    path = folder.parent / "case.toml"
    path.write_text(ANATOMY.replace(*change))
    with pytest.raises(InputError, match=match) as caught:
        build_anatomy(sources_of(1, range(1), anatomy=path)[0])
    assert "\n" not in str(caught.value)


def _given_meshes() -> Path | None:
    places = [Path(os.environ["TROCAR_TESTDATA"])] if "TROCAR_TESTDATA" in os.environ else []
    root = Path(__file__).resolve().parents[2]
    places += [root / "shared" / "testdata", root.parent / "shared" / "testdata"]
    return next((p / "meshes" for p in places if (p / "meshes").is_dir()), None)


@pytest.mark.skipif(_given_meshes() is None, reason="the test data is not here")
def test_given_meshes_become_five_different_patients() -> None:
    folder = _given_meshes()
    assert folder is not None
    plans = plans_in_folder(folder)
    assert {p.name for p in plans} == {"hubmap-vh-f", "hubmap-vh-m", "liver-gallbladder", "openhelp", "warp-surgical"}
    assert len(plans[0].instruments) == 4
    anatomy = build_anatomy(sources_of(0, range(3, 4), meshes=folder)[0])
    liver = anatomy.part(1)
    assert liver is not None
    assert 150 < np.ptp(liver.mesh.vertices_V3, axis=0).max() < 260
    assert len(anatomy.kits) == 4
    assert all(1.5 < k.radius < 4 for k in anatomy.kits)


def test_a_refused_mesh_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    (folder / "some body" / "Liver (final).stl").write_bytes(b"")
    settings = SimulationSettings(2, 1, size=(64, 36), meshes=folder, processes=1)
    with pytest.raises(InputError, match="the file is empty"):
        result_of(simulate(tmp_path / "scenes" / "new", settings))
    assert not (tmp_path / "scenes" / "new").exists()
