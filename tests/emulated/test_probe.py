"""``wattune probe`` says what the owner of each machine would expect, and where something is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.emulated.hosts import gpu_laptop, gpu_server
from tests.emulated.nvml import NO_COMPILER, compiler
from tests.emulated.probes import Probe, Scene, interpreter_for_all, probed
from tests.emulated.sysfs.machines.jetson import agx_orin, tx2
from tests.emulated.sysfs.machines.processors import ryzen
from tests.emulated.sysfs.mount import obstacle
from tests.emulated.sysfs.tree import Folder, Tree

pytestmark = [
    pytest.mark.skipif(obstacle() is not None, reason=f"kernel files cannot be mounted: {obstacle()}"),
    pytest.mark.skipif(compiler() is None, reason=NO_COMPILER),
    pytest.mark.timeout(240),
]

NO_DAEMON = "No daemon answers: this is what this process finds with your own rights."
ALLOW_CORES = (
    "what is pinned to a CPU that goes offline is moved",
    'allow it: [knobs."cpu.cores.online"] allow = true',
)


@dataclass(frozen=True)
class Expected:
    """What an owner expects: first and last value and unit of knobs, scopes of meters, reason and fix of the rest."""

    knobs: dict[str, tuple[Any, Any, str]]
    meters: dict[str, str]
    absent: dict[str, tuple[str, str]] = field(default_factory=dict)


def own_governor(lowest_mhz: float, highest_mhz: float) -> dict[str, tuple[Any, Any, str]]:
    """The knobs of an x86 CPU that governs itself."""
    return {
        "cpu.core.max_mhz": (lowest_mhz, highest_mhz, "MHz"),
        "cpu.core.min_mhz": (lowest_mhz, highest_mhz, "MHz"),
        "cpu.governor": ("performance", "powersave", ""),
        "cpu.energy_performance_preference": ("performance", "power", ""),
        "cpu.boost": ("off", "on", ""),
    }


XEON = own_governor(800, 3500)
XEON_METERS = {"board.psys.rapl": "board", "cpu.package_and_dram.rapl": "soc", "cpu.package.rapl": "cpu"}
POWER_MODE = {"jetson.power_mode": ("the power mode, MAXN (0) now", "choose the mode with nvpmodel before a study")}

OWNERS = {
    "tx2": Expected(
        knobs={
            "gpu.core.max_mhz": (114.75, 1300.5, "MHz"),
            "gpu.core.min_mhz": (114.75, 1300.5, "MHz"),
            "gpu.railgate": ("off", "on", ""),
            "memory.max_mhz": (665.6, 1866, "MHz"),
            "cpu.cluster0.max_mhz": (345.6, 2035.2, "MHz"),
            "cpu.cluster0.min_mhz": (345.6, 2035.2, "MHz"),
            "cpu.cluster1.max_mhz": (345.6, 2035.2, "MHz"),
            "cpu.cluster1.min_mhz": (345.6, 2035.2, "MHz"),
            "cpu.governor": ("conservative", "schedutil", ""),
        },
        meters={"board.power": "board", "gpu.rail.power": "gpu", "cpu.rail.power": "cpu"},
        absent={**POWER_MODE, "cpu.cores.online": ALLOW_CORES},
    ),
    "agx-orin": Expected(
        knobs={
            "gpu.core.max_mhz": (306, 1300.5, "MHz"),
            "gpu.core.min_mhz": (306, 1300.5, "MHz"),
            "gpu.railgate": ("off", "on", ""),
            "memory.max_mhz": (665.6, 3199, "MHz"),
            "cpu.core.max_mhz": (115.2, 2201.6, "MHz"),
            "cpu.core.min_mhz": (115.2, 2201.6, "MHz"),
            "cpu.governor": ("conservative", "schedutil", ""),
        },
        meters={"board.power": "board", "soc.power": "soc"},
        absent={**POWER_MODE, "cpu.cores.online": ALLOW_CORES},
    ),
    "ryzen": Expected(
        knobs=own_governor(400, 5573),
        meters={"cpu.package.rapl": "cpu"},
        absent={"cpu.cores.online": ALLOW_CORES},
    ),
    "a100": Expected(
        knobs={
            "gpu.core.max_mhz": (210, 1410, "MHz"),
            "gpu.core.min_mhz": (210, 1410, "MHz"),
            "gpu.power.limit_w": (100, 500, "W"),
            **XEON,
        },
        meters={"gpu.energy": "gpu", **XEON_METERS},
        absent={
            "gpu.memory.max_mhz": ("the NVIDIA A100-SXM4-80GB has one memory clock only", "none: use the core clock"),
            "cpu.cores.online": ALLOW_CORES,
        },
    ),
    "h100-nvl": Expected(
        knobs={
            "gpu.core.max_mhz": (345, 1785, "MHz"),
            "gpu.core.min_mhz": (345, 1785, "MHz"),
            "gpu.memory.max_mhz": (1593, 2619, "MHz"),
            "gpu.power.limit_w": (200, 400, "W"),
            **XEON,
        },
        meters={"gpu.energy": "gpu", **XEON_METERS},
        absent={"cpu.cores.online": ALLOW_CORES},
    ),
    "rtx-3060-laptop": Expected(
        knobs={
            "gpu.core.max_mhz": (405, 2100, "MHz"),
            "gpu.core.min_mhz": (405, 2100, "MHz"),
            "gpu.memory.max_mhz": (810, 6001, "MHz"),
            **own_governor(400, 5573),
        },
        meters={"gpu.energy": "gpu", "cpu.package.rapl": "cpu", "board.battery": "board"},
        absent={
            "gpu.power.limit_w": ("the driver does not let the power limit", "none: use the core clock"),
            "cpu.cores.online": ALLOW_CORES,
        },
    ),
}


def orin_under_lockdown() -> Tree:
    """An Orin that has booted with Secure Boot: the kernel shows no debugfs; NVIDIA's cap is in sysfs and stays."""
    tree = agx_orin().tree
    tree.remove("/sys/kernel/debug")
    Folder(tree, "/sys/kernel/security").add("lockdown", "none [integrity] confidentiality")
    return tree


