"""Runs the contract suites over the virtual devices: knobs, meters and serving adapter of one physics."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from knobs.contract import (
    Captured,
    DeviceError,
    Knob,
    Meter,
    Provenance,
    Quantity,
    RefusedError,
    RestoreOutcome,
    Scope,
)
from serving_adapter.contract import AdapterError, ServingAdapter, WorkloadDefinition
from simulation.adapter import VirtualAdapter
from simulation.catalogue import device_names
from simulation.device import VirtualDevice
from simulation.knobs import virtual_knobs
from simulation.meters import virtual_meters
from tests.contract.knob_contract import KnobContract
from tests.contract.meter_contract import MeterContract
from tests.contract.serving_adapter_contract import ServingAdapterContract

KNOBS = [
    ("virtual:agx-orin", "gpu.core.min_mhz"),
    ("virtual:agx-orin", "gpu.core.max_mhz"),
    ("virtual:agx-orin", "memory.max_mhz"),
    ("virtual:agx-orin", "cpu.core.max_mhz"),
    ("virtual:tx2", "gpu.core.max_mhz"),
    ("virtual:agx-orin-paper", "gpu.core.min_mhz"),
]


def virtual_knob(name: str, knob_id: str, directory: Path) -> Knob:
    return next(knob for knob in virtual_knobs(name, directory) if knob.spec.id == knob_id)


def workload(
    directory: Path,
    options: Mapping[str, object] = MappingProxyType({}),
    parameters: Mapping[str, list[Any]] = MappingProxyType({"batch_size": [1, 2, 4]}),
) -> WorkloadDefinition:
    return WorkloadDefinition(
        name="simulated",
        options={"device": "virtual:agx-orin", "directory": str(directory), **options},
        parameters=parameters,
    )


class TestVirtualKnob(KnobContract):
    @pytest.fixture(params=KNOBS, ids=lambda named: "-".join(named))
    def named(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        return tuple(request.param)

    @pytest.fixture
    def knob(self, named: tuple[str, str], tmp_path: Path) -> Knob:
        self.named_knob, self.directory = named, tmp_path
        return virtual_knob(*named, tmp_path)

    def reopen(self, knob: Knob, captured: Captured) -> Knob:
        return virtual_knob(*self.named_knob, self.directory)

    def footprint(self, knob: Knob) -> object:
        state = VirtualDevice(knob.spec.device, self.directory).state()
        return (state.core_min_mhz, state.core_max_mhz, state.memory_max_mhz, state.cpu_max_mhz)


class TestVirtualMeter(MeterContract):
    @pytest.fixture(params=device_names())
    def device(self, request: pytest.FixtureRequest, tmp_path: Path) -> VirtualDevice:
        return VirtualDevice(request.param, tmp_path)

    @pytest.fixture(params=[Scope.BOARD, Scope.GPU])
    def meter(self, request: pytest.FixtureRequest, device: VirtualDevice, tmp_path: Path) -> Meter:
        self.device_in_use = device
        return next(meter for meter in virtual_meters(device.model.name, tmp_path) if meter.spec.scope is request.param)

    def advance(self, meter: Meter) -> None:
        self.device_in_use.infer("efficientnet-b0", 16)


class TestVirtualAdapter(ServingAdapterContract):
    @pytest.fixture(params=["llama-3.2-1b", "efficientnet-b0"])
    def adapter(self, request: pytest.FixtureRequest, tmp_path: Path) -> ServingAdapter:
        return VirtualAdapter(workload(tmp_path, {"profile": request.param}))


def test_batch_sizes_and_profile_have_defaults(tmp_path: Path) -> None:
    adapter = VirtualAdapter(workload(tmp_path, parameters={}))
    adapter.open()
    (parameter,) = adapter.parameters()
    assert parameter.values == (1, 2, 4, 8, 16)
    assert not parameter.persistent
    adapter.infer(1)
    assert adapter.now_s() > 4.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "virtual:toaster"}, "no virtual device 'virtual:toaster'"),
        ({"device": 3}, "needs the option 'device'"),
        ({"directory": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"profile": "resnet"}, "efficientnet-b0"),
        ({"profil": "llama-3.2-1b"}, "option 'profil'"),
    ],
)
def test_wrong_options_get_one_sentence(options: dict[str, object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=sentence):
        VirtualAdapter(workload(tmp_path, options)).open()


@pytest.mark.parametrize(
    "parameters", [{"batch_size": [0]}, {"batch_size": []}, {"batch_size": [1, 1]}, {"threads": [1]}]
)
def test_wrong_parameters_get_one_sentence(parameters: dict[str, list[Any]], tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="simulated"):
        VirtualAdapter(workload(tmp_path, parameters=parameters)).open()


def test_an_adapter_and_the_knobs_drive_the_same_device(tmp_path: Path) -> None:
    adapter = VirtualAdapter(workload(tmp_path))
    adapter.open()
    adapter.infer(1)

    def latency_s() -> float:
        before_s = adapter.now_s()
        adapter.infer(1)
        return adapter.now_s() - before_s

    fast_s = latency_s()
    virtual_knob("virtual:agx-orin", "gpu.core.max_mhz", tmp_path).write(306)
    assert latency_s() > 1.2 * fast_s


@pytest.mark.parametrize(("name", "knob_id"), KNOBS)
def test_a_restore_in_another_process_takes_every_value_back(name: str, knob_id: str, tmp_path: Path) -> None:
    knob = virtual_knob(name, knob_id, tmp_path)
    original, captured = knob.read(), knob.capture()
    for value in knob.spec.values:
        virtual_knob(name, knob_id, tmp_path).write(value)
        assert virtual_knob(name, knob_id, tmp_path).read() == value
        assert virtual_knob(name, knob_id, tmp_path).restore(captured) is RestoreOutcome.RESTORED
        assert knob.read() == original


def test_a_lowest_clock_that_the_highest_hides_is_pending_until_it_is_lifted(tmp_path: Path) -> None:
    lowest = virtual_knob("virtual:agx-orin", "gpu.core.min_mhz", tmp_path)
    highest = virtual_knob("virtual:agx-orin", "gpu.core.max_mhz", tmp_path)
    lowest.write(1020)
    captured = lowest.capture()
    lowest.write(306)
    highest.write(612)
    assert lowest.restore(captured) is RestoreOutcome.PENDING
    highest.write(1300.5)
    assert lowest.restore(captured) is RestoreOutcome.RESTORED


@pytest.mark.parametrize("captured", [{}, {"value": 613}, {"value": None}, {"value": [306]}])
def test_what_was_never_captured_cannot_be_restored(captured: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot go back"):
        virtual_knob("virtual:agx-orin", "gpu.core.max_mhz", tmp_path).restore(captured)


def test_a_refused_value_changes_nothing(tmp_path: Path) -> None:
    knob = virtual_knob("virtual:agx-orin", "gpu.core.max_mhz", tmp_path)
    for value in (613, "612", -1, True):
        with pytest.raises(RefusedError, match="choose one of 306"):
            knob.write(value)
    assert knob.read() == 1300.5


@pytest.mark.parametrize("name", device_names())
def test_meters_are_simulated_counters_and_the_board_holds_the_gpu(name: str, tmp_path: Path) -> None:
    board, gpu = virtual_meters(name, tmp_path)
    assert (board.spec.scope, gpu.spec.scope) == (Scope.BOARD, Scope.GPU)
    for meter in (board, gpu):
        assert meter.spec.provenance is Provenance.SIMULATED
        assert meter.spec.quantity is Quantity.ENERGY_J
    before_board, before_gpu = board.sample(), gpu.sample()
    for _ in range(100):
        board.sample()
    after_board, after_gpu = board.sample(), gpu.sample()
    assert after_board.time_s > before_board.time_s
    assert after_board.value - before_board.value > after_gpu.value - before_gpu.value > 0


def test_a_meter_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    meter: Meter = virtual_meters("virtual:agx-orin", tmp_path / "absent")[0]
    with pytest.raises(DeviceError, match="absent"):
        meter.sample()
