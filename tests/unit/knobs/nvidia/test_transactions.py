"""Whole configurations through the keeper's transaction and journal while the driver misbehaves."""

import pytest

from knobs.contract import DeviceError
from knobs.inventory import Inventory
from knobs.journal import Journal, KnobKey
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.transaction import Transaction, TransactionError
from tests.emulated.nvml.catalogue import A100_PCIE_40GB, L4
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.unit.knobs.nvidia.machine import needs_compiler, nvidia_machine

pytestmark = needs_compiler

CORE, POWER = "gpu.core.max_mhz", "gpu.power.limit_w"
WANTED = {CORE: 1005, POWER: 60}


@pytest.fixture
def bench():
    with nvidia_machine("two-l4") as bench:
        yield bench


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


def transaction(bench, journal, wanted):
    knobs = {KnobKey(knob.spec.id): knob for knob in bench.find().knobs if knob.spec.id in wanted}
    return Transaction(journal, knobs, {KnobKey(knob_id): value for knob_id, value in wanted.items()})


def keeper(found, folder):
    inventory = Inventory(found.knobs, found.meters, found.absent, (), found.monitors, found.reopen)
    return Keeper(inventory, Journal(folder / "run"), Desired(folder / "state"))


SETTERS = ("nvmlDeviceSetGpuLockedClocks", "nvmlDeviceSetPowerManagementLimit")


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("gpu", [0, 1])
@pytest.mark.parametrize("code", [2, 3, 4, 10, 15, 17, 19, 23, 24, 999])
def test_where_one_gpu_refuses_one_knob_nothing_stays_changed_anywhere(bench, journal, setter, gpu, code):
    before = bench.settings()
    running = transaction(bench, journal, WANTED)
    bench.control.fail(setter, code=code, gpu=gpu, calls=1)
    with pytest.raises(TransactionError) as caught:
        running.run()
    assert f"gpu{gpu}" in str(caught.value)
    assert caught.value.not_put_back == frozenset()
    assert bench.settings() == before
    assert journal.entries() == ()


def test_a_limit_that_one_gpu_ignores_is_seen_and_taken_back(bench, journal):
    before = bench.settings()
    running = transaction(bench, journal, WANTED)
    bench.control.ignore("nvmlDeviceSetPowerManagementLimit", gpu=1, calls=1)
    with pytest.raises(TransactionError, match=r"set to 60 but reads 72"):
        running.run()
    assert bench.settings() == before
    assert journal.entries() == ()


def test_permission_that_is_lost_between_two_knobs_keeps_the_entries_until_it_is_back(bench, tmp_path):
    before = bench.settings()
    found = bench.find()
    kept = keeper(found, tmp_path)
    kept.apply(WANTED)
    bench.control.forbid_setting()
    report = kept.take_back()
    assert {knob_id for knob_id, _ in report.failed} == {CORE, POWER}
    assert all("start the keeper as root" in sentence for _, sentence in report.failed)
    bench.control.forbid_setting(False)
    assert sorted(kept.take_back().restored) == [CORE, POWER]
    assert bench.settings() == before


def test_a_gpu_lost_in_mid_transaction_takes_nothing_but_itself_down(bench, journal, monkeypatch):
    before = bench.settings()
    running = transaction(bench, journal, WANTED)
    first = bench.driver.gpus[0].settings
    limit_power = first.limit_power

    def limited_as_the_other_falls_off_the_bus(watts):
        limit_power(watts)
        bench.control.lose(gpu=1)

    monkeypatch.setattr(first, "limit_power", limited_as_the_other_falls_off_the_bus)
    with pytest.raises(TransactionError, match="gpu1: the GPU has fallen off the bus") as caught:
        running.run()
    assert bench.settings()[0] == before[0]
    assert {key.knob_id for key in caught.value.not_put_back} == {CORE, POWER}
    assert {entry.knob_id for entry in journal.entries()} == {CORE, POWER}


