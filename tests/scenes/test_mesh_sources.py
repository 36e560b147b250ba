"""Bodies put together from meshes of several sources: a unit for each file, what fits together, what is placed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from studio.jobs.events import Note
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.anatomy import Anatomy
from studio.scenes.simulator.fields import Mesh, with_normals
from studio.scenes.simulator.meshplacing import turned_to
from studio.scenes.simulator.meshunits import fitting_units, sizes_of
from studio.scenes.simulator.patients import build_anatomy, sources_of
from studio.scenes.simulator.plain import draw_plain_look
from studio.scenes.simulator.surfaces import SurfaceField
from studio.vocabulary.errors import InputError
from tests.scenes.test_simulator_meshes import liver_like

LIVER, GALLBLADDER, WALL, FAT, SPLEEN, BOWEL = 1, 2, 3, 4, 0, 8


def pear(length_mm: float = 80.0) -> trimesh.Trimesh:
    """A gallbladder along x, its wide end at greater x."""
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=1.0)
    x = mesh.vertices[:, 0]
    mesh.vertices *= np.stack([np.full(len(x), length_mm / 2), 10 + 6 * x, 10 + 6 * x], axis=1)
    return mesh


def _write(folder: Path, **meshes: trimesh.Trimesh) -> Path:
    folder.mkdir(exist_ok=True)
    for name, mesh in meshes.items():
        mesh.export(folder / f"{name}.stl")
    return folder


def _scaled(mesh: trimesh.Trimesh, factor: float, move: tuple[float, float, float] = (0, 0, 0)) -> trimesh.Trimesh:
    copy = mesh.copy()
    copy.apply_translation(move)
    copy.apply_scale(factor)
    return copy


def _built(folder: Path, *, anatomy: Path | None = None) -> Anatomy:
    source = sources_of(1, range(1), meshes=None if anatomy else folder, anatomy=anatomy)[0]
    return build_anatomy(source)


def _mesh(body: Anatomy, class_id: int) -> Mesh:
    part = body.part(class_id)
    assert part is not None
    return part.mesh


def _extent(mesh: Mesh) -> float:
    return float(np.ptp(mesh.vertices_V3, axis=0).max())


@pytest.mark.parametrize(
    ("class_id", "extent", "unit"),
    [
        (LIVER, 0.247, "m"), (LIVER, 1.826, "dm"), (LIVER, 20.2, "cm"), (LIVER, 202.3, "mm"), (LIVER, 9.0, "in"),
        (LIVER, 90.0, "mm"), (GALLBLADDER, 0.052, "m"), (GALLBLADDER, 0.553, "dm"), (GALLBLADDER, 90.0, "mm"),
        (WALL, 445.6, "mm"), (BOWEL, 133.0, "mm"), (SPLEEN, 12.2, "cm"), (FAT, 0.549, "dm"),
    ],
)  # fmt: skip
def test_units_are_told_by_how_large_an_organ_can_be(class_id: int, extent: float, unit: str) -> None:
    assert fitting_units(extent, sizes_of(class_id))[0] == unit


@pytest.mark.parametrize("extent", [2000.0, 60.0, 0.6, 1e-9, 1e12])
def test_a_size_that_no_unit_explains_has_none(extent: float) -> None:
    assert fitting_units(extent, sizes_of(LIVER)) == []


def test_a_unit_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    folder = _write(tmp_path / "body", liver=_scaled(liver_like(), 0.27))
    with pytest.raises(InputError, match=r'liver.stl: its longest side .* units = "cm" would make it') as caught:
        _built(folder)
    assert "\n" not in str(caught.value)


def test_every_file_has_its_own_unit(tmp_path: Path) -> None:
    folder = _write(tmp_path / "body", liver=_scaled(liver_like(), 0.001), gallbladder=_scaled(pear(), 0.01),
                    spleen=trimesh.creation.icosphere(radius=60))  # fmt: skip
    body = _built(folder)
    assert _extent(_mesh(body, LIVER)) == pytest.approx(230, abs=2)
    # Turned by the smallest turn that lays it along the bed: no longer along an axis, but still 80 mm long.
    points = _mesh(body, GALLBLADDER).vertices_V3
    assert max(np.linalg.norm(points - p, axis=1).max() for p in points[::10]) == pytest.approx(80, abs=1)
    assert _extent(_mesh(body, SPLEEN)) == pytest.approx(120, abs=2)


def test_an_organ_without_a_class_is_seen_in_the_colour_of_tissue(tmp_path: Path) -> None:
    folder = _write(tmp_path / "body", spleen=trimesh.creation.icosphere(radius=60))
    body = _built(folder)
    at = [p.class_id for p in body.parts].index(SPLEEN)
    red, green, blue = draw_plain_look(1, 0, body).colour_P3[at]
    assert red > 0.04
    assert red > max(green, blue)


def test_what_fits_together_stays_together(tmp_path: Path) -> None:
    bladder = _scaled(pear(60), 1.0, (-30, -45, -42))
    one = _built(_write(tmp_path / "together", liver=liver_like(), gallbladder=bladder))
    by_class = {p.class_id: p.mesh for p in one.parts}
    middle = [(m.vertices_V3.min(axis=0) + m.vertices_V3.max(axis=0)) / 2 for m in (by_class[1], by_class[2])]
    own = [m.bounds.mean(axis=0) for m in (liver_like(), bladder)]
    assert np.linalg.norm(middle[1] - middle[0]) == pytest.approx(np.linalg.norm(own[1] - own[0]), abs=0.1)


def test_a_gallbladder_of_another_source_comes_to_the_liver(tmp_path: Path) -> None:
    far = _scaled(pear(), 0.01, (4000, -9000, 250))
    body = _built(_write(tmp_path / "mixed", liver=liver_like(), gallbladder=far))
    liver, bladder = _mesh(body, LIVER), _mesh(body, GALLBLADDER)
    share = SurfaceField(liver).share_inside(bladder)
    assert 0.05 < share < 0.3
    low, high = liver.vertices_V3.min(axis=0), liver.vertices_V3.max(axis=0)
    middle = bladder.vertices_V3.mean(axis=0)
    assert low[0] < middle[0] < (low[0] + high[0]) / 2 + 20
    assert middle[2] < (low[2] + high[2]) / 2


def test_a_body_without_a_liver_is_given_one(tmp_path: Path) -> None:
    body = _built(_write(tmp_path / "body", gallbladder=_scaled(pear(), 1.0, (700, 0, 0))))
    assert {p.class_id for p in body.parts} == {1, 2, 3, 4, 5, 8}
    assert SurfaceField(_mesh(body, LIVER)).gap(_mesh(body, GALLBLADDER)) < 0


def test_what_an_anatomy_file_says_wins_over_guesses(tmp_path: Path) -> None:
    folder = _write(tmp_path / "body", liver=liver_like(), other=_scaled(pear(), 0.001, (5000, 0, 0)))
    toml = folder / "case.toml"
    toml.write_text(
        '[[part]]\nfile = "liver.stl"\nclass = "liver"\nunits = "mm"\n'
        '[[part]]\nfile = "other.stl"\nclass = "gallbladder"\nunits = "m"\nmove = [-5030, -70, -20]\n'
    )
    bladder = _mesh(_built(folder, anatomy=toml), GALLBLADDER)
    box = (bladder.vertices_V3.min(axis=0) + bladder.vertices_V3.max(axis=0)) / 2
    assert box == pytest.approx((-30, -70, -20), abs=0.01)


def test_fat_passes_below_a_liver_of_meshes(tmp_path: Path) -> None:
    body = _built(_write(tmp_path / "body", liver=liver_like()))
    liver, fat = _mesh(body, LIVER), _mesh(body, FAT)
    top = fat.vertices_V3[fat.normals_V3[:, 2] > 0.3]
    # Straight up from the fat's surface there is liver, or open room: never the liver's upper side from above it.
    over = SurfaceField(liver)(*(top - np.array([0, 0, 6])).T) < -2
    assert over.mean() < 0.002


def test_the_smallest_turn_takes_one_direction_to_another() -> None:
    for a, b in (((1, 0, 0), (0, 1, 0)), ((1, 2, 3), (1, 2, 3)), ((1, 2, 3), (-1, -2, -3)), ((0, 0, 2), (3, 0, 1))):
        turn = turned_to(np.array(a, float), np.array(b, float))
        assert turn @ a / np.linalg.norm(a) == pytest.approx(np.array(b) / np.linalg.norm(b))
        assert turn @ turn.T == pytest.approx(np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)


def test_signed_distances_to_a_ball() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=50)
    mesh = with_normals(np.asarray(ball.vertices), np.asarray(ball.faces))
    points = np.random.default_rng(0).normal(size=(500, 3)) * 40
    found = SurfaceField(mesh)(*points.T)
    assert found == pytest.approx(np.linalg.norm(points, axis=1) - 50, abs=0.6)


def test_guesses_are_said(tmp_path: Path) -> None:
    folder = _write(tmp_path / "body", liver=_scaled(liver_like(), 0.001), stomach=_scaled(pear(130), 1, (900, 0, 0)))
    settings = SimulationSettings(1, 1, size=(32, 18), meshes=folder, processes=1)
    notes = [e.text for e in simulate(tmp_path / "out", settings) if isinstance(e, Note)]
    assert notes == [
        'liver.stl: read as m, 230 mm long (else say units = "..." in an anatomy file); crosses itself at 1 place, left'
        " so: the outermost surface is seen",
        "stomach.stl: of another frame than the liver's, placed by class; say move = [...] in an anatomy file",
    ]
