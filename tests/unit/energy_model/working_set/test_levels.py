"""Levels of memory: from a kernel's files, from the table, from a file of a person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.sysfs import KernelFiles
from tuner.energy_model.working_set.cpu_levels import cpu_hierarchy
from tuner.energy_model.working_set.device_table import KNOWN_DEVICES, known_hierarchy
from tuner.energy_model.working_set.hierarchy_file import hierarchy_text, read_hierarchy
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel, size_text
from tuner.errors import BadInputError, NotFoundError

CPUINFO = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu vme sse{more}\n"


def machine(root: Path, caches: Mapping[str, tuple[int, str, str, str]], *, flags: str = "") -> KernelFiles:
    """Lays out a tree: what ``cpu0/cache/index1`` is, by folder, as level, type, size and list of CPUs."""
    for folder, values in caches.items():
        cache = root / "sys/devices/system/cpu" / folder
        cache.mkdir(parents=True)
        for name, value in zip(("level", "type", "size", "shared_cpu_list"), values, strict=True):
            (cache / name).write_text(f"{value}\n")
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(CPUINFO.format(more=flags))
    (root / "proc/meminfo").write_text("MemTotal:       24684092 kB\nMemFree:        22868856 kB\n")
    return KernelFiles(root)


def two_sockets() -> dict[str, tuple[int, str, str, str]]:
    """Four cores, two a socket, two threads a core."""
    caches = {}
    for cpu in range(8):
        core, socket = cpu % 4, (cpu % 4) // 2
        both_threads = f"{core},{core + 4}"
        caches[f"cpu{cpu}/cache/index0"] = (1, "Data", "32K", both_threads)
        caches[f"cpu{cpu}/cache/index1"] = (1, "Instruction", "64K", both_threads)
        caches[f"cpu{cpu}/cache/index2"] = (2, "Unified", "1024K", both_threads)
        caches[f"cpu{cpu}/cache/index3"] = (3, "Unified", "24M", f"{2 * socket}-{2 * socket + 1},{2 * socket + 4}")
    return caches


def test_caches_that_are_shared_count_once(tmp_path: Path) -> None:
    found = cpu_hierarchy(machine(tmp_path, two_sockets()))
    assert found.device == "A Processor"
    assert found.levels == (
        MemoryLevel("L1", 32 << 10, units=4, shared_by=2),
        MemoryLevel("L2", 1 << 20, units=4, shared_by=2),
        MemoryLevel("L3", 24 << 20, units=2, shared_by=3),
        MemoryLevel("memory", 24684092 << 10, shared_by=8),
    )
    assert found.remarks == ()


def test_a_virtual_machine_is_told_from_a_real_one(tmp_path: Path) -> None:
    (remark,) = cpu_hierarchy(machine(tmp_path, two_sockets(), flags=" hypervisor")).remarks
    assert "virtual machine" in remark
    assert "L3 of 24 MiB" in remark


def test_cores_of_two_kinds_count_as_the_smaller(tmp_path: Path) -> None:
    caches = {
        "cpu0/cache/index2": (2, "Unified", "512K", "0"),
        "cpu1/cache/index2": (2, "Unified", "256K", "1"),
    }
    found = cpu_hierarchy(machine(tmp_path, caches))
    assert found.levels[0] == MemoryLevel("L2", 256 << 10, units=2)
    assert found.remarks == ("The cores have L2 caches of 256 KiB and 512 KiB: the smallest is counted for all.",)


def test_a_cache_without_a_list_belongs_to_its_core(tmp_path: Path) -> None:
    caches = {f"cpu{cpu}/cache/index0": (1, "Data", "64K", "") for cpu in range(3)}
    assert cpu_hierarchy(machine(tmp_path, caches)).levels[0] == MemoryLevel("L1", 64 << 10, units=3)


@pytest.mark.parametrize(
    "caches",
    [
        {},
        {"cpu0/cache/index0": (1, "Instruction", "64K", "0")},
        {"cpu0/cache/index0": (1, "Data", "0K", "0")},
        {"cpu0/cache/index0": (1, "Data", "", "0")},
    ],
    ids=["none", "instructions only", "of no size", "silent about its size"],
)
def test_a_machine_that_names_no_cache_is_refused(tmp_path: Path, caches: dict[str, tuple[int, str, str, str]]) -> None:
    with pytest.raises(BadInputError, match="names no cache"):
        cpu_hierarchy(machine(tmp_path, caches))


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="'0-x', which is no list"):
        cpu_hierarchy(machine(tmp_path, {"cpu0/cache/index0": (1, "Data", "32K", "0-x")}))


@pytest.mark.parametrize("name", KNOWN_DEVICES)
def test_every_device_of_the_table_is_a_hierarchy_with_a_source(name: str) -> None:
    found = known_hierarchy(name.upper())
    assert found.names == ("L1", "L2", "memory")
    assert found.levels[0].units == found.levels[1].shared_by
    assert found.levels[0].bytes_per_unit < found.levels[1].bytes_per_unit < found.levels[2].bytes_per_unit
    assert "NVIDIA" in found.source


def test_the_v100_is_what_the_paper_says() -> None:
    l1, l2, memory = known_hierarchy("v100").levels
    # The paper takes 16 KiB of the 128 for shared memory and counts the 84 multiprocessors of the full chip.
    assert (l1.bytes_per_unit - (16 << 10), l2.bytes_per_unit, memory.bytes_per_unit) == (112 << 10, 6 << 20, 16 << 30)


def test_a_device_that_is_unknown_is_refused() -> None:
    with pytest.raises(NotFoundError, match="'toaster' are not known"):
        known_hierarchy("toaster")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(
    names=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    numbers=st.lists(st.tuples(*[st.integers(1, 1 << 50)] * 3), min_size=4, max_size=4),
    device=NAMES,
)
def test_a_file_says_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], numbers: list[tuple[int, int, int]], device: str
) -> None:
    levels = tuple(MemoryLevel(name, *three) for name, three in zip(names, numbers, strict=False))
    written = MemoryHierarchy(device, levels, "a test")
    path = tmp_path_factory.mktemp("levels") / "levels.toml"
    path.write_text(hierarchy_text(written), encoding="utf-8")
    assert read_hierarchy(path) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "describes no level"),
        ("level = 3", "describes no level"),
        ("[[level]", "not valid TOML"),
        ('[[level]]\nname = "L1"', "Level 1 in .* is wrong"),
        ('[[level]]\nname = "L1"\nbytes_per_unit = "1"', "Level 1 in .* is wrong"),
        ('[[level]]\nname = "L1"\nbytes_per_unit = true', "Level 1 in .* is wrong"),
        ('[[level]]\nname = "L1"\nbytes_per_unit = 1\nunit = 2', "Level 1 in .* is wrong"),
        ('[[level]]\nname = "L1"\nbytes_per_unit = 0', "above zero"),
        ('[[level]]\nname = "a"\nbytes_per_unit = 1\n[[level]]\nname = "a"\nbytes_per_unit = 2', "each name once"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "levels.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_hierarchy(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_hierarchy(tmp_path / "nothing.toml")


def test_no_core_at_all_is_refused() -> None:
    with pytest.raises(BadInputError):
        known_hierarchy("a100").used_by(0)


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (24.75 * 2**20, "24.8 MiB"), (1023, "1023 B")]
)
def test_sizes_are_written_for_people(n_bytes: float, text: str) -> None:
    assert size_text(n_bytes) == text