def test_a_keeper_that_comes_back_finds_its_gpus_by_uuid_wherever_they_are_now(tmp_path, monkeypatch):
    monkeypatch.setattr(EmulatedGpu, "uuid", property(lambda gpu: f"GPU-of-{gpu.profile.name}"))
    knob_id = "gpu1.power.limit_w"
    with nvidia_machine([A100_PCIE_40GB, L4], persistence=True) as bench:
        keeper(bench.find(), tmp_path).apply({knob_id: 50, "gpu1.core.max_mhz": 1005})
        assert bench.settings()[1] == ((210, 1005), None, None, 50)
    with nvidia_machine([L4, A100_PCIE_40GB], persistence=True) as bench:
        moved, other = (gpu.settings for gpu in bench.driver.gpus)
        moved.limit_power(50)
        moved.lock_core(210, 1005)
        other.limit_power(200)
        other.lock_core(210, 600)
        report = keeper(bench.find(), tmp_path).start()
        assert sorted(report.restored) == ["gpu1.core.max_mhz", knob_id]
        assert bench.settings() == [(None, None, None, 72), ((210, 600), None, None, 200)]


def test_the_entry_of_a_gpu_that_is_gone_is_kept_and_the_other_is_restored(tmp_path):
    with nvidia_machine("two-l4", persistence=True) as bench:
        keeper(bench.find(), tmp_path).apply({POWER: 50})
    with nvidia_machine([L4], persistence=True) as bench:
        bench.driver.gpus[0].settings.limit_power(50)
        report = keeper(bench.find(), tmp_path).start()
        assert [knob_id for knob_id, _ in report.failed] == [POWER]
        assert "the device is gone" in report.failed[0][1]
        assert bench.settings()[0][3] == 72
        assert [entry.knob_id for entry in Journal(tmp_path / "run").entries()] == [POWER]
    with nvidia_machine([A100_PCIE_40GB]) as bench, pytest.raises(DeviceError, match="the driver does not show GPU-"):
        found = bench.find()
        found.reopen(POWER, Journal(tmp_path / "run").entries()[0].captured)


def test_entries_of_others_are_left_to_them(bench):
    reopen = bench.find().reopen
    assert reopen("cpu.governor", {"members": {"GPU-1": {}}}) is None
    assert reopen(POWER, {"members": {"0000:03:00.0": {"cap_uw": 1}}}) is None
    assert reopen(POWER, {"cap_uw": 1}) is None


@pytest.mark.parametrize("entry", [{}, {"to_mhz": "fast"}, {"to_mhz": True}, {"limit_mw": None}])
def test_a_damaged_entry_is_kept_and_writes_nothing(bench, entry):
    before = bench.settings()
    for knob_id in (CORE, POWER):
        captured = {"members": {bench.driver.gpus[0].uuid: entry}}
        with pytest.raises(DeviceError, match="not written by Wattune"):
            bench.find().reopen(knob_id, captured).restore(captured)
    assert bench.settings() == before


def test_a_restored_limit_that_does_not_read_back_is_an_error(bench):
    knob = next(knob for knob in bench.find().knobs if knob.spec.id == POWER)
    captured = knob.capture()
    knob.write(50)
    bench.control.ignore("nvmlDeviceSetPowerManagementLimit", gpu=1)
    with pytest.raises(DeviceError, match=r"of gpu1 was put back to 72 W but reads 50 W"):
        knob.restore(captured)


def test_a_restored_lock_is_forgotten_by_every_knob_that_shares_it(bench):
    """The keeper restores through ``reopen``: what it restores there, its own knob must know of."""
    found = bench.find()
    knob = found.knobs[0]
    captured = knob.capture()
    knob.write(600)
    found.reopen(knob.spec.id, captured).restore(captured)
    assert knob.read() == 2040
    assert knob.capture() == captured


def test_confirmed_locks_survive_a_keeper_that_was_killed(bench, tmp_path):
    first = keeper(bench.find(), tmp_path)
    first.apply(WANTED)
    first.confirm()
    bench.control.forget(0)
    bench.control.forget(1)
    report = keeper(bench.find(), tmp_path).start()
    assert sorted(report.restored) == [CORE, POWER]
    assert bench.settings() == [((210, 1005), None, None, 60)] * 2
