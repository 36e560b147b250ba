from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from studio.export import writing
from studio.export.manifest import compared, hashed_files, load_manifest, verify_manifest
from studio.export.values import ExportItem, ExportOptions, SceneReading
from studio.export.writing import write_export
from studio.files.pictures import read_exr, read_grey_levels, write_exr, write_png
from studio.jobs.events import Done, Note, Progress
from studio.jobs.stages import result_of
from studio.scenes.readers import load_layers, load_layers_of, read_scenes
from studio.vocabulary.errors import DiskFull, InputError, TrocarError
from studio.vocabulary.recipes import Recipe
from tests.making import PUBLISHED, add_flow, make_frames_scene, sphere_scene

# pycocotools 2.0 warns under numpy 2 where the tests themselves decode.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

READING = SceneReading(load_layers_of, read_scenes)
SOURCE = {"project": "liver", "project_id": "abc", "checkpoints": [{"run": "demo", "fingerprint": "f00"}], "rule": "r"}
PATIENTS = ("A", "B ü/1", "C")


def _items(root: Path, *, frames: int = 3, patients: tuple[str, ...] = PATIENTS) -> list[ExportItem]:
    """Two styles a frame; the second style of the last frame of each patient was rejected."""
    items = []
    for number, patient in enumerate(patients):
        scene = read_scenes(make_frames_scene(root / f"scene{number}", patient=patient, frames=frames))[0]
        for frame in scene.frames:
            for k, style in enumerate(("warm", "cold")):
                if k == 1 and frame.index == frames - 1:
                    continue
                image = root / f"translations/{number}_{frame.name}_{style}.png"
                write_png(image, np.roll(sphere_scene(frame.index).rgb_HW3, k + 1, axis=2))
                items.append(
                    ExportItem(
                        patient, frame.name, style, image, frame.rgb, frame, scene.layout, scene.encoding,
                        translation_id=len(items), style_code=(k, 0.5), validity=0.9 - 0.1 * k, classes=scene.classes,
                    )
                )  # fmt: skip
    return items


def _export(dest: Path, items: list[ExportItem], **options):
    return result_of(write_export(dest, items, ExportOptions(**options), recipe=SOURCE, reading=READING))


def test_image2image_is_the_public_layout_and_reads_back(tmp_path):
    items = _items(tmp_path)
    result = _export(tmp_path / "out", items, format="image2image")
    out = tmp_path / "out"
    assert result["counts"] == {
        "frames": 9, "images": 15, "patients": 3, "styles": 2, "images_train": 5, "images_val": 5, "images_test": 5,
    }  # fmt: skip
    lookup = np.array([*PUBLISHED, *([0] * 248)], np.uint8)
    label = read_grey_levels(out / "labels/simulated/A/labels/lbl00001.png")
    assert label.shape == (48, 64, 3)
    np.testing.assert_array_equal(label[..., 2], lookup[sphere_scene(1).ids_HW])
    np.testing.assert_array_equal(read_exr(out / "depths/simulated/A/depths/depth00002.exr"), sphere_scene(2).depth_HW)
    assert (out / "translated/A/style_01/img00000.png").read_bytes() == items[0].image.read_bytes()
    assert not (out / "translated/A/style_00/img00002.png").exists()
    assert (out / "simulated/B ü_1/inputs/img00000.png").is_file()
    scenes = read_scenes(out)
    assert [s.patient for s in scenes] == ["A", "B ü_1", "C"]
    layers = load_layers(scenes[0], scenes[0].frames[1])
    np.testing.assert_array_equal(layers.segmentation_HW, sphere_scene(1).ids_HW)
    np.testing.assert_allclose(layers.normals_HW3, sphere_scene(1).normals_HW3, atol=1e-6)
    assert layers.camera_to_world is not None
    assert layers.camera_to_world[0, 3] == 1
    assert layers.tools[0].name == "grasper"
    assert sorted(p for part in json.loads((out / "splits.json").read_text()).values() for p in part) == [
        "A", "B ü_1", "C",
    ]  # fmt: skip


