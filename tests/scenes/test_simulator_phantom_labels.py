"""The stand-in's labels are the body's own geometry: appearance, text and lens change none of them."""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator.anatomy import TOOL_SHAFT, TOOL_TIP
from studio.scenes.simulator.palettes import PALETTES
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.phantom import phantom_patient, photograph
from studio.scenes.simulator.views import Habits, draw_view, pixel_rays
from studio.vocabulary.seeds import stream

SIZE = (80, 45)


def test_labels_are_what_rays_through_the_body_meet() -> None:
    patient = phantom_patient(PatientSource(6, 1001), PALETTES[0])
    body = patient.body
    for index in range(2):
        _, rgb_HW3, mask_HW = photograph(patient, index, SIZE)
        view = draw_view(stream(6, "phantom frame", 1001, index), body.anatomy, body.target, SIZE, habits=Habits())
        x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
        rays = pixel_rays(view.K, x, y) @ view.camera_to_world[:3, :3].T.astype(np.float32)
        hits = body.target.trace(view.position, rays)
        met = np.where(hits.face_N >= 0, body.class_P[body.target.part_F[hits.face_N]], 0).reshape(mask_HW.shape)
        shown = (mask_HW > 0) & (mask_HW != TOOL_TIP) & (mask_HW != TOOL_SHAFT)
        assert shown.mean() > 0.2
        # The probe turns rays in another order of rounding, which may move a label by a pixel at an edge.
        assert (met == mask_HW)[shown].mean() > 0.995
        assert rgb_HW3.shape == (*mask_HW.shape, 3)
