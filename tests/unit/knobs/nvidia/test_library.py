"""The way from NVML's return codes to sentences, through the real binding."""

import json
import subprocess
import sys

import pynvml
import pytest

from knobs.contract import NoValueError
from knobs.drivers.nvidia.device import Architecture, Device, _architecture_of
from knobs.drivers.nvidia.errors import (
    LostError,
    NotPermittedError,
    NvmlError,
    UnsupportedError,
    nvml_error,
)
from knobs.drivers.nvidia.library import Library
from tests.unit.knobs.nvidia.machine import needs_compiler, nvidia_machine, shut_down

EVERY_CODE = sorted(
    value for name, value in vars(pynvml).items() if name.startswith("NVML_ERROR_") and isinstance(value, int)
)


@pytest.fixture(scope="module")
def bench():
    with nvidia_machine("a100", branch=595) as bench:
        yield bench


@pytest.fixture
def device(bench):
    library = Library()
    yield Device(library, library.handle(0), "gpu0")
    bench.control.clear()


@needs_compiler
@pytest.mark.parametrize("code", EVERY_CODE)
def test_every_code_arrives_as_one_sentence_with_a_fix(bench, device, code):
    bench.control.fail("nvmlDeviceGetPowerManagementLimit", code=code)
    with pytest.raises(NvmlError) as caught:
        device.power_limit_mw()
    sentence = str(caught.value)
    assert sentence.startswith("Cannot read the power limit of gpu0: ")
    assert sentence.endswith(f"{caught.value.fix}.")
    assert ";" in sentence
    assert sentence.count(". ") == 0
    assert "None" not in sentence


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((3, 13, 25, 26), UnsupportedError),
        ((4, 17), NotPermittedError),
        ((15, 16, 28), LostError),
        ((10, 19, 20, 21, 23, 27, 29), NoValueError),
        ((1, 2, 6, 9, 12, 18, 24, 999), NvmlError),
    ],
)
def test_codes_are_told_apart_by_what_can_be_done_about_them(codes, kind):
    for code in codes:
        assert isinstance(nvml_error("read x", code), kind)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4, "start the keeper as root"),
        (9, "modprobe nvidia"),
        (13, "too old"),
        (15, "fallen off the bus"),
        (17, "/dev/nvidia*"),
        (18, "reboot"),
        (26, "taken it out"),
        (4711, "error 4711"),
    ],
)
def test_the_fix_fits_the_trouble(code, words):
    assert words in str(nvml_error("read x", code))


@needs_compiler
def test_a_function_that_the_binding_lacks_is_like_one_that_the_driver_lacks(device, monkeypatch):
    monkeypatch.delattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption")
    with pytest.raises(UnsupportedError, match="too old"):
        device.energy_mj()


@needs_compiler
def test_a_missing_symbol_is_known_without_calling_it():
    with nvidia_machine("a100") as bench:
        library = Library()
        calls = bench.control.calls()
        assert library.exports("nvmlDeviceSetGpuLockedClocks")
        assert not library.exports("nvmlDeviceSetWarpFactor")
        assert bench.control.calls() == calls


@needs_compiler
def test_another_makers_binding_is_refused(bench, monkeypatch):
    monkeypatch.delattr(pynvml, "_nvmlGetFunctionPointer")
    with pytest.raises(NvmlError, match=r"not NVIDIA's own binding; uninstall the package pynvml"):
        Library()


@needs_compiler
def test_older_names_serve_where_newer_ones_are_missing(bench, device):
    reasons = device.clock_reasons()
    bench.control.fail("nvmlDeviceGetCurrentClocksEventReasons", code=13)
    assert device.clock_reasons() == reasons
    bench.control.occupy(4242, "trainer")
    bench.control.fail("nvmlDeviceGet*RunningProcesses_v3", code=13)
    assert [process.pid for process in device.processes()] == [4242]
    bench.control.vacate(4242)
    bench.control.fail("nvmlDeviceGetTemperature", code=26)
    assert device.temperature_c() > 0
    for code in (13, 3):
        bench.control.clear("nvmlDeviceGetArchitecture")
        bench.control.fail("nvmlDeviceGetArchitecture", code=code)
        assert device.architecture() == Architecture.AMPERE


@pytest.mark.parametrize(
    ("capability", "architecture"),
    [
        ((5, 2), Architecture.MAXWELL),
        ((6, 1), Architecture.PASCAL),
        ((7, 0), Architecture.VOLTA),
        ((7, 5), Architecture.TURING),
        ((8, 6), Architecture.AMPERE),
        ((8, 9), Architecture.ADA),
        ((9, 0), Architecture.HOPPER),
        ((12, 0), Architecture.BLACKWELL),
    ],
)
def test_the_generation_is_told_from_the_compute_capability_if_need_be(capability, architecture):
    assert _architecture_of(*capability) == architecture


WITHOUT_A_LIBRARY = """
import json, sys
from knobs.drivers.nvidia.find import find_nvidia
from knobs.found import Wishes
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles
from pathlib import Path
root = Path(sys.argv[1])
for folder, kind in (("0000:07:00.0", "0x030200"), ("0000:07:00.1", "0x040300")):
    path = root / "sys/bus/pci/devices" / folder
    path.mkdir(parents=True)
    (path / "vendor").write_text("0x10de\\n")
    (path / "class").write_text(kind + "\\n")
found = find_nvidia(KernelFiles(root), Wishes(), Sampler())
nothing = find_nvidia(KernelFiles(root / "sys"), Wishes(), Sampler())
print(json.dumps({
    "absent": [[absence.id, absence.reason, absence.fix] for absence in found.absent],
    "absent_without_a_gpu": len(nothing.absent),
    "imported": "pynvml" in sys.modules,
}))
"""


def test_without_the_library_the_binding_is_not_even_imported(tmp_path):
    """In a process of its own, because a library that was loaded once stays loaded."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_LIBRARY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    if said["absent"] == []:
        pytest.skip("this machine has NVIDIA's library")
    assert said == {
        "absent": [["gpu", "NVIDIA's library libnvidia-ml.so.1 is not installed", "install NVIDIA's driver"]],
        "absent_without_a_gpu": 0,
        "imported": False,
    }


def teardown_module():
    shut_down()
