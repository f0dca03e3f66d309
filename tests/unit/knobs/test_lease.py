import pytest

from knobs.contract import RefusedError
from knobs.keeper.lease import Lease


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_second_holder_is_refused():
    lease = Lease(3, Clock())
    lease.acquire("a")
    with pytest.raises(RefusedError):
        lease.acquire("b")
    lease.release()
    lease.acquire("b")
    assert lease.held_by("b")


def test_a_holder_that_is_silent_for_too_long_loses_it():
    clock = Clock()
    lease = Lease(3, clock)
    lease.acquire("a")
    clock.now_s = 2.9
    assert not lease.expired
    lease.sign_of_life("a")
    lease.sign_of_life("somebody else")
    clock.now_s = 5.8
    assert not lease.expired
    clock.now_s = 6.0
    assert lease.expired


def test_nobody_expires_where_nobody_holds():
    clock = Clock()
    lease = Lease(3, clock)
    clock.now_s = 100
    assert not lease.expired


def test_without_the_lease_nothing_may_be_tried():
    lease = Lease(3, Clock())
    with pytest.raises(RefusedError, match="does not hold the lease"):
        lease.require("a")


def test_a_holder_whose_request_is_being_answered_is_alive_however_long_that_takes():
    now = [0.0]
    lease = Lease(3.0, lambda: now[0])
    lease.acquire("a")
    with lease.answering("a"):
        now[0] = 10.0
        assert not lease.expired
    assert not lease.expired
    now[0] = 13.1
    assert lease.expired
    with lease.answering("b"):
        assert lease.expired
