"""Which checkpoints of a run are kept, and which one is taken: the last, the best by validity, or that of a step.

Validity says how far a translation's labels can still be trusted. It is measured on the sample panel (its frames in its
styles) whenever a checkpoint falls due. It says nothing of how real a translation looks: a translator that changes
nothing keeps every label. The best is therefore looked for only where the look has been learnt:

* among checkpoints from the second half of the run on, and
* among those that change the render at least half as much as the middle one of them does.

Of these the one of the highest validity is the best, the later one of equals. It is kept beside the last ones, and
"best" means: of those that are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from studio.translator.checkpoints import DamagedCheckpoint, RunState, checkpoints_of, read_config, read_state, step_of
from studio.translator.health import longest_notice
from studio.translator.schedule import share_done
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError

Judge = Callable[[int, np.ndarray, np.ndarray], float]
"""Validity (0 to 1) of a translation: the render's place among the simulated pictures, the render and the translation,
both uint8 HxWx3."""

LAST, BEST = "last", "best"
_LEARNT = 0.5
_LEAST_CHANGE = 0.5


def best_checkpoint(run_dir: Path, settings: TrainSettings) -> Path | None:
    """The best by validity of the checkpoints that are there; None when none was measured in the second half."""
    candidates = [(folder, state) for folder in checkpoints_of(run_dir) if (state := _judged(folder, settings))]
    if not candidates:
        return None
    least = _LEAST_CHANGE * median(state.change or 0.0 for _, state in candidates)
    changing = [(state.validity or 0.0, state.step, f) for f, state in candidates if (state.change or 0.0) >= least]
    return max(changing)[2]


def _judged(folder: Path, settings: TrainSettings) -> RunState | None:
    """The state of a checkpoint that may be the best."""
    state = _state(folder)
    if state is None or state.validity is None:
        return None
    return state if share_done(settings, state.step, state.seconds) >= _LEARNT else None


def _state(folder: Path) -> RunState | None:
    try:
        return read_state(folder)
    except DamagedCheckpoint:
        return None


def surplus(run_dir: Path, settings: TrainSettings) -> list[Path]:
    """Checkpoints beyond the last ``keep_checkpoints``, the best, and, in a run that goes on, those to go back to.

    These are one from before anything that could be going wrong by now without having been noticed, and the next one,
    which will take its place. Where checkpoints are as far apart as usual, they are among the last ones anyway.
    """
    found = checkpoints_of(run_dir)
    kept = {best_checkpoint(run_dir, settings), *found[-settings.keep_checkpoints :]}
    newest = _state(found[-1]) if found else None
    if newest and share_done(settings, newest.step, newest.seconds) < 1.0:
        before = newest.step - longest_notice(settings)
        good = max((i for i, folder in enumerate(found) if step_of(folder) <= before), default=0)
        kept.update(found[good : good + 2])
    return [folder for folder in found if folder not in kept]


def checkpoint_named(run_dir: Path, which: str) -> Path:
    """``last``, ``best`` or the number of a step. Raise InputError, naming what there is, when there is no such one."""
    found = checkpoints_of(run_dir)
    if not found:
        raise InputError("no checkpoint is in this folder", where=run_dir,
                         remedy="Train the run first, or give another one.")  # fmt: skip
    if which == LAST:
        return found[-1]
    if which == BEST:
        best = best_checkpoint(run_dir, read_config(run_dir))
        if best is None:
            raise InputError(
                "no checkpoint is the best yet: validity is measured from the second half of a run on", where=run_dir,
                remedy="Train on, or take --checkpoint last.",
            )  # fmt: skip
        return best
    chosen = [folder for folder in found if str(step_of(folder)) == which]
    if not chosen:
        steps = ", ".join(str(step_of(folder)) for folder in found)
        raise InputError(f"there is no checkpoint '{which}'", where=run_dir,
                         remedy=f"Give last, best or a step: {steps}.")  # fmt: skip
    return chosen[0]
