"""Fresh data overrule what looked good while searching."""

import pytest

from tests.unit.tuner.records import study, trial
from tests.unit.tuner.test_loop import Run
from tuner.config_record import MeasurementSettings, StudySettings
from tuner.measuring.watch import Watch
from tuner.study.confirmation import confirm
from tuner.trial import Purpose, Verdict

BASELINE = trial(0, 4.0)
BEST = trial(1, 1.0, clock_mhz=500)
SECOND = trial(2, 2.0, clock_mhz=1000)


class FreshData:
    """Answers every confirmation from a table: energy and verdict by clock."""

    def __init__(self, **by_clock):
        self.by_clock = {int(clock.removeprefix("at_")): answer for clock, answer in by_clock.items()}

    def __call__(self, configuration):
        clock_mhz = configuration["gpu.core.max_mhz"]
        energy_j, verdict = self.by_clock[clock_mhz]
        return trial(9, energy_j, clock_mhz=clock_mhz, verdict=verdict, purpose=Purpose.CONFIRMATION)


def _confirm(fresh, baseline=BASELINE):
    made = study(baseline, BEST, SECOND)
    return confirm(made, made.trials, baseline.configuration, 3, fresh)


def test_a_candidate_that_breaks_the_slo_again_gives_way_to_the_next():
    fresh = FreshData(
        at_1500=(4.0, Verdict.FEASIBLE), at_500=(1.0, Verdict.INFEASIBLE), at_1000=(2.0, Verdict.FEASIBLE)
    )
    found = _confirm(fresh)
    assert found.winner is SECOND
    assert "Trial 1 looked better while searching, but broke the SLO" in found.caveats[0]


def test_a_candidate_that_saves_nothing_again_gives_way_to_the_next():
    fresh = FreshData(at_1500=(4.0, Verdict.FEASIBLE), at_500=(4.5, Verdict.FEASIBLE), at_1000=(2.0, Verdict.FEASIBLE))
    found = _confirm(fresh)
    assert found.winner is SECOND
    assert "saved nothing" in found.caveats[0]


def test_a_candidate_that_is_never_shown_to_hold_the_slo_again_gives_way():
    fresh = FreshData(at_1500=(4.0, Verdict.FEASIBLE), at_500=(1.0, Verdict.UNDECIDED), at_1000=(2.0, Verdict.FEASIBLE))
    assert _confirm(fresh).winner is SECOND


def test_the_baseline_stays_where_no_candidate_stands():
    fresh = FreshData(
        at_1500=(4.0, Verdict.FEASIBLE), at_500=(1.0, Verdict.INFEASIBLE), at_1000=(5.0, Verdict.FEASIBLE)
    )
    found = _confirm(fresh)
    assert (found.winner, found.comparison) == (BASELINE, None)


def test_nothing_is_recommended_where_the_baseline_breaks_the_slo_too():
    broken = trial(0, 4.0, verdict=Verdict.INFEASIBLE)
    fresh = FreshData(
        at_1500=(4.0, Verdict.INFEASIBLE), at_500=(1.0, Verdict.INFEASIBLE), at_1000=(2.0, Verdict.INFEASIBLE)
    )
    assert _confirm(fresh, broken).winner is None


def test_a_feasible_candidate_that_costs_more_stands_where_the_baseline_breaks_the_slo():
    broken = trial(0, 0.5, verdict=Verdict.INFEASIBLE)
    fresh = FreshData(
        at_1500=(0.5, Verdict.INFEASIBLE), at_500=(1.0, Verdict.FEASIBLE), at_1000=(2.0, Verdict.FEASIBLE)
    )
    found = _confirm(fresh, broken)
    assert found.winner is BEST
    assert found.comparison.saving < 0


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A study on a device whose temperatures never stand still."""
    monkeypatch.setattr(Watch, "temperatures_stand_still", lambda _: False)
    run = Run(tmp_path)
    run.settings = StudySettings(reference_every=3)
    yield run.go()
    run.store.close()


def test_confirmations_are_soaked_and_no_other_look_is(finished):
    settings = MeasurementSettings()
    assert {each.purpose for each in finished.trials} == set(Purpose)
    for each in finished.trials:
        if each.purpose is Purpose.CONFIRMATION:
            assert each.measurement.warm_up_s >= settings.soak_s
            assert "Temperatures still moved." in each.measurement.notes[0]
        else:
            assert each.measurement.warm_up_s < settings.warm_up_s
            assert each.measurement.notes == ()
