"""What sampling costs beyond the reads themselves, as a share of one core.

A meter reads a file as it reads sysfs, and is sampled 50 times a second, as a busy measurement does. What a bare loop
costs that sleeps and reads as often, in the same run, is taken off its CPU time: what is left is the price of locating
updates and of integrating.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.hardware.figures import PERCENT, Figure, Section
from knobs.contract import Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, Source, SourceFacts
from knobs.sysfs import KernelFiles

SAMPLES_HZ = 50.0
LIMIT = 0.02
_MICRO = 1e6

_SOURCES: tuple[tuple[str, type[PowerSource] | type[CounterSource], float], ...] = (
    ("counter, 1 ms (RAPL)", CounterSource, 0.001),
    ("counter, 100 ms", CounterSource, 0.1),
    ("power, 100 ms", PowerSource, 0.1),
    ("power, 20 ms", PowerSource, 0.02),
)


class File:
    """A file of microwatts or microjoules that changes as a device's would."""

    def __init__(self, path: Path, period_s: float) -> None:
        """Writes it.

        Args:
            path: The file.
            period_s: How often its value changes.
        """
        path.write_text("100000000\n")
        self._files, self._path, self._period_s = KernelFiles(), str(path), period_s
        self.reads = 0

    def read(self) -> float:
        """Reads the file, and shows another value once a period."""
        self.reads += 1
        return int(self._files.read_text(self._path)) / _MICRO + time.monotonic() // self._period_s


def metering_section(seconds: float) -> Section:
    """Returns what sampling costs beyond the reads.

    Args:
        seconds: How long each meter is sampled.
    """
    return Section(
        f"sampling a meter {SAMPLES_HZ:g} times a second: CPU time beyond the reads, of one core",
        tuple(_cost_of_sampling(name, kind, period_s, seconds) for name, kind, period_s in _SOURCES),
    )


def _cost_of_sampling(
    name: str, kind: type[PowerSource] | type[CounterSource], period_s: float, seconds: float
) -> Figure:
    """Samples a meter for some time, and then only reads as often."""
    with tempfile.TemporaryDirectory() as folder:
        file = File(Path(folder, "value"), period_s)
        facts = SourceFacts(name, Scope.BOARD, "board", update_period_s=period_s, resolution=1e-6)
        source: Source = kind(facts, file.read)
        sampler = Sampler(idle_s=0.5)
        meter = SampledMeter(source, sampler)
        _share_of_a_core(meter.sample, SAMPLES_HZ, 1.0)
        file.reads = 0
        sampling = _share_of_a_core(meter.sample, SAMPLES_HZ, seconds)
        reads_hz = file.reads / seconds
        while sampler.running:
            time.sleep(0.1)
        reading = _share_of_a_core(file.read, reads_hz, seconds)
    return Figure(
        name,
        sampling - reading,
        f"{sampling:.2%} of a core less {reading:.2%} for {reads_hz:.0f} bare reads a second; "
        f"in all {sampling / reading:.1f} x the reads",
        limit=LIMIT,
        unit=PERCENT,
        measured={"sampling": sampling, "reading": reading, "reads_hz": reads_hz},
    )


def _share_of_a_core(step: Callable[[], object], rate_hz: float, seconds: float) -> float:
    """Does something again and again at a rate; returns the share of one core that the process used meanwhile."""
    start_s, cpu_s = time.monotonic(), time.process_time()
    for number in range(int(seconds * rate_hz)):
        time.sleep(max(0.0, start_s + number / rate_hz - time.monotonic()))
        step()
    return (time.process_time() - cpu_s) / (time.monotonic() - start_s)
