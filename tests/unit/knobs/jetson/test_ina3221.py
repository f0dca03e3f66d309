"""Which rails there are, and which of them may be added up."""

import errno
import itertools

import pytest

from knobs.contract import DeviceError, NoValueError, Scope
from knobs.meters.ina3221 import find_ina3221, find_rails, power_sources
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.tree import Attribute, Folder, kernel_error
from tests.unit.knobs.jetson.silicon import Jetson

ORIN_NANO = {1: ("VDD_IN", 5000, 1400), 2: ("VDD_CPU_GPU_CV", 5000, 400), 3: ("VDD_SOC", 5000, 300)}
AGX_ORIN = (
    {1: ("VDD_GPU_SOC", 19000, 400), 2: ("VDD_CPU_CV", 19000, 200), 3: ("VIN_SYS_5V0", 5000, 1000)},
    {1: ("NC", 0, 0), 2: ("VDDQ_VDD2_1V8AO", 5000, 300), 3: ("NC", 0, 0)},
)
AGX_XAVIER = (
    {1: ("GPU", 19000, 100), 2: ("CPU", 19000, 50), 3: ("SOC", 19000, 80)},
    {1: ("CV", 19000, 10), 2: ("VDDRQ", 19000, 40), 3: ("SYS5V", 5000, 500)},
)
IIO = "/sys/bus/i2c/drivers/ina3221x"


def sources(board):
    return power_sources({rail.name: rail for rail in find_rails(board.files())})


def watts(board):
    return {source.facts.id: source.read() for source in sources(board)}


def iio(board, device, number, rails):
    for channel, (name, milliwatts) in enumerate(rails):
        folder = Folder(board.tree, f"{IIO}/{device}/iio:device{number}")
        folder.add(f"rail_name_{channel}", name)
        folder.add(f"in_power{channel}_input", milliwatts)
        folder.add(f"in_voltage{channel}_input", 19000 if name == "VDD_IN" else 5000)
    return board


def test_the_input_of_the_module_is_the_board_and_no_rail_inside_it_is_added():
    assert watts(Jetson().with_ina3221(3, ORIN_NANO)) == {"board.power": pytest.approx(7.0)}


def test_agx_orin_is_the_sum_of_three_rails_because_the_memory_lies_behind_the_fourth():
    board = Jetson().with_ina3221(2, AGX_ORIN[0], 2000).with_ina3221(5, AGX_ORIN[1], 2000)
    assert watts(board) == {"board.power": pytest.approx(7.6 + 3.8 + 5.0), "soc.power": pytest.approx(7.6 + 3.8 + 1.5)}
    scopes = {meter.spec.id: meter.spec.scope for meter in find_ina3221(board.files(), Sampler()).meters}
    assert scopes == {"board.power": Scope.BOARD, "soc.power": Scope.SOC}


def test_agx_xavier_has_a_rail_for_each_part():
    board = Jetson().with_ina3221(0, AGX_XAVIER[0]).with_ina3221(1, AGX_XAVIER[1])
    assert watts(board) == {
        "board.power": pytest.approx(0.28 * 19 + 2.5),
        "soc.power": pytest.approx(0.28 * 19),
        "gpu.rail.power": pytest.approx(1.9),
        "cpu.rail.power": pytest.approx(0.95),
    }


def test_jetpack_4_shows_milliwatts_of_iio_devices():
    board = iio(Jetson(), "0-0041", 1, [("VDD_IN", 8000), ("VDD_SYS_CPU", 1500), ("VDD_SYS_DDR", 1200)])
    iio(board, "0-0040", 0, [("VDD_SYS_GPU", 900), ("VDD_SYS_SOC", 800), ("VDD_4V0_WIFI", 100)])
    assert watts(board) == {"board.power": 8.0, "gpu.rail.power": 0.9, "cpu.rail.power": 1.5}
    nano = iio(Jetson(), "6-0040", 0, [("POM_5V_IN", 3000), ("POM_5V_GPU", 400), ("POM_5V_CPU", 700)])
    assert watts(nano) == {"board.power": 3.0, "gpu.rail.power": 0.4, "cpu.rail.power": 0.7}


@pytest.mark.parametrize("numbers", list(itertools.permutations((0, 1, 9), 2)))
def test_the_numbers_of_the_hwmon_devices_do_not_matter(numbers):
    board = Jetson()
    for number, rails in zip(numbers, AGX_ORIN, strict=True):
        board.with_ina3221(number, rails, 2000)
    Folder(board.tree, "/sys/class/hwmon/hwmon5").add("name", "pwmfan")
    Folder(board.tree, "/sys/class/hwmon/hwmon5").add("in1_label", "VDD_IN")
    assert set(watts(board)) == {"board.power", "soc.power"}


def test_steps_and_periods_come_from_the_chip():
    board = Jetson().with_ina3221(3, ORIN_NANO)
    Folder(board.tree, "/sys/class/hwmon/hwmon3").add("samples", 16)
    (source,) = sources(board)
    assert source.facts.resolution == pytest.approx(0.040)  # 40 uV over 5 mOhm are 8 mA, at 5 V
    assert source.facts.update_period_s == pytest.approx(0.112)
    assert source.facts.duty == pytest.approx(1 / 6)
    assert 0 < source.facts.accuracy < 0.05


def test_a_disabled_channel_is_no_rail():
    def disabled():
        raise kernel_error(errno.ENODATA)

    board = Jetson().with_ina3221(3, ORIN_NANO)
    board.tree.add("/sys/class/hwmon/hwmon3/in1_input", Attribute(disabled))
    found = find_ina3221(board.files(), Sampler())
    assert found.meters == ()
    assert "VDD_CPU_GPU_CV, VDD_SOC" in found.absent[0].reason
    Folder(board.tree, "/sys/class/hwmon/hwmon3").add("in2_enable", 0)
    assert [rail.name for rail in find_rails(board.files())] == ["VDD_SOC"]


def test_a_shunt_of_nothing_measures_nothing():
    assert list(find_rails(Jetson().with_ina3221(3, ORIN_NANO, shunt_microohm=0).files())) == []


def test_a_board_without_a_sensor_says_so():
    (absence,) = find_ina3221(Jetson().files(), Sampler()).absent
    assert (absence.id, absence.fix) == ("board.power", "load the module ina3221")


@pytest.mark.parametrize(("number", "error"), [(errno.ENODATA, NoValueError), (errno.EACCES, DeviceError)])
def test_a_rail_that_has_no_value_now_is_no_zero(number, error):
    board = Jetson().with_ina3221(3, ORIN_NANO)
    (source,) = sources(board)

    def fail():
        raise kernel_error(number)

    board.tree.add("/sys/class/hwmon/hwmon3/curr1_input", Attribute(fail))
    with pytest.raises(error):
        source.read()
    board.tree.add("/sys/class/hwmon/hwmon3/curr1_input", Attribute(lambda: "garbage\n"))
    with pytest.raises(DeviceError, match="instead of a number"):
        source.read()
