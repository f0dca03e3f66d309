"""What is written to a kernel's files one after another, and what it must answer: the same for real and emulated ones.

The answers are those of Debian's kernels 6.1.192 and 6.12.95, whose cores of cpufreq, devfreq, powercap and hotplug
ran in QEMU on hardware made of software. Where the two differ, both answers are given.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles
from tests.emulated.sysfs.kernel.generation import Generation

POLICY = "/sys/devices/system/cpu/cpufreq/policy0"
GPU = "/sys/class/devfreq/17000000.gpu"
ZONE = "/sys/class/powercap/intel-rapl:0"
SECOND_CPU = "/sys/devices/system/cpu/cpu1/online"


@dataclass(frozen=True)
class Answer:
    """What became of a write.

    Attributes:
        error: The error, as in ``errno``; 0 for none.
        shows: What files say afterwards, by path.
    """

    error: int = 0
    shows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One write.

    Attributes:
        path: The file.
        text: What is written.
        answer: The right answer.
        since_6_12: The right answer since 6.12, where it differs.
    """

    path: str
    text: str
    answer: Answer
    since_6_12: Answer | None = None

    def expected(self, generation: Generation) -> Answer:
        """Returns the right answer of a kernel."""
        newer = generation >= Generation.K6_12 and self.since_6_12 is not None
        return self.since_6_12 if newer and self.since_6_12 is not None else self.answer


def run_script(
    files: KernelFiles, steps: Iterable[Step], settle: Callable[[], None] = lambda: None
) -> list[tuple[Step, Answer]]:
    """Writes step by step, each with one write(2), and returns each with the answer it got.

    Args:
        files: The files, real or emulated.
        steps: What to write.
        settle: Called after each write: a real kernel may take a moment to work out limits anew.
    """
    return [(step, _take(files, step, settle)) for step in steps]


def differences(answers: Iterable[tuple[Step, Answer]], generation: Generation) -> list[str]:
    """Returns what was not answered as a kernel of a generation answers, one line each; none if all is right."""
    return [
        f"{step.path} <- {step.text!r}: {got} instead of {step.expected(generation)}"
        for step, got in answers
        if got != step.expected(generation)
    ]


def _take(files: KernelFiles, step: Step, settle: Callable[[], None]) -> Answer:
    error = 0
    try:
        files.write_text(step.path, step.text)
    except DeviceError as refusal:
        assert isinstance(refusal.__cause__, OSError)
        error = refusal.__cause__.errno or 0
    settle()
    return Answer(error, {path: files.read_text(path) for path in step.answer.shows})


def _limits(
    file: str, text: str, low_khz: int, high_khz: int, *, error: int = 0, newer: tuple[int, int, int] | None = None
) -> Step:
    """A write to the CPU's limits, after which both are read; newer: lowest, highest and error since 6.12."""

    def answer(low: int, high: int, number: int) -> Answer:
        return Answer(number, {f"{POLICY}/scaling_min_freq": str(low), f"{POLICY}/scaling_max_freq": str(high)})

    return Step(
        f"{POLICY}/{file}", text, answer(low_khz, high_khz, error), answer(*newer) if newer is not None else None
    )


def _shown(path: str, text: str, shown: str, *, error: int = 0) -> Step:
    """A write to a file that is read back."""
    return Step(path, text, Answer(error, {path: shown}))


def _gpu(file: str, text: str, low_hz: int, high_hz: int, *, error: int = 0) -> Step:
    return Step(f"{GPU}/{file}", text, Answer(error, {f"{GPU}/min_freq": str(low_hz), f"{GPU}/max_freq": str(high_hz)}))


_MAX, _MIN, _GOVERNOR, _SET = "scaling_max_freq", "scaling_min_freq", "scaling_governor", "scaling_setspeed"
_INVALID = errno.EINVAL
_BOTTOM, _TOP = 115_200, 1_728_000

CPU_LIMITS = (
    _limits(_MAX, "1000000", _BOTTOM, 960_000),
    _limits(_MIN, "700000", 729_600, 960_000),
    _limits(_MIN, "99999999", 1_036_800, 1_036_800, newer=(960_000, 960_000, 0)),
    _limits(_MAX, "1728000", _TOP, _TOP),
    _limits(_MAX, "1000000", 1_036_800, 1_036_800, newer=(960_000, 960_000, 0)),
    _limits(_MIN, "115200", _BOTTOM, 960_000),
    _limits(_MAX, "1", _BOTTOM, _BOTTOM),
    _limits(_MAX, "9223372036854775807", _BOTTOM, _TOP),
    _limits(_MAX, "99999999999", _BOTTOM, _TOP),
    _limits(_MAX, "-5", _BOTTOM, _TOP, error=_INVALID),
    _limits(_MAX, "abc", _BOTTOM, _TOP, error=_INVALID),
    _limits(_MAX, "\n", _BOTTOM, _TOP, error=_INVALID),
    _limits(_MAX, "0x100000", _BOTTOM, _BOTTOM, newer=(_BOTTOM, 1_036_800, 0)),
    _limits(_MAX, "1728000\n", _BOTTOM, _TOP),
    _limits(_MAX, "960000abc", _BOTTOM, 960_000, newer=(_BOTTOM, _TOP, _INVALID)),
    _limits(_MAX, " 883200", _BOTTOM, 883_200, newer=(_BOTTOM, _TOP, _INVALID)),
    _limits(_MAX, "4294967295", _BOTTOM, _TOP),
    _limits(_MAX, "4294967294", _BOTTOM, _TOP, error=_INVALID),
    _limits(_MAX, "2147483648", _BOTTOM, _TOP, error=_INVALID),
    _limits(_MAX, "99999999999999999999999", _BOTTOM, _TOP, error=_INVALID, newer=(_BOTTOM, _TOP, errno.ERANGE)),
    _limits(_MIN, "9223372036854775807", _BOTTOM, _TOP),
    _limits(_MAX, "0960000", _BOTTOM, 960_000, newer=(_BOTTOM, _TOP, _INVALID)),
    _limits(_MIN, "800000", 806_400, 960_000, newer=(806_400, _TOP, 0)),
    _limits(_MAX, "1728000", 806_400, _TOP),
    _limits(_MIN, "115200", _BOTTOM, _TOP),
)

