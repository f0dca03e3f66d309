"""What bounds a study: the operator's limits, a workload that is gone, drift, and the cost of it all."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.tuner.records import study
from tests.unit.tuner.scripted_bench import BASELINE, BATCH, CLOCK, ScriptedDevice, ScriptedSearch, bench
from tuner.clock import SystemClock
from tuner.config_record import LimitSettings, MeasurementSettings, StudySettings
from tuner.store import Store
from tuner.study.loop import StudyLoop
from tuner.study_record import StudyState
from tuner.trial import Purpose, RejectionCause


class Wall(SystemClock):
    """A clock whose wall time is told to it."""

    def __init__(self, now):
        self.now = now

    def local_now(self):
        return self.now


class Impatient(threading.Event):
    """Waits for nothing, and moves the wall's clock instead."""

    def __init__(self, wall):
        super().__init__()
        self.wall = wall
        self.waited_s = 0.0

    def wait(self, timeout=None):
        self.waited_s += timeout
        self.wall.now += timedelta(seconds=timeout)
        return self.is_set()


@pytest.fixture
def run(tmp_path):
    store = Store(tmp_path / "studies.sqlite")
    store.create(study())

    def go(device, *, limits=None, slo="p90 <= 50 ms", wall=None, events=None, thinking=lambda: None, **settings):
        made = bench(device, slo)
        search = ScriptedSearch(made)
        search.fault = lambda _: thinking()
        wall = wall or Wall(datetime(2026, 11, 22, 12, tzinfo=UTC))
        loop = StudyLoop(
            store.get("study-1"),
            made,
            search,
            store,
            baseline=BASELINE,
            settings=StudySettings(**settings),
            measurement=MeasurementSettings(),
            publish=(events if events is not None else []).append,
            clock=wall,
            cancelled=Impatient(wall),
            limits=limits,
        )
        return loop.run()

    yield go
    store.close()


def purposes(finished):
    return [trial.purpose for trial in finished.trials]


def test_the_baseline_is_looked_at_again_after_every_few_trials(run):
    found = purposes(run(ScriptedDevice(), reference_every=3))
    searched = found[: found.index(Purpose.CONFIRMATION)]
    expected = [Purpose.BASELINE, *([Purpose.SEARCH] * 3 + [Purpose.REFERENCE]) * 2, *[Purpose.SEARCH] * 2]
    assert searched[: len(expected)] == expected


def test_looks_for_drift_cost_no_trial_of_the_budget(run):
    found = purposes(run(ScriptedDevice(), reference_every=2, max_trials=6))
    assert found.count(Purpose.SEARCH) == 5


def test_a_machine_that_drifts_does_not_mislead_the_search(run):
    """Power grows as the study goes on, so that what was measured first looks best although it is not."""
    device, generator = ScriptedDevice(), random.Random(1)
    started_s = device.now_s
    device.drift = lambda now_s: (1.0 + (now_s - started_s) / 3000.0) * generator.gauss(1.0, 0.05)

    def think():
        device.now_s += 150.0

    finished = run(device, reference_every=1, thinking=think)
    device.drift = lambda _: 1.0

    def true_j(trial):
        device.clock_mhz, device.batch_size = trial.configuration[CLOCK.id], trial.configuration[BATCH.id]
        return device.power_w * device.latency_s / device.batch_size

    searched = [trial for trial in finished.trials if trial.is_feasible and not trial.purpose.is_another_look]
    seen_best = min(searched, key=lambda trial: trial.measurement.energy.per_request_j)
    truly_best = min(searched, key=true_j)
    assert seen_best.number != truly_best.number
    assert finished.recommendation.trial == truly_best.number


def test_a_spent_error_budget_ends_the_search(run):
    finished = run(ScriptedDevice(), slo="p90 <= 30 ms", limits=LimitSettings(late_requests=5))
    assert "late_requests" in finished.reason
    late = [trial.late_requests for trial in finished.trials if trial.purpose is not Purpose.CONFIRMATION]
    assert sum(late) >= 5 > sum(late[:-1])


def test_nothing_is_measured_outside_of_the_operators_hours(run):
    wall = Wall(datetime(2026, 11, 22, 21, 30, tzinfo=UTC).astimezone())
    hour = wall.now.hour
    limits = LimitSettings(hours=f"{(hour + 1) % 24:02d}:00-{(hour + 3) % 24:02d}:00")
    events, device = [], ScriptedDevice()
    opened = []
    device.fault = lambda name: opened.append(wall.now) if name == "run" and not opened else None
    assert run(device, limits=limits, wall=wall, events=events).state is StudyState.DONE
    assert opened[0].hour == (hour + 1) % 24
    assert any("operator's hours" in event.phase for event in events)


def test_a_workload_that_serves_nothing_any_more_ends_the_study_with_the_reason(run):
    device = ScriptedDevice()
    device.failing = lambda number: number > 600
    finished = run(device)
    assert finished.state is StudyState.FAILED
    assert "4 trials in a row" in finished.reason
    assert "no answer" in finished.reason
    assert [trial.rejection.cause for trial in finished.trials[-4:]] == [RejectionCause.ERRORS] * 4
    assert device.clock_mhz == BASELINE[CLOCK.id]


def test_a_study_says_what_it_cost_and_when_that_is_paid(run):
    device = ScriptedDevice()
    finished = run(device)
    assert sum(trial.energy_j for trial in finished.trials) + finished.search_j == pytest.approx(device.energy_j)
    paid = finished.recommendation.break_even
    assert paid.cost_j == pytest.approx(device.energy_j)
    assert paid.requests * paid.saved_per_request_j == pytest.approx(paid.cost_j)
