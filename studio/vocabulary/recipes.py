"""Everything that determines an export, bit for bit, in a canonical form that can be compared and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from studio.vocabulary.errors import InputError


@dataclass(frozen=True, slots=True)
class RecipeItem:
    """One translation in an export: which frame of which patient in which style, and what its files hold.

    ``image`` and ``labels`` are BLAKE2b hashes of the source files, so that a changed source shows.
    """

    patient: str
    frame: str
    style: str
    code: tuple[float, ...]
    image: str
    labels: str
    translation_id: int = 0


@dataclass(frozen=True)
class Recipe:
    """``source`` is what the project says of itself: name, id, checkpoints with fingerprints, rule, verdicts.

    ``split`` are shares of train, val and test; ``merges`` pairs of class names (first counted as second); ``options``
    the format's own settings.
    """

    format: str
    split: tuple[float, ...]
    seed: int
    merges: tuple[tuple[str, str], ...]
    options: Mapping[str, str]
    source: Mapping[str, Any]
    items: tuple[RecipeItem, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; tuples become lists."""
        plain: dict[str, Any] = json.loads(self.canonical())
        return plain

    def canonical(self) -> str:
        """One line of JSON, keys sorted: equal recipes give equal text."""
        values = asdict(self) | {"options": dict(self.options), "source": dict(self.source)}
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def fingerprint(self) -> str:
        """BLAKE2b-128 of the canonical form, 32 hexadecimal digits."""
        return hashlib.blake2b(self.canonical().encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Recipe:
        """The recipe that to_json gave; raise InputError for anything else."""
        try:
            items = tuple(
                RecipeItem(
                    str(row["patient"]), str(row["frame"]), str(row["style"]), tuple(float(v) for v in row["code"]),
                    str(row["image"]), str(row["labels"]), int(row["translation_id"]),
                )
                for row in values["items"]
            )  # fmt: skip
            return Recipe(
                format=str(values["format"]),
                split=tuple(float(v) for v in values["split"]),
                seed=int(values["seed"]),
                merges=tuple((str(a), str(b)) for a, b in values["merges"]),
                options={str(k): str(v) for k, v in values["options"].items()},
                source=dict(values["source"]),
                items=items,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"not a recipe ({error})", where="recipe", remedy="Use a manifest.json of ours."
            ) from error