CPU_GOVERNORS = (
    _shown(f"{POLICY}/{_GOVERNOR}", "turbo", "schedutil", error=_INVALID),
    _shown(f"{POLICY}/{_SET}", "960000", "<unsupported>", error=_INVALID),
    _shown(f"{POLICY}/{_GOVERNOR}", "performance\n", "performance"),
    _shown(f"{POLICY}/{_GOVERNOR}", "PowerSave", "powersave"),
    _shown(f"{POLICY}/{_GOVERNOR}", "userspace x", "userspace"),
    _shown(f"{POLICY}/{_SET}", "abc", "115200", error=_INVALID),
    _shown(f"{POLICY}/{_SET}", "99999999", "1728000"),
    _shown(f"{POLICY}/{_SET}", "900000", "960000"),
    Step(f"{POLICY}/{_MAX}", "500000", Answer(0, {f"{POLICY}/{_MAX}": "499200", f"{POLICY}/{_SET}": "499200"})),
    Step(f"{POLICY}/{_MAX}", "1728000", Answer(0, {f"{POLICY}/{_MAX}": "1728000", f"{POLICY}/{_SET}": "960000"})),
    Step(f"{POLICY}/{_MIN}", "1200000", Answer(0, {f"{POLICY}/{_MIN}": "1267200", f"{POLICY}/{_SET}": "1267200"})),
    Step(f"{POLICY}/{_MIN}", "115200", Answer(0, {f"{POLICY}/{_MIN}": "115200", f"{POLICY}/{_SET}": "960000"})),
    _shown(f"{POLICY}/{_GOVERNOR}", "schedutil", "schedutil"),
    _shown(f"{POLICY}/cpuinfo_max_freq", "5", "1728000", error=errno.EACCES),
)

HOTPLUG = (
    Step(SECOND_CPU, "0", Answer(0, {SECOND_CPU: "0", f"{POLICY}/affected_cpus": "0"})),
    Step(SECOND_CPU, "0", Answer(0, {SECOND_CPU: "0", f"{POLICY}/related_cpus": "0 1"})),
    _shown(SECOND_CPU, "2", "0", error=_INVALID),
    _shown(SECOND_CPU, "abc", "0", error=_INVALID),
    _shown(SECOND_CPU, "1", "1"),
    Step(SECOND_CPU, "1", Answer(0, {SECOND_CPU: "1", f"{POLICY}/affected_cpus": "0 1"})),
)

GPU_LIMITS = (
    _gpu("max_freq", "700000000", 306_000_000, 700_000_000),
    _gpu("min_freq", "900000000", 700_000_000, 700_000_000),
    _gpu("max_freq", "1020000000", 900_000_000, 1_020_000_000),
    _gpu("min_freq", "0", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "1", 1_000, 1_000),
    _gpu("max_freq", "1500", 2_000, 2_000),
    _gpu("max_freq", "0", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "abc", 306_000_000, 1_020_000_000, error=_INVALID),
    _gpu("max_freq", "-5", 306_000_000, 1_020_000_000, error=_INVALID),
    _gpu("max_freq", "9223372036854775807", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "0x1e000000", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "612000000abc", 306_000_000, 612_000_000),
    _gpu("max_freq", "2147483647999", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "4294967295000", 306_000_000, 1_020_000_000),
    _gpu("max_freq", "5000000000000", 306_000_000, 1_020_000_000),
    _gpu("min_freq", "666666666", 666_666_000, 1_020_000_000),
    _gpu("max_freq", "666666666", 666_666_000, 666_667_000),
    _gpu("min_freq", "2000000000", 666_667_000, 666_667_000),
    _gpu("min_freq", "999999999999999", 666_667_000, 666_667_000),
    _gpu("min_freq", "0", 306_000_000, 666_667_000),
    _gpu("max_freq", "0", 306_000_000, 1_020_000_000),
    _shown(f"{GPU}/governor", "bogus", "simple_ondemand", error=errno.ENOENT),
    _shown(f"{GPU}/governor", "simple_ondemand\n", "simple_ondemand"),
    _shown(
        f"{GPU}/available_frequencies",
        "5",
        " ".join(map(str, range(306_000_000, 1_020_000_001, 102_000_000))),
        error=errno.EACCES,
    ),
)

_LIMIT = f"{ZONE}/constraint_0_power_limit_uw"
POWER_LIMITS = (
    _shown(_LIMIT, "45000000", "45000000"),
    _shown(_LIMIT, "abc", "45000000", error=_INVALID),
    _shown(_LIMIT, "-5", "45000000", error=_INVALID),
    _shown(_LIMIT, "0x2000000", "45000000", error=_INVALID),
    _shown(_LIMIT, "46000000abc", "45000000", error=_INVALID),
    _shown(_LIMIT, "0", "0"),
    _shown(_LIMIT, "65000000\n", "65000000"),
    Step(f"{ZONE}/energy_uj", "0", Answer(errno.EACCES, {f"{ZONE}/name": "package-0"})),
)

EVERYTHING = (*CPU_LIMITS, *CPU_GOVERNORS, *HOTPLUG, *GPU_LIMITS, *POWER_LIMITS)
