"""Joules of a device from what runs demand of it; and of another one, from a few runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.energy_model.operations.imagined_device import PRICES_J, energies_of, specs, write_points
from tuner.energy_model.operations.demand import Demand
from tuner.energy_model.operations.device_model import DeviceModel, LinearModel
from tuner.energy_model.operations.evaluation import HeldOut, evaluate, evaluate_transfer
from tuner.energy_model.operations.recorded import Point, read_points
from tuner.energy_model.operations.transfer import choose_runs, transfer
from tuner.errors import BadInputError


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    path = tmp_path_factory.mktemp("points") / "device.jsonl"
    write_points(path, [1.0] * len(specs()))
    demands = [point.demand for point in read_points(path)]
    write_points(path, energies_of(demands, noise=0.02).tolist())
    return read_points(path)


@pytest.fixture(scope="module")
def rows(points: list[Point]) -> list[HeldOut]:
    return evaluate(points)


@pytest.fixture(scope="module")
def demands(points: list[Point]) -> list[Demand]:
    return [point.demand for point in points]


def test_prices_are_found_again(demands: list[Demand]) -> None:
    model = LinearModel.fit(demands, energies_of(demands))
    found = dict(zip(model.terms, model.coefficients_j, strict=True))
    assert model.predict(demands) == pytest.approx(energies_of(demands), rel=1e-6)
    assert found["32-bit MAC"] == pytest.approx(PRICES_J["32-bit MAC"], rel=0.05)
    assert found["launches"] == pytest.approx(PRICES_J["launches"], rel=0.05)


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_fits_scale_with_energy_and_never_go_below_zero(factor: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    demands: list[Demand] = [{"a": float(a), "b": float(b)} for a, b in generator.uniform(0.1, 10, (12, 2))]
    energies_j = generator.uniform(0.5, 2.0, 12)
    model, scaled = LinearModel.fit(demands, energies_j), LinearModel.fit(demands, factor * energies_j)
    assert (model.coefficients_j >= 0).all()
    assert scaled.coefficients_j == pytest.approx(factor * model.coefficients_j, rel=1e-6, abs=1e-9 * factor)


def test_small_runs_count_as_much_as_large_ones() -> None:
    demands: list[Demand] = [{"work": size} for size in (1.0, 1.0, 1.0, 1e6)]
    model = LinearModel.fit(demands, np.array([2.0, 2.0, 2.0, 1e6]))
    assert model.coefficients_j[0] == pytest.approx((3 / 2 + 1) / (3 / 4 + 1))


def waiting(demands: list[Demand]) -> np.ndarray:
    """Joules of a device that waits for launches or works, whichever takes longer: no sum."""
    waits_j = np.array([demand["launches"] for demand in demands]) * 10 * PRICES_J["launches"]
    return np.asarray(np.maximum(waits_j, energies_of(demands)))


def test_what_the_sum_leaves_over_is_learned(demands: list[Demand]) -> None:
    unseen = demands[1::3]
    seen = [demand for demand in demands if demand not in unseen]
    linear, whole = LinearModel.fit(seen, waiting(seen)), DeviceModel.fit(seen, waiting(seen))
    off_alone = np.abs(linear.predict(unseen) / waiting(unseen) - 1).mean()
    assert np.abs(whole.predict(unseen).energy_j / waiting(unseen) - 1).mean() < 0.8 * off_alone


def test_intervals_hold_what_they_promise(rows: list[HeldOut]) -> None:
    (row,) = (row for row in rows if row.method == "operations" and row.left_out == "random fifth")
    assert row.inside_90_pct is not None
    assert row.inside_90_pct >= 75
    assert row.mean_pct < 4


def test_an_interval_is_wider_where_nothing_was_seen(demands: list[Demand]) -> None:
    model = DeviceModel.fit(demands, waiting(demands))
    strange: Demand = {"activation bytes": 1e12, "run": 1.0}
    assert model.predict([strange]).relative_error[0] > 1.3 * model.predict(demands[:1]).relative_error[0]


def test_a_device_with_other_prices_needs_a_few_runs(demands: list[Demand]) -> None:
    known = DeviceModel.fit(demands, energies_of(demands))
    factors = dict(zip(PRICES_J, (0.5, 2.0, 1.0, 1.5, 0.7, 1.0, 0.3), strict=True))
    energies_j = energies_of(demands, {term: price * factors[term] for term, price in PRICES_J.items()})
    chosen = choose_runs(known, demands, 8)
    rest = [index for index in range(len(demands)) if index not in chosen]
    model = transfer(known, [demands[index] for index in chosen], energies_j[chosen])
    off = np.abs(model.predict([demands[index] for index in rest]) / energies_j[rest] - 1).mean()
    untouched = np.abs(known.predict([demands[index] for index in rest]).energy_j / energies_j[rest] - 1).mean()
    assert len(set(chosen)) == 8
    assert off < 0.08 < 0.3 < untouched


def test_a_device_that_only_takes_more_of_everything_needs_one_run(demands: list[Demand]) -> None:
    known = DeviceModel.fit(demands, energies_of(demands))
    model = transfer(known, demands[:1], 3 * energies_of(demands[:1]))
    assert model.predict(demands) == pytest.approx(3 * energies_of(demands), rel=0.1)


def test_the_evaluation_orders_methods_as_they_deserve(rows: list[HeldOut]) -> None:
    errors = {(row.method, row.left_out): row.mean_pct for row in rows}
    assert errors["operations", "model"] < 10 < errors["FLOPs alone", "model"] < errors["constant", "model"]
    assert errors["sum only", "model"] < 10


def test_a_device_is_transferred_to_itself_without_error(points: list[Point]) -> None:
    rows = {(row.method, row.points): row for row in evaluate_transfer(points, points, draws=10)}
    assert rows["transferred", 10].chosen_pct < 5
    assert rows["transferred", 10].random_pct < 5


def test_too_few_runs_are_one_sentence() -> None:
    with pytest.raises(BadInputError, match="2 runs cannot be fitted"):
        LinearModel.fit([{"a": 1.0}] * 2, np.ones(2))
