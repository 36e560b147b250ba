"""Whether a run still learns: what tells that it has broken down, from the losses alone.

Four kinds of trouble, each far beyond what runs that go well show. In the demo's, on the mean of 100 steps,
discriminators lose 0.29 to 0.50 a scale and generators 0.34 to 0.54, and the losses' sum never exceeds 1.5 times its
usual size; a translation's values deviate by 0.16 to 0.47:

* no number      a loss that is not finite;
* explosion      the losses' sum above 100 times its usual size for 20 steps on end;
* judges won     on the mean, a discriminator loses less than 0.01 a scale while its generator loses over 0.9 of 1: the
                 least-squares gradient that the generator should follow is as good as gone;
* flat pictures  on the mean, a translation's values deviate by less than 0.02 of the range -1 to 1: one plain colour.

Means run over the last ``window`` steps, fading; the last two are asked only when twice as many have been seen. All of
it is a few numbers that stand in a checkpoint, so that a resumed run finds trouble at the same step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.translator.settings import TrainSettings

SPREAD = "spread_ab"
"""Name of the deviation of translations' values among the logged figures: mean over the batch, range -1 to 1."""
NO_LOSSES = frozenset({SPREAD, "learning_rate", "seconds", "validity"})
"""Logged figures that are no loss: neither added up here nor laid beside one another when runs are compared."""

_EXPLODED = 100.0
_EXPLODED_STEPS = 20
_USUAL_AFTER = 50
_WON = 0.01
_LOST = 0.9
_FLAT = 0.02


@dataclass(frozen=True, slots=True)
class Health:
    """Means so far. ``usual`` is the mean logarithm of the losses' sum; ``means`` holds discriminators, adversarial
    losses and the spread by name; ``exploded`` counts the steps on end that are far above the usual."""

    seen: int = 0
    usual: float = 0.0
    exploded: int = 0
    means: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """``what`` reads on after "at step N"; ``steps`` is how many steps ago it may have begun."""

    what: str
    steps: int


def window(settings: TrainSettings) -> int:
    """Steps that the means run over: a twentieth of the run, 100 to 2,000."""
    return max(100, min(2000, settings.iterations // 20))


def longest_notice(settings: TrainSettings) -> int:
    """How many steps trouble may go on before it is found: a fading mean takes four windows to forget a fiftieth."""
    return 4 * window(settings)


def examined(health: Health, losses: Mapping[str, float], settings: TrainSettings) -> tuple[Health, Trouble | None]:
    """Health after one more step with these losses, and what is wrong, if anything is."""
    broken = [name for name, value in losses.items() if not math.isfinite(value)]
    if broken:
        return health, Trouble(f"{', '.join(broken)} {'is' if len(broken) == 1 else 'are'} not a number", 1)
    length = window(settings)
    total = math.log(max(sum(abs(v) for name, v in losses.items() if name not in NO_LOSSES), 1e-12))
    exploded = health.seen >= _USUAL_AFTER and total > health.usual + math.log(_EXPLODED)
    share = 1.0 / min(health.seen + 1, length)
    watched = {name: value for name, value in losses.items() if name.startswith(("disc_", "gan_")) or name == SPREAD}
    followed = Health(
        health.seen + 1,
        # What has exploded is not to become the usual.
        health.usual if exploded else _moved(health.usual, total, share),
        health.exploded + 1 if exploded else 0,
        {name: _moved(health.means.get(name, value), value, share) for name, value in watched.items()},
    )
    return followed, _trouble(followed, settings.disc_scales, length)


def _trouble(health: Health, scales: int, length: int) -> Trouble | None:
    if health.exploded >= _EXPLODED_STEPS:
        return Trouble(f"the losses have been over {_EXPLODED:g} times their usual size for {_EXPLODED_STEPS} steps",
                       _EXPLODED_STEPS)  # fmt: skip
    if health.seen < 2 * length:
        return None
    for judge, fooling, side in (("disc_b", "gan_ab", "translations"), ("disc_a", "gan_ba", "simulated looks")):
        lost, won = health.means.get(fooling), health.means.get(judge)
        if lost is not None and won is not None and won < _WON * scales and lost > _LOST * scales:
            return Trouble(f"the discriminator has told {side} apart for certain for about {length} steps", 4 * length)
    if health.means.get(SPREAD, math.inf) < _FLAT:
        return Trouble(f"translations have been of one plain colour for about {length} steps", 4 * length)
    return None


def _moved(mean: float, value: float, share: float) -> float:
    return mean + share * (value - mean)
