import errno

import pytest

from knobs.contract import NoValueError, Scope
from knobs.found import Wishes
from knobs.meters.hwmon import KNOWN_SENSORS, find_hwmon
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.hwmon import add_chip
from tests.emulated.sysfs.tree import Attribute, Tree, kernel_error


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def found_on(tree, scopes=None, clock=None):
    return find_hwmon(TreeFiles(tree), Wishes(scopes=scopes or {}), Sampler(clock or Clock()))


def mean_power_w(meter, clock):
    first = meter.sample()
    clock.now_s += 10.0
    second = meter.sample()
    return (second.value - first.value) / (second.time_s - first.time_s)


def one_meter(*chips, scopes=None):
    tree = Tree()
    for number, (name, attributes) in enumerate(chips):
        add_chip(tree, number, name, f"platform/{name}.{number}", attributes)
    (meter,) = found_on(tree, scopes).meters
    return meter


def test_without_sensors_there_is_nothing_to_say():
    found = found_on(Tree())
    assert (found.meters, found.absent) == ((), ())


def test_an_acpi_meter_says_over_what_it_averages_and_how_accurate_it_is():
    spec = one_meter(
        (
            "power_meter",
            {"power1_average": 200_000_000, "power1_average_interval": 500, "power1_accuracy": "98.5%"},
        )
    ).spec
    assert (spec.id, spec.scope) == ("board.acpi", Scope.BOARD)
    assert spec.update_period_s == 0.5
    assert spec.accuracy == pytest.approx(0.015)
    assert spec.duty == 1.0


def test_an_acpi_meter_of_a_battery_is_none_of_the_board():
    tree = Tree()
    add_chip(tree, 0, "power_meter", "ACPI000D:00", {"power1_average": 1, "power1_is_battery": 1})
    assert found_on(tree).meters == ()


def test_of_a_chip_with_many_channels_only_the_one_that_covers_all_is_taken():
    channels = {}
    for number, (label, watts) in enumerate([("0_proc", 150), ("system fans", 9), ("system", 400)], start=1):
        channels |= {f"power{number}_label": label, f"power{number}_input": watts * 1_000_000}
    clock, tree = Clock(), Tree()
    add_chip(tree, 0, "occ", "occ-hwmon.1", channels)
    (meter,) = found_on(tree, clock=clock).meters
    assert (meter.spec.id, meter.spec.scope) == ("board.occ", Scope.BOARD)
    assert mean_power_w(meter, clock) == pytest.approx(400.0)


def test_energies_of_sockets_are_added_up_and_cores_left_out():
    counted = {
        "energy1_label": "Ecore000", "energy1_input": 7_000_000,
        "energy2_label": "Esocket0", "energy2_input": 1_000_000,
        "energy3_label": "Esocket1", "energy3_input": 2_000_000,
    }  # fmt: skip
    tree = Tree()
    chip = add_chip(tree, 0, "amd_energy", "platform/amd_energy.0", counted)
    (meter,) = found_on(tree).meters
    first = meter.sample().value
    chip.add("energy3_input", 5_000_000)
    assert meter.sample().value - first == pytest.approx(3.0)


def test_several_chips_of_a_kind_are_numbered():
    tree = Tree()
    for number in range(2):
        add_chip(
            tree, number, "corsairpsu", f"usb{number}", {"power1_label": "power total", "power1_input": 90_000_000}
        )
    assert [meter.spec.id for meter in found_on(tree).meters] == ["board.psu", "board.psu1"]


def test_the_widest_scope_comes_first():
    tree = Tree()
    add_chip(tree, 0, "fam15h_power", "pci0", {"power1_input": 30_000_000})
    add_chip(tree, 1, "power_meter", "ACPI000D:00", {"power1_average": 100_000_000})
    assert [meter.spec.scope for meter in found_on(tree).meters] == [Scope.BOARD, Scope.CPU]


def test_what_covers_nobody_knows_what_is_absent_until_the_operator_says():
    tree = Tree()
    add_chip(tree, 3, "ina226", "i2c-1/1-0040", {"power1_input": 5_000_000, "update_interval": 35, "in1_input": 5000})
    found = found_on(tree)
    assert found.meters == ()
    (absence,) = found.absent
    assert absence.id == "hwmon.ina226.1-0040"
    assert "not known" in absence.reason
    (meter,) = found_on(tree, {"hwmon.ina226.1-0040.power1": Scope.BOARD}).meters
    assert (meter.spec.id, meter.spec.scope) == ("hwmon.ina226.1-0040.power1", Scope.BOARD)
    assert meter.spec.update_period_s == 0.035
    assert meter.spec.duty == 0.0


@pytest.mark.parametrize("name", ["amdgpu", "i915", "xe", "ina3221", "nvme", "coretemp"])
def test_chips_with_drivers_of_their_own_and_chips_without_power_are_not_mentioned(name):
    tree = Tree()
    attributes = {"temp1_input": 40000} if name in ("nvme", "coretemp") else {"power1_input": 1}
    add_chip(tree, 0, name, "x", attributes)
    found = found_on(tree)
    assert (found.meters, found.absent) == ((), ())


def test_the_mirror_of_a_battery_is_not_mentioned():
    tree = Tree()
    add_chip(tree, 0, "BAT0", "virtual/power_supply/BAT0", {"power1_input": 9_000_000})
    assert found_on(tree).absent == ()


@pytest.mark.parametrize("number", [errno.ENODATA, errno.EAGAIN, errno.EIO, errno.EBUSY])
def test_no_value_just_now_is_a_gap_and_never_a_zero(number):
    tree = Tree()
    chip = add_chip(tree, 0, "power_meter", "ACPI000D:00", {})

    def fail():
        raise kernel_error(number)

    tree.add(f"{chip.path}/power1_average", Attribute(fail))
    (meter,) = found_on(tree).meters
    with pytest.raises(NoValueError):
        meter.sample()


def test_a_counter_that_only_root_may_read_says_so():
    tree = Tree()
    chip = add_chip(tree, 0, "amd_energy", "platform/amd_energy.0", {"energy1_label": "Esocket0"})
    tree.add(f"{chip.path}/energy1_input", Attribute(lambda: "5", mode=0o440))
    found = find_hwmon(TreeFiles(tree, is_root=False), Wishes(), Sampler(Clock()))
    assert found.meters == ()
    assert "root" in found.absent[0].fix


@pytest.mark.parametrize("garbage", ["", "five", "0x10", "\0"])
def test_garbage_is_a_reason_and_no_meter(garbage):
    tree = Tree()
    add_chip(tree, 0, "power_meter", "ACPI000D:00", {"power1_average": garbage, "power1_accuracy": garbage})
    found = found_on(tree)
    assert found.meters == ()
    assert "cannot be read" in found.absent[0].reason


def test_power_is_integrated():
    clock, tree = Clock(), Tree()
    add_chip(tree, 0, "power_meter", "ACPI000D:00", {"power1_average": 200_000_000})
    (meter,) = found_on(tree, clock=clock).meters
    assert mean_power_w(meter, clock) == pytest.approx(200.0)


def test_every_known_sensor_says_what_a_joule_of_it_covers():
    assert len({sensor.chip for sensor in KNOWN_SENSORS}) == len(KNOWN_SENSORS)
    assert all(sensor.note.endswith(".") for sensor in KNOWN_SENSORS)
