from __future__ import annotations

from dataclasses import replace

import pytest

from knobs.contract import KnobKind, KnobSpec, RestoreClass
from serving_adapter.contract import ServingParameter
from tests.unit.tuner.records import study, trial
from tuner.configuration import Configuration
from tuner.daemon.resumption import check_baseline, check_space
from tuner.errors import BadInputError
from tuner.trial import Purpose

KNOB = KnobSpec("gpu.core.max_mhz", "MHz", KnobKind.CLOCK, (500, 1000, 1500), RestoreClass.EXACT, "gpu0")
BATCH = ServingParameter("serving.batch_size", "items", "batch", (1, 2, 4, 8))
BEGUN = study(replace(trial(0, 1.0), purpose=Purpose.BASELINE))


def test_a_machine_that_offers_more_will_do() -> None:
    check_space(BEGUN, [KNOB, replace(KNOB, id="memory.max_mhz")], [BATCH])


def test_a_knob_that_is_gone_is_named() -> None:
    with pytest.raises(BadInputError, match=r"the machine no longer offers gpu\.core\.max_mhz; start a new study"):
        check_space(BEGUN, [], [BATCH])


def test_a_serving_parameter_that_is_gone_is_named() -> None:
    with pytest.raises(BadInputError, match=r"the workload no longer offers serving\.batch_size"):
        check_space(BEGUN, [KNOB], [])


def test_values_that_are_gone_are_named() -> None:
    with pytest.raises(BadInputError, match=r"gpu\.core\.max_mhz no longer takes 500, 1000; start"):
        check_space(BEGUN, [replace(KNOB, values=(1500,))], [BATCH])


def test_a_baseline_that_moved_is_named() -> None:
    measured = BEGUN.trials[0].configuration
    check_baseline(BEGUN, measured)
    check_baseline(study(), Configuration({}))
    moved = Configuration(dict(measured) | {"gpu.core.max_mhz": 7})
    with pytest.raises(BadInputError, match=r"measured at gpu\.core\.max_mhz = \d+, and now it is 7; put it back"):
        check_baseline(BEGUN, moved)
