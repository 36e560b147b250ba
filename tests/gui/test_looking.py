"""Looking closer: blinking and one to one in every view, kept points in the grid, flow beside styles, class colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from studio.gui.models.frame_layers import still_there
from studio.gui.models.preview_cells import PreviewCells
from studio.gui.theme import LIGHT
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.colour_choice import SAFE_COLOURS
from studio.gui.widgets.flow_ink import scaled_flow
from studio.gui.widgets.legend import ClassLegend
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.style_grid import StyleGrid
from studio.gui.widgets.style_grid_cells import GridRow
from studio.gui.widgets.style_map import StyleMap
from studio.gui.widgets.view_link import FIT, ViewLink
from studio.vocabulary.colour_vision import alike, colour_of
from studio.vocabulary.frames import FrameFiles, Layers
from studio.vocabulary.labels import ClassTable, LabelClass
from tests.gui.preview_engine import PATIENCE


def two_pictures() -> PictureState:
    """100 x 50 px: the render dark, its translation bright."""
    return PictureState(Layers(np.full((50, 100, 3), 20, np.uint8)), np.full((50, 100, 3), 220, np.uint8))


@pytest.fixture
def view(qtbot: QtBot) -> PictureView:
    made = PictureView()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.set_state(two_pictures())
    made.show()
    return made


def test_one_to_one_of_a_small_picture_is_smaller_than_the_fit(view: PictureView, qtbot: QtBot) -> None:
    qtbot.keyClick(view, Qt.Key.Key_1)
    place = view.place()
    assert (place.scale, place.left, place.top) == (1 / view.devicePixelRatioF(), 150, 125)
    view.zoom_by(0.5)
    assert view.place().scale == place.scale  # no farther
    qtbot.keyClick(view, Qt.Key.Key_F)
    assert view.place().scale == 4


def test_blinking_says_what_is_shown(view: PictureView, qtbot: QtBot) -> None:
    before = view.grab().toImage().pixelColor(200, 150)
    qtbot.keyPress(view, Qt.Key.Key_B)
    held = view.grab().toImage()
    assert (before.red(), held.pixelColor(200, 150).red()) == (220, 20)
    tag = [held.pixelColor(x, y).red() for x in range(8, 60) for y in range(58, 76)]
    assert max(tag) > 150  # the word "render" over a dark picture
    qtbot.keyRelease(view, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)  # pressed meanwhile
    assert view.grab().toImage().pixelColor(200, 150).red() == 220


def grid_of(qtbot: QtBot, link: ViewLink, **layers: np.ndarray) -> StyleGrid:
    grid = StyleGrid(PreviewCells(), link)
    qtbot.addWidget(grid)
    grid.resize(500, 300)
    flow_HW2 = layers.pop("flow_HW2", None)
    grid.set_rows([GridRow(Path("a.png"), "a", Layers(np.full((108, 192, 3), 20, np.uint8)), flow_HW2=flow_HW2)])
    grid.show()
    return grid


def test_every_kept_point_is_marked_in_the_grid(qtbot: QtBot) -> None:
    link = ViewLink()
    grid = grid_of(qtbot, link)
    box = grid.cell_rect(0, -1)
    places = [
        box.topLeft() + QPoint(round(x * box.width()), round(y * box.height())) for x, y in ((0.3, 0.4), (0.7, 0.6))
    ]
    plain = grid.grab().toImage()
    link.keep((0.3, 0.4))
    link.keep((0.7, 0.6))
    marked = grid.grab().toImage()
    for place in places:
        ring = [(place.x() + dx, place.y() + dy) for dx in range(-8, 9) for dy in range(-8, 9)]
        assert any(plain.pixelColor(*at) != marked.pixelColor(*at) for at in ring)


def test_cells_stay_filled_when_the_large_picture_is_smaller(qtbot: QtBot) -> None:
    link = ViewLink()
    grid = grid_of(qtbot, link)
    before = grid.grab().toImage()
    link.set_viewpoint(type(FIT)(0.25))
    assert grid.viewpoint == FIT
    assert grid.grab().toImage() == before


def test_flow_is_scaled_with_its_frame() -> None:
    flow = np.full((40, 80, 2), (8.0, -4.0), np.float32)
    flow[:20] = np.nan
    half = scaled_flow(flow, (40, 10))
    assert half.shape == (10, 40, 2)
    assert half[9, 3].tolist() == [4.0, -1.0]
    assert np.isnan(half[:5]).all()


def test_a_class_is_recoloured_in_place(qtbot: QtBot) -> None:
    classes = ClassTable((LabelClass(1, "liver", (200, 0, 0)), LabelClass(2, "fat", (0, 200, 0))))
    legend = ClassLegend(classes)
    qtbot.addWidget(legend)
    legend.show()
    assert not legend.choice.text.isEnabled()  # no class in hand yet
    chip = next(c for c in legend._chips if c.text() == "fat")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(4, 4), chip.mapToGlobal(QPoint(4, 4)))
    QApplication.sendEvent(chip, event)
    assert QApplication.activeModalWidget() is None
    assert (legend.choice.name, legend.choice.text.text()) == ("fat", "#00c800")
    with qtbot.waitSignal(legend.colour_wanted, timeout=PATIENCE) as swatch:
        qtbot.mouseClick(legend.choice.swatches[5], Qt.MouseButton.LeftButton)
    assert swatch.args == ["fat", (0xD5, 0x5E, 0x00)]
    legend.set_classes(classes.recoloured({"fat": (0xD5, 0x5E, 0x00)}))
    assert legend.choice.text.text() == "#d55e00"
    legend.choice.text.setText("0102ff")
    with qtbot.waitSignal(legend.colour_wanted, timeout=PATIENCE) as typed:
        qtbot.keyClick(legend.choice.text, Qt.Key.Key_Return)
    assert typed.args == ["fat", (1, 2, 255)]
    with qtbot.waitSignal(legend.colour_wanted, timeout=PATIENCE) as own:
        qtbot.mouseClick(legend.choice.own, Qt.MouseButton.LeftButton)
    assert own.args == ["fat", None]


def test_what_is_no_colour_is_said_and_changes_nothing(qtbot: QtBot) -> None:
    legend = ClassLegend(ClassTable((LabelClass(1, "liver", (200, 0, 0)),)))
    qtbot.addWidget(legend)
    legend._show_choice("liver")
    legend.choice.text.setText("#12")
    with qtbot.assertNotEmitted(legend.colour_wanted):
        qtbot.keyClick(legend.choice.text, Qt.Key.Key_Return)
    assert legend.choice.title.text() == "“#12” is no colour: write #rrggbb, such as #d55e00."
    legend.set_classes(ClassTable((LabelClass(1, "bone", (200, 200, 0)),)))
    assert legend.choice.name == "" and not legend.choice.text.isEnabled()


def test_the_colours_that_are_offered_can_be_told_apart_by_all() -> None:
    offered = ClassTable(tuple(LabelClass(i, f"c{i}", colour_of(c)) for i, c in enumerate(SAFE_COLOURS, start=1)))
    assert alike(offered) == []


def test_names_of_patients_lie_where_few_points_are(qtbot: QtBot) -> None:
    style_map = StyleMap()
    qtbot.addWidget(style_map)
    style_map.resize(400, 300)
    style_map.show()
    codes = np.random.default_rng(0).normal(size=(200, 8))
    style_map.set_footage(codes, ["p"] * 200, [str(i) for i in range(200)])
    box = QSize(120, 60)
    corner = style_map._emptiest_corner(box)
    points = [style_map.point_of_footage(i) for i in range(200)]

    def covered(left: float, top: float) -> int:
        return sum(left <= p.x() <= left + 120 and top <= p.y() <= top + 60 for p in points)

    others = [(6, 6), (6, 300 - 60 - 26), (400 - 120 - 6, 300 - 60 - 26), (400 - 120 - 6, 40)]
    assert covered(corner.x(), corner.y()) == min(covered(*at) for at in others)


def test_dots_on_a_light_ground_have_a_rim(qtbot: QtBot) -> None:
    style_map = StyleMap()
    qtbot.addWidget(style_map)
    style_map.resize(400, 300)
    style_map.set_footage(np.eye(8)[[0, 1, 2, 3]] * 4, list("abcd"), list("abcd"))
    picture = style_map._drawn_dots(LIGHT).toImage()
    at = style_map.point_of_footage(0)
    ratio = picture.devicePixelRatio()
    line = [picture.pixelColor(round((at.x() + dx / 4) * ratio), round(at.y() * ratio)) for dx in range(24)]
    edge = [c for c in line if c.alpha() and c.lightness() < 40]
    assert edge and QColor(LIGHT.backdrop).lightness() > 128


class Clicks(QObject):
    """Which mouse events come as far as a widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.seen: list[QEvent.Type] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent):
            self.seen.append(event.type())
        return False


