"""Damaged surfaces: what is mended, what is left, and what is said. Expected values by geometry, or by trimesh."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from studio.jobs.events import Done, Note
from studio.scenes.simulator import SimulationSettings, meshfiles, simulate
from studio.scenes.simulator.anatomy import Part
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.live_views import LiveView, looked_at
from studio.scenes.simulator.meshaxes import guessed_axes
from studio.scenes.simulator.meshcutting import cut_across
from studio.scenes.simulator.meshfiles import ReadMesh, read_mesh
from studio.scenes.simulator.meshholes import loops_of
from studio.scenes.simulator.meshkits import kit_of
from studio.scenes.simulator.meshnotes import mended_words
from studio.scenes.simulator.meshplans import PlannedInstrument
from studio.scenes.simulator.meshthinning import facing_alike, thinned
from studio.scenes.simulator.patients import build_anatomy, sources_of
from studio.scenes.simulator.placement import concave_side
from studio.vocabulary.errors import InputError
from tests.scenes.test_simulator_meshes import liver_like


def _ball(radius: float = 50.0, *, subdivisions: int = 4) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)


def _read(mesh: trimesh.Trimesh, path: Path, *, sheet: bool = False, repair: bool = True) -> ReadMesh:
    mesh.export(path)
    return read_mesh(path, sheet=sheet, repair=repair)


def _as_trimesh(read: ReadMesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(read.mesh.vertices_V3, read.mesh.faces_F3, process=False)


def _without(mesh: trimesh.Trimesh, gone: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces[~gone], process=False)


def _cap_above(mesh: trimesh.Trimesh, z: float) -> np.ndarray:
    return np.asarray((mesh.vertices[mesh.faces][..., 2] > z).any(axis=1))


def test_a_sound_surface_is_left_as_it_is(tmp_path: Path) -> None:
    read = _read(_ball(), tmp_path / "a.stl")
    assert len(read.mesh.faces_F3) == 5120
    assert mended_words(read.report, 1.0) == []


def test_holes_are_closed(tmp_path: Path) -> None:
    ball = _ball()
    holed = _without(ball, _cap_above(ball, 46) | _cap_above(trimesh.Trimesh(-ball.vertices, ball.faces), 49))
    read = _read(holed, tmp_path / "a.stl")
    assert read.report.mended is not None
    assert read.report.mended.holes == 2
    border = holed.vertices[_border(holed)]
    above = border[border[:, 2] > 0]
    assert read.report.mended.largest_hole == pytest.approx(np.ptp(above, axis=0).max(), rel=1e-5)
    mended = _as_trimesh(read)
    assert mended.is_watertight
    assert mended.is_winding_consistent
    # Flat lids make what is left of a ball its own convex hull.
    left = trimesh.convex.convex_hull(holed.vertices[np.unique(holed.faces)])
    assert mended.volume == pytest.approx(left.volume, rel=0.004)


def _border(mesh: trimesh.Trimesh) -> np.ndarray:
    """Points of edges that one face has."""
    edges, count = np.unique(np.sort(mesh.edges, axis=1), axis=0, return_counts=True)
    return np.unique(edges[count == 1])


def test_a_cap_with_a_dent_in_its_outline_is_closed_without_folds(tmp_path: Path) -> None:
    outline = np.array([(0, 0), (60, 0), (60, 60), (30, 8), (0, 60)], float)
    prism = trimesh.creation.extrude_triangulation(outline, [(0, 1, 3), (1, 2, 3), (0, 3, 4)], height=30)
    open_above = _without(prism, (prism.vertices[prism.faces][..., 2] > 29).all(axis=1))
    mended = _as_trimesh(_read(open_above, tmp_path / "a.stl"))
    assert mended.is_watertight
    # Shoelace: 60 x 60 less the notch of the triangle (60, 60), (30, 8), (0, 60) of 60 x 52 / 2.
    assert mended.volume == pytest.approx((3600 - 1560) * 30, rel=1e-5)
    # A folded lid would have more area than the floor.
    assert mended.area == pytest.approx(prism.area, rel=1e-5)


def test_faces_are_turned_outwards_in_patches_and_wholly(tmp_path: Path) -> None:
    ball = _ball()
    faces = ball.faces.copy()
    patch = _cap_above(ball, 20)
    faces[patch] = faces[patch][:, ::-1]
    read = _read(trimesh.Trimesh(ball.vertices, faces, process=False), tmp_path / "a.stl")
    assert read.report.mended is not None
    assert read.report.mended.turned == patch.sum()
    assert _as_trimesh(read).volume == pytest.approx(ball.volume, rel=1e-5)
    wholly = _read(trimesh.Trimesh(ball.vertices, ball.faces[:, ::-1], process=False), tmp_path / "b.stl")
    assert mended_words(wholly.report, 1.0) == ["5,120 faces turned outwards"]


def test_an_open_piece_shows_its_front_to_the_outside(tmp_path: Path) -> None:
    """Half a ball, inside out, over a whole one: its volume about the middle of both says nothing of it."""
    outer, inner = _ball(60), _ball(40)
    half = _without(outer, ~_cap_above(outer, 5))
    half = trimesh.Trimesh(half.vertices, half.faces[:, ::-1], process=False)
    both = trimesh.util.concatenate([half, inner])
    mesh = _read(both, tmp_path / "a.stl", sheet=True).mesh
    outwards = np.einsum("ij,ij->i", mesh.vertices_V3, mesh.normals_V3) > 0
    assert outwards.all()


def test_torn_seams_are_joined(tmp_path: Path) -> None:
    ball = _ball()
    upper = _cap_above(ball, 0)
    halves = [_without(ball, upper), _without(ball, ~upper)]
    halves[1].vertices = halves[1].vertices + 0.02  # of 100 mm
    read = _read(trimesh.util.concatenate(halves), tmp_path / "a.ply")
    assert _as_trimesh(read).is_watertight
    assert read.report.mended is not None
    assert read.report.mended.joined == len(_border(halves[1]))
    assert read.report.mended.holes == 0


def test_doubled_and_flat_faces_go(tmp_path: Path) -> None:
    ball = _ball(subdivisions=3)
    flat = np.array([[0, 0, 1], [2, 3, 3]])
    faces = np.concatenate([ball.faces, ball.faces[:100], ball.faces[100:150, ::-1], flat])
    read = _read(trimesh.Trimesh(ball.vertices, faces, process=False), tmp_path / "a.stl")
    assert mended_words(read.report, 1.0) == ["152 doubled or flat faces left out"]
    assert _as_trimesh(read).is_watertight


def test_few_faces_without_numbers_are_left_out_and_closed(tmp_path: Path) -> None:
    ball = _ball()
    vertices = ball.vertices.copy()
    vertices[7] = np.nan
    vertices[900] = np.inf
    gone = int(np.isin(ball.faces, (7, 900)).any(axis=1).sum())
    (tmp_path / "a.obj").write_text(
        "".join(f"v {x} {y} {z}\n" for x, y, z in vertices) + "".join(f"f {a} {b} {c}\n" for a, b, c in ball.faces + 1)
    )
    read = read_mesh(tmp_path / "a.obj")
    words = mended_words(read.report, 1.0)
    assert words[0] == f"{gone} faces without finite coordinates left out"
    assert words[1].startswith("2 holes closed (largest")
    assert _as_trimesh(read).is_watertight


@pytest.mark.parametrize(("shift", "places"), [(60.0, 1), (200.0, 0)])
def test_surfaces_that_cross_are_counted(tmp_path: Path, shift: float, places: int) -> None:
    other = _ball()
    other.apply_translation((shift, 0, 0))
    report = _read(trimesh.util.concatenate([_ball(), other]), tmp_path / "a.stl").report
    assert report.crossings == places


def test_a_point_far_away_that_no_face_names_counts_for_nothing(tmp_path: Path) -> None:
    ball = _ball(subdivisions=2)
    text = "".join(f"v {x} {y} {z}\n" for x, y, z in [*ball.vertices, (1e9, 0, 0)])
    (tmp_path / "a.obj").write_text(text + "".join(f"f {a} {b} {c}\n" for a, b, c in ball.faces + 1))
    assert read_mesh(tmp_path / "a.obj").extent == pytest.approx(100, abs=1)


def test_without_repair_nothing_is_turned_or_closed(tmp_path: Path) -> None:
    ball = _ball()
    holed = _without(ball, _cap_above(ball, 40))
    inside_out = trimesh.Trimesh(holed.vertices, holed.faces[:, ::-1], process=False)
    read = _read(inside_out, tmp_path / "a.stl", repair=False)
    assert len(read.mesh.faces_F3) == len(holed.faces)
    assert np.einsum("ij,ij->i", read.mesh.vertices_V3, read.mesh.normals_V3).max() < 0


def test_loops_part_where_they_meet() -> None:
    """Two holes of a plane that share a corner: 3 x 3 squares, two of them missing corner to corner."""
    number = np.arange(25).reshape(5, 5)
    faces = []
    for i in range(4):
        for j in range(4):
            if (i, j) not in ((1, 1), (2, 2)):
                a, b, c, d = number[i, j], number[i, j + 1], number[i + 1, j + 1], number[i + 1, j]
                faces += [(a, b, c), (a, c, d)]
    loops = loops_of(np.array(faces), np.zeros(len(faces), int))
    assert sorted(len(loop) for loop, _ in loops) == [4, 4, 16]
    assert all(len(set(loop.tolist())) == len(loop) for loop, _ in loops)


def _body(folder: Path, more: str = "") -> Path:
    (folder / "case.toml").write_text(f'[[part]]\nfile = "liver.stl"\nclass = "liver"\nunits = "mm"\n{more}')
    return folder / "case.toml"


def test_an_open_sheet_is_no_liver_unless_it_is_told_so(tmp_path: Path) -> None:
    liver = liver_like()
    _without(liver, ~_cap_above(liver, 30)).export(tmp_path / "liver.stl")
    with pytest.raises(
        InputError, match=r"liver\.stl: an open sheet, far from .* a liver\. .* repair = false"
    ) as caught:
        build_anatomy(sources_of(1, range(1), anatomy=_body(tmp_path))[0])
    assert "\n" not in str(caught.value)
    body = build_anatomy(sources_of(1, range(1), anatomy=_body(tmp_path, "repair = false\n"))[0])
    assert body.part(1) is not None


def test_what_was_mended_is_said_and_kept(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.mkdir()
    ball = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    ball.apply_scale((110, 70, 60))
    _without(ball, _cap_above(ball, 57)).export(body / "liver.stl")
    events = list(simulate(tmp_path / "out", SimulationSettings(1, 1, size=(32, 18), meshes=body, processes=1)))
    (note,) = [e.text for e in events if isinstance(e, Note)]
    assert note.startswith("liver.stl: 1 hole closed (")
    done = events[-1]
    assert isinstance(done, Done)
    scene = json.loads((Path(done.result["scenes"][0]) / "scene.json").read_text())
    assert scene["mesh_notes"] == [note]
    settings = SimulationSettings(1, 1, size=(32, 18), meshes=body, processes=1)
    assert looked_at(settings, LiveView("around"), (32, 18), quick=True).facts["notes"] == [note]


def test_a_changed_anatomy_file_is_another_set(tmp_path: Path) -> None:
    liver_like().export(tmp_path / "liver.stl")
    settings = SimulationSettings(1, 1, size=(32, 18), anatomy=_body(tmp_path), processes=1)
    list(simulate(tmp_path / "out", settings))
    _body(tmp_path, "scale = 1.1\n")
    with pytest.raises(InputError, match="holds frames simulated with other settings"):
        list(simulate(tmp_path / "out", settings))


def test_text_too_large_to_be_read_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshfiles, "_MOST_WHOLE", 1000)
    _ball().export(tmp_path / "a.off")
    with pytest.raises(InputError, match=r"a\.off: a mesh file of .* MB of a kind .* Save it as binary STL or PLY"):
        read_mesh(tmp_path / "a.off")


def test_jaws_without_a_shaft_are_jaws_and_get_one(tmp_path: Path) -> None:
    jaw = trimesh.creation.box((4, 2, 17))
    jaw.apply_translation((0, 1, 8.5))
    jaw.export(tmp_path / "scissors_jaw_left.stl")
    kit = kit_of(PlannedInstrument("scissors", None, (tmp_path / "scissors_jaw_left.stl",))).kit
    assert np.ptp(kit.jaws[0].vertices_V3[:, 2]) == pytest.approx(17)
    assert np.ptp(kit.shaft.vertices_V3[:, 2]) > 250
    assert kit.shaft.vertices_V3[:, 2].max() == pytest.approx(-16, abs=0.01)
    assert np.ptp(kit.shaft.vertices_V3[:, 0]) == pytest.approx(4, rel=0.02)


def test_a_mesh_is_cut_where_it_is_parted() -> None:
    box = trimesh.creation.box((2, 2, 10))
    mesh = Mesh(np.asarray(box.vertices, np.float32), np.asarray(box.faces, np.int32), np.zeros((8, 3), np.float32))
    above, below = cut_across(mesh, 2.0)
    used = [m.vertices_V3[np.unique(m.faces_F3)][:, 2] for m in (above, below)]
    assert (used[0].min(), used[0].max(), used[1].min(), used[1].max()) == pytest.approx((2, 5, -5, 2))
    areas = [trimesh.Trimesh(m.vertices_V3, m.faces_F3, process=False).area for m in (above, below)]
    assert areas == pytest.approx([4 * 2 * 3 + 4, 4 * 2 * 7 + 4], rel=1e-5)
    windings = [trimesh.Trimesh(m.vertices_V3, m.faces_F3, process=False).is_winding_consistent for m in (above, below)]
    assert windings == [True, True]


_TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "x": lambda p: p[:, [0, 2, 1]] * (1, -1, 1),
    "y": lambda p: p[:, [2, 1, 0]] * (1, 1, -1),
    "z": lambda p: p[:, [1, 0, 2]] * (-1, 1, 1),
}


@pytest.mark.parametrize("axis", _TURNS)
def test_a_liver_on_its_side_is_set_up(tmp_path: Path, axis: str) -> None:
    """Widest from side to side and thick at the right, however the file's axes lie."""
    liver = liver_like()
    (tmp_path / "body").mkdir()
    liver.vertices = _TURNS[axis](liver.vertices)
    liver.export(tmp_path / "body" / "liver.stl")
    body = build_anatomy(sources_of(1, range(1), meshes=tmp_path / "body")[0])
    part = body.part(1)
    assert part is not None
    points = part.mesh.vertices_V3
    assert np.ptp(points, axis=0).argmax() == 0
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    right, left = points[points[:, 0] < middle], points[points[:, 0] > middle + 60]
    assert (np.ptp(right, axis=0)[1:] > 1.3 * np.ptp(left, axis=0)[1:]).all()


