"""A snapshot of a machine is as good as the machine itself, says nothing about its owner, and wakes nothing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from knobs import snapshot
from knobs.found import Found, Wishes, merged
from knobs.inventory import _machine_parts
from knobs.keeper.records import to_json
from knobs.snapshot import view_kernel, view_nvidia, without_identities
from knobs.sysfs import KernelFiles
from tests.emulated.hosts import gpu_laptop, gpu_server
from tests.emulated.nvml import MACHINES, NO_COMPILER, EmulatedDriver, compiler, emulated_driver
from tests.emulated.nvml.clients import shut_down
from tests.emulated.snapshots import files_of, gpu_profiles_of, load, tree_of, was_persistent
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.amdgpu import add_amdgpu
from tests.emulated.sysfs.kernel.hwmon import add_chip
from tests.emulated.sysfs.kernel.i915 import add_i915
from tests.emulated.sysfs.kernel.pci import PciDevice
from tests.emulated.sysfs.kernel.power_supply import add_battery
from tests.emulated.sysfs.kernel.xe import add_xe
from tests.emulated.sysfs.machines.intel_gpu import ARC_A380, DISCRETE_ADDRESS, INTEGRATED_ADDRESS, TIGER_LAKE
from tests.emulated.sysfs.machines.jetson import agx_orin, agx_xavier, nano, orin_nano, tx2
from tests.emulated.sysfs.machines.laptop import laptop
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, virtual_machine, xeon
from tests.emulated.sysfs.machines.radeon import PHOENIX, RX_7900_XTX, VEGA_56
from tests.emulated.sysfs.mount import obstacle
from tests.emulated.sysfs.namespace import covered
from tests.emulated.sysfs.tree import Folder, Tree

RADEON_ADDRESS = "0000:03:00.0"
MAC = "34:88:5d:51:5a:95"
SERIAL = "1422019086421"

needs_compiler = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)
needs_mount = pytest.mark.skipif(obstacle() is not None, reason=f"kernel files cannot be mounted: {obstacle()}")


def with_radeon(facts: Any) -> Tree:
    tree = ryzen().tree
    add_amdgpu(tree, RADEON_ADDRESS, 0, facts)
    return tree


def with_intel(add: Callable[..., object], address: str, facts: Any, **options: Any) -> Tree:
    tree = xeon().tree
    add(tree, address, 0, facts, **options)
    return tree


TREES: dict[str, Callable[[], Tree]] = {
    **{build().name: lambda build=build: build().tree for build in (tx2, nano, agx_xavier, orin_nano, agx_orin)},
    **{build().name: lambda build=build: build().tree for build in (ryzen, xeon, acpi_server, virtual_machine)},
    "laptop": lambda: laptop().tree,
    "vega": lambda: with_radeon(VEGA_56),
    "radeon": lambda: with_radeon(RX_7900_XTX),
    "phoenix": lambda: with_radeon(PHOENIX),
    "arc with i915": lambda: with_intel(add_i915, DISCRETE_ADDRESS, ARC_A380),
    "arc with xe": lambda: with_intel(add_xe, DISCRETE_ADDRESS, ARC_A380),
    "tiger lake": lambda: with_intel(add_i915, INTEGRATED_ADDRESS, TIGER_LAKE, by_gt=False),
}


def offered(files: KernelFiles) -> dict[str, object]:
    """Returns what all drivers find: specs of knobs and meters, absences, and what is monitored."""
    found: Found = merged(_machine_parts(files, Wishes()))
    return {
        "knobs": [knob.spec for knob in found.knobs],
        "meters": [meter.spec for meter in found.meters],
        "absent": found.absent,
        "monitored": [monitor.device for monitor in found.monitors],
    }


def document_of(files: KernelFiles, *, is_root: bool = True) -> dict[str, Any]:
    """Returns the parts of a snapshot that machines can be made of, as they come out of its file."""
    document = {
        "format": snapshot.FORMAT,
        "kernel": to_json(view_kernel(files, is_root=is_root)),
        "nvidia": to_json(view_nvidia()),
    }
    parts: dict[str, Any] = json.loads(without_identities(json.dumps(document)))
    return parts


@contextmanager
def met_in_this_process(driver: EmulatedDriver) -> Iterator[None]:
    with driver.in_this_process():
        try:
            yield
        finally:
            shut_down()


class AskedFiles(TreeFiles):
    """Remembers which files were asked for."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self.asked: set[str] = set()

    def read_text(self, path: str) -> str:
        self.asked.add(path)
        return super().read_text(path)

    def exists(self, path: str) -> bool:
        self.asked.add(path)
        return super().exists(path)

    def writable(self, path: str) -> bool:
        self.asked.add(path)
        return super().writable(path)


