"""Does a meter meter? What is asked of each one before anybody relies on it.

Counters exist that cannot be trusted: RAPL's platform domain reads 0 J in virtual machines, an hwmon energy stays at
zero where the card has no sensor, a driver counts in another unit than it documents. A meter that fails is left out,
with the reason. All meters are checked in the same quarter of a second.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from knobs.contract import Absence, DeviceError, Meter, MeterSpec, NoValueError, Reading
from knobs.meters.sampling.uncertainty import PLAUSIBLE_W

CHECK_S = 0.22
_LOOK_S = 0.02
_LEAST_LOOKS, _LONGEST_CHECK_S = 8.0, 2.0
_PERIODS_SEEN = 2.0
"""A counter must have moved within this many periods; one that is slower than that is not waited for."""

_DISAGREEMENT = 4.0
"""Two sources of one thing may differ by this factor: over a fifth of a second they see different moments."""

_COVER = 0.8


@dataclass
class _Seen:
    """What was seen of one meter."""

    meter: Meter
    first: Reading | None = None
    last: Reading | None = None
    reason: str = ""
    fix: str = ""

    @property
    def spec(self) -> MeterSpec:
        return self.meter.spec

    @property
    def power_w(self) -> float | None:
        """The mean power, if the meter has moved."""
        if self.first is None or self.last is None or self.reason:
            return None
        elapsed_s = self.last.time_s - self.first.time_s
        return (self.last.value - self.first.value) / elapsed_s if elapsed_s > 0.0 else None

    def refuse(self, reason: str, fix: str) -> None:
        """Leaves the meter out; the first reason counts."""
        self.reason, self.fix = self.reason or reason, self.fix or fix


def self_checked(
    meters: Iterable[Meter],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[tuple[Meter, ...], tuple[Absence, ...]]:
    """Returns the meters that work, and for each other one why it does not.

    A meter must be readable and increase, its power must be plausible for its scope, and where two meters of one
    device and scope bear the same name (``gpu.energy`` and ``gpu.power``), they must agree; a wider one of the same
    device shows no less than a narrower one. A meter that is too slow for that (a battery) must only be readable.
    One whose device is asleep just now is kept.

    Args:
        meters: The meters, of any kind.
        clock: The monotonic clock.
        sleep: Waits some seconds.
    """
    seen = [_Seen(meter) for meter in meters]
    with _asking([one for one in seen if not _is_quick(one.spec)]):
        _look([one for one in seen if _is_quick(one.spec)], clock, sleep)
    for one in seen:
        _check_by_itself(one)
    _check_pairs(seen)
    return (
        tuple(one.meter for one in seen if not one.reason),
        tuple(Absence(one.spec.id, one.reason, one.fix) for one in seen if one.reason),
    )


@contextmanager
def _asking(slow: list[_Seen]) -> Iterator[None]:
    """Samples slow meters meanwhile, each in a thread of its own: one in the network may take long to answer.

    One that has not answered in the end is asked no more here; it has no reading yet.
    """
    asked = [(one, _Seen(one.meter)) for one in slow]
    threads = [threading.Thread(target=_sample, args=([copy],), daemon=True) for _, copy in asked]
    for thread in threads:
        thread.start()
    yield
    for thread, (one, copy) in zip(threads, asked, strict=True):
        thread.join(CHECK_S / len(threads))
        if not thread.is_alive():
            one.first, one.last, one.reason, one.fix = copy.first, copy.last, copy.reason, copy.fix


def _look(quick: list[_Seen], clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Samples quick meters again and again, so that their updates are seen when they come.

    Where reading them takes long, as a board's sensors behind a slow bus do, several looks take longer too.
    """
    begin_s = clock()
    _sample(quick)
    end_s = begin_s + max(CHECK_S, min(_LONGEST_CHECK_S, _LEAST_LOOKS * (clock() - begin_s)))
    while clock() < end_s and (unsure := [one for one in quick if not _has_moved(one)]):
        sleep(_LOOK_S)
        _sample(unsure)


