"""One clock of an Intel GPU, as its two kernel drivers show it.

Sources: the kernel's drivers/gpu/drm/i915/gt/intel_gt_sysfs_pm.c and drivers/gpu/drm/xe/xe_gt_freq.c. A GPU has one
such clock a tile for rendering and computing, and since Meteor Lake another for media, which we leave alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from knobs.attributes import optional_number, whole_number
from knobs.drivers.graphics.card import GraphicsCard
from knobs.waiting import patiently

_PAUSE_S = 0.05
_MOST_TRIES = 20
"""For a second: a GPU in reset answers EAGAIN."""

_COMPUTING_ENGINES = ("rcs", "ccs")
_REASONS = ("pl1", "pl2", "pl4", "thermal", "prochot", "ratl", "vr_tdc", "vr_thermalert")


@dataclass(frozen=True)
class ClockDomain:
    """The files of one clock.

    Attributes:
        card: The GPU.
        lowest: What the clock may sink to.
        highest: What it may rise to.
        boost: What it rises to at once when somebody waits (i915); None where there is no such setting.
        bottom: The lowest clock of the hardware (RPn).
        top: The highest clock of the hardware (RP0).
        actual: What it runs at now; 0 while the GPU is powered down.
        throttle: The start of the paths that say why it is held down; None where there are none.
        sleep: Waits for some seconds.
    """

    card: GraphicsCard
    lowest: str
    highest: str
    boost: str | None
    bottom: str
    top: str
    actual: str
    throttle: str | None
    sleep: Callable[[float], None] = time.sleep

    def read_mhz(self, path: str) -> int:
        """Returns the clock in a file.

        Raises:
            DeviceError: It cannot be read, also after the reset of the GPU that may be under way.
        """
        return patiently(partial(whole_number, self.card, path), _MOST_TRIES, _PAUSE_S, self.sleep)

    def write_mhz(self, path: str, mhz: int) -> None:
        """Writes a clock to a file.

        Raises:
            DeviceError: The kernel refused it, also after the reset of the GPU that may be under way.
        """
        patiently(partial(self.card.write_text, path, str(mhz)), _MOST_TRIES, _PAUSE_S, self.sleep)

    def reasons(self) -> tuple[str, ...]:
        """Returns why the clock is held down now, as the driver calls it: ``pl1``, ``thermal``."""
        if self.throttle is None:
            return ()
        return tuple(reason for reason in _REASONS if optional_number(self.card, f"{self.throttle}{reason}"))


def clock_domains(card: GraphicsCard, sleep: Callable[[float], None] = time.sleep) -> tuple[ClockDomain, ...]:
    """Returns the clocks that rendering and computing run at, the first tile's first."""
    found = _of_xe(card, sleep) if card.driver == "xe" else _of_i915(card, sleep)
    return tuple(domain for domain in found if card.files.exists(domain.highest))


def _of_i915(card: GraphicsCard, sleep: Callable[[float], None]) -> Iterator[ClockDomain]:
    """The first GT; up to 5.17 its files are the card's own."""
    folder = f"{card.path}/gt/gt0"
    start = f"{folder}/rps_" if card.files.exists(f"{folder}/rps_max_freq_mhz") else f"{card.path}/gt_"
    throttle = f"{folder}/throttle_reason_"
    yield ClockDomain(
        card,
        lowest=f"{start}min_freq_mhz",
        highest=f"{start}max_freq_mhz",
        boost=f"{start}boost_freq_mhz" if card.files.exists(f"{start}boost_freq_mhz") else None,
        bottom=f"{start}RPn_freq_mhz",
        top=f"{start}RP0_freq_mhz",
        actual=f"{start}act_freq_mhz",
        throttle=throttle if card.files.exists(f"{throttle}pl1") else None,
        sleep=sleep,
    )


def _of_xe(card: GraphicsCard, sleep: Callable[[float], None]) -> Iterator[ClockDomain]:
    for gt in card.files.glob(f"{card.device}/tile*/gt*"):
        if not _computes(card, gt):
            continue  # it has media engines only, and a clock of its own that is none of ours
        folder = f"{gt}/freq0"
        yield ClockDomain(
            card,
            lowest=f"{folder}/min_freq",
            highest=f"{folder}/max_freq",
            boost=None,
            bottom=f"{folder}/rpn_freq",
            top=f"{folder}/rp0_freq",
            actual=f"{folder}/act_freq",
            throttle=f"{folder}/throttle/reason_" if card.files.exists(f"{folder}/throttle") else None,
            sleep=sleep,
        )


def _computes(card: GraphicsCard, gt: str) -> bool:
    return any(card.files.exists(f"{gt}/engines/{engine}") for engine in _COMPUTING_ENGINES)
