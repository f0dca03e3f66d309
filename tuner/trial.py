"""One configuration, applied, verified and measured: plain records that know no hardware and no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Value


class Verdict(StrEnum):
    """Whether the SLOs hold, as far as the requests seen can tell."""

    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNDECIDED = "undecided"
    """Too few requests for that percentile."""


class Purpose(StrEnum):
    """Why a trial was made."""

    BASELINE = "baseline"
    SEARCH = "search"
    CONFIRMATION = "confirmation"
    """A final candidate or the baseline, measured again on fresh data."""
    REFERENCE = "reference"
    """The baseline, measured again in the midst of the search: what it drifted by, everything else drifted by."""

    @property
    def is_another_look(self) -> bool:
        """Whether the configuration has another trial already, which is the one that counts."""
        return self in (Purpose.CONFIRMATION, Purpose.REFERENCE)


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, or the band of an estimate, in the unit of the number it belongs to."""

    low: float
    high: float


@dataclass(frozen=True)
class EnergyResult:
    """Energy of one trial.

    Attributes:
        per_request_j: Joules per completed request (item), the idle time between requests included.
        interval: 95 % interval of ``per_request_j``.
        scope: What a joule covers.
        provenance: Whether the joules were measured, estimated or simulated.
        meter: The meter's id.
        mean_power_w: Mean power over the window.
        band: For estimates: ``per_request_j`` over the whole range of power coefficients.
        cpu_s_per_request: CPU time per request, where counted (measured, also when joules are estimated).
        per_token_j: Joules per token that was generated, for language models.
    """

    per_request_j: float
    interval: Interval
    scope: Scope
    provenance: Provenance
    meter: str
    mean_power_w: float
    band: Interval | None = None
    cpu_s_per_request: float | None = None
    per_token_j: float | None = None


@dataclass(frozen=True)
class LatencyResult:
    """Latency of one trial, from the scheduled arrival to the completion, in seconds."""

    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    mean_s: float


@dataclass(frozen=True)
class TokenResult:
    """What a language model answered in one trial.

    Attributes:
        tokens: Tokens generated.
        throughput_hz: Tokens generated per second.
        ttft: Time to first token, from the scheduled arrival.
        tpot: Time per output token after the first; None if no answer had two tokens.
    """

    tokens: int
    throughput_hz: float
    ttft: LatencyResult
    tpot: LatencyResult | None = None


@dataclass(frozen=True)
class Circumstances:
    """What the devices said about themselves while a trial was measured.

    Attributes:
        delivered: Mean of what the hardware ran at, by knob id and in the knob's unit.
        temperatures_c: Highest temperature, by sensor.
        power_capped_share: Share of the looks in which a power cap held a clock down.
        remarks: What was legal and is recorded.
        foreign: Other processes that used the devices: the machine was shared.
        background_cores: CPU cores kept busy by others than the workload and ourselves, on average; None if nobody
            looked.
    """

    delivered: dict[str, float] = field(default_factory=dict)
    temperatures_c: dict[str, float] = field(default_factory=dict)
    power_capped_share: float = 0.0
    remarks: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    background_cores: float | None = None


@dataclass(frozen=True)
class Measurement:
    """What was measured in one trial.

    Attributes:
        energy: Energy per request.
        latency: Percentiles of latency.
        slo_latency_s: Latency at the percentile of the first SLO, as estimated from this window.
        verdict: Whether all SLOs hold.
        requests: Completed requests (items).
        queries: Batches: requests of one batch share their latency, so that verdicts count batches.
        window_s: Length of the window.
        throughput_hz: Requests per second in the long run: those that arrive, where the server keeps up with them.
        delivered: The values read back while the window ran.
        late_queries: Batches that broke the first SLO.
        warm_up_s: Time spent on settling and warming up before the window.
        notes: What the operator should know about this trial.
        circumstances: What the devices said about themselves meanwhile.
        failed_requests: Requests of the window that failed. They are late, and not among ``requests``.
        idle_share: Share of the window in which no request was worked on; None if the server does not say.
        tokens: What a language model answered, if it is one.
        ended_early: Why the window was closed before energy was known to the target; empty if it was not.
        slo_latencies_s: For every SLO, in the order of the objective's, the latency that it bounds at its percentile.
            The first is ``slo_latency_s``, and the only one that records of older versions have.
    """

    energy: EnergyResult
    latency: LatencyResult
    slo_latency_s: float
    verdict: Verdict
    requests: int
    queries: int
    window_s: float
    throughput_hz: float
    delivered: dict[str, Value] = field(default_factory=dict)
    late_queries: int = 0
    warm_up_s: float = 0.0
    notes: tuple[str, ...] = ()
    circumstances: Circumstances = field(default_factory=Circumstances)
    failed_requests: int = 0
    idle_share: float | None = None
    tokens: TokenResult | None = None
    ended_early: str = ""
    slo_latencies_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Keeps the first of all latencies the same as the one that stands by itself."""
        object.__setattr__(self, "slo_latencies_s", (self.slo_latency_s, *self.slo_latencies_s[1:]))


class RejectionCause(StrEnum):
    """Why a trial does not count."""

    NOT_APPLIED = "not-applied"
    NOT_VERIFIED = "not-verified"
    DISTURBED = "disturbed"
    METER = "meter"
    DRIFT = "drift"
    """Energy or latency changed too much within the window."""
    ERRORS = "errors"
    """The server failed too many requests."""
    TOO_HOT = "too-hot"
    """A sensor reached the operator's abort temperature."""
    WORKLOAD = "workload"
    PROCESS_LOST = "process-lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Rejection:
    """A trial that does not count, and why (one sentence)."""

    cause: RejectionCause
    reason: str


@dataclass(frozen=True)
class Trial:
    """One configuration and what became of it.

    Attributes:
        number: Position in the study; 0 is the baseline.
        configuration: What was asked for.
        purpose: Why the trial was made.
        measurement: What was measured, unless rejected.
        rejection: Why it does not count, unless measured.
        started_at: Wall-clock time of the start, ISO 8601 in UTC (for the record only, never for durations).
        duration_s: Time that the trial took, everything included.
        energy_j: Joules that it took, everything included, in the objective's scope; None if the meter did not say.
        late_requests: Requests that broke an SLO or failed meanwhile, also before the window and if it was rejected:
            what the operator's error budget counts.
        arrival_rate_hz: At which of the objective's arrival rates; None where it has no more than one.
    """

    number: int
    configuration: Configuration
    purpose: Purpose
    measurement: Measurement | None
    rejection: Rejection | None
    started_at: str
    duration_s: float
    energy_j: float | None = None
    late_requests: int = 0
    arrival_rate_hz: float | None = None

    @property
    def is_feasible(self) -> bool:
        """Whether the trial was measured and holds every SLO."""
        return self.measurement is not None and self.measurement.verdict is Verdict.FEASIBLE
