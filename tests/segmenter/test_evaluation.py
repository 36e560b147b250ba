"""Evaluation beside the trivial predictor, and the report's three files."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.jobs.events import Note
from studio.jobs.stages import result_of
from studio.segmenter.evaluation import Evaluated, LabelledPair, evaluate
from studio.segmenter.report.story import TRIVIAL, Example, PictureStatistics, Story
from studio.segmenter.training import train_segmenter
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES
from tests.segmenter.toy import TINY, toy_pairs

NASTY = '<script>alert("x")</script> & "Müller"\n'
VOID = {"meta", "img", "path", "circle", "rect", "line"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    result_of(train_segmenter(folder / "run", toy_pairs(folder / "pairs"), TINY))
    return folder / "run"


def labelled(folder: Path, *, groups: tuple[str, ...] = ("", "")) -> list[LabelledPair]:
    pairs = toy_pairs(folder, count=6, patients=2, seed=9)
    return [LabelledPair(p.image, p.mask, p.patient, groups[int(p.patient[-1])]) for p in pairs]


class Page(HTMLParser):
    """Checks that tags close in order, and gathers the text and what lies elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_trivial_predictor_is_what_can_be_counted_by_hand(run: Path, tmp_path: Path) -> None:
    """A lit left half, its upper half liver: everything lit as liver has Dice 2 * 1 / (2 + 1)."""
    image_HW3 = np.zeros((40, 80, 3), np.uint8)
    image_HW3[:, :40] = 150
    ids_HW = np.zeros((40, 80), np.uint8)
    ids_HW[:20, :40] = 1
    write_png(tmp_path / "a.png", image_HW3)
    write_png(tmp_path / "a_ids.png", ids_HW)
    pair = LabelledPair(tmp_path / "a.png", tmp_path / "a_ids.png", "p")
    result = result_of(evaluate([Evaluated("net", run)], [pair], tmp_path / "report"))
    means = result["means"][TRIVIAL]["liver"]
    assert means["dice"] == pytest.approx(2 / 3, abs=1e-6)
    assert means["iou"] == pytest.approx(1 / 2, abs=1e-6)
    assert means["hd95"] == pytest.approx(20, abs=1.1)


