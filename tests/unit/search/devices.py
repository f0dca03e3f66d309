"""Made-up devices: physics with other constants, and partly other laws, than the search imagines; noise that repeats.

None of them is one of the imagined devices: time is a plain sum or a plain maximum, voltage has a floor and then rises
in a straight line, and what else draws power does not depend on any knob.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.unit.search.records import Outcome, Physics, clock
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind, Value

CPU_MHZ = (400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000)
GPU_MHZ = (300, 450, 600, 750, 900, 1050, 1200, 1350, 1500)


def cpu_clock() -> Parameter:
    return clock("cpu.max_mhz", CPU_MHZ)


def copy_clock() -> Parameter:
    """A knob that has nothing to do with any device here, although it is a clock."""
    return clock("gpu.copy.max_mhz", (200, 400, 800, 1600))


PHASES = ConfigurationSpace((cpu_clock(), clock(choices=GPU_MHZ)))
WITH_USELESS_KNOB = ConfigurationSpace((clock(choices=GPU_MHZ), copy_clock()))
SERVED = ConfigurationSpace(
    (clock(choices=GPU_MHZ), Parameter("cpu.cores", "", ParameterKind.CORES, (1, 2, 4), Owner.KNOB))
)


def dynamic_power_w(clock_ghz: float, per_ghz_w: float, flat_up_to_ghz: float, slope: float) -> float:
    """Power of ``f V(f)^2``, whose voltage is 1 up to a clock and rises in a straight line from there on."""
    voltage = 1.0 + slope * max(clock_ghz - flat_up_to_ghz, 0.0)
    return per_ghz_w * clock_ghz * voltage**2


def accelerator(configuration: Mapping[str, Value]) -> Outcome:
    """Copies in, computes, copies out, one after the other; least energy at a middle clock."""
    gpu_ghz = float(configuration["gpu.core.max_mhz"]) / 1000
    latency_s = 0.003 + 0.011 / gpu_ghz
    power_w = 9.0 + dynamic_power_w(gpu_ghz, 8.0, 0.6, 0.8) * 0.011 / gpu_ghz / latency_s
    return Outcome((latency_s,), power_w * latency_s, 1 / latency_s)


def two_phases(configuration: Mapping[str, Value]) -> Outcome:
    """Pre-processes on the CPU, then infers on the accelerator: each clock matters in its own phase only."""
    cpu_ghz, gpu_ghz = (float(configuration[name]) / 1000 for name in ("cpu.max_mhz", "gpu.core.max_mhz"))
    first_s, second_s = 0.004 / cpu_ghz, 0.012 / gpu_ghz
    joules = (
        6.0 * (first_s + second_s)
        + dynamic_power_w(cpu_ghz, 2.5, 0.7, 0.7) * first_s
        + dynamic_power_w(gpu_ghz, 9.0, 0.5, 0.9) * second_s
    )
    return Outcome((first_s + second_s,), joules, 1 / (first_s + second_s))


def server(configuration: Mapping[str, Value], rate_hz: float) -> Outcome:
    """Serves what arrives at a rate, waits in between, and queues as M/D/1 does at the 99th percentile, roughly."""
    gpu_ghz = float(configuration["gpu.core.max_mhz"]) / 1000
    cores = float(configuration["cpu.cores"])
    service_s = 0.001 + 0.005 / gpu_ghz + 0.004 * (0.4 + 0.6 / cores)
    busy = min(rate_hz * service_s, 0.99)
    latency_s = service_s * (1 + 2.3 * busy / (1 - busy))
    idle_w = 5.0 + 1.5 * gpu_ghz + 0.6 * cores
    busy_w = dynamic_power_w(gpu_ghz, 10.0, 0.7, 0.8) + 1.2 * cores
    return Outcome((latency_s,), (idle_w + busy * busy_w) / rate_hz, rate_hz)


@dataclass(frozen=True)
class Noise:
    """Log-normal noise of latency and energy that depends on nothing but the configuration and the seed.

    Attributes:
        physics: What is measured.
        sd: Standard deviation of the logarithms.
        seed: Of the noise.
        outlier: A configuration whose trial went wrong.
        outlier_factor: By which factor its energy and latency are wrong.
    """

    physics: Physics
    sd: float
    seed: int = 0
    outlier: Configuration | None = None
    outlier_factor: float = 1.2

    def __call__(self, configuration: Configuration) -> Outcome:
        true = self.physics(configuration)
        chance = random.Random(f"{self.seed} {configuration}")
        wrong = self.outlier_factor if configuration == self.outlier else 1.0
        stretch = wrong * math.exp(chance.gauss(0.0, self.sd))
        latencies_s = tuple(latency_s * stretch for latency_s in true.latencies_s)
        energy_j = true.energy_j * wrong * math.exp(chance.gauss(0.0, self.sd))
        return Outcome(latencies_s, energy_j, true.throughput_hz / stretch)
