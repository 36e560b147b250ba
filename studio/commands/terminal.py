"""A job on a terminal: one progress bar with rate and time left, notes above it, the result below."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from studio.commands.class_colours import print_classes
from studio.commands.comparison import print_comparison
from studio.jobs.events import Done, Event, Metric, Note, Progress

_SECONDS_BETWEEN = 0.2


def show(events: Iterable[Event], action: str) -> Mapping[str, Any] | None:
    """Show a job's events; return its result, or None when it ended without one."""
    console = Console(stderr=True, highlight=False)
    result: Mapping[str, Any] | None = None
    bar = _bar(console)
    line = _Line(bar)
    try:
        for event in events:
            if isinstance(event, Progress) and not bar.live.is_started:
                bar.start()
            if isinstance(event, Done):
                result = event.result
            elif isinstance(event, Note):
                style = "yellow" if event.level == "warning" else "dim"
                console.print(event.text, style=style, markup=False)
            elif isinstance(event, Progress):
                line.progress(event)
            elif isinstance(event, Metric):
                line.metric(event)
    finally:
        bar.stop()
    if result is not None:
        print_result(Console(highlight=False), action, result)
    return result


def _bar(console: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[metric]}", style="dim"), TimeElapsedColumn(), TextColumn("{task.fields[left]}"),
        console=console, transient=True,
    )  # fmt: skip


class _Line:
    """The one line of progress, redrawn a few times a second."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task: TaskID = bar.add_task("", total=None, count="", metric="", left="")
        self._started = time.monotonic()
        self._shown = 0.0

    def progress(self, event: Progress) -> None:
        now = time.monotonic()
        if now - self._shown < _SECONDS_BETWEEN and event.done < event.total:
            return
        self._shown = now
        elapsed = now - self._started
        left = elapsed * (event.total - event.done) / event.done if event.done > 0 else None
        count = f"{event.done:.0f}/{event.total:.0f} {event.unit}" if event.unit else f"{_share(event):.0f} %"
        if event.unit and elapsed > 1 and event.done:
            count += f"  {event.done / elapsed:.1f}/s"
        self._bar.update(
            self._task, completed=event.done, total=event.total or None, description=event.stage, count=count,
            left=f"{_clock(left)} left" if left is not None else "",
        )  # fmt: skip

    def metric(self, event: Metric) -> None:
        self._bar.update(self._task, metric=f"{event.name} {event.value:.3f}")


def _share(event: Progress) -> float:
    return 100 * event.done / event.total if event.total else 0.0


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def print_result(console: Console, action: str, result: Mapping[str, Any]) -> None:
    """A result for people: the demo's table, or names and values."""
    if action == "demo":
        _print_demo(console, result)
        return
    if action == "classes":
        print_classes(console, result)
        return
    if action == "scenes_list":
        _print_sets(console, result)
        return
    if action == "translator_compare":
        print_comparison(console, result)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in result.items():
        table.add_row(name.replace("_", " "), _value(value))
    console.print(table, markup=False)


def _print_sets(console: Console, result: Mapping[str, Any]) -> None:
    """A row a set of scenes."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("set", "frames", "patients", "made of", "added", "folder"):
        table.add_column(heading, justify="right" if heading in ("frames", "patients") else "left", overflow="fold")
    for row in result["sets"]:
        made = row["made"] or f"layout {row['layout']}"
        counts = f"{row['frames']:,}", f"{len(set(row['patients'])):,}"
        table.add_row(*map(escape, (row["set"], *counts, made, row["added"][:10], row["folder"])))
    console.print(table if result["sets"] else "no scenes")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_value(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "\n".join(_value(v) for v in value) if value and isinstance(value[0], Mapping) else ", ".join(
            _value(v) for v in value
        )  # fmt: skip
    return str(value)


def _print_demo(console: Console, result: Mapping[str, Any]) -> None:
    stand_in = " on stand-in footage (rendered, not filmed)" if result["stand_in"] else ""
    title = f"Liver Dice per patient{stand_in}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    rows = result["table"]
    table.add_column("trained on", min_width=20)
    for heading in patient_headings(list(rows[0]["patients"]) if rows else []):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("mean", justify="right", style="bold")
    for row in rows:
        cells = [_dice(v) for v in row["patients"].values()]
        table.add_row(row["title"], *cells, _dice(row["mean"]))
    console.print(table)
    console.print(
        f"report   {result['report']}\nexport   {result['export']}\nproject  {result['project']}", markup=False
    )
    console.print(f"{result['seconds']:.0f} s", markup=False)


def patient_headings(patients: Sequence[str]) -> list[str]:
    """Patients' names short enough to stand side by side: without what all begin with, a line for each part."""
    parts = [name.split("_") for name in patients]
    while len(parts) > 1 and all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    return ["\n".join(p) for p in parts]


def _dice(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
