"""Numbers, times and sizes as people read them."""

from __future__ import annotations


def count(number: float, unit: str = "", *, one: str = "") -> str:
    """``12,345 frames``; ``one`` is the unit's singular (default: the unit without its final s)."""
    text = f"{number:,.0f}" if float(number).is_integer() or abs(number) >= 100 else f"{number:.1f}"
    if not unit:
        return text
    return f"{text} {(one or unit.removesuffix('s')) if number == 1 else unit}"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def rate(per_second: float, unit: str) -> str:
    """Units per second, or per minute when they are slow."""
    name = unit or "steps"
    return f"{per_second:.1f} {name}/s" if per_second >= 1 else f"{per_second * 60:.1f} {name}/min"


def size(number_of_bytes: float) -> str:
    """``1.3 MB``, in powers of 1000 like the file browsers show it."""
    for unit in ("B", "kB", "MB", "GB"):
        if number_of_bytes < 1000:
            return f"{number_of_bytes:.0f} {unit}" if unit == "B" else f"{number_of_bytes:.1f} {unit}"
        number_of_bytes /= 1000
    return f"{number_of_bytes:.1f} TB"
