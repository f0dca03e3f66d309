from __future__ import annotations

import threading

import pytest

from tuner.daemon.device_set import DeviceSet
from tuner.errors import BusyError


def test_a_second_one_is_refused_and_told_who_has_it() -> None:
    device_set = DeviceSet()
    device_set.claim("study a runs; cancel it first")
    with pytest.raises(BusyError, match=r"The device is in use: study a runs; cancel it first\."):
        device_set.claim("study b")
    with pytest.raises(BusyError), device_set.borrow("its knobs are being listed"):
        pass
    device_set.release()
    device_set.claim("study b")


def test_a_borrowed_device_set_is_given_back_even_after_an_error() -> None:
    device_set = DeviceSet()
    with pytest.raises(ZeroDivisionError), device_set.borrow("its knobs are being listed"):
        raise ZeroDivisionError
    device_set.claim("study a")


def test_who_comes_while_it_is_borrowed_waits_instead_of_being_refused() -> None:
    device_set = DeviceSet()
    claimed = threading.Event()

    def claim() -> None:
        device_set.claim("study a")
        claimed.set()

    with device_set.borrow("its knobs are being listed"):
        claimer = threading.Thread(target=claim)
        claimer.start()
        assert not claimed.wait(0.05)
    assert claimed.wait(60)
    claimer.join()
