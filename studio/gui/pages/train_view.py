"""The middle of the page Train: samples and losses of one run, or of several with their settings side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSplitter, QStackedWidget, QTableView, QTabWidget, QWidget

from studio.gui import amounts
from studio.gui.models.background import Background
from studio.gui.models.metrics import Rows, RunMetrics, Series
from studio.gui.models.run_settings import RunSettingsModel
from studio.gui.pages.train_words import SETTING_WORDS, setting_tips
from studio.gui.widgets.basics import column
from studio.gui.widgets.run_list import RUN_COLOURS
from studio.gui.widgets.sample_panel import RunSamples, SamplePanel
from studio.pipeline.runs import VALIDITY, SettingRow, setting_rows
from studio.pipeline.views import sample_pictures
from studio.project.records import RunRecord

_NAME_WIDTH, _RUN_WIDTH = 200, 120


class RunView(QWidget):
    """Reads the runs' own files as they grow, so a run that was started elsewhere is shown like any other."""

    grown = Signal()
    """More steps are shown."""

    def __init__(self) -> None:
        super().__init__()
        from studio.gui.widgets.curves import Curves  # the plotting library is not needed for the first paint
        from studio.gui.widgets.run_curves import RunCurves

        self._runs: tuple[RunRecord, ...] = ()
        self._metrics: dict[str, RunMetrics] = {}
        self._made: Mapping[str, tuple[int, float | None]] = {}
        self._background = Background(self)
        self.samples = SamplePanel()
        self.curves = Curves()
        self.compared = RunCurves()
        self.settings = RunSettingsModel(SETTING_WORDS, setting_tips(), self)
        self.table = _table(self.settings)
        self.below = QStackedWidget()
        self._build()
        self.samples.step_shown.connect(self.curves.mark_step)
        self.samples.step_shown.connect(self.compared.mark_step)

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.addTab(self.compared, "Losses")
        self.tabs.addTab(self.table, "Settings")
        self.tabs.setTabToolTip(0, "One loss of all chosen runs over one another")
        self.tabs.setTabToolTip(1, "What the chosen runs were trained with; what differs is bold and comes first")
        self.below.addWidget(self.curves)
        self.below.addWidget(self.tabs)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.samples)
        split.addWidget(self.below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([400, 260])
        layout = column(split, spacing=0)
        self.setLayout(layout)

    @property
    def comparing(self) -> bool:
        return len(self._runs) > 1

    def show_runs(self, runs: Sequence[RunRecord]) -> None:
        """Show one run, or compare the first four."""
        runs = tuple(runs[: len(RUN_COLOURS)])
        if [(r.id, r.name) for r in runs] != [(r.id, r.name) for r in self._runs]:
            self._metrics = {run.name: RunMetrics(run.folder) for run in runs}
        self._runs = runs
        self.below.setCurrentIndex(int(self.comparing))
        self._draw()
        self.poll()

    def show_translated(self, made: Mapping[str, tuple[int, float | None]]) -> None:
        """How many images were translated with each run, and their mean validity."""
        self._made = made
        self._show_settings()

    def _show_settings(self) -> None:
        names = [run.name for run in self._runs]
        columns = self.settings.columnCount()
        self.settings.show_rows(names, setting_rows(self._runs), self._facts())
        if self.settings.columnCount() != columns:
            _fit(self.table, len(names))

    def _facts(self) -> list[SettingRow]:
        """How far each run went, and what came of it."""
        seconds = [self._metrics[run.name].series.get("seconds") for run in self._runs]
        made = [self._made.get(run.name, (0, None)) for run in self._runs]
        columns: dict[str, Sequence[str]] = {
            "State": [run.state for run in self._runs],
            "Steps done": [f"{self.last_step(run.name):,}" for run in self._runs],
            "Trained for": ["–" if s is None or not len(s) else amounts.duration(s.values[-1]) for s in seconds],
            "Validity of samples, best": [_best(self._metrics[run.name].series.get(VALIDITY)) for run in self._runs],
            "Images translated": [f"{count:,}" for count, _ in made],
            "Their mean validity": ["–" if validity is None else f"{validity:.3f}" for _, validity in made],
        }
        return [SettingRow(name, tuple(values)) for name, values in columns.items()]

    def poll(self) -> None:
        """Take up what the runs have written since."""
        self.samples.show_runs(
            [
                RunSamples(run.name, colour, tuple(sample_pictures(run.folder)))
                for run, colour in zip(self._runs, RUN_COLOURS, strict=False)
            ]
        )
        for name, metrics in self._metrics.items():
            if metrics.behind() and not self._background.is_asked(metrics):
                self._background.ask(metrics, metrics.next_rows, lambda rows, n=name: self._arrived(n, rows))  # type: ignore[misc]

    def _arrived(self, name: str, rows: object) -> None:
        metrics = self._metrics.get(name)
        if metrics is not None and isinstance(rows, Rows) and metrics.take(rows):
            self._draw()
            self.grown.emit()
            QTimer.singleShot(0, self.poll)  # a long run's file is read piece by piece

    def _draw(self) -> None:
        from studio.gui.widgets.run_curves import RunSeries

        series = [RunSeries(run.name, self._metrics[run.name].series) for run in self._runs]
        reading = any(metrics.behind() for metrics in self._metrics.values())
        if self.comparing:
            self.compared.show_runs(series, reading=reading)
            self._show_settings()
        else:
            self.curves.show_series(series[0].series if series else {}, reading=reading)

    def last_step(self, name: str) -> int:
        """The last step of a shown run whose losses are there, else 0."""
        return self._metrics[name].last_step if name in self._metrics else 0

    def close_threads(self) -> None:
        self._background.forget()
        self.samples.close_threads()


def _best(series: Series | None) -> str:
    """The best value of a series and its step."""
    if series is None or not len(series):
        return "–"
    at = int(series.values.argmax())
    return f"{series.values[at]:.3f} at {series.steps[at]:,.0f}"


def _table(model: RunSettingsModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Settings of the compared runs")
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(26)
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return table


def _fit(table: QTableView, runs: int) -> None:
    """The name as wide as it needs, the runs share the rest."""
    header = table.horizontalHeader()
    header.setMinimumSectionSize(_RUN_WIDTH // 2)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
    header.resizeSection(0, _NAME_WIDTH)
    for section in range(1, runs + 1):
        header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
