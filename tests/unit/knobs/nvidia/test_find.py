"""What is found, what is absent and why, and which GPUs are set alike."""

import dataclasses

import pytest

from knobs.contract import DeviceError, RefusedError
from knobs.drivers.nvidia.pci import kernel_address
from knobs.found import Wishes
from tests.emulated.nvml import MACHINES
from tests.emulated.nvml.catalogue import L4, P100, RTX_4090, V100
from tests.emulated.nvml.profile import PowerLimits
from tests.unit.knobs.nvidia.machine import NO_CAPABILITIES, needs_compiler, nvidia_machine, plug_in

pytestmark = needs_compiler

GTX_1080 = dataclasses.replace(P100, name="NVIDIA GeForce GTX 1080", application_clocks_mhz=None)


def absences(found):
    return {absence.id: f"{absence.reason}; {absence.fix}" for absence in found.absent}


def specs(found):
    return {knob.spec.id: knob.spec for knob in found.knobs}


@pytest.mark.parametrize("code", [1, 4, 9, 17, 18, 999])
def test_a_driver_that_does_not_open_is_one_absence_where_a_gpu_is_on_the_bus(code):
    with nvidia_machine("a100") as bench:
        bench.control.fail("nvmlInitWithFlags", code=code)
        found = bench.find()
        assert [absence.id for absence in found.absent] == ["gpu"]
        assert (found.knobs, found.meters, found.monitors) == ((), (), ())
        bench.tree.remove("/sys/bus/pci/devices")
        assert bench.find().absent == ()


def test_the_entries_of_a_driver_that_does_not_open_are_kept():
    with nvidia_machine("a100") as bench:
        knob = bench.find().knobs[0]
        captured = knob.capture()
        bench.control.fail("nvmlInitWithFlags", code=18)
        reopen = bench.find().reopen
        with pytest.raises(DeviceError, match="reboot the machine, then run wattune restore"):
            reopen(knob.spec.id, captured)
        assert reopen("cpu.governor", {"members": {}}) is None


@pytest.mark.parametrize("code", [4, 15, 16, 17])
def test_a_gpu_that_is_lost_or_barred_does_not_keep_the_others_from_use(code):
    with nvidia_machine("two-l4") as bench:
        bench.control.fail("nvmlDeviceGetName", code=code, gpu=1)
        found = bench.find()
        assert "gpu1" in absences(found)
        assert list(found.knobs[0].capture()["members"]) == [bench.driver.gpus[0].uuid]


def test_a_driver_that_shows_no_gpu_although_one_is_on_the_bus():
    with nvidia_machine("orin") as bench:
        assert bench.find().absent == ()
        plug_in(bench.tree, "0000:41:00.0")
        assert "/dev/nvidia*" in absences(bench.find())["gpu"]


def test_who_may_not_administer_is_told_so_for_each_knob_and_can_still_meter():
    with nvidia_machine("l4") as bench:
        bench.set_capabilities(NO_CAPABILITIES)
        found = bench.find()
        assert found.knobs == ()
        assert [meter.spec.id for meter in found.meters] == ["gpu.energy"]
        assert "start the keeper as root" in absences(found)["gpu.core.max_mhz"]
        assert "start the keeper as root" in absences(found)["gpu.power.limit_w"]


def test_before_volta_application_clocks_serve_data_centre_gpus_and_nothing_serves_others():
    with nvidia_machine([GTX_1080]) as bench:
        found = bench.find()
        assert list(specs(found)) == ["gpu.power.limit_w"]
        assert "locked clocks need Volta or newer" in absences(found)["gpu.core.max_mhz"]
    with nvidia_machine("p100", branch=595) as bench:
        assert "NVIDIA has taken it out of this driver" in absences(bench.find())["gpu.core.max_mhz"]


