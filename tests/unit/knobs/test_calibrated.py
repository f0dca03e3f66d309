"""The calibrated meter: its arithmetic, when there is one, and how the operator's configuration reaches it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import (
    Calibration,
    DeviceError,
    Meter,
    MeterSpec,
    NoValueError,
    Provenance,
    Quantity,
    Reading,
    Scope,
)
from knobs.found import Wishes
from knobs.inventory import discover
from knobs.keeper.records import from_json, to_json
from knobs.meters.calibrated import CalibratedMeter, find_calibrated
from knobs.meters.rapl import METER_ID as RAPL
from tuner.cli.hardware import load_settings
from tuner.config import load_config
from tuner.errors import BadInputError

SECTION = '[calibration."gpu.energy"]\nscope = "wall"\nfactor = 1.06\nbase_w = 97.0\nerror = 0.005\n'


class Scripted(Meter):
    """Gives readings one after another; an error in their place is raised."""

    def __init__(self, *readings: Reading | DeviceError, scope: Scope = Scope.GPU, **changes: object) -> None:
        self._readings = list(readings)
        facts = {"provenance": Provenance.MEASURED, "resolution": 0.001, "accuracy": 0.05, "duty": 0.25, **changes}
        self._spec = MeterSpec(
            id="gpu.energy", quantity=Quantity.ENERGY_J, scope=scope, update_period_s=0.1, device="gpu0", **facts
        )

    @property
    def spec(self) -> MeterSpec:
        return self._spec

    def sample(self) -> Reading:
        reading = self._readings.pop(0)
        if isinstance(reading, DeviceError):
            raise reading
        return reading


def calibration(scope: Scope = Scope.WALL, meter: str = "gpu.energy") -> Calibration:
    return Calibration(meter, scope, factor=1.06, base_w=97.0, error=0.005)


@given(st.floats(0.1, 10.0), st.floats(0.0, 500.0), st.floats(0.0, 1e6), st.floats(0.0, 1e4), st.floats(0.01, 100.0))
def test_joules_are_the_device_s_times_the_factor_and_the_base_power(
    factor: float, base_w: float, start_j: float, used_j: float, duration_s: float
) -> None:
    device = Scripted(Reading(1000.0, start_j), Reading(1000.0 + duration_s, start_j + used_j))
    meter = CalibratedMeter(device, Calibration("gpu.energy", Scope.WALL, factor, base_w, 0.01))
    first, second = meter.sample(), meter.sample()
    assert second.time_s - first.time_s == pytest.approx(duration_s)
    assert second.value - first.value == pytest.approx(factor * used_j + base_w * duration_s, rel=1e-6, abs=1e-5)


def test_what_a_reading_may_be_off_by_and_its_gaps_go_along() -> None:
    reading = Reading(10.0, 50.0, error_j=2.0, gap_s=0.3)
    estimated = CalibratedMeter(Scripted(reading), calibration()).sample()
    assert estimated == Reading(10.0, pytest.approx(1.06 * 50.0 + 970.0), error_j=pytest.approx(2.12), gap_s=0.3)


def test_it_is_an_estimate_of_the_wider_scope_on_the_same_device() -> None:
    spec = CalibratedMeter(Scripted(), calibration()).spec
    assert (spec.id, spec.scope, spec.provenance) == ("gpu.energy.calibrated", Scope.WALL, Provenance.ESTIMATED)
    assert (spec.device, spec.update_period_s, spec.duty) == ("gpu0", 0.1, 0.25)
    assert spec.resolution == pytest.approx(1.06 * 0.001)
    assert "1.06 times gpu.energy, and 97 W all the time" in spec.note


def test_the_band_is_the_error_of_the_fit() -> None:
    assert CalibratedMeter(Scripted(), calibration()).spec.band_j(200.0, 1.0) == pytest.approx((199.0, 201.0))
    assert Scripted().spec.band_j(200.0, 1.0) is None


def test_its_record_crosses_the_keeper_s_socket() -> None:
    spec = CalibratedMeter(Scripted(), calibration()).spec
    assert from_json(MeterSpec, to_json(spec)) == spec


@pytest.mark.parametrize("error", [NoValueError("asleep"), DeviceError("lost")])
def test_it_has_no_reading_where_its_device_has_none(error: DeviceError) -> None:
    with pytest.raises(type(error), match=str(error)):
        CalibratedMeter(Scripted(error), calibration()).sample()


@pytest.mark.parametrize(
    ("device", "wanted", "reason"),
    [
        (Scripted(), calibration(meter="gpu.power"), "there is no meter gpu.power"),
        (Scripted(provenance=Provenance.SIMULATED), calibration(), "gpu.energy does not measure"),
        (Scripted(provenance=Provenance.ESTIMATED), calibration(), "gpu.energy does not measure"),
        (Scripted(scope=Scope.BOARD), calibration(Scope.GPU), "the scope gpu does not hold what gpu.energy (board)"),
        (Scripted(scope=Scope.CPU), calibration(Scope.GPU), "the scope gpu does not hold what gpu.energy (cpu)"),
    ],
)
def test_where_it_would_say_nothing_there_is_none_and_the_reason_is_told(
    device: Meter, wanted: Calibration, reason: str
) -> None:
    found = find_calibrated([device], [wanted])
    assert found.meters == ()
    (absence,) = found.absent
    assert absence.id == f"{wanted.meter}.calibrated"
    assert reason in absence.reason
    assert absence.fix


@pytest.mark.parametrize("scope", Scope)
def test_every_scope_covers_itself_and_the_wall_covers_all(scope: Scope) -> None:
    assert scope.covers(scope)
    assert Scope.WALL.covers(scope)
    assert scope is Scope.WALL or not scope.covers(Scope.WALL)


def test_a_machine_offers_it_beside_its_device(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("23 1 0:22 / / rw - ext4 /dev/vda rw\n")
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for file, text in (("name", "package-0"), ("max_energy_range_uj", "262143328850"), ("energy_uj", "5000000")):
        (zone / file).write_text(f"{text}\n")
    wishes = Wishes(calibrations=(calibration(Scope.BOARD, RAPL), calibration(meter="gpu.energy")))
    inventory = discover(tmp_path, wishes, check_meters=False)
    estimate = inventory.meters[f"{RAPL}.calibrated"]
    reading = estimate.sample()
    assert reading.value == pytest.approx(1.06 * 5.0 + 97.0 * reading.time_s)
    record = inventory.record()
    assert {meter.id: meter.scope for meter in record.meters} == {RAPL: Scope.CPU, f"{RAPL}.calibrated": Scope.BOARD}
    assert "gpu.energy.calibrated" in {absence.id for absence in record.absent}


def test_the_section_means_the_same_to_daemon_and_keeper(tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text(SECTION)
    (wish,) = load_settings(path).wishes.calibrations
    settings = load_config(path).calibration["gpu.energy"]
    assert wish == Calibration("gpu.energy", Scope.WALL, 1.06, 97.0, 0.005)
    assert wish == Calibration("gpu.energy", settings.scope, settings.factor, settings.base_w, settings.error)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('"wall"', '"house"', "scope"),
        ("1.06", "0", "factor"),
        ("1.06", "-1", "factor"),
        ("1.06", "nan", "factor"),
        ("1.06", "true", "factor"),
        ("97.0", "-0.1", "base_w"),
        ("97.0", "inf", "base_w"),
        ("97.0", '"97"', "base_w"),
        ("error = 0.005", "error = 0", "error"),
        ("error = 0.005", "error = 1.0", "error"),
        ("error = 0.005", "", "error"),
    ],
)
def test_a_wrong_section_is_refused_by_daemon_and_keeper(before: str, after: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text(SECTION.replace(before, after))
    with pytest.raises(BadInputError, match=rf"wrong at 'calibration\.gpu\.energy\.{key}'"):
        load_settings(path)
    with pytest.raises(BadInputError, match=key):
        load_config(path)


def test_a_section_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text('calibration = "good"\n')
    for load in (load_settings, load_config):
        with pytest.raises(BadInputError, match="calibration"):
            load(path)
