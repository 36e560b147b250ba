"""What simulating costs: frames a second, the first frame, bodies, writing, memory, sequences against single frames.

All in one run, since machines differ: the figures that matter are the ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.atomic import write_bytes
from studio.jobs.events import Done, Event, Job, Note, Progress
from studio.scenes.simulator.anatomy import procedural_anatomy
from studio.scenes.simulator.buffers import Body
from studio.scenes.simulator.patients import PatientSource, prepared
from studio.scenes.simulator.settings import SimulationSettings, expected_seconds, process_count
from studio.scenes.simulator.simulation import plain_layers, simulate, write_frame
from studio.scenes.simulator.steering import frame_view

_SEED = 1
_FRAMES_OF_BODY = 12
"""In two batches, so that memory is looked at while a body is in use and when it is done with."""


def bench_simulate(size: tuple[int, int], *, frames: int = 240, compared: int = 40, bodies: int = 8) -> Job:
    """Done: rates on all cores and on one, the first frame, memory, costs of bodies, writing and sequences.

    ``frames`` are rendered on all cores, ``compared`` of each kind on one; each process has ``bodies`` one after the
    other to tell whether its memory grows with them.
    """
    figures: dict[str, Any] = {"size": list(size), "frames": frames, "processes": process_count(0)}
    # What else the machine was doing: rates on a busy one say little, ratios and processor times more.
    figures["load_average"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    settings = SimulationSettings(frames=frames, patients=min(2, frames), size=size, seed=_SEED)
    yield Note("all cores, from nothing: processes, bodies, frames, files")
    figures |= yield from _whole_job(settings)
    yield Note("memory from body to body")
    figures["memory_by_bodies"] = yield from _body_after_body(size, bodies)
    yield Note("one core")
    fewer = max(2, frames // 4)
    one = yield from _whole_job(replace(settings, frames=fewer, processes=1))
    figures["one_core_frames_per_second"] = one["frames_per_second"]
    figures["speed_up"] = figures["frames_per_second"] / one["frames_per_second"]
    yield Note("what a body costs")
    figures["body"] = _building()
    yield Note("what writing costs")
    figures["writing"] = _writing(size, min(compared, frames))
    yield Note("single frames, frames of a path and of a breathing body, in turns")
    figures["sequences"] = yield from _sequences(size, compared)
    yield Done(figures)


def _whole_job(settings: SimulationSettings) -> Generator[Event, None, dict[str, Any]]:
    """Rates with and without the start (processes and bodies), and memory as the job goes on."""
    memory: list[tuple[int, int]] = []
    first = last = (0.0, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with closing(simulate(Path(folder) / "scenes", settings)) as job:
            for event in job:
                if isinstance(event, Progress) and event.done:
                    yield event
                    last = (event.done, time.perf_counter() - started)
                    first = first if first[0] else last
                    memory.append(resident_bytes())
        seconds = time.perf_counter() - started
    expected = expected_seconds(settings)
    steady = (last[0] - first[0]) / max(last[1] - first[1], 1e-9)
    return {
        "first_frame_seconds": first[1], "frames_per_second": settings.frames / seconds,
        "frames_per_second_after_the_first": steady, "expected_seconds": expected,
        "expected_by_taken": expected / seconds, "memory": _early_and_late(memory),
    }  # fmt: skip


def _early_and_late(memory: list[tuple[int, int]]) -> dict[str, float] | None:
    """MB of this process and of the largest rendering process, in the second and in the last quarter of the job."""
    if not memory or not any(own for own, _ in memory):
        return None
    quarter = max(1, len(memory) // 4)
    early, late = np.array(memory[quarter : 2 * quarter] or memory), np.array(memory[-quarter:])
    figures = np.median(early, axis=0) / 1e6, np.median(late, axis=0) / 1e6
    return {
        f"{process}_{when}_MB": round(float(values[place]), 1)
        for place, process in enumerate(("parent", "worker"))
        for when, values in zip(("early", "late"), figures, strict=True)
    }


def _body_after_body(size: tuple[int, int], bodies: int) -> Generator[Event, None, dict[str, float] | None]:
    """The most MB of this process and of the largest rendering one while each worked on its n-th body, for the second
    (the first leaves nothing behind) and the last; None where the system doesn't say."""
    processes = process_count(0)
    settings = SimulationSettings(
        frames=_FRAMES_OF_BODY * bodies * processes, patients=bodies * processes, size=size, seed=_SEED
    )
    most = np.zeros((bodies, 2))
    with tempfile.TemporaryDirectory() as folder, closing(simulate(Path(folder) / "scenes", settings)) as job:
        for event in job:
            if isinstance(event, Progress) and event.done:
                yield event
                number = min(int(event.done) // (_FRAMES_OF_BODY * processes), bodies - 1)
                most[number] = np.maximum(most[number], resident_bytes())
    if not most.any():
        return None
    second = most[min(1, bodies - 1)]
    figures: dict[str, float] = {"bodies": bodies}
    for place, process in enumerate(("parent", "worker")):
        figures[f"{process}_second_MB"] = round(float(second[place]) / 1e6, 1)
        figures[f"{process}_last_MB"] = round(float(most[-1, place]) / 1e6, 1)
    return figures


def resident_bytes() -> tuple[int, int]:
    """Resident memory of this process and of its largest child; zeros where the system doesn't say (/proc)."""
    children = [_resident(child.pid) for child in multiprocessing.active_children()]
    return _resident(os.getpid()), max(children, default=0)


def _resident(pid: int | None) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _building(count: int = 5) -> dict[str, float]:
    """Processor seconds of a procedural body (medians): its shapes, what rays need of them, and both."""
    spent: list[tuple[float, float]] = []
    for number in range(count + 1):
        marks = [time.process_time()]
        anatomy = procedural_anatomy(_SEED, number)
        marks.append(time.process_time())
        target = Body(anatomy).target
        target.trace(anatomy.centre, np.ones((1, 3), np.float32))  # the first ray has the tree built
        spent.append((marks[1] - marks[0], time.process_time() - marks[1]))
    shapes, rays = np.median(spent[1:], axis=0)  # the first one pays for imports
    whole = float(np.median([sum(s) for s in spent[1:]]))
    return {"shapes_seconds": float(shapes), "rays_seconds": float(rays), "seconds": whole}


def _writing(size: tuple[int, int], count: int) -> dict[str, float]:
    """Shares of one process's time for a frame: encoding its pictures, and handing the bytes to the disk."""
    source = PatientSource(_SEED, 0)
    body, look = prepared(source)
    seconds = np.zeros(3)
    with tempfile.TemporaryDirectory() as folder:
        written = 0
        for index in range(count):
            marks = [time.perf_counter()]
            layers = plain_layers(body, look, frame_view(source, size, index))
            marks.append(time.perf_counter())
            write_frame(Path(folder) / "whole", index, layers)
            marks.append(time.perf_counter())
            contents = [p.read_bytes() for p in sorted((Path(folder) / "whole").rglob(f"{index:06d}.*"))]
            again = time.perf_counter()
            for number, data in enumerate(contents):
                write_bytes(Path(folder) / "bytes" / f"{index}-{number}", data)
            written += sum(len(data) for data in contents)
            disk = time.perf_counter() - again
            seconds += (marks[1] - marks[0], max(marks[2] - marks[1] - disk, 0.0), disk)
    rendering, encoding, disk = seconds / seconds.sum()
    return {
        "rendering_share": float(rendering), "encoding_share": float(encoding), "disk_share": float(disk),
        "megabytes_per_frame": written / count / 1e6, "disk_megabytes_per_second": written / seconds[2] / 1e6,
    }  # fmt: skip


def _sequences(size: tuple[int, int], count: int) -> Generator[Event, None, dict[str, Any]]:
    """Processor time of frames of a path and of a breathing body, each in turns with single frames of its own."""
    single = SimulationSettings(frames=count, patients=1, size=size, seed=_SEED, processes=1)
    path = replace(single, path=True)
    figures: dict[str, Any] = {}
    for kind, settings in (("path", path), ("breathing", replace(path, breathing=True))):
        cost, start = yield from _in_turns(single, settings)
        figures |= {
            f"{kind}_milliseconds": 1000 * cost[1], f"plain_beside_{kind}_milliseconds": 1000 * cost[0],
            f"{kind}_cost": cost[1] / cost[0], f"{kind}_start_seconds": start,
        }  # fmt: skip
    return figures


def _in_turns(*kinds: SimulationSettings) -> Generator[Event, None, tuple[list[float], float]]:
    """(seconds of a frame of each kind, a few of each in turns; what the last kind needs before its first frame)."""
    spent: list[list[tuple[float, float]]] = [[] for _ in kinds]
    with tempfile.TemporaryDirectory() as folder:
        jobs = {number: _steps(Path(folder) / str(number), settings) for number, settings in enumerate(kinds)}
        starts = [next(steps)[1] for steps in jobs.values()]
        while jobs:
            for number, steps in list(jobs.items()):
                step = next(steps, None)
                if step is None:
                    del jobs[number]
                else:
                    spent[number].append(step)
            done, total = sum(f for steps in spent for f, _ in steps), sum(s.frames - 1 for s in kinds)
            yield Progress(done, total, "frames", "comparing")
    return [sum(s for _, s in steps) / sum(f for f, _ in steps) for steps in spent], starts[-1]


def _steps(folder: Path, settings: SimulationSettings) -> Iterator[tuple[float, float]]:
    """Frames and processor seconds of each batch; the first holds one frame and what has to be there before it."""
    done, started = 0.0, time.process_time()
    with closing(simulate(folder, settings)) as job:
        for event in job:
            if isinstance(event, Progress) and event.done > done:
                yield event.done - done, time.process_time() - started
                done, started = event.done, time.process_time()
