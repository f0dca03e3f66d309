"""The contract suites over everything that NVIDIA GPUs offer, through the real ABI of NVML."""

import time

import pytest

from knobs.contract import Delivery, RestoreClass
from tests.contract.knob_contract import KnobContract
from tests.contract.meter_contract import MeterContract
from tests.unit.knobs.nvidia.machine import needs_compiler, nvidia_machine

pytestmark = needs_compiler

LOCKS = ("gpu.core.max_mhz", "gpu.core.min_mhz")
MEMORY = "gpu.memory.max_mhz"
POWER = "gpu.power.limit_w"

OFFERED = {
    "a100": (*LOCKS, POWER),
    "a100-mig": (*LOCKS, POWER),
    "h100-nvl": (*LOCKS, MEMORY, POWER),
    "h100-sxm": (*LOCKS, MEMORY, POWER),
    "gh200": (*LOCKS, POWER),
    "l4": (*LOCKS, POWER),
    "t4": (*LOCKS, POWER),
    "v100": (*LOCKS, POWER),
    "p100": ("gpu.core.max_mhz", POWER),
    "rtx-4090": (*LOCKS, MEMORY, POWER),
    "rtx-3060-laptop": (*LOCKS, MEMORY),
    "orin": (),
    "two-l4": (*LOCKS, POWER),
    "a100-and-l4": tuple(
        f"{gpu}.{kind}" for gpu in ("gpu0", "gpu1") for kind in ("core.max_mhz", "core.min_mhz", "power.limit_w")
    ),
}
EVERY_KNOB = [(machine, knob_id) for machine, offered in OFFERED.items() for knob_id in offered]


@pytest.mark.parametrize("machine", OFFERED)
def test_a_machine_offers_what_its_gpus_can_do_and_nothing_is_written_meanwhile(machine):
    with nvidia_machine(machine) as bench:
        before = bench.settings()
        found = bench.find()
        assert sorted(knob.spec.id for knob in found.knobs) == sorted(OFFERED[machine])
        assert bench.settings() == before
        assert not [name for name in bench.control.calls() if "Set" in name or "Reset" in name]


@pytest.mark.parametrize(("machine", "knob_id"), EVERY_KNOB)
class TestKnobs(KnobContract):
    @pytest.fixture
    def bench(self, machine):
        with nvidia_machine(machine) as bench:
            yield bench

    @pytest.fixture
    def knob(self, bench, knob_id):
        self.bench = bench
        return next(knob for knob in bench.find().knobs if knob.spec.id == knob_id)

    def reopen(self, knob, captured):
        return self.bench.find().reopen(knob.spec.id, captured)

    def footprint(self, knob):
        return self.bench.settings()

    def test_it_is_honest_about_what_it_can_promise(self, knob):
        is_lock = knob.spec.unit == "MHz" and "Set by application clocks" not in knob.spec.note
        assert knob.spec.restore_class is (RestoreClass.RESET if is_lock else RestoreClass.EXACT)
        reaches = knob.spec.id.endswith("core.max_mhz")
        assert (knob.spec.delivery is Delivery.REACHED) == reaches


@pytest.mark.parametrize("machine", ["a100", "v100", "p100", "two-l4"])
class TestMeters(MeterContract):
    @pytest.fixture
    def meter(self, machine):
        with nvidia_machine(machine) as bench:
            for gpu in range(len(bench.driver.gpus)):
                bench.control.start_load(gpu=gpu)
            yield bench.find().meters[0]

    def advance(self, meter):
        time.sleep(0.11)
