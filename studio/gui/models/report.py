"""A report's figures and pictures, read back from its folder."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from studio.vocabulary.errors import InputError

Measure = Literal["dice", "iou", "hd95"]
MEASURES: dict[Measure, tuple[str, int, str]] = {
    "dice": ("Dice", 2, ""), "iou": ("IoU", 2, ""), "hd95": ("Hausdorff 95 %", 1, "px"),
}  # fmt: skip
"""Title, digits, unit."""
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Report:
    """``patient_values[measure][class][regime][patient]``; None where there is no figure."""

    classes: tuple[str, ...]
    regimes: tuple[str, ...]
    patients: tuple[str, ...]
    trivial: str
    values: Mapping[tuple[str, str, str], Mapping[str, float | None]]
    means: Mapping[tuple[str, str], Mapping[str, float | None]]
    facts: Mapping[str, str] = field(default_factory=dict)

    def value(self, measure: Measure, class_name: str, regime: str, patient: str) -> float | None:
        return self.values.get((class_name, regime, patient), {}).get(measure)

    def mean(self, measure: Measure, class_name: str, regime: str) -> float | None:
        """The mean of the patients."""
        return self.means.get((class_name, regime), {}).get(measure)


def read_report(folder: Path) -> Report:
    """Read report.json; raise InputError when it is gone, damaged or newer."""
    path = folder / "report.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if rows.get("format") != "trocar-report" or rows.get("version") != 1:
            raise InputError("not a report that this program knows", where=path, remedy="Evaluate again.")
        trivial = str(rows.get("trivial") or "")
        regimes = ((trivial,) if trivial else ()) + tuple(str(r["name"]) for r in rows["regimes"])
        patients = tuple(dict.fromkeys(str(p["patient"]) for p in rows["patients"]))
        return Report(
            tuple(map(str, rows["classes"])), regimes, patients, trivial,
            {(p["class"], p["regime"], p["patient"]): _figures(p) for p in rows["patients"]},
            {(m["class"], m["regime"]): _figures(m) for m in rows["means"]},
            {str(r["name"]): _facts(r) for r in rows["regimes"]},
        )  # fmt: skip
    except OSError as error:
        raise InputError("the report is gone", where=path, remedy="Evaluate again.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the report is damaged ({error})", where=path, remedy="Evaluate again.") from error


def _figures(row: Mapping[str, Any]) -> dict[str, float | None]:
    return {m: None if row.get(m) is None else float(row[m]) for m in MEASURES}


def _facts(row: Mapping[str, Any]) -> str:
    tuned = ", fine-tuned" if row.get("fine_tuned") else ""
    return (
        f"{row.get('network')}, {row.get('steps')} steps{tuned}; {row.get('pairs')} pictures of {row.get('patients')} "
        f"patients; appearance: {row.get('appearance')}; seed {row.get('seed')}"
    )


@dataclass(frozen=True)
class ReportFrame:
    """A frame shown in the report: why, and (JPEG or PNG bytes, words) of the picture and each prediction."""

    title: str
    pictures: tuple[tuple[bytes, str], ...]


def read_frames(folder: Path) -> list[ReportFrame]:
    """The frames with predictions over them, as report.html shows them, the worst first; none when it is gone."""
    try:
        text = (folder / "report.html").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    reader = _FrameReader()
    reader.feed(text)
    return [f for f in reader.frames if f.pictures and f.pictures[0][1] == "frame"]


class _FrameReader(HTMLParser):
    """Collects ``<div class="frame">`` blocks: a paragraph, and figures of an embedded picture and its caption."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[ReportFrame] = []
        self._depth = 0
        self._title = ""
        self._pictures: list[tuple[bytes, str]] = []
        self._into = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "div":
            if self._depth:
                self._depth += 1
            elif "frame" in (known.get("class") or "").split():
                self._depth, self._title, self._pictures = 1, "", []
        elif self._depth and tag == "img":
            _, found, data = (known.get("src") or "").partition("base64,")
            self._pictures.append((base64.b64decode(data) if found else b"", ""))
        elif self._depth and tag in ("p", "figcaption"):
            self._into = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "figcaption"):
            self._into = ""
        elif tag == "div" and self._depth:
            self._depth -= 1
            if not self._depth:
                pictures = tuple((data, " ".join(words.split())) for data, words in self._pictures)
                self.frames.append(ReportFrame(" ".join(self._title.split()), pictures))

    def handle_data(self, data: str) -> None:
        if self._into == "p":
            self._title += data
        elif self._into == "figcaption" and self._pictures:
            picture, words = self._pictures[-1]
            self._pictures[-1] = picture, words + data


class PatientsTable(QAbstractTableModel):
    """Patients down, regimes across, the mean of the patients last; the best figure of a row stands out."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._report: Report | None = None
        self._measure: Measure = "dice"
        self._class = ""

    def show_report(self, report: Report | None, measure: Measure, class_name: str) -> None:
        self.beginResetModel()
        self._report, self._measure, self._class = report, measure, class_name
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if self._report is None or inside else len(self._report.patients) + 1

    def columnCount(self, parent: Index | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if self._report is None or inside else len(self._report.regimes) + 1

    def _values(self, row: int) -> list[float | None]:
        assert self._report is not None
        report = self._report
        if row >= len(report.patients):
            return [report.mean(self._measure, self._class, r) for r in report.regimes]
        return [report.value(self._measure, self._class, r, report.patients[row]) for r in report.regimes]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        report = self._report
        if report is None or not index.isValid():
            return None
        row, column = index.row(), index.column() - 1
        is_mean = row >= len(report.patients)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column < 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if column < 0:
            name = "Mean of patients" if is_mean else report.patients[row]
            return name if role == Qt.ItemDataRole.DisplayRole else None
        values = self._values(row)
        if role == Qt.ItemDataRole.DisplayRole:
            value = values[column]
            return "–" if value is None else f"{value:.{MEASURES[self._measure][1]}f}"
        if role == Qt.ItemDataRole.FontRole and (is_mean or values[column] == self._best(values)):
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _best(self, values: list[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        if len(known) < 2:
            return None
        return min(known) if self._measure == "hd95" else max(known)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or self._report is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        name = "Patient" if section == 0 else self._report.regimes[section - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.ToolTipRole and section:
            return f"{name}\n{self._report.facts.get(name, 'knows nothing: calls all of the round image the class')}"
        return None