def test_application_clocks_are_set_as_listed_pairs_and_reset_to_the_default():
    with nvidia_machine("p100") as bench:
        knob = bench.find().knobs[0]
        knob.write(1189)
        assert bench.driver.gpus[0].settings.application_mhz == (715, 1189)
        captured = knob.capture()
        knob.write(1328)
        knob.restore(captured)
        assert bench.driver.gpus[0].settings.application_mhz is None
        bench.driver.gpus[0].settings.set_application(715, 949)
        captured = knob.capture()
        knob.write(1328)
        knob.restore(captured)
        assert bench.driver.gpus[0].settings.application_mhz == (715, 949)


def test_memory_clocks_that_would_cap_the_core_are_not_offered():
    with nvidia_machine("rtx-4090") as bench:
        found = specs(bench.find())
        assert found["gpu.memory.max_mhz"].values == (810, 5001, 10251, 10501)
        assert found["gpu.core.max_mhz"].after == ("gpu.memory.max_mhz",)
    with nvidia_machine("l4") as bench:
        assert "one memory clock only" in absences(bench.find())["gpu.memory.max_mhz"]


def test_the_memory_may_still_rest_at_its_lowest_clock_and_the_core_at_its_own():
    with nvidia_machine("rtx-4090") as bench:
        knobs = {knob.spec.id: knob for knob in bench.find().knobs}
        knobs["gpu.memory.max_mhz"].write(5001)
        knobs["gpu.core.max_mhz"].write(1500)
        settings = bench.driver.gpus[0].settings
        assert settings.memory_lock_mhz == (405, 5001)
        assert settings.core_lock_mhz == (225, 1500)


def test_the_lowest_core_clock_shares_the_lock_and_is_not_explored():
    with nvidia_machine("a100") as bench:
        knobs = {knob.spec.id: knob for knob in bench.find().knobs}
        low, high = knobs["gpu.core.min_mhz"], knobs["gpu.core.max_mhz"]
        assert not low.spec.explored
        assert low.spec.not_above.limit == "gpu.core.max_mhz"
        settings = bench.driver.gpus[0].settings
        originals = {knob: knob.capture() for knob in (low, high)}
        high.write(1005)
        low.write(510)
        assert settings.core_lock_mhz == (510, 1005)
        with pytest.raises(RefusedError, match="lower its low end first"):
            high.write(405)
        assert settings.core_lock_mhz == (510, 1005)
        high.restore(originals[high])
        assert settings.core_lock_mhz == (510, 1410)
        low.restore(originals[low])
        assert settings.core_lock_mhz is None


def test_power_limits_are_round_watts_within_what_the_driver_takes():
    with nvidia_machine("t4") as bench:
        assert specs(bench.find())["gpu.power.limit_w"].values == (60, 65, 70)
    with nvidia_machine("rtx-4090") as bench:
        bench.driver.gpus[0].settings.limit_power(333.5)
        knob = next(knob for knob in bench.find().knobs if knob.spec.id == "gpu.power.limit_w")
        assert {10, 330, 333.5, 340, 450, 600} <= set(knob.spec.values)
        assert len(knob.spec.values) == 61
        assert knob.read() == 333.5
        captured = knob.capture()
        knob.write(450)
        knob.restore(captured)
        assert bench.driver.gpus[0].settings.limit_w == 333.5


def test_a_limit_with_no_choice_is_no_knob():
    fixed = dataclasses.replace(L4, limits=PowerLimits(72, 72, 72))
    with nvidia_machine([fixed]) as bench:
        assert "gpu.power.limit_w" in absences(bench.find())


def test_gpus_at_unlike_limits_each_get_their_own_back():
    with nvidia_machine("two-l4") as bench:
        first, second = (gpu.settings for gpu in bench.driver.gpus)
        first.limit_power(51)
        knob = next(knob for knob in bench.find().knobs if knob.spec.id == "gpu.power.limit_w")
        assert knob.read() == 51
        captured = knob.capture()
        knob.write(60)
        assert (first.limit_w, second.limit_w) == (60, 60)
        knob.restore(captured)
        assert (first.limit_w, second.limit_w) == (51, 72)


