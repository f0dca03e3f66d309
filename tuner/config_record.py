"""The operator's configuration as plain records. Nothing here touches hardware or loads a model."""

from __future__ import annotations

import re
import sys
from typing import Any

import msgspec

from knobs.contract import ASSUMED_COEFFICIENTS, PowerCoefficients, Scope
from tuner.configuration import Value
from tuner.errors import NotFoundError
from tuner.objective import Objective, Scenario, Slo

_WORKLOAD_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class KnobBounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's bounds on one knob.

    Attributes:
        allowed: The values that may be set; None for all that the device offers.
        enabled: Whether the knob may be touched at all.
        allow: Whether a knob may be used that is off by default because it is dangerous.
        explore: Whether a study explores the knob; None leaves that to the knob.
        restore_to: What a knob that cannot be read goes back to; None for the driver's default.
    """

    allowed: tuple[Value, ...] | None = None
    enabled: bool = True
    allow: bool = False
    explore: bool | None = None
    restore_to: Value | None = None


class SocketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may open the sockets.

    Attributes:
        group: The group that owns them; empty for the daemon's own group.
    """

    group: str = ""


class StudySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Budgets of a study that its request does not state.

    Attributes:
        max_trials: Trials, the baseline included and the confirmation not.
        max_duration_s: Time for the search.
        confirmation_rounds: How often recommendation and baseline are measured again, interleaved.
    """

    max_trials: int = 16
    max_duration_s: float = 1800.0
    confirmation_rounds: int = 3

    def __post_init__(self) -> None:
        """Refuses budgets in which nothing can be found."""
        if self.max_trials < 2:
            raise ValueError("`max_trials` must be at least 2: the baseline and one more")
        if self.max_duration_s <= 0:
            raise ValueError("`max_duration_s` must be above zero")
        if self.confirmation_rounds < 2:
            raise ValueError("`confirmation_rounds` must be at least 2: an interval needs two rounds")


class MeasurementSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a trial is measured, on the device's clock, and when the procedure is content.

    Attributes:
        window_s: The longest window; a verdict that is open by then is ``undecided``.
        min_window_s: The shortest window.
        slice_s: How much load flows between two looks at the meter, at least.
        energy_target: Relative half-width of the energy's 95 % interval that is good enough.
        warm_up_s: The longest warm-up; a trial that is not steady by then says so.
        min_warm_up_s: The shortest warm-up.
        steady_within: Two slices in a row whose median latencies differ by less than this are steady.
        cool_down_s: Pause before a trial that heat or another program disturbed is measured once more.
    """

    window_s: float = 12.0
    min_window_s: float = 2.0
    slice_s: float = 0.4
    energy_target: float = 0.05
    warm_up_s: float = 3.0
    min_warm_up_s: float = 0.4
    steady_within: float = 0.1
    cool_down_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuses windows that cannot be kept."""
        if not 0 < self.min_window_s <= self.window_s:
            raise ValueError("`min_window_s` must be above zero and not above `window_s`")
        if not 0 < self.min_warm_up_s <= self.warm_up_s:
            raise ValueError("`min_warm_up_s` must be above zero and not above `warm_up_s`")
        if min(self.slice_s, self.energy_target, self.steady_within) <= 0:
            raise ValueError("`slice_s`, `energy_target` and `steady_within` must be above zero")
        if self.cool_down_s < 0:
            raise ValueError("`cool_down_s` must not be below zero")


class EstimateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ranges of the power coefficients by which joules are estimated where no meter is.

    Attributes:
        static_w: Power of the idle package: low, nominal, high.
        cpu_core_w: Additional power of one busy core: low, nominal, high.
    """

    static_w: tuple[float, float, float] = ASSUMED_COEFFICIENTS.static_w
    cpu_core_w: tuple[float, float, float] = ASSUMED_COEFFICIENTS.cpu_core_w

    def __post_init__(self) -> None:
        """Refuses ranges that are none."""
        for name in ("static_w", "cpu_core_w"):
            low, nominal, high = getattr(self, name)
            if not 0 <= low <= nominal <= high:
                raise ValueError(f"`{name}` must be [low, nominal, high], ascending and not below zero")

    @property
    def coefficients(self) -> PowerCoefficients:
        """The ranges as the estimating meter takes them."""
        return PowerCoefficients(static_w=self.static_w, cpu_core_w=self.cpu_core_w)


class ObjectiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workload's objective, as its file states it.

    Attributes:
        scenario: How load arrives.
        slo: One SLO or several, as text (``p99 <= 50 ms``).
        scope: What a joule covers; None takes the widest scope that a meter of this machine has.
        arrival_rate_hz: Requests per second, for ``server`` only.
        peak_rate_hz: The rate at which the SLOs must hold too.
    """

    scenario: Scenario = Scenario.SINGLE_STREAM
    slo: str | tuple[str, ...] = ()
    scope: Scope | None = None
    arrival_rate_hz: float | None = None
    peak_rate_hz: float | None = None

    def resolve(self, slos: tuple[str, ...] = ()) -> Objective:
        """Returns the objective.

        Args:
            slos: Override the SLOs of the file, if not empty.

        Raises:
            BadInputError: An SLO is not a bound on a latency percentile, there is none, or a rate does not fit.
        """
        stated = slos or ((self.slo,) if isinstance(self.slo, str) else self.slo)
        return Objective(
            scenario=self.scenario,
            slos=tuple(Slo.parse(text) for text in stated),
            scope=self.scope,
            arrival_rate_hz=self.arrival_rate_hz,
            peak_rate_hz=self.peak_rate_hz,
        )


class WorkloadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of ``workloads.d``.

    Attributes:
        name: The workload's name: small letters, digits and hyphens.
        adapter: Name of the serving adapter that drives it.
        interpreter: The Python interpreter that its runner is started with; the daemon's own by default.
        options: The adapter's own options.
        parameters: The values to be explored, by serving parameter.
        environment: Environment variables of the runner.
        objective: What is asked for.
    """

    name: str
    adapter: str
    interpreter: str = sys.executable
    options: dict[str, Any] = {}
    parameters: dict[str, list[Value]] = {}
    environment: dict[str, str] = {}
    objective: ObjectiveSettings = ObjectiveSettings()

    def __post_init__(self) -> None:
        """Refuses names that could be mistaken for something else."""
        if _WORKLOAD_NAME.fullmatch(self.name) is None:
            raise ValueError(f"`name` may hold small letters, digits and hyphens only, not '{self.name}'")


class WattuneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration.

    Attributes:
        device: ``local``, or a simulated device such as ``virtual:agx-orin``.
        on_stop: What a deliberate stop does with the confirmed configuration: ``restore`` or ``keep``.
        sockets: Who may open the sockets.
        gpus: The GPUs that may be touched, by index, UUID or PCI address; empty for all.
        plugs: Addresses of external meters (power plugs), by meter id.
        scopes: What meters cover that do not say it themselves, by meter id.
        knobs: The operator's bounds, by knob id.
        study: Default budgets.
        measurement: How long a trial is measured.
        estimate: Power coefficients of the estimate.
        workloads: The workloads, by name; filled in from ``workloads.d``.
    """

    device: str = "local"
    on_stop: str = "restore"
    sockets: SocketSettings = SocketSettings()
    gpus: tuple[str, ...] = ()
    plugs: dict[str, str] = {}
    scopes: dict[str, Scope] = {}
    knobs: dict[str, KnobBounds] = {}
    study: StudySettings = StudySettings()
    measurement: MeasurementSettings = MeasurementSettings()
    estimate: EstimateSettings = EstimateSettings()
    workloads: dict[str, WorkloadConfig] = {}

    def __post_init__(self) -> None:
        """Refuses a device or a stop that does not exist."""
        if self.device != "local" and not self.device.startswith("virtual:"):
            raise ValueError(f"`device` must be 'local' or 'virtual:NAME', not '{self.device}'")
        if self.on_stop not in ("restore", "keep"):
            raise ValueError(f"`on_stop` must be 'restore' or 'keep', not '{self.on_stop}'")

    @property
    def is_simulated(self) -> bool:
        """Whether the device does not exist."""
        return self.device.startswith("virtual:")

    def workload(self, name: str) -> WorkloadConfig:
        """Returns the workload of a name.

        Raises:
            NotFoundError: No file defines it.
        """
        if name not in self.workloads:
            known = ", ".join(sorted(self.workloads)) or "none"
            raise NotFoundError(f"There is no workload '{name}'; the configuration defines: {known}.")
        return self.workloads[name]
