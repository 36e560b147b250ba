"""The guide and the README: each command that they show is one that the program takes, each link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from studio.commands.parser import build_parser
from tests.architecture.source_tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "studio" / "ARCHITECTURE.md", *sorted((ROOT / "resources" / "guide").glob("*.md"))]
FLOW = ("scenes", "footage", "train", "styles", "curate", "export", "evaluate")


def shown_commands(page: Path) -> list[str]:
    """Lines of code blocks that call trocar; what follows two blanks is a remark."""
    lines = page.read_text(encoding="utf-8").splitlines()
    called = (re.match(r"\s*(?:\.venv/bin/)?(trocar [a-z].*)", line) for line in lines)
    return [re.split(r"\s{2,}|\[", match[1])[0] for match in called if match and "…" not in match[1]]


COMMANDS = [(page.name, line) for page in PAGES for line in shown_commands(page)]


def test_commands_are_found_in_the_pages() -> None:
    assert len(COMMANDS) > 25


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_shown_commands_are_taken(page: str, line: str) -> None:
    arguments = build_parser().parse_args(shlex.split(line)[1:])
    assert arguments.action


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_every_page_of_the_window_has_its_page_in_the_guide() -> None:
    assert {name for name in FLOW if not (ROOT / "resources" / "guide" / f"{name}.md").is_file()} == set()


def test_every_command_stands_in_the_guide() -> None:
    """The table of commands is complete: the parser's own words, each with its sub-words."""
    table = (ROOT / "resources" / "guide" / "command-line.md").read_text(encoding="utf-8")
    missing = [words for words in command_words() if f"trocar {words}" not in table]
    assert missing == []


def command_words() -> list[str]:
    """``demo``, ``scenes add``, … as the parser has them."""
    words = []
    for name, parser in _choices(build_parser()).items():
        inner = _choices(parser)
        words += [f"{name} {sub}" for sub in inner] or [name]
    return words


def _choices(parser: object) -> dict[str, object]:
    groups = getattr(parser, "_subparsers", None)
    return dict(groups._group_actions[0].choices) if groups is not None else {}
