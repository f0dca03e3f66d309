"""The progress of a study, on a terminal and elsewhere, and what its end means."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tests.unit.report.example_study import empty_study, estimated_study, infeasible_study
from tuner.cli.outcome import follow_to_the_end, present
from tuner.cli.progress import Progress, follow
from tuner.serialization import decode
from tuner.study_record import Study, StudyEvent, StudyState


def events_of(study: Study) -> Iterator[StudyEvent]:
    for trial in study.trials:
        saving = None if trial.number == 0 else 0.398
        yield StudyEvent(
            study.id, trial.number + 1, f"measuring trial {trial.number + 1}", StudyState.RUNNING, trial, 1, saving
        )
    yield StudyEvent(study.id, 100, "done", study.state, reason=study.reason)


def shown(study: Study, width: int, *, terminal: bool) -> str:
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None, highlight=False)
    progress = Progress(replace(study, trials=()), monotonic=lambda: 0.0)
    last = follow(progress, events_of(study), console)
    assert last is not None
    assert last.state.is_final
    return file.getvalue()


def test_elsewhere_every_trial_is_one_plain_line() -> None:
    study = estimated_study()
    lines = shown(study, 80, terminal=False).splitlines()
    trials = [line for line in lines if " | " in line]
    assert len(trials) == len(study.trials)
    assert trials[1] == (
        "  1 search | batch 8"
        " | 362 mJ estimated, cpu | p90 191 ms of 300 ms | ✓ feasible"
        " | measuring trial 2 · best: trial 1, 362 mJ (estimated, cpu) · saving so far 39.8 % · 2 min 51 s"
    )
    assert "\x1b" not in "".join(lines)


def test_a_line_shows_what_differs_from_the_baseline_in_the_order_of_the_space() -> None:
    study = estimated_study()
    settings = [line.split(" | ")[1] for line in shown(study, 80, terminal=False).splitlines() if " | " in line]
    assert settings[0] == "cores 2, CPU quota 200 %, threads 2, batch 1"
    assert settings[2] == "cores 1, CPU quota 100 %, threads 1, batch 4"
    assert settings[3] == "CPU quota 150 %, batch 4"
    assert settings[14:] == ["as baseline", "batch 8", "as baseline", "batch 8"]


def test_a_rejection_is_shown_with_its_reason() -> None:
    lines = shown(estimated_study(), 80, terminal=False).splitlines()
    assert any("rejected: workload.cpu.quota_percent reads back 52" in line for line in lines)


@pytest.mark.parametrize("width", [40, 60, 120])
def test_a_terminal_of_any_width_shows_energy_with_its_provenance(width: int) -> None:
    text = " ".join(shown(estimated_study(), width, terminal=True).split())
    assert text.count("362 mJ estimated, cpu") >= 1
    assert "p90 191 ms of 300 ms" in text
    assert "✓ feasible" in text


@pytest.mark.parametrize(
    ("state", "status"),
    [(StudyState.DONE, 0), (StudyState.FAILED, 1), (StudyState.CANCELLED, 1), (StudyState.INFEASIBLE, 3)],
)
def test_the_end_of_a_study_is_the_exit_status(
    state: StudyState, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    study = replace(estimated_study(), state=state)
    assert present(study, as_json=True) == status
    assert decode(capsys.readouterr().out, Study) == study


def test_an_infeasible_study_shows_the_closest_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert present(infeasible_study(), as_json=False) == 3
    assert "Closest configuration, trial 0" in capsys.readouterr().out


def test_a_failed_study_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    study = replace(empty_study(), state=StudyState.FAILED, reason="The workload runner was killed.")
    assert present(study, as_json=False) == 1
    assert "failed: The workload runner was killed." in capsys.readouterr().err


class _InterruptedClient:
    """A daemon whose study is interrupted by the person who watches."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    def get_study(self, study_id: str) -> Study:
        state = StudyState.CANCELLED if self.cancelled else StudyState.RUNNING
        return replace(empty_study(), id=study_id, state=state)

    def watch(self, study_id: str) -> Iterator[StudyEvent]:
        yield StudyEvent(study_id, 1, "starting", StudyState.RUNNING)
        raise KeyboardInterrupt

    def cancel_study(self, study_id: str) -> None:
        self.cancelled.append(study_id)


def test_an_interrupt_cancels_the_study_that_was_started(capsys: pytest.CaptureFixture[str]) -> None:
    client = _InterruptedClient()
    arguments = argparse.Namespace(json=True, report=None)
    assert follow_to_the_end(client, "s-1", arguments) == 1  # type: ignore[arg-type]  # stands for a Client
    assert client.cancelled == ["s-1"]
    captured = capsys.readouterr()
    assert decode(captured.out, Study).state is StudyState.CANCELLED
    assert "Cancelling study s-1" in captured.err
