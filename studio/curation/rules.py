"""Rules such as ``validity >= 0.8 and not (ms_ssim < 0.5)``: read, checked and evaluated without running any code.

Grammar, loosest first::

    either   = both {"or" both}
    both     = negated {"and" negated}
    negated  = "not" negated | "(" either ")" | comparison
    compared = operand ("<" | "<=" | ">" | ">=" | "==" | "!=") operand
    operand  = number | measure
    measure  = word {"." (word | '"' any text '"')}

A measure that a translation lacks makes its comparison unknown; ``and``, ``or`` and ``not`` then follow Kleene's
three-valued logic, so that a rule decides wherever the known measures suffice.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from studio.curation.measures import find_measure
from studio.curation.rule_words import Word, split_words
from studio.vocabulary.errors import InputError

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_MAX_LENGTH, _MAX_DEPTH = 2000, 40


@dataclass(frozen=True, slots=True)
class Comparison:
    left: str | float
    sign: str
    right: str | float

    def holds(self, measures: Mapping[str, float]) -> bool | None:
        left, right = (_value(side, measures) for side in (self.left, self.right))
        return None if left is None or right is None else _COMPARE[self.sign](left, right)

    def names(self) -> Iterator[str]:
        yield from (side for side in (self.left, self.right) if isinstance(side, str))


@dataclass(frozen=True, slots=True)
class Negation:
    inner: Expression

    def holds(self, measures: Mapping[str, float]) -> bool | None:
        inner = self.inner.holds(measures)
        return None if inner is None else not inner

    def names(self) -> Iterator[str]:
        yield from self.inner.names()


@dataclass(frozen=True, slots=True)
class Junction:
    """``decided_by`` False: all parts must hold (and); True: one part must (or)."""

    parts: tuple[Expression, ...]
    decided_by: bool

    def holds(self, measures: Mapping[str, float]) -> bool | None:
        results = [part.holds(measures) for part in self.parts]
        if self.decided_by in results:
            return self.decided_by
        return None if None in results else not self.decided_by

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


Expression = Comparison | Negation | Junction


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule. ``text`` is what the person wrote."""

    text: str
    expression: Expression

    @property
    def measures(self) -> frozenset[str]:
        """Names of the measures that the rule asks for."""
        return frozenset(self.expression.names())

    def accepts(self, measures: Mapping[str, float]) -> bool | None:
        """True: accept; False: reject; None: a measure that would decide is missing (or not a number)."""
        return self.expression.holds(measures)

    def missing(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """The rule's measures that these lack, in alphabetical order."""
        return tuple(sorted(n for n in self.measures if find_measure(measures, n) is None))


def parse_rule(text: str) -> Rule:
    """Read a rule; raise InputError that names the column (from 1) where it stops making sense, and the way out."""
    if len(text) > _MAX_LENGTH:
        raise InputError(f"the rule has more than {_MAX_LENGTH} characters", where="rule", remedy="Shorten it.")
    parser = _Parser(split_words(text), text)
    expression = parser.either(depth=0)
    parser.expect_end()
    return Rule(text.strip(), expression)


def _value(side: str | float, measures: Mapping[str, float]) -> float | None:
    return find_measure(measures, side) if isinstance(side, str) else side


class _Parser:
    """Recursive descent over the words of one rule."""

    def __init__(self, words: list[Word], text: str) -> None:
        self._words = words
        self._text = text
        self._at = 0

    def either(self, *, depth: int) -> Expression:
        return self._junction("or", lambda: self._both(depth), decided_by=True)

    def _both(self, depth: int) -> Expression:
        return self._junction("and", lambda: self._negated(depth), decided_by=False)

    def _junction(self, word: str, part: Callable[[], Expression], *, decided_by: bool) -> Expression:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(tuple(parts), decided_by)

    def _negated(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            self._fail("too many brackets or 'not' within one another", "Write the rule more simply.")
        if self._take("not"):
            return Negation(self._negated(depth + 1))
        if self._take("("):
            inner = self.either(depth=depth + 1)
            if not self._take(")"):
                self._fail("a closing bracket is missing", "Add ')'.")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        left = self._operand()
        sign = self._word
        if sign.kind != "sign":
            self._fail("a comparison is expected", "Write for example: validity >= 0.8.")
        self._at += 1
        right = self._operand()
        if self._word.kind == "sign":
            self._fail("two comparisons in a row", "Join them with 'and': 0.2 < validity and validity < 0.8.")
        if isinstance(left, float) and isinstance(right, float):
            self._fail("two numbers are compared", "Name a measure on one side, for example validity.")
        return Comparison(left, sign.text, right)

    def _operand(self) -> str | float:
        word = self._word
        if word.kind not in ("number", "measure"):
            self._fail("a measure or a number is expected", "Write for example: validity >= 0.8.")
        self._at += 1
        return float(word.text) if word.kind == "number" else word.text

    def expect_end(self) -> None:
        if self._word.kind != "end":
            self._fail(f"'{self._word.text}' is not expected here", "Join comparisons with 'and' or 'or'.")

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _take(self, text: str) -> bool:
        word = self._word
        found = word.kind == "mark" and word.text == text
        self._at += found
        return found

    def _fail(self, what: str, remedy: str) -> None:
        raise InputError(what, where=f"rule, column {self._word.column}", remedy=remedy)
