"""The tables of the terminal."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from tests.unit.report.example_study import empty_study, estimated_study, infeasible_study, simulated_study
from tests.unit.report.served_studies import hesitant_study, language_model_study, live_study
from tuner.report.digest import Digest
from tuner.report.tables import front_table, recommendation_table, result_view
from tuner.study_record import Study
from tuner.trial import Interval


def text_of(view: RenderableType, width: int = 120) -> str:
    file = StringIO()
    Console(file=file, width=width).print(view)
    return file.getvalue()


def test_the_front_names_baseline_and_recommendation() -> None:
    study = estimated_study()
    lines = text_of(front_table(study, Digest(study).front)).splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["0", "12", "8", "1", "13"]
    assert "baseline" in lines[3]
    assert "recommended" in lines[6]


def test_what_the_front_has_in_common_is_said_once_above_the_table() -> None:
    study = estimated_study()
    fast = tuple(trial for trial in Digest(study).front if trial.configuration["serving.threads"] == 2)
    lines = text_of(front_table(study, fast)).splitlines()
    assert lines[1].strip() == "All: cores 2, CPU quota 200 %, threads 2"
    assert "threads" not in "".join(lines[2:])
    assert lines[3].split() == ["trial", "batch", "estimated,", "cpu", "p90", "verdict"]


def test_the_front_needs_one_line_a_trial_at_80_columns() -> None:
    study = estimated_study()
    front = Digest(study).front
    lines = text_of(front_table(study, front, 80), 80).splitlines()
    assert [line.split()[0] for line in lines[3:]] == [str(trial.number) for trial in front]
    assert all(len(line.rstrip()) <= 80 for line in lines)


def test_where_columns_are_too_many_parameters_share_one_in_the_order_of_the_space() -> None:
    study = estimated_study()
    shown = " ".join(text_of(front_table(study, Digest(study).front, 72), 72).split())
    assert "configuration" in shown
    assert shown.index("cores 2") < shown.index("CPU quota") < shown.index("threads") < shown.index("batch")


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize(
    ("study", "origin"), [(estimated_study(), "estimated, cpu"), (simulated_study(), "simulated, board")]
)
def test_the_front_carries_provenance_and_scope_however_narrow(study, origin: str, width: int) -> None:
    shown = text_of(front_table(study, Digest(study).front, width), width)
    assert origin in shown
    assert "362 mJ" in shown
    assert "…" not in shown


def test_the_recommendation_says_who_keeps_a_value() -> None:
    study = estimated_study()
    assert study.recommendation is not None
    lines = text_of(recommendation_table(study, study.recommendation)).splitlines()
    kept = {line.split()[0]: line for line in lines[2:]}
    assert "nobody: set it for the server's process" in kept["cores"]
    assert "nobody: set it in the server" in kept["batch"]
    assert "estimated, cpu" in kept["energy/request"]
    assert "0.214 to 1.60 J" in kept["band"]


def test_the_result_comes_with_its_caveats() -> None:
    shown = " ".join(text_of(result_view(estimated_study())).split())
    assert "saves 39.8 % of the energy per request (estimated, cpu; 95 % interval 37.1 to 42.4 %)" in shown
    assert "The recommendation would change within the band" in shown


def test_what_the_knobs_save_stands_beside_the_saving() -> None:
    shown = " ".join(text_of(result_view(estimated_study())).split())
    assert "the knobs by themselves save 5.2 % (95 % interval 2.1 to 8.3 %)" in shown


def test_knobs_that_save_nothing_for_certain_claim_nothing() -> None:
    study = estimated_study()
    assert study.recommendation is not None
    assert study.recommendation.comparison is not None
    comparison = replace(study.recommendation.comparison, knob_saving=0.01, knob_saving_interval=Interval(-0.02, 0.04))
    study = replace(study, recommendation=replace(study.recommendation, comparison=comparison))
    shown = " ".join(text_of(result_view(study)).split())
    assert "save nothing that can be told from zero" in shown
    assert "2.0 to 4.0 %" in shown


def test_the_front_of_a_language_model_shows_tokens_every_slo_and_idle_time() -> None:
    study = language_model_study()
    lines = text_of(front_table(study, Digest(study).front, 120)).splitlines()
    assert lines[0].strip() == "Pareto front of chat-8b, p90 ttft ≤ 200 ms and p95 tpot ≤ 35 ms"
    assert " ".join(lines[2].split()).endswith("measured, gpu energy/token p90 ttft p95 tpot idle verdict")
    assert " ".join(lines[3].split()) == "0 2100 300 64 72.9 J 1.82 J 68.3 ms 17.4 ms 38.5 % ✓ baseline"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_front_of_a_language_model_is_whole_at_any_usual_width(width: int) -> None:
    study = language_model_study()
    shown = text_of(front_table(study, Digest(study).front, width), width)
    assert "…" not in shown
    assert "measured, gpu" in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert [line for line in lines if "72.9 J 1.82 J 68.3 ms 17.4 ms 38.5 % ✓ baseline" in line]
    assert "1200" in shown


def test_the_recommendation_of_a_language_model_has_its_tokens_and_all_latencies() -> None:
    study = language_model_study()
    assert study.recommendation is not None
    lines = [" ".join(line.split()) for line in text_of(recommendation_table(study, study.recommendation)).splitlines()]
    assert "energy/token 1.91 J 1.32 J measured, gpu" in lines
    assert "p90 ttft 68.3 ms 131 ms objective ≤ 200 ms" in lines
    assert "p95 tpot 17.4 ms 30.5 ms objective ≤ 35 ms" in lines
    assert "p90 latency 708 ms 1.25 s" in lines
    assert "idle 38.5 % 3.0 %" in lines


@pytest.mark.parametrize(
    ("study", "sentence"),
    [
        (language_model_study(), "The study took 145 kJ (measured, gpu) and 15 min 19 s; it has paid for itself after"),
        (language_model_study(), "% in energy per request (measured, gpu), as 3 looks at the baseline show"),
        (hesitant_study(), "or never: the saving cannot be told from zero."),
        (live_study(), "no more energy than the traffic takes anyway (measured, gpu)"),
    ],
)
def test_the_result_says_what_the_study_cost_and_what_drifted(study: Study, sentence: str) -> None:
    assert sentence in " ".join(text_of(result_view(study)).split())


def test_a_result_whose_cost_is_unknown_says_nothing_of_it() -> None:
    shown = text_of(result_view(estimated_study()))
    assert "The study took" not in shown
    assert "drifted" not in shown


def test_an_infeasible_result_shows_the_closest_configuration() -> None:
    shown = text_of(result_view(infeasible_study()))
    assert "Closest configuration, trial 0" in shown
    assert "41.8 ms" in shown


def test_a_study_without_trials_can_be_shown() -> None:
    assert "still running" in text_of(result_view(empty_study()))
