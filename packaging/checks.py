"""Every check of the test command, one after the other, with one summary: lint, format, types, imports, tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("studio", "tests", "packaging")


@dataclass(frozen=True)
class Outcome:
    """One check that ran: its name, exit status and seconds."""

    name: str
    status: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Run every check even when an earlier one fails; arguments go to pytest. 0 when all are well, else 1."""
    outcomes = [_run(name, command) for name, command in _checks(arguments)]
    print("\n" + "\n".join(_row(outcome) for outcome in outcomes))
    failed = [outcome.name for outcome in outcomes if outcome.status != 0]
    total = sum(outcome.seconds for outcome in outcomes)
    print(f"{'FAILED: ' + ', '.join(failed) if failed else 'all checks passed'}  ({total:.0f} s)")
    return 1 if failed else 0


def _checks(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    module = [sys.executable, "-m"]
    lint_imports = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return [
        ("lint", [*module, "ruff", "check", *CODE]),
        ("format", [*module, "ruff", "format", "--check", "--quiet", *CODE]),
        ("types", [*module, "mypy"]),
        ("imports", [sys.executable, "-c", lint_imports, "--no-logo"]),
        ("tests", [*module, "pytest", *arguments]),
    ]


def _run(name: str, command: Sequence[str]) -> Outcome:
    print(f"\n== {name}", flush=True)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    started = time.monotonic()
    status = subprocess.run(list(command), cwd=ROOT, env=environment, check=False).returncode
    return Outcome(name, status, time.monotonic() - started)


def _row(outcome: Outcome) -> str:
    return f"{'ok    ' if outcome.status == 0 else 'FAILED'}  {outcome.name:<8} {outcome.seconds:6.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
