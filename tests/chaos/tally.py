"""What became of one victim, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What became of one victim.

    Attributes:
        phases: In which phase of a study it was killed, and how often.
        displaced: How many kills met knobs that were not at their original values.
        amid_write: How many kills came within milliseconds of the keeper's writing.
        slowest_s: The longest time that knobs took to return by themselves.
    """

    phases: Counter[str] = field(default_factory=Counter)
    displaced: int = 0
    amid_write: int = 0
    slowest_s: float = 0.0

    def __str__(self) -> str:
        phases = ", ".join(f"{phase} {count}" for phase, count in self.phases.most_common())
        return (
            f"{self.phases.total()} kills, {self.displaced} with knobs displaced, {self.amid_write} amid a write, "
            f"{self.slowest_s:.2f} s to the last return; {phases}"
        )
