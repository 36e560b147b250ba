"""``trocar bench gui``: first paint from a fresh process, and how late the event loop runs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.gui.window import Window

_TIMER_MS = 5
_STARTS = 3
_WATCHED_SECONDS = 6.0
_PAPER_SIZE = "paper-size"
_TRAINING = ("iterations=100000", "sample_every=100000", "checkpoint_every=100000", "crop_width=96", "crop_height=64")


def bench_gui() -> dict[str, Any]:
    """Figures in seconds and ms: first paint (median of cold processes), lateness p50, p99 and max of a 5 ms timer
    (idle, beside training, beside previews), repainting sixteen pictures, waiting for previews at paper size, and the
    simulator's live preview while one drags.
    """
    from studio.gui.looping import without_display

    without_display()
    starts = [first_paint() for _ in range(_STARTS)]
    with tempfile.TemporaryDirectory(prefix="trocar-bench-") as folder:
        lateness = _lateness_of_a_window(Path(folder))
    return {
        "first_paint_seconds": round(statistics.median(s["seconds"] for s in starts), 3),
        "torch_imported": any(s["torch"] for s in starts),
        **lateness,
    }


def first_paint(project: Path | None = None) -> Mapping[str, Any]:
    """Start a process that opens the window: seconds to its first paint, and whether torch came along."""
    command = [sys.executable, "-P", "-m", "studio.gui.bench", *([str(project)] if project else [])]
    started = time.time()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "XDG_CONFIG_HOME": home}
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=120)
    painted = json.loads(answer.stdout.splitlines()[-1])
    return {"seconds": painted["at"] - started, "torch": painted["torch"]}


def lateness_ms(seconds: float, live: Callable[[float], None]) -> list[float]:
    """How much later than asked a 5 ms timer fires, in ms, while ``live`` runs the event loop for ``seconds``."""
    from PySide6.QtCore import Qt, QTimer

    late: list[float] = []
    last = time.perf_counter()

    def fired() -> None:
        nonlocal last
        now = time.perf_counter()
        late.append(max(0.0, 1000 * (now - last) - _TIMER_MS))
        last = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(_TIMER_MS)
    timer.timeout.connect(fired)
    timer.start()
    live(seconds)
    timer.stop()
    return late[1:]


def summary(late_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(late_ms)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 2),
        "max_ms": round(ordered[-1], 2),
    }


def _lateness_of_a_window(folder: Path) -> dict[str, Any]:
    from PySide6.QtCore import QSettings

    from studio.gui.app import application, build_window
    from studio.gui.looping import live
    from studio.project.project import Project

    application()
    Project.create(folder / "bench").close()
    window = build_window(
        folder / "bench.trocar", settings=QSettings(str(folder / "i.ini"), QSettings.Format.IniFormat)
    )
    window.show()
    try:
        _filled(window)
        window.go_to_page("Train")
        live(1.0)
        idle = summary(lateness_ms(_WATCHED_SECONDS, live))
        pictures = _pictures(window)
        beside = _beside_training(window)
    finally:
        window.session.jobs.shut_down(patience_seconds=20)
        window.close()
    return {"idle": idle, "beside_training": beside, **pictures}


def _filled(window: Window) -> None:
    from studio.gui.looping import live_until
    from studio.gui.session import EVERYTHING

    folder = str(window.session.project.folder)
    for argv in (
        ["scenes", "simulate", folder, "--frames", "4", "--patients", "2", "--size", "512x256"],
        ["footage", "phantom", folder, "--frames", "4", "--patients", "2", "--size", "192x108",
         "--labelled-frames", "2", "--labelled-patients", "1"],
        ["translator", "train", folder, "--name", _PAPER_SIZE, "--preset", "paper", "--iterations", "1",
         "--set", "crop_width=96", "--set", "crop_height=96"],
    ):  # fmt: skip
        job = window.session.start(argv[1], argv, touches=EVERYTHING)
        live_until(lambda job=job: job.state in ("done", "failed"), seconds=240)  # type: ignore[misc]


def _beside_training(window: Window) -> dict[str, float]:
    from studio.gui.looping import live, live_until
    from studio.project.records import Changed

    sets = [part for value in _TRAINING for part in ("--set", value)]
    argv = ["translator", "train", str(window.session.project.folder), "--name", "bench", "--preset", "demo", *sets]
    job = window.session.start("training", argv, touches=Changed(runs=True))
    started = live_until(lambda: job.state == "failed" or (job.progress is not None and job.progress.done >= 2),
                         seconds=240)  # fmt: skip
    if not started or job.state == "failed":
        return {}
    live(1.0)
    return summary(lateness_ms(_WATCHED_SECONDS, live))


def _pictures(window: Window) -> dict[str, Any]:
    """Repaints, and previews of a translator of the published size. It was trained for one step: the work is the same
    as a trained one's."""
    from studio.gui.bench_live import live_preview_figures
    from studio.gui.bench_pictures import asked_all_along, preview_seconds, repaint_ms
    from studio.gui.looping import live

    project = window.session.project
    frame = project.scenes.frames(project.scenes.all()[0].id, offset=0, limit=1)[0].files.rgb
    folder = project.runs.get("translator", _PAPER_SIZE).folder
    beside = asked_all_along(folder, frame, lambda: summary(lateness_ms(_WATCHED_SECONDS, live)))
    return {"repaint_16_pictures": summary(repaint_ms()), "previews": preview_seconds(folder, frame),
            "beside_previews": beside, "simulator": live_preview_figures(window)}  # fmt: skip


def _report_first_paint(arguments: Sequence[str]) -> int:
    """What the measured process does: open the window, and say when it was painted first."""
    from studio.gui.looping import without_display

    without_display()
    from PySide6.QtCore import QEvent, QObject

    from studio.gui.app import application, build_window

    app = application()
    window = build_window(Path(arguments[0]) if arguments else None)

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                watched.removeEventFilter(self)
                _say_and_quit(app)
            return False

    watch = Watch()
    window.stack.installEventFilter(watch)
    window.show()
    status = app.exec()
    window.close()
    return status


def _say_and_quit(app: Any) -> None:
    from PySide6.QtCore import QTimer

    def painted() -> None:  # the event loop comes back here after everything in sight has been painted
        print(json.dumps({"at": time.time(), "torch": "torch" in sys.modules}), flush=True)
        app.quit()

    QTimer.singleShot(0, painted)


if __name__ == "__main__":
    sys.exit(_report_first_paint(sys.argv[1:]))
