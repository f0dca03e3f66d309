"""The progress of a study, on a terminal and elsewhere, and what its end means."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tests.unit.report.example_study import empty_study, estimated_study, infeasible_study
from tests.unit.report.rate_studies import study_of_rates
from tests.unit.report.served_studies import language_model_study
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


def test_a_language_model_is_shown_with_its_metric_its_tokens_and_its_idle_time() -> None:
    lines = shown(language_model_study(), 80, terminal=False).splitlines()
    assert "chat-8b: least energy per request, p90 ttft ≤ 200 ms and p95 tpot ≤ 35 ms" in lines[0]
    assert lines[1].startswith(
        "  0 baseline | GPU max 2100 MHz, power limit 300 W, concurrency 64"
        " | 72.9 J, 1.82 J/token measured, gpu | p95 tpot 17.4 ms of 35.0 ms | idle 38.5 % | ✓ feasible | "
    )


def test_of_several_slos_the_one_that_is_nearest_to_its_bound_is_shown() -> None:
    lines = shown(language_model_study(), 80, terminal=False).splitlines()
    assert " | p95 tpot 30.5 ms of 35.0 ms | " in lines[3]
    assert " | p90 ttft 881 ms of 200 ms | " in lines[4]


def test_of_several_arrival_rates_each_trial_says_its_own() -> None:
    study = study_of_rates()
    lines = [line for line in shown(study, 80, terminal=False).splitlines() if " | " in line]
    assert [line.split(" | ")[2] for line in lines] == [f"{each.arrival_rate_hz:g} requests/s" for each in study.trials]
    assert "best at 10 requests/s: trial 1, " in lines[-1]


@pytest.mark.parametrize("width", [60, 100, 140])
def test_a_terminal_of_any_width_shows_the_rate(width: int) -> None:
    text = " ".join(shown(study_of_rates(), width, terminal=True).split())
    assert "35 requests/s 638 mJ simulated, board p90 18.3 ms of 60.0 ms idle 35.8 % ✓ feasible" in text


def test_a_trial_cut_short_says_why_and_how_many_requests_failed() -> None:
    lines = shown(language_model_study(), 80, terminal=False).splitlines()
    assert " | ✗ infeasible | cut short: the SLO does not hold | 1 of 22 requests failed | " in lines[4]
    assert sum("cut short" in line for line in lines) == 1


def test_a_look_for_drift_is_called_a_reference() -> None:
    lines = shown(language_model_study(), 80, terminal=False).splitlines()
    assert [line.split(" | ")[:2] for line in lines if "reference" in line] == [
        ["  4 reference", "as baseline"],
        ["  8 reference", "as baseline"],
    ]


def test_causes_of_rejection_are_told_by_their_reason() -> None:
    text = shown(language_model_study(), 80, terminal=False)
    assert "rejected: 9 of 118 requests failed, the last because: 503." in text
    assert "rejected: gpu reached 88 °C of 85 °C." in text


@pytest.mark.parametrize("width", [60, 100, 140, 180])
def test_a_terminal_of_any_width_shows_all_of_a_language_model(width: int) -> None:
    text = " ".join(shown(language_model_study(), width, terminal=True).split())
    assert "72.9 J, 1.82 J/token measured, gpu p95 tpot 17.4 ms of 35.0 ms idle 38.5 % ✓ feasible" in text
    assert "cut short: the SLO does not hold · 1 of 22 requests failed" in text


def test_a_wide_terminal_has_one_line_a_trial_and_its_figures_below_each_other() -> None:
    lines = re.sub(r"\x1b\[[?\d]*\w", "", shown(language_model_study(), 160, terminal=True)).splitlines()
    measured = [line for line in lines if "J/token measured, gpu" in line and "best:" not in line]
    assert len(measured) == 16
    assert len({re.search(r"p9\d t", line).start() for line in measured}) == 1
    assert len({line.index("idle") for line in measured}) == 1


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
