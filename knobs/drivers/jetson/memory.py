"""The knob over the memory clock of a Jetson, which CPU and GPU share (EMC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text
from knobs.checks import require_listed
from knobs.contract import (
    Absence,
    Captured,
    Delivery,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.jetson.board import JetsonBoard
from knobs.drivers.jetson.memory_clock import KNOB_ID, CappedMemoryClock, HeldMemoryClock, MemoryClock
from knobs.drivers.jetson.memory_rates import LOWEST_SAFE_HZ, MemoryRates, memory_rates
from knobs.found import START_AS_ROOT, Wishes
from knobs.sysfs import KernelFiles
from knobs.units import megahertz

_CAPS = ("/sys/kernel/nvpmodel_clk_cap/emc", "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap")
_DEBUGFS = "/sys/kernel/debug"
_BPMP_CLOCK = f"{_DEBUGFS}/bpmp/debug/clk/emc"
_OVERRIDE = f"{_DEBUGFS}/clk/override.emc"
_LOCKDOWN = "/sys/kernel/security/lockdown"
_SETTLE_S = 0.2
_DANGER = f"memory clocks below {megahertz(LOWEST_SAFE_HZ)} MHz can starve a display or a camera"


@dataclass(frozen=True)
class MemoryOffer:
    """What the knob has on offer.

    Attributes:
        values_hz: The clocks, ascending; the highest one stands for no limit of ours.
        highest_hz: The highest clock of the memory, offered or not.
        danger: Why the lowest ones are off by default; empty if they are not on offer.
        note: What the operator should know.
    """

    values_hz: tuple[int, ...]
    highest_hz: int
    danger: str
    note: str


class MemoryClockKnob(DescribedKnob):
    """The highest clock of the memory."""

    def __init__(self, clock: MemoryClock, offer: MemoryOffer, ways: Sequence[MemoryClock]) -> None:
        """Prepares the knob; writes nothing.

        Args:
            clock: How the clock is limited.
            offer: The clocks on offer.
            ways: All ways that this machine has: a journal entry may be of another one.
        """
        self._clock = clock
        self._highest_hz = offer.highest_hz
        self._ways = {way.way: way for way in ways}
        self._hertz: dict[Value, int] = {megahertz(hertz): hertz for hertz in offer.values_hz}
        self._spec = KnobSpec(
            id=KNOB_ID,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(self._hertz),
            restore_class=RestoreClass.EXACT,
            device="memory",
            settle_s=_SETTLE_S,
            delivery=Delivery.CEILING,
            danger=offer.danger,
            note=offer.note,
        )

    def read(self) -> Value:
        """Returns the limit in force; the highest clock if there is none."""
        limit = self._clock.limit_hz()
        return megahertz(self._highest_hz if limit is None else min(limit, self._highest_hz))

    def write(self, value: Value) -> None:
        """Sets the limit; the highest clock of the memory is none."""
        require_listed(self._spec, value)
        hertz = self._hertz[value]
        self._clock.set_limit(None if hertz == self._highest_hz else hertz, self._highest_hz)

    def capture(self) -> Captured:
        """Returns the limit as the device keeps it."""
        return self._clock.capture()

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the limit back, in the way in which it was set."""
        clock = self._ways.get(str(captured.get("way")))
        if clock is None:
            raise DeviceError(
                f"The journal entry of {KNOB_ID} is about a file that this kernel does not show now: "
                "mount debugfs or boot the former kernel, then run wattune restore."
            )
        return clock.restore(captured)


@dataclass(frozen=True)
class JetsonMemory:
    """What was found of the memory.

    Attributes:
        knobs: Its knob, if there is one.
        absent: Why there is none.
        actual: The file that tells the clock that is run; empty where none can be read.
    """

    knobs: tuple[Knob, ...] = ()
    absent: tuple[Absence, ...] = ()
    actual: str = ""


