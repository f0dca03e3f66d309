"""A real keeper process, real clients, and signals at bad moments."""

import os
import random
import signal
import time

import pytest

from knobs.contract import DeviceError, KnobError, RefusedError
from knobs.keeper.client import KeeperClient, KeeperLostError
from tests.unit.knobs.file_knob import FAN, MAX, MIN, ORIGINAL, VALUES, writes
from tests.unit.knobs.keeper_machine import kill, leased, until


def test_the_keeper_imports_nothing_but_the_standard_library(machine):
    machine.start_keeper()
    assert machine.greeting == {"ready": True, "foreign_modules": []}


def test_a_client_sees_applies_confirms_and_restores(machine):
    machine.start_keeper()
    with leased(machine) as client:
        assert [spec.id for spec in client.inventory().knobs] == [MIN, MAX, FAN]
        assert client.inventory().knobs[0].not_above.limit == MAX
        assert client.apply({MAX: 200}) == {MAX: 200}
        assert client.read([MAX, MIN]) == {MAX: 200, MIN: 100}
        assert client.state().trial == ((MAX, 200),)
        assert client.state().leased
        client.release_lease()
        assert machine.now() == ORIGINAL
        client.acquire_lease()
        client.apply({FAN: 400})
        assert client.confirm() == {FAN: 400}
        client.release_lease()
        assert machine.now()[FAN] == 400
        assert client.state().confirmed == ((FAN, 400),)
        assert client.restore(confirmed=True).restored == (FAN,)
        assert machine.now() == ORIGINAL


def test_errors_arrive_as_what_they_are(machine):
    machine.start_keeper()
    with machine.connect() as client:
        with pytest.raises(RefusedError, match="does not hold the lease"):
            client.apply({MAX: 200})
        with pytest.raises(RefusedError, match="does not hold the lease"):
            client.confirm()
        with pytest.raises(RefusedError, match=r"There is no meter wall\.w"):
            client.sample(["wall.w"])
        client.acquire_lease()
        with pytest.raises(RefusedError, match="choose one of 100, 200, 300, 400"):
            client.apply({MAX: 123})
        (machine.hardware / f"{MAX}.broken").touch()
        with pytest.raises(DeviceError, match="does not answer"):
            client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").unlink()


def test_without_a_keeper_the_client_says_so_in_one_sentence(tmp_path):
    with pytest.raises(KnobError, match="No keeper answers at"):
        KeeperClient(tmp_path / "keeper.sock")


def test_a_second_lease_is_refused(machine):
    machine.start_keeper()
    with leased(machine), machine.connect() as other, pytest.raises(RefusedError, match="wait until its study ends"):
        other.acquire_lease()


def test_the_lease_lasts_while_its_holder_lives_and_is_idle(machine):
    machine.start_keeper(lease_timeout_s=2.0)
    with leased(machine) as client:
        client.apply({MAX: 200})
        time.sleep(3)
        assert machine.now()[MAX] == 200
        client.apply({MAX: 300})


def test_when_a_client_is_killed_its_trial_values_are_back_within_two_seconds(machine):
    machine.start_keeper()
    client = machine.start_client()
    assert machine.now() == {MAX: 200, MIN: 100, FAN: 300}
    kill(client)
    until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=2)


def test_when_a_client_freezes_its_trial_values_are_back_after_the_heartbeat_limit(machine):
    machine.start_keeper(lease_timeout_s=0.6)
    client = machine.start_client()
    client.send_signal(signal.SIGSTOP)
    until(lambda: machine.now() == ORIGINAL, limit_s=5)
    with leased(machine) as other:
        other.apply({MAX: 300})
    client.send_signal(signal.SIGCONT)


def test_killed_clients_at_random_moments_leave_nothing_behind(machine):
    machine.start_keeper()
    dice = random.Random(2)
    for _ in range(5):
        client = machine.start_client("and go on")
        time.sleep(dice.uniform(0, 0.05))
        kill(client)
        until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=5)


