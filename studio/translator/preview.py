"""The preview engine: a child process that shows frames in styles, newest question first.

    python -m studio.translator.preview RUN_DIR [--device auto] [--checkpoint last|best|STEP]

Pure standard streams. The window writes one JSON object a line; numbers of a generation only grow, and a question of
a newer generation makes the engine drop what is left of older ones:

    {"ask": "pictures", "generation": 7, "frames": ["/path/a.png", …], "codes": [[8 numbers], …],
     "coarse": 128, "sharp": 512}      widths in px; 0 leaves that pass out (sharp 0: only coarse), -1: as the frame is
    {"ask": "code", "generation": 8, "frame": "/path/real.png"}     the style of a real frame
    {"ask": "end"}                                                  or simply close the stream

Each answer is a JSON line; after a picture's line come exactly ``bytes`` bytes of 8-bit RGB, rows from the top:

    {"answer": "ready", "style_size": 8, "fingerprint": "…", "precision": "fp32"}
    {"answer": "picture", "generation": 7, "frame": 0, "style": 2, "quality": "coarse", "width": 128, "height": 72,
     "bytes": 27648}                                                frame and style count from 0 in the question
    {"answer": "code", "generation": 8, "code": [8 numbers]}
    {"answer": "done", "generation": 7}                             the question is answered in full
    {"answer": "unreadable", "generation": 7, "frame": 0, "text": "one line"}    the other frames still come
    {"answer": "error", "generation": 7, "text": "one line"}        it cannot be; the engine goes on

All coarse pictures come before the first sharp one. A frame's content is encoded once a size and kept for the frames
used last, so that another style costs only its decoding.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from studio.files.pictures import read_reference, read_rgb
from studio.jobs.answers import send_answer
from studio.translator.data import at_width
from studio.translator.inference import Content, Translator, load_translator
from studio.translator.settings import LEAST_SIDE
from studio.vocabulary.errors import InputError, TrocarError

_CONTENTS_KEPT = 96


@dataclass(frozen=True, eq=False)
class Question:
    """A checked question. ``codes_NS`` is empty for a question about a frame's own style."""

    ask: str
    generation: int
    frames: tuple[Path, ...]
    codes_NS: np.ndarray
    widths: tuple[tuple[str, int], ...] = ()


class Mailbox:
    """The newest line that has come in, put there by a reading thread."""

    def __init__(self, incoming: BinaryIO) -> None:
        self._incoming = incoming
        self._lines: list[bytes] = []
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="preview questions", daemon=True).start()

    def _read(self) -> None:
        for line in self._incoming:
            if line.strip():
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify()
        with self._changed:
            self._ended = True
            self._changed.notify()

    def next(self) -> bytes | None:
        """Wait for a line; None when the stream has ended."""
        with self._changed:
            while not self._lines and not self._ended:
                self._changed.wait()
            return self._lines.pop(0) if self._lines else None

    @property
    def waiting(self) -> bool:
        with self._changed:
            return bool(self._lines) or self._ended


def serve(incoming: BinaryIO, outgoing: BinaryIO, translator: Translator) -> None:
    """Answer questions until the stream ends."""
    mailbox = Mailbox(incoming)
    engine = Engine(translator)
    send_answer(outgoing, {"answer": "ready", "style_size": translator.style_size,
                           "fingerprint": translator.fingerprint, "precision": translator.precision})  # fmt: skip
    unanswered: Iterator[tuple[dict[str, Any], bytes]] = iter(())
    newest = -1
    while True:
        if mailbox.waiting or (answer := next(unanswered, None)) is None:
            line = mailbox.next()
            if line is None:
                return
            try:
                question = read_question(line)
            except InputError as error:
                send_answer(outgoing, {"answer": "error", "generation": newest, "text": str(error)})
                continue
            if question.ask == "end":
                return
            if question.generation >= newest:
                newest, unanswered = question.generation, engine.answers(question)
            continue
        send_answer(outgoing, *answer)


