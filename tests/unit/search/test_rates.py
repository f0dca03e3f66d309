"""Several arrival rates as one more parameter."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.search.records import SPACE, measured, objective
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, ParameterKind
from tuner.objective import Objective, Scenario, Slo
from tuner.search.rates import RATE, at_rate, split, with_rates

RATES_HZ = (5.0, 20.0)
SEVERAL = Objective(Scenario.SERVER, (Slo(99.0, 0.1),), arrival_rates_hz=RATES_HZ)
ONE = Objective(Scenario.SERVER, (Slo(99.0, 0.1),), arrival_rate_hz=5.0)


def test_without_several_rates_the_space_stays_as_it_is() -> None:
    for asked in (objective(), ONE):
        assert with_rates(SPACE, asked) is SPACE


def test_a_grid_gets_every_configuration_at_every_rate() -> None:
    space = with_rates(SPACE, SEVERAL)
    assert space.size == SPACE.size * len(RATES_HZ)
    assert space.parameters[:-1] == SPACE.parameters
    assert space.parameters[-1].kind is ParameterKind.RATE
    assert {split(one) for one in space} == {(one, rate_hz) for one in SPACE for rate_hz in RATES_HZ}


def test_orders_are_kept() -> None:
    order = OrderConstraint("batch_size", "gpu.core.max_mhz", 0.01)
    space = with_rates(replace(SPACE, constraints=(order,)), SEVERAL)
    assert all(order.holds(one) for one in space)


def test_a_pool_gets_each_of_its_points_at_every_rate_and_no_other() -> None:
    pool = tuple(SPACE)[::9]
    space = with_rates(ConfigurationSpace(SPACE.parameters, pool=pool), SEVERAL)
    assert space.pool is not None
    assert {split(one) for one in space.pool} == {(one, rate_hz) for one in pool for rate_hz in RATES_HZ}
    assert all(one in space for one in space.pool)


def test_a_trial_at_a_rate_is_a_point_of_that_space_and_back() -> None:
    trial = replace(measured(0, next(iter(SPACE))), arrival_rate_hz=20.0)
    point = at_rate(trial)
    assert point in with_rates(SPACE, SEVERAL)
    assert point[RATE] == 20.0
    assert split(point) == (trial.configuration, 20.0)


def test_a_trial_without_a_rate_is_its_configuration() -> None:
    trial = measured(0, next(iter(SPACE)))
    assert at_rate(trial) == trial.configuration
    assert split(Configuration(trial.configuration)) == (trial.configuration, None)
