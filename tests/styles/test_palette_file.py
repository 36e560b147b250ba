"""Palettes to a file and back; damaged files in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.styles.palette_file import read_palette, write_palette
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette, Style

PALETTE = Palette(
    "warm Ä", "run 1", (Style("a", (0.1, -2.5e-8), "cover", "video/frame", True), Style("b", (1.0, 2.0), "manual"))
)

numbers = st.floats(-999, 999, allow_nan=False)
styles = st.lists(
    st.builds(
        Style, st.text(min_size=1, max_size=20).filter(lambda t: bool(t.strip())), st.tuples(numbers, numbers),
        st.sampled_from(["random", "reference", "cover", "blend", "manual"]), st.text(max_size=20), st.booleans(),
    ),
    max_size=5, unique_by=lambda s: s.name,
)  # fmt: skip


@given(styles)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, drawn: list[Style]) -> None:
    path = tmp_path_factory.mktemp("palette") / "p.json"
    palette = Palette("name", "", tuple(drawn), "for the green set")
    write_palette(path, palette)
    assert read_palette(path) == palette


def test_another_style_size_is_refused(tmp_path: Path) -> None:
    write_palette(tmp_path / "p.json", PALETTE)
    assert read_palette(tmp_path / "p.json", style_size=2) == PALETTE
    with pytest.raises(InputError, match="have 2 numbers, the translator's have 8"):
        read_palette(tmp_path / "p.json", style_size=8)


def _with(**changes: object) -> str:
    good = {"format": "trocar-palette", "version": 1, "name": "n", "run": "r",
            "styles": [{"name": "a", "code": [1, 2], "origin": "random"}]}  # fmt: skip
    return json.dumps({**good, **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not readable JSON"),
        ("[" * 100_000, "not readable JSON"),
        ("[]", "trocar-palette"),
        (_with(format="x"), "trocar-palette"),
        (_with(version=2), "newer"),
        (_with(version="1"), "version"),
        (_with(name=""), "'name'"),
        (_with(styles={}), "not a list"),
        (_with(styles=[1]), "style 1 is not an object"),
        (_with(styles=[{"name": "a", "code": []}]), "no code"),
        (_with(styles=[{"name": "a", "code": [True]}]), "no code"),
        (_with(styles=[{"name": "a", "code": ["1"]}]), "no code"),
        (_with(styles=[{"name": "a", "code": [10**400]}]), "no code"),
        (_with(styles=[{"name": "a", "code": [1]}]).replace("[1]", "[NaN]"), "no code"),
        (_with(styles=[{"name": "a", "code": [1], "origin": "stolen"}]), "origin"),
        (_with(styles=[{"name": "a", "code": [1]}] * 2), "share a name"),
        (_with(styles=[{"name": "a", "code": [1]}, {"name": "b", "code": [1, 2]}]), "differ in size"),
    ],
)
def test_damaged_files_are_named_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_palette(path)
    assert "\n" not in str(caught.value)


def test_missing_or_binary(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_palette(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="JSON"):
        read_palette(tmp_path / "b.json")
