"""Rank 0 and the others on speaking terms: JSON messages over the TCP store of torch.distributed.

Messages go through a store and not through collective operations, so that nobody has to keep step: rank 0 may pause
between two orders for as long as it likes, and a process that was asked to stop is heard. Only gradients need all at
once (studio.translator.distributed). Where torchrun keeps a store already, that one serves; else rank 0 keeps it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch.distributed import DistError, PrefixStore, TCPStore  # type: ignore[attr-defined]

from studio.jobs.ranks import Ending, Message, OtherFailed, Ranks, launcher
from studio.jobs.shares import Share
from studio.jobs.siblings import Siblings
from studio.translator.places import Place, device_of, launched_place
from studio.vocabulary.errors import InputError, TrocarError

_MEETING = timedelta(minutes=10)
"""How long processes that a cluster starts one after the other wait for all to be there."""
_PATIENCE_SECONDS = {"done": 60.0, "stopped": 60.0, "failed": 5.0}
_FAILURE_SECONDS = 3.0
_OF_CONNECTIONS = ("gloo", "NCCL", "Connection", "ProcessGroup")
"""What errors of torch.distributed name, which are RuntimeErrors like any other."""
_UNTAKEN = 16
"""Reports that may wait for rank 0."""
_LAST, _ENDED = {"report": "last"}, {"report": "ended"}
_EAGER_SECONDS, _EAGER_PAUSE, _PAUSE = 2.0, 0.0005, 0.02


class JoinedRanks(Ranks):
    """The processes of one job. ``argv`` is the command line with which rank 0 starts the others, None where a
    launcher has started them."""

    def __init__(self, place: Place, *, argv: Sequence[str] | None) -> None:
        self.place = place
        self.share = Share(place.rank, place.count)
        self._argv = argv
        self._store: PrefixStore | None = None
        self._port = place.port
        self._siblings: Siblings | None = None
        self._announced = self._heard = 0
        self._met = 0
        self._reported = [0] * place.count
        self._through: set[int] = set()
        self._ended: set[int] = set()
        self._stop_asked = self._said_last = self._all_here = False

    @property
    def meeting_point(self) -> tuple[str, int]:
        """Address and port of the store."""
        return self.place.address, self._port

    def device(self, name: str) -> str:
        return device_of(name, self.place)

    # ---- rank 0 ----

    def begin(self, task: Message) -> None:
        if self._store is None:
            self.connect()
        self.announce(task)

    def connect(self) -> None:
        """Open or find the store; rank 0 of a local job starts the others and waits until all are there."""
        store = _opened_store(self.place)
        self._port = store.port
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        self._store = PrefixStore(f"trocar/{attempt}", store)
        self._store.add("here", 1)
        if self._argv is not None:
            address, port = self.meeting_point
            variables = {"MASTER_ADDR": address, "MASTER_PORT": str(port), **_threads(self.place.count)}
            self._siblings = Siblings(self._argv, count=self.place.count, environment=variables)
        if self.place.rank == 0:
            self._wait_for_all("here")
        self._all_here = True

    def _wait_for_all(self, word: str) -> None:
        """Rank 0: until every process has said ``word``."""
        deadline = time.monotonic() + _MEETING.total_seconds()
        while (found := self._opened.add(word, 0)) < self.place.count:
            self.watch()
            if time.monotonic() > deadline:
                raise TrocarError(f"only {found} of {self.place.count} processes were there after ten minutes")
            time.sleep(_PAUSE)

    def meet(self, word: str) -> None:
        with _rank_0_there():
            self._opened.add(word, 1)
        if self.place.rank == 0:
            self._wait_for_all(word)

    def announce(self, order: Message) -> None:
        self._opened.set(f"order/{self._announced}", json.dumps(order))
        self._announced += 1

    def met(self) -> None:
        """All others have taken up what was announced so far, which can be forgotten."""
        for number in range(self._met, self._announced):
            self._opened.delete_key(f"order/{number}")
        self._met = self._announced

    def watch(self) -> None:
        """Raise as ``reports`` does, without looking for reports."""
        self._raise_failure()
        if self._opened.check(["stop wanted"]):
            raise KeyboardInterrupt

    def reports(self) -> Sequence[Message]:
        found = list(self._arrived())
        if not found:
            self.watch()
        return found

    def last_reports(self) -> Iterator[Message]:
        if self._store is None:
            return
        self._opened.set("stop", "")
        deadline = time.monotonic() + _PATIENCE_SECONDS["stopped"]
        while time.monotonic() < deadline:
            yield from self._arrived()
            if len(self._through | self._ended | self._gone()) == self.place.count - 1:
                break
            time.sleep(_PAUSE)
        yield from self._arrived()

    def _arrived(self) -> Iterator[Message]:
        for rank in range(1, self.place.count):
            while self._opened.check([key := f"report/{rank}/{self._reported[rank]}"]):
                message = json.loads(self._opened.get(key))
                self._opened.delete_key(key)
                self._reported[rank] += 1
                if message == _LAST:
                    self._through.add(rank)
                elif message == _ENDED:
                    self._ended.add(rank)
                else:
                    yield message

    def _gone(self) -> set[int]:
        return self._siblings.gone() if self._siblings else set()

    def failure(self) -> str:
        """One line about another process that failed or has gone, or ""."""
        told = self._told_failure()
        return str(told["text"]) if told else self._siblings.failure() if self._siblings else ""

    def _raise_failure(self) -> None:
        told = self._told_failure()
        if told and told["status"] == InputError.exit_status:
            raise InputError(told["text"])
        if text := self.failure():
            raise OtherFailed(text)

    def _told_failure(self) -> Any:
        try:
            return json.loads(self._opened.get("failed")) if self._opened.check(["failed"]) else None
        except DistError:
            return None

    def explained(self, error: RuntimeError) -> Exception:
        """Why an operation with the other processes broke; the error itself when that had nothing to do with them.

        They may take a moment to be gone or to say why.
        """
        text = str(error)
        if not isinstance(error, DistError) and not any(word in text for word in _OF_CONNECTIONS):
            return error
        deadline = time.monotonic() + _FAILURE_SECONDS
        while time.monotonic() < deadline:
            try:
                self._raise_failure()
            except TrocarError as reason:
                return reason
            time.sleep(_PAUSE)
        what = "did not answer in time" if "timeout" in text.lower() or "timed out" in text.lower() else "is gone"
        return OtherFailed(f"another process of this job {what}; what was finished is kept")

    # ---- the others ----

    def orders(self) -> Iterator[Message]:
        while True:
            order = self._next_order()
            if "end" in order:
                self.ending = order["end"]
                return
            yield order

    def _next_order(self) -> dict[str, Any]:
        key, started = f"order/{self._heard}", time.monotonic()
        with _rank_0_there():
            while not self._opened.check([key]):
                if self.stopping and not self._said_last:
                    self.report_end()
                eager = time.monotonic() - started < _EAGER_SECONDS
                time.sleep(_EAGER_PAUSE if eager else _PAUSE)
            order: dict[str, Any] = json.loads(self._opened.get(key))
        self._heard += 1
        return order

    def report(self, message: Message) -> None:
        rank = self.place.rank
        number = self._reported[rank]
        with _rank_0_there():
            while number >= _UNTAKEN and self._opened.check([f"report/{rank}/{number - _UNTAKEN}"]):
                time.sleep(_PAUSE)
            self._opened.set(f"report/{rank}/{number}", json.dumps(message))
        self._reported[rank] += 1

    def report_end(self) -> None:
        self._said_last = True
        self.report(_LAST)

    @property
    def stopping(self) -> bool:
        with _rank_0_there():
            return self._stop_asked or bool(self._opened.check(["stop"]))

    def ask_to_stop(self, *_: object) -> None:
        """A signal's handler: the whole job is to stop, which is for rank 0 to see to."""
        self._stop_asked = True
        if self._store is not None:
            with contextlib.suppress(DistError):
                self._store.set("stop wanted", "")

    # ---- the end ----

    def end(self, ending: Ending, error: BaseException | None = None) -> None:
        """Rank 0 lets the others go and waits for them, they say that they have ended; an error is told first."""
        if self._store is None:
            return
        starting = self._siblings is not None and not self._all_here
        try:
            with contextlib.suppress(DistError, OtherFailed):
                if error is not None and self.place.rank and not isinstance(error, OtherFailed):
                    self._tell(error)
                # Who waits for a failed process in a collective operation notices by the closed connection.
                _leave_group(failed=ending == "failed")
                if self.place.rank:
                    self.report(_ENDED)
                elif not starting:
                    self._dismiss(ending)
        finally:
            if self._siblings is not None:
                self._siblings.end(0.0 if starting else _PATIENCE_SECONDS[ending])
            self._store = None

    def _dismiss(self, ending: Ending) -> None:
        self.announce({"end": ending})
        self._opened.set("stop", "")
        deadline = time.monotonic() + _PATIENCE_SECONDS[ending]
        while len(self._ended | self._gone()) < self.place.count - 1 and time.monotonic() < deadline:
            for _ in self._arrived():
                pass
            time.sleep(_PAUSE)

    def _tell(self, error: BaseException) -> None:
        status = error.exit_status if isinstance(error, TrocarError) else 1
        text = str(error) if isinstance(error, TrocarError) else f"{type(error).__name__}: {error}"
        who = f"process {self.place.rank + 1} of {self.place.count}"
        told = {"text": f"{who}: {' '.join(text.split())}", "status": status}
        self._opened.compare_set("failed", "", json.dumps(told))

    @property
    def _opened(self) -> PrefixStore:
        assert self._store is not None, "begin() comes first"
        return self._store


