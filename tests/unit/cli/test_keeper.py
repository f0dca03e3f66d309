"""The verbs that touch hardware without the daemon: keeper, restore, probe."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator

import pytest

from knobs.keeper.client import KeeperClient
from tests.unit.cli.places import DEVICE, Places, running, scratch_places, wattune
from tuner.cli.sockets import KEEPER_SOCKET

_KNOB = "gpu.core.max_mhz"
_OURS = re.compile(r"(knobs|simulation)(\.|$)|serving_adapter(\.contract(\..*)?)?$|tuner(\.errors|\.cli(\..*)?)?$")


@pytest.fixture
def places() -> Iterator[Places]:
    with scratch_places() as found:
        yield found


def apply(places: Places, value: float) -> KeeperClient:
    """Sets a trial value; it lasts as long as the client lives."""
    client = KeeperClient(places.run / KEEPER_SOCKET)
    client.acquire_lease()
    client.apply({_KNOB: value})
    return client


def test_the_keeper_imports_nothing_but_the_standard_library_knobs_and_simulation(places: Places) -> None:
    with running("keeper", places, ("-X", "importtime")):
        apply(places, 816).close()
    imported = re.findall(r"^import time:.*\|\s*([\w.]+)$", (places.base / "keeper.log").read_text(), re.MULTILINE)
    started_with_python = {"site", "_virtualenv", "_distutils_hack", "sitecustomize", "usercustomize"}
    looked_for_in_vain = {"org"}  # by the standard library's copy, which would also run on Jython
    known = sys.stdlib_module_names | started_with_python | looked_for_in_vain
    foreign = [name for name in imported if name.split(".")[0] not in known and not _OURS.match(name)]
    assert "knobs.keeper.server" in imported
    assert "simulation.knobs" in imported
    assert [name for name in foreign if not name.startswith("__editable__")] == []


def test_the_keeper_serves_the_device_of_the_configuration(places: Places) -> None:
    with running("keeper", places), KeeperClient(places.run / KEEPER_SOCKET) as client:
        assert {spec.device for spec in client.inventory().knobs} == {DEVICE}


def test_the_keeper_honours_the_operators_bounds(places: Places) -> None:
    places.config.write_text(
        f'device = "{DEVICE}"\n[knobs."{_KNOB}"]\nallowed = [816, 1020]\n[knobs."memory.max_mhz"]\nenabled = false\n'
    )
    with running("keeper", places), KeeperClient(places.run / KEEPER_SOCKET) as client:
        knobs = {spec.id: spec.values for spec in client.inventory().knobs}
        assert knobs[_KNOB] == (816, 1020)
        assert "memory.max_mhz" not in knobs


@pytest.mark.parametrize(
    ("configuration", "sentence"),
    [
        ("device = 3", "The device must be 'local' or 'virtual:NAME'"),
        ('device = "gameboy"', "The device must be 'local' or 'virtual:NAME'"),
        ('device = "virtual:none"', "There is no virtual device 'virtual:none'"),
        ('on_stop = "explode"', "wrong at 'on_stop'"),
        ("knobs = 3", "wrong at 'knobs'"),
        ('[knobs."a.b"]\nallowed = 5', "wrong at 'knobs.a.b.allowed'"),
        ("[estimate]\nstatic_w = [3, 2, 1]", "wrong at 'estimate.static_w'"),
        ("[estimate]\ncpu_core_w = [1, 2]", "wrong at 'estimate.cpu_core_w'"),
        ("device =", "is not valid TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_sentence(places: Places, configuration: str, sentence: str) -> None:
    places.config.write_text(configuration)
    result = wattune("keeper", *places.options)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (places.run / KEEPER_SOCKET).exists()


def test_a_configuration_that_does_not_exist_is_refused(places: Places) -> None:
    places.config.unlink()
    result = wattune("keeper", *places.options)
    assert result.returncode == 2
    assert "cannot be read: No such file or directory" in result.stderr


def test_restore_asks_the_keeper_that_runs(places: Places) -> None:
    with running("keeper", places):
        client = apply(places, 816)
        result = wattune("restore", *places.options, "--json")
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["restored"] == [_KNOB]
        assert client.read([_KNOB]) == {_KNOB: 1300.5}
        client.close()


def test_restore_puts_back_what_a_killed_keeper_left(places: Places) -> None:
    with running("keeper", places) as keeper:
        client = apply(places, 816)
        keeper.send_signal(signal.SIGKILL)
        keeper.wait(30)
        client.close()
    result = wattune("restore", *places.options)
    assert (result.returncode, result.stdout) == (0, f"Restored: {_KNOB}.\n"), result.stderr
    found = json.loads(wattune("probe", *places.options, "--json").stdout)
    assert found["current"][_KNOB] == 1300.5


def test_restore_with_nothing_to_do_is_done(places: Places) -> None:
    result = wattune("restore", *places.options)
    assert result.returncode == 0
    assert result.stdout.startswith("Nothing to restore")


def test_a_restore_that_fails_is_loud_and_keeps_the_entry(places: Places) -> None:
    with running("keeper", places) as keeper:
        client = apply(places, 816)
        keeper.send_signal(signal.SIGKILL)
        keeper.wait(30)
        client.close()
    for _ in range(2):
        result = wattune("restore", *places.options, "--device", "local", "--json")
        assert result.returncode == 1
        assert [knob_id for knob_id, _ in json.loads(result.stdout)["failed"]] == [_KNOB]
        assert f"{_KNOB} COULD NOT BE PUT BACK" in result.stderr
    assert wattune("restore", *places.options).returncode == 0


def test_probe_without_a_daemon_looks_for_itself(places: Places) -> None:
    result = wattune("probe", *places.options, "--json")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)["record"]
    assert _KNOB in {spec["id"] for spec in record["knobs"]}
    assert {meter["provenance"] for meter in record["meters"]} == {"simulated"}


def test_probe_names_the_reason_of_what_is_absent(places: Places) -> None:
    result = wattune("probe", *places.options, "--device", "local", "--json")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)["record"]
    assert all(absence["reason"] for absence in record["absent"])
    assert record["meters"]