@pytest.mark.parametrize("axis", range(3))
def test_the_concave_side_of_a_bowl(tmp_path: Path, axis: int) -> None:
    """Half a thick shell: its hollow looks along the negative axis."""
    outer, inner = _ball(60), _ball(45)
    shell = trimesh.util.concatenate([outer, trimesh.Trimesh(inner.vertices, inner.faces[:, ::-1], process=False)])
    bowl = _without(shell, ~(shell.vertices[shell.faces][..., 2] > 2).all(axis=1))
    bowl.vertices = np.roll(bowl.vertices, axis + 1, axis=1)
    mesh = Mesh(np.asarray(bowl.vertices, np.float32), np.asarray(bowl.faces, np.int32), np.zeros((0, 3), np.float32))
    assert concave_side(mesh) == pytest.approx(-np.eye(3)[axis], abs=0.02)


def _stomach_like() -> trimesh.Trimesh:
    """A bent tube that narrows from upper left to lower right, its hollow side at the right; body axes, mm."""
    at = np.linspace(0, 1, 12)
    line = np.stack([60 * np.cos(2.2 * at - 0.4) - 20, -70 * at, 50 * at - 60], axis=1)
    balls = [trimesh.creation.icosphere(subdivisions=2, radius=r) for r in 34 - 22 * at]
    for ball, place in zip(balls, line, strict=True):
        ball.apply_translation(place)
    return trimesh.util.concatenate(balls)


