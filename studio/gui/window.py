"""The main window: rail, pages, inspector, jobs and status line. It wires; what things do lies in the pages."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QWidget

from studio.gui import opening, registry
from studio.gui.actions import MENUS, WINDOW_ROWS, ActionTable, Need, page_rows
from studio.gui.help_pages import HelpPage, Topic
from studio.gui.pages.page import Page
from studio.gui.session import EVERYTHING, Session, merged
from studio.gui.theme import apply_theme, tokens_of
from studio.gui.welcome import Welcome
from studio.gui.widgets.banner import Banner
from studio.gui.widgets.basics import column, holder, row
from studio.gui.widgets.command_palette import CommandPalette
from studio.gui.widgets.job_tray import JobTray
from studio.gui.widgets.rail import Rail
from studio.gui.widgets.status_line import StatusLine
from studio.project.records import Changed

_INSPECTOR_WIDTH = 296
_STOP_PATIENCE_SECONDS = 30.0
_TITLE_BAR = 40


class Window(QMainWindow):
    """One project at a time; pages are built at their first visit and dropped with the project."""

    def __init__(self, session: Session, settings: QSettings) -> None:
        super().__init__()
        self.session = session
        self.settings = settings
        self._classes = registry.page_classes()
        titles = [c.title for c in self._classes]
        self.actions_table = ActionTable([*WINDOW_ROWS, *page_rows(titles), *registry.rows_of(self._classes)], self)
        self._pages: dict[str, Page] = {}
        self._pending: dict[str, Changed] = {}
        self._panels: dict[str, QWidget] = {}
        self._closing = False
        self._available: list[Need] = []
        self._last_page = self._classes[0].title
        self._build()
        self._wire()
        self._restore()
        self._project_changed()

    # -- building

    def _build(self) -> None:
        self.setWindowTitle("Trocar Studio")
        self.setMinimumSize(960, 600)
        self.setAcceptDrops(True)
        self.rail = Rail([(c.title, c.icon_name) for c in self._classes], self.actions_table)
        self.stack = QStackedWidget()
        self.welcome = Welcome(self.session, self.actions_table, self.settings)
        self.help = HelpPage(self.actions_table)
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.help)
        self.inspector = QStackedWidget()
        self.inspector.setProperty("role", "inspector")
        self.inspector.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sides = QSplitter(Qt.Orientation.Horizontal)
        self.sides.addWidget(self.stack)
        self.sides.addWidget(self.inspector)
        self.sides.setStretchFactor(0, 1)
        self.sides.setCollapsible(0, False)
        self.sides.setSizes([1000, _INSPECTOR_WIDTH])
        self.tray = JobTray(self.session.jobs)
        self.banner = Banner()
        self.status = StatusLine()
        right = holder(column(self.banner, self.sides, self.tray, spacing=0))
        right.layout().setStretch(1, 1)  # type: ignore[union-attr]
        middle = holder(row(self.rail, right, spacing=0))
        central = holder(column(middle, self.status, spacing=0))
        central.layout().setStretch(0, 1)  # type: ignore[union-attr]
        self.setCentralWidget(central)
        self.palette_box = CommandPalette(self.actions_table, self)
        for name in MENUS:
            self._build_menu(name)

    def _build_menu(self, name: str) -> None:
        menu = self.menuBar().addMenu(name)
        for action in (a for a in self.actions_table if a.menu == name):
            if action.separated:
                menu.addSeparator()
            menu.addAction(self.actions_table.qaction(action.id))
        if name == "Project":
            self.recent_menu = menu.addMenu("Recent projects")
            menu.insertMenu(self.actions_table.qaction("project.demo"), self.recent_menu)
            self.recent_menu.aboutToShow.connect(self._fill_recent)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for folder in opening.recent_projects(self.settings):
            self.recent_menu.addAction(str(folder), lambda f=folder: self.open_folder(f))  # type: ignore[misc]
        self.recent_menu.setEnabled(not self.recent_menu.isEmpty())

    def _wire(self) -> None:
        session = self.session
        self.actions_table.bind(self)
        self.actions_table.page_wanted.connect(self._page_wanted)
        self.rail.chosen.connect(self.go_to_page)
        session.project_changed.connect(self._project_changed)
        session.changed.connect(self._changed)
        session.said.connect(self.status.say)
        session.asked_for_page.connect(self.go_to_page)
        session.question.connect(self.banner.ask)
        session.inspector_wanted.connect(self._want_inspector)
        session.jobs.updated.connect(self._job_updated)
        session.jobs.ended.connect(self._job_updated)
        self.welcome.chosen.connect(self.open_folder)
        self.help.closed.connect(self._close_help)
        self.tray.toggled.connect(self.actions_table.qaction("view.tray").setChecked)

    def _restore(self) -> None:
        geometry = self.settings.value("window/geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            available = self.screen().availableGeometry()
            # The frame is not there yet; without room for its title the status line would hang below the screen.
            self.resize(min(1600, available.width()), min(1000, available.height() - _TITLE_BAR))
        sides = self.settings.value("window/sides")
        if isinstance(sides, QByteArray):
            self.sides.restoreState(sides)
        self._inspector_wanted = self.settings.value("window/inspector", "true") == "true"
        self.actions_table.qaction("view.inspector").setChecked(self._inspector_wanted)
        self.actions_table.qaction("view.theme").setChecked(tokens_of(self.palette()).name == "light")

    # -- pages

    def go_to_page(self, title: str) -> None:
        """Bring a page to the front, building it if need be."""
        if not self.session.is_open:
            return
        page = self._page(title)
        self.stack.setCurrentWidget(page)
        self.rail.show_chosen(title)
        self._show_inspector()
        pending = self._pending.pop(title, None)
        if pending is not None:
            page.refresh(pending)
        page.activated()
        self._last_page = title
        self.settings.setValue("window/page", title)

    @property
    def current_page(self) -> Page | None:
        widget = self.stack.currentWidget()
        return widget if isinstance(widget, Page) else None

    def _page(self, title: str) -> Page:
        if title not in self._pages:
            page = next(c for c in self._classes if c.title == title)(self.session, self.actions_table)
            self._pages[title] = page
            self._pending[title] = EVERYTHING
            self.stack.addWidget(page)
            panel = page.inspector()
            if panel is not None:
                self.inspector.addWidget(panel)
                self._panels[title] = panel
        return self._pages[title]

    def _page_wanted(self, title: str) -> None:
        if self.current_page is None or self.current_page.title != title:
            self.go_to_page(title)

    def _show_inspector(self) -> None:
        page = self.current_page
        panel = None if page is None else self._panels.get(page.title)
        if panel is not None:
            self.inspector.setCurrentWidget(panel)
        self.inspector.setVisible(panel is not None and self._inspector_wanted)

    def _changed(self, changed: Changed) -> None:
        for title, page in self._pages.items():
            if page is self.current_page:
                page.refresh(changed)
            else:
                self._pending[title] = merged(self._pending.get(title, Changed()), changed)
        if self.session.is_open:
            self.status.set_facts(opening.facts(self.session.project))

    def _project_changed(self) -> None:
        for page in self._pages.values():
            page.project_closed()
            self.stack.removeWidget(page)
            page.deleteLater()
        for panel in self._panels.values():
            self.inspector.removeWidget(panel)
            panel.deleteLater()
        self._pages, self._pending, self._panels = {}, {}, {}
        is_open = self.session.is_open
        self.rail.set_enabled(is_open)
        self.update_available()
        if is_open:
            project = self.session.project
            opening.remember(self.settings, project.folder)
            self.setWindowTitle(f"{project.name} – Trocar Studio")
            titles = [c.title for c in self._classes]
            kept = str(self.settings.value("window/page", titles[0]))
            self.go_to_page(kept if kept in titles else titles[0])
        else:
            self.setWindowTitle("Trocar Studio")
            self.rail.show_chosen("")
            self.status.set_facts("")
            self.welcome.show_recent()
            self.stack.setCurrentWidget(self.welcome)
            self._show_inspector()

    def _job_updated(self, _job: object) -> None:
        self.update_available()

    def update_available(self) -> None:
        """Enable the actions for which there is what they need."""
        available: list[Need] = ["nothing"]
        if self.session.is_open:
            available.append("project")
        if self.session.jobs.current is not None:
            available.append("job")
        if available != self._available:
            self._available = available
            self.actions_table.set_available(available)

    # -- handlers of the action table

    def new_project(self) -> None:
        opening.guarded(self.session, lambda: opening.ask_new(self, self.session))

    def open_project(self) -> None:
        opening.guarded(self.session, lambda: opening.ask_open(self, self.session))

    def open_folder(self, folder: Path) -> None:
        opening.guarded(self.session, lambda: opening.open_folder(self.session, folder))

    def start_demo(self) -> None:
        opening.guarded(self.session, lambda: opening.ask_demo(self, self.session))

    def reveal_project(self) -> None:
        opening.reveal(self.session.project.folder)

    def close_project(self) -> None:
        opening.guarded(self.session, self.session.close)

    def undo(self) -> None:
        if self.current_page is not None:
            self.current_page.undo()

    def redo(self) -> None:
        if self.current_page is not None:
            self.current_page.redo()

    def show_palette(self) -> None:
        self.palette_box.open_box()

    def _want_inspector(self) -> None:
        self.actions_table.qaction("view.inspector").setChecked(True)
        self.toggle_inspector()

    def toggle_inspector(self) -> None:
        self._inspector_wanted = self.actions_table.qaction("view.inspector").isChecked()
        self._show_inspector()

    def toggle_tray(self) -> None:
        self.tray.set_expanded(self.actions_table.qaction("view.tray").isChecked())

    def toggle_theme(self) -> None:
        name = "light" if self.actions_table.qaction("view.theme").isChecked() else "dark"
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, "light" if name == "light" else "dark")
        self.settings.setValue("window/theme", name)

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def pause_job(self) -> None:
        job = self.session.jobs.current
        if job is not None:
            self.session.jobs.pause_or_resume(job)

    def stop_job(self) -> None:
        job = self.session.jobs.current
        if job is not None:
            self.session.jobs.stop(job)

    def show_guide(self) -> None:
        self._show_help("guide")

    def show_shortcuts(self) -> None:
        self._show_help("shortcuts")

    def show_about(self) -> None:
        self._show_help("about")

    def _close_help(self) -> None:
        """Back to the page, or the welcome, that help was opened over."""
        if self.session.is_open:
            self.go_to_page(self._last_page)
        else:
            self.stack.setCurrentWidget(self.welcome)

    def _show_help(self, topic: Topic) -> None:
        self.help.show_topic(topic)
        self.stack.setCurrentWidget(self.help)
        self.rail.show_chosen("")
        self._show_inspector()

    # -- drops and closing

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        opening.drop(self, paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        job = self.session.jobs.current
        if job is not None and not self._closing:
            self.banner.ask(
                f"“{job.title}” is running. Stop it and close? It can be resumed from where it is.{self._not_kept()}",
                [("Keep working", "", None), ("Stop and close", "primary", self._close_anyway)],
            )
            event.ignore()
            return
        self.settings.setValue("window/geometry", self.saveGeometry())
        self.settings.setValue("window/sides", self.sides.saveState())
        self.settings.setValue("window/inspector", "true" if self._inspector_wanted else "false")
        self.session.jobs.shut_down(patience_seconds=_STOP_PATIENCE_SECONDS)
        self.session.close()
        event.accept()

    def _not_kept(self) -> str:
        """Of the jobs that wait; they live as long as the window."""
        titles = [f"“{job.title}”" for job in self.session.jobs.waiting]
        if not titles:
            return ""
        return f" Not begun yet, and to be started again afterwards: {', '.join(titles)}."

    def _close_anyway(self) -> None:
        self._closing = True
        job = self.session.jobs.current
        if job is None:
            self.close()
            return
        self.status.say(f"Stopping “{job.title}” so that it can be resumed…")
        self.session.jobs.ended.connect(lambda _job: self.close())
        if job.state != "stopping":
            self.session.jobs.stop(job)
