"""What every knob must keep to, whoever drives it. A subclass gives the fixtures; see ``test_knobs.py``."""

import json

import pytest

from knobs.checks import matches
from knobs.contract import Captured, Knob, RefusedError, RestoreClass, RestoreOutcome, Value


class KnobContract:
    """Subclass it and provide ``knob``; override ``reopen`` and ``footprint`` where there is something to say."""

    @pytest.fixture
    def knob(self) -> Knob:
        raise NotImplementedError

    def reopen(self, knob: Knob, captured: Captured) -> Knob:
        """Returns the knob as another process would rebuild it from a journal entry."""
        return knob

    def footprint(self, knob: Knob) -> object:
        """Returns all state outside of the knob that its write may change."""
        return knob.read()

    def inadmissible(self, knob: Knob) -> Value:
        """Returns a value that the device does not list."""
        if isinstance(knob.spec.values[0], str):
            return "no such category"
        return max(float(value) for value in knob.spec.values) + 12345

    def other_value(self, knob: Knob) -> Value:
        """Returns a value that is not in force."""
        now = knob.read()
        return next(value for value in knob.spec.values if value != now)

    def test_the_values_are_finite_distinct_and_ascending(self, knob):
        values = knob.spec.values
        assert len(values) >= 1
        assert len(set(values)) == len(values)
        if not isinstance(values[0], str):
            assert list(values) == sorted(values)

    def test_reading_and_capturing_change_nothing(self, knob):
        before = self.footprint(knob)
        knob.read()
        knob.capture()
        knob.read()
        assert self.footprint(knob) == before

    def test_what_is_captured_survives_json(self, knob):
        captured = knob.capture()
        assert json.loads(json.dumps(captured)) == captured

    def test_capturing_twice_is_the_same(self, knob):
        assert knob.capture() == knob.capture()

    def test_every_value_reads_back(self, knob):
        captured = knob.capture()
        try:
            for value in (*knob.spec.values, *reversed(knob.spec.values)):
                knob.write(value)
                assert matches(knob.spec, knob.read(), value)
        finally:
            knob.restore(captured)

    def test_an_inadmissible_value_is_refused_and_nothing_is_written(self, knob):
        before = self.footprint(knob)
        with pytest.raises(RefusedError):
            knob.write(self.inadmissible(knob))
        assert self.footprint(knob) == before

    def test_an_exact_knob_is_restored_as_it_was(self, knob):
        if knob.spec.restore_class is not RestoreClass.EXACT:
            pytest.skip(f"{knob.spec.id} is not of the restore class exact")
        before = self.footprint(knob)
        captured = knob.capture()
        knob.write(self.other_value(knob))
        assert knob.restore(captured) is RestoreOutcome.RESTORED
        assert self.footprint(knob) == before

    def test_it_is_restored_from_json_by_another_instance(self, knob):
        before = self.footprint(knob)
        captured = json.loads(json.dumps(knob.capture()))
        knob.write(self.other_value(knob))
        fresh = self.reopen(knob, captured)
        assert fresh.spec == knob.spec
        assert fresh.restore(captured) is RestoreOutcome.RESTORED
        assert self.footprint(knob) == before

    def test_restoring_twice_is_the_same_as_once(self, knob):
        captured = knob.capture()
        knob.write(self.other_value(knob))
        assert knob.restore(captured) is RestoreOutcome.RESTORED
        once = self.footprint(knob)
        assert knob.restore(captured) is RestoreOutcome.RESTORED
        assert self.footprint(knob) == once

    def test_restoring_what_was_never_changed_changes_nothing(self, knob):
        before = self.footprint(knob)
        assert knob.restore(knob.capture()) is RestoreOutcome.RESTORED
        assert self.footprint(knob) == before
