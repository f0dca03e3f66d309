"""The page of studies of real serving: cost, drift, tokens, idle time, and trials that were cut short."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from tests.unit.report.example_study import empty_study, estimated_study
from tests.unit.report.page_reader import chart, plain, read
from tests.unit.report.served_studies import hesitant_study, language_model_study, live_study
from tuner.report.cost_sentences import cost_sentence, drift_sentence
from tuner.report.digest import Digest
from tuner.report.page.document import page
from tuner.report.sentences import result_sentence
from tuner.study_record import Study, StudyState
from tuner.trial import Purpose

_TYPED = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{EN DASH}": "-", "\N{MINUS SIGN}": "-"})


def section(study: Study, title: str) -> str:
    """Returns the text of one section of the page, its rows in lines, its cells apart by bars."""
    (found,) = re.findall(rf"<h2>{title}</h2>(.*?)(?=<h2>|<footer)", page(study), flags=re.DOTALL)
    rows = found.replace("</tr>", "\n").replace("</td>", " | ").replace("</th>", " | ")
    text = re.sub(r"<[^>]*>", "", rows).translate(_TYPED)
    return "\n".join(" ".join(line.split()).removesuffix(" |") for line in text.splitlines())


@pytest.mark.parametrize("study", [language_model_study(), live_study(), hesitant_study()])
def test_page_and_terminal_say_the_same_of_cost_and_drift(study: Study) -> None:
    digest, text = Digest(study), plain(read(study).text)
    assert plain(cost_sentence(digest)) in text
    assert plain(drift_sentence(digest)) in text


def test_the_cost_is_told_part_by_part_with_its_origin() -> None:
    lines = section(language_model_study(), "What the tuning cost").splitlines()
    assert lines[-7:] == [
        "Baseline | 1 | 58 s | 10.6 kJ | 3",
        "Search | 9 | 6 min 24 s | 55.8 kJ | 43",
        "Looks for drift | 2 | 1 min 56 s | 21.8 kJ | 6",
        "Confirmation | 6 | 5 min 48 s | 56.2 kJ | 18",
        "Optimizer | - | 4 s | 412 J | -",
        "In between | - | 9 s | - | -",
        "Together | 18 | 15 min 19 s | 145 kJ | 70",
    ]
    assert "Energymeasured, gpu" in lines[0]


def test_joules_that_nobody_counted_are_not_summed() -> None:
    text = section(estimated_study(), "What the tuning cost")
    assert "are not known" in text
    assert text.splitlines()[-1].split(" | ")[3] == "-"


def test_a_study_without_trials_cost_nothing_yet() -> None:
    assert "What the tuning cost" not in page(empty_study())


def test_what_live_traffic_takes_anyway_is_taken_off() -> None:
    text = section(live_study(), "What the tuning cost")
    assert "Less what the traffic takes anyway | - | - | -" in text


@pytest.mark.parametrize(
    ("study", "figure", "remark"),
    [
        (language_model_study(), "6 200 requests", "41 min at 2.5 requests/s; 95 % interval 6 000 to 6 400"),
        (hesitant_study(), "6 100 requests, or never", "the saving cannot be told from zero"),
        (live_study(), "at once", ""),
    ],
)
def test_the_key_figures_say_when_it_is_paid_for(study: Study, figure: str, remark: str) -> None:
    text = plain(read(study).text)
    assert f"Paid for after {figure} " in text
    assert remark in text


def test_the_key_figures_name_every_slo_the_rates_and_energy_per_token() -> None:
    text = plain(read(language_model_study()).text)
    assert (
        "p90 ttft ≤ 200 ms p95 tpot ≤ 35 ms least energy per request, server at 2.5 requests/s, SLOs also at 3" in text
    )
    assert "1.32 J/token; baseline 76.3 J, 1.91 J/token; measured, gpu" in text


def test_the_key_figures_have_a_latency_for_every_slo() -> None:
    running = replace(language_model_study(), state=StudyState.RUNNING, recommendation=None)
    best = Digest(running).incumbent
    assert best is not None
    assert best.measurement is not None
    ttft_s, tpot_s = best.measurement.slo_latencies_s
    text = read(running).text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"p90 ttft {ttft_s * 1e3:.3g} ms\np95 tpot {tpot_s * 1e3:.3g} ms\n" in text
    closest = infeasible_sentence()
    assert "the closest is trial 3 with p90 ttft 881 ms and p95 tpot " in closest


def infeasible_sentence() -> str:
    """Says of a study in which only the slowest configuration was tried what comes closest."""
    study = language_model_study()
    tried = (study.trials[3],)
    return result_sentence(Digest(replace(study, state=StudyState.INFEASIBLE, recommendation=None, trials=tried)))


def test_the_charts_are_named_by_the_metric_of_the_slo() -> None:
    layout = chart(language_model_study(), "front")["layout"]
    assert layout["xaxis"]["title"]["text"] == "p90 ttft, ms"
    assert "p90 ttft ≤ 200 ms" in [note["text"] for note in layout["annotations"]]


def test_the_table_of_trials_has_tokens_latencies_idle_time_and_failures() -> None:
    lines = section(language_model_study(), "All trials").splitlines()
    assert lines[0] == (
        "Trial | Purpose | GPU maxMHz | power limitW | concurrency | Energy/requestmeasured, gpu | ± | "
        "Energy/tokenmeasured, gpu | p90 ttftfirst token | p95 tpoteach token | p90 latency | Idle | Requests | "
        "Failed | Verdict"
    )
    assert lines[4] == (
        "3 | search | 900 | 150 | 16 | 42.1 J | 6.0 % | 1.05 J | 881 ms | 40.7 ms | 2.37 s | 3.0 % | 21 | 1 | "
        "infeasible cut short"
    )
    assert lines[5].split(" | ")[:2] == ["4", "reference"]
    assert lines[11].count(" - |") == 9


def test_trials_cut_short_and_rejected_ones_have_their_reasons() -> None:
    study = language_model_study()
    configuration = "GPU max 900 MHz, power limit 150 W, concurrency 16"
    assert section(study, "Trials cut short").splitlines()[-1] == f"3 | the SLO does not hold | {configuration}"
    rejected = section(study, "Rejected trials")
    assert "10 | errors | 9 of 118 requests failed, the last because: 503." in rejected
    assert "11 | too-hot | gpu reached 88 °C of 85 °C." in rejected


def test_a_study_whose_trials_all_ran_their_course_has_none_cut_short() -> None:
    assert "cut short" not in plain(read(estimated_study()).text).lower()


def test_the_drift_is_drawn_with_every_look_its_interval_and_what_was_removed() -> None:
    study = language_model_study()
    digest = Digest(study)
    removed, looks = chart(study, "drift")["data"]
    assert removed["x"] == looks["x"] == [time_s / 60.0 for time_s in digest.drift.times_s]
    assert looks["y"][0] == removed["y"][0] == 0.0
    baseline, last = digest.looks_for_drift[0].measurement, digest.looks_for_drift[-1].measurement
    assert baseline is not None
    assert last is not None
    change = 100.0 * (last.energy.per_request_j / baseline.energy.per_request_j - 1.0)
    assert looks["y"][-1] == pytest.approx(change)
    assert removed["y"] == [pytest.approx(100.0 * math.expm1(log)) for log in digest.drift.log_factors]
    assert removed["y"][-1] > 3.0
    high = 100.0 * (last.energy.interval.high / baseline.energy.per_request_j - 1.0)
    assert looks["y"][-1] + looks["error_y"]["array"][-1] == pytest.approx(high)
    assert "measured, gpu" in chart(study, "drift")["layout"]["yaxis"]["title"]["text"]


def test_a_drift_that_is_noise_is_drawn_and_said_to_be_none() -> None:
    removed, _ = chart(live_study(), "drift")["data"]
    assert set(removed["y"]) == {0.0}
    assert "No drift could be told from noise." in plain(read(live_study()).text)


def test_without_references_nothing_is_said_of_drift() -> None:
    study = language_model_study()
    trials = tuple(trial for trial in study.trials if trial.purpose is not Purpose.REFERENCE)
    assert "drift" not in plain(read(replace(study, trials=trials)).text)


def test_references_are_no_points_of_the_search() -> None:
    study = language_model_study()
    numbers = {number for trace in chart(study, "progress")["data"] for number in trace["x"]}
    assert not numbers & {trial.number for trial in study.trials if trial.purpose is Purpose.REFERENCE}


def test_the_line_of_the_best_follows_what_the_search_compared() -> None:
    line = chart(language_model_study(), "progress")["data"][0]
    best = dict(zip(line["x"], line["y"], strict=True))
    assert best[5] > best[3]
    assert "decided with the machine's drift removed" in plain(read(language_model_study()).text)


def test_pointing_at_a_trial_tells_why_it_was_cut_short() -> None:
    data = {trace["name"]: trace for trace in chart(language_model_study(), "front")["data"]}
    (text,) = data["infeasible"]["text"]
    assert "cut short: the SLO does not hold" in text
    assert "idle 3.0 %" in text
    assert "42.1 J, 1.05 J/token (measured, gpu)" in text
