"""The command line: every command is one call into the pipeline. The window does nothing that this can't."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studio.commands.parser import build_parser
from studio.commands.running import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 failed, 2 wrong input or call, 130 stopped."""
    parser = build_parser()
    words = opening(sys.argv[1:] if argv is None else argv)
    try:
        arguments: argparse.Namespace = parser.parse_args(words)
        arguments.words = words
    except SystemExit as wrong_call:  # argparse has said what is wrong
        return int(wrong_call.code or 0)
    return run_command(arguments)


def opening(words: Sequence[str]) -> tuple[str, ...]:
    """The words, led by ``gui`` where a project's folder alone is named: ``trocar liver.trocar`` opens it."""
    alone = len(words) == 1 and words[0].endswith(".trocar") and Path(words[0]).is_dir()
    return ("gui", *words) if alone else tuple(words)


if __name__ == "__main__":
    sys.exit(main())
