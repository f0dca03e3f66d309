import math

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


RATES = (20.0, 60.0, 120.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"arrival_rates_hz": RATES, "arrival_rate_hz": 20.0}, "not both"),
        ({"arrival_rates_hz": RATES, "peak_rate_hz": 130.0}, "no peak rate"),
        ({"arrival_rates_hz": (20.0,)}, "a single one as 'arrival_rate_hz'"),
        ({"arrival_rates_hz": tuple(map(float, range(1, 10)))}, "2 to 8 arrival rates, not 9"),
        ({"arrival_rates_hz": (60.0, 20.0)}, "ascending"),
        ({"arrival_rates_hz": (20.0, 20.0)}, "distinct"),
        ({"arrival_rates_hz": (0.0, 20.0)}, "above zero"),
        ({"arrival_rates_hz": (20.0, math.inf)}, "finite"),
        ({"arrival_rates_hz": (math.nan, 20.0)}, "above zero"),
        ({"arrival_rates_hz": RATES, "rate_shares": (0.5, 0.5)}, "as many rate shares as arrival rates: 3, not 2"),
        ({"arrival_rates_hz": RATES, "rate_shares": (0.5, 0.5, 0.0)}, "above zero and add up to 1"),
        ({"arrival_rates_hz": RATES, "rate_shares": (0.5, 0.3, 0.3)}, "above zero and add up to 1"),
        ({"arrival_rate_hz": 20.0, "rate_shares": (1.0,)}, "as many rate shares"),
        ({"scenario": Scenario.LIVE, "arrival_rates_hz": RATES}, "takes no arrival rate"),
    ],
)
def test_rates_that_mean_nothing_are_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Objective(**({"scenario": Scenario.SERVER, "slos": SLO} | arguments))


def test_several_rates_are_asked_for_one_at_a_time():
    several = Objective(Scenario.SERVER, SLO, arrival_rates_hz=RATES, rate_shares=(0.33, 0.33, 0.33))
    assert several.rates_hz == RATES
    assert several.shares == pytest.approx((1 / 3,) * 3)
    assert several.at(60.0) == Objective(Scenario.SERVER, SLO, arrival_rate_hz=60.0)
    assert Objective(Scenario.SERVER, SLO, arrival_rates_hz=RATES).shares == pytest.approx((1 / 3,) * 3)


def test_one_rate_is_not_told_apart():
    one = Objective(Scenario.SERVER, SLO, arrival_rate_hz=60.0, peak_rate_hz=80.0)
    assert (one.rates_hz, one.shares, one.at(None), one.at(60.0)) == ((None,), (1.0,), one, one)


def test_the_tightest_slo_is_the_one_that_is_nearest_to_its_bound():
    ttft, tpot = Slo.parse("p90 ttft <= 200 ms"), Slo.parse("p95 tpot <= 40 ms")
    both = Objective(Scenario.OFFLINE, (ttft, tpot))
    assert both.tightest((0.1, 0.039)) == (tpot, 0.039)
    assert both.tightest((0.3, 0.039)) == (ttft, 0.3)
    assert both.tightest((0.1,)) == (ttft, 0.1), "records of older versions know the first only"
