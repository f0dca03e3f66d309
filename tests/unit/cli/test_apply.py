"""What `wattune apply` asks the daemon for, and what it says of the answer."""

from __future__ import annotations

import json

import pytest

from tuner.cli import apply
from tuner.cli.main import main
from tuner.configuration import Configuration
from tuner.daemon_record import Applied


class _Daemon:
    """A daemon that applies whatever it is asked for."""

    def __init__(self, warning: str = "") -> None:
        self.asked: list[tuple[str, float, float | None]] = []
        self._applied = Applied(Configuration({"gpu.core.max_mhz": 612}), ("serving.batch_size",), warning)

    def __enter__(self) -> _Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def apply_study(self, study_id: str, hold_s: float, rate_hz: float | None) -> Applied:
        self.asked.append((study_id, hold_s, rate_hz))
        return self._applied


def applied_by(daemon: _Daemon, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(apply, "to_change", lambda _: daemon)
    return main(["apply", *arguments])


@pytest.mark.parametrize(("options", "rate_hz"), [((), None), (("--rate", "60"), 60.0), (("--rate", "2.5"), 2.5)])
def test_the_rate_chooses_what_a_study_recommends(
    options: tuple[str, ...], rate_hz: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = _Daemon()
    assert applied_by(daemon, monkeypatch, "--study", "s-1", "--hold", "30", *options) == 0
    assert daemon.asked == [("s-1", 30.0, rate_hz)]


def test_a_warning_stands_beside_what_was_applied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "No configuration was proven for 130 requests/s."
    assert applied_by(_Daemon(sentence), monkeypatch, "--study", "s-1", "--rate", "130") == 0
    shown = capsys.readouterr()
    assert shown.out == "Applied: gpu.core.max_mhz=612\n"
    assert shown.err.splitlines()[0] == sentence
    assert applied_by(_Daemon(sentence), monkeypatch, "--study", "s-1", "--rate", "130", "--json") == 0
    assert json.loads(capsys.readouterr().out)["warning"] == sentence


def test_without_a_warning_no_line_is_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert applied_by(_Daemon(), monkeypatch, "--study", "s-1") == 0
    assert all(capsys.readouterr().err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("gpu.core.max_mhz=612", "--rate", "60"), "name the study with --study ID"),
        (("--rate", "60"), "either knobs as KNOB=VALUE, or a study"),
        (("--study", "s-1", "--rate", "fast"), "'fast' is not a number above zero"),
        (("--study", "s-1", "--rate", "0"), "'0' is not a number above zero"),
        (("--study", "s-1", "--rate", "inf"), "'inf' is not a number above zero"),
    ],
)
def test_a_rate_that_means_nothing_is_refused_in_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon = _Daemon()
    assert applied_by(daemon, monkeypatch, *arguments) == 2
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert (shown.err.count("\n"), shown.out, daemon.asked) == (1, "", [])
