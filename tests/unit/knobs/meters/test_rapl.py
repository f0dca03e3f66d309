import pytest

from knobs.contract import NoValueError, Provenance, Scope
from knobs.meters.rapl import MEMORY_METER_ID, METER_ID, PLATFORM_METER_ID, find_rapl
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.tree import constant
from tests.unit.knobs.meters.zones import POWERCAP, RANGE_UJ, Zones


@pytest.fixture
def zones():
    return Zones()


def find(zones, **kwargs):
    return find_rapl(zones.files(**kwargs), Sampler(zones.clock))


def meters(zones):
    found = find(zones)
    assert not found.absent
    return {meter.spec.id: meter for meter in found.meters}


def drawn_w(zones, meter, seconds=2.0):
    before = meter.sample()
    zones.now_s += seconds
    after = meter.sample()
    return (after.value - before.value) / (after.time_s - before.time_s)


class TestSums:
    def test_packages_are_summed_and_nothing_is_counted_twice(self, zones):
        zones.add("intel-rapl:0", "package-0", 10.0)
        zones.add("intel-rapl:0:0", "core", 5.0)
        zones.add("intel-rapl:0:1", "uncore", 2.0)
        zones.add("intel-rapl:1", "package-1-die-0", 20.0)
        zones.add("intel-rapl:2", "package-1-die-1", 40.0)
        zones.add("intel-rapl-mmio:0", "package-0", 10.0)
        (meter,) = meters(zones).values()
        assert (meter.spec.id, meter.spec.scope, meter.spec.provenance) == (METER_ID, Scope.CPU, Provenance.MEASURED)
        assert meter.spec.update_period_s == 0.001
        assert "3 CPU packages" in meter.spec.note
        assert meter.sample().value == pytest.approx(3.0)
        assert drawn_w(zones, meter) == pytest.approx(70.0)

    def test_memory_and_platform_are_meters_of_their_own_wider_scope_first(self, zones):
        zones.add("intel-rapl:0", "package-0", 10.0)
        zones.add("intel-rapl:0:0", "dram", 3.0)
        zones.add("intel-rapl:1", "psys", 30.0)
        found = meters(zones)
        assert list(found) == [PLATFORM_METER_ID, MEMORY_METER_ID, METER_ID]
        assert [meter.spec.scope for meter in found.values()] == [Scope.BOARD, Scope.SOC, Scope.CPU]
        assert [drawn_w(zones, meter) for meter in found.values()] == pytest.approx([30.0, 13.0, 10.0])

    def test_amd_shows_package_and_core_under_the_same_names(self, zones):
        zones.add("intel-rapl:0", "package-0", 65.0)
        zones.add("intel-rapl:0:0", "core", 40.0)
        assert drawn_w(zones, meters(zones)[METER_ID]) == pytest.approx(65.0)

    def test_every_zone_wraps_by_itself_at_its_own_range(self, zones):
        zones.add("intel-rapl:0", "package-0", 100.0, first_uj=RANGE_UJ - 1_000_000)
        zones.add("intel-rapl:0:0", "dram", 30.0, first_uj=999, range_uj=50_000_000)
        meter = meters(zones)[MEMORY_METER_ID]
        assert drawn_w(zones, meter, 1.0) == pytest.approx(130.0)
        assert drawn_w(zones, meter, 1.0) == pytest.approx(130.0)

    def test_a_range_is_read_well_before_it_can_wrap(self, zones):
        zones.add("intel-rapl:0", "package-0", range_uj=65_532_610_987)
        sampler = Sampler(zones.clock)
        due = []
        sampler.use = lambda polled, due_s: due.append(due_s - zones.now_s)
        find_rapl(zones.files(), sampler).meters[0].sample()
        assert due == [pytest.approx(65_532.610987 / 1000.0 / 2.0)]


class TestAbsent:
    def test_without_zones_the_reason_names_virtual_machines(self, zones):
        (absence,) = find(zones).absent
        assert absence.id == METER_ID
        assert "virtual machines" in absence.reason

    @pytest.mark.parametrize("other_zones", [False, True])
    def test_nobody_misses_it_on_a_board_with_a_device_tree(self, zones, other_zones):
        if other_zones:
            zones.add("arm-scmi:0", "soc")
        zones.tree.add(
            "/sys/firmware/devicetree/base/compatible", constant("nvidia,p3737-0000+p3701-0005\0nvidia,tegra234")
        )
        assert find(zones).absent == ()

    def test_without_a_package_there_is_no_counter(self, zones):
        zones.add("intel-rapl-mmio:0", "package-0")
        (absence,) = find(zones).absent
        assert "no package energy counter" in absence.reason

    def test_a_counter_that_only_root_may_read_says_so_and_how_to_change_it(self, zones):
        zones.add("intel-rapl:0", "package-0", mode=0o400)
        (absence,) = find(zones, is_root=False).absent
        assert "CVE-2020-8694" in absence.reason
        assert "root" in absence.fix
        assert "udev" in absence.fix

    def test_a_counter_that_others_may_read_is_used_without_root(self, zones):
        zones.add("intel-rapl:0", "package-0", mode=0o444)
        assert find(zones, is_root=False).meters

    def test_a_counter_at_zero_is_no_meter_and_does_not_take_the_others_along(self, zones):
        zones.add("intel-rapl:0", "package-0")
        zones.add("intel-rapl:1", "psys", power_w=0.0, first_uj=0)
        found = find(zones)
        assert [meter.spec.id for meter in found.meters] == [METER_ID]
        assert [absence.id for absence in found.absent] == [PLATFORM_METER_ID]
        assert "stands at zero" in found.absent[0].reason

    @pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj"])
    @pytest.mark.parametrize("text", ["", "garbage", "1.5"])
    def test_garbage_is_an_absence(self, zones, file, text):
        zones.add("intel-rapl:0", "package-0")
        zones.tree.add(f"{POWERCAP}/intel-rapl:0/{file}", constant(text))
        (absence,) = find(zones).absent
        assert "instead of a number" in absence.reason

    @pytest.mark.parametrize("range_uj", ["0", "-5"])
    def test_a_range_that_is_none_is_an_absence(self, zones, range_uj):
        zones.add("intel-rapl:0", "package-0")
        zones.tree.add(f"{POWERCAP}/intel-rapl:0/max_energy_range_uj", constant(range_uj))
        assert find(zones).absent


class TestFaults:
    def test_a_package_that_goes_offline_is_no_zero(self, zones):
        zones.add("intel-rapl:0", "package-0")
        zones.add("intel-rapl:1", "package-1")
        meter = meters(zones)[METER_ID]
        before = meter.sample()
        zones.offline.add("intel-rapl:1")
        zones.now_s += 0.5
        assert meter.sample() == before
        zones.now_s += 5.0
        with pytest.raises(NoValueError):
            meter.sample()
        zones.offline.clear()
        zones.now_s += 0.5
        after = meter.sample()
        assert (after.value - before.value) / (after.time_s - before.time_s) == pytest.approx(20.0)

    def test_a_package_that_is_offline_at_the_start_is_an_absence(self, zones):
        zones.add("intel-rapl:0", "package-0")
        zones.offline.add("intel-rapl:0")
        (absence,) = find(zones).absent
        assert "online" in absence.fix

    def test_a_zone_without_a_name_is_left_out(self, zones):
        zones.add("intel-rapl:0", "package-0")
        zones.add("intel-rapl:1", "package-1")
        zones.tree.remove(f"{POWERCAP}/intel-rapl:1/name")
        assert "1 CPU package," in meters(zones)[METER_ID].spec.note
