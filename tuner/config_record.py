"""The operator's configuration as plain records. Nothing here touches hardware or loads a model."""

from __future__ import annotations

import math
import re
import sys
from typing import Any, Literal

import msgspec

from knobs.contract import ASSUMED_COEFFICIENTS, PowerCoefficients, Scope
from tuner.configuration import Value
from tuner.errors import NotFoundError
from tuner.hours import Hours
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
        reference_every: After how many trials of the search the baseline is measured again, to see what drifts;
            0 for never.
        hysteresis: With several arrival rates: how far the rate must fall below the lower end of a step before the
            step below it is taken, as a share of that end.
        horizon_hours: For how long a result will be in use: what a further trial may save, it saves until then.
        min_feasibility: Least probability of holding every SLO with which a configuration is tried; None for the
            search's own choice, which is 0.95 under ``live`` and 0 elsewhere.
        max_steps: By how many steps of each parameter a configuration that is tried may lie away from one that is
            known to hold every SLO; None for the search's own choice, which is 2 under ``live`` and any elsewhere. A
            step is a choice, or an eighth of many choices.
        learn_from: What a study learns from besides its own trials: the study that it is a re-tune of (``parent``), or
            also earlier studies of the same workload on this device (``device``).
    """

    max_trials: int = 16
    max_duration_s: float = 1800.0
    confirmation_rounds: int = 3
    reference_every: int = 6
    hysteresis: float = 0.1
    horizon_hours: float = 24.0
    min_feasibility: float | None = None
    max_steps: int | None = None
    learn_from: Literal["parent", "device"] = "parent"

    def __post_init__(self) -> None:
        """Refuses budgets in which nothing can be found."""
        if self.max_trials < 2:
            raise ValueError("`max_trials` must be at least 2: the baseline and one more")
        if self.max_duration_s <= 0:
            raise ValueError("`max_duration_s` must be above zero")
        if self.confirmation_rounds < 2:
            raise ValueError("`confirmation_rounds` must be at least 2: an interval needs two rounds")
        if self.reference_every < 0:
            raise ValueError("`reference_every` must not be below zero")
        if not 0 <= self.hysteresis < 1:
            raise ValueError("`hysteresis` must be at least 0 and below 1")
        if not 0 < self.horizon_hours < math.inf:
            raise ValueError("`horizon_hours` must be a time above zero")
        if self.min_feasibility is not None and not 0 <= self.min_feasibility < 1:
            raise ValueError("`min_feasibility` must be a probability of at least 0 and below 1")
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError("`max_steps` must be at least 1: nothing lies closer")


class MeasurementSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a trial is measured, on the device's clock, and when the procedure is content.

    Attributes:
        window_s: The longest window; a verdict that is open by then is ``undecided``.
        min_window_s: The shortest window.
        slice_s: How much load flows between two looks at the meter, at least.
        energy_target: Relative half-width of the energy's 95 % interval that is good enough.
        warm_up_s: The longest warm-up; a trial that is not steady by then says so.
        min_warm_up_s: The shortest warm-up.
        steady_within: A trend over the last slices of warming up that is smaller than this, relative, is none.
        soak_s: The longest time for which load flows before a confirming measurement, until temperatures stand still.
        cool_down_s: Pause before a trial that heat or another program disturbed is measured once more.
        max_error_share: Share of requests that may fail before the trial is rejected.
        max_drift: Relative change of power from the first to the second half of a window beyond which
            the trial is rejected.
        max_background_cores: CPU cores that other programs may keep busy before the trial counts as disturbed.
    """

    window_s: float = 20.0
    min_window_s: float = 2.0
    slice_s: float = 0.4
    energy_target: float = 0.02
    warm_up_s: float = 6.0
    min_warm_up_s: float = 0.4
    steady_within: float = 0.1
    soak_s: float = 30.0
    cool_down_s: float = 5.0
    max_error_share: float = 0.01
    max_drift: float = 0.1
    max_background_cores: float = 0.5

    def __post_init__(self) -> None:
        """Refuses windows that cannot be kept."""
        if not 0 < self.min_window_s <= self.window_s:
            raise ValueError("`min_window_s` must be above zero and not above `window_s`")
        if not 0 < self.min_warm_up_s <= self.warm_up_s:
            raise ValueError("`min_warm_up_s` must be above zero and not above `warm_up_s`")
        if min(self.slice_s, self.energy_target, self.steady_within) <= 0:
            raise ValueError("`slice_s`, `energy_target` and `steady_within` must be above zero")
        if min(self.cool_down_s, self.soak_s) < 0:
            raise ValueError("`cool_down_s` and `soak_s` must not be below zero")
        if not 0 <= self.max_error_share < 1:
            raise ValueError("`max_error_share` must be at least 0 and below 1")
        if min(self.max_drift, self.max_background_cores) <= 0:
            raise ValueError("`max_drift` and `max_background_cores` must be above zero")


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator lets a study do to the machine and to those who are served.

    Attributes:
        hours: When studies may measure, local time, ``22:00-06:00`` or ``mon-fri 19:00-07:00, sat-sun 00:00-24:00``;
            empty for always.
        abort_temperature_c: A sensor that reaches this ends the trial at once; None for the device's own limits.
        late_requests: Requests that may break an SLO or fail in one study before its search ends; None for any number.
    """

    hours: str = ""
    abort_temperature_c: float | None = None
    late_requests: int | None = None

    def __post_init__(self) -> None:
        """Refuses limits within which nothing can be measured, or that limit nothing."""
        Hours.parse(self.hours)
        if self.abort_temperature_c is not None and not 0 < self.abort_temperature_c < math.inf:
            raise ValueError("`abort_temperature_c` must be a temperature above zero")
        if self.late_requests is not None and self.late_requests < 1:
            raise ValueError("`late_requests` must be at least 1: without any, nothing can be searched")


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


class CalibrationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How joules of a wider scope follow from those of one meter, as ``wattune calibrate`` fits them.

    Attributes:
        scope: What the estimated joules cover.
        factor: Joules of that scope for each joule of the meter.
        base_w: What is drawn there whatever the meter shows.
        error: How far off the estimated joules may be, relative to them.
    """

    scope: Scope
    factor: float
    base_w: float
    error: float

    def __post_init__(self) -> None:
        """Refuses what no fit can be."""
        if not 0 < self.factor < math.inf:
            raise ValueError("`factor` must be above zero")
        if not 0 <= self.base_w < math.inf:
            raise ValueError("`base_w` must not be below zero")
        if not 0 < self.error < 1:
            raise ValueError("`error` must be above 0 and below 1: an estimate is never exact")


class ObjectiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workload's objective, as its file states it.

    Attributes:
        scenario: How load arrives.
        slo: One SLO or several, as text (``p99 <= 50 ms``).
        scope: What a joule covers; None takes the widest scope that a meter of this machine has.
        arrival_rate_hz: Requests per second, for ``server`` only.
        peak_rate_hz: The rate at which the SLOs must hold too.
        arrival_rates_hz: Several rates in place of one, ascending: one study finds a configuration for each.
        rate_shares: Which part of the time each of several rates is served; equal parts by default.
    """

    scenario: Scenario = Scenario.SINGLE_STREAM
    slo: str | tuple[str, ...] = ()
    scope: Scope | None = None
    arrival_rate_hz: float | None = None
    peak_rate_hz: float | None = None
    arrival_rates_hz: tuple[float, ...] = ()
    rate_shares: tuple[float, ...] = ()

    def resolve(self, slos: tuple[str, ...] = ()) -> Objective:
        """Returns the objective.

        Args:
            slos: Override the SLOs of the file, if not empty.

        Raises:
            BadInputError: An SLO is not a bound on a latency percentile, there is none, or rates do not fit.
        """
        stated = slos or ((self.slo,) if isinstance(self.slo, str) else self.slo)
        return Objective(
            scenario=self.scenario,
            slos=tuple(Slo.parse(text) for text in stated),
            scope=self.scope,
            arrival_rate_hz=self.arrival_rate_hz,
            peak_rate_hz=self.peak_rate_hz,
            arrival_rates_hz=self.arrival_rates_hz,
            rate_shares=self.rate_shares,
        )


class WorkloadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of ``workloads.d``.

    Attributes:
        name: The workload's name: small letters, digits and hyphens.
        adapter: Name of the serving adapter that drives it.
        interpreter: The Python interpreter that its runner is started with; the daemon's own by default.
        options: The adapter's own options.
        parameters: The values to be explored, by serving parameter.
        batch_wait_s: How long a batch that is not full waits for more items, under ``server``.
        environment: Environment variables of the runner.
        open_timeout_s: Longest time for loading the model or reaching the server, and for a change of serving
            parameters: to compile a model anew takes minutes.
        objective: What is asked for.
        forecasts: A file that ``wattune predict forecasts`` wrote for this model, from which the search starts;
            empty for none.
    """

    name: str
    adapter: str
    interpreter: str = sys.executable
    options: dict[str, Any] = {}
    parameters: dict[str, list[Value]] = {}
    batch_wait_s: float = 0.0
    environment: dict[str, str] = {}
    open_timeout_s: float = 600.0
    objective: ObjectiveSettings = ObjectiveSettings()
    forecasts: str = ""

    def __post_init__(self) -> None:
        """Refuses names that could be mistaken for something else, and times in which nothing can be done."""
        if _WORKLOAD_NAME.fullmatch(self.name) is None:
            raise ValueError(f"`name` may hold small letters, digits and hyphens only, not '{self.name}'")
        if not 0 < self.open_timeout_s < math.inf:
            raise ValueError("`open_timeout_s` must be a time above zero, in seconds")


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
        limits: What the operator lets a study do.
        estimate: Power coefficients of the estimate.
        calibration: Fits of a meter to a reference of wider scope, by meter id.
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
    limits: LimitSettings = LimitSettings()
    estimate: EstimateSettings = EstimateSettings()
    calibration: dict[str, CalibrationSettings] = {}
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
