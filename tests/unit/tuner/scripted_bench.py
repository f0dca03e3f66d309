"""A keeper, a workload and a search that follow a script, for tests of the procedure and the loop.

The real ones are joined in tests/service; here every failure can be placed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from knobs.contract import (
    Conditions,
    InventoryRecord,
    KnobKind,
    KnobSpec,
    MeterSpec,
    Provenance,
    Quantity,
    Reading,
    RefusedError,
    RestoreClass,
    RestoreReport,
    Scope,
)
from serving_adapter.contract import Completion, Histogram, Load, ServingParameter, Slice, Traffic
from tests.unit.tuner.effects import effect
from tuner.configuration import Configuration, Value
from tuner.measuring.bench import Bench
from tuner.objective import Objective, Scenario, Slo
from tuner.parameter_effect import ParameterEffect
from tuner.search.contract import Proposal, Stop
from tuner.study.planning import plan_space
from tuner.trial import Trial

CLOCK = KnobSpec(
    id="gpu.core.max_mhz",
    unit="MHz",
    kind=KnobKind.CLOCK,
    values=(500, 1000, 1500),
    restore_class=RestoreClass.EXACT,
    device="scripted",
)
BATCH = ServingParameter(id="serving.batch_size", unit="items", kind="batch", values=(1, 2, 4))
METER = MeterSpec(
    id="board",
    quantity=Quantity.ENERGY_J,
    scope=Scope.BOARD,
    provenance=Provenance.SIMULATED,
    update_period_s=0.01,
    resolution=0.001,
    device="scripted",
)


@dataclass
class ScriptedDevice:
    """Latency falls and power rises with the clock; the clock is the device's own.

    Attributes:
        fault: Called with the name of every call before it is carried out; may raise.
        conditions: What the device says about itself.
        drift: What all power is multiplied by at an instant.
        failing: Called for every batch with its number; whether it fails.
        pid: The process that serves.
        restore_hook: Called when trial values are taken back.
    """

    now_s: float = 100.0
    energy_j: float = 0.0
    clock_mhz: Value = 1500
    batch_size: Value = 1
    leased: bool = False
    stuck_clock: bool = False
    fault: Callable[[str], None] = lambda _: None
    conditions: Callable[[], Conditions] = Conditions
    calls: list[str] = field(default_factory=list)
    drift: Callable[[float], float] = lambda _: 1.0
    failing: Callable[[int], bool] = lambda _: False
    pid: int | None = 1
    restore_hook: Callable[[], None] = lambda: None
    batches: int = 0

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.fault(name)

    def inventory(self) -> InventoryRecord:
        return InventoryRecord((CLOCK,), (METER,), ())

    def attach(self, pid: int) -> InventoryRecord:
        return self.inventory()

    def acquire_lease(self) -> None:
        self._call("acquire_lease")
        self.leased = True

    def release_lease(self) -> None:
        self._call("release_lease")
        self.restore()
        self.leased = False

    def restore(self) -> RestoreReport:
        self._call("restore")
        self.restore_hook()
        self.clock_mhz = 1500
        return RestoreReport()

    def apply(self, values: Mapping[str, Value]) -> dict[str, Value]:
        self._call("apply")
        if values[CLOCK.id] not in CLOCK.values:
            raise RefusedError("not admissible")
        if not self.stuck_clock:
            self.clock_mhz = values[CLOCK.id]
        return {CLOCK.id: self.clock_mhz}

    def read(self, knob_ids: Sequence[str]) -> dict[str, Value]:
        self._call("read")
        return {CLOCK.id: self.clock_mhz}

    def sample(self, meter_ids: Sequence[str]) -> dict[str, Reading]:
        self._call("sample")
        return {METER.id: Reading(self.now_s, self.energy_j)}

    def observe(self) -> Conditions:
        return self.conditions()

    def parameters(self) -> tuple[ServingParameter, ...]:
        return (BATCH,)

    def configure(self, values: Mapping[str, Value]) -> dict[str, Value]:
        self._call("configure")
        self.batch_size = values[BATCH.id]
        return self.current()

    def current(self) -> dict[str, Value]:
        return {BATCH.id: self.batch_size}

    def start_load(self, load: Load) -> None:
        self._call("start_load")
        self._load = load

    @property
    def latency_s(self) -> float:
        return 0.005 + 20.0 * float(self.batch_size) ** 0.7 / float(self.clock_mhz)

    @property
    def power_w(self) -> float:
        return 5.0 + (float(self.clock_mhz) / 500.0) ** 3

    def run(self, duration_s: float) -> Slice:
        self._call("run")
        start_s, completions = self.now_s, []
        while self.now_s < start_s + duration_s:
            arrival_s = self.now_s
            self._pass(self.latency_s)
            self.batches += 1
            failure = "no answer" if self.failing(self.batches) else ""
            completions.append(Completion((arrival_s,) * int(self.batch_size), arrival_s, self.now_s, failure))
        if self._load.scenario == "live":
            return Slice(start_s, self.now_s, (), _counted(completions, self.now_s - start_s))
        return Slice(start_s, self.now_s, tuple(completions))

    def _pass(self, seconds: float) -> None:
        self.now_s += seconds
        self.energy_j += self.drift(self.now_s) * self.power_w * seconds

    def stop_load(self) -> None:
        self._call("stop_load")

    def serving_pid(self) -> int | None:
        return self.pid

    def idle(self, duration_s: float) -> None:
        self.now_s += duration_s
        self.energy_j += 5.0 * duration_s


def _counted(completions: Sequence[Completion], duration_s: float) -> Traffic:
    """What a server with buckets of 10 ms counts of these."""
    latencies = [each.finish_s - each.arrivals_s[0] for each in completions if not each.failure]
    bounds = (*(0.01 * k for k in range(1, 12)), math.inf)
    counts = tuple(float(sum(latency <= bound for latency in latencies)) for bound in bounds)
    return Traffic(
        requests=len(latencies),
        failures=len(completions) - len(latencies),
        histograms={"latency": Histogram(bounds, counts, sum(latencies))},
        busy_s=0.5 * duration_s,
    )


def bench(device: ScriptedDevice, slo: str = "p90 <= 50 ms", scenario: Scenario = Scenario.MULTI_STREAM) -> Bench:
    """Returns a bench on a scripted device."""
    return Bench(
        hardware=device,
        workload=device,
        objective=Objective(scenario, (Slo.parse(slo),), Scope.BOARD),
        space=plan_space((CLOCK,), (BATCH,), Scenario.MULTI_STREAM, Scope.BOARD),
        knobs=(CLOCK,),
        meter=METER,
    )


BASELINE = Configuration({CLOCK.id: 1500, BATCH.id: 1})


class ScriptedSearch:
    """Proposes every legal configuration once, in order."""

    def __init__(self, device_bench: Bench) -> None:
        self._space = device_bench.space
        self.fault: Callable[[str], None] = lambda _: None

    def cpu_s(self) -> float:
        return 0.0

    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        self.fault("propose")
        tried = {trial.configuration for trial in trials}
        for configuration in self._space:
            if configuration not in tried:
                return Proposal(configuration, "next in line")
        return Stop("Every configuration has been tried.")

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:
        self.fault("effects")
        return (effect(CLOCK.id, CLOCK.values),)
