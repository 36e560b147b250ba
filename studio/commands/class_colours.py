"""The command ``classes``: the colours of a project's classes, listed, chosen and given back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from studio.jobs.events import Done, Job
from studio.project.project import Project


def classes(a: argparse.Namespace) -> Job:
    from studio.pipeline.class_colours import change_class_colours, described

    edits = bool(a.colour or a.reset)
    with Project.open(a.project, write=edits) as project:
        if edits:
            change_class_colours(project, a.colour, reset=None if None in a.reset else a.reset)
        yield Done(described(project))


def print_classes(console: Console, result: Mapping[str, Any]) -> None:
    """A table with a swatch for each class, and a line for each pair that is hard to tell apart."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in result["classes"]:
        chosen = f"chosen for this project; its own is {row['own']}" if row["chosen"] else ""
        table.add_row(f"[{row['colour']}]██[/]", row["name"].replace("[", r"\["), row["colour"], chosen)
    console.print(table)
    for pair in result["hard_to_tell_apart"]:
        console.print(
            f"{pair['first']} and {pair['second']} can hardly be told apart by {pair['viewers']} "
            f"(ΔE {pair['difference']}, at least {result['least_difference']:.0f} is wanted)",
            style="yellow", markup=False,
        )  # fmt: skip
