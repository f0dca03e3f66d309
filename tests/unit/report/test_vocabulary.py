"""Digits, prefixes and words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import Provenance, Scope
from tests.unit.report.example_study import estimated_study
from tuner.configuration import Configuration
from tuner.objective import Objective, Scenario, Slo
from tuner.report.vocabulary import (
    configuration_text,
    count_interval_text,
    count_text,
    duration_text,
    energy_text,
    interval_text,
    origin_text,
    parameter_label,
    quantity_text,
    rate_text,
    rough_duration_text,
    scenario_text,
    share_text,
    signed_share_text,
    slo_text,
    value_text,
)
from tuner.trial import EnergyResult, Interval

_FACTORS = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "µ": 1e-6, "n": 1e-9}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01234, "12.3 mJ"),
        (1.5, "1.50 J"),
        (0.9996, "1.00 J"),
        (0.0009996, "1.00 mJ"),
        (127.4, "127 J"),
        (999.96, "1.00 kJ"),
        (12345.0, "12.3 kJ"),
        (7.2e6, "7.20 MJ"),
        (3.1e9, "3.10 GJ"),
        (0.0, "0.00 J"),
        (-0.25, "\N{MINUS SIGN}250 mJ"),
        (4.2e-7, "420 nJ"),
    ],
)
def test_a_quantity_has_three_digits_and_a_prefix(value: float, text: str) -> None:
    assert quantity_text(value, "J") == text


def test_seconds_have_no_kilo() -> None:
    assert quantity_text(12345.0, "s") == "12345 s"


@given(st.floats(min_value=1e-9, max_value=1e11))
def test_a_quantity_reads_back_as_what_it_was_but_for_rounding(value: float) -> None:
    match = re.fullmatch(r"([\d.]+) ([GMkmµn]?)J", quantity_text(value, "J"))
    assert match is not None
    assert float(match[1]) * _FACTORS[match[2]] == pytest.approx(value, rel=0.0051)


@given(st.floats(min_value=1e-8, max_value=1e11))
def test_a_quantity_has_a_digit_other_than_zero_before_the_point(value: float) -> None:
    assert re.match(r"[1-9]", quantity_text(value, "J"))


def test_both_ends_of_an_interval_have_the_same_prefix() -> None:
    assert interval_text(Interval(0.214, 1.604), "J") == "0.214 to 1.60 J"


@pytest.mark.parametrize(("share", "text"), [(0.2314, "23.1 %"), (-0.05, "\N{MINUS SIGN}5.0 %"), (0.0, "0.0 %")])
def test_a_share_is_a_percentage(share: float, text: str) -> None:
    assert share_text(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(59.4, "59 s"), (59.6, "1 min 00 s"), (185.0, "3 min 05 s"), (7800.0, "2 h 10 min")]
)
def test_a_duration_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(47.6, "48 s"), (119.0, "120 s"), (683.0, "11 min"), (9000.0, "2.5 h"), (3e5, "3.5 days"), (1e8, "3.2 years")],
)
def test_a_rough_duration_has_two_digits(seconds: float, text: str) -> None:
    assert rough_duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0.0, "0"),
        (0.34, "0.34"),
        (7.0, "7"),
        (99.6, "100"),
        (27_813.4, "28 000"),
        (999_999.0, "1 million"),
        (3.14e6, "3.1 million"),
        (2.5e12, "2 500 billion"),
    ],
)
def test_an_estimated_number_has_two_digits(count: float, text: str) -> None:
    assert count_text(count) == text.replace(" ", "\N{NO-BREAK SPACE}", text.count(" ") - ("illion" in text))


@given(st.floats(min_value=1.0, max_value=1e12))
def test_an_estimated_number_is_no_further_off_than_its_digits(count: float) -> None:
    factors = {"": 1.0, "million": 1e6, "billion": 1e9}
    match = re.fullmatch(r"([\d.\u00a0]+) ?(\w*)", count_text(count))
    assert match is not None
    assert float(match[1].replace("\N{NO-BREAK SPACE}", "")) * factors[match[2]] == pytest.approx(count, rel=0.051)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(21_234.0, 44_100.0, "21 000 to 44 000"), (4_790.0, 4_820.0, "4 790 to 4 820"), (5.0, 5.0, "5 to 5")],
)
def test_an_interval_has_as_many_digits_as_its_ends_need_to_differ(low: float, high: float, text: str) -> None:
    assert count_interval_text(Interval(low, high)).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("rate_hz", "text"),
    [
        (0.25, "0.25 requests/s"),
        (41.23, "41.2 requests/s"),
        (999.9, "1\u00a0000 requests/s"),
        (20_000, "20\u00a0000 requests/s"),
    ],
)
def test_a_rate_is_plain(rate_hz: float, text: str) -> None:
    assert rate_text(rate_hz) == text


def test_a_change_has_its_sign() -> None:
    assert (signed_share_text(0.041), signed_share_text(-0.02)) == ("+4.1 %", "\N{MINUS SIGN}2.0 %")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("p90 <= 300 ms", "p90 ≤ 300 ms"),
        ("p99.9 <= 1500 ms", "p99.9 ≤ 1.5 s"),
        ("p90 ttft <= 200 ms", "p90 ttft ≤ 200 ms"),
    ],
)
def test_an_slo_is_set_in_type(text: str, shown: str) -> None:
    assert slo_text(Slo.parse(text)) == shown


def test_a_known_parameter_has_a_short_label() -> None:
    assert parameter_label("gpu.core.max_mhz") == "GPU max"


def test_an_unknown_parameter_is_called_by_its_last_name() -> None:
    assert parameter_label("npu.fabric_clock_mhz") == "fabric clock"


def test_a_value_has_its_unit_unless_it_is_a_count() -> None:
    assert value_text(1300.5, "MHz") == "1300.5 MHz"
    assert value_text(150, "percent") == "150 %"
    assert value_text(8, "items") == "8"
    assert value_text("powersave", "") == "powersave"


def test_a_configuration_is_told_in_short_words_and_in_the_order_of_the_space() -> None:
    configuration = Configuration({"workload.cpu.quota_percent": 150, "serving.batch_size": 4})
    parameters = estimated_study().space.parameters
    assert configuration_text(configuration, parameters) == "CPU quota 150 %, batch 4"


@pytest.mark.parametrize("provenance", list(Provenance))
@pytest.mark.parametrize("scope", list(Scope))
def test_energy_is_never_told_without_provenance_and_scope(provenance: Provenance, scope: Scope) -> None:
    energy = EnergyResult(0.0123, Interval(0.012, 0.013), scope, provenance, "meter", 5.0)
    assert energy_text(energy) == f"12.3 mJ ({provenance}, {scope})"


def test_energy_per_token_stands_beside_energy_per_request() -> None:
    energy = EnergyResult(1.2, Interval(1.1, 1.3), Scope.GPU, Provenance.MEASURED, "meter", 5.0, per_token_j=0.0301)
    assert energy_text(energy) == "1.20 J, 30.1 mJ/token (measured, gpu)"


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (Objective(Scenario.OFFLINE, (Slo(90, 1),)), "offline"),
        (Objective(Scenario.SERVER, (Slo(90, 1),), None, 40.0), "server at 40 requests/s"),
        (Objective(Scenario.SERVER, (Slo(90, 1),), None, 40.0, 40.0), "server at 40 requests/s"),
        (Objective(Scenario.SERVER, (Slo(90, 1),), None, 2, 3), "server at 2 requests/s, SLOs also at 3 requests/s"),
    ],
)
def test_a_scenario_names_its_rates(objective: Objective, text: str) -> None:
    assert scenario_text(objective) == text


def test_an_unknown_scope_is_left_out() -> None:
    assert origin_text(Provenance.SIMULATED, None) == "simulated"