def _is_quick(meter: MeterSpec) -> bool:
    return _PERIODS_SEEN * meter.update_period_s < CHECK_S


def _has_moved(one: _Seen) -> bool:
    """Whether enough was seen of a meter; one that stands still is looked at until the end."""
    if one.reason:
        return True
    if one.first is None or one.last is None:
        return False
    elapsed_s = one.last.time_s - one.first.time_s
    return elapsed_s >= max(one.spec.update_period_s, _LOOK_S) and one.last.value > one.first.value


def _sample(seen: list[_Seen]) -> None:
    for one in seen:
        if one.reason:
            continue
        try:
            reading = one.meter.sample()
        except NoValueError:
            continue
        except DeviceError as error:
            one.refuse(f"it cannot be read: {error}", "see what the message says, then start the keeper again")
            continue
        if not math.isfinite(reading.value):
            one.refuse(f"it shows {reading.value}, which is no number", "update the driver")
        elif one.last is not None and reading.value < one.last.value:
            one.refuse("its energy runs backwards", "update the driver, or leave this meter out")
        one.first, one.last = one.first or reading, reading


def _check_by_itself(one: _Seen) -> None:
    power_w = one.power_w
    if power_w is None or power_w == 0.0:
        _check_movement(one)
        return
    most_w = PLAUSIBLE_W[one.spec.scope]
    if not 0.0 < power_w <= most_w:
        one.refuse(
            f"it shows {power_w:.4g} W, which is no power of scope {one.spec.scope.value} (at most {most_w:g} W)",
            "report this with the output of wattune snapshot",
        )


def _check_movement(one: _Seen) -> None:
    """Refuses a meter that had time enough to move and did not; one of a sleeping device has no reading."""
    if one.first is not None and _is_quick(one.spec):
        one.refuse(
            f"it stands still at {one.first.value:g} J, as where there is no sensor behind it",
            "start the keeper again while the device is in use; in a virtual machine, measure on the host",
        )


def _check_pairs(seen: list[_Seen]) -> None:
    powers = [(one, one.power_w) for one in seen]
    for index, (one, one_w) in enumerate(powers):
        for other, other_w in powers[index + 1 :]:
            if one_w is None or other_w is None or one.spec.device != other.spec.device:
                continue
            if _meter_the_same(one.spec, other.spec):
                _require_agreement(one, one_w, other, other_w)
            _require_cover(one, one_w, other, other_w)
            _require_cover(other, other_w, one, one_w)


def _meter_the_same(one: MeterSpec, other: MeterSpec) -> bool:
    return one.id.rpartition(".")[0] == other.id.rpartition(".")[0] and one.scope is other.scope


def _require_agreement(one: _Seen, one_w: float, other: _Seen, other_w: float) -> None:
    """Two sources of the same thing that disagree: which one is wrong, nobody can tell."""
    if max(one_w, other_w) > _DISAGREEMENT * min(one_w, other_w):
        fix = "measure with a third source, such as a plug at the wall, and report this"
        one.refuse(f"it shows {one_w:.4g} W where {other.spec.id} shows {other_w:.4g} W", fix)
        other.refuse(f"it shows {other_w:.4g} W where {one.spec.id} shows {one_w:.4g} W", fix)


def _require_cover(wide: _Seen, wide_w: float, narrow: _Seen, narrow_w: float) -> None:
    """A meter that covers more than another one of its device shows no less."""
    is_wider = wide.spec.scope is not narrow.spec.scope and wide.spec.scope.covers(narrow.spec.scope)
    if is_wider and wide_w < _COVER * narrow_w:
        wide.refuse(
            f"it shows {wide_w:.4g} W, less than {narrow.spec.id} with {narrow_w:.4g} W, which it should cover",
            f"use {narrow.spec.id}",
        )
