"""What ``docs/working_set.md`` says of the measurement that is kept follows from its rows."""

from __future__ import annotations

import pytest

from benchmarks.working_set.comparison import FORMS, SWEEPS, Comparison, compare
from benchmarks.working_set.row_file import read_measured
from tests.house.checkout import ROOT

KEPT = ROOT / "benchmarks" / "results" / "working_set" / "cpu.jsonl"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(read_measured(KEPT))


def test_networks_leave_the_last_cache_where_plain_reads_do_and_not_where_it_is_stated(comparison: Comparison) -> None:
    rows = {row.sweep: row for row in comparison.knees if row.level == "L3"}
    assert rows.keys() == set(SWEEPS)
    for row in rows.values():
        assert row.ratio is not None
        assert 0.7 < row.ratio < 1.5
        assert row.network is not None
        assert row.network.high_bytes < row.stated_bytes / 2


def test_time_is_told_better_the_more_of_the_model_is_known(comparison: Comparison) -> None:
    errors = [comparison.errors[name].mean_error for name in FORMS]
    assert errors == sorted(errors)
    assert errors[0] < 0.16
    assert errors[0] < comparison.errors_as_stated.mean_error


def test_a_byte_costs_more_the_farther_it_is_away(comparison: Comparison) -> None:
    prices = [each.value for each in comparison.prices.coefficients if each.name.endswith("byte")]
    assert prices == sorted(prices)
    assert prices[-1] > 3 * prices[-2] > 0
