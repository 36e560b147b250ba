"""What the demo does, in its full and its quick form: counts, sizes and budgets, for two cores without a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.pipeline.segmenters import DataName
from studio.scenes.simulator import PhantomSettings, SimulationSettings
from studio.segmenter import settings as segmenter_settings
from studio.segmenter.settings import Appearance, SegmenterSettings
from studio.translator import settings as translator_settings
from studio.translator.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Regime:
    """One way of training a segmenter; all regimes share network, steps, geometry and seed."""

    name: str
    title: str
    data: DataName
    appearance: Appearance = "none"


REGIMES = (
    Regime("simulated", "simulated only", "simulated"),
    Regime("colour", "simulated, strong colour augmentation", "simulated", "colour"),
    Regime("reinhard", "simulated, footage's colour statistics (Reinhard)", "simulated", "reinhard"),
    Regime("translated", "translated", "translated"),
    Regime("translated-reinhard", "translated, footage's colour statistics (Reinhard)", "translated", "reinhard"),
)


@dataclass(frozen=True)
class DemoSettings:
    """The figures of one demo. ``seconds`` are what the parts are expected to take on two cores."""

    seed: int = 0
    size: tuple[int, int] = (192, 108)
    frames: int = 600
    patients: int = 8
    footage_frames: int = 240
    footage_patients: int = 6
    labelled_frames: int = 60
    labelled_patients: int = 6
    train_iterations: int = 1500
    styles: int = 24
    per_frame: int = 3
    reject_share: float = 0.1
    """The rule's threshold is the validity that this share of the translations falls short of."""
    segmenter_steps: int = 450
    seconds: tuple[float, ...] = (20, 25, 5, 330, 8, 50, 15, 42, 8)

    def simulation(self, meshes: Path | None) -> SimulationSettings:
        return SimulationSettings(
            frames=self.frames, patients=self.patients, size=self.size, seed=self.seed, meshes=meshes
        )  # fmt: skip

    def phantom(self) -> PhantomSettings:
        return PhantomSettings(
            frames=self.footage_frames, patients=self.footage_patients, size=self.size, seed=self.seed,
            labelled_patients=self.labelled_patients, labelled_frames=self.labelled_frames,
        )  # fmt: skip

    def training(self) -> TrainSettings:
        return translator_settings.preset("demo").with_values(iterations=self.train_iterations, seed=self.seed)

    def segmenter(self) -> SegmenterSettings:
        from dataclasses import replace

        return replace(segmenter_settings.preset("demo"), steps=self.segmenter_steps, seed=self.seed)

    def expected_seconds(self) -> dict[str, float]:
        """Seconds by the titles of the flow's parts."""
        simulate, phantom, screening, train, styles, translating, exporting, segmenter, evaluating = self.seconds
        return {
            "simulating": simulate, "rendering stand-in footage": phantom, "adding footage": 1.0,
            "screening": screening, "training the translator": train, "drawing styles": styles,
            "translating": translating, "exporting": exporting, "evaluating": evaluating,
            **{f"training: {r.title}": segmenter for r in REGIMES},
        }  # fmt: skip


FULL = DemoSettings()
QUICK = DemoSettings(
    size=(160, 90), frames=160, patients=4, footage_frames=80, footage_patients=4, labelled_frames=24,
    labelled_patients=4, train_iterations=300, styles=6, per_frame=1, segmenter_steps=90,
    seconds=(10, 14, 3, 80, 4, 8, 5, 13, 4),
)  # fmt: skip