def test_what_the_operator_declares_is_gone_back_to_in_place_of_no_lock():
    with nvidia_machine("a100") as bench:
        knob = bench.find(Wishes(restore_to={"gpu.core.max_mhz": 1200})).knobs[0]
        captured = knob.capture()
        knob.write(600)
        assert bench.find().reopen(knob.spec.id, captured) is not None
        bench.find().reopen(knob.spec.id, captured).restore(captured)
        assert bench.driver.gpus[0].settings.core_lock_mhz == (210, 1200)
        with pytest.raises(RefusedError, match="cannot be 1201"):
            bench.find(Wishes(restore_to={"gpu.core.max_mhz": 1201}))


@pytest.mark.parametrize("name", ["1", "GPU-", "gpu-{uuid}", "00000000:47:00.0", "0000:47:00.0", "47:00.0"])
def test_the_operator_names_gpus_by_index_uuid_or_address(name):
    with nvidia_machine("two-l4") as bench:
        second = bench.driver.gpus[1]
        name = second.uuid[:12] if name == "GPU-" else name.format(uuid=second.uuid[4:])
        found = bench.find(Wishes(gpus=(name,)))
        assert list(found.knobs[0].capture()["members"]) == [second.uuid]
        assert [knob.spec.device for knob in found.knobs] == ["gpu"] * 3


@pytest.mark.parametrize("name", ["2", "GPU-dead", "0000:99:00.0"])
def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(name):
    with nvidia_machine("two-l4") as bench:
        with pytest.raises(RefusedError, match=rf"{name} .* 0 = {bench.driver.gpus[0].uuid} at 0000:07:00.0"):
            bench.find(Wishes(gpus=(name,)))
        with pytest.raises(RefusedError, match="fits several"):
            bench.find(Wishes(gpus=("GPU-",)))


def test_another_makers_gpu_is_not_our_business():
    with nvidia_machine("two-l4") as bench:
        plug_in(bench.tree, "0000:03:00.0", vendor="0x1002")
        found = bench.find(Wishes(gpus=("0000:03:00.0",)))
        assert found.knobs == ()
        assert "none of NVIDIA's is among them" in absences(found)["gpu"]


def test_gpus_of_one_make_are_one_device_and_others_are_devices_of_their_own():
    with nvidia_machine([L4, V100, L4]) as bench:
        found = bench.find()
        devices = {knob.spec.device: set(knob.capture()["members"]) for knob in found.knobs}
        uuids = [gpu.uuid for gpu in bench.driver.gpus]
        assert devices == {"gpu0": {uuids[0], uuids[2]}, "gpu1": {uuids[1]}}
        assert [meter.spec.id for meter in found.meters] == ["gpu0.energy", "gpu1.energy"]
        assert [monitor.device for monitor in found.monitors] == ["gpu0", "gpu1"]


@pytest.mark.parametrize("machine", sorted(set(MACHINES) - {"orin"}))
def test_notes_say_what_the_operator_should_know(machine):
    for persistence in (False, True):
        with nvidia_machine(machine, persistence=persistence) as bench:
            limits = [knob.spec for knob in bench.find().knobs if knob.spec.id.endswith(("limit_w", "min_mhz"))]
            for spec in limits:
                assert ("Persistence mode is off" in spec.note) == (not persistence)
                assert ("MIG" in spec.note) == ("mig" in machine)


def test_a_driver_of_old_lists_nothing_for_a_gpu_and_that_is_said():
    with nvidia_machine([RTX_4090]) as bench:
        bench.control.fail("nvmlDeviceGetSupportedMemoryClocks", code=3)
        found = bench.find()
        assert list(specs(found)) == ["gpu.power.limit_w"]
        assert "lists no choice of core clocks" in absences(found)["gpu.core.max_mhz"]


@pytest.mark.parametrize(
    ("spelled", "address"),
    [
        ("00000000:07:00.0", "0000:07:00.0"),
        ("0000:0A:1f.7", "0000:0a:1f.7"),
        ("07:00.0", "0000:07:00.0"),
        ("00010000:07:00.0", "10000:07:00.0"),
        ("7", ""),
        ("GPU-07:00.0", ""),
        ("", ""),
        ("zz:00.0", ""),
    ],
)
def test_addresses_are_compared_as_the_kernel_writes_them(spelled, address):
    assert kernel_address(spelled) == address