@contextmanager
def joined_ranks(argv: Sequence[str], *, devices: int | None, device: str) -> Iterator[JoinedRanks]:
    """The processes of a job: those that torchrun or SLURM started, else ``devices`` on this machine.

    Left as everything is left, with what it was left by: the others end as rank 0 does, and none remains. Raise
    InputError for more devices than there are.
    """
    started = launcher()
    place = launched_place(devices) if started else Place(0, devices or 1, 0, devices or 1)
    chosen = device_of(device, place)
    if chosen != "cpu":
        torch.cuda.set_device(chosen)
    ranks = JoinedRanks(place, argv=None if started else argv)
    with _signals_to(ranks), _shared_threads(chosen, place.local_count):
        try:
            if started:
                ranks.connect()
            yield ranks
        except (GeneratorExit, KeyboardInterrupt):
            ranks.end("stopped")
            raise
        except BaseException as error:
            ranks.end("failed", error)
            raise
        else:
            ranks.end("done")


@contextmanager
def _rank_0_there() -> Iterator[None]:
    try:
        yield
    except DistError as error:
        raise OtherFailed("rank 0 of this job is gone") from error


def _opened_store(place: Place) -> TCPStore:
    kept_by_launcher = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and launcher() == "torchrun"
    try:
        return TCPStore(
            place.address, place.port, is_master=place.rank == 0 and not kept_by_launcher, timeout=_MEETING,
            wait_for_workers=False, multi_tenant=True,
        )  # fmt: skip
    except DistError as error:
        raise TrocarError(
            f"the processes of this job did not meet at {place.address}, port {place.port} "
            f"({str(error).splitlines()[0]})"
        ) from error


def _leave_group(*, failed: bool) -> None:
    group = torch.distributed
    # NCCL would wait for operations that a failed process will never join.
    if group.is_initialized() and not (failed and "nccl" in group.get_backend_config()):
        group.destroy_process_group()


def _threads(count: int) -> dict[str, str]:
    cores = os.cpu_count() or 1
    return {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(max(1, cores // count))}


@contextmanager
def _shared_threads(device: str, count: int) -> Iterator[None]:
    """Processes on one processor share its cores, else they would stand in each other's way."""
    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(max(1, min(before, (os.cpu_count() or 1) // count)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _signals_to(ranks: JoinedRanks) -> Iterator[None]:
    """In all processes but rank 0, whose Ctrl-C ends the job as always, signals only ask for a stop."""
    if ranks.place.rank == 0:
        yield
        return
    kinds = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {kind: signal.signal(kind, ranks.ask_to_stop) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
