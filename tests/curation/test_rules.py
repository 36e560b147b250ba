"""Rules: what they accept, what they refuse and where they say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curation.measures import find_measure, known_measure, named_measures
from studio.curation.rules import parse_rule
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

MEASURES = {"validity": 0.7, "ms_ssim": 0.4, "validity.liver": 0.65, "validity.abdominal wall": 0.2}


@pytest.mark.parametrize(
    ("text", "accepts"),
    [
        ("validity >= 0.7", True),
        ("validity > 0.7", False),
        ("0.7 <= validity", True),
        ("validity >= 70%", True),
        ("not (ms_ssim < 0.5)", False),
        ("validity >= 0.8 and not (ms_ssim < 0.5) or validity.liver > 0.6", True),
        ("validity >= 0.8 and (not ms_ssim < 0.5 or validity.liver > 0.6)", False),
        ('validity."abdominal wall" < .3', True),
        ("validity.'Abdominal Wall' == 2e-1", True),
        ("validity.abdominal_wall != 0.2", False),
        ("VALIDITY > validity.liver", True),
        ("validity.fat > 0.1", None),
        ("validity.fat > 0.1 and validity > 0.9", False),
        ("validity.fat > 0.1 or validity > 0.5", True),
        ("not validity.fat > 0.1", None),
    ],
)
def test_accepts(text: str, accepts: bool | None) -> None:
    assert parse_rule(text).accepts(MEASURES) is accepts


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("validity >", 11),
        ("validity >= 0.8 and", 20),
        ("validity = 0.8", 10),
        ("validity >= 0,8", 14),
        ("validity >= 0.8 ms_ssim > 1", 17),
        ("(validity > 0.5", 16),
        ("validity > 0.5)", 15),
        ("0.1 < validity < 0.9", 16),
        ("1 < 2", 6),
        ("validity", 9),
        ("validity > 0.5 && ms_ssim > 1", 16),
        ("__import__('os')", 12),
        ("validity.lambda: 3", 16),
    ],
)
def test_refuses_and_names_the_column(text: str, column: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_rule(text)
    message = str(caught.value)
    assert f"column {column}:" in message
    assert caught.value.remedy
    assert "\n" not in message


def test_deep_nesting_is_refused_not_a_crash() -> None:
    for text in ("(" * 1500, "not " * 450 + "validity > 1"):
        with pytest.raises(InputError, match="within one another"):
            parse_rule(text)
    with pytest.raises(InputError, match="2000"):
        parse_rule("validity > 0 and " * 1000)


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_an_input_error(text: str) -> None:
    try:
        rule = parse_rule(text)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert rule.accepts({}) in (True, False, None)


@given(st.recursive(st.sampled_from(["validity > 0.5", "ms_ssim < 0.5", "gone > 0"]), lambda inner: st.one_of(
    inner.map(lambda a: f"not ({a})"),
    st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
), max_leaves=8))  # fmt: skip
def test_agrees_with_kleene_logic(text: str) -> None:
    """Against min, max and 1 - x over 0, 1/2 and 1, computed by Python itself from a rewritten text."""

    class Value(float):
        def __and__(self, other: float) -> Value:
            return Value(min(self, other))

        def __or__(self, other: float) -> Value:
            return Value(max(self, other))

        def __invert__(self) -> Value:
            return Value(1 - self)

    rewritten = text.replace("not", "~").replace("and", "&").replace("or", "|")
    for part, value in (("validity > 0.5", 1), ("ms_ssim < 0.5", 0), ("gone > 0", 0.5)):
        rewritten = rewritten.replace(part, f"V({value})")
    expected = {0.0: False, 0.5: None, 1.0: True}[float(eval(rewritten, {"V": Value}))]
    assert parse_rule(text).accepts({"validity": 0.9, "ms_ssim": 0.9}) is expected


def test_missing_measures_are_named() -> None:
    rule = parse_rule("validity > 0 and validity.fat > 0 and b > a")
    assert rule.missing(MEASURES) == ("a", "b", "validity.fat")
    assert rule.accepts({**MEASURES, "validity.fat": float("nan"), "a": 0, "b": 1}) is None


def test_named_measures_carry_class_names() -> None:
    named = named_measures(0.5, {"ms_ssim": 0.1}, {1: 0.3, 3: 0.2, 99: 0.0}, classes=STUDIO_CLASSES)
    assert named == {"validity": 0.5, "ms_ssim": 0.1, "validity.liver": 0.3, "validity.abdominal wall": 0.2}
    assert find_measure(named, "Validity.Abdominal-Wall") == 0.2
    assert known_measure("validity.abdominal_wall", frozenset(named)) == "validity.abdominal wall"
    with pytest.raises(InputError, match=r"validity\.liver"):
        known_measure("beauty", frozenset(named))
