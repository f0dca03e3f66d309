"""The thread behind the meters: it comes with the first use, polls when due, and goes when nobody asks any more."""

import threading
import time

import pytest

from knobs.contract import Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, SourceFacts


class Counting:
    def __init__(self, interval_s):
        self.interval_s = interval_s
        self.polls_s = []

    def poll(self):
        self.polls_s.append(time.monotonic())
        return self.polls_s[-1] + self.interval_s


def wait_until(condition, limit_s=5.0):
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def test_no_thread_before_the_first_use():
    assert not Sampler().running


def test_each_is_polled_at_its_own_pace():
    sampler, fast, slow = Sampler(), Counting(0.01), Counting(0.05)
    sampler.use(slow, time.monotonic())
    sampler.use(fast, time.monotonic())
    wait_until(lambda: len(slow.polls_s) >= 4)
    assert 2 * len(slow.polls_s) < len(fast.polls_s) <= 6 * len(slow.polls_s)
    gaps_s = [after - before for before, after in zip(fast.polls_s, fast.polls_s[1:], strict=False)]
    assert min(gaps_s) >= 0.0099


def test_a_new_one_that_is_due_earlier_wakes_the_thread():
    sampler, late, early = Sampler(), Counting(60.0), Counting(60.0)
    sampler.use(late, time.monotonic() + 60.0)
    sampler.use(early, time.monotonic())
    wait_until(lambda: early.polls_s)
    assert not late.polls_s


def test_what_is_not_used_any_more_is_dropped_and_the_thread_ends_and_comes_again():
    sampler, polled = Sampler(idle_s=0.05), Counting(0.005)
    sampler.use(polled, time.monotonic())
    assert sampler.running
    wait_until(lambda: not sampler.running)
    polls = len(polled.polls_s)
    assert polls >= 2
    time.sleep(0.03)
    assert len(polled.polls_s) == polls
    sampler.use(polled, time.monotonic())
    wait_until(lambda: len(polled.polls_s) > polls)


def test_what_is_used_again_and_again_is_not_dropped():
    sampler, polled = Sampler(idle_s=0.05), Counting(0.005)
    for _ in range(10):
        sampler.use(polled, time.monotonic())
        time.sleep(0.02)
        assert sampler.running


def test_a_source_that_needs_no_polls_starts_no_thread():
    sampler = Sampler()
    facts = SourceFacts("cpu.energy", Scope.CPU, "cpu", update_period_s=0.001, resolution=1e-6)
    SampledMeter(CounterSource(facts, lambda: 1.0), sampler).sample()
    assert not sampler.running


def test_a_power_of_the_real_clock_is_integrated_by_the_thread():
    sampler = Sampler()
    start_s = time.monotonic()
    facts = SourceFacts("gpu.power", Scope.GPU, "gpu0", update_period_s=0.01, resolution=0.001)
    meter = SampledMeter(PowerSource(facts, lambda: 100.0 + 50.0 * (time.monotonic() - start_s)), sampler)
    before = meter.sample()
    time.sleep(0.4)
    after = meter.sample()
    middle_s = (before.time_s + after.time_s) / 2.0 - start_s
    truth_j = (100.0 + 50.0 * middle_s) * (after.time_s - before.time_s)
    assert after.time_s - before.time_s == pytest.approx(0.4, abs=0.05)
    assert after.value - before.value == pytest.approx(truth_j, rel=0.01)


def test_many_threads_may_sample_one_meter():
    sampler = Sampler()
    facts = SourceFacts("gpu.power", Scope.GPU, "gpu0", update_period_s=0.002, resolution=0.001)
    meter = SampledMeter(PowerSource(facts, lambda: 100.0 + time.monotonic() % 0.01), sampler)
    wrong = []

    def sample_often():
        last = meter.sample()
        for _ in range(200):
            reading = meter.sample()
            if reading.value < last.value or reading.time_s < last.time_s:
                wrong.append((last, reading))
            last = reading

    threads = [threading.Thread(target=sample_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
