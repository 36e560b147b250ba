"""An export made again from its manifest, byte for byte; pictures that are gone are translated anew."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.export.manifest import Manifest, load_manifest
from studio.export.values import ExportItem, ExportOptions
from studio.export.writing import write_export
from studio.files.atomic import hash_file
from studio.files.pictures import read_rgb, write_png
from studio.jobs.events import Done, Event, Job, Progress
from studio.jobs.stages import passed_on
from studio.pipeline.class_colours import in_colours
from studio.pipeline.exports import READING, export_items
from studio.project.project import SUFFIX, Project
from studio.project.records import TranslationRecord
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.recipes import RecipeItem

if TYPE_CHECKING:
    from studio.translator.inference import Translator


def reproduce(manifest_path: Path, dest: Path, *, project_path: Path | None) -> Job:
    """Write the export that a manifest describes once more and compare every file. Done: dest, same, differing.

    The project is the one named, else the one around the manifest or beside the working folder that has its id.
    Raise InputError when it is not found or its sources have changed, TrocarError when a file came out different.
    """
    manifest = load_manifest(manifest_path)
    recipe = manifest.recipe
    with Project.open(_project(manifest, manifest_path, project_path)) as project:
        records = [_record(project, row) for row in recipe.items]
        items = in_colours(export_items(project, records), recipe.source.get("class_colours", {}))
        items = yield from _with_pictures(project, items, manifest)
        options = ExportOptions(
            format=recipe.format, split=recipe.split, seed=recipe.seed, merges=recipe.merges,
            regions="part" if recipe.options.get("regions") == "part" else "class",
            geometry=recipe.options.get("geometry") == "yes",
        )  # fmt: skip
        result = yield from passed_on(write_export(dest, items, options, recipe=recipe.source, reading=READING))
    before, after = manifest.files, load_manifest(dest).files
    differing = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    if differing:
        raise TrocarError(f"{dest}: {len(differing)} files differ from the manifest, first {differing[0]}")
    yield Done({"dest": str(dest), "same": True, "files": len(after), "counts": result["counts"]})


def _project(manifest: Manifest, path: Path, named: Path | None) -> Path:
    if named is not None:
        return named
    wanted = manifest.recipe.source.get("project_id")
    around = [p for p in path.resolve().parents if p.name.endswith(SUFFIX)]
    beside = [p for place in (Path.cwd(), path.resolve().parent.parent) for p in sorted(place.glob(f"*{SUFFIX}"))]
    # A copy of a project has its id, too: the one that has kept the name comes first.
    beside.sort(key=lambda p: p.name != f"{manifest.recipe.source.get('project')}{SUFFIX}")
    for folder in (*around, *beside):
        try:
            with Project.open(folder, write=False) as project:
                if project.setting("id") == wanted:
                    return folder
        except InputError:
            continue
    raise InputError(
        f"the project '{manifest.recipe.source.get('project')}' was not found", where=path,
        remedy="Name it: --project PATH.",
    )  # fmt: skip


def _record(project: Project, row: RecipeItem) -> TranslationRecord:
    for record in project.translations.some([row.translation_id]):
        if (record.patient, record.frame_name, record.style) == (row.patient, row.frame, row.style):
            return replace(record, code=row.code)
    raise InputError(
        f"its translation of {row.patient}, {row.frame} as {row.style} is no longer in the project",
        where=project.folder, remedy="Reproduce it in the project that it was made in.",
    )  # fmt: skip


def _with_pictures(
    project: Project, items: Sequence[ExportItem], manifest: Manifest
) -> Generator[Event, None, list[ExportItem]]:
    """Yield Progress; return the items, those whose picture is gone or changed with one translated anew."""
    hashes = {row.translation_id: row.image for row in manifest.recipe.items}
    whole = [_is_whole(item, hashes[item.translation_id]) for item in items]
    translators = _Translators(project, manifest)
    found = []
    for done, (item, there) in enumerate(zip(items, whole, strict=True), start=1):
        found.append(item if there else translators.again(item, hashes[item.translation_id]))
        if not there:
            yield Progress(done, len(items), "images", "translating anew")
    return found


def _is_whole(item: ExportItem, wanted: str) -> bool:
    return item.image.is_file() and hash_file(item.image) == wanted


class _Translators:
    """The checkpoints that a manifest names, loaded when first needed."""

    def __init__(self, project: Project, manifest: Manifest) -> None:
        self._project = project
        # Without the runs' names: a run may have been renamed since.
        self._fingerprints = {c["fingerprint"] for c in manifest.recipe.source["checkpoints"]}
        self._loaded: dict[str, Translator] = {}

    def again(self, item: ExportItem, wanted: str) -> ExportItem:
        """The item with a picture in the cache; raise TrocarError when it does not come out as it was."""
        record = self._project.translations.get(item.translation_id)
        translator = self._of(record)
        image_HW3, codes_1S = read_rgb(item.render), np.array([item.style_code], np.float32)
        path = self._project.cache / "reproduced" / f"{item.translation_id}.png"
        # Whether it was made in fp32 or bf16 shows in its bytes alone; this machine's choice is tried first.
        for precision in sorted(("fp32", "bf16"), key=lambda name: name != translator.precision):
            write_png(path, translator.in_precision(precision).translate(image_HW3, codes_1S)[0])
            if hash_file(path) == wanted:
                return replace(item, image=path)
        raise TrocarError(
            f"{item.patient}, {item.frame_name} as {item.style_name} comes out differently on this machine; "
            "the manifest's own pictures are needed for the same bytes"
        )

    def _of(self, record: TranslationRecord) -> Translator:
        key = record.fingerprint
        if key not in self._loaded:
            folder = self._project.runs.get("translator", record.run).folder
            found = _translator_with(folder, key) if key in self._fingerprints else None
            if found is None:
                raise InputError(
                    f"run {record.run} no longer has the checkpoint that this was made with",
                    where=self._project.folder, remedy="Reproduce where it is still kept.",
                )  # fmt: skip
            self._loaded[key] = found
        return self._loaded[key]


def _translator_with(run_folder: Path, fingerprint: str) -> Translator | None:
    """The run's checkpoint with these weights, the newest tried first."""
    from studio.translator.checkpoints import checkpoints_of
    from studio.translator.inference import load_translator

    for checkpoint in reversed(checkpoints_of(run_folder)):
        translator = load_translator(checkpoint)
        if translator.fingerprint == fingerprint:
            return translator
    return None
