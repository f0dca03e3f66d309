"""Studies of real serving: a language model at an arrival rate, a machine that drifts, and live traffic."""

from __future__ import annotations

import math
from dataclasses import replace

from knobs.contract import Provenance, Scope
from tests.unit.report.example_study import estimated_study
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.objective import Objective, Scenario, Slo
from tuner.study.break_even import break_even
from tuner.study.comparison import compare
from tuner.study_record import MachineRecord, Recommendation, Study, StudyRequest, StudyState
from tuner.trial import (
    EnergyResult,
    Interval,
    LatencyResult,
    Measurement,
    Purpose,
    Rejection,
    RejectionCause,
    TokenResult,
    Trial,
    Verdict,
)

_STARTED_AT = "2026-03-14T09:26:53Z"
_TOKENS = 40
_SPACE = ConfigurationSpace(
    (
        Parameter("gpu.core.max_mhz", "MHz", ParameterKind.CLOCK, (900, 1200, 1500, 1800, 2100), Owner.KNOB),
        Parameter("gpu.power.limit_w", "W", ParameterKind.POWER_CAP, (150, 200, 250, 300), Owner.KNOB),
        Parameter("serving.concurrency", "requests", ParameterKind.INSTANCES, (16, 64), Owner.STUDY_ONLY),
    )
)
_SLOS = (Slo.parse("p90 ttft <= 200 ms"), Slo.parse("p95 tpot <= 35 ms"))
_RATE_HZ = 2.5
_TRIED = (
    (2100, 300, 64),
    (1500, 250, 64),
    (1200, 200, 64),
    (900, 150, 16),
    (1200, 150, 64),
    (1800, 300, 16),
    (1500, 200, 64),
    (1200, 250, 64),
)
_REFERENCES = (4, 7)
"""Before which of the tried configurations the baseline is measured again."""
_ROUNDS = 3


def _configuration(clock: int, power_w: int, concurrency: int) -> Configuration:
    return Configuration({"gpu.core.max_mhz": clock, "gpu.power.limit_w": power_w, "serving.concurrency": concurrency})


def _latency(p90_s: float) -> LatencyResult:
    return LatencyResult(p90_s * 0.71, p90_s, p90_s * 1.09, p90_s * 1.42, p90_s * 0.76)


def _measurement(clock: int, power_w: int, concurrency: int, factor: float, rate_hz: float) -> Measurement:
    speed = min(clock, 7.2 * power_w) / 2100.0
    token_s = 0.016 / speed
    busy_share = min(0.97, rate_hz * _TOKENS * token_s / 2.6)
    power_w_mean = 42.0 + busy_share * (38.0 + 190.0 * (clock / 2100.0) ** 2.4)
    joules = factor * power_w_mean / rate_hz
    ttft_s = 0.068 / speed / (1.15 - busy_share * 16.0 / concurrency)
    ttft_s = ttft_s if ttft_s > 0 else 2.4
    is_feasible = ttft_s <= _SLOS[0].bound_s and token_s * 1.09 <= _SLOS[1].bound_s
    requests = 130 if is_feasible else 21
    return Measurement(
        energy=EnergyResult(
            per_request_j=joules,
            interval=Interval(joules * (0.988 if is_feasible else 0.94), joules * (1.012 if is_feasible else 1.06)),
            scope=Scope.GPU,
            provenance=Provenance.MEASURED,
            meter="gpu0.energy",
            mean_power_w=power_w_mean * factor,
            per_token_j=joules / _TOKENS,
        ),
        latency=_latency(ttft_s + _TOKENS * token_s),
        slo_latency_s=ttft_s,
        verdict=Verdict.FEASIBLE if is_feasible else Verdict.INFEASIBLE,
        requests=requests,
        queries=requests,
        window_s=requests / rate_hz,
        throughput_hz=rate_hz,
        late_queries=3 if is_feasible else 16,
        warm_up_s=2.4,
        failed_requests=0 if is_feasible else 1,
        idle_share=1.0 - busy_share,
        tokens=TokenResult(requests * _TOKENS, rate_hz * _TOKENS, _latency(ttft_s), _latency(token_s)),
        ended_early="" if is_feasible else "the SLO does not hold",
        slo_latencies_s=(ttft_s, _latency(token_s).p95_s),
    )


