"""The systemd units: systemd's own checker finds nothing, and they are closed as far as their work allows."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SERVICES = ("wattune-keeper.service", "wattune.service")
EXTERNAL_METERS = "wattune-keeper.service.d/external-meters.conf"

MOST_EXPOSURE = {"wattune-keeper.service": 30, "wattune.service": 25}
"""In tenths, as systemd-analyze takes them: 0 is closed, 100 is open. The keeper is root and needs /sys."""

DOCUMENTATION = ipaddress.ip_network("192.0.2.0/24")
"""Addresses that belong to nobody (RFC 5737)."""

MOST_EXPOSURE_WITH_EXTERNAL_METERS = 33

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units beside each other, as installed, with a program that exists: the checker looks for it."""
    program = tmp_path / "wattune"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folder = tmp_path / "units"
    shutil.copytree(DEPLOY / "systemd", folder)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/usr/bin/wattune", str(program)))
    return folder


def analyze(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    names = sorted(f"./{path.name}" for path in folder.iterdir() if path.is_file())
    return analyze("verify", "--man=no", *names, folder=folder)


def settings(unit: str) -> dict[str, list[str]]:
    """Returns the section [Service], a list of values for each key."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / unit).read_text().partition("[Service]")[2].splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@needs_systemd_analyze
def test_systemd_finds_nothing_wrong(units: Path) -> None:
    result = verify(units)
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd_analyze
def test_a_misspelt_setting_would_be_found(units: Path) -> None:
    drop_in = units / "wattune.service.d" / "wrong.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nProtectSistem=strict\n")
    assert "ProtectSistem" in verify(units).stderr


@needs_systemd_analyze
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_no_more_exposed_than_its_work_needs(service: str, units: Path) -> None:
    (units / EXTERNAL_METERS).unlink()
    threshold = f"--threshold={MOST_EXPOSURE[service]}"
    result = analyze("security", "--offline=true", threshold, f"./{service}", folder=units)
    assert result.returncode == 0, result.stdout


def test_the_keeper_can_write_the_files_that_it_owns() -> None:
    keeper = settings("wattune-keeper.service")
    assert keeper["ProtectKernelTunables"] == ["no"]
    assert keeper["ProtectControlGroups"] == ["no"]


def test_whatever_ends_the_keeper_trial_values_are_taken_back() -> None:
    keeper = settings("wattune-keeper.service")
    (start,), (stop,) = keeper["ExecStart"], keeper["ExecStopPost"]
    assert start.split()[:2] == ["/usr/bin/wattune", "keeper"]
    assert stop.split()[:2] == ["/usr/bin/wattune", "restore"]
    assert set(stop.split()[2:]) >= set(start.split()[2:]), "it must find the keeper's own journal"
    assert keeper["RuntimeDirectoryPreserve"] == ["yes"], "an entry that could not be restored is kept"
    assert keeper["OOMScoreAdjust"] == ["-1000"]


def test_the_daemon_survives_the_death_of_its_children_and_lets_pytorch_compile() -> None:
    daemon = settings("wattune.service")
    assert daemon["OOMPolicy"] == ["continue"]
    assert daemon["MemoryDenyWriteExecute"] == ["no"]


def test_the_daemon_has_no_rights() -> None:
    daemon = settings("wattune.service")
    assert daemon["User"] == ["wattune"]
    assert daemon["CapabilityBoundingSet"] == [""]
    assert daemon["NoNewPrivileges"] == ["yes"]


def test_one_unit_only_owns_the_runtime_directory() -> None:
    """systemd gives it, with all that is in it, to the user of the unit that names it: the journal is root's."""
    assert settings("wattune-keeper.service")["RuntimeDirectory"] == ["wattune"]
    assert settings("wattune-keeper.service")["RuntimeDirectoryMode"] == ["1775"]
    assert "RuntimeDirectory" not in settings("wattune.service")


def test_only_the_cpu_drop_in_stops_other_programs() -> None:
    conflicting = {
        str(path.relative_to(DEPLOY))
        for path in DEPLOY.rglob("*")
        if path.is_file() and b"\nConflicts=" in path.read_bytes()
    }
    assert conflicting == {"systemd/wattune-keeper.service.d/cpu-knobs.conf"}


def test_the_keeper_reaches_every_device_that_it_sets() -> None:
    keeper = settings("wattune-keeper.service")
    assert keeper["DeviceAllow"] == ["char-nvidia* rw"], "NVIDIA's library opens them"
    assert "PrivateDevices" not in keeper, "it would take NVIDIA's device files away"
    assert keeper["ProtectSystem"] == ["strict"], (
        "leaves /sys and the debugfs in it writable, unlike ProtectKernelTunables"
    )
    assert "CAP_SYS_ADMIN" in keeper["CapabilityBoundingSet"][0].split(), "NVIDIA's driver asks for it"
    assert {"PrivateUsers", "InaccessiblePaths", "ProcSubset"}.isdisjoint(keeper), (
        "root is to be root, and see processes"
    )


def test_the_keeper_speaks_to_nobody_in_the_network() -> None:
    keeper = settings("wattune-keeper.service")
    assert keeper["IPAddressDeny"] == ["any"]
    assert keeper["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert "IPAddressAllow" not in keeper


def test_only_the_drop_in_for_external_meters_opens_the_network_and_to_single_addresses_only() -> None:
    drop_in = settings(EXTERNAL_METERS)
    assert drop_in.keys() == {"RestrictAddressFamilies", "IPAddressAllow"}, "nothing else is opened, nothing reset"
    assert drop_in["RestrictAddressFamilies"] == ["AF_INET AF_INET6"]
    for address in drop_in["IPAddressAllow"]:
        assert ipaddress.ip_address(address) in DOCUMENTATION, "an address of nobody, to be replaced"


@needs_systemd_analyze
def test_with_external_meters_the_keeper_is_little_more_exposed(units: Path) -> None:
    threshold = f"--threshold={MOST_EXPOSURE_WITH_EXTERNAL_METERS}"
    result = analyze("security", "--offline=true", threshold, "./wattune-keeper.service", folder=units)
    assert result.returncode == 0, result.stdout
    assert "allow list with non-localhost entries" in result.stdout
    assert "✗ RestrictAddressFamilies=~AF_(INET|INET6)" in result.stdout, "the drop-in is in force"
