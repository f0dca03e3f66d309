"""Which meters are sampled: one for each device, and no joule twice."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from knobs.contract import Meter, MeterSpec, Provenance, Quantity, Reading, Scope
from knobs.inventory import Inventory
from tuner.cli import account_meters
from tuner.cli.account_meters import choose_meters
from tuner.errors import BadInputError


class NamedMeter(Meter):
    def __init__(self, name: str, scope: Scope, device: str, provenance: Provenance = Provenance.MEASURED) -> None:
        self._spec = MeterSpec(name, Quantity.ENERGY_J, scope, provenance, 0.01, 1e-6, device)

    @property
    def spec(self) -> MeterSpec:
        return self._spec

    def sample(self) -> Reading:
        raise NotImplementedError


RAPL = NamedMeter("rapl", Scope.CPU, "cpu")
GUESS = NamedMeter("guess", Scope.CPU, "workload", Provenance.ESTIMATED)
BOARD = NamedMeter("board", Scope.BOARD, "board")
WALL = NamedMeter("wall", Scope.WALL, "wall")
GPU0 = NamedMeter("gpu0.energy", Scope.GPU, "gpu0")
GPU1 = NamedMeter("gpu1.energy", Scope.GPU, "gpu1")
ALL_GPUS = NamedMeter("gpu.energy", Scope.GPU, "gpu")


def chosen(
    monkeypatch: pytest.MonkeyPatch, *meters: Meter, gpus: tuple[int, ...] = (), meter: str | None = None
) -> dict[str, tuple[str, ...]]:
    monkeypatch.setattr(account_meters, "open_inventory", lambda *_: Inventory((), meters))
    monkeypatch.setattr(account_meters, "settings_or_defaults", lambda *_: None)
    places = argparse.Namespace(config=Path(), device=None, runtime_dir=Path(), meter=meter)
    return {one.spec.id: devices for one, devices in choose_meters(places, gpus)}


def test_what_measures_comes_before_what_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, GUESS, RAPL) == {"rapl": ("cpu",)}


def test_what_is_narrow_comes_before_what_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, WALL, BOARD, RAPL) == {"rapl": ("cpu",)}


def test_a_wide_meter_is_shared_by_all_devices_and_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, GUESS, BOARD, GPU0, gpus=(0,)) == {"board": ("cpu", "gpu:0")}


def test_gpus_have_meters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(monkeypatch, RAPL, GPU0, GPU1, gpus=(0, 1))
    assert found == {"rapl": ("cpu",), "gpu0.energy": ("gpu:0",), "gpu1.energy": ("gpu:1",)}


def test_one_meter_may_count_the_joules_of_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, RAPL, ALL_GPUS, gpus=(0, 1)) == {"rapl": ("cpu",), "gpu.energy": ("gpu:0", "gpu:1")}


def test_the_meter_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, RAPL, GPU1, gpus=(0, 1), meter="gpu1.energy") == {"gpu1.energy": ("gpu:1",)}


def test_no_meter_for_the_cpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match="No meter of this machine counts the joules of its CPU"):
        chosen(monkeypatch, GPU0, gpus=(0,))
