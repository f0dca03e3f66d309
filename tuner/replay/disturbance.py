"""What measuring adds to a table's figures: noise, and now and then a trial that is simply off."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

OUTLIER_SHARE = 1 / 30
"""How many of the trials are off, if outliers are asked for."""

OUTLIER_SIZE = 0.2
"""By which share an outlier is off, up or down."""

_HALF_WIDTH_ERRORS = 3.0
"""Standard errors in half an interval: as wide as those of the measuring procedure, which hold at any time."""


@dataclass(frozen=True)
class Deviation:
    """By which factors one trial's figures differ from the table's.

    Attributes:
        energy: Factor of the energy per request.
        latency: Factor of the latency.
        noise: Standard deviation of the logarithm of the noise in them, as far as a measurement knows of it.
    """

    energy: float = 1.0
    latency: float = 1.0
    noise: float = 0.0

    @property
    def interval_factor(self) -> float:
        """By which factor the energy's interval reaches above and below the energy."""
        return math.exp(_HALF_WIDTH_ERRORS * self.noise)


EXACT = Deviation()
"""The table's own figures."""


@dataclass(frozen=True)
class Disturbance:
    """How trials are disturbed.

    The same seed and configuration deviate alike whichever method asks for them, so that methods stay comparable pair
    by pair.

    Attributes:
        noise: Standard deviation of log energy and of log latency, 0.03 for 3 %; both independent and lognormal.
        outliers: Whether one trial in thirty is off by 20 % besides, which its interval does not know.
    """

    noise: float = 0.0
    outliers: bool = False

    def deviation(self, seed: int, what: str) -> Deviation:
        """Returns how one trial deviates.

        Args:
            seed: The run's seed.
            what: Names the task and the configuration.
        """
        generator = random.Random(f"{seed}/{what}")  # noqa: S311 - no secret depends on it
        energy, latency = (generator.lognormvariate(0.0, self.noise) for _ in range(2))
        is_off = generator.random() < OUTLIER_SHARE
        off_by = [1 + generator.choice((-1, 1)) * OUTLIER_SIZE for _ in range(2)]
        if self.outliers and is_off:
            energy, latency = energy * off_by[0], latency * off_by[1]
        return Deviation(energy, latency, self.noise)


UNDISTURBED = Disturbance()
"""What the table says is what is seen."""
