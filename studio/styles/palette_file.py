"""Palettes as one small JSON file, to pass from person to person.

``{"format": "trocar-palette", "version": 1, "name", "run", "style_size", "notes", "styles": [{"name", "code",
"origin", "source", "pinned"}]}``
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from studio.files.atomic import write_json
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette, Style, StyleOrigin

FORMAT, VERSION = "trocar-palette", 1
_MAX_BYTES, _MAX_STYLES, _MAX_NAME = 64_000_000, 10_000, 200
MAX_NOTES = 4000


def write_palette(path: Path, palette: Palette) -> None:
    """Write atomically. Raise InputError when the place cannot be written."""
    size = len(palette.styles[0].code) if palette.styles else 0
    fields = {"format": FORMAT, "version": VERSION, "name": palette.name, "run": palette.run}
    styles = [asdict(style) for style in palette.styles]
    write_json(path, {**fields, "style_size": size, "notes": palette.notes, "styles": styles})


def read_palette(path: Path, *, style_size: int | None = None) -> Palette:
    """Read and check a palette. ``style_size``: that of the translator it is for.

    Raise InputError for a missing, damaged or foreign file, one of a newer version, or of another style size.
    """
    fields = _read_fields(path)
    with_version = fields.get("version")
    if not isinstance(with_version, int) or with_version > VERSION:
        raise InputError(
            f"a palette of version {with_version}, this program reads up to {VERSION}",
            where=path,
            remedy="Use a newer Trocar Studio.",
        )
    rows = fields.get("styles")
    if not isinstance(rows, list) or len(rows) > _MAX_STYLES:
        raise _damaged(path, f"'styles' is not a list of at most {_MAX_STYLES}")
    styles = tuple(_read_style(row, path, i) for i, row in enumerate(rows))
    for style in styles:
        if style_size is not None and len(style.code) != style_size:
            raise InputError(
                f"its styles have {len(style.code)} numbers, the translator's have {style_size}",
                where=path,
                remedy="Choose the run that the palette was made with.",
            )
    notes = str(fields.get("notes", ""))[:MAX_NOTES]
    return Palette(_name(fields, "name", path), _name(fields, "run", path, may_be_empty=True), styles, notes)


def _read_fields(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    if path.stat().st_size > _MAX_BYTES:
        raise _damaged(path, "it is too large for a palette")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, "it is not readable JSON") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise _damaged(path, f'it does not say "format": "{FORMAT}"')
    return fields


def _read_style(row: object, path: Path, index: int) -> Style:
    where = f"style {index + 1}"
    if not isinstance(row, dict):
        raise _damaged(path, f"{where} is not an object")
    code = row.get("code")
    if not isinstance(code, list) or not code or not all(_is_number(v) for v in code):
        raise _damaged(path, f"{where} has no code of finite numbers")
    origin, pinned = row.get("origin", "manual"), row.get("pinned", False)
    if origin not in get_args(StyleOrigin) or not isinstance(pinned, bool):
        raise _damaged(path, f"{where} has an unknown origin or pin")
    name = _name(row, "name", path)
    return Style(name, tuple(float(v) for v in code), origin, source=str(row.get("source", "")), pinned=pinned)


def _is_number(value: object) -> bool:
    # JSON's true is an int to Python; NaN fails every comparison.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def _name(fields: dict[str, Any], key: str, path: Path, *, may_be_empty: bool = False) -> str:
    name = fields.get(key, "" if may_be_empty else None)
    if not isinstance(name, str) or len(name) > _MAX_NAME or not (name.strip() or may_be_empty):
        raise _damaged(path, f"'{key}' is missing or too long")
    return name


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"not a usable palette: {what}", where=path, remedy="Export it again from the Styles page.")
