"""The picture view: where pictures lie, what the mouse reads, the wipe, and views that move together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.files.pictures import read_rgb
from studio.gui.widgets.blending import Overlay, PictureState, blended
from studio.gui.widgets.flow_ink import flow_arrows, flow_wheel
from studio.gui.widgets.kept_points import distance_mm, kept_words, readouts
from studio.gui.widgets.legend import ClassLegend
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.readout import Readout, read_at
from studio.gui.widgets.view_link import FIT, ViewLink, Viewpoint, framed, panned, placement, zoomed
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable, LabelClass
from tests.gui.preview_engine import PATIENCE


def state() -> PictureState:
    """100 x 50 px, liver in the right half, 40 mm away; render dark, translation bright."""
    segmentation = np.zeros((50, 100), np.uint8)
    segmentation[:, 50:] = 1
    normals = np.zeros((50, 100, 3), np.float32)
    normals[..., 2] = -1
    layers = Layers(np.full((50, 100, 3), 20, np.uint8), segmentation, np.full((50, 100), 40, np.float32), normals)
    return PictureState(layers, np.full((50, 100, 3), 220, np.uint8), np.full((50, 100), 0.5, np.float32))


@pytest.fixture
def view(qtbot: QtBot) -> PictureView:
    made = PictureView()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.set_state(state())
    made.show()
    return made


def test_a_picture_that_fits_lies_in_the_middle() -> None:
    place = placement(FIT, (400, 300), (100, 50))
    assert (place.left, place.top, place.scale) == (0, 50, 4)
    assert place.to_picture(200, 150) == (50, 25)
    assert place.to_view(50, 25) == (200, 150)


def test_zoom_keeps_the_point_under_the_mouse() -> None:
    near = zoomed(FIT, 2, at=(100, 150), room=(400, 300), picture=(100, 50))
    assert near.zoom == 2
    assert placement(near, (400, 300), (100, 50)).to_picture(100, 150)[0] == pytest.approx(25)


def test_zoom_never_goes_farther_than_the_fit() -> None:
    assert zoomed(Viewpoint(2, 0.2, 0.2), 0.01, at=(0, 0), room=(400, 300), picture=(100, 50)) == FIT


def test_pan_moves_the_picture_with_the_hand_and_stops_at_its_edge() -> None:
    before = placement(Viewpoint(4), (400, 300), (100, 50))
    moved = panned(Viewpoint(4), 10, -20, room=(400, 300), picture=(100, 50))
    after = placement(moved, (400, 300), (100, 50))
    assert (after.left - before.left, after.top - before.top) == pytest.approx((10, -20))
    edge = panned(Viewpoint(4), 9999, 9999, room=(400, 300), picture=(100, 50))
    assert placement(edge, (400, 300), (100, 50)).left == 0


def test_readout_in_figures_and_words() -> None:
    read = read_at(state(), 60, 10)
    assert read == Readout(60, 10, "liver", 40.0, (0, 0, -1), 0.5)
    assert read.words() == "60, 10   liver   40.0 mm   normal +0.00 +0.00 -1.00   validity 0.50"
    assert read_at(state(), 100, 10) is None


def test_hover_tells_what_is_there(view: PictureView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.hovered, check_params_cb=lambda r: r is not None, timeout=PATIENCE) as heard:
        qtbot.mouseMove(view, QPoint(242, 150))
    assert heard.args[0].class_name == "liver"
    assert (heard.args[0].x, heard.args[0].y) == (60, 25)


def test_click_keeps_a_point_until_escape(view: PictureView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.kept, timeout=PATIENCE):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(242, 150))
    kept = view.kept_readout()
    assert kept is not None
    assert kept.x == 60
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.kept_readout() is None


def test_wipe_is_dragged(view: PictureView, qtbot: QtBot) -> None:
    view.set_overlay(Overlay(shown="wipe"))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(view, QPoint(100, 150))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 150))
    assert view.link.wipe == pytest.approx(0.25)
    image = view.shown_picture()
    assert image is not None
    assert image[10, 24, 0] == 20
    assert image[10, 26, 0] == 220


def test_a_wipe_that_lies_across_is_dragged_down(view: PictureView, qtbot: QtBot) -> None:
    view.set_overlay(Overlay(shown="wipe", wipe_down=True))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(view, QPoint(200, 200))  # the picture lies from y 50 to 250
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    assert view.link.wipe == pytest.approx(0.75)
    image = view.shown_picture()
    assert image is not None
    assert (image[36, 50, 0], image[39, 50, 0]) == (20, 220)


def test_render_and_translation_beside_each_other_read_the_same_place(view: PictureView, qtbot: QtBot) -> None:
    view.set_overlay(Overlay(shown="side"))
    left, right = view.panes()
    assert (left.shown, right.shown) == ("render", "translation")
    shown = view.grab().toImage()
    assert (shown.pixelColor(100, 150).red(), shown.pixelColor(300, 150).red()) == (20, 220)
    for pane in (left, right):
        place = view.place(pane)
        qtbot.mouseMove(view, QPoint(*(round(v) for v in place.to_view(60.5, 25.5))))
        read = view._readout
        assert read is not None and (read.x, read.y) == (60, 25)
    image = view.shown_picture()
    assert image is not None and image.shape[1] == 200


def test_shift_and_drag_zooms_to_a_region(view: PictureView, qtbot: QtBot) -> None:
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, shift, QPoint(0, 50))
    qtbot.mouseMove(view, QPoint(100, 100))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, shift, QPoint(100, 100))
    place = view.place()
    assert place.scale == pytest.approx(16)  # 25 of 100 px across 400
    assert place.left == pytest.approx(0)
    assert view.link.kept is None


def test_a_region_fills_the_room() -> None:
    seen = framed((0.75, 1.0), (0.25, 0.5), room=(400, 300), picture=(100, 50))
    place = placement(seen, (400, 300), (100, 50))
    assert place.scale == 8  # 50 px across 400, 25 px down 300: the tighter one counts
    assert place.to_view(25, 37.5)[0] == 0


def test_what_cannot_be_saved_is_said_in_the_view(view: PictureView, tmp_path: Path) -> None:
    view.output.save(tmp_path)  # a folder
    assert str(tmp_path) in view._notice
    view.set_overlay(Overlay(shown="side"))
    view.output.save(tmp_path / "p.png")
    assert read_rgb(tmp_path / "p.png").shape == (50, 200, 3)
    assert "p.png" in view._notice


def test_b_held_shows_the_render(view: PictureView, qtbot: QtBot) -> None:
    qtbot.keyPress(view, Qt.Key.Key_B)
    image = view.shown_picture()
    assert image is not None
    assert image[5, 5, 0] == 20
    qtbot.keyRelease(view, Qt.Key.Key_B)
    image = view.shown_picture()
    assert image is not None
    assert image[5, 5, 0] == 220


def test_linked_views_zoom_together(qtbot: QtBot) -> None:
    link = ViewLink()
    first, second = PictureView(link), PictureView(link)
    for view in (first, second):
        qtbot.addWidget(view)
        view.resize(400, 300)
        view.set_state(state())
        view.show()
    qtbot.keyClick(first, Qt.Key.Key_Plus)
    assert second.place().scale == first.place().scale == 5
    qtbot.keyClick(second, Qt.Key.Key_F)
    assert first.place().scale == 4


def test_copy_and_hint(view: PictureView, qtbot: QtBot) -> None:
    view.output.copy()
    assert QGuiApplication.clipboard().image().width() == 100
    view.set_state(None, "Choose a frame")
    assert view.shown_picture() is None
    view.grab()


def test_every_overlay_paints(view: PictureView) -> None:
    for layer in ("none", "segmentation", "depth", "normals", "flow", "difference", "validity"):
        view.set_overlay(Overlay(layer, 0.7, shown="wipe"))  # type: ignore[arg-type]
        assert not view.grab().isNull()


def test_legend_hides_classes(qtbot: QtBot) -> None:
    legend = ClassLegend()
    qtbot.addWidget(legend)
    chips = {c.text(): c for c in legend._chips}
    with qtbot.waitSignal(legend.hidden_changed, timeout=PATIENCE) as heard:
        qtbot.mouseClick(chips["liver"], Qt.MouseButton.LeftButton)
    assert heard.args[0] == frozenset({1})
    with qtbot.waitSignal(legend.hidden_changed, timeout=PATIENCE) as heard:
        chips["fat"].alone_wanted.emit(4)
    assert heard.args[0] == frozenset({1, 2, 3, 5, 6, 7, 8})


def test_each_layer_keeps_its_opacity(qtbot: QtBot) -> None:
    bar = OverlayBar(compares=True)
    qtbot.addWidget(bar)
    bar.show()
    bar.set_layer("segmentation")
    bar._opacity.setValue(70)
    bar.set_layer("depth")
    assert bar.overlay.opacity == 1.0
    bar.set_layer("segmentation")
    assert bar.overlay == Overlay("segmentation", 0.7)
    bar.set_shown("wipe")
    assert bar.overlay.shown == "wipe"


def test_layers_that_a_picture_lacks_are_greyed(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    bar.offer(PictureState(Layers(np.zeros((8, 8, 3), np.uint8))))
    assert bar._buttons["none"].isEnabled()
    assert not bar._buttons["depth"].isEnabled()


def test_the_depth_range_is_set_by_hand(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    bar.offer(state())
    bar.set_layer("depth")
    bar.range.low.setValue(10)
    assert bar.overlay.depth_range is None
    assert bar.overlay.depth_percentiles == (10, 98)
    assert (bar.range.near.value(), bar.range.far.value()) == (40.0, 40.0)  # what the picture has
    bar.range.in_mm.setChecked(True)
    bar.range.near.setValue(120)
    bar.range.far.setValue(30)
    assert bar.overlay.depth_range == (30, 120)


def test_switches_that_belong_to_a_layer_come_with_it(qtbot: QtBot) -> None:
    bar = OverlayBar(compares=True)
    qtbot.addWidget(bar)
    bar.show()
    bar.set_layer("normals")
    assert bar._arrows.isVisible() and not bar._outline.isVisible() and not bar._range.isVisible()
    bar._arrows.click()
    assert bar.overlay.arrows
    assert bar._down is not None and not bar._down.isVisible()
    bar.set_shown("wipe")
    bar._down.click()
    assert bar.overlay.wipe_down


def test_a_bar_without_room_offers_a_list(qtbot: QtBot) -> None:
    bar, room = OverlayBar(compares=True), QWidget()
    qtbot.addWidget(room)
    bar.setParent(room)
    bar.resize(1200, 40)
    room.show()
    bar.set_layer("depth")
    assert bar._bases["side"].isVisible() and not bar._base_box.isVisible()
    bar.resize(420, 40)
    qtbot.waitUntil(lambda: bar._base_box.isVisible(), timeout=PATIENCE)
    assert not bar._bases["side"].isVisible()
    bar._base_box.setCurrentIndex(bar._base_box.findData("side"))
    bar._base_box.activated.emit(bar._base_box.currentIndex())
    assert bar.overlay.shown == "side"
    bar.set_shown("render")
    assert bar._base_box.currentData() == "render"


def test_a_class_is_given_another_colour(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    chip = next(c for c in bar.legend._chips if c.text() == "fat")
    with qtbot.waitSignal(bar.colour_wanted, timeout=PATIENCE) as heard:
        bar.legend.choice.colour_wanted.emit("fat", (9, 8, 7))
    assert heard.args[:2] == ["fat", (9, 8, 7)]
    assert heard.args[2] == STUDIO_CLASSES
    bar.set_classes(STUDIO_CLASSES.recoloured({"fat": (9, 8, 7)}))
    assert chip.colour == (9, 8, 7)


def test_arrows_are_painted_over_normals(view: PictureView) -> None:
    tilted = state()
    assert tilted.layers.normals_HW3 is not None
    tilted.layers.normals_HW3[...] = (0.8, 0, -0.6)
    view.set_state(tilted)
    view.set_overlay(Overlay("normals", 0.0, shown="render"))
    plain = view.grab().toImage()
    view.set_overlay(Overlay("normals", 0.0, shown="render", arrows=True))
    drawn = view.grab().toImage()
    white = [(x, y) for x in range(0, 400, 2) for y in range(60, 240) if drawn.pixelColor(x, y).red() > 200]
    assert len(white) > 50
    assert all(plain.pixelColor(*at).red() < 60 for at in white[:50])


def test_the_legend_warns_in_place_of_colours_that_look_alike(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    bar.set_classes(STUDIO_CLASSES)
    assert bar.legend.warning == "" and bar._classes.icon().isNull()
    bar.set_classes(STUDIO_CLASSES.recoloured({"liver": (0, 158, 116)}))
    assert bar.legend.warning == "liver and gallbladder look alike to everybody."
    assert not bar._classes.icon().isNull() and bar.legend.warning in bar._classes.toolTip()
    bar.set_classes(STUDIO_CLASSES)
    assert bar.legend.warning == "" and bar._classes.icon().isNull()


def test_a_legend_of_many_classes_with_long_names_stays_small(qtbot: QtBot) -> None:
    names = ["ductus hepaticus communis sinister accessorius " * 2, "肝臓と胆嚢の間の結合組織", "الكبد"]
    many = ClassTable(tuple(LabelClass(i, names[i % 3] + str(i), (i * 3, i * 2, 255 - i)) for i in range(1, 81)))
    legend = ClassLegend(many)
    qtbot.addWidget(legend)
    legend.adjustSize()
    assert legend.width() < 340 and legend.height() < 620
    assert legend._rows.verticalScrollBar() is not None
    assert not legend.grab().isNull()


def seen(depth_HW: np.ndarray, K: np.ndarray | None) -> PictureState:
    return PictureState(Layers(np.zeros((*depth_HW.shape, 3), np.uint8), depth_HW=depth_HW, K=K))


def test_two_points_are_measured_in_space() -> None:
    """Focal length 100 px, axis at (50, 25): pixel (9, 24) at 100 mm lies at (-40.5, -0.5, 100), pixel (89, 24) at
    130 mm at (51.35, -0.65, 130)."""
    K = np.array([[100, 0, 50], [0, 100, 25], [0, 0, 1.0]])
    depth = np.full((50, 100), 100, np.float32)
    depth[:, 50:] = 130
    depth[0, 0] = np.nan
    state = seen(depth, K)
    first, second = readouts(state, [(0.095, 0.49), (0.895, 0.49)])
    assert (first.x, first.y, second.x, second.y) == (9, 24, 89, 24)
    expected = np.sqrt((51.35 + 40.5) ** 2 + (0.65 - 0.5) ** 2 + 30**2)
    assert distance_mm(state, first, second) == pytest.approx(expected)
    words = kept_words(state, [(0.095, 0.49), (0.895, 0.49)])
    assert words[0].startswith("1   9, 24") and words[2] == "1 to 2   96.6 mm in space"
    assert (
        kept_words(state, [(0, 0), (0.895, 0.49)])[2] == "1 to 2   92 px in the picture; without depth there are no mm"
    )
    unknown = kept_words(seen(depth, None), [(0.095, 0.49), (0.895, 0.49)])
    assert unknown[2].endswith("80 px in the picture; without the camera's focal length there are no mm")
    assert kept_words(state, [(0.095, 0.49)]) == ["9, 24   100.0 mm"]


def test_a_second_click_measures_and_a_third_begins_anew(view: PictureView, qtbot: QtBot) -> None:
    for x, points in ((100, 1), (300, 2), (200, 1)):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(x, 150))
        assert len(view.link.kept_points) == points
        assert not view.grab().isNull()
    assert view.link.kept == (0.5, 0.5)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.link.kept_points == () and view.link.kept is None


def test_kept_points_are_marked_in_every_linked_view(qtbot: QtBot) -> None:
    link = ViewLink()
    views = [PictureView(link) for _ in range(2)]
    for view in views:
        qtbot.addWidget(view)
        view.resize(400, 300)
        view.set_state(state())
        view.show()
    before = views[1].grab().toImage()
    qtbot.mouseClick(views[0], Qt.MouseButton.LeftButton, pos=QPoint(242, 150))
    after = views[1].grab().toImage()
    ring = after.pixelColor(248, 150)
    assert before.pixelColor(248, 150) != ring


def flowing() -> PictureState:
    """40 px wide: to the right in the left half, 4 px down in the right half, nothing known in the first row."""
    flow = np.zeros((20, 40, 2), np.float32)
    flow[:, :20] = (2, 0)
    flow[:, 20:] = (0, 4)
    flow[0] = np.nan
    return PictureState(Layers(np.full((20, 40, 3), 100, np.uint8)), flow_HW2=flow)


def test_flow_is_drawn_as_direction_and_length() -> None:
    shown = blended(flowing(), Overlay("flow", 1.0))
    assert tuple(shown[0, 5]) == (100, 100, 100), "where it is not known the picture stays"
    assert flowing().flow_top == 4
    assert tuple(shown[5, 5]) == pytest.approx((255, 128, 128), abs=1), "half of the way to red, to the right"
    assert tuple(shown[5, 30]) == pytest.approx((128, 255, 0), abs=1), "a quarter of a turn on, in full"
    wheel = flow_wheel(65)
    assert tuple(wheel[32, 32]) == pytest.approx((255, 255, 255, 255), abs=5)
    assert wheel[0, 0, 3] == 0 and wheel[32, 64, 3] == 255


def test_flow_is_read_and_drawn_as_arrows() -> None:
    assert (read := read_at(flowing(), 30, 5)) is not None and read.words() == "30, 5   flow +0.0 +4.0 px"
    assert (none := read_at(flowing(), 30, 0)) is not None and none.words() == "30, 0   no flow"
    lines = flow_arrows(flowing().flow_HW2, 10)  # type: ignore[arg-type]
    assert len(lines) == 8
    assert np.array_equal(lines[:, 1] - lines[:, 0], [(2, 0), (2, 0), (0, 4), (0, 4)] * 2)
    plain, drawn = (blended(flowing(), Overlay("flow", 1.0, arrows=on)) for on in (False, True))
    assert (plain != drawn).any()


def test_flow_is_offered_where_a_frame_has_it(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    bar.show()
    bar.offer(state())
    assert not bar._buttons["flow"].isVisible()
    bar.offer(flowing())
    assert bar._buttons["flow"].isVisible() and bar._buttons["flow"].isEnabled()
    bar.set_layer("flow")
    assert bar._arrows.isVisible()
    bar.offer(state())
    assert bar._buttons["flow"].isVisible() and not bar._buttons["flow"].isEnabled(), "what was chosen stays in sight"


def test_the_legends_popup_grows_by_its_warning(qtbot: QtBot) -> None:
    bar = OverlayBar()
    qtbot.addWidget(bar)
    bar.show()
    bar.set_layer("segmentation")
    menu = bar._classes.menu()
    assert menu is not None
    heights = []
    for classes in (STUDIO_CLASSES, STUDIO_CLASSES.recoloured({"liver": (0, 158, 116)})):
        bar.set_classes(classes)
        menu.aboutToShow.emit()
        heights.append(menu.sizeHint().height())
        assert bar.legend.height() >= bar.legend.sizeHint().height(), "nothing lies over anything"
    assert heights[1] > heights[0] + 10
