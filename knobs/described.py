"""Knobs that keep their record in one attribute."""

from __future__ import annotations

from knobs.contract import Knob, KnobSpec


class DescribedKnob(Knob):
    """A knob whose constructor makes its record."""

    _spec: KnobSpec

    @property
    def spec(self) -> KnobSpec:
        """The knob as a record."""
        return self._spec
