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

    def test_an_estimate_names_its_one_model_and_a_measurement_has_none(self, meter):
        models = [model for model in (meter.spec.coefficients, meter.spec.calibration) if model is not None]
        assert len(models) == (meter.spec.provenance is Provenance.ESTIMATED)

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

    def test_an_estimate_lies_within_its_band_and_a_measurement_has_none(self, meter):
        first = meter.sample()
        self.advance(meter)
        second = meter.sample()
        duration_s, energy_j = second.time_s - first.time_s, second.value - first.value
        cpu_s = None if first.cpu_s is None else second.cpu_s - first.cpu_s
        band = meter.spec.band_j(energy_j, duration_s, cpu_s)
        assert (band is not None) == (meter.spec.provenance is Provenance.ESTIMATED)
        if band is not None:
            low_j, high_j = band
            assert 0.0 <= low_j < energy_j < high_j

    def test_joules_estimated_from_cpu_time_lie_between_the_corners_of_its_ranges(self, meter):
        coefficients = meter.spec.coefficients
        if coefficients is None:
            pytest.skip(f"{meter.spec.id} does not estimate from CPU time")
        first = meter.sample()
        self.advance(meter)
        second = meter.sample()
        time_s, cpu_s = second.time_s - first.time_s, second.cpu_s - first.cpu_s
        low, nominal, high = (
            static_w * time_s + core_w * cpu_s
            for static_w, core_w in zip(coefficients.static_w, coefficients.cpu_core_w, strict=True)
        )
        assert second.value - first.value == pytest.approx(nominal)
        assert meter.spec.band_j(nominal, time_s, cpu_s) == pytest.approx((low, high))

    def test_a_calibration_says_what_it_reads_what_it_covers_and_how_far_off_it_is(self, meter):
        calibration = meter.spec.calibration
        if calibration is None:
            pytest.skip(f"{meter.spec.id} is not calibrated")
        assert meter.spec.id == f"{calibration.meter}.calibrated"
        assert meter.spec.scope is calibration.scope
        assert calibration.factor > 0.0
        assert calibration.base_w >= 0.0
        assert 0.0 < calibration.error < 1.0
        assert meter.spec.accuracy >= calibration.error
        low_j, high_j = meter.spec.band_j(100.0, 1.0)
        assert (low_j, high_j) == pytest.approx((100.0 * (1.0 - calibration.error), 100.0 * (1.0 + calibration.error)))
        assert calibration.meter in meter.spec.note