@pytest.mark.parametrize("regions", ["class", "part"])
def test_coco_masks_areas_and_boxes_are_those_of_the_labels(tmp_path, regions, capsys):
    items = _items(tmp_path)
    _export(tmp_path / "out", items, format="coco", regions=regions)
    assert capsys.readouterr().out == ""
    seen = 0
    for split in ("train", "val", "test"):
        coco = COCO(str(tmp_path / f"out/{split}.json"))
        assert coco.loadCats([1])[0]["name"] == "liver"
        for image in coco.loadImgs(coco.getImgIds()):
            seen += 1
            truth = sphere_scene(int(image["frame"]))
            assert (tmp_path / "out" / image["file_name"]).is_file()
            assert np.array_equal(read_exr(tmp_path / "out" / image["depth_file"]), truth.depth_HW)
            assert image["K"][0][0] == 64
            found = np.zeros_like(truth.ids_HW)
            rows = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
            parts = sum(cv2.connectedComponents((truth.ids_HW == i).astype(np.uint8))[0] - 1 for i in (1, 3, 6))
            assert len(rows) == (3 if regions == "class" else parts)
            for row in rows:
                mask = coco.annToMask(row).astype(bool)
                found[mask] = coco.loadCats([row["category_id"]])[0]["id"]
                ys, xs = np.nonzero(mask)
                assert row["area"] == mask.sum()
                assert row["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
            np.testing.assert_array_equal(found, truth.ids_HW)
    assert seen == len(items)


def test_parts_of_one_class_become_annotations_of_their_own(tmp_path):
    items = _items(tmp_path, frames=1, patients=("A",))
    ids = np.full((48, 64), 3, np.uint8)
    ids[5:10, 5:10] = 1
    ids[30:40, 30:50] = 1
    write_png(tmp_path / "scene0/seg/000000.png", ids)
    _export(tmp_path / "out", items, format="coco", regions="part")
    rows = json.loads((tmp_path / "out/train.json").read_text())["annotations"]
    assert [(r["category_id"], r["area"]) for r in rows] == [(1, 25), (1, 200), (3, 48 * 64 - 225)]


@pytest.mark.parametrize("format_name", ["image2image", "coco"])
def test_the_same_export_again_is_the_same_byte_for_byte(tmp_path, format_name):
    items = _items(tmp_path)
    first = _export(tmp_path / "one", items, format=format_name, seed=3)
    second = _export(tmp_path / "two", list(reversed(items)), format=format_name, seed=3)
    assert (tmp_path / "one/manifest.json").read_bytes() == (tmp_path / "two/manifest.json").read_bytes()
    assert first["fingerprint"] == second["fingerprint"]
    assert verify_manifest(tmp_path / "one").same
    assert compared(load_manifest(tmp_path / "one").files, hashed_files(tmp_path / "two")).same


def test_the_manifest_catches_changed_missing_and_added_files(tmp_path):
    _export(tmp_path / "out", _items(tmp_path), format="image2image")
    label = tmp_path / "out/labels/simulated/A/labels/lbl00000.png"
    label.write_bytes(label.read_bytes() + b"x")
    (tmp_path / "out/splits.json").unlink()
    (tmp_path / "out/more.txt").write_text("x")
    found = verify_manifest(tmp_path / "out")
    assert found.changed == ("labels/simulated/A/labels/lbl00000.png",)
    assert found.missing == ("splits.json",)
    assert found.extra == ("more.txt",)
    assert not found.same


def test_the_recipe_comes_back_from_the_manifest(tmp_path):
    items = _items(tmp_path)
    result = _export(tmp_path / "out", items, format="coco", merges=(("ligament", "fat"),), seed=5)
    recipe = load_manifest(tmp_path / "out/manifest.json").recipe
    assert recipe.fingerprint() == result["fingerprint"]
    assert (recipe.format, recipe.seed, recipe.merges) == ("coco", 5, (("ligament", "fat"),))
    assert [i.translation_id for i in recipe.items if i.patient == "C"] == [11, 10, 13, 12, 14]
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.source["checkpoints"] == SOURCE["checkpoints"]


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other"}', '{"format": "trocar-export", "version": 9}'])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_manifest(tmp_path)


def test_merged_classes_are_gone_from_labels_and_categories(tmp_path):
    items = _items(tmp_path)
    merges = (("liver", "fat"), ("fat", "abdominal wall"))
    _export(tmp_path / "coco", items, format="coco", merges=merges)
    categories = json.loads((tmp_path / "coco/train.json").read_text())["categories"]
    assert [c["name"] for c in categories][:2] == ["gallbladder", "abdominal wall"]
    _export(tmp_path / "i2i", items, format="image2image", merges=merges)
    label = read_grey_levels(tmp_path / "i2i/labels/simulated/A/labels/lbl00000.png")
    assert set(np.unique(label)) == {77, 153}


@pytest.mark.parametrize(
    ("merges", "words"),
    [((("liver", "fat"), ("fat", "liver")), "circle"), ((("spleen", "fat"),), "spleen"), ((("fat", "fat"),), "circle")],
)
def test_senseless_merges_are_refused(tmp_path, merges, words):
    with pytest.raises(InputError, match=words):
        _export(tmp_path / "out", _items(tmp_path, patients=("A",)), format="coco", merges=merges)
    assert not (tmp_path / "out").exists()


def test_the_data_card_tells_a_person_what_it_is(tmp_path):
    items = _items(tmp_path)
    source = SOURCE | {"stand_in_footage": True}
    result_of(write_export(tmp_path / "o", items, ExportOptions("coco"), recipe=source, reading=READING))
    card = (tmp_path / "o/DATA_CARD.md").read_text()
    for words in (
        "15 translated",
        "stand-in",
        "unknown",
        "`f00`",
        "| train |",
        "B ü/1",
        "abdominal wall",
        "median 0.900",
    ):
        assert words in card
    assert "/tmp" not in card


def test_a_stopped_export_leaves_nothing_at_its_place_and_goes_on(tmp_path, monkeypatch):
    items = _items(tmp_path, frames=12)
    options = ExportOptions("image2image")
    job = write_export(tmp_path / "out", items, options, recipe=SOURCE, reading=READING)
    for event in job:
        if isinstance(event, Progress) and event.done >= 20:
            break
    job.close()
    assert not (tmp_path / "out").exists()
    staged = tmp_path / ".out.unfinished"
    written = {p: p.stat().st_ino for p in staged.rglob("*.png")}
    assert len(written) > 20
    events = list(write_export(tmp_path / "out", items, options, recipe=SOURCE, reading=READING, resume=True))
    assert any(isinstance(e, Note) and "going on" in e.text for e in events)
    assert not staged.exists()
    kept = {p.relative_to(staged): inode for p, inode in written.items()}
    assert all((tmp_path / "out" / p).stat().st_ino == inode for p, inode in kept.items())
    _export(tmp_path / "again", items, format="image2image")
    assert compared(load_manifest(tmp_path / "again").files, hashed_files(tmp_path / "out")).same
    other = write_export(tmp_path / "x", items, options, recipe=SOURCE, reading=READING)
    next(other)
    other.close()
    assert not (tmp_path / "x").exists()


def test_labels_that_read_back_differently_end_the_export(tmp_path, monkeypatch):
    def spoiled(files, *, layout, encoding):
        layers = load_layers_of(files, layout=layout, encoding=encoding)
        if layout == "image2image":
            layers.segmentation_HW[0, 0] += 1
        return layers

    reading = SceneReading(spoiled, read_scenes)
    job = write_export(tmp_path / "o", _items(tmp_path), ExportOptions("image2image"), recipe=SOURCE, reading=reading)
    with pytest.raises(TrocarError, match="differ"):
        list(job)
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / ".o.unfinished").exists()


