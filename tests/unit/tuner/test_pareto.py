from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.records import trial
from tuner.pareto import pareto_front
from tuner.trial import Purpose, Verdict

POINTS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=30)


def _dominates(one, other):
    a, b = one.measurement, other.measurement
    no_worse = a.energy.per_request_j <= b.energy.per_request_j and a.slo_latency_s <= b.slo_latency_s
    return no_worse and (a.energy.per_request_j, a.slo_latency_s) != (b.energy.per_request_j, b.slo_latency_s)


@given(POINTS)
def test_the_front_is_exactly_what_nothing_dominates(points):
    trials = [trial(number, float(energy), float(latency)) for number, (energy, latency) in enumerate(points)]
    front = pareto_front(trials)
    kept = {(t.measurement.energy.per_request_j, t.measurement.slo_latency_s) for t in front}
    free = {
        (t.measurement.energy.per_request_j, t.measurement.slo_latency_s)
        for t in trials
        if not any(_dominates(other, t) for other in trials)
    }
    assert kept == free
    assert len(front) == len(kept)


def test_rejections_and_confirmations_do_not_count_and_infeasible_trials_do():
    trials = [
        trial(0, 4.0, 0.01),
        trial(1, None),
        trial(2, 1.0, 0.5, verdict=Verdict.INFEASIBLE),
        trial(3, 0.1, 0.001, purpose=Purpose.CONFIRMATION),
    ]
    assert [t.number for t in pareto_front(trials)] == [0, 2]


@given(POINTS, POINTS)
def test_rates_have_fronts_of_their_own(slow, fast):
    """Whatever is measured at one rate, at another nothing is lost and nothing is added."""
    measured = [
        replace(trial(number, float(energy), float(latency)), arrival_rate_hz=rate_hz)
        for number, (rate_hz, (energy, latency)) in enumerate([(20.0, p) for p in slow] + [(60.0, p) for p in fast])
    ]
    low, high = measured[: len(slow)], measured[len(slow) :]
    assert pareto_front(measured) == (*pareto_front(low), *pareto_front(high))
    alone = pareto_front([replace(t, arrival_rate_hz=None) for t in low])
    assert [t.number for t in pareto_front(low)] == [t.number for t in alone]
