"""Operators of a few milliseconds under a meter of a tenth of a second."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from knobs.contract import Provenance, Scope
from tests.unit.energy_model.accounting.test_split import events_strategy, powers_strategy
from tests.unit.energy_model.accounting.timelines import SECOND, Event, timeline
from tests.unit.energy_model.accounting.timelines import power as power_of
from tuner.energy_model.accounting.meter_windows import Windows
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.power import PowerSeries, of_counter
from tuner.energy_model.accounting.power_regression import Resolved, resolve
from tuner.energy_model.accounting.split import Split, split
from tuner.energy_model.accounting.timeline import Timeline

MATMUL_W, COPY_W, IDLE_W = 100.0, 20.0, 5.0


def batches(matmul_w: float = MATMUL_W, copy_w: float = COPY_W) -> tuple[list[Event], list[float], list[float]]:
    """Batches of about 37 ms that come at random, and the joules counted up to every instant of change."""
    rng = np.random.default_rng(3)
    events: list[Event] = []
    instants, joules = [0.0], [0.0]

    def pass_time(duration_s: float, watts: float) -> float:
        instants.append(instants[-1] + duration_s)
        joules.append(joules[-1] + duration_s * watts)
        return instants[-1]

    pass_time(0.2, IDLE_W)
    for _ in range(300):
        for name, watts in (("matmul", matmul_w), ("copy", copy_w)):
            begin_s = instants[-1]
            events.append((name, "cpu/1", begin_s, pass_time(rng.uniform(0.005, 0.03), watts)))
        pass_time(rng.uniform(0.001, 0.008), IDLE_W)
    pass_time(0.2, IDLE_W)
    return events, instants, joules


def metered(instants: list[float], joules: list[float], period_s: float, noise_j: float = 0.0) -> PowerSeries:
    times_s = np.arange(0, instants[-1], period_s)
    noise = np.random.default_rng(4).normal(scale=noise_j, size=len(times_s))
    energy_j = np.maximum.accumulate(np.interp(times_s, instants, joules) + noise)
    times_ns = [round(time_s * SECOND) for time_s in times_s.tolist()]
    return of_counter("meter", ("cpu",), times_ns, energy_j.tolist(), Provenance.MEASURED, Scope.CPU)


def resolved(trace: Timeline, meter: PowerSeries) -> tuple[Split, Split, Resolved]:
    nesting = nest(trace.lane, trace.start_ns, trace.end_ns)
    plain = split(trace, nesting, [meter])
    better, (how,) = resolve(trace, nesting, plain)
    return plain, better, how


def mean_power_w(trace: Timeline, shares: Split, name: str) -> float:
    chosen = np.array([trace.labels[label].name == name for label in trace.label])
    return float(shares.energy_j[chosen].sum() / (shares.self_ns[chosen].sum() * 1e-9))


def test_operators_shorter_than_the_meters_period_get_their_own_powers() -> None:
    events, instants, joules = batches()
    trace = timeline(*events)
    plain, better, how = resolved(trace, metered(instants, joules, 0.1))
    assert how.method.startswith("regression over")
    assert mean_power_w(trace, plain, "matmul") < 0.75 * MATMUL_W, "a plain split cannot tell"
    assert mean_power_w(trace, better, "matmul") == pytest.approx(MATMUL_W, rel=0.05)
    assert mean_power_w(trace, better, "copy") == pytest.approx(COPY_W, rel=0.1)
    assert better.energy_j.sum() + how.metered.idle_j == pytest.approx(how.metered.energy_j, rel=1e-9)
    assert how.metered.energy_j == pytest.approx(plain.meters[0].energy_j, rel=1e-12)


def test_its_uncertainty_is_stated_and_covers_the_truth() -> None:
    events, instants, joules = batches()
    trace = timeline(*events)
    _, better, how = resolved(trace, metered(instants, joules, 0.1, noise_j=0.2))
    for name, watts in (("matmul", MATMUL_W), ("copy", COPY_W)):
        label = next(place for place, one in enumerate(trace.labels) if one.name == name)
        found_w = mean_power_w(trace, better, name)
        assert 0 < how.relative_half_widths[label] < 0.3
        assert abs(found_w - watts) <= 2 * how.relative_half_widths[label] * found_w


def test_a_quick_meter_needs_none() -> None:
    events, instants, joules = batches()
    trace = timeline(*events)
    plain, better, how = resolved(trace, metered(instants, joules, 0.002))
    assert "last longer than the meter's period" in how.method
    assert np.array_equal(plain.energy_j, better.energy_j)


def test_powers_that_do_not_differ_are_left_alone() -> None:
    events, instants, joules = batches(30.0, 30.0)
    trace = timeline(*events)
    plain, better, how = resolved(trace, metered(instants, joules, 0.1))
    assert "no difference" in how.method
    assert np.array_equal(plain.energy_j, better.energy_j)


def test_too_few_readings_are_left_alone() -> None:
    events, instants, joules = batches()
    trace = timeline(*events)
    _, _, how = resolved(trace, metered(instants, joules, 2.0))
    assert "too few to tell powers apart" in how.method


@given(events=events_strategy, watts=powers_strategy)
@settings(max_examples=150, deadline=None)
def test_every_second_of_an_interval_is_charged_once(events: list[Event], watts: list[float]) -> None:
    meter = power_of(np.linspace(-1, 16, len(watts)).tolist(), watts, "cpu", "gpu:0")
    trace = timeline(*events)
    nesting = nest(trace.lane, trace.start_ns, trace.end_ns)
    (seen,) = split(trace, nesting, [meter], (-SECOND, 16 * SECOND)).meters
    windows = Windows(trace, nesting, seen)
    seconds = windows.seconds(np.arange(len(trace.labels)), len(trace.labels))
    assert seconds.sum(axis=1) == pytest.approx(np.diff(meter.times_ns) * 1e-9, rel=1e-9, abs=1e-9)
    assert seconds[:, -1].sum() == pytest.approx(seen.idle_s, abs=1e-6)
    by_label = np.bincount(trace.label[windows.events], weights=windows.charged_s(), minlength=len(trace.labels))
    assert seconds[:, :-1].sum(axis=0) == pytest.approx(by_label, abs=1e-6)
