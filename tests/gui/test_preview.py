"""The preview's client, what is asked for next, and the bench of styles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QUndoStack
from pytestqt.qtbot import QtBot

from studio.gui.models.engine_process import AnswerReader
from studio.gui.models.preview_cells import PreviewCells, Wish
from studio.gui.models.preview_client import PreviewPicture, picture_of
from studio.gui.models.style_bench import StyleBench, free_name
from studio.vocabulary.styles import Style
from tests.gui.preview_engine import DIES, PATIENCE, REFUSES, SCRIPT, client_of

A, B = Path("a.png"), Path("b.png")
X, Y = (1.0, 0.0), (0.0, 1.0)


def picture(generation: int, frame: int, style: int, quality: str = "coarse") -> PreviewPicture:
    return PreviewPicture(generation, frame, style, quality, np.zeros((2, 2, 3), np.uint8))  # type: ignore[arg-type]


def test_answers_are_cut_wherever_the_stream_is() -> None:
    stream = b'{"answer":"picture","bytes":4}\n\n{"}{"answer":"done"}\nstray print\n{"answer":"ready"}\n'
    expected = [("picture", b'\n{"}'), ("done", b""), ("ready", b"")]
    for step in (1, 3, 1000):
        reader = AnswerReader()
        found = [a for i in range(0, len(stream), step) for a in reader.feed(stream[i : i + step])]
        assert [(h["answer"], d) for h, d in found] == expected


def test_a_picture_whose_figures_do_not_fit_is_dropped() -> None:
    header = {"generation": 1, "frame": 0, "style": 0, "quality": "sharp", "width": 2, "height": 1, "bytes": 6}
    good = picture_of(header, bytes(range(6)))
    assert good is not None
    assert good.image_HW3.tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert picture_of(header, b"12345") is None
    assert picture_of({"generation": 1}, b"") is None


def test_pictures_come_and_stale_ones_are_dropped(qtbot: QtBot) -> None:
    client = client_of(SCRIPT)
    with qtbot.waitSignal(client.ready, timeout=PATIENCE) as ready:
        pass
    assert ready.args == [8]
    seen: list[PreviewPicture] = []
    client.picture.connect(seen.append)
    client.ask_pictures([A], [[0.0] * 8] * 30, coarse=16, sharp=64)
    newest = client.ask_pictures([A], [[1.0] * 8], coarse=16)
    with qtbot.waitSignal(client.done, timeout=PATIENCE):
        pass
    assert {p.generation for p in seen} == {newest}
    assert [p.quality for p in seen] == ["coarse"]
    assert seen[0].image_HW3.shape == (12, 16, 3)
    assert int(seen[0].image_HW3[0, 0, 0]) == 168
    client.close()
    assert not client.running


def test_a_question_asked_before_the_engine_is_up_is_answered(qtbot: QtBot) -> None:
    client = client_of(SCRIPT)
    with qtbot.waitSignal(client.code, timeout=PATIENCE) as heard:
        client.ask_code(A)
    assert heard.args[0] == (0.5,) * 8
    client.close()


@pytest.mark.parametrize(("script", "words"), [(DIES, "status 3"), (REFUSES, "no checkpoint")])
def test_an_engine_that_ends_says_why(qtbot: QtBot, script: str, words: str) -> None:
    client = client_of(script)
    with qtbot.waitSignal(client.failed, timeout=PATIENCE) as heard:
        pass
    assert words in heard.args[0]
    client.close()


def test_an_error_of_the_newest_question_is_told(qtbot: QtBot) -> None:
    client = client_of(SCRIPT)
    with qtbot.waitSignal(client.failed, timeout=PATIENCE) as heard:
        client.ask_pictures([Path("broken.png")], [[0.0] * 8], coarse=16)
    assert heard.args == ["the frame is gone"]
    client.close()


def test_coarse_ones_of_everything_come_before_sharp_ones_of_a_row() -> None:
    cells = PreviewCells()
    wish = cells.next_wish([A, B], [X, Y])
    assert wish == Wish((A, B), (X, Y), "coarse")
    cells.asked = (1, wish)
    for frame in range(2):
        for style in range(2):
            assert cells.put(picture(1, frame, style)) is not None
    assert cells.next_wish([A, B], [X, Y]) == Wish((A,), (X, Y), "sharp")


def test_only_what_is_missing_is_asked_for() -> None:
    cells = PreviewCells()
    cells.asked = (1, Wish((A, B), (X,), "coarse"))
    for frame in range(2):
        cells.put(picture(1, frame, 0))
    assert cells.next_wish([A, B], [X, Y]) == Wish((A, B), (Y,), "coarse")
    assert cells.put(picture(9, 0, 0)) is None
    assert cells.put(picture(1, 5, 0)) is None


def test_nothing_is_asked_for_when_all_is_sharp() -> None:
    cells = PreviewCells()
    cells.asked = (1, Wish((A,), (X,), "sharp"))
    cells.put(picture(1, 0, 0, "sharp"))
    assert cells.next_wish([A], [X]) is None
    assert cells.next_wish([], []) is None


@pytest.fixture
def bench(qapp: object) -> StyleBench:
    stack = QUndoStack()
    made = StyleBench(stack)
    made.stack = stack  # type: ignore[attr-defined]
    made.load([Style("one", X, "random", pinned=True), Style("two", Y, "random")])
    return made


def names(bench: StyleBench) -> list[str]:
    return [s.name for s in bench.styles]


def test_drawing_anew_keeps_what_is_pinned_and_can_be_undone(bench: StyleBench) -> None:
    bench.draw_anew("draw", [Style("one", Y, "cover"), Style("three", Y, "cover")])
    assert names(bench) == ["one", "one (2)", "three"]
    bench.stack.undo()  # type: ignore[attr-defined]
    assert names(bench) == ["one", "two"]
    bench.stack.redo()  # type: ignore[attr-defined]
    assert names(bench) == ["one", "one (2)", "three"]


def test_rename_pin_and_drop_are_one_step_each(bench: StyleBench) -> None:
    bench.rename(1, "  one ")
    assert names(bench) == ["one", "one (2)"]
    bench.pin(1)
    assert bench.styles[1].pinned
    bench.drop([0])
    assert names(bench) == ["one (2)"]
    stack: QUndoStack = bench.stack  # type: ignore[attr-defined]
    assert stack.count() == 3
    assert stack.undoText() == "drop one"
    while stack.canUndo():
        stack.undo()
    assert names(bench) == ["one", "two"]


def test_an_edit_that_changes_nothing_is_no_step(bench: StyleBench) -> None:
    bench.rename(0, "one")
    bench.edit("nothing", bench.styles)
    assert bench.stack.count() == 0  # type: ignore[attr-defined]


def test_names_give_way() -> None:
    assert free_name("a", ["a", "a (2)"]) == "a (3)"
    assert free_name("b", ["a"]) == "b"
