"""Memory that is used up: told apart from other errors, what would fit found by trial, the words to go on with."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from studio.jobs.events import Note
from studio.jobs.stages import result_of
from studio.translator import memory, training
from studio.translator.checkpoints import checkpoints_of, read_config
from studio.translator.learner import Learner
from studio.translator.memory import as_options, fits, fits_apart, is_out_of_memory, largest_fitting
from studio.translator.settings import TrainSettings, preset
from studio.translator.training import train
from studio.vocabulary.errors import InputError, TrocarError
from tests.translator.making import pictures, tiny

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]


def pixels(settings: TrainSettings) -> int:
    return settings.batch * settings.crop_width * settings.crop_height


def limited(most_pixels: int, error: Exception) -> type[Learner]:
    """A learner whose step does not fit when there are more pixels in a batch."""

    class Limited(Learner):
        def step(self, batch: object, step: int, learning_rate: float) -> dict[str, torch.Tensor]:
            losses = super().step(batch, step, learning_rate)  # type: ignore[arg-type]
            # The second step needs the most: the optimisers' moments are there by then.
            if step > 0 and pixels(self.settings) > most_pixels:
                raise error
            return losses

    return Limited


def test_errors_of_memory_are_told_from_others() -> None:
    with pytest.raises(RuntimeError) as real:
        torch.empty(1 << 60)  # an exabyte
    assert is_out_of_memory(real.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("size mismatch"))
    assert not is_out_of_memory(InputError("can't allocate memory for a joke"))


@pytest.mark.parametrize("most", [1, 2, 5, 6, 7])
def test_the_largest_batch_is_found_in_few_trials(most: int) -> None:
    tried = []

    def fitting(settings: TrainSettings) -> bool:
        tried.append(settings.batch)
        return settings.batch <= most

    found = largest_fitting(preset("paper").with_values(batch=8), fitting)
    assert found is not None and (found.batch, found.crop_width, found.crop_height) == (most, 512, 256)
    assert len(tried) <= 3 and 8 not in tried


def test_then_crops_of_the_same_form_are_tried() -> None:
    paper = preset("paper").with_values(batch=4)
    found = largest_fitting(paper, lambda s: pixels(s) <= 400 * 200)
    assert found is not None and (found.batch, found.crop_width, found.crop_height) == (1, 384, 192)
    assert as_options(found, paper) == "--set batch=1 --set crop_width=384 --set crop_height=192"
    upright = paper.with_values(crop_width=300, crop_height=420)
    found = largest_fitting(upright, lambda s: pixels(s) <= 200 * 280)
    assert found is not None and (found.crop_width, found.crop_height) == (192, 256)
    assert largest_fitting(paper, lambda s: False) is None


def test_trials_are_real_steps() -> None:
    make = limited(32 * 32 * 2, torch.OutOfMemoryError("CUDA out of memory"))
    assert fits(tiny(batch=2), CPU, make=make, frame=(40, 56))
    assert not fits(tiny(batch=3), CPU, make=make)
    with pytest.raises(ValueError, match="other"):
        fits(tiny(batch=3), CPU, make=limited(0, ValueError("other")))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"),
    ],
)
def test_a_run_says_what_fits_and_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    make = limited(32 * 32 * 3, error)
    monkeypatch.setattr(training, "Learner", make)
    monkeypatch.setattr(memory, "fits_apart", partial(fits, make=make))
    run, images = tmp_path / "run", pictures(tmp_path)
    events = []
    with pytest.raises(TrocarError) as told:
        for event in train(run, *images, tiny(batch=8), device="cpu"):
            events.append(event)
    line = str(told.value)
    assert "does not hold crops of 32x32, batch 8, dim 4" in line and line.endswith("--resume --set batch=3")
    assert any("measuring" in e.text for e in events if isinstance(e, Note))
    assert checkpoints_of(run)[-1].name == "step_00000000", "a step that broke off is not kept"
    result_of(train(run, *images, tiny(batch=3), resume=True, device="cpu"))
    assert checkpoints_of(run)[-1].name == "step_00000012" and read_config(run).batch == 3


def test_nothing_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = limited(0, torch.OutOfMemoryError("CUDA out of memory."))
    monkeypatch.setattr(training, "Learner", make)
    monkeypatch.setattr(memory, "fits_apart", partial(fits, make=make))
    with pytest.raises(TrocarError, match="nor the smallest crops"):
        result_of(train(tmp_path / "run", *pictures(tmp_path), tiny(), device="cpu"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process's memory")
def test_a_trial_apart_is_told_no_by_the_system() -> None:
    assert fits_apart(tiny(), CPU)
    code = (
        "import resource, torch; from studio.translator.memory import fits_apart; from tests.translator.making import "
        "tiny; resource.setrlimit(resource.RLIMIT_AS, (2 << 30,) * 2); big = tiny(crop_width=4096, crop_height=4096);"
        "print(fits_apart(big, torch.device('cpu')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr[-1000:]
