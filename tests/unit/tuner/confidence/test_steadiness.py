import math

import numpy as np
import pytest

from tuner.measuring.confidence.steadiness import LEAST_SLICES, Steadiness

SLICE_S = 0.4


def slices_until_steady(latencies_s, powers_w, within=0.1):
    steadiness = Steadiness(within)
    for slices, (latency_s, power_w) in enumerate(zip(latencies_s, powers_w, strict=True), 1):
        steadiness.add(latency_s, power_w)
        if steadiness.is_steady:
            return slices
    return None


def noise(count, share, seed):
    return np.exp(share * np.random.default_rng(seed).standard_normal(count))


def test_a_clean_load_is_steady_after_five_slices():
    latencies_s = (0.01 * noise(10, 0.001, 1)).tolist()
    assert slices_until_steady(latencies_s, [20.0] * 10) == LEAST_SLICES + 1


def test_noise_takes_longer_and_passes_in_time():
    found = [slices_until_steady(noise(24, 0.01, seed).tolist(), noise(24, 0.01, 99 + seed)) for seed in range(30)]
    assert None not in found
    assert LEAST_SLICES < np.median(found) <= 12


@pytest.mark.parametrize("rest", [0.3, 0.5])
@pytest.mark.parametrize("time_constant_s", [2.0, 5.0, 10.0, 20.0, 60.0])
def test_a_slow_noisy_approach_is_seldom_taken_for_rest(rest, time_constant_s):
    trials, fooled = 40, 0
    for seed in range(trials):
        powers_w = noise(15, 0.01, seed) * (1.0 - rest * np.exp(-SLICE_S * (np.arange(15) + 0.5) / time_constant_s))
        slices = slices_until_steady(noise(15, 0.01, 1000 + seed).tolist(), powers_w.tolist())
        if slices is not None:
            now_w, later_w = (
                1.0 - rest * math.exp(-(slices + ahead) * SLICE_S / time_constant_s) for ahead in (0.0, 30.0)
            )
            fooled += later_w / now_w - 1.0 > 0.1
    assert fooled <= 0.1 * trials


def test_two_alike_slices_on_a_slope_are_not_steady():
    steadiness = Steadiness(0.1)
    for power_w in (10.0, 12.0, 14.0, 14.0):
        steadiness.add(0.01, power_w)
    assert not steadiness.is_steady
    assert steadiness.why_not.startswith("Power may still change by ")


def test_a_cold_start_does_not_hold_up_a_load_that_is_level_since():
    latencies_s = [0.05, 0.05, 0.05, *(0.01 * noise(6, 0.001, 2)).tolist()]
    assert slices_until_steady(latencies_s, [20.0] * 9) in (8, 9)


def test_a_step_in_latency_is_not_steady():
    steadiness = Steadiness(0.1)
    for latency_s in [0.010, 0.0101, 0.01, 0.0101, 0.013, 0.013]:
        steadiness.add(latency_s, 20.0)
    assert not steadiness.is_steady


def test_why_not_says_what_is_missing():
    steadiness = Steadiness(0.1)
    assert steadiness.why_not == "No slice of load was seen."
    steadiness.add(None, 20.0)
    assert steadiness.why_not == "Slices of load in which a request was completed: none of 1."
    steadiness.add(0.01, 20.0)
    assert steadiness.why_not == "Latency is known of 1 slices of load, and 4 are needed to see a trend."


def test_without_a_meter_that_moves_latency_decides():
    steadiness = Steadiness(0.1)
    for _ in range(5):
        steadiness.add(0.01)
    assert steadiness.is_steady
    assert steadiness.why_not == ""
