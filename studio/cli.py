"""The command line: every command is one call into the pipeline. The window does nothing that this can't."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from studio.commands.parser import build_parser
from studio.commands.running import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 failed, 2 wrong input or call, 130 stopped."""
    parser = build_parser()
    try:
        arguments: argparse.Namespace = parser.parse_args(argv)
        arguments.words = tuple(sys.argv[1:] if argv is None else argv)
    except SystemExit as wrong_call:  # argparse has said what is wrong
        return int(wrong_call.code or 0)
    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