def test_means_are_those_of_patients_in_all_files(run: Path, tmp_path: Path) -> None:
    result = result_of(
        evaluate([Evaluated("net", run)], labelled(tmp_path)[:4] + labelled(tmp_path)[5:], tmp_path / "r")
    )
    with (tmp_path / "r" / "report.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    frames = [r for r in table if r["level"] == "frame" and r["regime"] == "net"]
    by_patient = [
        np.mean([float(r["dice"]) for r in frames if r["patient"] == p and r["dice"]])
        for p in ("patient 0", "patient 1")
    ]
    assert len(frames) == 5
    assert result["dice"]["net"]["mean"] == pytest.approx(np.mean(by_patient), abs=1e-5)
    assert list(result["dice"]["net"]["patients"].values()) == pytest.approx(by_patient, abs=1e-5)
    stored = json.loads((tmp_path / "r" / "report.json").read_text())
    (mean,) = (m for m in stored["means"] if m["regime"] == "net")
    assert mean["dice"] == pytest.approx(np.mean(by_patient), abs=1e-5)
    assert mean["patients"] == 2
    assert (result["patients"], result["frames"]) == (2, 5)


def test_groups_are_told_apart(run: Path, tmp_path: Path) -> None:
    pairs = labelled(tmp_path, groups=("warm", "cold"))
    result = result_of(evaluate([Evaluated("net", run)], pairs, tmp_path / "r"))
    assert result["groups"]["warm"]["net"] == result["dice"]["net"]["patients"]["patient 0"]
    text = Page((tmp_path / "r" / "report.html").read_text()).text
    assert "Mean, warm" in text
    assert "Mean, cold" in text


def test_the_page_is_whole_alone_and_escaped(run: Path, tmp_path: Path) -> None:
    pairs = [LabelledPair(p.image, p.mask, p.patient + NASTY, NASTY) for p in labelled(tmp_path)]
    image = pairs[0].image
    story = Story(
        title=NASTY, made=NASTY, facts=((NASTY, NASTY),), cautions=(NASTY,),
        examples=(Example(image, (image,), NASTY),),
        statistics=(PictureStatistics(NASTY, 0.4, 0.3, 5.0, 6), PictureStatistics("footage", float("nan"), 0.2, 0.0)),
        classes=STUDIO_CLASSES.recoloured({"liver": (1, 2, 3)}),
    )  # fmt: skip
    result_of(evaluate([Evaluated(NASTY, run), Evaluated("b", run)], pairs, tmp_path / "r", story=story))
    source = (tmp_path / "r" / "report.html").read_text()
    page = Page(source)
    assert page.open == []
    assert "script" not in page.tags
    assert "background:#010203" in source, "predictions are laid over frames in the project's colour"
    assert page.text.count('<script>alert("x")</script>') > 10
    assert page.links
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert not re.search(r"url\(|@import|https?:", source)
    with (tmp_path / "r" / "report.csv").open(newline="") as file:
        assert f"patient 0{NASTY}" in {row["patient"] for row in csv.DictReader(file)}


def test_names_that_are_no_text_in_any_encoding(run: Path, tmp_path: Path) -> None:
    pairs = [LabelledPair(p.image, p.mask, "p\udcff") for p in labelled(tmp_path)]
    result_of(evaluate([Evaluated("net", run)], pairs, tmp_path / "r"))
    assert "p?" in (tmp_path / "r" / "report.html").read_text()
    assert json.loads((tmp_path / "r" / "report.json").read_text())["patients"][0]["patient"] == "p?"


def test_the_same_evaluation_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    pairs = labelled(tmp_path)
    for name in ("a", "b"):
        result_of(evaluate([Evaluated("net", run)], pairs, tmp_path / name))
    for file in ("report.html", "report.csv", "report.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_classes_absent_from_the_labels_are_not_scored(tmp_path: Path) -> None:
    settings = TINY.from_values(
        {"size": [64, 36], "width": 8, "steps": 2, "batch": 2, "classes": ["liver", "gallbladder"]}
    )
    result_of(train_segmenter(tmp_path / "run", toy_pairs(tmp_path / "pairs"), settings))
    job = list(evaluate([Evaluated("net", tmp_path / "run")], labelled(tmp_path / "l"), tmp_path / "r"))
    assert any(isinstance(e, Note) and "gallbladder" in e.text and e.level == "warning" for e in job)
    stored = json.loads((tmp_path / "r" / "report.json").read_text())
    assert stored["classes"] == ["liver"]


def test_frames_without_liver_have_no_figure(run: Path, tmp_path: Path) -> None:
    pairs = labelled(tmp_path)
    write_png(pairs[0].mask, np.full((36, 64), 255, np.uint8))
    result_of(evaluate([Evaluated("net", run)], pairs, tmp_path / "r"))
    frames = json.loads((tmp_path / "r" / "report.json").read_text())["frames"]
    assert [f["dice"] is None for f in frames if f["regime"] == "net"] == [True] + [False] * 5


def test_refusals(run: Path, tmp_path: Path) -> None:
    pairs = labelled(tmp_path)
    net = Evaluated("net", run)
    other = [
        LabelledPair(pairs[0].image, pairs[0].mask, "a", "x"),
        LabelledPair(pairs[1].image, pairs[1].mask, "a", "y"),
    ]
    empty = toy_pairs(tmp_path / "no liver", count=1)
    write_png(empty[0].mask, np.zeros((36, 64), np.uint8))
    without = [LabelledPair(p.image, p.mask, p.patient) for p in empty]
    absent = Evaluated("x", tmp_path / "absent")
    for runs, frames, said in (
        ([], pairs, "no segmenter"),
        ([net], [], "no labelled"),
        ([net, net], pairs, "same name"),
        ([Evaluated(TRIVIAL, run)], pairs, "same name"),
        ([net], [pairs[0], pairs[0]], "twice"),
        ([net], other, "two groups"),
        ([net], without, "none of"),
        ([absent], pairs, "absent"),
    ):
        with pytest.raises(InputError, match=said):
            result_of(evaluate(runs, frames, tmp_path / "r"))
    with pytest.raises(InputError, match="fat"):
        result_of(evaluate([net], pairs, tmp_path / "r", classes=["fat"]))
    assert not (tmp_path / "r").exists()


def test_frames_that_a_run_was_trained_on_are_refused(run: Path, tmp_path: Path) -> None:
    """Also by way of the run that it was fine-tuned from."""
    folder = run.parent / "pairs"
    trained = LabelledPair(folder / "000.png", folder / "000_ids.png", "p")
    tuned = tmp_path / "tuned"
    result_of(train_segmenter(tuned, toy_pairs(tmp_path / "other"), replace(TINY, steps=1), init=run))
    for path in (run, run / "segmenter.safetensors", tuned):
        with pytest.raises(InputError, match="was trained on this frame"):
            result_of(evaluate([Evaluated("net", path)], [trained], tmp_path / "r"))


def test_patients_that_a_run_was_trained_on_are_named(run: Path, tmp_path: Path) -> None:
    """The toy's patients bear the same names in training and here."""
    events = list(evaluate([Evaluated("net", run)], labelled(tmp_path), tmp_path / "r"))
    assert any(isinstance(e, Note) and "patient 0, patient 1" in e.text for e in events)
    assert "too good" in Page((tmp_path / "r" / "report.html").read_text()).text
    renamed = [LabelledPair(p.image, p.mask, f"real {p.patient}") for p in labelled(tmp_path)]
    assert not any(
        isinstance(e, Note) and e.level == "warning" for e in evaluate([Evaluated("net", run)], renamed, tmp_path / "r")
    )


def test_closing_midway_leaves_no_half_report(run: Path, tmp_path: Path) -> None:
    job = evaluate([Evaluated("net", run)], labelled(tmp_path), tmp_path / "r")
    next(job)
    job.close()
    assert not (tmp_path / "r").exists()


def test_real_labelled_frames(run: Path, testdata: Path, tmp_path: Path) -> None:
    """Human masks (255 = liver) through a reader of one's own; the trivial figure is computed here independently."""
    from studio.files.pictures import read_grey_levels, read_rgb

    def as_ids(path: Path) -> np.ndarray:
        values = read_grey_levels(path)
        return np.where((values if values.ndim == 2 else values[..., 0]) > 127, 1, 0).astype(np.uint8)

    folders = sorted((testdata / "real_labelled").glob("*/frames"))
    images = [sorted(folder.glob("*.png"))[0] for folder in folders]
    pairs = [LabelledPair(i, i.parent.parent / "masks" / i.name, i.parent.parent.name) for i in images]
    result = result_of(evaluate([Evaluated("net", run)], pairs, tmp_path / "r", read_mask=as_ids))
    assert result["patients"] == 4
    rough = []
    for pair in pairs:
        truth_HW, lit_HW = as_ids(pair.mask) == 1, read_rgb(pair.image).max(axis=2) > 16
        rough.append(2 * (truth_HW & lit_HW).sum() / (truth_HW.sum() + lit_HW.sum()))
    assert result["dice"][TRIVIAL]["mean"] == pytest.approx(np.mean(rough), abs=0.05)
