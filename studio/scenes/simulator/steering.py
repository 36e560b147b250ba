"""Class frequencies of a set steered by the choice of views.

For each frame several admissible views are drawn and one is chosen, with a probability that grows by
exp(tilt . shares). The tilts are found once per patient on a pool of views so that the expected mean share is the
target: the exponential tilting of entropy balancing (Hainmueller 2012), a convex problem. A frame depends on its own
number only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from studio.scenes.simulator.anatomy import LIVER, TOOL_SHAFT, TOOL_TIP
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.kept import kept
from studio.scenes.simulator.patients import PatientSource, prepared
from studio.scenes.simulator.views import Habits, View, draw_view
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.seeds import stream

_CANDIDATES = 10
USUAL_POOL, _POOL, _GROUPS = 48, 240, 400
_PROBE = (48, 27)
_MOST_TILT = 12.0
"""In standard deviations of a class's share: practically always the best candidate."""
_NEARER_FROM, _NEARER = 2.0, (1.0, 4.5)
"""Where more than twice a class's usual share is wanted, the camera goes nearer: distances' beta distribution."""
_GOLDEN = 0.6180339887498949

Targets = tuple[tuple[int, float], ...]
"""(class id, mean share of a set's pixels)."""


@dataclass(frozen=True, eq=False)
class Steering:
    """How one patient's views are drawn and chosen. ``tilt_C`` per unit of share, for the targeted classes."""

    classes_C: np.ndarray
    tilt_C: np.ndarray
    habits: Habits
    offset: float

    def view(self, rng: np.random.Generator, body: Body, size: tuple[int, int], index: int) -> View:
        """The view of a patient's index-th frame."""
        views = [draw_view(rng, body.anatomy, body.target, size, habits=self.habits) for _ in range(_CANDIDATES)]
        preference_N = np.array([class_shares(body, v)[self.classes_C] @ self.tilt_C for v in views])
        order = np.argsort(preference_N)
        chance_N = np.cumsum(_softmax(preference_N[order]))
        # Evenly spread numbers in place of random ones: means of small sets scatter less.
        place = (self.offset + index * _GOLDEN) % 1.0
        return views[int(order[min(int(np.searchsorted(chance_N, place)), len(views) - 1)])]


def frame_view(source: PatientSource, size: tuple[int, int], index: int, *, targets: Targets = ()) -> View:
    """The view of a patient's index-th single frame, steered towards targets if there are any."""
    body, _ = prepared(source)
    rng = stream(source.seed, "view", source.number, index)
    if not targets:
        return draw_view(rng, body.anatomy, body.target, size, habits=Habits())
    return steering_of(source, size, targets).view(rng, body, size, index)


@kept(2)
def steering_of(source: PatientSource, size: tuple[int, int], targets: Targets) -> Steering:
    """Find out how to draw and choose a patient's views; takes a second or two, the last two are kept."""
    body, _ = prepared(source)
    rng = stream(source.seed, "steering", source.number)
    classes_C = np.array([c for c, _ in targets])
    wanted_C = np.array([share for _, share in targets])
    usual_N9 = pool_shares(rng, body, size, Habits(), USUAL_POOL)
    habits = habits_towards(dict(targets), usual_N9.mean(axis=0))
    pool_NC = pool_shares(rng, body, size, habits, _POOL)[:, classes_C]
    groups_GNC = pool_NC[rng.integers(0, _POOL, (_GROUPS, _CANDIDATES))]
    return Steering(classes_C, solved_tilt(groups_GNC, wanted_C), habits, float(rng.random()))


def class_shares(body: Body, view: View) -> np.ndarray:
    """Share of the picture by class id, float64 (9,), from a coarse grid of rays, instruments included."""
    columns, rows = _PROBE
    x, y = np.meshgrid(
        (np.arange(columns) + 0.5) * view.size[0] / columns, (np.arange(rows) + 0.5) * view.size[1] / rows
    )
    classes_N = Scene(body, view).surface_at(x, y).class_N
    return np.bincount(classes_N, minlength=len(STUDIO_CLASSES)) / classes_N.size


def solved_tilt(groups_GNC: np.ndarray, wanted_C: np.ndarray) -> np.ndarray:
    """Tilts (C,) for which choosing one of each group's N by softmax(tilt . shares) has the wanted mean share.

    The gradient of mean(log sum exp) - tilt . wanted is the mean's deviation, so its minimum is the answer. Where the
    groups do not reach what is wanted, the tilt stays at its limit, as near as they come.
    """
    from scipy.optimize import minimize  # late: the window starts without it

    middle_C, deviation_C = groups_GNC.mean(axis=(0, 1)), np.maximum(groups_GNC.std(axis=(0, 1)), 1e-4)
    scaled_GNC, goal_C = (groups_GNC - middle_C) / deviation_C, (wanted_C - middle_C) / deviation_C

    def loss(tilt_C: np.ndarray) -> tuple[float, np.ndarray]:
        preference_GN = scaled_GNC @ tilt_C
        most_G1 = preference_GN.max(axis=1, keepdims=True)
        total = float((np.log(np.exp(preference_GN - most_G1).sum(axis=1)) + most_G1[:, 0]).mean())
        mean_C = np.einsum("gn,gnc->c", _softmax(preference_GN), scaled_GNC) / len(groups_GNC)
        return total - float(tilt_C @ goal_C), mean_C - goal_C

    limits = [(-_MOST_TILT, _MOST_TILT)] * len(wanted_C)
    found = minimize(loss, np.zeros(len(wanted_C)), jac=True, method="L-BFGS-B", bounds=limits)
    return np.asarray(found.x / deviation_C)


def _softmax(preference_N: np.ndarray) -> np.ndarray:
    raised = np.exp(preference_N - preference_N.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def pool_shares(rng: np.random.Generator, body: Body, size: tuple[int, int], habits: Habits, count: int) -> np.ndarray:
    """Class shares (count, 9) of freshly drawn views."""
    views = (draw_view(rng, body.anatomy, body.target, size, habits=habits) for _ in range(count))
    return np.stack([class_shares(body, v) for v in views])


def habits_towards(wanted: dict[int, float], usual_9: np.ndarray) -> Habits:
    """Habits whose draws are nearer the targets: the camera aims more often at what should be seen more."""
    habits = Habits()
    aim = dict(habits.aim)
    for class_id, share in wanted.items():
        if class_id not in (TOOL_TIP, TOOL_SHAFT):
            factor = float(np.clip(share / max(float(usual_9[class_id]), 0.01), 0.1, 8.0))
            aim[class_id] = aim.get(class_id, 0.05) * factor
            if factor > _NEARER_FROM:
                habits = replace(habits, distance=_NEARER)
    tools = [c for c in (TOOL_TIP, TOOL_SHAFT) if c in wanted]
    if tools:
        more = sum(wanted[c] for c in tools) > float(usual_9[tools].sum())
        habits = replace(habits, no_tool=0.02 if more else 0.5)
    room = 1.0 - sum(share for class_id, share in wanted.items() if class_id != LIVER)
    liver = min(habits.liver_in_view, 0.5 * wanted.get(LIVER, room))
    # A class that is asked for may fill what a view without targets would not let it.
    most = tuple((c, m) for c, m in habits.most if wanted.get(c, 0.0) < 0.4 * m)
    largest = 0.88 if max(wanted.values(), default=0.0) > 0.4 else habits.max_share
    return replace(habits, aim=tuple(aim.items()), liver_in_view=liver, most=most, max_share=largest)
