"""The comparison of runs on a terminal: what differs in bold, a column a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_comparison(console: Console, result: Mapping[str, Any]) -> None:
    """Settings that differ, losses where the runs ended, and the validity of what was translated with them."""
    runs = [run["name"] for run in result["runs"]]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for run in runs:
        table.add_column(Text(run), justify="right", overflow="fold")
    table.add_row("state", *(run["state"] for run in result["runs"]))
    table.add_row("steps", *(f"{run['steps']:,}" for run in result["runs"]), end_section=True)
    for name, values in result["settings"].items():
        table.add_row(name, *(Text(_value(values[run]), style="bold") for run in runs))
    table.add_row(f"{result['settings_equal']} other settings", *("same" for _ in runs), end_section=True)
    for name, finals in result["losses"].items():
        table.add_row(name, *(_final(finals[run]) for run in runs))
    validity = [result["validity"][run] for run in runs]
    if any(validity):
        table.add_section()
        table.add_row("validity, best", *("–" if v is None else _number(v["best"]) for v in validity))
        table.add_row("at step", *("–" if v is None else f"{v['best_step']:,}" for v in validity))
    made = [result["translations"][run] for run in runs]
    if any(each["images"] for each in made):
        table.add_section()
        table.add_row("translations", *(f"{each['images']:,}" for each in made))
        table.add_row("their validity", *(_number(each["validity"]) for each in made))
    console.print(table)
    console.print("Losses: means over the last 100 logged steps, unweighted.", style="dim")


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _final(final: Mapping[str, float] | None) -> str:
    return "–" if final is None else _number(final["mean"])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
