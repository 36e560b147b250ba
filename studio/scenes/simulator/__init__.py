"""Labelled laparoscopic scenes from meshes or from nothing, and stand-in footage ("phantom")."""

from __future__ import annotations

from studio.scenes.simulator.keyframes import CameraKeyframes, read_keyframes
from studio.scenes.simulator.leaving_out import part_named
from studio.scenes.simulator.paths import frames_in
from studio.scenes.simulator.phantom import simulate_phantom
from studio.scenes.simulator.preview import PreviewPose, render_preview
from studio.scenes.simulator.settings import PhantomSettings, SimulationSettings, expected_seconds
from studio.scenes.simulator.simulation import PartlySimulated, simulate

__all__ = [
    "CameraKeyframes",
    "PartlySimulated",
    "PhantomSettings",
    "PreviewPose",
    "SimulationSettings",
    "expected_seconds",
    "frames_in",
    "part_named",
    "read_keyframes",
    "render_preview",
    "simulate",
    "simulate_phantom",
]
