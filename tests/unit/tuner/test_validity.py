"""Whether a window counts: what the server, the meter and the machine did within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import fmean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knobs.contract import Reading
from serving_adapter.contract import Completion, Slice
from tests.unit.tuner.load_slices import closed_loop
from tests.unit.tuner.scripted_bench import BATCH, CLOCK, METER
from tuner.config_record import MeasurementSettings
from tuner.measuring.tally import RequestTally
from tuner.measuring.validity import lapse_of, mismatch_of
from tuner.measuring.window import Window
from tuner.objective import Objective, Scenario, Slo
from tuner.trial import Rejection, RejectionCause

SETTINGS = MeasurementSettings()
SLICE_S, LATENCY_S, SLICES = 0.4, 0.02, 20
SLOS = (Slo.parse("p90 <= 50 ms"),)
EVEN = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)
UNEVEN = (Scenario.SERVER, Scenario.LIVE)
KNOBS = {CLOCK.id: replace(CLOCK, tolerance=0.01)}


def objective(scenario: Scenario = Scenario.MULTI_STREAM, slos: tuple[Slo, ...] = SLOS) -> Objective:
    rate_hz = 1.0 / LATENCY_S if scenario is Scenario.SERVER else None
    return Objective(scenario, slos, METER.scope, arrival_rate_hz=rate_hz)


def window_of(powers_w: Sequence[float], gaps_s: Sequence[float] | None = None, failures: int = 0) -> Window:
    """Returns a window of evenly served slices, read after each.

    Args:
        powers_w: The power in every slice.
        gaps_s: Seconds without samples that the meter has counted, at the opening and after every slice.
        failures: Requests that failed in a slice before it, of which nothing else is known.
    """
    missing_s = gaps_s or [0.0] * (len(powers_w) + 1)
    energies_j = accumulate((power_w * SLICE_S for power_w in powers_w), initial=0.0)
    readings = [
        Reading(number * SLICE_S, energy_j, gap_s=gap_s)
        for number, (energy_j, gap_s) in enumerate(zip(energies_j, missing_s, strict=True))
    ]
    tally = RequestTally(SLOS)
    tally.add(Slice(-1.0, 0.0, (Completion((-1.0,) * failures, -1.0, 0.0, "no answer"),) if failures else ()))
    window = Window(METER, tally, readings[0])
    for number, reading in enumerate(readings[1:]):
        window.add(closed_loop(number * SLICE_S, (number + 1) * SLICE_S, LATENCY_S), reading)
    return window


def ramp(change: float) -> list[float]:
    """Powers that grow by so much, relatively, from the first slice to the last, with a little noise."""
    return [10.0 * (1.0 + change * number / (SLICES - 1)) * (1.0 + 0.001 * (-1) ** number) for number in range(SLICES)]


def change_between_halves(powers_w: Sequence[float]) -> float:
    half = len(powers_w) // 2
    return fmean(powers_w[half:]) / fmean(powers_w[:half]) - 1.0


def lapse(window: Window, asked: Objective | None = None, settings: MeasurementSettings = SETTINGS) -> Rejection | None:
    return lapse_of(window, window.tally, asked or objective(), settings)


def test_a_window_in_which_nothing_went_wrong_counts():
    assert lapse(window_of([10.0] * SLICES)) is None


class TestDrift:
    """Where load is even, power that moves means a machine that had not settled."""

    @pytest.mark.parametrize("scenario", EVEN)
    @pytest.mark.parametrize("change", [0.4, -0.4])
    def test_power_that_rises_or_falls_beyond_what_is_allowed_rejects_the_window(
        self, scenario: Scenario, change: float
    ) -> None:
        rejection = lapse(window_of(ramp(change)), objective(scenario))
        assert rejection is not None
        assert rejection.cause is RejectionCause.DRIFT
        assert f"changed by {change_between_halves(ramp(change)):+.0%} from the first" in rejection.reason

    @given(change=st.floats(-0.6, 0.6), max_drift=st.floats(0.02, 0.5))
    def test_what_is_allowed_is_what_the_operator_says(self, change: float, max_drift: float) -> None:
        powers_w = ramp(change)
        seen = change_between_halves(powers_w)
        assume(abs(abs(seen) - max_drift) > 1e-6)
        settings = MeasurementSettings(max_drift=max_drift)
        assert (lapse(window_of(powers_w), settings=settings) is not None) == (abs(seen) > max_drift)

    @pytest.mark.parametrize("scenario", UNEVEN)
    def test_power_may_follow_traffic_that_comes_and_goes(self, scenario: Scenario) -> None:
        assert lapse(window_of(ramp(0.4)), objective(scenario)) is None

    def test_noise_is_not_held_against_the_machine(self) -> None:
        """The halves differ by more than is allowed, and pieces differ by far more."""
        powers_w = [4.0, 18.0, 3.0, 17.0, 5.0, 19.0, 6.0, 18.0, 9.0, 19.0]
        assert change_between_halves(powers_w) > SETTINGS.max_drift
        assert lapse(window_of(powers_w)) is None


class TestMeter:
    """Energy is known only where the meter was seen to move, and to look."""

    def test_a_meter_that_hardly_moved_rejects_the_window(self) -> None:
        rejection = lapse(window_of([10.0]))
        assert rejection is not None
        assert rejection.cause is RejectionCause.METER
        assert "board moved only 1 times" in rejection.reason
        assert "updated every 0.01 s" in rejection.reason

    def test_two_pieces_are_enough(self) -> None:
        assert lapse(window_of([10.0, 10.0])) is None

    def test_a_meter_without_samples_for_long_rejects_the_window(self) -> None:
        rejection = lapse(window_of([10.0] * SLICES, [0.0] * SLICES + [0.9]))
        assert rejection == Rejection(RejectionCause.METER, "board had no samples for 0.90 of 8.00 s.")

    def test_short_gaps_are_borne(self) -> None:
        assert lapse(window_of([10.0] * SLICES, [0.0] * SLICES + [0.7])) is None

    def test_gaps_from_before_the_window_are_not_its_own(self) -> None:
        assert lapse(window_of([10.0] * SLICES, [5.0] * (SLICES + 1))) is None


class TestRequests:
    """Energy per request needs requests, and latencies of the kind that is bounded."""

    @pytest.mark.parametrize(("failures", "is_sound"), [(4, True), (5, False)])
    def test_more_failures_than_are_allowed_reject_the_window(self, failures: int, is_sound: bool) -> None:
        rejection = lapse(window_of([10.0] * SLICES, failures=failures))
        assert (rejection is None) == is_sound
        if rejection is not None:
            assert rejection.cause is RejectionCause.ERRORS
            assert rejection.reason == "5 of 405 requests failed, the last because: no answer"

    def test_a_window_without_a_request_says_so(self) -> None:
        window = Window(METER, RequestTally(SLOS), Reading(0.0, 0.0))
        for number in range(1, 5):
            window.add(Slice(number - 1.0, float(number), ()), Reading(float(number), 10.0 * number))
        assert lapse(window) == Rejection(RejectionCause.WORKLOAD, "No request was completed within 4.0 s.")

    def test_a_bound_on_tokens_needs_tokens(self) -> None:
        rejection = lapse(window_of([10.0] * SLICES), objective(slos=(*SLOS, Slo.parse("p90 ttft <= 1 s"))))
        assert rejection is not None
        assert rejection.cause is RejectionCause.WORKLOAD
        assert "'p90 ttft <= 1000 ms'" in rejection.reason


class TestMismatch:
    """What was set must read back: a knob within its tolerance, everything else exactly."""

    @pytest.mark.parametrize(("found", "agrees"), [(990, True), (1010, True), (989, False), (1011, False)])
    def test_a_knob_reads_back_within_its_tolerance(self, found: int, agrees: bool) -> None:
        sentence = mismatch_of(KNOBS, {CLOCK.id: 1000}, {CLOCK.id: found})
        assert sentence == ("" if agrees else f"gpu.core.max_mhz was set to 1000 and reads back {found}.")

    @pytest.mark.parametrize(("wanted", "found"), [(100, 101), ("eager", "compiled"), ("1", 1), (1, "1"), (1, None)])
    def test_a_serving_parameter_reads_back_exactly(self, wanted: int | str, found: int | str | None) -> None:
        read_back = {} if found is None else {BATCH.id: found}
        assert mismatch_of(KNOBS, {BATCH.id: wanted}, {BATCH.id: wanted}) == ""
        assert f"reads back {found}" in mismatch_of(KNOBS, {BATCH.id: wanted}, read_back)
