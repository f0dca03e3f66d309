"""What sampling costs beyond the reads themselves, as a share of one core.

A meter reads a file as it reads sysfs, and is sampled 50 times a second, as a busy measurement does. What a bare loop
costs that sleeps and reads as often, in the same run, is taken off its CPU time: what is left is the price of locating
updates and of integrating. The limit is 2 % of one core.

    python -m benchmarks.metering [--seconds 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, Source, SourceFacts
from knobs.sysfs import KernelFiles

SAMPLES_HZ = 50.0
LIMIT = 0.02
_MICRO = 1e6


@dataclass(frozen=True)
class Cost:
    """What sampling one meter costs.

    Attributes:
        name: What was sampled.
        reads_hz: Reads of the file a second.
        reading: What a loop costs that does nothing but these reads, as a share of one core.
        sampling: What sampling costs with them.
    """

    name: str
    reads_hz: float
    reading: float
    sampling: float

    @property
    def beyond(self) -> float:
        """The share of one core that sampling costs beyond the reads."""
        return self.sampling - self.reading

    def __str__(self) -> str:
        return (
            f"{self.name:<22} {self.reads_hz:4.0f} reads/s: {self.sampling:.2%} of a core, "
            f"{self.sampling / self.reading:.2f} x the reads, {self.beyond:.2%} beyond them (limit {LIMIT:.0%})"
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


def share_of_a_core(step: Callable[[], object], rate_hz: float, seconds: float) -> float:
    """Does something again and again at a rate; returns the share of one core that the process used meanwhile."""
    start_s, cpu_s = time.monotonic(), time.process_time()
    for number in range(int(seconds * rate_hz)):
        time.sleep(max(0.0, start_s + number / rate_hz - time.monotonic()))
        step()
    return (time.process_time() - cpu_s) / (time.monotonic() - start_s)


def cost_of_sampling(name: str, kind: type[PowerSource] | type[CounterSource], period_s: float, seconds: float) -> Cost:
    """Samples a meter for some time, and then only reads as often."""
    with tempfile.TemporaryDirectory() as folder:
        file = File(Path(folder, "value"), period_s)
        facts = SourceFacts(name, Scope.BOARD, "board", update_period_s=period_s, resolution=1e-6)
        source: Source = kind(facts, file.read)
        sampler = Sampler(idle_s=0.5)
        meter = SampledMeter(source, sampler)
        share_of_a_core(meter.sample, SAMPLES_HZ, 1.0)
        file.reads = 0
        sampling = share_of_a_core(meter.sample, SAMPLES_HZ, seconds)
        reads_hz = file.reads / seconds
        while sampler.running:
            time.sleep(0.1)
        return Cost(name, reads_hz, share_of_a_core(file.read, reads_hz, seconds), sampling)


def main() -> int:
    """Prints the costs; returns 1 if one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each meter is sampled")
    seconds = parser.parse_args().seconds
    costs = [
        cost_of_sampling("counter, 1 ms (RAPL)", CounterSource, 0.001, seconds),
        cost_of_sampling("counter, 100 ms", CounterSource, 0.1, seconds),
        cost_of_sampling("power, 100 ms", PowerSource, 0.1, seconds),
        cost_of_sampling("power, 20 ms (50 Hz)", PowerSource, 0.02, seconds),
    ]
    for cost in costs:
        print(cost)
    return int(any(cost.beyond > LIMIT for cost in costs))


if __name__ == "__main__":
    sys.exit(main())
