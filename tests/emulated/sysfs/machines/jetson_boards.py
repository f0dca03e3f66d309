"""The Jetson boards: clocks, rails and modes as their kernels report them. Facts and figures only."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulated.sysfs.kernel.identification import CARMEL, CORTEX_A57, CORTEX_A78AE, DENVER_2
from tests.emulated.sysfs.kernel.nvpmodel import PowerMode


@dataclass(frozen=True)
class RailFacts:
    """A channel of a power monitor, and which share of the board's power it carries (assumed)."""

    label: str
    voltage_mv: int = 0
    of_core: float = 0.0
    of_rest: float = 0.0
    shunt_uohm: int = 5000


@dataclass(frozen=True)
class ChipFacts:
    """A power monitor: where it is, and its three channels."""

    address: str
    rails: tuple[RailFacts, RailFacts, RailFacts]


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes:
        model: As in the device tree.
        compatible: As in the device tree.
        clusters: The CPUs of each frequency policy.
        cores: The make of their cores.
        cpu_khz: Their clocks, ascending.
        gpu_hz: The GPU's clocks, ascending.
        memory_hz: The memory's clocks, ascending.
        chip: The GPU's chip.
        chips: The power monitors.
        modes: The power modes.
        idle_w: The power of an idle board, for machines without physics (assumed).
        gpu_address: Where the GPU's registers lie.
        gpu_node: What NVIDIA's own kernels call the GPU, if not by the name of the chip.
        has_firmware: Whether the memory's clock belongs to a processor of its own (BPMP).
    """

    model: str
    compatible: tuple[str, ...]
    clusters: tuple[tuple[int, ...], ...]
    cores: tuple[int, ...]
    cpu_khz: tuple[int, ...]
    gpu_hz: tuple[int, ...]
    memory_hz: tuple[int, ...]
    chip: str
    chips: tuple[ChipFacts, ...]
    modes: tuple[PowerMode, ...]
    idle_w: float
    gpu_address: str = "17000000"
    gpu_node: str = ""
    has_firmware: bool = True


def _orin_cpu_khz(steps: int, *top: int) -> tuple[int, ...]:
    return (*(115_200 + 76_800 * step for step in range(steps)), *top)


def _hz(*megahertz: float) -> tuple[int, ...]:
    return tuple(round(clock * 1e6) for clock in megahertz)


def _first(count: int) -> tuple[int, ...]:
    return tuple(range(count))


NOT_CONNECTED = RailFacts("NC")

TX2 = Board(
    model="NVIDIA Jetson TX2 Developer Kit",
    compatible=("nvidia,p2771-0000-500", "nvidia,jetson-tx2", "nvidia,tegra186"),
    clusters=((0, 3, 4, 5), (1, 2)),
    cores=(CORTEX_A57, DENVER_2),
    cpu_khz=tuple(345_600 + 153_600 * step for step in range(12)),
    gpu_hz=_hz(114.75, 216.75, 318.75, 420.75, 522.75, 624.75, 726.75, 854.25, 930.75, 1032.75, 1122, 1236.75, 1300.5),
    memory_hz=_hz(40.8, 68, 102, 204, 408, 665.6, 800, 1062.4, 1331.2, 1600, 1866),
    chip="gp10b",
    chips=(
        ChipFacts(
            "0-0040",
            (
                RailFacts("VDD_SYS_GPU", 19_000, 1.0, 0.0, 10_000),
                RailFacts("VDD_SYS_SOC", 19_000, 0.0, 0.30, 10_000),
                RailFacts("VDD_4V0_WIFI", 4_800, 0.0, 0.02, 10_000),
            ),
        ),
        ChipFacts(
            "0-0041",
            (
                RailFacts("VDD_IN", 19_000, 1.0, 1.0, 5_000),
                RailFacts("VDD_SYS_CPU", 19_000, 0.0, 0.30, 10_000),
                RailFacts("VDD_SYS_DDR", 4_800, 0.0, 0.25, 10_000),
            ),
        ),
    ),
    modes=(
        PowerMode(0, "MAXN", _first(6)),
        PowerMode(1, "MAXQ", (0, 3, 4, 5), 1_200_000, 850_000_000, 1_331_200_000),
        PowerMode(2, "MAXP_CORE_ALL", _first(6), 1_400_000, 1_122_000_000, 1_600_000_000),
        PowerMode(3, "MAXP_CORE_ARM", (0, 3, 4, 5), 2_000_000, 1_122_000_000, 1_600_000_000),
    ),
    idle_w=3.0,
)

AGX_XAVIER = Board(
    model="Jetson-AGX",
    compatible=("nvidia,p2972-0000", "nvidia,tegra194"),
    clusters=((0, 1), (2, 3), (4, 5), (6, 7)),
    cores=(CARMEL,) * 4,
    cpu_khz=_orin_cpu_khz(29),
    gpu_hz=_hz(
        *(114.75, 216.75, 318.75, 420.75, 522.75, 624.75, 675.75),
        *(828.75, 905.25, 1032.75, 1198.5, 1236.75, 1338.75, 1377),
    ),
    memory_hz=_hz(204, 408, 665.6, 800, 1065.6, 1331.2, 1600, 1866, 2133),
    chip="gv11b",
    chips=(
        ChipFacts(
            "1-0040",
            (
                RailFacts("GPU", 19_000, 1.0, 0.0),
                RailFacts("CPU", 19_000, 0.0, 0.25),
                RailFacts("SOC", 19_000, 0.0, 0.25),
            ),
        ),
        ChipFacts(
            "1-0041",
            (
                RailFacts("CV", 19_000, 0.0, 0.0),
                RailFacts("VDDRQ", 19_000, 0.0, 0.15),
                RailFacts("SYS5V", 5_000, 0.0, 0.35),
            ),
        ),
    ),
    modes=(
        PowerMode(0, "MAXN", _first(8), cpu_min_khz=1_190_400),
        PowerMode(1, "MODE_10W", _first(2), 1_200_000, 520_000_000, 1_066_000_000, 1_190_400),
        PowerMode(2, "MODE_15W", _first(4), 1_200_000, 670_000_000, 1_333_000_000, 1_190_400),
    ),
    idle_w=8.0,
)

_MODULE_CHIPS = (
    ChipFacts(
        "1-0040",
        (
            RailFacts("VDD_IN", 5_000, 1.0, 1.0),
            RailFacts("VDD_CPU_GPU_CV", 5_000, 1.0, 0.35),
            RailFacts("VDD_SOC", 5_000, 0.0, 0.30),
        ),
    ),
)

XAVIER_NX = Board(
    model="NVIDIA Jetson Xavier NX Developer Kit",
    compatible=("nvidia,p3449-0000+p3668-0000", "nvidia,p3668-0000", "nvidia,tegra194"),
    clusters=((0, 1), (2, 3), (4, 5)),
    cores=(CARMEL,) * 3,
    cpu_khz=_orin_cpu_khz(24, 1_907_200),
    gpu_hz=_hz(
        *(114.75, 204, 306, 408, 510, 599.25, 701.25, 752.25),
        *(803.25, 854.25, 905.25, 956.25, 1007.25, 1058.25, 1109.25),
    ),
    memory_hz=_hz(204, 408, 665.6, 800, 1065.6, 1331.2, 1600, 1866),
    chip="gv11b",
    chips=_MODULE_CHIPS,
    modes=(
        PowerMode(0, "MODE_15W_2CORE", _first(2), 1_900_000, 1_100_000_000, 1_600_000_000, 1_190_400),
        PowerMode(2, "MODE_15W_6CORE", _first(6), 1_400_000, 1_100_000_000, 1_600_000_000, 1_190_400),
        PowerMode(4, "MODE_10W_4CORE", _first(4), 1_200_000, 800_000_000, 1_600_000_000, 1_190_400),
        PowerMode(8, "MODE_20W_6CORE", _first(6), 1_400_000, 1_100_000_000, 1_866_000_000, 1_190_400),
    ),
    idle_w=4.0,
)

NANO = Board(
    model="NVIDIA Jetson Nano Developer Kit",
    compatible=("nvidia,p3450-0000", "nvidia,p3449-0000-b00", "nvidia,jetson-nano", "nvidia,tegra210"),
    clusters=(_first(4),),
    cores=(CORTEX_A57,),
    cpu_khz=(
        *(102_000, 204_000, 307_200, 403_200, 518_400, 614_400, 710_400, 825_600),
        *(921_600, 1_036_800, 1_132_800, 1_224_000, 1_326_000, 1_428_000, 1_479_000),
    ),
    gpu_hz=tuple(76_800_000 * step for step in range(1, 13)),
    memory_hz=_hz(40.8, 68, 102, 204, 408, 665.6, 800, 1065.6, 1331.2, 1600),
    chip="gm20b",
    chips=(
        ChipFacts(
            "6-0040",
            (
                RailFacts("POM_5V_IN", 5_000, 1.0, 1.0),
                RailFacts("POM_5V_GPU", 5_000, 1.0, 0.0),
                RailFacts("POM_5V_CPU", 5_000, 0.0, 0.35),
            ),
        ),
    ),
    modes=(
        PowerMode(0, "MAXN", _first(4)),
        PowerMode(1, "5W", _first(2), 918_000, 640_000_000, 1_600_000_000),
    ),
    idle_w=1.5,
    gpu_address="57000000",
    gpu_node="gpu",
    has_firmware=False,
)

ORIN_NANO = Board(
    model="NVIDIA Jetson Orin Nano Developer Kit",
    compatible=("nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"),
    clusters=(_first(4), (4, 5)),
    cores=(CORTEX_A78AE,) * 2,
    cpu_khz=_orin_cpu_khz(19, 1_510_400),
    gpu_hz=_hz(306, 408, 510, 612, 624.75),
    memory_hz=_hz(204, 665.6, 2133),
    chip="ga10b",
    chips=_MODULE_CHIPS,
    modes=(
        PowerMode(0, "15W", _first(6), cpu_min_khz=729_600),
        PowerMode(1, "7W", _first(4), 960_000, 408_000_000, 2_133_000_000, 729_600, mask=252),
    ),
    idle_w=4.5,
)

ORIN_NANO_SUPER = Board(
    model="NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
    compatible=("nvidia,p3768-0000+p3767-0005-super", "nvidia,p3767-0005", "nvidia,tegra234"),
    clusters=(_first(4), (4, 5)),
    cores=(CORTEX_A78AE,) * 2,
    cpu_khz=_orin_cpu_khz(22),
    gpu_hz=_hz(*range(306, 1021, 102)),
    memory_hz=_hz(204, 665.6, 2133, 3199),
    chip="ga10b",
    chips=_MODULE_CHIPS,
    modes=(
        PowerMode(0, "15W", _first(6), 1_497_600, 612_000_000, 2_133_000_000, 729_600),
        PowerMode(1, "25W", _first(6), 1_344_000, 918_000_000, cpu_min_khz=729_600),
        PowerMode(2, "MAXN_SUPER", _first(6), cpu_min_khz=729_600),
    ),
    idle_w=4.5,
)

ORIN_NX = Board(
    model="NVIDIA Jetson Orin NX Engineering Reference Developer Kit",
    compatible=("nvidia,p3768-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234"),
    clusters=(_first(4), (4, 5, 6, 7)),
    cores=(CORTEX_A78AE,) * 2,
    cpu_khz=_orin_cpu_khz(25, 1_984_000),
    gpu_hz=_hz(*range(306, 919, 102)),
    memory_hz=_hz(204, 665.6, 2133, 3199),
    chip="ga10b",
    chips=_MODULE_CHIPS,
    modes=(
        PowerMode(0, "MAXN", _first(8), cpu_min_khz=729_600),
        PowerMode(3, "25W", _first(8), 1_497_600, 408_000_000, cpu_min_khz=729_600),
    ),
    idle_w=5.0,
)

AGX_ORIN = Board(
    model="NVIDIA Jetson AGX Orin Developer Kit",
    compatible=("nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234"),
    clusters=(_first(4), (4, 5, 6, 7), (8, 9, 10, 11)),
    cores=(CORTEX_A78AE,) * 3,
    cpu_khz=_orin_cpu_khz(28, 2_201_600),
    gpu_hz=_hz(*range(306, 1225, 102), 1300.5),
    memory_hz=_hz(204, 665.6, 2133, 3199),
    chip="ga10b",
    chips=(
        ChipFacts(
            "1-0040",
            (
                RailFacts("VDD_GPU_SOC", 19_000, 1.0, 0.20, 2_000),
                RailFacts("VDD_CPU_CV", 19_000, 0.0, 0.25, 2_000),
                RailFacts("VIN_SYS_5V0", 5_000, 0.0, 0.55, 2_000),  # the rail of the next chip lies within it
            ),
        ),
        ChipFacts("1-0041", (NOT_CONNECTED, RailFacts("VDDQ_VDD2_1V8AO", 5_000, 0.0, 0.20, 2_000), NOT_CONNECTED)),
    ),
    modes=(
        PowerMode(0, "MAXN", _first(12), cpu_min_khz=729_600),
        PowerMode(1, "MODE_15W", _first(4), 1_113_600, 408_000_000, 2_133_000_000, 729_600, mask=248),
        PowerMode(2, "MODE_30W", _first(8), 1_728_000, 612_000_000, cpu_min_khz=729_600, mask=240),
        PowerMode(3, "MODE_50W", _first(12), 1_497_600, 816_000_000, cpu_min_khz=729_600),
    ),
    idle_w=10.0,
)
