import pytest

from knobs.contract import DeviceError, NoValueError, Quantity, Scope
from knobs.found import Wishes
from knobs.meters.battery import BatteryPack, find_battery
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.machines.laptop import laptop
from tests.emulated.sysfs.tree import Tree


def found_on(machine):
    return find_battery(TreeFiles(machine.tree), Wishes(), Sampler(lambda: 100.0))


def pack_of(machine):
    folder = "/sys/class/power_supply"
    return BatteryPack(TreeFiles(machine.tree), (f"{folder}/BAT0", f"{folder}/BAT1"), (f"{folder}/AC",))


def test_a_machine_without_batteries_has_nothing_to_say():
    found = find_battery(TreeFiles(Tree()), Wishes(), Sampler())
    assert (found.meters, found.absent) == ((), ())


def test_a_mouse_is_no_battery_of_the_machine():
    machine = laptop()
    for name in ("BAT0", "BAT1"):
        machine.tree.remove(f"/sys/class/power_supply/{name}")
    assert found_on(machine).meters == found_on(machine).absent == ()


def test_the_meter_covers_the_whole_machine_and_is_honest_about_how_slow_it_is():
    (meter,) = found_on(laptop()).meters
    assert (meter.spec.id, meter.spec.scope, meter.spec.quantity) == ("board.battery", Scope.BOARD, Quantity.ENERGY_J)
    assert meter.spec.update_period_s == 30.0


@pytest.mark.parametrize("shows", [("power",), ("current",), ("power", "current", "energy")])
@pytest.mark.parametrize("sign", [1, -1])
def test_power_is_positive_whatever_sign_the_driver_gives_it(shows, sign):
    machine = laptop(shows)
    machine.batteries[0].sign = sign
    assert pack_of(machine).watts() == pytest.approx(10.0, rel=1e-5)


def test_batteries_that_are_discharged_together_are_added_up():
    machine = laptop()
    machine.batteries[1].status, machine.batteries[1].power_w = "Discharging", 4.0
    assert pack_of(machine).watts() == pytest.approx(14.0)


def test_a_battery_that_rests_does_not_count():
    machine = laptop()
    machine.batteries[1].power_w = 99.0
    assert pack_of(machine).watts() == pytest.approx(10.0)


def test_energy_is_what_has_been_drawn_from_all_batteries():
    machine = laptop(("energy",))
    machine.batteries[0].drawn_j, machine.batteries[1].drawn_j = 3600.0, 7200.0
    assert pack_of(machine).joules() == pytest.approx(10_800.0, abs=0.01)


def test_batteries_without_power_are_metered_by_their_energy():
    (meter,) = found_on(laptop(("energy",))).meters
    assert meter.spec.resolution == 36.0


def plug_in(machine):
    machine.charger.online = True


def charge(machine):
    machine.batteries[0].status = "Charging"


def rest(machine):
    machine.batteries[0].status = "Full"


@pytest.mark.parametrize(("happens", "reason"), [(plug_in, "plugged in"), (charge, "charged"), (rest, "discharged")])
def test_what_the_batteries_do_not_show_is_no_value(happens, reason):
    machine = laptop()
    pack = pack_of(machine)
    happens(machine)
    for read in (pack.watts, pack.joules):
        with pytest.raises(NoValueError, match=reason):
            read()
    (absence,) = found_on(machine).absent
    assert reason in absence.reason
    assert "pull the plug" in absence.fix


def test_power_that_a_port_has_negotiated_does_not_count_as_plugged_in():
    machine = laptop()
    machine.port.online = True
    assert len(found_on(machine).meters) == 1


def test_a_battery_that_the_firmware_has_lost_is_an_error_and_no_zero():
    machine = laptop()
    pack = pack_of(machine)
    machine.batteries[0].answers = False
    for read in (pack.watts, pack.joules):
        with pytest.raises(DeviceError, match="gone"):
            read()


def test_a_battery_that_was_taken_out_is_an_error():
    machine = laptop()
    pack = pack_of(machine)
    machine.batteries[0].folder.remove()
    with pytest.raises(DeviceError):
        pack.watts()


def test_a_battery_that_shows_nothing_is_absent():
    (absence,) = found_on(laptop(())).absent
    assert absence.id == "board.battery"
