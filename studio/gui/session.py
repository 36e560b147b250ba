"""The window's one mutable state: the open project, what is selected, and the queue of jobs. Views read it and ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio.gui.jobs import JobQueue, WindowJob
from studio.gui.models.export_wishes import ExportWishes
from studio.pipeline.class_colours import class_colours, set_class_colour
from studio.project.project import Project
from studio.project.records import Changed
from studio.vocabulary.colour_vision import Colour, alike
from studio.vocabulary.errors import TrocarError
from studio.vocabulary.labels import ClassTable, normal_name

Level = Literal["info", "warning", "error"]
EVERYTHING = Changed(scenes=True, footage=True, runs=True, palettes=True, exports=True, evaluations=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """What pages hand to each other: catalogue ids and names; 0 and "" = nothing."""

    frame_id: int = 0
    footage_id: int = 0
    translation_id: int = 0
    run: str = ""
    palette: str = ""
    lab_frames: tuple[int, ...] = ()
    """Frames that the style lab is to take into its rows."""


class Session(QObject):
    """``changed`` carries what an edit or a job touched; ``project_changed`` comes after opening and closing."""

    changed = Signal(object)
    project_changed = Signal()
    selection_changed = Signal()
    said = Signal(str, str)
    asked_for_page = Signal(str)
    question = Signal(str, object)
    """Text and answers (words, role, what to do) for the banner."""
    inspector_wanted = Signal()
    class_colours_changed = Signal()

    def __init__(self, jobs: JobQueue | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = jobs or JobQueue(parent=self)
        self.jobs.touched.connect(self.changed)
        self.jobs.said.connect(self.say)
        self._project: Project | None = None
        self._selection = Selection()
        self.export_wishes = ExportWishes()
        """How the page Export would write now; whatever else exports does so, too."""
        self.undo_stack = QUndoStack(self)
        """For edits that the catalogue does not undo itself."""

    @property
    def project(self) -> Project:
        """The open project; pages are only shown while there is one. Raise TrocarError when there is none."""
        if self._project is None:
            raise TrocarError("No project is open.")
        return self._project

    @property
    def is_open(self) -> bool:
        return self._project is not None

    @property
    def selection(self) -> Selection:
        return self._selection

    def select(self, selection: Selection) -> None:
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit()

    def open(self, folder: Path) -> bool:
        """Open a project in the place of the one that is open; on failure say why and keep that one."""
        with self.reporting() as outcome:
            self._take(Project.open(folder))
        return outcome.well

    def create(self, folder: Path) -> bool:
        with self.reporting() as outcome:
            self._take(Project.create(folder))
        return outcome.well

    def close(self) -> None:
        if self._project is not None:
            self._take(None)

    def _take(self, project: Project | None) -> None:
        if self._project is not None:
            self._project.close()
        self._project = project
        self._selection = Selection()
        self.export_wishes = ExportWishes()
        self.undo_stack.clear()
        self.project_changed.emit()
        if project is not None:
            self.changed.emit(EVERYTHING)

    def coloured(self, classes: ClassTable) -> ClassTable:
        """A scene's classes in the colours that were chosen for this project."""
        return classes.recoloured(class_colours(self.project))

    def set_class_colour(self, name: str, colour: Colour | None, among: ClassTable) -> None:
        """Keep a class' colour with the project (None: its own again) as one undo step, and warn where two can't be
        told apart."""
        self.undo_stack.push(_ColourEdit(self, name, colour))
        pairs = [pair for pair in alike(self.coloured(among)) if name in (pair.first, pair.second)]
        if pairs and colour is not None:
            self.say(
                f"{pairs[0].first} and {pairs[0].second} can hardly be told apart by {pairs[0].viewers}.", "warning"
            )

    def show_class_in(self, name: str, colour: Colour | None) -> bool:
        """Keep a class' colour without an undo step; False when the project did not take it."""
        with self.reporting() as outcome:
            set_class_colour(self.project, name, colour)
        if outcome.well:
            self.class_colours_changed.emit()
        return outcome.well

    def edited(self, changed: Changed) -> None:
        """Tell every view what an edit touched."""
        self.changed.emit(changed)

    def start(
        self, title: str, argv: Sequence[str], *, touches: Changed, resume_argv: Sequence[str] = (),
        after: WindowJob | None = None,
    ) -> WindowJob:  # fmt: skip
        """Queue a command line as a job in a child process; ``touches`` is what to refresh as it goes and at its end.
        ``after``: a job that must be done first.

        ``resume_argv`` is offered after a stop or a failure: empty = the same command line again, which is right for
        commands that go on where they were.
        """
        environment = self._project.child_environment() if self._project is not None else {}
        return self.jobs.submit(
            title, argv, touches=touches, resume_argv=tuple(resume_argv) or tuple(argv), environment=environment,
            after=after,
        )  # fmt: skip

    def ask(self, text: str, answers: Sequence[tuple[str, str, Callable[[], None] | None]]) -> None:
        """Ask in place, above the page; None only puts the question away."""
        self.question.emit(text, list(answers))

    def say(self, text: str, level: str = "info") -> None:
        """One line in the status line."""
        self.said.emit(text, level)

    @contextmanager
    def reporting(self) -> Iterator[_Outcome]:
        """Turn the engine's errors into one line in the status line; ``outcome.well`` tells whether none came."""
        outcome = _Outcome()
        try:
            yield outcome
        except (TrocarError, OSError) as error:
            outcome.well = False
            self.say(str(error), "error")


class _ColourEdit(QUndoCommand):
    """Another colour for a class; undone, the one that it had."""

    def __init__(self, session: Session, name: str, colour: Colour | None) -> None:
        super().__init__(f"Colour of “{name}”")
        self._session, self._name, self._after = session, name, colour
        kept = {normal_name(n): c for n, c in class_colours(session.project).items()}
        self._before = kept.get(normal_name(name))

    def redo(self) -> None:
        if self._session.show_class_in(self._name, self._after):
            self._session.say(self.text())
        else:
            self.setObsolete(True)

    def undo(self) -> None:
        if self._session.show_class_in(self._name, self._before):
            self._session.say(f"Undone: {self.text()}")


@dataclass
class _Outcome:
    well: bool = True


def merged(first: Changed, second: Changed) -> Changed:
    """What two changes touched together."""
    both = {f.name: getattr(first, f.name) or getattr(second, f.name) for f in fields(Changed)}
    both["translations"] = tuple(dict.fromkeys(first.translations + second.translations))
    return Changed(**both)
