"""What a benchmark says: ratios, each with what was compared, and the limit that it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median

PERCENT = "%"
TIMES = "x"


@dataclass(frozen=True)
class Figure:
    """One ratio.

    Attributes:
        name: What it is about.
        ratio: The ratio; 1 is equal.
        compared: What was compared with what, in words and with the measured values.
        limit: What the ratio is to stay within; None where nothing was promised.
        unit: How the ratio is shown: as a factor, or in percent.
        measured: What was measured, by name with its unit.
    """

    name: str
    ratio: float
    compared: str
    limit: float | None = None
    unit: str = TIMES
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_within(self) -> bool:
        """Whether the ratio keeps its limit."""
        return self.limit is None or self.ratio <= self.limit

    def __str__(self) -> str:
        """Returns the figure as a line for people."""
        promised = "" if self.limit is None else f"limit {self._shown(self.limit)}"
        exceeded = "" if self.is_within else ", EXCEEDED"
        return f"  {self.name:<34} {self._shown(self.ratio):>8}  {promised + exceeded:<22} {self.compared}"

    def _shown(self, ratio: float) -> str:
        return f"{ratio:.2%}" if self.unit == PERCENT else f"{ratio:.2f} x"


@dataclass(frozen=True)
class Section:
    """The figures of one question.

    Attributes:
        title: The question.
        figures: The ratios.
        notes: What else was seen, one line each.
        skipped: What could not be run, and why, one sentence each.
    """

    title: str
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Returns the section as lines for people."""
        lines = [self.title, *map(str, self.figures), *(f"  {note}" for note in self.notes)]
        return "\n".join([*lines, *(f"  NOT RUN: {sentence}" for sentence in self.skipped)])

    def as_json(self) -> dict[str, object]:
        """Returns the section for programs."""
        figures = [{**asdict(figure), "is_within": figure.is_within} for figure in self.figures]
        return {"title": self.title, "figures": figures, "notes": self.notes, "skipped": self.skipped}


def typical(values: list[float]) -> float:
    """Returns the median: what is seen as often above as below."""
    return median(values)
