"""The verbs against a real daemon on a simulated device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.cli.places import DEVICE, Places, running, scratch_places, wattune

_KNOB = "gpu.core.max_mhz"


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with scratch_places() as found, running("serve", found):
        yield found


def ask(places: Places, *arguments: str) -> Any:
    """Runs a verb with ``--json``: its standard output must be one JSON document and nothing else."""
    result = wattune(*arguments, "--runtime-dir", str(places.run), "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_status_names_device_and_workloads(places: Places) -> None:
    status = ask(places, "status")["status"]
    assert (status["device"], status["workloads"]) == (DEVICE, ["llm"])


def test_probe_shows_what_the_daemon_knows(places: Places) -> None:
    assert ask(places, "probe")["current"][_KNOB] == 1300.5


def test_a_configuration_is_applied_confirmed_verified_and_given_up(places: Places) -> None:
    assert ask(places, "apply", f"{_KNOB}=816", "--hold", "60")["applied"] == {_KNOB: 816}
    assert ask(places, "confirm")["confirmed"] == {_KNOB: 816}
    assert ask(places, "verify") == {"confirmed": {_KNOB: 816}, "mismatches": []}
    assert ask(places, "restore", "--confirmed")["restored"] == [_KNOB]
    assert ask(places, "verify")["confirmed"] == {}
    assert ask(places, "probe")["current"][_KNOB] == 1300.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("apply", f"{_KNOB}=817"), f"{_KNOB} cannot be 817"),
        (("apply", "no.such.knob=1"), "no.such.knob"),
        (("confirm",), "nothing to confirm"),
        (("tune", "nothing"), "There is no workload 'nothing'"),
        (("tune", "llm", "--max-trials", "1"), "at least 2 trials"),
        (("watch", "s-none"), "There is no study 's-none'"),
        (("pareto", "s-none"), "There is no study 's-none'"),
        (("report", "s-none", "--output", "never"), "There is no study 's-none'"),
        (("cancel", "s-none"), "There is no study 's-none'"),
        (("retune", "s-none"), "There is no study 's-none'"),
        (("apply", "--study", "s-none"), "There is no study 's-none'"),
    ],
)
def test_what_the_daemon_refuses_is_one_sentence(places: Places, arguments: tuple[str, ...], sentence: str) -> None:
    result = wattune(*arguments, "--runtime-dir", str(places.run))
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_doctor_finds_daemon_and_keeper(places: Places) -> None:
    checks = {check["name"]: check for check in ask(places, "doctor", *places.options[:2], *places.options[4:])}
    assert {checks[name]["health"] for name in ("control.sock", "read.sock", "keeper", "python")} == {"ok"}
    assert checks["meters"]["finding"].startswith("simulated")


def test_doctor_says_what_to_do_without_a_daemon(places: Places) -> None:
    with scratch_places() as empty:
        result = wattune("doctor", *empty.options, "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert result.returncode == 1
    assert checks["keeper"]["health"] == "fail"
    assert "wattune serve" in checks["control.sock"]["fix"]
