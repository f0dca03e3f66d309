"""Knobs of a real workload's process, through a real keeper."""

import os
from pathlib import Path

import pytest

from tests.unit.knobs.keeper_machine import CORES, QUOTA, kill, leased, until


def first_below_top(client, knob_id):
    spec = next((spec for spec in client.inventory().knobs if spec.id == knob_id), None)
    if spec is None or len(spec.values) < 2:
        pytest.skip(f"{knob_id} cannot be set on this machine")
    return spec.values[0], spec.values[-1]


@pytest.mark.parametrize("knob_id", [CORES, QUOTA])
@pytest.mark.parametrize("victim", ["client", "keeper", "workload"])
def test_real_knobs_of_a_workload_return_whoever_is_killed(machine, knob_id, victim):
    keeper = machine.start_keeper()
    workload = machine.start_workload()
    client = machine.connect()
    client.acquire_lease()
    client.attach(workload.pid)
    low, top = first_below_top(client, knob_id)
    assert client.apply({knob_id: low}) == {knob_id: low}
    if victim == "client":
        client.close()
        with machine.connect() as other:
            until(lambda: other.read([knob_id]) == {knob_id: top}, limit_s=5)
    elif victim == "keeper":
        kill(keeper)
        client.close()
        assert machine.restore_all().restored == (knob_id,)
        machine.start_keeper()
        with machine.connect() as other:
            other.attach(workload.pid)
            assert other.read([knob_id]) == {knob_id: top}
    else:
        kill(workload)
        client.release_lease()
        client.close()
    until(machine.journal_is_empty, limit_s=5)
    assert list(Path("/sys/fs/cgroup").rglob(f"wattune-{workload.pid}-*")) == []


def test_a_confirmed_value_of_a_workload_holds_over_a_restart_of_the_keeper_and_ends_with_the_workload(machine):
    keeper = machine.start_keeper(on_stop="keep")
    workload = machine.start_workload()
    with leased(machine) as client:
        client.attach(workload.pid)
        low, top = first_below_top(client, CORES)
        client.apply({CORES: low})
        client.confirm()
    keeper.terminate()
    assert keeper.wait(20) == 0
    assert len(os.sched_getaffinity(workload.pid)) == low
    keeper = machine.start_keeper(on_stop="keep")
    with leased(machine) as client:
        spec = next(spec for spec in client.attach(workload.pid).knobs if spec.id == CORES)
        assert spec.values[-1] == top
        client.apply({CORES: top})
        client.release_lease()
    assert len(os.sched_getaffinity(workload.pid)) == low
    kill(workload)
    keeper.terminate()
    assert keeper.wait(20) == 0
    machine.start_keeper()
    assert machine.journal_is_empty()
