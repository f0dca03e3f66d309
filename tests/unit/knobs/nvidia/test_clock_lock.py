import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from knobs.contract import DeviceError, RefusedError
from knobs.drivers.nvidia.clock_lock import ClockLock

CLOCKS = tuple(range(210, 1411, 15))


class Hardware:
    """A lock that cannot be read, as in NVML; the test can."""

    def __init__(self) -> None:
        self.range: tuple[int, int] | None = None
        self.broken = False

    def lock(self, low: int, high: int) -> None:
        self._require_health()
        self.range = (low, high)

    def unlock(self) -> None:
        self._require_health()
        self.range = None

    def _require_health(self) -> None:
        if self.broken:
            raise DeviceError("lost.")


class TwoKnobsOnOneLock(RuleBasedStateMachine):
    """Whatever the two ends are moved to: the hardware holds exactly what both hold, and a refusal changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.hardware = Hardware()
        self.lock = ClockLock(CLOCKS, self.hardware.lock, self.hardware.unlock)
        self.held: dict[str, int | None] = {"low": None, "high": None}

    @rule(end=st.sampled_from(("low", "high")), clock=st.sampled_from((None, *CLOCKS)), broken=st.booleans())
    def move(self, end, clock, broken):
        wanted = {**self.held, end: clock}
        upside_down = (wanted["low"] or CLOCKS[0]) > (wanted["high"] or CLOCKS[-1])
        self.hardware.broken = broken
        if upside_down or broken:
            with pytest.raises(RefusedError if upside_down else DeviceError):
                self.lock.move(end, clock)
        else:
            self.lock.move(end, clock)
            self.held = wanted
        self.hardware.broken = False

    @invariant()
    def the_hardware_holds_what_both_ends_hold(self):
        assert {end: self.lock.held(end) for end in ("low", "high")} == self.held
        if self.held == {"low": None, "high": None}:
            assert self.hardware.range is None
        else:
            assert self.hardware.range == (self.held["low"] or CLOCKS[0], self.held["high"] or CLOCKS[-1])


TestTwoKnobsOnOneLock = TwoKnobsOnOneLock.TestCase
TestTwoKnobsOnOneLock.settings = settings(deadline=None, max_examples=60, stateful_step_count=20)


def test_who_has_locked_nothing_can_only_take_a_lock_away():
    hardware = Hardware()
    hardware.range = (210, 600)
    ClockLock(CLOCKS, hardware.lock, hardware.unlock).move("high", None)
    assert hardware.range is None
