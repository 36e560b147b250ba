"""The page Curate: every translation in a grid, accepted and rejected by key or by rule, the worst first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QSlider, QSplitter, QStackedWidget, QWidget

from studio.files.pictures import read_rgb
from studio.gui import amounts
from studio.gui.actions import Action, ActionTable
from studio.gui.models.background import Background
from studio.gui.models.catalogue_reader import CatalogueReader, listed_ids, verdict_counts
from studio.gui.models.translations import TranslationsModel
from studio.gui.pages.curate_rule import RecordPanel, RulePanel, preview_rule
from studio.gui.pages.page import Page
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import EmptyState, PageHeader, column, holder, inspector, label, row
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.translation_grid import TranslationGrid
from studio.pipeline.views import apply_rule, set_verdicts
from studio.project.records import Changed, TranslationRecord
from studio.quality.validity import validity_map
from studio.scenes.readers import load_flow, load_layers_of
from studio.vocabulary.colour_vision import Colour
from studio.vocabulary.labels import ClassTable
from studio.vocabulary.verdicts import VerdictValue

_STATES_KEPT = 12
_IN_WINDOW = 20_000
"""Up to this many translations a rule is applied at once; beyond, as a job."""
_ORDERS = ("worst first", "best first", "frame", "style")


class CuratePage(Page):
    """What is decided here decides what is exported; every decision can be undone."""

    title = "Curate"
    icon_name = "curate"
    rows = (
        Action("curate.accept", "Accept", "Accept the selected translations: they are exported", "accept",
               shortcut="A", icon="check", needs="project", page="Curate"),
        Action("curate.reject", "Reject", "Reject the selected translations: they stay on disk but are not exported",
               "reject", shortcut="X", icon="cross", needs="project", page="Curate"),
        Action("curate.undecide", "Undecide", "Take the verdict off the selected translations", "undecide",
               shortcut="U", icon="undo", needs="project", page="Curate"),
        Action("curate.apply", "Apply rule", "Accept and reject by the rule; what you decided yourself stays",
               "apply", shortcut="Ctrl+Return", icon="filter", needs="project", page="Curate"),
        Action("curate.measure", "Measure validity again", "Measure every translation anew; verdicts stay",
               "measure", icon="refresh", needs="project", page="Curate"),
        Action("curate.reload", "Sort again", "List the translations anew in the order that is chosen", "reload",
               shortcut="F5", icon="refresh", needs="project", page="Curate"),
        Action("curate.styles", "Go to Styles", "Draw styles and translate the frames first", "go_to_styles",
               icon="styles", needs="project", page="Curate"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self.reader = CatalogueReader(session.project.folder, self)
        self.model = TranslationsModel(session.project, self)
        self._background = Background(self, threads=1, depth=4)
        self._states: OrderedDict[tuple[int, str], PictureState] = OrderedDict()
        self._colour_steps = self._colour_redoable = 0
        """Edits of class colours since the last verdict: undone before it, and done again before it."""
        self._build(actions)
        self._wire()

    # -- building

    def _build(self, actions: ActionTable) -> None:
        self.header = PageHeader(
            "Curate", actions.button("curate.undecide", role="quiet"), actions.button("curate.reject"),
            actions.button("curate.accept"),
        )  # fmt: skip
        self.grid = TranslationGrid()
        self.grid.hint = "Listing translations…"
        self.grid.setModel(self.model)
        self.detail = PictureView()
        self.bar = OverlayBar(compares=True)
        side = holder(column(self.bar, self.detail, spacing=0))
        self.bar.layout().setContentsMargins(UNIT, 0, UNIT, UNIT // 2)  # type: ignore[union-attr]
        side.layout().setStretch(1, 1)  # type: ignore[union-attr]
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.grid)
        self.split.addWidget(side)
        self.split.setSizes([480, 520])
        self.split.setChildrenCollapsible(False)
        body = holder(column(self._filters(actions), self.split, spacing=0))
        body.layout().setStretch(1, 1)  # type: ignore[union-attr]
        self.nothing = EmptyState(
            "curate", "No translations yet", "Translate the frames in a palette on the page Styles. Here they "
            "are then looked through, the worst first.", actions.button("curate.styles", role="primary"),
        )  # fmt: skip
        self.stack = QStackedWidget()
        self.stack.addWidget(body)
        self.stack.addWidget(self.nothing)
        layout = column(self.header, self.stack, spacing=0)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.rule_panel = RulePanel(actions.button("curate.apply", role="primary"))
        self.record_panel = RecordPanel()
        self._inspector = inspector(self.rule_panel, self.record_panel)

    def _filters(self, actions: ActionTable) -> QWidget:
        self.order = _box("Order", [(o.capitalize(), o) for o in _ORDERS])
        self.verdict = _box("Verdict", [("All verdicts", None), ("Undecided", "undecided"), ("Accepted", "accepted"),
                                        ("Rejected", "rejected")])  # fmt: skip
        self.palette_box = _box("Palette", [("All palettes", "")])
        self.patient = _box("Patient", [("All patients", "")])
        self._count = label("", "muted")
        size = QSlider(Qt.Orientation.Horizontal)
        size.setRange(110, 400)
        size.setValue(176)
        size.setFixedWidth(96)
        size.setToolTip("Size of the pictures")
        size.setAccessibleName("Size of the pictures")
        size.valueChanged.connect(self.grid.set_cell_width)
        bar = row(
            self.order, actions.tool_button("curate.reload"), self.verdict, self.palette_box, self.patient, self._count,
            None, size,
        )  # fmt: skip
        bar.setContentsMargins(2 * UNIT, 0, 2 * UNIT, UNIT)
        made = QWidget()
        made.setLayout(bar)
        return made

    def _wire(self) -> None:
        for box in (self.order, self.verdict, self.palette_box, self.patient):
            box.activated.connect(lambda _i: self.reload())
        chosen = self.grid.selectionModel()
        chosen.currentChanged.connect(lambda _now, _before: self._show_current())
        chosen.selectionChanged.connect(lambda _now, _before: self._show_count())
        self.bar.changed.connect(self.detail.set_overlay)
        self.bar.colour_wanted.connect(self._recolour)
        self.session.class_colours_changed.connect(self._recoloured)
        self.bar.set_shown("wipe")
        self.bar.set_layer("none")
        self.rule_panel.preview_wanted.connect(self._preview)

    def inspector(self) -> QWidget:
        return self._inspector

    # -- refreshing

    def refresh(self, changed: Changed) -> None:
        if changed.palettes or changed.scenes:
            self._fill_filters()
            self.reload()
        elif changed.translations:
            self.model.changed(changed.translations)
            self._show_current()
        if changed.palettes or changed.scenes or changed.translations:
            self.reader.ask("counts", verdict_counts, self._show_counts)
            self._preview(self.rule_panel.rule)

    def activated(self) -> None:
        self._colour_steps = self._colour_redoable = 0
        self.grid.setFocus()  # the page's keys work from the start

    def project_closed(self) -> None:
        self.reader.close()
        self.model.close()
        self._background.forget()

    def _fill_filters(self) -> None:
        project = self.session.project
        palettes = [("All palettes", ""), *((r.palette.name, r.palette.name) for r in project.palettes.all())]
        patients = sorted({s.patient for s in project.scenes.all()})
        _fill(self.palette_box, palettes)
        _fill(self.patient, [("All patients", ""), *((p, p) for p in patients)])

    def reload(self) -> None:
        """List again, in the order and with the filters that are chosen."""
        order, verdict = self.order.currentData(), self.verdict.currentData()
        palette, patient = self.palette_box.currentData(), self.patient.currentData()
        self.reader.ask(
            "ids",
            lambda p: listed_ids(p, order=order, verdict=verdict, palette=palette, patient=patient),
            self._listed,
        )

    def _listed(self, ids: object) -> None:
        if not isinstance(ids, list):
            self.session.say(str(ids), "error")
            return
        current = self._current_record()
        same = ids == self.model.ids
        self.model.set_ids(ids)
        filtered = any(b.currentIndex() > 0 for b in (self.verdict, self.palette_box, self.patient))
        self.grid.hint = "Nothing fits these filters." if filtered else ""
        self.stack.setCurrentIndex(0 if ids or filtered else 1)
        self.grid.updateGeometries()
        kept = -1 if current is None else self.model.row_of(current.id)
        if ids and (kept < 0 or not same):
            self.grid.choose(max(0, kept), scroll=kept < 0)
        else:
            self._show_current()
        self._show_count()

    def _show_counts(self, counts: object) -> None:
        if isinstance(counts, dict):
            total = sum(counts.values())
            self.header.set_facts(
                amounts.count(total, "translations"), f"{amounts.count(counts['accepted'])} accepted",
                f"{amounts.count(counts['rejected'])} rejected", f"{amounts.count(counts['undecided'])} undecided",
            )  # fmt: skip

    def _show_count(self) -> None:
        chosen = self.grid.selected_count()
        shown = amounts.count(len(self.model.ids))
        self._count.setText(f"{amounts.count(chosen)} of {shown} selected" if chosen > 1 else f"{shown} shown")
        for name in ("accept", "reject", "undecide"):
            self.action_table.allow(f"curate.{name}", chosen > 0)

    # -- the translation in hand

    def _current_record(self) -> TranslationRecord | None:
        row_ = self.grid.currentIndex().row()
        return self.model.record(row_) if 0 <= row_ < len(self.model.ids) else None

    def _show_current(self) -> None:
        record = self._current_record()
        self.record_panel.show_record(record)
        if record is None:
            self.detail.set_state(None, "")
            return
        key = (record.id, record.fingerprint)
        if key in self._states:
            self._show_state(self._states[key])
            return
        with self.session.reporting() as outcome:
            project = self.session.project
            frame = project.scenes.frame(record.frame_id)
            scene = project.scenes.get(frame.scene_id)
            layout, encoding, size, path = scene.layout, dict(scene.encoding), scene.size, record.path
            classes = self.session.coloured(scene.classes)
            self._background.ask(
                key,
                lambda: PictureState(
                    load_layers_of(frame.files, layout=layout, encoding=encoding),
                    read_rgb(path),
                    None,
                    classes,
                    flow_HW2=load_flow(frame.files, "forward", size=size),
                ),
                lambda state: self._state_read(key, state),
            )
        if not outcome.well:
            self.detail.set_state(None, "The frame is gone.")

    def _state_read(self, key: tuple[int, str], state: object) -> None:
        if not isinstance(state, PictureState):
            self.detail.set_state(None, str(state))
            return
        self._keep(key, state)
        assert state.translation_HW3 is not None
        layers, translation_HW3 = state.layers, state.translation_HW3
        self._background.ask(
            (*key, "validity"),
            lambda: validity_map(layers.rgb_HW3, translation_HW3, layers.segmentation_HW),
            lambda found: self._validity_found(key, state, found),
        )

    def _validity_found(self, key: tuple[int, str], state: PictureState, found: object) -> None:
        if isinstance(found, np.ndarray):
            self._keep(key, replace(state, validity_HW=found, shared_ink=state.ink))

    def _keep(self, key: tuple[int, str], state: PictureState) -> None:
        self._states[key] = state
        while len(self._states) > _STATES_KEPT:
            self._states.popitem(last=False)
        record = self._current_record()
        if record is not None and key == (record.id, record.fingerprint):
            self._show_state(state)

    def _recolour(self, name: str, colour: Colour | None, among: ClassTable) -> None:
        self.session.set_class_colour(name, colour, among)
        self._colour_steps, self._colour_redoable = self._colour_steps + 1, 0

    def _recoloured(self) -> None:
        self._states.clear()
        self._show_current()

    def _show_state(self, state: PictureState) -> None:
        self.bar.offer(state)
        self.grid.set_ratio(state.size[1] / state.size[0])
        self.detail.set_state(state)

    # -- verdicts

    def accept(self) -> None:
        self._decide("accepted")

    def reject(self) -> None:
        self._decide("rejected")

    def undecide(self) -> None:
        self._decide("undecided")

    def _decide(self, value: VerdictValue) -> None:
        """Give the selected ones a verdict as one step; a single one hands on to the next."""
        rows = list(self.grid.selected_rows())
        ids = [self.model.ids[r] for r in rows]
        if not ids:
            return
        with self.session.reporting():
            changed = set_verdicts(self.session.project, ids, value)
            self._colour_steps = self._colour_redoable = 0
            self.session.edited(Changed(translations=changed))
            if changed:
                self.session.say(f"{amounts.count(len(changed), 'translations')}: {value}")
        if len(rows) == 1:
            self.grid.choose(min(rows[0] + 1, len(self.model.ids) - 1))

    def undo(self) -> None:
        if self._colour_steps:  # newer than the last verdict
            self._colour_steps, self._colour_redoable = self._colour_steps - 1, self._colour_redoable + 1
            super().undo()
            return
        self._colour_redoable = 0
        self._replay(self.session.project.translations.undo(), "Undone")

    def redo(self) -> None:
        if self._colour_redoable:
            self._colour_steps, self._colour_redoable = self._colour_steps + 1, self._colour_redoable - 1
            super().redo()
            return
        self._replay(self.session.project.translations.redo(), "Done again")

    def _replay(self, step: tuple[str, tuple[int, ...]] | None, word: str) -> None:
        if step is None:
            self.session.say("There is nothing more to undo." if word == "Undone" else "There is nothing to do again.")
            return
        self.session.edited(Changed(translations=step[1]))
        self.session.say(f"{word}: {step[0]}")

    # -- rules and jobs

    def _preview(self, text: str) -> None:
        self.reader.ask("rule", lambda p: preview_rule(p, text), self._previewed)

    def _previewed(self, found: Any) -> None:
        if not isinstance(found, Exception):
            self.rule_panel.show_preview(found)

    def apply(self) -> None:
        """Accept and reject by the rule, at once or as a job when there are many."""
        project, text = self.session.project, self.rule_panel.rule
        if len(self.model.ids) > _IN_WINDOW:
            self.session.start("Apply the rule", ["curate", str(project.folder), "--rule", text],
                               touches=Changed(palettes=True))  # fmt: skip
            return
        with self.session.reporting():
            outcome = apply_rule(project, text, dry_run=False)
            self._colour_steps = self._colour_redoable = 0
            project.set_setting("rule", text)
            self.session.edited(Changed(translations=tuple(c.translation_id for c in outcome.changes)))
            self.session.say(outcome.summary())

    def measure(self) -> None:
        folder = str(self.session.project.folder)
        self.session.start("Measure validity", ["quality", folder], touches=Changed(palettes=True))

    def go_to_styles(self) -> None:
        self.session.asked_for_page.emit("Styles")


def _box(said: str, choices: list[tuple[str, Any]]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(said)
    box.setToolTip(f"{said} of the translations that are listed")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setMaximumWidth(150)
    _fill(box, choices)
    return box


def _fill(box: QComboBox, choices: list[tuple[str, Any]]) -> None:
    """Other choices; what was chosen stays so where it is still among them."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == choices:
        return
    kept = box.currentData()
    box.clear()
    for text, value in choices:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, next((i for i, (_, v) in enumerate(choices) if v == kept), 0)))