def test_a_click_beside_a_control_does_not_reach_the_menu_that_it_lies_in(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    for content in (bar.legend, bar.range):
        menu = content.parentWidget()
        assert isinstance(menu, QMenu)
        heard = Clicks(menu)
        qtbot.mouseClick(content, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
        assert heard.seen == []
    heard = Clicks(bar.legend.parentWidget())
    qtbot.mouseClick(bar.legend._chips[0], Qt.MouseButton.RightButton)
    assert heard.seen == []


def test_a_frame_that_lost_its_depth_and_normals_is_shown_without_them(tmp_path: Path) -> None:
    files = FrameFiles("000", 0, tmp_path / "rgb.png", tmp_path / "seg.png", tmp_path / "depth.png", tmp_path / "n.png")
    files.rgb.touch()
    files.segmentation.touch()  # type: ignore[union-attr]
    assert still_there(files) == (replace(files, depth=None, normals=None), "depth, normals not found")
    files.depth.touch()  # type: ignore[union-attr]
    files.normals.touch()  # type: ignore[union-attr]
    assert still_there(files) == (files, "")


def test_the_map_stays_fitted_below_its_controls_until_it_is_moved(qtbot: QtBot) -> None:
    style_map = StyleMap()
    qtbot.addWidget(style_map)
    style_map.resize(600, 500)
    style_map.show()
    codes = np.random.default_rng(0).normal(size=(60, 8))
    style_map.set_footage(codes, ["p"] * 60, [str(i) for i in range(60)])

    def all_in_sight() -> bool:
        points = [style_map.point_of_footage(i) for i in range(60)]
        return all(0 <= p.x() <= style_map.width() and 40 <= p.y() <= style_map.height() for p in points)

    assert all_in_sight()
    style_map.resize(300, 220)
    assert all_in_sight()
    for _ in range(2):  # drag to the right: what was in the middle is 60 px farther
        before = style_map.point_of_footage(0)
        qtbot.mousePress(style_map, Qt.MouseButton.LeftButton, pos=QPoint(5, 215))
        qtbot.mouseMove(style_map, QPoint(35, 215))
        qtbot.mouseMove(style_map, QPoint(65, 215))
        qtbot.mouseRelease(style_map, Qt.MouseButton.LeftButton, pos=QPoint(65, 215))
        assert style_map.point_of_footage(0).x() > before.x() + 50
    moved = style_map.point_of_footage(0).x() - 150
    style_map.resize(400, 220)
    assert style_map.point_of_footage(0).x() - 200 == pytest.approx(moved)
