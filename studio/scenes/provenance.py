"""What a simulated scene was made of, in words: from the recipe that the simulator wrote into its description."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

MADE_BY = "made_by"
"""Encoding key of the simulator's recipe, as JSON."""
_LARGEST = 20_000
"""Letters; what is longer is not the simulator's."""


def made_by_encoding(description: Mapping[str, Any]) -> dict[str, str]:
    """The entry of a scene's encoding; none where its description has no recipe."""
    text = json.dumps(description.get(MADE_BY)) if isinstance(description.get(MADE_BY), dict) else ""
    return {MADE_BY: text} if 0 < len(text) <= _LARGEST else {}


def made_of(encoding: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name, value) a row; none for scenes that were not simulated here, and for what is no recipe of ours."""
    try:
        recipe = json.loads(encoding.get(MADE_BY, "{}"))
        return [(name, words) for name, said in _ROWS.items() if (words := said(recipe))] if "seed" in recipe else []
    except (ValueError, TypeError, KeyError, AttributeError, InputError):  # written by hand
        return []


def made_in_short(encoding: Mapping[str, str]) -> str:
    """How frames were taken and from which seed, for lists; empty as made_of is."""
    rows = dict(made_of(encoding))
    return f"seed {rows['Seed']}, {rows['Frames taken']}" if rows else ""


def _taken(recipe: Mapping[str, Any]) -> str:
    path = recipe.get("path")
    if not path:
        return "one by one"
    count = len(path.get("keyframes", {}).get("keyframes", []))
    way = f"through {count} keyframes" if count else "along a path"
    return f"{way}, breathing" if path.get("breathing") else way


def _body(recipe: Mapping[str, Any]) -> str:
    number = int(recipe["number"]) + 1
    return f"number {number}" + (", bent" if recipe.get("variation") else "")


def _meshes(recipe: Mapping[str, Any]) -> str:
    return "built-in anatomy" if recipe.get("meshes") is None else ", ".join(map(str, recipe["meshes"]))


def _targets(recipe: Mapping[str, Any]) -> str:
    named = ((STUDIO_CLASSES.by_id(int(c)).name, float(share)) for c, share in recipe.get("targets", ()))
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in named)


_ROWS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "Frames taken": _taken,
    "Seed": lambda recipe: str(int(recipe["seed"])),
    "Body": _body,
    "Made from": _meshes,
    "Left out": lambda recipe: ", ".join(map(str, recipe.get("without", ()))),
    "Class targets": _targets,
    "Picture area": lambda recipe: "round" if recipe.get("image_area") else "",
}
