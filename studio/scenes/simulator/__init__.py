"""Labelled laparoscopic scenes from meshes or from nothing, and stand-in footage ("phantom")."""

from __future__ import annotations

from studio.scenes.simulator.paths import frames_in
from studio.scenes.simulator.phantom import simulate_phantom
from studio.scenes.simulator.preview import PreviewPose, render_preview
from studio.scenes.simulator.settings import PhantomSettings, SimulationSettings, expected_seconds
from studio.scenes.simulator.simulation import simulate

__all__ = [
    "PhantomSettings",
    "PreviewPose",
    "SimulationSettings",
    "expected_seconds",
    "frames_in",
    "render_preview",
    "simulate",
    "simulate_phantom",
]
