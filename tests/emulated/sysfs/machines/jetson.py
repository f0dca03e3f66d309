"""NVIDIA Jetsons, in the layouts of the JetPack releases."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from simulation.realtime import RealTimeDevice
from tests.emulated.sysfs.kernel.bpmp import MemoryClock
from tests.emulated.sysfs.kernel.cpufreq_drivers import TEGRA194, TEGRA_4_9, CpuFrequency, table_driven
from tests.emulated.sysfs.kernel.devfreq import Devfreq
from tests.emulated.sysfs.kernel.device_tree import describe_machine
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import Cpus
from tests.emulated.sysfs.kernel.hwmon_class import next_hwmon
from tests.emulated.sysfs.kernel.identification import identify_cores
from tests.emulated.sysfs.kernel.ina3221 import Ina3221, Rail
from tests.emulated.sysfs.kernel.nvpmodel import UNLIMITED, NvpModel, PowerModePaths
from tests.emulated.sysfs.kernel.parsing import strict_unsigned
from tests.emulated.sysfs.kernel.thermal import CoolingDevice, ThermalZone, clock_cooling
from tests.emulated.sysfs.machines import jetson_boards
from tests.emulated.sysfs.machines.jetson_boards import Board, ChipFacts
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.physics import Physics
from tests.emulated.sysfs.tree import Folder, Tree, constant

Clock = Callable[[], float]
"""Returns seconds: the clock that power monitors, and the virtual device if any, live by."""

_ZONES = ("cpu-thermal", "gpu-thermal", "soc0-thermal", "soc1-thermal", "soc2-thermal", "tj-thermal")
_SLEEPING_ZONES = ("cv0-thermal", "cv1-thermal", "cv2-thermal")
_RELEASES = {
    Generation.K4_9: "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t186ref, EABI: aarch64",
    Generation.K5_10: "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64",
    Generation.K5_15: "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64",
    Generation.K6_8: "# R38 (release), REVISION: 2.1, GCID: 42061081, BOARD: generic, EABI: aarch64",
}
_PLATFORM = "/sys/devices/platform"


@dataclass(kw_only=True)
class Jetson(Machine):
    """A Jetson.

    Attributes:
        board: Its facts and figures.
        physics: The truth behind its files.
        gpu: The GPU's clock.
        memory: The memory's clock.
        chips: The power monitors.
        power_modes: NVIDIA's power modes.
        zones: Temperatures, by type.
        cooling: Cooling devices, by type.
        over_current_events: How often the third over-current limit was hit; may be set.
    """

    board: Board
    physics: Physics
    gpu: Devfreq
    memory: MemoryClock
    chips: tuple[Ina3221, ...]
    power_modes: NvpModel
    zones: dict[str, ThermalZone]
    cooling: dict[str, CoolingDevice]
    over_current_events: int = 0


@dataclass(frozen=True)
class JetsonModel:
    """A model of Jetson, of which machines are built by calling it.

    Attributes:
        name: What it is called in test reports.
        board: Its facts and figures.
        generation: The kernel of the release that it usually has.
        mode: The power mode in which it is fastest.
    """

    name: str
    board: Board
    generation: Generation
    mode: int = 0

    def __call__(
        self,
        device: RealTimeDevice | None = None,
        *,
        generation: Generation | None = None,
        mode: int | None = None,
        clock: Clock = time.monotonic,
    ) -> Jetson:
        """Returns a new machine.

        Args:
            device: The virtual device behind it, if any.
            generation: Its kernel, and with it the release: 4.9 is JetPack 4, 5.10 is 5, 5.15 is 6 and 6.8 is 7.
            mode: The power mode in force.
            clock: The clock of its power monitors, in seconds.
        """
        mode = self.mode if mode is None else mode
        return _jetson(self.name, self.board, generation or self.generation, mode, device, clock)


tx2 = JetsonModel("tx2", jetson_boards.TX2, Generation.K4_9)
"""Limits that may not cross, cores of two makes, and the old power monitor. JetPack 4 only."""

nano = JetsonModel("nano", jetson_boards.NANO, Generation.K4_9)
"""No firmware over the memory's clock, and one rail for all of the board. JetPack 4 only."""

