"""What a process keeps of the patients it worked on last, and how it lets go of them before the next."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from studio.jobs.memory import give_back_freed_memory

Given = ParamSpec("Given")
Made = TypeVar("Made")
_FORGET: list[Callable[[], None]] = []


def kept(last: int) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Decorate a function of hashable values: what it made for the last few of them is kept, until ``let_go``."""

    def decorate(function: Callable[Given, Made]) -> Callable[Given, Made]:
        cached = functools.lru_cache(maxsize=last)(function)
        _FORGET.append(cached.cache_clear)
        return functools.wraps(function)(cached)  # type: ignore[return-value]

    return decorate


def let_go() -> None:
    """Keep nothing any more, and give the memory back.

    Otherwise the last bodies lie there while the next is built, and its arrays between theirs: the holes grow from
    body to body.
    """
    for forget in _FORGET:
        forget()
    give_back_freed_memory()
