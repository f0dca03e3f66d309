"""The checks of the doctor, each against files and records of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from knobs.contract import Absence, InventoryRecord, MeterSpec, Provenance, Quantity, Scope
from tuner.cli.checks import (
    Health,
    check_cpu_bandwidth,
    check_daemon,
    check_knobs,
    check_meters,
    check_other_governors,
    check_state_directory,
)


def record(*provenances: Provenance, absent: tuple[Absence, ...] = ()) -> InventoryRecord:
    meters = tuple(
        MeterSpec(f"meter.{provenance}", Quantity.ENERGY_J, Scope.CPU, provenance, 0.0, 0.0, "local")
        for provenance in provenances
    )
    return InventoryRecord((), meters, absent)


def with_process(root: Path, name: str) -> Path:
    (root / "proc" / "42").mkdir(parents=True)
    (root / "proc" / "42" / "comm").write_text(f"{name}\n")
    return root


@pytest.mark.parametrize(
    ("name", "program"), [("power-profiles-", "power-profiles-daemon"), ("tuned", "tuned"), ("tlp", "tlp")]
)
def test_a_program_that_moves_the_same_knobs_is_named(name: str, program: str, tmp_path: Path) -> None:
    check = check_other_governors(with_process(tmp_path, name))
    assert check.health is Health.WARN
    assert program in check.finding
    assert program in check.fix


def test_other_programs_are_left_alone(tmp_path: Path) -> None:
    assert check_other_governors(with_process(tmp_path, "tuned-in-radio")).health is Health.OK


@pytest.mark.parametrize(
    ("provenances", "health", "word"),
    [
        ((Provenance.ESTIMATED, Provenance.MEASURED), Health.OK, "measures"),
        ((Provenance.SIMULATED,), Health.OK, "simulated"),
        ((Provenance.ESTIMATED,), Health.WARN, "estimated"),
        ((), Health.FAIL, "none"),
    ],
)
def test_an_estimate_does_not_pass_for_a_meter(provenances: tuple[Provenance, ...], health: Health, word: str) -> None:
    check = check_meters(record(*provenances))
    assert check.health is health
    assert word in check.finding


def test_a_control_group_that_cannot_be_written_is_a_warning_with_its_fix() -> None:
    absence = Absence("workload.cpu.quota_percent", "the control group is read-only", "delegate one")
    check = check_cpu_bandwidth(record(absent=(absence,)))
    assert (check.health, check.finding, check.fix) == (Health.WARN, absence.reason, absence.fix)


def test_a_machine_without_knobs_fails() -> None:
    assert check_knobs(record()).health is Health.FAIL


def test_a_state_directory_that_does_not_exist_is_a_warning(tmp_path: Path) -> None:
    assert check_state_directory(tmp_path).health is Health.OK
    assert check_state_directory(tmp_path / "none").health is Health.WARN


def test_a_socket_that_nobody_serves_fails(tmp_path: Path) -> None:
    (tmp_path / "control.sock").touch()
    control, read = check_daemon(tmp_path)
    assert "nobody listens" in control.finding
    assert "does not exist" in read.finding
    assert {control.health, read.health} == {Health.FAIL}