def test_when_the_keeper_is_killed_the_client_says_so_and_restore_puts_all_back(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200, MIN: 200, FAN: 300})
        kill(keeper)
        with pytest.raises(KeeperLostError):
            client.state()
        with pytest.raises(KeeperLostError):
            client.apply({MAX: 300})
    assert machine.now() == {MAX: 200, MIN: 200, FAN: 300}
    assert sorted(machine.restore_all().restored) == [MAX, MIN, FAN]
    assert machine.now() == ORIGINAL
    assert machine.restore_all().restored == ()


def test_killed_keepers_at_random_moments_leave_nothing_that_restore_cannot_undo(machine):
    dice = random.Random(3)
    for _ in range(8):
        keeper = machine.start_keeper()
        client = machine.start_client("and go on")
        time.sleep(dice.uniform(0, 0.05))
        kill(keeper)
        kill(client)
        assert machine.restore_all().failed == ()
        assert machine.now() == ORIGINAL
        assert machine.journal_is_empty()


def test_a_keeper_that_starts_after_a_crash_takes_trial_values_back_first(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({FAN: 400})
        client.confirm()
        client.apply({MAX: 200, FAN: 300})
        kill(keeper)
    machine.start_keeper()
    assert machine.now() == {**ORIGINAL, FAN: 400}


def test_restore_refuses_to_race_a_running_keeper(machine):
    machine.start_keeper()
    with pytest.raises(RefusedError, match="Another keeper"):
        machine.restore_all()


@pytest.mark.parametrize(("on_stop", "fan"), [("restore", ORIGINAL[FAN]), ("keep", 400)])
def test_a_deliberate_stop_takes_trial_values_back_and_confirmed_ones_as_configured(machine, on_stop, fan):
    keeper = machine.start_keeper(on_stop=on_stop)
    with leased(machine) as client:
        client.apply({FAN: 400})
        client.confirm()
        client.apply({MAX: 200})
        keeper.terminate()
        assert keeper.wait(20) == 0
    assert machine.now() == {**ORIGINAL, FAN: fan}
    assert not machine.socket.exists()
    machine.start_keeper()
    assert machine.now() == {**ORIGINAL, FAN: 400}


def test_a_stop_that_cannot_restore_exits_with_one_and_keeps_the_entry(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").touch()
        keeper.terminate()
        assert keeper.wait(20) == 1
    (machine.hardware / f"{MAX}.broken").unlink()
    machine.restore_all()
    assert machine.now() == ORIGINAL


def test_when_the_parent_dies_the_keeper_restores_and_exits(machine):
    read_end, write_end = os.pipe()
    keeper = machine.start_keeper(pass_fds=(read_end,), parent_fd=read_end)
    os.close(read_end)
    with leased(machine) as client:
        client.apply({MAX: 200})
        keeper.send_signal(signal.SIGINT)
        assert client.read([MAX]) == {MAX: 200}
        os.close(write_end)
        assert keeper.wait(20) == 0
    assert machine.now() == ORIGINAL


def test_what_is_owed_is_tried_again_in_the_background(machine):
    machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").touch()
        with pytest.raises(KnobError, match="does not answer"):
            client.release_lease()
    (machine.hardware / f"{MAX}.broken").unlink()
    until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=20)


def test_an_operator_may_restore_from_under_a_study_whose_lease_ends_by_it(machine):
    machine.start_keeper()
    with leased(machine) as study, machine.connect() as operator:
        study.apply({MAX: 200})
        assert operator.restore().restored == (MAX,)
        assert machine.now() == ORIGINAL
        with pytest.raises(RefusedError, match="does not hold the lease"):
            study.apply({MAX: 300})


def test_every_value_of_a_file_knob_can_be_reached_over_the_socket(machine):
    machine.start_keeper()
    with leased(machine) as client:
        for value in VALUES:
            client.apply({FAN: value})
        assert writes(machine.hardware)[-1] == f"{FAN}={VALUES[-1]}"
