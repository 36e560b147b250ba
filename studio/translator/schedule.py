"""The learning rate as a function of how far a run is: no state, so a resumed run has the same."""

from __future__ import annotations

from studio.translator.settings import TrainSettings


def share_done(settings: TrainSettings, step: int, seconds: float) -> float:
    """How far the run is, 0 to 1, by iterations or by time, whichever is further."""
    by_steps = step / settings.iterations
    by_time = seconds / settings.seconds if settings.seconds else 0.0
    return min(1.0, max(by_steps, by_time))


def learning_rate(settings: TrainSettings, step: int, seconds: float) -> float:
    """Halved every ``halve_every`` iterations; falling linearly to zero in the last ``decay_share`` of the run."""
    rate = settings.learning_rate
    if settings.halve_every:
        rate *= 0.5 ** (step // settings.halve_every)
    if settings.decay_share:
        rate *= min(1.0, (1.0 - share_done(settings, step, seconds)) / settings.decay_share)
    return rate
