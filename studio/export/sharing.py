"""Frames of an export shared among processes: each writes and reads back its own, rank 0 what speaks of all frames."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from studio.export.planning import Plan
from studio.export.writers import FrameOutcome, Writer
from studio.jobs.events import Event, Progress
from studio.jobs.ranks import Message, Ranks
from studio.vocabulary.errors import TrocarError

_AHEAD = 16
_PAUSE_SECONDS = 0.1
_BY_NUMBER = ("image_hashes", "image_files", "pixels")

T = TypeVar("T")


def in_order(work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[tuple[int, T]]:
    """Results in the order of the numbers, some computed ahead on all cores (coding pictures frees Python's lock)."""
    waiting: deque[tuple[int, Future[T]]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for number in numbers:
                waiting.append((number, pool.submit(work, number)))
                if len(waiting) > _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def shared(
    plan: Plan, ranks: Ranks, work: Callable[[int], T], *, read: Callable[[Any], T], step: str, start: int
) -> Generator[Event, None, list[T]]:
    """Rank 0: do the work for its own frames by number, take that of the others, and return all results in order.

    Progress counts images from ``start`` on, of twice as many as there are.
    """
    found: dict[int, T] = {}
    images = [len(frame.images) for frame in plan.frames]

    def progress() -> Progress:
        return Progress(start + sum(images[n] for n in found), 2 * plan.image_count, "images", step)

    if not ranks.alone:
        ranks.announce({"do": step, "frames": len(plan.frames), "images": plan.image_count})
    for number, result in in_order(work, filter(ranks.share.holds, range(len(plan.frames)))):
        found[number] = result
        found |= {m["frame"]: read(m["result"]) for m in ranks.reports()}
        yield progress()
    while len(found) < len(plan.frames):
        messages = ranks.reports()
        if not messages:
            time.sleep(_PAUSE_SECONDS)
        found |= {m["frame"]: read(m["result"]) for m in messages}
        yield progress()
    return [found[number] for number in range(len(plan.frames))]


WRITING, READING_BACK = "writing", "reading back"


def do_share(plan: Plan, writer: Writer, root: Path, *, ranks: Ranks, orders: Iterator[Message]) -> None:
    """Other ranks: write their frames, then read them back, and report each, as rank 0 gives the word."""
    outcomes: dict[int, FrameOutcome] = {}
    own = [n for n in range(len(plan.frames)) if ranks.share.holds(n)]
    for order in orders:
        if (order["frames"], order["images"]) != (len(plan.frames), plan.image_count):
            raise TrocarError("the machines of this job do not see the same translations; is their disk the same?")
        if order["do"] == WRITING:
            for number, outcome in in_order(lambda n: writer.write_frame(plan.frames[n], root), own):
                outcomes[number] = outcome
                ranks.report({"frame": number, "result": to_values(outcome)})
                if ranks.stopping:
                    break
        else:
            check = writer.reader(root)
            for number, _ in in_order(lambda n, c=check: c(plan.frames[n], outcomes[n]), own):  # type: ignore[misc]
                ranks.report({"frame": number, "result": None})
                if ranks.stopping:
                    break


def to_values(outcome: FrameOutcome) -> dict[str, Any]:
    """JSON-able; from_values is its inverse."""
    return asdict(outcome)


def from_values(values: Mapping[str, Any]) -> FrameOutcome:
    numbered = {name: {int(k): v for k, v in values[name].items()} for name in _BY_NUMBER}
    return FrameOutcome(
        **{**values, **numbered, "size": tuple(values["size"]), "annotations": tuple(values["annotations"])}
    )
