"""Which part of a job is whose, when several processes do it together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the process ``rank`` (from 0) of ``count``."""

    rank: int = 0
    count: int = 1

    def holds(self, place: int) -> bool:
        """Whether the work at ``place`` in a row belongs to this share: they take turns."""
        return place % self.count == self.rank

    def places(self, step: int, batch: int) -> range:
        """Where this share's ``batch`` pictures of a step stand in the endless row of pictures.

        The joined batch of a step is ``count * batch`` pictures in a row, each process's beside one another: the same
        pictures in the same order as one process would take at that batch.
        """
        first = (step * self.count + self.rank) * batch
        return range(first, first + batch)


WHOLE = Share()
"""One process does it all."""
