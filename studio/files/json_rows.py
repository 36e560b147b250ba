"""JSON files of many rows, read row by row: the text of one row is in memory, never the whole file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

_CHUNK = 1 << 16
_BLANKS = " \t\r\n"
_DECODER = json.JSONDecoder()

Place = tuple[str | int, ...]


def rows_in(path: Path, *, inside: str | None = None) -> Iterator[tuple[Place, Any]]:
    """Entries of the file's list or object, as ((position or key,), value).

    With ``inside``, the entries of the list under that key come as ((inside, position), value), those beside it as
    ((key,), value). Something else than a list or an object comes as ((), value). Raise OSError, or ValueError for what
    is no JSON.
    """
    with path.open(encoding="utf-8") as file:
        text = _Text(file)
        if text.peek() == "[":
            yield from (((i,), value) for i, value in enumerate(_items(text)))
        elif text.peek() == "{":
            yield from _entries(text, inside)
        else:
            yield (), text.value()
        if text.peek():
            raise ValueError("there is more after its end")


class _Text:
    """A file's text from where reading has come to."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._held, self._at = file, "", 0

    def _more(self, wanted: int = _CHUNK) -> bool:
        read = self._file.read(wanted)
        self._held, self._at = self._held[self._at :] + read, 0
        return bool(read)

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def take(self, characters: str) -> str:
        found = self.peek()
        if not found or found not in characters:
            raise ValueError(f"'{characters[0]}' is missing" + (f" before '{found}'" if found else " at its end"))
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value whole, however far it reaches."""
        self.peek()
        wanted = _CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except ValueError:
                if not self._more(wanted):
                    raise
            else:
                # A number may go on in what has not been read.
                begin = self._at
                if end < len(self._held) or not self._more(wanted):
                    self._at += end - begin
                    return value
            wanted *= 2


def _items(text: _Text) -> Iterator[Any]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",]") == "]":
            return


def _entries(text: _Text, inside: str | None) -> Iterator[tuple[Place, Any]]:
    text.take("{")
    if text.peek() == "}":
        text.take("}")
        return
    while True:
        key = text.value()
        if not isinstance(key, str):
            raise ValueError("a key is no text")
        text.take(":")
        if key == inside and text.peek() == "[":
            yield from (((key, i), value) for i, value in enumerate(_items(text)))
        else:
            yield (key,), text.value()
        if text.take(",}") == "}":
            return