agx_xavier = JetsonModel("agx-xavier", jetson_boards.AGX_XAVIER, Generation.K4_9)
"""JetPack 4 or 5."""

xavier_nx = JetsonModel("xavier-nx", jetson_boards.XAVIER_NX, Generation.K5_10, mode=8)
"""JetPack 4 or 5."""

orin_nx = JetsonModel("orin-nx", jetson_boards.ORIN_NX, Generation.K5_15)
"""With 16 GB; JetPack 5, 6 or 7."""

agx_orin = JetsonModel("agx-orin", jetson_boards.AGX_ORIN, Generation.K5_15)
"""JetPack 5, 6 or 7."""

_ORIN_NANO = JetsonModel("orin-nano", jetson_boards.ORIN_NANO, Generation.K5_15)
_ORIN_NANO_SUPER = JetsonModel("orin-nano", jetson_boards.ORIN_NANO_SUPER, Generation.K5_15, mode=2)


def orin_nano(
    device: RealTimeDevice | None = None,
    *,
    generation: Generation = Generation.K5_15,
    super_mode: bool = False,
    mode: int | None = None,
    clock: Clock = time.monotonic,
) -> Jetson:
    """Returns a Jetson Orin Nano, with JetPack 5, 6 or 7; since 6 it may be in its faster "Super" configuration."""
    model = _ORIN_NANO_SUPER if super_mode else _ORIN_NANO
    return model(device, generation=generation, mode=mode, clock=clock)


def _jetson(
    name: str, board: Board, generation: Generation, mode: int, device: RealTimeDevice | None, clock: Clock
) -> Jetson:
    tree = Tree()
    physics = Physics(device, board.idle_w, board.idle_w / 10, clock)
    cpus = Cpus(tree, sum(map(len, board.clusters)), boot_cpu_stays=False)
    driver = TEGRA_4_9 if generation is Generation.K4_9 else TEGRA194
    frequency = table_driven(tree, generation, cpus, driver, [(members, board.cpu_khz) for members in board.clusters])
    identify_cores(tree, cpus, _makes(board))
    physics.drive_cpus(frequency.policies)
    gpu = _gpu(tree, board, generation)
    physics.drive_gpu(gpu)
    cap_path = _memory_cap_path(generation)
    memory = MemoryClock(tree, generation, board.memory_hz, cap_path, has_firmware=board.has_firmware)
    physics.drive_memory(memory)
    _describe(tree, board, generation)
    uncapped = UNLIMITED if generation >= Generation.K5_15 else 0
    paths = PowerModePaths(tuple(members[0] for members in board.clusters), gpu.name, cap_path, uncapped)
    jetson = Jetson(
        name=name,
        generation=generation,
        tree=tree,
        cpus=cpus,
        cpu_frequency=frequency,
        board=board,
        physics=physics,
        gpu=gpu,
        memory=memory,
        chips=_power_monitors(tree, board.chips, generation, physics, clock),
        power_modes=NvpModel(tree, paths, board.modes, mode),
        zones=_zones(tree, physics),
        cooling=_cooling(tree, frequency, gpu),
    )
    _add_over_current_counters(jetson)
    return jetson


def _makes(board: Board) -> dict[int, int]:
    return {cpu: make for members, make in zip(board.clusters, board.cores, strict=True) for cpu in members}


def _describe(tree: Tree, board: Board, generation: Generation) -> None:
    describe_machine(tree, board.model, board.compatible)
    tree.add("/etc/nv_tegra_release", constant(f"{_RELEASES[generation]}\n"))


