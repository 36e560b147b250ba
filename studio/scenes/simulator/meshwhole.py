"""Mesh files that end before what they declare, or are packed: said in words before a library fails on them."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

from studio.scenes.simulator.meshglb import glb_chunks
from studio.scenes.simulator.meshstreams import least_ply_bytes
from studio.vocabulary.errors import InputError

_STL_HEAD, _STL_TRIANGLE = 84, 50
_LOOKED_AT = 65_536
_PACKED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
_AGAIN = "Export or copy it again."


def check_whole(path: Path) -> None:
    """Raise InputError for an empty file, for one that was cut off where that shows, and for a GLB that is packed."""
    size = path.stat().st_size
    if not size:
        raise InputError("the file is empty", where=path, remedy=_AGAIN)
    check = {".stl": _check_stl, ".glb": _check_glb, ".ply": _check_ply, ".obj": _check_obj}.get(path.suffix.lower())
    if check is not None:
        check(path, size)


def _cut(path: Path, why: str) -> InputError:
    return InputError(f"not a readable mesh ({why})", where=path, remedy=_AGAIN)


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LOOKED_AT))
        return head, file.read()


def _check_stl(path: Path, size: int) -> None:
    head, tail = _ends(path)
    declared = int.from_bytes(head[_STL_HEAD - 4 : _STL_HEAD], "little")
    if size == _STL_HEAD + declared * _STL_TRIANGLE:
        return  # binary, whatever its head says
    if head.lstrip().lower().startswith(b"solid"):
        if b"facet" in head.lower() and b"endsolid" not in tail.lower():
            raise _cut(path, "its text ends before 'endsolid'")
        return
    there = (size - _STL_HEAD) // _STL_TRIANGLE
    if len(head) >= _STL_HEAD and there < declared:
        raise _cut(path, f"it declares {declared:,} triangles and ends after {there:,}")


def _check_glb(path: Path, size: int) -> None:
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) == 12 and head[:4] == b"glTF":
        declared = struct.unpack("<I", head[8:])[0]
        if declared > size:
            raise _cut(path, f"it declares {declared:,} bytes and ends after {size:,}")
    found = glb_chunks(path)
    packed = [] if found is None else [x for x in _PACKED if x in found[0].get("extensionsRequired", ())]
    if packed:
        raise InputError(f"the mesh is packed ({packed[0]})", where=path, remedy="Export it without compression.")


def _check_ply(path: Path, size: int) -> None:
    """Of text the lines are counted, of binary files the bytes that triangles would need."""
    least = least_ply_bytes(path)
    if size < least:
        raise _cut(path, f"it needs {least:,} bytes for what it declares and ends after {size:,}")
    head, _ = _ends(path)
    text, mark, _ = head.partition(b"end_header")
    if not mark or b"format ascii" not in text:
        return
    declared = sum(int(n) for n in re.findall(rb"element \w+ (\d+)", text))
    with path.open("rb") as file:
        file.seek(len(text) + len(mark))
        # The line of end_header itself ends with the first of them; the last line may have none.
        ends = [block.count(b"\n") for block in iter(lambda: file.read(1 << 24), b"")]
        file.seek(-1, os.SEEK_END)
        there = sum(ends) - 1 + (file.read(1) != b"\n")
    if there < declared:
        raise _cut(path, f"it declares {declared:,} points and faces and ends after {there:,}")


def _check_obj(path: Path, _size: int) -> None:
    """Nothing is declared; a last line that stops within a point or a face shows that there was more."""
    _, tail = _ends(path)
    last = tail.rpartition(b"\n")[2].split()
    if last[:1] in ([b"v"], [b"f"]) and len(last) < 4:
        raise _cut(path, "its last line is cut off")
