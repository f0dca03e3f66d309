"""The status as it is shown: what the latest studies saved, what they cost, and when that is paid for."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from tests.unit.report.example_study import empty_study, estimated_study
from tests.unit.report.rate_studies import study_of_rates
from tests.unit.report.served_studies import hesitant_study, language_model_study, live_study
from tuner.cli import status
from tuner.configuration import Configuration
from tuner.daemon_record import DaemonStatus
from tuner.study_record import Study


class _Daemon:
    """A daemon that only knows its studies."""

    def __init__(self, *studies: Study) -> None:
        self._studies = studies

    def __enter__(self) -> _Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def status(self) -> DaemonStatus:
        return DaemonStatus("0.1.0", "local", ("chat-8b",), None, "", Configuration({}), Configuration({}))

    def list_studies(self) -> tuple[Study, ...]:
        return tuple(replace(study, trials=()) for study in self._studies)


def row_of(study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns the line that the status has for a study."""
    monkeypatch.setattr(status, "to_ask", lambda _arguments: _Daemon(study))
    monkeypatch.setenv("COLUMNS", "140")
    assert status.run(argparse.Namespace(json=False)) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(study.id)]
    return " ".join(row.split())


@pytest.mark.parametrize(
    ("study", "row"),
    [
        (language_model_study(), "s-language-model chat-8b done 30.6 % 145 kJ 6 200 requests measured, gpu"),
        (live_study(), "s-live chat-8b done 23.1 % 0.00 J at once measured, gpu"),
        (estimated_study(), "s-20260314-0926 minilm-text-encoder done 39.8 % estimated, cpu"),
        (study_of_rates(), "study-1 classifier done 45.2 to 60.4 % 2.22 kJ 6 000 requests simulated, board"),
        (empty_study(), "s-new minilm-text-encoder running estimated, cpu"),
    ],
)
def test_a_study_has_its_saving_its_cost_and_what_its_joules_are(
    study: Study, row: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert row_of(study, monkeypatch, capsys) == row


def test_a_saving_that_cannot_be_told_from_zero_may_never_pay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "requests, or never" in row_of(hesitant_study(), monkeypatch, capsys)
