"""The product's modules as syntax trees, and what they import wherever the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DYNAMIC_IMPORTS = ("import_module", "__import__")


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its path from the root, its number of lines and its syntax tree."""

    name: str
    path: Path
    lines: int
    tree: ast.Module

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of every import, also those inside functions and by import_module("…")."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Call) and called_name(node).split(".")[-1] in DYNAMIC_IMPORTS:
                yield from ((node.lineno, name) for name in _texts(node.args))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")[: None if self.path.name == "__init__.py" else -1]
        parents = package[: len(package) - node.level + 1]
        return ".".join([*parents, *([node.module] if node.module else [])])


@cache
def modules(folder: str = "studio") -> tuple[Module, ...]:
    """Every Python module under a top-level folder, in the order of their paths."""
    return tuple(_read(path) for path in sorted((ROOT / folder).rglob("*.py")))


def called_name(call: ast.Call) -> str:
    """``torch.load`` for ``torch.load(…)``; an empty string when what is called has no plain name."""
    parts: list[str] = []
    target: ast.expr = call.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    return ".".join([target.id, *reversed(parts)]) if isinstance(target, ast.Name) else ""


def _read(path: Path) -> Module:
    source = path.read_text(encoding="utf-8")
    relative = path.relative_to(ROOT)
    name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, relative, source.count("\n"), ast.parse(source, filename=str(relative)))


def _texts(arguments: list[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
