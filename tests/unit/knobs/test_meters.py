import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import Absence, Provenance
from knobs.meters.counter import WrappingCounter
from knobs.meters.rapl import find_rapl
from knobs.sysfs import KernelFiles

RANGE_UJ = 262_143_328_850


@given(range_=st.integers(2, 2**64), start=st.integers(0), steps=st.lists(st.integers(0), max_size=30))
def test_a_counter_that_wraps_is_counted_on(range_, start, steps):
    true = start % range_
    counter = WrappingCounter(range_)
    assert counter.total(true % range_) == true
    for step in steps:
        true += step % range_
        assert counter.total(true % range_) == true


def test_a_counter_without_a_range_is_refused():
    with pytest.raises(ValueError, match="positive"):
        WrappingCounter(0)


def zone(root, name, zone_name, energy_uj):
    folder = root / "sys/class/powercap" / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{zone_name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    return folder


def test_packages_are_summed_and_nothing_is_counted_twice(tmp_path):
    for name, zone_name, energy_uj in [
        ("intel-rapl:0", "package-0", 1_000_000),
        ("intel-rapl:0:0", "core", 500_000),
        ("intel-rapl:1", "package-1-die-0", 2_000_000),
        ("intel-rapl:2", "psys", 9_000_000),
        ("intel-rapl-mmio:0", "package-0", 1_000_000),
    ]:
        zone(tmp_path, name, zone_name, energy_uj)
    meter = find_rapl(KernelFiles(tmp_path), clock=lambda: 5.0)
    assert meter.spec.provenance is Provenance.MEASURED
    assert meter.sample().value == 3.0
    assert meter.sample().time_s == 5.0


def test_each_package_wraps_by_itself(tmp_path):
    first = zone(tmp_path, "intel-rapl:0", "package-0", RANGE_UJ - 1_000_000)
    zone(tmp_path, "intel-rapl:1", "package-1", 5_000_000)
    meter = find_rapl(KernelFiles(tmp_path))
    before = meter.sample().value
    (first / "energy_uj").write_text("2000000\n")
    assert meter.sample().value - before == pytest.approx(3.0)


def test_without_zones_the_reason_names_virtual_machines(tmp_path):
    absence = find_rapl(KernelFiles(tmp_path))
    assert isinstance(absence, Absence)
    assert "virtual machines" in absence.reason


def test_a_counter_that_cannot_be_read_says_who_may(tmp_path):
    folder = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (folder / "energy_uj").unlink()
    (folder / "energy_uj").mkdir()
    absence = find_rapl(KernelFiles(tmp_path))
    assert isinstance(absence, Absence)
    assert "CVE-2020-8694" in absence.reason
    assert "root" in absence.fix


def test_a_counter_at_zero_is_no_meter(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", 0)
    assert isinstance(find_rapl(KernelFiles(tmp_path)), Absence)
