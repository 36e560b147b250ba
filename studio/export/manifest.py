"""``manifest.json``: the recipe of an export and a hash of every file in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.files.atomic import hash_file, write_text
from studio.vocabulary.errors import InputError
from studio.vocabulary.recipes import Recipe

MANIFEST = "manifest.json"
FORMAT = "trocar-export"
VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """``files``: BLAKE2b-128 by path relative to the export, the manifest itself left out."""

    recipe: Recipe
    splits: Mapping[str, tuple[str, ...]]
    classes: tuple[Mapping[str, Any], ...]
    styles: tuple[Mapping[str, Any], ...]
    images: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """What differs between an export and a manifest; nothing does when all three are empty."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.missing or self.changed or self.extra)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """One JSON object, its long lists a row a line, so that people can read and compare it."""
    head = {
        "format": FORMAT, "version": VERSION, "fingerprint": manifest.recipe.fingerprint(),
        "recipe": manifest.recipe.to_json() | {"items": len(manifest.recipe.items)},
        "splits": {name: list(patients) for name, patients in manifest.splits.items()},
    }  # fmt: skip
    rows: dict[str, Iterable[Any]] = {
        "classes": manifest.classes, "styles": manifest.styles,
        "items": manifest.recipe.to_json()["items"], "images": manifest.images,
    }  # fmt: skip
    parts = [json.dumps(head, indent=1, ensure_ascii=False)[:-2]]
    parts += [f' "{name}": [\n' + ",\n".join(_line(row) for row in values) + "\n ]" for name, values in rows.items()]
    files = ",\n".join(
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(h)}" for name, h in manifest.files.items()
    )
    parts.append(' "files": {\n' + files + "\n }")
    write_text(root / MANIFEST, ",\n".join(parts) + "\n}\n")


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.json (or that of an export's folder). Raise InputError when it is none or of a newer version."""
    file = path / MANIFEST if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=file, remedy="Name an export's manifest.json.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"not readable as JSON ({error})", where=file, remedy="Is it a manifest?") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise InputError("not a manifest of an export", where=file, remedy="Name an export's manifest.json.")
    if values.get("version") != VERSION:
        raise InputError(f"version {values.get('version')} is not known", where=file, remedy="Update this program.")
    try:
        return Manifest(
            Recipe.from_json({**values["recipe"], "items": values["items"]}),
            {str(k): tuple(str(p) for p in v) for k, v in values["splits"].items()},
            tuple(values["classes"]), tuple(values["styles"]), tuple(values["images"]),
            {str(k): str(v) for k, v in values["files"].items()},
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the manifest lacks {error}", where=file, remedy="Export again.") from error


def hashed_files(root: Path) -> dict[str, str]:
    """Hashes of all files below an export but its manifest (hidden ones are not part of it), in order of path."""
    paths = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    names = [p for p in paths if p != MANIFEST and not any(part.startswith(".") for part in p.split("/"))]
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(lambda name: hash_file(root / name), names), strict=True))


def verify_manifest(dest: Path) -> Comparison:
    """Compare an export with its own manifest: what has gone, changed or come since. Raise InputError without one."""
    return compared(load_manifest(dest).files, hashed_files(dest))


def compared(wanted: Mapping[str, str], found: Mapping[str, str]) -> Comparison:
    """What differs between two exports' hashes by path, ``wanted`` the first."""
    return Comparison(
        tuple(sorted(set(wanted) - set(found))),
        tuple(sorted(name for name in set(wanted) & set(found) if wanted[name] != found[name])),
        tuple(sorted(set(found) - set(wanted))),
    )


def _line(row: Any) -> str:
    return "  " + json.dumps(row, separators=(",", ":"), ensure_ascii=False)