class _Bench:
    """Numbers trials and lets the machine drift from one to the next."""

    def __init__(self, drift: float, rate_hz: float) -> None:
        self.trials: list[Trial] = []
        self._drift = drift
        self._rate_hz = rate_hz

    def measure(self, values: tuple[int, int, int], purpose: Purpose) -> Measurement:
        # Looks at the baseline have no noise of their own here: what they show is the drift and nothing else.
        wobble = (
            0.0 if purpose in (Purpose.BASELINE, Purpose.REFERENCE) else 0.006 * math.sin(7.0 * len(self.trials) ** 2)
        )
        factor = 1.0 + wobble + self._drift * (1.0 - math.exp(-len(self.trials) / 5.0))
        measurement = _measurement(*values, factor, self._rate_hz)
        self._add(values, purpose, measurement, None, measurement.window_s + 6.0)
        return measurement

    def reject(self, values: tuple[int, int, int], rejection: Rejection) -> None:
        self._add(values, Purpose.SEARCH, None, rejection, 11.0)

    def _add(
        self,
        values: tuple[int, int, int],
        purpose: Purpose,
        measurement: Measurement | None,
        rejection: Rejection | None,
        duration_s: float,
    ) -> None:
        power_w = measurement.energy.mean_power_w if measurement else 180.0
        self.trials.append(
            Trial(
                number=len(self.trials),
                configuration=_configuration(*values),
                purpose=purpose,
                measurement=measurement,
                rejection=rejection,
                started_at=_STARTED_AT,
                duration_s=duration_s,
                energy_j=power_w * duration_s,
                late_requests=measurement.late_queries + measurement.failed_requests if measurement else 4,
            )
        )


def _search(bench: _Bench) -> None:
    for position, values in enumerate(_TRIED):
        if position in _REFERENCES:
            bench.measure(_TRIED[0], Purpose.REFERENCE)
        bench.measure(values, Purpose.SEARCH if position else Purpose.BASELINE)
    bench.reject((2100, 150, 16), Rejection(RejectionCause.ERRORS, "9 of 118 requests failed, the last because: 503."))
    bench.reject((2100, 300, 16), Rejection(RejectionCause.TOO_HOT, "gpu reached 88 °C of 85 °C."))


def _finished(study: Study, bench: _Bench, best: tuple[int, int, int]) -> Study:
    """Returns the study with its confirmation, comparison and break-even, worked out as the daemon does it."""
    rounds = [
        (bench.measure(_TRIED[0], Purpose.CONFIRMATION), bench.measure(best, Purpose.CONFIRMATION))
        for _ in range(_ROUNDS)
    ]
    before, after = (tuple(pair[side] for pair in rounds) for side in (0, 1))
    comparison = compare(before, after, ())
    search_s = 3.8
    study = replace(
        study,
        trials=tuple(bench.trials),
        duration_s=sum(trial.duration_s for trial in bench.trials) + search_s + 9.0,
        search_s=search_s,
        search_j=412.0,
    )
    configuration = _configuration(*best)
    recommendation = Recommendation(
        configuration=configuration,
        trial=next(trial.number for trial in bench.trials if trial.configuration == configuration),
        comparison=comparison,
        applicable=configuration.only(("gpu.core.max_mhz", "gpu.power.limit_w")),
        study_only=("serving.concurrency",),
        break_even=break_even(study, comparison),
    )
    return replace(study, recommendation=recommendation)


def _new_study(name: str, objective: Objective) -> Study:
    return Study(
        id=name,
        request=StudyRequest("chat-8b", dry_run=False, max_trials=10),
        objective=objective,
        space=_SPACE,
        machine=MachineRecord(
            device="local",
            provenance=Provenance.MEASURED,
            description={"GPU": "NVIDIA L40S", "kernel": "6.8.0", "wattune": "0.1.0"},
            meters=("gpu0.energy",),
        ),
        state=StudyState.DONE,
        reason="The budget of 10 trials is spent.",
        trials=(),
        recommendation=None,
        started_at=_STARTED_AT,
        duration_s=0.0,
    )


def language_model_study() -> Study:
    """A finished study of a language model under an arrival rate, on a machine that warmed up by about 4 %."""
    bench = _Bench(0.045, _RATE_HZ)
    _search(bench)
    objective = Objective(Scenario.SERVER, _SLOS, Scope.GPU, _RATE_HZ, 3.0)
    return _finished(_new_study("s-language-model", objective), bench, (1200, 200, 64))


def live_study() -> Study:
    """A finished study of the same model under real traffic, which would have been served anyway."""
    bench = _Bench(0.0, 1.7)
    _search(bench)
    return _finished(_new_study("s-live", Objective(Scenario.LIVE, _SLOS, Scope.GPU)), bench, (1200, 200, 64))


def hesitant_study() -> Study:
    """A finished study of CPU seconds that may never pay for itself: its saving cannot be told from zero."""
    study = estimated_study()
    assert study.recommendation is not None
    assert study.recommendation.comparison is not None
    comparison = replace(study.recommendation.comparison, saving_interval=Interval(-0.02, 0.424))
    study = replace(study, trials=tuple(replace(trial, energy_j=80.0) for trial in study.trials), search_j=9.0)
    recommendation = replace(study.recommendation, comparison=comparison, break_even=break_even(study, comparison))
    return replace(study, recommendation=recommendation)