def _add_over_current_counters(jetson: Jetson) -> None:
    events = next_hwmon(jetson.tree, "/sys/devices/platform/soctherm-oc-event", "soctherm_oc")
    events.add("oc1_event_cnt", 0)
    events.add("oc2_event_cnt", 0)
    events.add("oc3_event_cnt", lambda: jetson.over_current_events)


def _gpu(tree: Tree, board: Board, generation: Generation) -> Devfreq:
    """Puts the GPU where each release has it."""
    parent = _gpu_folder(board, generation)
    alias = _PLATFORM if parent.startswith(_PLATFORM) else "/sys/devices"
    folder = Folder(tree, parent)
    name = board.gpu_node or board.chip
    node = Folder(tree, f"/sys/firmware/devicetree/base/{name}")
    tree.add(f"{node.path}/name", constant(f"{name}\0"))
    tree.add(f"{node.path}/compatible", constant(f"nvidia,{board.chip}\0"))
    folder.link("of_node", node.path)
    gpu = Devfreq(tree, generation, parent, board.gpu_hz, ("nvhost_podgov", "userspace", "performance", "powersave"))
    Folder(tree, alias).link("gpu.0", parent)
    if generation >= Generation.K5_15:
        folder.link("devfreq_dev", gpu.folder.path)
    railgate = [1]

    def store_railgate(text: str) -> None:
        railgate[0] = int(strict_unsigned(text) > 0)
        if not railgate[0]:
            gpu.appear()  # powered for the first time

    folder.add("railgate_enable", lambda: railgate[0], store_railgate)
    folder.add("load", lambda: round(gpu.load() * 1000))
    return gpu


def _gpu_folder(board: Board, generation: Generation) -> str:
    if generation >= Generation.K6_8:
        return f"{_PLATFORM}/bus@0/{board.gpu_address}.gpu"
    if generation >= Generation.K5_15:
        return f"{_PLATFORM}/{board.gpu_address}.gpu"
    return f"/sys/devices/{board.gpu_address}.{board.gpu_node or board.chip}"


def _memory_cap_path(generation: Generation) -> str:
    if generation >= Generation.K5_15:
        return "/sys/kernel/nvpmodel_clk_cap/emc"
    return "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap"


def _power_monitors(
    tree: Tree, chips: tuple[ChipFacts, ...], generation: Generation, physics: Physics, clock: Clock
) -> tuple[Ina3221, ...]:
    found = []
    for index, facts in enumerate(chips):
        first, second, third = (
            Rail(
                rail.label,
                rail.voltage_mv or 1,
                physics.split_w(of_core=rail.of_core, of_rest=rail.of_rest),
                rail.shunt_uohm,
                enabled=rail is not jetson_boards.NOT_CONNECTED,
            )
            for rail in facts.rails
        )
        chip = Ina3221((first, second, third), clock)
        if generation is Generation.K4_9:
            chip.show_as_iio(tree, facts.address, index)
        else:
            chip.show_as_hwmon(tree, f"/sys/devices/platform/c240000.i2c/i2c-{facts.address[0]}", facts.address)
        found.append(chip)
    return tuple(found)


def _zones(tree: Tree, physics: Physics) -> dict[str, ThermalZone]:
    awake = {kind: ThermalZone(tree, kind, physics.temperature_c) for kind in _ZONES}
    asleep = {kind: ThermalZone(tree, kind, physics.temperature_c, asleep=True) for kind in _SLEEPING_ZONES}
    return {**awake, **asleep}


def _cooling(tree: Tree, frequency: CpuFrequency, gpu: Devfreq) -> dict[str, CoolingDevice]:
    found = {
        f"cpufreq-cpu{policy.members[0]}": clock_cooling(
            tree, f"cpufreq-cpu{policy.members[0]}", policy.clocks.table_khz, policy.limits.cap
        )
        for policy in frequency.policies
    }
    kind = f"devfreq-{gpu.name}"
    found[kind] = clock_cooling(tree, kind, gpu.table_hz, gpu.cap)
    found["pwm-fan"] = CoolingDevice(tree, "pwm-fan", 3)
    return found