def orin_under_lockdown_without_cap() -> Tree:
    tree = orin_under_lockdown()
    tree.remove("/sys/kernel/nvpmodel_clk_cap")
    return tree


def server() -> Tree:
    return gpu_server("a100").tree


SCENES = {
    "tx2": Scene(lambda: tx2().tree, with_table=True),
    "agx-orin": Scene(lambda: agx_orin().tree, "orin", with_table=True),
    "ryzen": Scene(lambda: ryzen().tree, with_table=True),
    "a100": Scene(server, "a100", with_table=True),
    "h100-nvl": Scene(lambda: gpu_server("h100-nvl").tree, "h100-nvl", with_table=True),
    "rtx-3060-laptop": Scene(lambda: gpu_laptop()[0].tree, "rtx-3060-laptop", with_table=True),
    "upgraded": Scene(server, "a100", lambda driver: driver.control.fail("nvmlInit*", 18)),
    "unloaded": Scene(server, "a100", lambda driver: driver.control.fail("nvmlInit*", 9)),
    "blocked": Scene(server, "a100", lambda driver: driver.control.fail("nvmlInit*", 17)),
    "barred": Scene(server, "a100", lambda driver: driver.control.fail("nvmlDeviceGetHandleByIndex*", 4)),
    "lost": Scene(lambda: gpu_server("two-l4").tree, "two-l4", lambda driver: driver.control.lose(0)),
    "lockdown": Scene(orin_under_lockdown),
    "lockdown without cap": Scene(orin_under_lockdown_without_cap),
}


@pytest.fixture(scope="module")
def probes() -> Iterator[dict[str, Probe]]:
    as_nobody = {"nobody": Scene(server, "a100", as_root=False)} if interpreter_for_all() else {}
    with probed({**SCENES, **as_nobody}) as found:
        yield found


