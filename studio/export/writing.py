"""The export job: plan, write on all cores, read back, describe, move into place."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.export import coco, image2image
from studio.export.card import CARD, counts_of, data_card
from studio.export.manifest import Manifest, hashed_files, write_manifest
from studio.export.planning import Plan, bytes_needed, plan_export
from studio.export.preview import write_preview
from studio.export.sharing import READING_BACK, WRITING, do_share, from_values, shared
from studio.export.staging import refuse_existing, staging_folder, staging_path
from studio.export.values import ExportItem, ExportOptions, SceneReading
from studio.export.writers import FrameOutcome, Writer
from studio.files.atomic import space_checked, write_text
from studio.jobs.events import Done, Event, Job, Note
from studio.jobs.ranks import ALONE, Message, Ranks
from studio.vocabulary.errors import InputError
from studio.vocabulary.recipes import Recipe, RecipeItem

__all__ = ["FORMATS", "ExportItem", "ExportOptions", "SceneReading", "write_export"]

FORMATS: dict[str, Callable[[Plan, ExportOptions, SceneReading], Writer]] = {
    image2image.NAME: image2image.Image2ImageWriter,
    coco.NAME: coco.CocoWriter,
}
_SPARE_BYTES = 50_000_000


def write_export(
    dest: Path,
    items: Sequence[ExportItem],
    options: ExportOptions,
    *,
    recipe: Mapping[str, object],
    reading: SceneReading,
    resume: bool = False,
    ranks: Ranks = ALONE,
) -> Job:
    """Write translations and labels as a data set at ``dest``, which must not exist.

    With ``ranks`` this is rank 0 of several processes, which write the same files in ``write_share``.
    ``recipe`` is what the project says of itself (name, id, checkpoints, rule, verdicts). Every label picture is read
    back with the format's own reader and compared pixel by pixel with its source before Done. Done: dest, format,
    counts, checks, recipe (its head), fingerprint. Stopped, it leaves a hidden folder that ``resume`` goes on with;
    refused or failed, nothing. Raise InputError for wrong options and sources, DiskFull for want of room.
    """
    if options.format not in FORMATS:
        raise InputError(
            f"the format '{options.format}' is not known", where="--format", remedy=f"Known: {', '.join(FORMATS)}."
        )
    refuse_existing(dest)
    plan = plan_export(items, options)
    needed = bytes_needed(plan, options)
    space_checked(dest, needed + _SPARE_BYTES)
    yield Note(f"{plan.image_count} images of {len(plan.frames)} frames, about {needed / 1e6:.0f} MB")
    writer = FORMATS[options.format](plan, options, reading)
    with staging_folder(dest, _key(plan, options, recipe), resume=resume) as (root, going_on):
        if going_on:
            yield Note("going on with what an earlier run has written")
        try:
            outcomes = yield from _written(plan, writer, root, ranks)
            yield from _checked(plan, writer, root, outcomes, ranks)
        finally:
            for _ in ranks.last_reports():  # nobody writes into the folder any more when it is moved or removed
                pass
        whole = _recipe(plan, options, recipe, outcomes)
        write_preview(root, plan, outcomes, reading)
        write_text(root / CARD, data_card(plan, options, whole, outcomes, writer.layout_lines()))
        manifest = _manifest(plan, whole, outcomes, hashed_files(root))
        write_manifest(root, manifest)
    counts = counts_of(plan)
    checks = {"labels_compared": len(plan.frames), "images_decoded": plan.image_count, "files": len(manifest.files)}
    head = whole.to_json() | {"items": len(whole.items)}
    yield Done(
        {
            "dest": str(dest), "format": options.format, "counts": counts, "checks": checks, "recipe": head,
            "fingerprint": whole.fingerprint(),
        }
    )  # fmt: skip


def write_share(
    dest: Path, items: Sequence[ExportItem], options: ExportOptions, *, reading: SceneReading, ranks: Ranks,
    orders: Iterator[Message],
) -> None:  # fmt: skip
    """The part of an export that falls to a process that is not rank 0, given the same items as rank 0."""
    plan = plan_export(items, options)
    writer = FORMATS[options.format](plan, options, reading)
    do_share(plan, writer, staging_path(dest), ranks=ranks, orders=orders)


def _written(plan: Plan, writer: Writer, root: Path, ranks: Ranks) -> Generator[Event, None, list[FrameOutcome]]:
    """Write every frame."""
    outcomes = yield from shared(
        plan, ranks, lambda n: writer.write_frame(plan.frames[n], root), read=from_values, step=WRITING, start=0
    )
    writer.finish(root, outcomes)
    return outcomes


def _checked(
    plan: Plan, writer: Writer, root: Path, outcomes: Sequence[FrameOutcome], ranks: Ranks
) -> Generator[Event, None, None]:
    """Read every frame back."""
    check = writer.reader(root)
    yield from shared(
        plan, ranks, lambda n: check(plan.frames[n], outcomes[n]), read=lambda _: None, step=READING_BACK,
        start=plan.image_count,
    )  # fmt: skip


def _recipe(
    plan: Plan, options: ExportOptions, source: Mapping[str, object], outcomes: Sequence[FrameOutcome]
) -> Recipe:
    items = tuple(
        RecipeItem(
            item.patient, item.frame_name, item.style_name, tuple(float(v) for v in item.style_code),
            outcome.image_hashes[style.number], outcome.label_hash, item.translation_id,
        )
        for frame, outcome in zip(plan.frames, outcomes, strict=True)
        for style, item in frame.images
    )  # fmt: skip
    return Recipe(
        options.format,
        tuple(options.split),
        options.seed,
        tuple(options.merges),
        options.of_format(),
        dict(source),
        items,
    )


def _manifest(plan: Plan, recipe: Recipe, outcomes: Sequence[FrameOutcome], files: Mapping[str, str]) -> Manifest:
    images: list[Mapping[str, Any]] = [
        {
            "file": outcome.image_files[style.number], "patient": frame.patient, "split": frame.split,
            "frame": item.frame_name, "style": style.number, "validity": item.validity,
        }
        for frame, outcome in zip(plan.frames, outcomes, strict=True)
        for style, item in frame.images
    ]  # fmt: skip
    return Manifest(
        recipe=recipe,
        splits=plan.splits,
        classes=tuple({"id": c.id, "name": c.name, "colour": list(c.colour)} for c in plan.classes.table),
        styles=tuple({"number": s.number, "name": s.name, "code": list(s.code)} for s in plan.styles),
        images=tuple(images),
        files=files,
    )


def _key(plan: Plan, options: ExportOptions, source: Mapping[str, object]) -> str:
    """Tells this export from any other, by its options and its sources' sizes and times."""
    parts: list[object] = [options, sorted(source.items()), plan.splits]
    for frame in plan.frames:
        for style, item in frame.images:
            stat = item.image.stat()
            parts.append((item.image, stat.st_size, stat.st_mtime_ns, style.number, item.render, item.layers))
    return repr(parts)