def find_memory(files: KernelFiles, wishes: Wishes, board: JetsonBoard) -> JetsonMemory:
    """Returns the memory's knob, or why there is none; writes nothing."""
    held, capped = _held(files), _capped(files)
    ways: list[MemoryClock] = [way for way in (capped, held) if way is not None]
    actual = held.actual if held is not None else ""
    if not ways:
        return JetsonMemory(absent=(_why_no_way(files),), actual=actual)
    rates = memory_rates(files, board)
    if not rates.hertz:
        reason = f"the kernel lists no memory clocks, and none are documented for {board.soc}"
        return JetsonMemory(absent=(Absence(KNOB_ID, reason, _debugfs_fix(files)),), actual=actual)
    # While somebody holds the clock, as jetson_clocks does, a cap has no effect.
    clock = held if held is not None and (capped is None or _holds(held)) else ways[0]
    return JetsonMemory(knobs=(MemoryClockKnob(clock, _offer(rates, wishes, board, clock), ways),), actual=actual)


def _offer(rates: MemoryRates, wishes: Wishes, board: JetsonBoard, clock: MemoryClock) -> MemoryOffer:
    held = "The clock is held, also while the memory is idle." if isinstance(clock, HeldMemoryClock) else ""
    if KNOB_ID in wishes.allowed:
        danger = _DANGER if rates.hertz[0] < LOWEST_SAFE_HZ else ""
        return MemoryOffer(rates.hertz, rates.hertz[-1], danger, _joined(rates.note, held))
    within = board.mode.within("EMC", rates.hertz) if board.mode is not None else rates.hertz
    safe = tuple(hertz for hertz in within if hertz >= LOWEST_SAFE_HZ) or within[-1:]
    note = _joined(rates.note, held, *_left_out(rates.hertz, safe, board))
    return MemoryOffer(safe, rates.hertz[-1], "", note)


def _left_out(all_hz: tuple[int, ...], offered_hz: tuple[int, ...], board: JetsonBoard) -> Iterator[str]:
    if offered_hz[0] > all_hz[0]:
        yield f"Lower clocks are left out: {_DANGER}."
    if offered_hz[-1] < all_hz[-1]:
        yield f"The power mode {board.mode} ends at {megahertz(offered_hz[-1])} MHz."
    if offered_hz != all_hz:
        yield f'For all clocks set [knobs."{KNOB_ID}"] allow = true.'


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _capped(files: KernelFiles) -> CappedMemoryClock | None:
    usable = [path for path in _CAPS if files.writable(path) and optional_number(files, path) is not None]
    return CappedMemoryClock(files, usable[0]) if usable else None


def _held(files: KernelFiles) -> HeldMemoryClock | None:
    ways = (
        HeldMemoryClock(files, f"{_BPMP_CLOCK}/mrq_rate_locked", f"{_BPMP_CLOCK}/rate", f"{_BPMP_CLOCK}/rate"),
        HeldMemoryClock(files, f"{_OVERRIDE}/clk_state", f"{_OVERRIDE}/clk_update_rate", f"{_OVERRIDE}/clk_rate"),
    )
    usable = [
        way
        for way in ways
        if files.writable(way.switch) and files.writable(way.request) and optional_number(files, way.actual)
    ]
    return usable[0] if usable else None


def _holds(clock: HeldMemoryClock) -> bool:
    try:
        return clock.is_held()
    except DeviceError:
        return False


def _why_no_way(files: KernelFiles) -> Absence:
    caps = [path for path in _CAPS if files.exists(path)]
    if caps:
        return Absence(KNOB_ID, f"{caps[0]} may not be written", START_AS_ROOT)
    return Absence(KNOB_ID, "the kernel shows neither a cap of the memory clock nor debugfs", _debugfs_fix(files))


def _debugfs_fix(files: KernelFiles) -> str:
    lockdown = optional_text(files, _LOCKDOWN)
    if "[integrity]" in lockdown or "[confidentiality]" in lockdown:
        return "boot without kernel lockdown (Secure Boot turns it on), which closes debugfs"
    return f"mount it as root: mount -t debugfs none {_DEBUGFS}"
