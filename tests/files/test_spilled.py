"""Folders' names and scenes' frames lie on disk: the same order and answers as in memory, and no memory for more."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest

from studio.files import listing
from studio.files.atomic import write_json, write_json_rows
from studio.files.json_rows import rows_in
from studio.files.spilled import Few, SpilledList, SpilledTable

_NAMES = (
    "img2",
    "img10",
    "img010",
    "IMG9",
    "a",
    "a1b",
    "a1",
    "a 1",
    "b-3.x",
    "0",
    "00",
    "7",
    "ä2",
    "x99999999999999999999",
)


def test_large_folders_come_in_the_order_of_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{name}.png" for name in _NAMES] + [f"f_{i}.png" for i in range(300)]
    random.Random(1).shuffle(names)
    for name in names:
        (tmp_path / name).write_bytes(b"")
    small = listing.files_in(tmp_path)
    monkeypatch.setattr(listing, "_IN_MEMORY", 10)
    large = listing.files_in(tmp_path)
    assert isinstance(small, list) and not isinstance(large, list)
    assert list(large) == small == [tmp_path / n for n in sorted(names, key=listing.natural_key)]
    assert (large[0], large[-1], large[3:7], len(large)) == (small[0], small[-1], small[3:7], len(small))
    with pytest.raises(IndexError):
        large[len(small)]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text need a file system that allows them")
def test_names_that_are_no_text_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_IN_MEMORY", 1)
    (tmp_path / os.fsdecode(b"\xff\xfe2.png")).write_bytes(b"")
    (tmp_path / "a.png").write_bytes(b"")
    assert {os.fsencode(p.name) for p in listing.files_in(tmp_path)} == {b"\xff\xfe2.png", b"a.png"}


def test_a_table_names_the_key_that_came_twice_or_keeps_the_last() -> None:
    pairs = [("a", b"1"), ("b", b"2"), ("a", b"3"), ("c", b"4")]
    first = SpilledTable.of(pairs, bytes)
    assert (first.repeated, dict(first)) == ("a", {"a": b"1", "b": b"2"})
    last = SpilledTable.of(pairs, bytes, last=True)
    assert (last.repeated, dict(last)) == (None, {"a": b"3", "b": b"2", "c": b"4"})
    assert "c" in last and "d" not in last and last.get("d") is None


def test_a_tables_rows_come_in_their_keys_order_over_many_pages() -> None:
    names = [f"{i:06d}" for i in range(1300)] + ["ä", "\udcff", "b"]
    shuffled = names[:]
    random.Random(2).shuffle(shuffled)
    SpilledTable.of([("000003", b"another's")], bytes)
    table = SpilledTable.of(((name, name.encode("utf-8", "surrogateescape")) for name in shuffled), bytes)
    found = list(table.by_key())
    assert [name for name, _ in found] == sorted(names, key=os.fsencode)
    assert all(value == os.fsencode(name) for name, value in found)
    assert list(SpilledTable.of([], bytes).by_key()) == []


def test_lists_outlive_others_that_are_given_up() -> None:
    kept = SpilledList.of((b"%d" % i for i in range(2000)), lambda value, _: int(value))
    for _ in range(5):
        SpilledList.of((b"x" for _ in range(50)), lambda value, _: value)
    assert kept == list(range(2000))
    assert kept != list(range(1999))


def test_few_keeps_the_first_and_counts_all() -> None:
    few = Few(range(10))
    assert (few.first, len(few)) == ([0, 1, 2], 10)
    assert not Few(())


_VALUES = [
    [], {}, [1], [[], {}, "a]b", 'x"\\', None, True, -1.5e-3], {"a": 1, "frames": [{"p": "ü" * 50_000}, 2], "z": {}},
    {"frames": {"no": "list"}}, 12345, "text", {"frames": []},
]  # fmt: skip


@pytest.mark.parametrize("value", _VALUES, ids=lambda v: json.dumps(v)[:20])
@pytest.mark.parametrize("indent", [None, 2])
def test_rows_of_json_are_those_of_the_library(
    tmp_path: Path, value: object, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.files.json_rows._CHUNK", 3)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False), encoding="utf-8")
    found: object = {} if isinstance(value, dict) else []
    for place, row in rows_in(path, inside="frames"):
        if not place:
            found = row
        elif isinstance(found, list):
            found.append(row)
        elif isinstance(found, dict):
            if len(place) == 2:
                found.setdefault(place[0], []).append(row)
            else:
                found[place[0]] = row
    if value == {"frames": []}:
        assert found == {}
    else:
        assert found == value


@pytest.mark.parametrize("text", ["", "[1", "[1,]", '{"a" 1}', '{"a": 1', "[1] 2", "{1: 2}", '["a', "[1 2]", "nul"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        json.loads(text)
    with pytest.raises(ValueError, match=r"."):
        list(rows_in(path))


@pytest.mark.parametrize("rows", [[], [1], [{"a": [1.5, {"b": "ü\n"}], "c": []}, "x", {}]])
def test_rows_are_written_as_a_list_at_once_would_be(tmp_path: Path, rows: list[object]) -> None:
    write_json(tmp_path / "a.json", rows)
    write_json_rows(tmp_path / "b.json", iter(rows))
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()
