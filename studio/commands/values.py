"""Readers of the values that commands take; what cannot be read is said in one line."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any


def size(text: str) -> tuple[int, int]:
    """``452x256`` as (width, height)."""
    width, mark, height = text.lower().partition("x")
    if not (mark and width.isdigit() and height.isdigit() and 32 <= int(width) <= 4096 and 32 <= int(height) <= 4096):
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write for example 452x256 (sides of 32 to 4096)")
    return int(width), int(height)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive whole number")
    return int(text)


def count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0 up")
    return int(text)


MOST_SEED = 2**62


def seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > 19 or int(text) > MOST_SEED:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no seed; write a whole number of 0 to 2^62")
    return int(text)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive number of seconds")
    return value


def checkpoint(text: str) -> str:
    """``last``, ``best`` or the number of a step."""
    if text in ("last", "best"):
        return text
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no checkpoint; write last, best or the number of a step")
    return str(int(text))


def shares(text: str) -> tuple[float, float, float]:
    """``0.8,0.1,0.1`` as shares of train, validation and test."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or min(values) < 0 or abs(sum(values) - 1) > 1e-6:
        raise argparse.ArgumentTypeError(f"'{text}' are no shares; write three that add up to 1, such as 0.8,0.1,0.1")
    return values[0], values[1], values[2]


def numbers(text: str) -> tuple[float, ...]:
    """``0.1,-2,0.5``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' are no numbers separated by commas") from None


def names(text: str) -> tuple[str, ...]:
    """``a,b,c``."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def setting(text: str) -> tuple[str, Any]:
    """``name=value``; the value is read as JSON where it is JSON, else as text."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is no setting; write NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def target(text: str) -> tuple[str, float]:
    """``gallbladder=0.2``: a class and its share of the pixels."""
    name, mark, value = text.partition("=")
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not (mark and name.strip() and 0 <= share <= 1):
        raise argparse.ArgumentTypeError(f"'{text}' is no target; write CLASS=SHARE, for example gallbladder=0.2")
    return name, share


def class_colour(text: str) -> tuple[str, tuple[int, int, int]]:
    """``liver=#d55e00``: a class and its colour."""
    name, _, value = text.rpartition("=")
    if not name.strip() or not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise argparse.ArgumentTypeError(f"'{text}' is no class colour; write CLASS=#RRGGBB, such as liver=#d55e00")
    return name, (int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16))


def merge(text: str) -> tuple[str, str]:
    """``ligament=fat``: count the first class as the second."""
    source, mark, target = text.partition("=")
    if not mark or not source or not target:
        raise argparse.ArgumentTypeError(f"'{text}' is no merge; write CLASS=CLASS, for example ligament=fat")
    return source, target