def test_wrong_input_is_refused_and_leaves_nothing(tmp_path):
    items = _items(tmp_path, patients=("A",))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="'yolo9' is not known"):
        _export(tmp_path / "out", items, format="yolo9")
    with pytest.raises(InputError, match="nothing to export"):
        _export(tmp_path / "out", [], format="coco")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        _export(tmp_path / "full", items, format="coco")
    image = items[1].image
    data = image.read_bytes()
    image.write_bytes(data[:-60])
    with pytest.raises(InputError, match="damaged"):
        _export(tmp_path / "out", items, format="coco")
    write_png(image, np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="20x20 px, its render 64x48"):
        _export(tmp_path / "out", items, format="coco")
    image.unlink()
    with pytest.raises(InputError, match="no such file"):
        _export(tmp_path / "out", items, format="coco")
    assert sorted(p for p in tmp_path.iterdir() if p.name != "full") == before


def test_want_of_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    items = _items(tmp_path, patients=("A",))
    monkeypatch.setattr(writing, "_SPARE_BYTES", 10**18)
    with pytest.raises(DiskFull, match="GB are free"):
        _export(tmp_path / "out", items, format="coco")
    assert not (tmp_path / ".out.unfinished").exists()


def test_a_class_that_the_layout_lacks_is_refused_by_name(tmp_path):
    items = _items(tmp_path, patients=("A",))
    description = json.loads((tmp_path / "scene0/scene.json").read_text())
    description["classes"][2]["name"] = "spleen"
    (tmp_path / "scene0/scene.json").write_text(json.dumps(description))
    scene = read_scenes(tmp_path / "scene0")[0]
    items = [ExportItem(**{**vars(i), "classes": scene.classes}) for i in items]
    with pytest.raises(InputError, match="no class 'spleen'"):
        _export(tmp_path / "out", items, format="image2image")
    assert isinstance(_export(tmp_path / "out", items, format="coco")["counts"], dict)