@pytest.mark.parametrize("axis", _TURNS)
def test_other_organs_on_their_sides_are_set_up_too(axis: str) -> None:
    stomach, spleen = _stomach_like(), _ball(40)
    spleen.apply_translation((90, -40, -60))

    def turn_of(turned: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        parts = []
        for name, mesh in (("stomach", stomach), ("spleen", spleen)):
            points = turned(np.asarray(mesh.vertices)).astype(np.float32)
            parts.append(Part(name, 0, Mesh(points, np.asarray(mesh.faces, np.int32), points)))
        return guessed_axes(parts)

    assert (turn_of(lambda p: p) == np.eye(3)).all()
    found = turn_of(_TURNS[axis])
    assert (_TURNS[axis](np.eye(3)) @ found.T == np.eye(3)).all()


def test_faces_that_are_folded_over_are_turned_back() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=80)
    faces = np.array(ball.faces)
    some = np.random.default_rng(3).choice(len(faces), len(faces) // 50, replace=False)
    folded = faces.copy()
    folded[some] = folded[some, ::-1]
    still = np.flatnonzero((facing_alike(ball.vertices, folded) != faces).any(axis=1))
    assert len(still) < 0.01 * len(some)  # where several lie side by side nothing can be told
    inside_out = faces[:, ::-1]
    np.testing.assert_array_equal(facing_alike(ball.vertices, inside_out), inside_out)


def test_a_sheet_whose_two_sides_have_become_one_stays_as_it_is() -> None:
    points = np.array([(x, y, 0.0) for x in range(4) for y in range(4)])
    front = [(4 * x + y, 4 * x + y + 4, 4 * x + y + 5) for x in range(3) for y in range(3)]
    sheet = np.array([*front, *(f[::-1] for f in front)])
    np.testing.assert_array_equal(facing_alike(points, sheet), sheet)


def test_a_rough_surface_that_was_thinned_out_looks_outwards() -> None:
    """Bumps of 2.4 mm on a ball: of some 11,000 thinned faces 66 looked inwards, most of them folded over."""
    ball = trimesh.creation.icosphere(subdivisions=6, radius=1.0)
    x, y, z = ball.vertices.T
    bumpy = ball.vertices * (80 + 2.4 * np.sin(30 * x) * np.sin(30 * y) * np.sin(30 * z))[:, None]
    vertices, faces = thinned(bumpy, np.array(ball.faces), 12_000)
    assert _inwards(vertices, facing_alike(vertices, faces)) < 0.5 * _inwards(vertices, faces)


def _inwards(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> int:
    corners = vertices_V3[faces_F3]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return int((np.einsum("ij,ij->i", across, corners.mean(axis=1)) < 0).sum())