def read_question(line: bytes) -> Question:
    """Raise InputError when the line is no question."""
    try:
        value = json.loads(line)
        ask = str(value["ask"])
        if ask == "end":
            return Question(ask, 0, (), np.zeros((0, 0), np.float32))
        generation = int(value["generation"])
        if ask == "code":
            return Question(ask, generation, (Path(value["frame"]),), np.zeros((0, 0), np.float32))
        if ask == "pictures":
            widths = tuple((name, int(value.get(name, 0))) for name in ("coarse", "sharp"))
            codes_NS = np.array(value["codes"], np.float32, ndmin=2)
            return Question(ask, generation, tuple(Path(f) for f in value["frames"]), codes_NS, widths)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a question ({error})", where="preview") from error
    raise InputError(f"unknown question '{ask}'", where="preview")


class Engine:
    """Answers one question at a time, piece by piece, and keeps contents between questions."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._contents: OrderedDict[tuple[Path, int], Content] = OrderedDict()

    def answers(self, question: Question) -> Iterator[tuple[dict[str, Any], bytes]]:
        """(header, bytes) pairs; an error ends the question, never the engine."""
        number = {"generation": question.generation}
        try:
            if question.ask == "code":
                code_S = self._translator.encode_style(read_reference(question.frames[0]))
                yield {"answer": "code", **number, "code": [float(v) for v in code_S]}, b""
            else:
                yield from self._pictures(question)
        except (TrocarError, OSError) as error:
            yield {"answer": "error", **number, "text": " ".join(str(error).split())}, b""
            return
        yield {"answer": "done", **number}, b""

    def _pictures(self, question: Question) -> Iterator[tuple[dict[str, Any], bytes]]:
        unreadable: set[int] = set()
        for quality, width in question.widths:
            for frame, path in enumerate(question.frames if width else ()):
                if frame in unreadable:
                    continue
                try:
                    content = self._content(path, width)
                except (TrocarError, OSError) as error:
                    unreadable.add(frame)
                    said = {"answer": "unreadable", "generation": question.generation, "frame": frame}
                    yield {**said, "text": " ".join(str(error).split())}, b""
                    continue
                for style in range(len(question.codes_NS)):
                    picture_HW3 = self._translator.render(content, question.codes_NS[style : style + 1])[0]
                    data = picture_HW3.tobytes()
                    yield {
                        "answer": "picture", "generation": question.generation, "frame": frame, "style": style,
                        "quality": quality, "width": content.width, "height": content.height, "bytes": len(data),
                    }, data  # fmt: skip

    def _content(self, path: Path, width: int) -> Content:
        key = (path, width)
        if key not in self._contents:
            picture_HW3 = read_rgb(path)
            self._contents[key] = self._translator.set_frame(at_width(picture_HW3, _width_for(picture_HW3, width)))
            while len(self._contents) > _CONTENTS_KEPT:
                self._contents.popitem(last=False)
        self._contents.move_to_end(key)
        return self._contents[key]


def _width_for(picture_HW3: np.ndarray, wanted: int) -> int:
    """The width that was asked for (-1: the frame's own), but no larger than the frame, nor so small that a wide
    frame is too low to be translated."""
    height, width = int(picture_HW3.shape[0]), int(picture_HW3.shape[1])
    least = -(-LEAST_SIDE * width // height)
    return width if wanted < 0 else min(max(wanted, least), width)


def main(arguments: list[str]) -> int:
    """Exit status 0 at the end of the stream, 2 with an error line on the stream when the run cannot be loaded."""
    outgoing = sys.stdout.buffer
    # Whatever prints must not end up between the answers.
    sys.stdout = sys.stderr
    try:
        translator = load_translator(
            Path(arguments[0]), device=_option(arguments, "--device", "auto"),
            checkpoint=_option(arguments, "--checkpoint", "last"),
        )  # fmt: skip
    except (TrocarError, IndexError) as error:
        send_answer(outgoing, {"answer": "error", "generation": -1, "text": str(error) or "no run was named"})
        return 2
    try:
        serve(sys.stdin.buffer, outgoing, translator)
    except BrokenPipeError:
        return 0
    return 0


def _option(arguments: list[str], name: str, standard: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else standard


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
