"""A command in a process that is not rank 0: it does its share and says nothing, unless it is what went wrong."""

from __future__ import annotations

import argparse
import sys

from studio.commands.actions import ACTIONS
from studio.jobs.control import STOPPED_STATUS
from studio.jobs.events import Done
from studio.jobs.ranks import OtherFailed
from studio.jobs.siblings import end_with_parent
from studio.vocabulary.errors import TrocarError

_SHARED = ("translator_train", "translate", "export")


def run_following(arguments: argparse.Namespace) -> int:
    """Run this process's share of the command; return its exit status. Commands without shares are rank 0's alone."""
    if arguments.action not in _SHARED:
        return 0
    end_with_parent()
    try:
        done = [e.result for e in ACTIONS[arguments.action](arguments) if isinstance(e, Done)]
    except OtherFailed:
        return 1
    except KeyboardInterrupt:
        return STOPPED_STATUS
    except TrocarError as error:
        return _said(str(error), error.exit_status)
    except Exception as error:
        return _said(f"failed: {type(error).__name__}: {error}", 1)
    return {"stopped": STOPPED_STATUS, "failed": 1}.get(str(done[-1].get("ending")), 0)


def _said(text: str, status: int) -> int:
    print(f"trocar: {' '.join(text.split())}", file=sys.stderr, flush=True)
    return status
