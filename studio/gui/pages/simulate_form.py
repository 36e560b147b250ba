"""The form that simulates new scenes, with what it is going to cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from studio.gui import amounts
from studio.gui.pages.anatomy_field import AnatomyField
from studio.gui.pages.simulate_targets import TargetsField, wrong_targets
from studio.gui.session import Session
from studio.gui.widgets.basics import Section, label
from studio.gui.widgets.fields import ChoiceField, Form, NumberField, WholeField, on_change
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

if TYPE_CHECKING:
    from studio.scenes.simulator import CameraKeyframes, SimulationSettings

_SIZES = ("256x144", "452x256", "512x288", "904x512")
_KINDS = (("single", "one by one"), ("path", "along a camera path"), ("keyframes", "through my keyframes"))
_COST_MS = 250
"""The cost is shown after the first paint: it loads the simulator."""
_STEERED = ("single", "path")
"""Ways of taking frames that class targets can steer."""
_FOLDERS = {"single": "simulated", "path": "sequence"}


class SimulateForm(QWidget):
    """``wanted`` carries the argument list after PROJECT of ``trocar scenes simulate``; ``changed`` comes when the set
    that would be simulated is another one."""

    wanted = Signal(list)
    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.kind = ChoiceField(_KINDS, "single")
        self.frames = WholeField(300, 1, 1_000_000)
        self.seconds = NumberField(10.0, 0.2, 3600.0, unit="s", step=1.0)
        self.breathing = QCheckBox("the body breathes")
        self.patients = WholeField(4, 1, 1000)
        self.size_choice = ChoiceField([(s, s.replace("x", " × ")) for s in _SIZES], "452x256")
        self.seed = WholeField(0, 0, 2**31 - 1)
        self.round = QCheckBox("the endoscope's round area only")
        self.meshes = AnatomyField()
        self.targets = TargetsField()
        self.keyframes: CameraKeyframes | None = None
        self.without: tuple[str, ...] = ()
        self.first_patient = 0
        self._cost = label("", "small", wrap=True)
        self._problem = label("", "warning", wrap=True)
        self.button = QPushButton("Simulate")
        self._build()
        fields = [self.kind, self.frames, self.seconds, self.patients, self.size_choice, self.seed, self.meshes.path]
        self.kind.currentIndexChanged.connect(lambda _index: self._kind_changed())
        on_change(fields, self._changed)
        for box in (self.breathing, self.round):
            box.toggled.connect(lambda _on: self._changed())
        self.targets.changed.connect(self._changed)
        session.jobs.ended.connect(self._job_ended)
        self._show_rows()
        QTimer.singleShot(_COST_MS, self, self._show_cost)

    def _build(self) -> None:
        form = self._form = Form()
        form.add(
            "Frames are taken", self.kind, "One by one: each from another place. Along a path: 25 a second with optical"
            " flow, on a way that follows from the seed, or through views that you keep", wide=True,
        )  # fmt: skip
        form.add("Frames", self.frames, "How many labelled frames are rendered, over all patients")
        form.add("Each patient", self.seconds, "Seconds of path for each patient, 25 frames each")
        form.add(
            "Breathing", self.breathing, "12 to 20 breaths a minute move the organs from frame to frame, and the"
            " optical flow with them", wide=True,
        )  # fmt: skip
        form.add("Patients", self.patients, "How many different bodies; exports are split by patient")
        form.add("Size", self.size_choice, "Width and height of the frames in px; the paper's is 452 × 256")
        form.add("Seed", self.seed, "The same seed renders the same scenes, byte for byte")
        form.add(
            "Picture area", self.round, "Black and void, without depth, beyond a circle as an endoscope shows it; its"
            " size differs from patient to patient", wide=True,
        )  # fmt: skip
        meshes = "A folder of organ and instrument meshes, classes by file name, or a TOML file that names them"
        form.add("Meshes", self.meshes, meshes, wide=True)
        targets = "Classes that should have a certain share of the pixels; the others share what is left"
        form.add("Class targets", self.targets, targets, wide=True)
        self.button.setProperty("role", "primary")
        self.button.setToolTip("Render these frames into the project's folder and add them to the project")
        self.button.clicked.connect(self._start)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Section("Simulate", form, self._problem, self._cost, self.button))

    def set_keyframes(self, keyframes: CameraKeyframes | None) -> None:
        """The path that the editor holds now; None for fewer than two views."""
        self.keyframes = keyframes
        self._changed()

    def set_first_patient(self, number: int) -> None:
        """The body, counted from 0, that keyframes are made on."""
        self.first_patient = number

    def set_without(self, parts: tuple[str, ...]) -> None:
        """Parts that are left out."""
        self.without = parts
        self._changed()

    def take_next_seed(self) -> None:
        """Move on from a seed that has been simulated in this project already. Keyframes belong to their body: their
        seed stays, and their folders are numbered."""
        kind = _FOLDERS.get(self.kind.value())
        folder = self._session.project.folder / "scenes"
        if kind and self.keyframes is None and (folder / f"{kind}-{self.seed.value()}").exists():
            self.seed.setValue(next(s for s in range(2**20) if not (folder / f"{kind}-{s}").exists()))

    # -- the set that it describes

    @property
    def frame_size(self) -> tuple[int, int]:
        width, _, height = self.size_choice.value().partition("x")
        return int(width), int(height)

    def path_seconds(self) -> float:
        """How long each patient's path is; 0 for single frames."""
        kind = self.kind.value()
        if kind == "keyframes":
            return 0.0 if self.keyframes is None else self.keyframes.seconds
        return self.seconds.value() if kind == "path" else 0.0

    def frame_count(self) -> int:
        """Over all patients."""
        seconds = self.path_seconds()
        return max(1, round(25 * seconds)) * self.patients.value() if seconds else self.frames.value()

    def patient_frames(self) -> int:
        """Of the first patient, which has one more where they can't be shared out evenly."""
        return -(-self.frame_count() // self.patients.value())

    def _wanted_targets(self) -> tuple[tuple[str, float], ...]:
        """Targets that count for the way in which frames are taken."""
        return self.targets.targets() if self.kind.value() in _STEERED else ()

    def values(self, patient: int) -> dict[str, Any]:
        """One patient's set for the live preview (see studio.scenes.simulator.live)."""
        kind = self.kind.value()
        path = kind == "path" or (kind == "keyframes" and self.keyframes is not None)
        classes = {c.name: c.id for c in STUDIO_CLASSES}
        targets = () if wrong_targets(self._wanted_targets()) else self._wanted_targets()
        targets = () if self.without or self.round.isChecked() else targets
        return {
            "frames": self.patient_frames(), "size": list(self.frame_size), "seed": self.seed.value(),
            "first_patient": patient, "path": path, "breathing": path and self.breathing.isChecked(),
            "keyframes": self.keyframes.to_json() if kind == "keyframes" and self.keyframes is not None else None,
            "meshes": self.meshes.folder(), "anatomy": self.meshes.file(), "round": self.round.isChecked(),
            "without": list(self.without), "targets": [[classes[name], share] for name, share in targets],
        }  # fmt: skip

    def settings(self) -> SimulationSettings:
        """The whole set. Raise InputError for one that can't be simulated."""
        from studio.scenes.simulator.live import settings_of  # late: the window starts without the simulator

        if self.kind.value() == "keyframes" and self.keyframes is None:
            raise InputError("Keep at least two views as keyframes first")
        if self._wanted_targets() and (self.without or self.round.isChecked()):
            what = "parts left out" if self.without else "the round picture area"
            raise InputError(f"Class targets and {what} don't go together", remedy="Leave one of the two out.")
        return settings_of({**self.values(0), "frames": self.frame_count()}, patients=self.patients.value())

    def _changed(self) -> None:
        self._show_rows()
        self._show_cost()
        self.changed.emit()

    def _kind_changed(self) -> None:
        """Keyframes are made on one body; others may have an organ there."""
        if self.kind.value() == "keyframes":
            self.patients.setValue(1)

    def _show_rows(self) -> None:
        kind = self.kind.value()
        self._form.show_row(self.frames, shown=kind == "single")
        self._form.show_row(self.targets, shown=kind in _STEERED)
        self._form.show_row(self.seconds, shown=kind == "path")
        self._form.show_row(self.breathing, shown=kind != "single")

    def _show_cost(self) -> None:
        from studio.scenes.simulator.settings import expected_bytes, expected_seconds

        problem = wrong_targets(self._wanted_targets())
        try:
            settings = self.settings()
            frames = amounts.count(settings.frames, "frames")
            self.button.setText(f"Simulate {frames}")
            self._cost.setText(f"About {amounts.duration(max(1, expected_seconds(settings)))} and"
                               f" {amounts.size(expected_bytes(settings))} in the project's folder.")  # fmt: skip
        except InputError as error:
            problem = problem or f"{error}."
        self._problem.setText("" if problem == self.targets.problem.text() else problem.replace("..", "."))
        self._problem.setVisible(bool(self._problem.text()))
        self._cost.setVisible(not problem)
        self.button.setEnabled(not problem)
        if problem:
            self.button.setText("Simulate")

    # -- doing it

    def arguments(self) -> list[str]:
        """Everything after PROJECT but keyframes, which need a file."""
        kind = self.kind.value()
        argv = {"single": ["--frames", str(self.frames.value())],
                "path": ["--path", f"{self.seconds.value():g}"]}.get(kind, [])  # fmt: skip
        argv += ["--patients", str(self.patients.value()), "--size", self.size_choice.value()]
        argv += ["--seed", str(self.seed.value())]
        if kind != "single" and self.breathing.isChecked():
            argv += ["--breathing"]
        argv += [word for n, share in self._wanted_targets() for word in ("--target", f"{n}={share:g}")]
        if kind == "keyframes" and self.first_patient:
            argv += ["--first-patient", str(self.first_patient)]
        argv += [word for part in self.without for word in ("--without", part)]
        argv += ["--round"] if self.round.isChecked() else []
        return argv + self.meshes.arguments()

    def _start(self) -> None:
        argv = self.arguments()
        if self.kind.value() == "keyframes":
            with self._session.reporting() as outcome:
                argv += self._kept_keyframes()
            if not outcome.well:
                return
        self.wanted.emit(argv)

    def _kept_keyframes(self) -> list[str]:
        """Write them beside the frames that are going to be made."""
        from studio.scenes.simulator.keyframes import write_keyframes

        assert self.keyframes is not None
        folder, stem = self._session.project.folder / "scenes", f"keyframes-{self.seed.value()}"
        names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, 2**20))
        name = next(n for n in names if not (folder / n).exists() and not (folder / f"{n}.json").exists())
        write_keyframes(folder / f"{name}.json", self.keyframes)
        return ["--path-file", str(folder / f"{name}.json"), "--name", name]

    def close(self) -> bool:
        """Let go of the session's jobs."""
        self._session.jobs.ended.disconnect(self._job_ended)
        return super().close()

    def _job_ended(self, job: Any) -> None:
        outcome = job.result.get("targets")
        if isinstance(outcome, dict) and job.argv[:2] == ("scenes", "simulate"):
            self.targets.show_outcome(outcome)
