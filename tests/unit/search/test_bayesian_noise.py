"""Our proposer on devices that are noisy, once wrong, or have a knob that does nothing."""

from __future__ import annotations

import pytest

from tests.unit.search.devices import PHASES, WITH_USELESS_KNOB, Noise, accelerator, copy_clock, two_phases
from tests.unit.search.records import SPACE, Physics, roofline
from tests.unit.search.studies import explored, single_stream
from tests.unit.search.surrogates import surrogate_of
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search.encoding import Encoding

DEVICES = [(SPACE, roofline, 0.1), (PHASES, two_phases, 0.03)]


@pytest.mark.parametrize(("sd", "most", "regret"), [(0.01, 16, 0.03), (0.02, 18, 0.04), (0.05, 30, 0.06)])
@pytest.mark.parametrize(("space", "physics", "bound_s"), DEVICES, ids=["batched", "two phases"])
def test_it_ends_near_the_optimum_under_noise(
    space: ConfigurationSpace, physics: Physics, bound_s: float, sd: float, most: int, regret: float
) -> None:
    study = explored(single_stream(space, bound_s), Noise(physics, sd), most)
    assert study.stop is not None
    assert study.regret(physics) <= regret


@pytest.mark.parametrize(("factor", "place"), [(0.8, 2), (1.2, 4)])
def test_an_outlier_among_thirty_trials_does_not_lead_it_astray(factor: float, place: int) -> None:
    task = single_stream(SPACE, 0.1)
    wrong = explored(task, Noise(roofline, 0.01), place + 1, heeds_stop=False).configurations[place]
    study = explored(task, Noise(roofline, 0.01, outlier=wrong, outlier_factor=factor), 30, heeds_stop=False)
    assert wrong in study.configurations
    assert study.regret(roofline) <= 0.02


class TestUselessKnob:
    STUDY = staticmethod(lambda: explored(single_stream(WITH_USELESS_KNOB, 0.03), Noise(accelerator, 0.005)))

    def test_it_does_not_keep_the_search_from_ending(self) -> None:
        study = self.STUDY()
        assert study.stop is not None
        assert len(study.trials) <= 14
        assert study.regret(accelerator) <= 0.01

    def test_it_is_found_to_do_nothing(self) -> None:
        study = self.STUDY()
        encoding = Encoding(WITH_USELESS_KNOB)
        surrogate = surrogate_of(study.trials, asked=study.task.objective, space=WITH_USELESS_KNOB)
        line = encoding.encode(Configuration({**study.best, copy_clock().id: mhz}) for mhz in copy_clock().choices)
        prediction = surrogate.predict(line)
        assert prediction.energy_mean.max() - prediction.energy_mean.min() < 0.02
        assert prediction.energy_sd.max() < 0.03

    def test_its_choices_do_not_stand_in_the_way_of_the_other_clock(self) -> None:
        study = explored(single_stream(WITH_USELESS_KNOB, 0.03), accelerator, most=9, heeds_stop=False)
        assert len({one["gpu.core.max_mhz"] for one in study.configurations}) >= 4
