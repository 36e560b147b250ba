"""Training on several devices: the joined batch, and gradients made one by Lightning Fabric's process group.

Every process keeps all networks and computes its own part of the joined batch, ``batch`` pictures of each side times
the number of processes. Gradients are averaged over the processes after each backward pass, so that every process
makes the same update: that of one process with the joined batch, but for the order of floating-point sums. It is the
same because every loss is a mean over pictures and every norm works picture by picture.

The learning rate is not scaled: Adam divides by the gradient's own size, so a larger batch gives steady steps of the
same length, not longer ones. (Linear scaling is plain gradient descent's rule.)
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn

from studio.jobs.ranks import Message, Ranks
from studio.translator.data import Batch
from studio.translator.learner import Learner
from studio.translator.ranks import JoinedRanks
from studio.translator.settings import TrainSettings

Moments = Mapping[str, Sequence[int]]
"""Which parameters have moments already: their numbers, by optimiser."""

_BUCKET_BYTES = 25_000_000
_DESERTED_SECONDS = 5.0
_TIMEOUT = timedelta(minutes=10)
"""For operations that all processes take part in; waiting for orders has no limit."""


class JoinedLearner(Learner):
    """A learner that takes its steps together with those of the other processes.

    Rank 0's ``step`` makes the others take it, too (studio.translator.following). Losses are means over all processes.
    ``step`` raises TrocarError when another process has failed; ``check_others`` does, too, and KeyboardInterrupt when
    one was asked to stop.
    """

    def __init__(self, settings: TrainSettings, device: torch.device, ranks: JoinedRanks) -> None:
        super().__init__(settings, device)
        self.share = ranks.share
        self._ranks = ranks
        self._agreed = False
        if ranks.share.rank == 0:
            ranks.announce({"do": "join", "settings": settings.to_json()})
        ranks.meet("joining")
        _join_group(ranks, device)
        self._desertion = Desertion(ranks.failure)
        self._averages = {
            self.disc_optimiser: GradientAverage(self._disc_parameters),
            self.gen_optimiser: GradientAverage(self._gen_parameters),
        }

    def check_others(self) -> None:
        self._ranks.watch()

    def was_loaded(self) -> None:
        self._agreed = False

    def gradients_ready(self, optimiser: torch.optim.Adam) -> None:
        self._averages[optimiser].finish()

    def step(self, batch: Batch, step: int, learning_rate: float) -> dict[str, Tensor]:
        ranks = self._ranks
        with self._failures_explained():
            agreeing = None if self._agreed else self._moments()
            ranks.announce({"do": "step", "step": step, "learning_rate": learning_rate, "agreeing": agreeing})
            losses = self._step_of_all(batch, step, learning_rate, agreeing)
            # Waiting for a GPU happens here, where it is watched.
            losses = dict(zip(losses, torch.stack(list(losses.values())).cpu(), strict=True))
            ranks.met()
        return losses

    def follow_step(self, batch: Batch, order: Message) -> None:
        """The step that rank 0 has announced."""
        with self._failures_explained():
            self._step_of_all(batch, order["step"], order["learning_rate"], order["agreeing"])

    def _step_of_all(self, batch: Batch, step: int, rate: float, agreeing: Moments | None) -> dict[str, Tensor]:
        if agreeing is not None:
            self._agree(agreeing)
        return _mean_over_processes(super().step(batch, step, rate))

    @contextmanager
    def _failures_explained(self) -> Iterator[None]:
        try:
            with self._desertion.watched():
                yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise self._ranks.explained(error) from error

    def _moments(self) -> Moments:
        return {
            name: [number for number, p in enumerate(optimiser.param_groups[0]["params"]) if p in optimiser.state]
            for name, optimiser in self._optimisers().items()
        }

    def _optimisers(self) -> dict[str, torch.optim.Adam]:
        return {"gen": self.gen_optimiser, "disc": self.disc_optimiser}

    @torch.no_grad()
    def _agree(self, moments: Moments) -> None:
        """Take over rank 0's weights and moments. Running means are rank 0's own affair: it alone uses them."""
        tensors: list[Tensor] = [*self._gen_parameters, *self._disc_parameters]
        for name, optimiser in self._optimisers().items():
            parameters = optimiser.param_groups[0]["params"]
            for number, parameter in enumerate(parameters):
                if number not in moments[name]:
                    optimiser.state.pop(parameter, None)
                elif parameter not in optimiser.state:
                    optimiser.state[parameter] = _no_moments(parameter)
            for number in moments[name]:
                tensors += [value for _, value in sorted(optimiser.state[parameters[number]].items())]
        for part in _parts(tensors):
            flat = _flat(part)
            torch.distributed.broadcast(flat, src=0)
            _put_back(flat, part)
        self._agreed = True


class Desertion:
    """Ends this process when it waits for one that is gone.

    On processors a broken connection is an error at once. On GPUs an operation that a dead process will never join
    keeps its partners until NCCL gives up after minutes, and nothing can call them back.
    """

    def __init__(
        self, failure: Callable[[], str], *, leave: Callable[[str], None] | None = None,
        patience_seconds: float = _DESERTED_SECONDS,
    ) -> None:  # fmt: skip
        self._failure = failure
        self._leave = leave or _leave_saying
        self._patience = patience_seconds

    @contextmanager
    def watched(self) -> Iterator[None]:
        """What is done in here with the others is left when one of them has been gone for some time."""
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), name="desertion", daemon=True)
        watch.start()
        try:
            yield
        finally:
            ended.set()
            watch.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(self._patience):
            text = self._failure()
            if text and not ended.wait(self._patience):
                self._leave(text)
                return


def _leave_saying(text: str) -> None:
    print(f"trocar: {text}", file=sys.stderr, flush=True)
    os._exit(1)


def joined_learner(settings: TrainSettings, device: torch.device, ranks: Ranks) -> JoinedLearner:
    """The learner of one of several processes; rank 0 is given the settings that count, and passes them on."""
    assert isinstance(ranks, JoinedRanks)
    return JoinedLearner(settings, device, ranks)


class GradientAverage:
    """Averages the gradients of some parameters over all processes, in buckets that travel while the backward pass
    still works on the rest.

    Buckets are sent in one fixed order, last layers first, as their gradients come. Parameters that a step does not
    reach have no gradient on any process and are left out.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._buckets = list(_parts(list(reversed(parameters))))
        self._bucket_of = {p: number for number, bucket in enumerate(self._buckets) for p in bucket}
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._arrived)  # type: ignore[no-untyped-call]
        self._start()

    def _start(self) -> None:
        self._missing = [len(bucket) for bucket in self._buckets]
        self._under_way: list[tuple[Any, Tensor, list[Tensor]]] = []

    def _arrived(self, parameter: Tensor) -> None:
        self._missing[self._bucket_of[parameter]] -= 1
        while len(self._under_way) < len(self._buckets) and self._missing[len(self._under_way)] == 0:
            self._send()

    def _send(self) -> None:
        gradients = [p.grad for p in self._buckets[len(self._under_way)] if p.grad is not None]
        flat = _flat(gradients) if gradients else torch.zeros(0)
        work = torch.distributed.all_reduce(flat, async_op=True) if gradients else None
        self._under_way.append((work, flat, gradients))

    @torch.no_grad()
    def finish(self) -> None:
        """After the backward pass: every gradient is its mean over the processes."""
        while len(self._under_way) < len(self._buckets):
            self._send()
        count = torch.distributed.get_world_size()
        for work, flat, gradients in self._under_way:
            if work is not None:
                work.wait()
                _put_back(flat.div_(count), gradients)
        self._start()


