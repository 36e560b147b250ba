"""The comparison of runs as a person sees it on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from studio.commands.comparison import print_comparison

RESULT = {
    "runs": [{"name": "a [b]", "state": "done", "steps": 1200}, {"name": "c", "state": "stopped", "steps": 30}],
    "settings": {"seed": {"a [b]": 0, "c": 7}, "learning_rate": {"a [b]": 0.0001, "c": 0.0003}},
    "settings_equal": 44,
    "losses": {"disc_b": {"a [b]": {"mean": 0.123456, "last": 9.0, "step": 1200}, "c": None}},
    "validity": {"a [b]": None, "c": {"last": 0.5, "step": 30, "best": 0.75, "best_step": 20}},
    "translations": {"a [b]": {"images": 24, "validity": 0.5}, "c": {"images": 0, "validity": None}},
}


def shown(*, colour: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=colour, color_system="standard" if colour else None)
    print_comparison(console, RESULT)
    return out.getvalue()


def cells(name: str) -> list[str]:
    line = next(line for line in shown(colour=False).splitlines() if line.strip().startswith(name))
    return line.split()[len(name.split()) :]


def test_each_run_has_its_column() -> None:
    assert "a [b]" in shown(colour=False), "a name is no markup"
    assert cells("steps") == ["1,200", "30"]
    assert cells("seed") == ["0", "7"] and cells("learning_rate") == ["0.0001", "0.0003"]
    assert cells("44 other settings") == ["same", "same"]
    assert cells("disc_b") == ["0.1235", "–"]
    assert cells("validity, best") == ["–", "0.75"] and cells("at step") == ["–", "20"]
    assert cells("translations") == ["24", "0"] and cells("their validity") == ["0.5", "–"]


def test_what_differs_is_bold_and_nothing_else_among_the_values() -> None:
    bold = [line for line in shown(colour=True).splitlines() if "\x1b[1m" in line]
    assert [line.split()[0] for line in bold if not line.lstrip().startswith("\x1b")] == ["seed", "learning_rate"]
