"""Splitting a rule's text into words, each with the column where it begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from studio.vocabulary.errors import InputError

WordKind = Literal["number", "measure", "sign", "mark", "end"]

_PATTERN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?)(?![\w.])
      | (?P<measure>[^\W\d]\w*(?:\s*\.\s*(?:\w+|"[^"]*"|'[^']*'))*)
      | (?P<sign><=|>=|==|!=|<|>)
      | (?P<mark>[()])
    )""",
    re.VERBOSE,
)
_CONNECTIVES = frozenset({"and", "or", "not"})
_HINTS = {
    "=": "Write '==' to compare.",
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    "!": "Write 'not' or '!='.",
    "≥": "Write '>='.",
    "≤": "Write '<='.",
    ",": "Write decimals with a point: 0.8.",
    '"': 'Put quotes only around a class name: validity."abdominal wall".',
}


@dataclass(frozen=True, slots=True)
class Word:
    """``column`` counts characters from 1. A measure's text has its quotes removed."""

    kind: WordKind
    text: str
    column: int


def split_words(text: str) -> list[Word]:
    """All words and a last one of kind "end"; raise InputError at the first character that fits no word."""
    words: list[Word] = []
    at = 0
    while text[at:].strip():
        match = _PATTERN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _unknown(text, at)
        words.append(_word(match))
        at = match.end()
    return [*words, Word("end", "", len(text) + 1)]


def _word(match: re.Match[str]) -> Word:
    kind = match.lastgroup
    assert kind is not None
    text, column = match[kind], match.start(kind) + 1
    if kind == "number":
        return Word("number", text if not text.endswith("%") else repr(float(text[:-1]) / 100), column)
    if kind == "measure":
        if text.lower() in _CONNECTIVES:
            return Word("mark", text.lower(), column)
        parts = re.findall(r'"[^"]*"|\'[^\']*\'|\w+', text)
        return Word("measure", ".".join(p.strip("\"'").strip() for p in parts), column)
    return Word("sign" if kind == "sign" else "mark", text, column)


def _unknown(text: str, at: int) -> InputError:
    column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
    character = text[column - 1]
    remedy = _HINTS.get(character, "Use measures, numbers, comparisons, 'and', 'or', 'not' and brackets.")
    return InputError(f"'{character}' is not understood", where=f"rule, column {column}", remedy=remedy)
