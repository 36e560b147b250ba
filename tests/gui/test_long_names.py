"""Names as people have them: long, without blanks, in every script. They wrap or are cut; nothing grows by them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.gui.widgets.basics import Figures, WrappedLabel, inspector, label
from studio.gui.widgets.class_bars import ClassBars
from studio.vocabulary.labels import ClassTable, LabelClass

NAMES = {
    "a patient": "laparoscopic_cholecystectomy-of.a/patient" + "x" * 60,
    "one word": "x" * 100,
    "Japanese": "腹腔鏡下胆嚢摘出術" * 11,
    "Arabic": "استئصال_المرارة_بالمنظار_" * 4,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_long_name_wraps_in_an_inspector_and_leaves_its_width(qtbot: QtBot, name: str) -> None:
    words, figures, bars = label(name, "strong", wrap=True, selectable=True), Figures(), ClassBars()
    area = inspector(words, figures, bars)
    qtbot.addWidget(area)
    before = area.minimumSizeHint().width()
    figures.show_rows([(name, "0.30", "mm")])
    bars.show_shares(ClassTable((LabelClass(1, name[:60], (9, 9, 9)),)), {1: 1.0})
    assert area.minimumSizeHint().width() <= before + 40 < 320
    area.resize(280, 600)
    area.show()
    assert words.width() <= 264
    lines = words.heightForWidth(words.width()) / words.fontMetrics().lineSpacing()
    assert lines > 1.9, "what does not fit stands in further lines"


def test_short_words_are_left_alone(qtbot: QtBot) -> None:
    made = label("patient_000 / 000012", wrap=True)
    qtbot.addWidget(made)
    assert QLabel.text(made) == made.text() == "patient_000 / 000012"


def test_a_parted_name_is_copied_as_it_is(qtbot: QtBot) -> None:
    made = label(NAMES["a patient"], wrap=True, selectable=True)
    qtbot.addWidget(made)
    assert isinstance(made, WrappedLabel)
    assert "\u200b" in QLabel.text(made) and "\u200b" not in made.text()
    made.show()
    made.setSelection(0, len(QLabel.text(made)))
    qtbot.keyClick(made, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == NAMES["a patient"]