def test_events_count_up_to_the_whole(tmp_path):
    job = write_export(
        tmp_path / "o", _items(tmp_path), ExportOptions("coco", geometry=False), recipe=SOURCE, reading=READING
    )
    events = list(job)
    steps = [e.done for e in events if isinstance(e, Progress)]
    assert steps == sorted(steps)
    assert steps[-1] == 30
    assert isinstance(events[-1], Done)
    assert not list((tmp_path / "o").rglob("*.exr"))


def _flow_items(root: Path) -> list[ExportItem]:
    """Patient A is a sequence with flow, B are single frames."""
    items = []
    for number, patient in enumerate("AB"):
        folder = make_frames_scene(root / f"scene{number}", patient=patient, frames=2)
        scene = read_scenes(add_flow(folder) if patient == "A" else folder)[0]
        for frame in scene.frames:
            image = root / f"translations/{number}_{frame.name}.png"
            write_png(image, sphere_scene(frame.index).rgb_HW3[..., ::-1].copy())
            items.append(
                ExportItem(patient, frame.name, "warm", image, frame.rgb, frame, scene.layout, scene.encoding)
            )  # fmt: skip
    return items


@pytest.mark.parametrize(
    ("name", "place"),
    [("image2image", "flow_{0}/simulated/A/flow/flow{1:05d}.exr"), ("coco", "flow_{0}/{2}/A_{1:05d}.exr")],
)
def test_flow_of_sequences_rides_along_byte_for_byte(tmp_path, name, place):
    items = _flow_items(tmp_path)
    first = _export(tmp_path / "one", items, format=name, split=(0.5, 0.5, 0.0))
    _export(tmp_path / "two", items, format=name, split=(0.5, 0.5, 0.0))
    assert hashed_files(tmp_path / "one") == hashed_files(tmp_path / "two")
    split = next(s for s in ("train", "val") if "A" in load_manifest(tmp_path / "one").splits.get(s, ()))
    for direction in ("forward", "backward"):
        for number in range(2):
            file = tmp_path / "one" / place.format(direction, number, split)
            assert file.read_bytes() == (tmp_path / f"scene0/flow_{direction}/{number:06d}.exr").read_bytes()
            assert str(file.relative_to(tmp_path / "one")) in load_manifest(tmp_path / "one").files
    assert first["counts"]["frames"] == 4
    assert len(list((tmp_path / "one").rglob("*flow*/**/*.exr"))) == 4
    card = (tmp_path / "one" / "DATA_CARD.md").read_text()
    assert "flow_forward" in card and "NaN where not seen" in card
    if name == "coco":
        rows = json.loads((tmp_path / f"one/{split}.json").read_text())["images"]
        assert [r["flow_backward_file"] for r in rows] == [place.format("backward", n, split) for n in range(2)]
    _export(tmp_path / "bare", items, format=name, split=(0.5, 0.5, 0.0), geometry=False)
    assert not list((tmp_path / "bare").rglob("*flow*"))


def test_flow_of_another_size_and_flow_damaged_on_the_way_are_refused(tmp_path, monkeypatch):
    items = _flow_items(tmp_path)
    write_exr(tmp_path / "scene0/flow_backward/000001.exr", np.zeros((10, 12, 2)))
    with pytest.raises(InputError, match=r"flow_backward/000001\.exr: the flow has 12x10 px"):
        _export(tmp_path / "out", items, format="coco")
    monkeypatch.setattr(
        "studio.export.coco.put_flow", lambda stored, dest, size: stored and write_exr(dest, np.ones((10, 12, 2)))
    )
    with pytest.raises(TrocarError, match="read back differently"):
        _export(tmp_path / "out", items, format="coco")
    assert not (tmp_path / "out").exists()
