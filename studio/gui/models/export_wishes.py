"""How a person wants exports written: what the form of the page Export says, and the command line for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from studio.export.values import ExportOptions
from studio.pipeline.choosing import ALL, Only
from studio.pipeline.exports import USABLE
from studio.vocabulary.verdicts import VerdictValue

STANDARD_FORMAT = "image2image"


@dataclass(frozen=True)
class ExportWishes:
    """Format, splits and merges, and which verdicts are written."""

    options: ExportOptions = field(default_factory=lambda: ExportOptions(STANDARD_FORMAT))
    verdicts: tuple[VerdictValue, ...] = USABLE

    def argv(self, project: Path, dest: Path, only: Only = ALL) -> list[str]:
        """The command line of such an export."""
        options = self.options
        argv = ["export", str(project), str(dest), "--format", options.format]
        argv += ["--split", ",".join(f"{s:g}" for s in options.split), "--verdicts", ",".join(self.verdicts)]
        argv += ["--seed", str(options.seed)]
        for source, target in options.merges:
            argv += ["--merge", f"{source}={target}"]
        for option, names in (("--run", only.runs), ("--palette", only.palettes), ("--style", only.styles)):
            for name in names:
                argv += [option, name]
        return argv

    @property
    def words(self) -> str:
        """``image2image, split 80/10/10, accepted and undecided``"""
        parts = [self.options.format, f"split {'/'.join(f'{100 * s:g}' for s in self.options.split)}"]
        parts.append(" and ".join(self.verdicts))
        parts += [f"{source} counts as {target}" for source, target in self.options.merges]
        return ", ".join(parts)


def free_folder(folder: Path, name: str) -> Path:
    """A folder of that name, or of the name with the first number that is free."""
    places = (folder / (name if k == 1 else f"{name}-{k}") for k in range(1, 10_000))
    return next(p for p in places if not p.exists())