class TestKernel:
    @pytest.mark.parametrize("is_root", [True, False], ids=["root", "user"])
    @pytest.mark.parametrize("name", TREES)
    def test_the_drivers_find_the_same_as_on_the_machine_itself(self, name: str, is_root: bool) -> None:
        files = TreeFiles(TREES[name](), is_root=is_root)
        assert offered(files_of(document_of(files, is_root=is_root))) == offered(files)

    @pytest.mark.parametrize("name", TREES)
    def test_everything_that_a_driver_asks_for_is_in_it(self, name: str) -> None:
        files = AskedFiles(TREES[name]())
        offered(files)
        replayed = files_of(document_of(files))
        assert [path for path in sorted(files.asked) if files.exists(path) and not replayed.exists(path)] == []

    def test_what_cannot_be_read_stays_unreadable_with_the_same_error(self) -> None:
        counter, zone = "/sys/class/powercap/intel-rapl:0/energy_uj", "/sys/class/thermal/thermal_zone*/temp"
        user = document_of(TreeFiles(ryzen().tree, is_root=False), is_root=False)
        (file,) = (file for file in user["kernel"]["files"] if file["path"].endswith("intel-rapl:0/energy_uj"))
        assert (file["mode"], file["text"], file["error"]) == (0o400, None, "EACCES")
        assert not files_of(user).readable(counter)
        assert files_of(document_of(ryzen().files())).readable(counter)
        asleep = document_of(agx_orin().files())
        errors = {file["error"] for file in asleep["kernel"]["files"]}
        assert errors == {"", "EAGAIN", "ENODATA"}
        assert len(files_of(asleep).glob(zone)) == 9

    def test_where_not_even_root_may_write_nothing_can_be_written(self) -> None:
        class ReadOnly(TreeFiles):
            def writable(self, path: str) -> bool:
                return False

        files = ReadOnly(agx_orin().tree)
        replayed = files_of(document_of(files))
        assert not replayed.writable("/sys/class/devfreq/17000000.gpu/max_freq")
        assert offered(replayed) == offered(files)

    def test_what_was_written_reads_back(self) -> None:
        files = files_of(document_of(agx_orin().files()))
        files.write_text("/sys/class/devfreq/17000000.gpu/max_freq", "306000000")
        assert files.read_text("/sys/class/devfreq/17000000.gpu/max_freq") == "306000000"