@pytest.mark.parametrize("name", OWNERS)
class TestOwners:
    def test_everything_that_its_owner_expects_is_there_and_nothing_else(
        self, name: str, probes: dict[str, Probe]
    ) -> None:
        probe, expected = probes[name], OWNERS[name]
        assert probe.status == 0
        assert probe.knobs == expected.knobs
        assert probe.meters == expected.meters
        assert probe.absent.keys() == expected.absent.keys()
        for absent, (reason, fix) in expected.absent.items():
            assert probe.absent[absent][0].startswith(reason)
            assert probe.absent[absent][1].startswith(fix)

    def test_every_knob_stands_at_a_value_of_its_own(self, name: str, probes: dict[str, Probe]) -> None:
        values = {knob["id"]: knob["values"] for knob in probes[name].record["knobs"]}
        assert probes[name].current.keys() == values.keys()
        assert [knob for knob, value in probes[name].current.items() if value not in values[knob]] == []

    def test_the_table_says_the_same(self, name: str, probes: dict[str, Probe]) -> None:
        probe = probes[name]
        for knob, (first, last, unit) in probe.knobs.items():
            row = probe.row(knob)
            assert f" {first}," in row
            assert f" {last} {unit}".rstrip() in row
        for meter, scope in probe.meters.items():
            assert probe.row(meter).split()[1:3] == [scope, "measured"]
        for absent, (reason, _) in probe.absent.items():
            assert " ".join(reason.split()[:6]) in probe.row(absent)
        assert probe.remarks.splitlines() == [NO_DAEMON, NO_DAEMON]


class TestBadSurroundings:
    @pytest.mark.parametrize(
        ("name", "absent", "reason", "fix"),
        [
            ("upgraded", "gpu", "NVIDIA's driver was updated but the old one is still loaded", "reboot the machine"),
            ("unloaded", "gpu", "NVIDIA's kernel driver is not loaded", "load it with modprobe nvidia"),
            (
                "blocked",
                "gpu",
                "the operating system blocks access to the GPU",
                "give the keeper's control group or container access to /dev/nvidia*",
            ),
            (
                "barred",
                "gpu0",
                "the driver does not permit it to this user",
                "start the keeper as root (in a container: as root with CAP_SYS_ADMIN)",
            ),
            (
                "lost",
                "gpu0",
                "the GPU has fallen off the bus",
                "stop what uses the GPU, reset it with nvidia-smi --gpu-reset or reboot, then start the keeper again",
            ),
            (
                "lockdown without cap",
                "memory.max_mhz",
                "the kernel shows neither a cap of the memory clock nor debugfs",
                "boot without kernel lockdown (Secure Boot turns it on), which closes debugfs",
            ),
        ],
    )
    def test_what_is_wrong_and_what_to_do_is_one_sentence(
        self, name: str, absent: str, reason: str, fix: str, probes: dict[str, Probe]
    ) -> None:
        assert probes[name].status == 0
        assert probes[name].absent[absent] == (reason, fix)

    @pytest.mark.parametrize("name", ["upgraded", "unloaded", "blocked", "barred"])
    def test_without_its_gpu_the_rest_of_the_server_is_found(self, name: str, probes: dict[str, Probe]) -> None:
        assert probes[name].knobs == XEON
        assert probes[name].meters == XEON_METERS

    def test_the_gpu_beside_a_lost_one_is_found(self, probes: dict[str, Probe]) -> None:
        assert probes["lost"].knobs["gpu.core.max_mhz"] == (210, 2040, "MHz")
        assert probes["lost"].meters["gpu.energy"] == "gpu"

    def test_who_is_not_root_sees_meters_and_is_told_how_to_get_knobs(self, probes: dict[str, Probe]) -> None:
        if "nobody" not in probes:
            pytest.skip("no Python here may be run by everybody")
        probe = probes["nobody"]
        assert probe.status == 0
        assert probe.knobs == {}
        assert probe.meters == {"gpu.energy": "gpu"}
        for knob in ("gpu.core.max_mhz", "gpu.core.min_mhz", "gpu.power.limit_w"):
            assert probe.absent[knob][0] == "NVIDIA's driver lets only root set it"
        assert all("root" in fix for absent, (_, fix) in probe.absent.items() if absent in XEON)

    def test_under_lockdown_a_cap_keeps_the_memory_clock_and_says_where_the_list_is_from(
        self, probes: dict[str, Probe]
    ) -> None:
        probe = probes["lockdown"]
        assert probe.knobs["memory.max_mhz"] == (665.6, 3199, "MHz")
        assert "these are the documented ones of tegra234" in probe.notes["memory.max_mhz"]
