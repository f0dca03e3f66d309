import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import BadInputError
from tuner.objective import Objective, Scenario, Slo


@pytest.mark.parametrize(
    ("text", "percentile", "bound_s"),
    [("p99 <= 50 ms", 99, 0.05), ("p99.9<=1.5s", 99.9, 1.5), (" p50 <= 200us ", 50, 0.0002)],
)
def test_an_slo_is_read(text, percentile, bound_s):
    assert Slo.parse(text) == Slo(percentile, pytest.approx(bound_s))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "p99 >= 50 ms",
        "p99 <= 50",
        "p0 <= 5 ms",
        "p100 <= 5 ms",
        "p90 <= 0 ms",
        "throughput >= 5/s",
        "p90 <= -5 ms",
    ],
)
def test_what_is_no_bound_on_a_latency_percentile_is_refused_in_one_sentence(text):
    with pytest.raises(BadInputError, match=r"SLO"):
        Slo.parse(text)


@given(st.integers(1, 99), st.integers(1, 10_000))
def test_an_slo_prints_as_it_is_read(percentile, bound_ms):
    slo = Slo.parse(f"p{percentile} <= {bound_ms} ms")
    assert Slo.parse(str(slo)) == slo
    assert slo.late_share == pytest.approx(1 - percentile / 100)


SLO = (Slo(90, 0.1),)


@pytest.mark.parametrize(
    "arguments",
    [
        {"scenario": Scenario.OFFLINE, "slos": ()},
        {"scenario": Scenario.SERVER, "slos": SLO},
        {"scenario": Scenario.SERVER, "slos": SLO, "arrival_rate_hz": -1.0},
        {"scenario": Scenario.OFFLINE, "slos": SLO, "arrival_rate_hz": 5.0},
        {"scenario": Scenario.SERVER, "slos": SLO, "arrival_rate_hz": 5.0, "peak_rate_hz": 4.0},
    ],
)
def test_an_objective_that_means_nothing_is_refused(arguments):
    with pytest.raises(BadInputError):
        Objective(**arguments)
