"""What a meter makes of sources that wrap, sleep, stop, run backwards or show nonsense."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import DeviceError, NoValueError, Quantity, Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, SourceFacts
from tests.unit.knobs.meters.sampling.bench import Bench, Clock, Disturbances, SamplerByHand
from tests.unit.knobs.meters.sampling.profiles import Bursts, Constant, Sine

FACTS = SourceFacts("gpu.energy", Scope.GPU, "gpu0", update_period_s=0.1, resolution=0.001, note="A note.")


def window(bench, duration_s):
    before = bench.sample()
    bench.run(duration_s)
    after = bench.sample()
    return after.value - before.value, bench.truth_j(before.time_s, after.time_s), after.gap_s - before.gap_s


class TestSpec:
    def test_readings_are_joules_whatever_the_source_shows(self):
        for source in (CounterSource(FACTS, lambda: 1.0), PowerSource(FACTS, lambda: 1.0)):
            spec = SampledMeter(source, SamplerByHand(Clock())).spec
            assert spec.quantity is Quantity.ENERGY_J
            assert (spec.id, spec.scope, spec.device, spec.note) == ("gpu.energy", Scope.GPU, "gpu0", "A note.")

    def test_the_resolution_of_a_power_is_that_of_its_energy_a_period(self):
        assert SampledMeter(PowerSource(FACTS, lambda: 1.0), SamplerByHand(Clock())).spec.resolution == 0.0001
        assert SampledMeter(CounterSource(FACTS, lambda: 1.0), SamplerByHand(Clock())).spec.resolution == 0.001


class TestTime:
    def test_a_reading_belongs_to_the_last_update_and_sampling_never_waits_for_the_next(self):
        bench = Bench(Constant(100.0), "counter", 0.1)
        bench.sample()
        bench.run(2.057)
        now_s, polls = bench.clock.now_s, bench.polls
        reading = bench.sample()
        assert bench.polls == polls + 1
        assert bench.clock.now_s == now_s
        phase = (reading.time_s - bench.start_s) / 0.1 % 1.0
        assert phase == pytest.approx(bench.phase, abs=0.02)
        assert now_s - 0.1 < reading.time_s < now_s

    def test_between_two_updates_the_reading_stays_what_it_is(self):
        bench = Bench(Constant(100.0), "counter", 0.1, phase=0.0)
        bench.sample()
        bench.run(1.02)
        first = bench.sample()
        bench.run(0.03)
        assert bench.sample() == first

    @settings(max_examples=60, deadline=None)
    @given(
        kind=st.sampled_from(["counter", "power"]),
        period_s=st.sampled_from([0.001, 0.007, 0.02, 0.1, 1.0]),
        pauses_s=st.lists(st.floats(0.0, 3.0), min_size=2, max_size=8),
        lost=st.floats(0.0, 0.3),
        seed=st.integers(0, 999),
    )
    def test_neither_time_nor_energy_nor_gaps_ever_go_back(self, kind, period_s, pauses_s, lost, seed):
        disturbances = Disturbances(wake_s=0.002, read_s=0.002, update_s=period_s / 3.0, lost=lost)
        bench = Bench(Bursts(0.0, 200.0, 0.13, 0.4), kind, period_s, disturbances=disturbances, seed=seed)
        readings = []
        for pause_s in pauses_s:
            readings.append(bench.sample_again_and_again())
            bench.run(pause_s)
        for earlier, later in pairwise(readings):
            assert later.time_s >= earlier.time_s
            assert later.value >= earlier.value
            assert later.gap_s >= earlier.gap_s
        assert readings[-1].time_s <= bench.clock.now_s

    def test_a_known_rhythm_needs_few_polls(self):
        bench = Bench(Sine(100.0, 60.0, 0.7), "counter", 0.1, disturbances=Disturbances(wake_s=0.0005))
        bench.sample()
        bench.run(2.0)
        polls = bench.polls
        bench.run(10.0)
        assert bench.polls - polls < 10 * 90
        assert bench.sample().error_j < 0.01 * 200.0

    def test_a_source_that_answers_slowly_is_left_to_the_thread(self):
        bench = Bench(Constant(100.0), "power", 1.0, disturbances=Disturbances(read_s=0.4))
        bench.sample()
        bench.run(5.0)
        now_s, polls = bench.clock.now_s, bench.polls
        before = bench.sample()
        assert (bench.clock.now_s, bench.polls) == (now_s, polls)
        bench.run(5.0)
        assert bench.sample().value - before.value == pytest.approx(500.0, rel=0.3)

    def test_a_source_that_answers_slowly_is_asked_when_the_thread_has_rested(self):
        bench = Bench(Constant(100.0), "power", 1.0, disturbances=Disturbances(read_s=0.4))
        bench.sample()
        bench.sampler.due.clear()
        bench.clock.now_s += 60.0
        polls = bench.polls
        bench.sample()
        assert bench.polls == polls + 1


class TestCounter:
    @pytest.mark.parametrize("period_s", [0.001, 0.1])
    def test_wraps_are_undone_by_polls_within_every_wrap(self, period_s):
        bench = Bench(Constant(100.0), "counter", period_s, range_j=50.0, longest_interval_s=0.2)
        energy_j, truth_j, gap_s = window(bench, 10.0)
        assert energy_j == pytest.approx(truth_j, rel=0.01)
        assert gap_s == 0.0

    def test_a_fast_counter_is_not_polled_between_samples(self):
        bench = Bench(Constant(100.0), "counter", 0.001)
        window(bench, 10.0)
        assert bench.polls == 2

    def test_a_fast_counter_that_once_answered_slowly_is_still_read_by_every_sample(self):
        clock, count, delays_s = Clock(), iter(range(10)), [0.05]

        def read():
            clock.now_s += delays_s.pop() if delays_s else 0.001
            return float(next(count))

        facts = replace(FACTS, update_period_s=0.001)
        meter = SampledMeter(CounterSource(facts, read), SamplerByHand(clock))
        assert [meter.sample().value for _ in range(3)] == [0.0, 1.0, 2.0]

    def test_a_wrap_that_may_have_been_missed_is_a_gap(self):
        stall = Disturbances(stalls=((2.0, 4.0),))
        bench = Bench(Constant(100.0), "counter", 0.1, range_j=50.0, longest_interval_s=0.2, disturbances=stall)
        _, _, gap_s = window(bench, 10.0)
        assert gap_s == pytest.approx(2.0, abs=0.3)

    def test_a_pause_costs_a_counter_that_does_not_wrap_nothing(self):
        bench = Bench(Constant(100.0), "counter", 0.1, disturbances=Disturbances(stalls=((2.0, 9.0),)))
        energy_j, truth_j, gap_s = window(bench, 10.0)
        assert energy_j == pytest.approx(truth_j, rel=0.01)
        assert gap_s == 0.0

    def test_the_first_reading_of_all_states_an_error_though_no_power_was_seen(self):
        bench = Bench(Constant(300.0), "counter", 0.1)
        first = bench.sample()
        bench.run(5.0)
        later = bench.sample()
        error_j = abs(later.value - first.value - bench.truth_j(first.time_s, later.time_s))
        assert 0.0 < error_j <= first.error_j + later.error_j
        assert math.isfinite(first.error_j)

    def test_after_a_rest_an_update_may_be_as_old_as_the_period_that_was_seen_not_the_one_declared(self):
        bench = Bench(Constant(100.0), "counter", 0.1, declared_period_s=0.02)
        bench.sample()
        bench.run(3.0)
        before = bench.sample()
        for rest_s in (60.0, 60.03, 60.05, 60.07):
            bench.sampler.due.clear()
            bench.clock.now_s += rest_s
            after = bench.sample()
            error_j = abs(after.value - before.value - bench.truth_j(before.time_s, after.time_s))
            assert error_j <= before.error_j + after.error_j

    def test_a_device_that_draws_nothing_is_no_old_reading(self):
        bench = Bench(Constant(0.0), "counter", 0.1)
        first = bench.sample()
        bench.run(5.0)
        later = bench.sample()
        assert later.value == first.value
        assert later.time_s > first.time_s + 4.0

    def test_a_counter_that_runs_backwards_is_an_error_once_and_counts_on_after(self):
        clock, counts = Clock(), iter([5.0, 6.0, 1.0, 2.0, 3.0])
        meter = SampledMeter(CounterSource(FACTS, counts.__next__), SamplerByHand(clock))

        def sample():
            clock.now_s += 0.1
            return meter.sample()

        assert [sample().value, sample().value] == [5.0, 6.0]
        with pytest.raises(DeviceError, match=r"gpu\.energy ran backwards, from 6 J to 1 J"):
            sample()
        assert [sample().value, sample().value] == [2.0, 3.0]


class TestNoValue:
    @pytest.mark.parametrize("kind", ["counter", "power"])
    def test_no_value_now_and_then_is_no_zero(self, kind):
        bench = Bench(Constant(100.0), kind, 0.1, disturbances=Disturbances(lost=0.3))
        bench.sample_again_and_again()
        bench.run(2.0)
        energy_j, truth_j, _ = window(bench, 5.0)
        assert energy_j == pytest.approx(truth_j, rel=0.01)

    def test_a_power_that_was_missed_is_interpolated_and_booked(self):
        bench = Bench(Sine(100.0, 30.0, 7.0), "power", 0.1, disturbances=Disturbances(stalls=((2.0, 3.0),)))
        energy_j, truth_j, gap_s = window(bench, 5.0)
        assert gap_s == pytest.approx(0.9, abs=0.15)
        assert abs(energy_j - truth_j) < 30.0 * gap_s
        assert energy_j == pytest.approx(truth_j, rel=0.02)

    def test_a_power_that_stands_still_and_was_not_seen_meanwhile_is_a_gap_too(self):
        bench = Bench(Constant(100.0), "power", 0.1, disturbances=Disturbances(stalls=((2.0, 3.0),)))
        assert window(bench, 5.0)[2] == pytest.approx(0.9, abs=0.1)

    def test_a_device_without_a_value_for_long_has_no_reading(self):
        bench = Bench(Constant(100.0), "power", 0.1)
        bench.sample()
        bench.run(1.0)
        bench.disturbances.lost = 1.0
        bench.run(0.5)
        last = bench.sample()
        bench.run(2.0)
        with pytest.raises(NoValueError):
            bench.sample()
        bench.disturbances.lost = 0.0
        bench.run(0.5)
        again = bench.sample()
        assert again.gap_s - last.gap_s == pytest.approx(2.5, abs=0.3)

    def test_a_device_that_never_had_a_value_has_no_reading(self):
        bench = Bench(Constant(100.0), "power", 0.1, disturbances=Disturbances(lost=1.0))
        with pytest.raises(NoValueError):
            bench.sample()


class TestNonsense:
    @pytest.mark.parametrize("shown", [math.nan, math.inf])
    @pytest.mark.parametrize("source", [CounterSource, PowerSource])
    def test_what_is_no_number_is_an_error(self, source, shown):
        meter = SampledMeter(source(FACTS, lambda: shown), SamplerByHand(Clock()))
        with pytest.raises(DeviceError, match="no number"):
            meter.sample()

    def test_what_cannot_be_parsed_is_an_error(self):
        meter = SampledMeter(PowerSource(FACTS, lambda: float("garbage")), SamplerByHand(Clock()))
        with pytest.raises(DeviceError, match="no number"):
            meter.sample()

    def test_a_lost_device_is_told_by_the_sample_not_by_the_poll(self):
        clock = Clock()

        def lost():
            raise DeviceError("The GPU fell off the bus; reboot.")

        meter = SampledMeter(PowerSource(FACTS, lost), SamplerByHand(clock))
        assert meter.poll() >= clock.now_s + 1.0
        with pytest.raises(DeviceError, match="fell off the bus"):
            meter.sample()

    def test_a_slow_source_is_read_for_a_quarter_of_the_time_at_most(self):
        bench = Bench(Constant(100.0), "power", 0.02, disturbances=Disturbances(read_s=0.04))
        bench.sample()
        bench.run(10.0)
        assert bench.polls * 0.02 <= 10.0 / 4.0 * 1.1
