"""Which drivers a machine's inventory asks, and that the others are not even loaded."""

import json
import subprocess
import sys

import pytest

from knobs.found import Wishes, merged
from knobs.inventory import _machine_parts
from tests.emulated.sysfs.kernel.amdgpu import add_amdgpu
from tests.emulated.sysfs.kernel.i915 import add_i915
from tests.emulated.sysfs.kernel.xe import add_xe
from tests.emulated.sysfs.machines.intel_gpu import ARC_A380, DISCRETE_ADDRESS
from tests.emulated.sysfs.machines.jetson import agx_orin, tx2
from tests.emulated.sysfs.machines.processors import virtual_machine
from tests.emulated.sysfs.machines.radeon import VEGA_56

NEEDED_BY_FEW = {
    *("knobs.drivers.amdgpu", "knobs.drivers.intel_gpu", "knobs.drivers.jetson", "knobs.drivers.graphics"),
    *("knobs.drivers.cpufreq.clocks", "knobs.meters.plug", "http.client", "ssl", "hashlib", "statistics"),
    *("importlib.metadata", "secrets", "random", "decimal"),
}


def with_amd():
    machine = virtual_machine()
    add_amdgpu(machine.tree, "0000:03:00.0", 0, VEGA_56)
    return machine


def with_intel(add):
    machine = virtual_machine()
    add(machine.tree, DISCRETE_ADDRESS, 1, ARC_A380)
    return machine


@pytest.mark.parametrize(
    ("make", "device"),
    [
        (with_amd, "gpu"),
        (lambda: with_intel(add_i915), "gpu"),
        (lambda: with_intel(add_xe), "gpu"),
        (agx_orin, "gpu"),
        (tx2, "gpu"),
    ],
)
def test_whatever_hardware_is_there_has_its_driver_asked(make, device):
    found = merged(_machine_parts(make().files(), Wishes()))
    assert device in {knob.spec.device for knob in found.knobs}
    assert device in {monitor.device for monitor in found.monitors}


def test_a_plug_that_the_operator_names_is_found():
    found = merged(_machine_parts(virtual_machine().files(), Wishes(plugs={"wall.plug": "tasmota://192.0.2.1"})))
    assert "wall.plug" in {meter.spec.id for meter in found.meters}


def test_a_keeper_loads_nothing_that_its_machine_does_not_need(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("23 1 0:22 / / rw - ext4 /dev/vda rw\n")
    program = (
        "import json, pathlib, sys\n"
        "import tuner.cli.main, tuner.cli.keeper\n"
        "from knobs.inventory import discover\n"
        "discover(pathlib.Path(sys.argv[1]))\n"
        "print(json.dumps(list(sys.modules)))\n"
    )
    said = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert NEEDED_BY_FEW & set(json.loads(said.stdout)) == set()
