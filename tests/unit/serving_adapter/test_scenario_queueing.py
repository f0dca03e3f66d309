"""The open loop is a queue as the theory knows it: constant service under Poisson arrivals is M/D/1."""

import statistics
from bisect import bisect_right

import pytest

from serving_adapter.contract import Completion, Load
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.scripted_adapter import ScriptedAdapter

RATE_HZ, SERVICE_S, DURATION_S = 70.0, 0.01, 2000.0


@pytest.fixture(scope="module")
def batches() -> tuple[Completion, ...]:
    adapter = ScriptedAdapter([SERVICE_S])
    return load_generator(adapter, Load("server", 1, RATE_HZ, seed=3)).run(DURATION_S).completions


def test_items_wait_as_long_as_pollaczek_and_khinchine_say(batches: tuple[Completion, ...]) -> None:
    """Kleinrock, Queueing Systems, volume 1, section 5.7: the mean wait is rho s / (2 (1 - rho))."""
    utilization = RATE_HZ * SERVICE_S
    waits_s = [batch.start_s - batch.arrivals_s[0] for batch in batches]
    assert statistics.fmean(waits_s) == pytest.approx(utilization * SERVICE_S / (2 * (1 - utilization)), rel=0.03)


def test_littles_law_holds(batches: tuple[Completion, ...]) -> None:
    """Little, Operations Research 9(3), 1961: items in the system = arrival rate x time in the system."""
    arrived_s = [batch.arrivals_s[0] for batch in batches]
    left_s = [batch.finish_s for batch in batches]
    looks_s = [0.0173 * number for number in range(int(DURATION_S / 0.0173))]
    in_system = [bisect_right(arrived_s, look_s) - bisect_right(left_s, look_s) for look_s in looks_s]
    time_in_system_s = statistics.fmean(batch.finish_s - batch.arrivals_s[0] for batch in batches)
    assert statistics.fmean(in_system) == pytest.approx(len(batches) / DURATION_S * time_in_system_s, rel=0.01)