def _join_group(ranks: JoinedRanks, device: torch.device) -> None:
    """Let Fabric make the process group: gloo on processors, beside it NCCL on GPUs."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import TorchElasticEnvironment  # type: ignore[attr-defined]
    from lightning_fabric.strategies import DDPStrategy  # type: ignore[attr-defined]

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # A cluster may show each process its own GPU alone: then to Fabric each is a machine of one.
    place, bound = ranks.place, device.type == "cuda" and device.index != ranks.place.local_rank
    devices = 1 if bound else place.local_count
    with _variables_of(ranks, local_rank=0 if bound else place.local_rank):
        strategy = DDPStrategy(
            cluster_environment=TorchElasticEnvironment(), timeout=_TIMEOUT,
            process_group_backend="gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl",
        )  # fmt: skip
        Fabric(accelerator=device.type, devices=devices, num_nodes=place.count // devices, strategy=strategy).launch()


@contextmanager
def _variables_of(ranks: JoinedRanks, *, local_rank: int) -> Iterator[None]:
    """torchrun's variables, which Fabric reads, also where SLURM or rank 0 itself started the job."""
    place, (address, port) = ranks.place, ranks.meeting_point
    wanted = {
        "RANK": place.rank, "LOCAL_RANK": local_rank, "WORLD_SIZE": place.count, "MASTER_ADDR": address,
        "MASTER_PORT": port,
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: str(value) for name, value in wanted.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _mean_over_processes(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    values = torch.stack([value.float() for value in losses.values()])
    torch.distributed.all_reduce(values)
    values /= torch.distributed.get_world_size()
    return dict(zip(losses, values, strict=True))


def _no_moments(parameter: Tensor) -> dict[str, Tensor]:
    step = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return {"step": step, "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}


def _parts(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Consecutive tensors, as many together as fit into a bucket, at least one."""
    part: list[Tensor] = []
    for tensor in tensors:
        if part and sum(t.nbytes for t in part) + tensor.nbytes > _BUCKET_BYTES:
            yield part
            part = []
        part.append(tensor)
    if part:
        yield part


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def _put_back(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    for tensor, values in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
        tensor.copy_(values.view(tensor.shape))
