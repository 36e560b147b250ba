"""Mapping files: both notations, what is kept, and typos named by key and line."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from studio.scenes.mapping import NO_MAPPING, SceneMapping, read_mapping
from studio.vocabulary.errors import InputError
from tests.scenes.layout_files import FOLDERS_TOML


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(FOLDERS_TOML)
    (tmp_path / "m.json").write_text(json.dumps(tomllib.loads(FOLDERS_TOML)))
    mapping = read_mapping(tmp_path / "m.toml")
    assert read_mapping(tmp_path / "m.json") == mapping
    assert mapping.layers["depth"].mm_per_unit == 0.01
    assert mapping.layers["normals"].axes == "opengl"
    assert mapping.geometry.depth_kind == "ray"
    assert mapping.camera.fx == 64


def test_what_is_kept_is_what_was_said() -> None:
    mapping = SceneMapping.from_toml(FOLDERS_TOML + 'leave_out = ["normals"]\nscale = 2\n')
    assert SceneMapping.from_json(mapping.to_json()) == mapping
    assert SceneMapping.from_json(NO_MAPPING.to_json()) == NO_MAPPING


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[clases]\na = 'liver'", r"line 1: 'clases' is not known \(did you mean 'classes'\?\)"),
        ("[classes]\n'3' = 'livre'", r"line 2: 'classes.3' no class is called 'livre'. Known classes: void, liver"),
        ("[layers.rgb]\nfolder = 'a'\nencodng = 'b'", r"line 3: 'layers.rgb.encodng' is not known.*'encoding'"),
        ("[layers.depth]\nfolder = 'a'\nencoding = 'tiff'", r"line 3: .* is 'tiff'. Use one of exr, png16, npy"),
        ("[layers.rgb]\nencoding = 'picture'", r"'layers.rgb.folder' is missing"),
        ("[layers.colour]\nfolder = 'a'", r"line 1: 'layers.colour' is not known"),
        ("[geometry]\n\nscale = -1", r"line 3: 'geometry.scale' is -1. Give a number above 0"),
        ("[geometry]\nnormals_flip = 'w'", r"line 2: .*Use one of none, x, y"),
        ("[geometry]\nleave_out = ['rgb']", r"line 2: 'geometry.leave_out' names no layers"),
        ("[camera]\nfy = 3", r"'camera.fx' is missing"),
        ("[camera]\nfield_of_view = 200", r"line 2: 'camera.field_of_view' is 200"),
        ("patient = 3", r"line 1: 'patient' is no text"),
        ("layers = 3", r"line 1: 'layers' is no table"),
        ("[classes\na = 1", r"not TOML \(.*line 1"),
    ],
)
def test_typos_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(InputError, match=rf"m\.toml: {words}"):
        read_mapping(tmp_path / "m.toml")


def test_files_that_are_no_mapping(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        read_mapping(tmp_path / "absent.toml")
    (tmp_path / "m.json").write_text('{\n "classes": {\n}')
    with pytest.raises(InputError, match=r"m\.json: not JSON .*line 3"):
        read_mapping(tmp_path / "m.json")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="can't be read"):
        read_mapping(tmp_path / "b.toml")


def test_mappings_shown_in_the_guide_are_taken() -> None:
    guide = Path(__file__).resolve().parents[2] / "resources" / "guide" / "own-scenes.md"
    blocks = re.findall(r"(?:\n    [^\n]+)+", guide.read_text(encoding="utf-8"))
    shown = ["\n".join(line[4:] for line in block.splitlines()) for block in blocks if "[" in block.strip()[:1]]
    assert len(shown) == 4
    mappings = [SceneMapping.from_toml(text) for text in shown]
    assert mappings[-1].layers["depth"].mm_per_unit == 0.01
