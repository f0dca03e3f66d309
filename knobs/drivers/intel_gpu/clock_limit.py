"""The limits between which an Intel GPU chooses its clock."""

from __future__ import annotations

from abc import abstractmethod

from knobs.checks import captured_number, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    JsonValue,
    KnobKind,
    KnobSpec,
    NotAbove,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.graphics.card import GraphicsCard
from knobs.drivers.intel_gpu.domain import ClockDomain
from knobs.units import even_steps

_STEP_MHZ = 50
"""The unit of the hardware's ratios (GT_FREQUENCY_MULTIPLIER): every multiple reads back as it was written."""


def clock_steps(bottom_mhz: int, top_mhz: int) -> tuple[int, ...]:
    """Returns the clocks between the hardware's own, both included, ascending."""
    return even_steps(bottom_mhz, top_mhz, _STEP_MHZ)


class ClockLimitKnob(DescribedKnob):
    """One of the two limits, the same on all tiles."""

    def __init__(self, domains: tuple[ClockDomain, ...], spec: KnobSpec) -> None:
        """Prepares the knob; writes nothing."""
        self._domains = domains
        self._spec = spec

    @property
    def _card(self) -> GraphicsCard:
        return self._domains[0].card

    def write(self, value: Value) -> None:
        """Sets the limit on all tiles."""
        require_listed(self._spec, value)
        self._card.require_awake()
        for domain in self._domains:
            self._require_order(domain, int(value))
        for domain in self._domains:
            self._set(domain, int(value))

    def capture(self) -> Captured:
        """Returns the limits in force, one a tile."""
        self._card.require_awake()
        tiles: list[JsonValue] = [self._state(domain) for domain in self._domains]
        return {"tiles": tiles}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the limits back and reads them back."""
        tiles = captured.get("tiles")
        if not isinstance(tiles, list) or len(tiles) != len(self._domains):
            raise DeviceError(f"The journal entry of {self._spec.id} does not fit this GPU: it belongs to another one.")
        for domain, state in zip(self._domains, tiles, strict=True):
            self._put_back(domain, state)
            if self._state(domain) != state:
                raise DeviceError(
                    f"{self._spec.id} reads {self._state(domain)} after {state} was put back: see the kernel's log."
                )
        return RestoreOutcome.RESTORED

    @abstractmethod
    def _require_order(self, domain: ClockDomain, mhz: int) -> None:
        """Raises DeviceError if the limit would cross the other one."""

    @abstractmethod
    def _set(self, domain: ClockDomain, mhz: int) -> None:
        """Sets the limit of one tile."""

    @abstractmethod
    def _state(self, domain: ClockDomain) -> JsonValue:
        """Returns all that the knob changes on one tile."""

    @abstractmethod
    def _put_back(self, domain: ClockDomain, state: JsonValue) -> None:
        """Puts back what ``_state`` returned."""


class HighestClockKnob(ClockLimitKnob):
    """What the clock may rise to, also at once when somebody waits: i915's boost clock goes with it."""

    def __init__(self, domains: tuple[ClockDomain, ...], values: tuple[int, ...]) -> None:
        """Prepares the knob; writes nothing."""
        name = domains[0].card.name
        super().__init__(domains, _spec(f"{name}.core.max_mhz", name, values, delivery=Delivery.CEILING))

    def read(self) -> Value:
        """Returns the limit in force; the highest where tiles differ."""
        self._card.require_awake()
        return max(domain.read_mhz(domain.highest) for domain in self._domains)

    def _require_order(self, domain: ClockDomain, mhz: int) -> None:
        lowest_mhz = domain.read_mhz(domain.lowest)
        if mhz < lowest_mhz:
            raise DeviceError(
                f"{self._spec.id} cannot sink to {mhz} while {domain.lowest} is {lowest_mhz}: lower that first."
            )

    def _set(self, domain: ClockDomain, mhz: int) -> None:
        self._move(domain, mhz, mhz)

    def _state(self, domain: ClockDomain) -> JsonValue:
        boost = {} if domain.boost is None else {"boost_mhz": domain.read_mhz(domain.boost)}
        return {"highest_mhz": domain.read_mhz(domain.highest), **boost}

    def _put_back(self, domain: ClockDomain, state: JsonValue) -> None:
        highest_mhz = _clock_in(self._spec, state, "highest_mhz")
        boost_mhz = highest_mhz if domain.boost is None else _clock_in(self._spec, state, "boost_mhz")
        self._move(domain, highest_mhz, boost_mhz)

    def _move(self, domain: ClockDomain, highest_mhz: int, boost_mhz: int) -> None:
        """Keeps the boost at or below the limit at every instant."""
        writes = [(domain.highest, highest_mhz)]
        if domain.boost is not None:
            rising = highest_mhz >= domain.read_mhz(domain.highest)
            writes.insert(1 if rising else 0, (domain.boost, boost_mhz))
        for path, mhz in writes:
            domain.write_mhz(path, mhz)


class LowestClockKnob(ClockLimitKnob):
    """What the clock may sink to while the GPU works."""

    def __init__(self, domains: tuple[ClockDomain, ...], values: tuple[int, ...]) -> None:
        """Prepares the knob; writes nothing."""
        name = domains[0].card.name
        highest = NotAbove(f"{name}.core.max_mhz")
        super().__init__(domains, _spec(f"{name}.core.min_mhz", name, values, not_above=highest, explored=False))

    def read(self) -> Value:
        """Returns the limit in force; the lowest where tiles differ."""
        self._card.require_awake()
        return min(domain.read_mhz(domain.lowest) for domain in self._domains)

    def _require_order(self, domain: ClockDomain, mhz: int) -> None:
        highest_mhz = domain.read_mhz(domain.highest)
        if mhz > highest_mhz:
            raise DeviceError(
                f"{self._spec.id} cannot rise to {mhz} while {domain.highest} is {highest_mhz}: raise that first."
            )

    def _set(self, domain: ClockDomain, mhz: int) -> None:
        domain.write_mhz(domain.lowest, mhz)

    def _state(self, domain: ClockDomain) -> JsonValue:
        return {"lowest_mhz": domain.read_mhz(domain.lowest)}

    def _put_back(self, domain: ClockDomain, state: JsonValue) -> None:
        domain.write_mhz(domain.lowest, _clock_in(self._spec, state, "lowest_mhz"))


def _spec(
    knob_id: str,
    device: str,
    values: tuple[int, ...],
    *,
    not_above: NotAbove | None = None,
    delivery: Delivery = Delivery.SETTING,
    explored: bool = True,
) -> KnobSpec:
    return KnobSpec(
        id=knob_id,
        unit="MHz",
        kind=KnobKind.CLOCK,
        values=values,
        restore_class=RestoreClass.EXACT,
        device=device,
        not_above=not_above,
        settle_s=0.2,
        switch_cost_s=0.01,
        delivery=delivery,
        explored=explored,
    )


def _clock_in(spec: KnobSpec, state: JsonValue, name: str) -> int:
    return captured_number(spec.id, state if isinstance(state, dict) else {}, name)
