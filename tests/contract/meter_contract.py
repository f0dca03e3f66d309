"""What every meter must keep to, whatever it reads. A subclass gives the fixture; see ``test_knobs.py``."""

import math

import pytest

from knobs.contract import Meter, Provenance, Quantity


class MeterContract:
    """Subclass it and provide ``meter``; override ``advance`` so that something is consumed."""

    @pytest.fixture
    def meter(self) -> Meter:
        raise NotImplementedError

    def advance(self, meter: Meter) -> None:
        """Lets time pass and something consume."""

    def test_it_says_what_it_is(self, meter):
        assert meter.spec.id
        assert meter.spec.update_period_s >= 0
        assert meter.spec.resolution >= 0

    def test_an_estimate_names_its_coefficients_and_a_measurement_has_none(self, meter):
        assert (meter.spec.coefficients is not None) == (meter.spec.provenance is Provenance.ESTIMATED)

    def test_readings_are_numbers_and_time_goes_on(self, meter):
        first = meter.sample()
        self.advance(meter)
        second = meter.sample()
        assert math.isfinite(first.value)
        assert math.isfinite(second.value)
        assert second.time_s > first.time_s

    def test_a_counter_only_grows(self, meter):
        assert meter.spec.quantity is Quantity.ENERGY_J
        values = []
        for _ in range(5):
            values.append(meter.sample().value)
            self.advance(meter)
        assert values == sorted(values)
        assert values[-1] > values[0]

    def test_an_estimate_lies_between_the_corners_of_its_range(self, meter):
        coefficients = meter.spec.coefficients
        if coefficients is None:
            pytest.skip(f"{meter.spec.id} does not estimate")
        first = meter.sample()
        self.advance(meter)
        second = meter.sample()
        time_s, cpu_s = second.time_s - first.time_s, second.cpu_s - first.cpu_s
        low, nominal, high = (
            static_w * time_s + core_w * cpu_s
            for static_w, core_w in zip(coefficients.static_w, coefficients.cpu_core_w, strict=True)
        )
        assert second.value - first.value == pytest.approx(nominal)
        assert low < nominal < high
