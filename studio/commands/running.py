"""Running one command: events as JSON lines or as a progress bar, and the exit status."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from studio.commands.actions import ACTIONS, window_project
from studio.commands.following import run_following
from studio.jobs.control import STOPPED_STATUS, Control
from studio.jobs.events import Done, Event, to_line
from studio.jobs.ranks import launched_rank
from studio.vocabulary.errors import InputError, TrocarError


def run_command(arguments: argparse.Namespace) -> int:
    """Run the chosen command to its end and return its exit status; every failure is one line on stderr."""
    try:
        if launched_rank():
            return run_following(arguments)
    except InputError as error:
        _say(str(error))
        return error.exit_status
    if arguments.action == "gui":
        return _window(arguments.project)
    _terminate_like_interrupt()
    try:
        result = _run(arguments)
    except KeyboardInterrupt:
        _say("stopped; what was finished is kept")
        return STOPPED_STATUS
    except TrocarError as error:
        _say(str(error))
        return error.exit_status
    except MemoryError:
        _say("out of memory. Use smaller pictures, a smaller batch or a smaller preset.")
        return 1
    except Exception as error:
        _say(f"failed: {type(error).__name__}: {error}. Details: {_details_kept()}")
        return 1
    if result is None:
        _say("stopped; what was finished is kept")
        return STOPPED_STATUS
    project = window_project(arguments, dict(result))
    if project is not None and _has_display():
        return _window(project)
    return 1 if result.get("failed") else 0


def _run(arguments: argparse.Namespace) -> Mapping[str, Any] | None:
    """The result of the command's job, or None when it was stopped from outside."""
    job = ACTIONS[arguments.action](arguments)
    control = Control(sys.stdin) if arguments.control else None
    events: Iterable[Event] = control.events_of(job) if control else job
    try:
        if arguments.json or arguments.control:
            return _as_lines(events)
        from studio.commands.terminal import show

        return show(events, arguments.action)
    finally:
        job.close()


def _as_lines(events: Iterable[Event]) -> Mapping[str, Any] | None:
    result = None
    for event in events:
        if isinstance(event, Done):
            result = event.result
        try:
            print(to_line(event), flush=True)
        except BrokenPipeError:  # nobody reads any more: the job is stopped
            _forget_stdout()
            return None
    return result


def _forget_stdout() -> None:
    """What is left to write goes nowhere, so that Python does not complain of the closed pipe once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _terminate_like_interrupt() -> None:
    """A polite kill and a closed terminal end a job as Ctrl-C does: closed, with a state that can be resumed."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    # nohup has a command ignore that its terminal is closed; then it goes on.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)


def _say(text: str) -> None:
    print(f"trocar: {' '.join(text.split())}", file=sys.stderr, flush=True)


def _details_kept() -> str:
    """The traceback goes to a file: the terminal gets one line."""
    with tempfile.NamedTemporaryFile("w", prefix="trocar-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc())
    return file.name


def _has_display() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _window(project: Path | None) -> int:
    try:
        from studio.gui.app import main as open_window
    except ImportError as error:
        _say(f"the window cannot start: {error}. Run: python3 packaging/bootstrap.py setup")
        return 1
    try:
        return open_window([str(project)] if project else [])
    except InputError as error:
        _say(str(error))
        return error.exit_status


def result_text(result: Mapping[str, Any]) -> str:
    """A result as indented JSON, for commands without a table of their own."""
    return json.dumps(result, indent=1, ensure_ascii=False)
