"""The two ways in which a command ends badly, told apart by exit status."""

from __future__ import annotations


class TrocarError(Exception):
    """Something failed although the call and the input were right. Exit status 1."""

    exit_status = 1


class InputError(TrocarError):
    """The input or the call is wrong; the message is one line: what, where, what to do. Exit status 2."""

    exit_status = 2

    def __init__(self, what: str, *, where: object = "", remedy: str = "") -> None:
        self.what = _one_line(what)
        self.where = _one_line(str(where))
        self.remedy = _one_line(remedy)
        parts = [f"{self.where}: " if self.where else "", self.what]
        if self.remedy:
            parts.append(("" if self.what.endswith(".") else ".") + " " + self.remedy)
        super().__init__("".join(parts))


class DiskFull(InputError):
    """No space left where a result was to be written; nothing half-written stays."""


def _one_line(text: str) -> str:
    """Names of files may hold line breaks; a message never does."""
    return " ".join(text.encode("unicode_escape").decode("ascii").split()) if not text.isprintable() else text