class TestSleep:
    @pytest.mark.parametrize("facts", [RX_7900_XTX, VEGA_56])
    def test_a_radeon_that_is_asleep_stays_so(self, facts: Any) -> None:
        tree = ryzen().tree
        gpu = add_amdgpu(tree, RADEON_ADDRESS, 0, facts)
        gpu.pci.asleep = True
        files = TreeFiles(tree)
        document = document_of(files)
        assert (gpu.pci.asleep, gpu.pci.woken) == (True, 0)
        shown = {file["path"].rpartition(f"{RADEON_ADDRESS}/")[2] for file in document["kernel"]["files"]}
        assert "power/runtime_status" in shown
        assert not any(name.startswith(("hwmon", "pp_", "gpu_")) for name in shown)
        assert offered(files_of(document)) == offered(files)
        gpu.pci.asleep = False
        assert len(document_of(files)["kernel"]["files"]) > len(document["kernel"]["files"])

    @needs_compiler
    @needs_mount
    def test_nvidias_library_is_not_opened_while_a_gpu_of_its_is_asleep(self, tmp_path: Path) -> None:
        machine, device = gpu_laptop()
        device.asleep = True
        with emulated_driver("rtx-3060-laptop") as driver, covered(machine.tree) as real:
            ended = subprocess.run(
                real.command(sys.executable, "-m", "tuner.cli.main", "snapshot", "--output", str(tmp_path / "file")),
                env=driver.environment | {"PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (ended.returncode, driver.control.calls()) == (0, {})
        assert ended.stderr.startswith("An NVIDIA GPU is asleep and is left so")
        document = load(tmp_path / "file")
        assert (document["nvidia"], document["inventory"], document["current"]) == (None, None, None)
        assert "/sys/class/power_supply/BAT0" in dict(document["kernel"]["links"])


@needs_compiler
class TestNvidia:
    @pytest.mark.parametrize("machine", [*sorted(set(MACHINES) - {"rtx-3060-laptop"})])
    def test_the_drivers_find_the_same_as_with_the_card_itself(self, machine: str) -> None:
        files = gpu_server(machine).files()
        self.check(files, machine, persistence=machine.startswith("a100"))

    def test_a_laptop_too(self) -> None:
        machine, _ = gpu_laptop()
        self.check(machine.files(), "rtx-3060-laptop", persistence=False)

    def check(self, files: TreeFiles, machine: str, persistence: bool) -> None:
        with emulated_driver(machine, persistence=persistence) as driver, met_in_this_process(driver):
            original, document = offered(files), document_of(files)
        profiles = gpu_profiles_of(document)
        assert was_persistent(document) is (persistence and machine != "orin")
        with emulated_driver(profiles, persistence=was_persistent(document)) as driver, met_in_this_process(driver):
            assert offered(files_of(document)) == original

    def test_what_was_refused_is_refused_again_with_the_same_code(self) -> None:
        refused = {"nvmlDeviceGetTotalEnergyConsumption": 999, "nvmlDeviceGetTemperature": 26}
        profile = dataclasses.replace(MACHINES["a100"][0], refusals=refused)
        with emulated_driver([profile]) as driver, met_in_this_process(driver):
            (gpu,) = view_nvidia().gpus
        codes = {answer.function: answer.code for answer in gpu.answers if answer.code}
        assert codes["nvmlDeviceGetTotalEnergyConsumption"] == 999
        assert codes["nvmlDeviceGetTemperature"] == 26
        document = {"nvidia": json.loads(json.dumps(to_json(snapshot.NvmlView(0, gpus=(gpu,)))))}
        (replayed,) = gpu_profiles_of(document)
        assert {function: replayed.refusal(function) for function in refused} == refused
        assert replayed.refusal("nvmlDeviceGetPowerUsage") is None

    def test_a_gpu_that_is_lost_and_a_library_that_does_not_open_leave_their_codes(self) -> None:
        with emulated_driver("two-l4") as driver, met_in_this_process(driver):
            driver.control.lose(0)
            view = view_nvidia()
        assert [(gpu.code, bool(gpu.answers)) for gpu in view.gpus] == [(15, False), (0, True)]
        assert len(gpu_profiles_of({"nvidia": json.loads(json.dumps(to_json(view)))})) == 1
        with emulated_driver("l4") as driver, met_in_this_process(driver):
            driver.control.fail("nvmlInit*", 18)
            assert view_nvidia() == snapshot.NvmlView(18)

    def test_changing_nothing_is_a_promise(self) -> None:
        with emulated_driver("h100-nvl") as driver, met_in_this_process(driver):
            view_nvidia()
            called = set(driver.control.calls())
        assert not [function for function in called if "Set" in function or "Reset" in function]
        assert "nvmlDeviceGetSerial" not in called


class TestPrivacy:
    def test_nothing_tells_whose_machine_it_was(self) -> None:
        tree = laptop().tree
        battery = add_battery(tree, f"hid-{MAC}-battery", ("energy",))
        for name in ("serial_number", "uevent"):
            battery.folder.add(name, f"POWER_SUPPLY_SERIAL_NUMBER={SERIAL}")
        add_chip(tree, 7, f"hid_{MAC.replace(':', '_')}", "virtual/hid", {"in0_input": 4000})
        Folder(tree, "/sys/class/hwmon/hwmon7").add("serial", SERIAL)
        add_amdgpu(tree, RADEON_ADDRESS, 0, RX_7900_XTX)
        card = Folder(tree, tree.resolve(f"/sys/bus/pci/devices/{RADEON_ADDRESS}"))
        card.add("unique_id", SERIAL)
        text = json.dumps(document_of(TreeFiles(tree)))
        assert "/hid-xx:xx:xx:xx:xx:01-battery/" in text
        for identity in (MAC, MAC.replace(":", "_"), SERIAL):
            assert identity not in text
        assert tree_of(json.loads(text)).attribute("/sys/class/power_supply/hid-xx:xx:xx:xx:xx:01-battery/type")

    @needs_compiler
    def test_of_a_cards_uuid_only_the_beginning_is_taken(self) -> None:
        with emulated_driver("a100") as driver, met_in_this_process(driver):
            text = json.dumps(document_of(gpu_server("a100").files()))
            uuid, serial = driver.gpus[0].uuid, driver.gpus[0].serial
        assert uuid not in text
        assert serial not in text
        assert f'"{uuid[:12]}"' in text

    def test_addresses_are_told_apart_and_secrets_are_left_out(self) -> None:
        uuid = "12345678-1234-1234-1234-123456789abc"
        text = f"00:11:22:AA:44:55 aa-bb-cc-dd-ee-ff 00_11_22_aa_44_55 0000:03:00.0 GPU-{uuid}"
        assert without_identities(text) == (
            "xx:xx:xx:xx:xx:01 xx-xx-xx-xx-xx-02 xx_xx_xx_xx_xx_01 0000:03:00.0 GPU-12345678"
        )
        secrets = ["plug.home", "shelly://plug.home"]
        assert without_identities("shelly:plug.home shelly://plug.home", secrets) == "shelly:(left out) (left out)"


def test_a_snapshot_of_another_format_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"format": 99}')
    with pytest.raises(ValueError, match="of the format 99, not 1"):
        load(path)


def test_the_bus_knows_a_sleeping_device_by_heart() -> None:
    machine, device = gpu_laptop()
    assert isinstance(device, PciDevice)
    assert not snapshot.nvidia_sleeps(machine.files())
    device.asleep = True
    assert snapshot.nvidia_sleeps(machine.files())
