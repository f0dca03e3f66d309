"""One measuring window: slices of load and meter readings in, energy and latency out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from knobs.contract import MeterSpec, Reading
from serving_adapter.contract import Slice
from tuner.measuring.confidence import EnergyPerRequest
from tuner.measuring.energy import energy_of_window
from tuner.measuring.pieces import Piece, at_rate
from tuner.measuring.tally import Tally
from tuner.measuring.work import WorkDone
from tuner.trial import EnergyResult, Interval

LEAST_READINGS = 3
"""Two pieces between readings are the fewest whose scatter can be seen."""


class Window:
    """Slices of load, and the meter read before and after each.

    A reading belongs to the last step of its counter, a little before it was taken. Energy is therefore counted from
    the first reading's instant to the last one's, and so are requests: a batch that an instant cuts counts in part.

    Attributes:
        meter: The meter that was read.
        tally: What became of the requests.
        slices: Slices of load.
        loaded_s: Time from the first slice's begin to the last one's end.
    """

    def __init__(
        self,
        meter: MeterSpec,
        tally: Tally,
        reading: Reading,
        before: Slice | None = None,
        rate_hz: float | None = None,
    ) -> None:
        """Opens the window.

        Args:
            meter: The meter that is read.
            tally: Counts the requests of the window; nothing is in it yet.
            reading: The meter now; it may belong to an instant within the slice before.
            before: The slice of warming up that has just ended.
            rate_hz: The rate at which requests arrive in the long run, if it is known.
        """
        self._rate_hz = rate_hz
        self.meter = meter
        self.tally = tally
        self.slices = 0
        self.loaded_s = 0.0
        self._begin_s = 0.0
        self._seen = [reading]
        self._work = WorkDone()
        if before is not None:
            self._work.add(before)

    def add(self, piece: Slice, reading: Reading) -> None:
        """Adds a slice of load and the reading after it."""
        self._work.add(piece)
        self.tally.add(piece)
        self._begin_s = piece.start_s if not self.slices else self._begin_s
        self.loaded_s = piece.end_s - self._begin_s
        self.slices += 1
        if self._seen[0].time_s < self._work.begin_s:
            self._seen = [reading]  # the first belonged to a time of which nobody knows what was worked on
        elif reading.time_s > self._seen[-1].time_s:
            self._seen.append(reading)

    @property
    def readings(self) -> Sequence[Reading]:
        """The meter's readings, each at another instant, as far as the work between them is known."""
        return [reading for reading in self._seen if reading.time_s <= self._work.known_until_s]

    @property
    def duration_s(self) -> float:
        """Time between the first and the last reading; 0 while the meter has not moved."""
        readings = self.readings
        return readings[-1].time_s - readings[0].time_s if readings else 0.0

    @property
    def gap_s(self) -> float:
        """Seconds over which the meter had no samples."""
        return self._seen[-1].gap_s - self._seen[0].gap_s

    @property
    def items(self) -> float:
        """Requests worked on between the first reading and the last."""
        readings = self.readings
        return self._work.items_between(readings[0].time_s, readings[-1].time_s) if readings else 0.0

    def account(self) -> EnergyPerRequest:
        """Returns the energy of the pieces between the readings."""
        account = EnergyPerRequest()
        for piece in self._pieces():
            account.add(piece.energy_j, piece.items, piece.duration_s)
        return account

    def _pieces(self) -> list[Piece]:
        """The pieces between the readings; at the rate of requests in the long run, if that is known."""
        pieces = [
            Piece(
                energy_j=after.value - before.value,
                items=self._work.items_between(before.time_s, after.time_s),
                duration_s=after.time_s - before.time_s,
                cpu_s=(after.cpu_s or 0.0) - (before.cpu_s or 0.0),
            )
            for before, after in pairwise(self.readings)
        ]
        return pieces if self._rate_hz is None else at_rate(pieces, self._rate_hz)

    def per_request(self) -> Interval | None:
        """Returns the 95 % interval of energy per request; None while nothing can be said of it."""
        if len(self.readings) < LEAST_READINGS or not self.items or not self._energy_j():
            return None
        account = self.account()
        half_width_j = account.half_width_j() + self._meter_error_j() / self.items
        if not math.isfinite(half_width_j):
            return None
        return Interval(max(0.0, account.ratio_j - half_width_j), account.ratio_j + half_width_j)

    def relative_half_width(self) -> float:
        """Returns half the width of the 95 % interval of energy per request, relative to it."""
        interval = self.per_request()
        if interval is None or interval.high + interval.low <= 0:
            return math.inf
        return (interval.high - interval.low) / (interval.high + interval.low)

    def throughput_hz(self) -> float:
        """Returns the requests per second in the long run: those that arrive, where the server keeps up with them."""
        return sum(piece.items for piece in self._pieces()) / self.duration_s

    def energy(self) -> EnergyResult:
        """Returns the energy per request; the window must hold a request, and enough readings."""
        pieces = self._pieces()
        items = sum(piece.items for piece in pieces)
        per_request_j = sum(piece.energy_j for piece in pieces) / items
        cpu_s = None if self.readings[0].cpu_s is None else sum(piece.cpu_s for piece in pieces) / items
        band = self.meter.band_j(per_request_j, self.duration_s / items, cpu_s)
        tokens = self.tally.tokens()
        return EnergyResult(
            per_request_j=per_request_j,
            interval=self.per_request() or Interval(0.0, 2.0 * per_request_j),
            scope=self.meter.scope,
            provenance=self.meter.provenance,
            meter=self.meter.id,
            mean_power_w=self._energy_j() / self.duration_s,
            band=None if band is None else Interval(*band),
            cpu_s_per_request=cpu_s,
            per_token_j=None if tokens is None else per_request_j * self.tally.requests / tokens.tokens,
        )

    def _energy_j(self) -> float:
        readings = self.readings
        return readings[-1].value - readings[0].value

    def _meter_error_j(self) -> float:
        readings = self.readings
        return energy_of_window(readings, readings[0].time_s, readings[-1].time_s, self.meter).error_j
