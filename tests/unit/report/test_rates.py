"""A study of several arrival rates on the page, on the terminal and in the files."""

from __future__ import annotations

import csv
import json
import re
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.unit.report.page_reader import plain, read
from tests.unit.report.rate_studies import new_study, study_of_an_overload, study_of_rates, unfinished_study
from tests.unit.report.served_studies import language_model_study
from tests.unit.report.test_tables import text_of
from tuner.report.digest import Digest
from tuner.report.picture import pareto_png
from tuner.report.rates import hysteresis_sentence, rate_rows, rate_sentences, saving_text
from tuner.report.spreadsheet import trials_csv
from tuner.report.tables import front_table, result_view
from tuner.report.vocabulary import share_text
from tuner.report.writer import write_report
from tuner.serialization import decode
from tuner.study_record import Study

STUDIES = [study_of_rates, study_of_an_overload, unfinished_study, new_study]


def steps_of(study: Study):
    assert study.recommendation is not None
    assert study.recommendation.rate_table is not None
    return study.recommendation.rate_table.steps


def test_each_step_is_a_row_with_its_own_saving() -> None:
    study = study_of_rates()
    rows = rate_rows(Digest(study))
    assert [(row.rates, row.configuration) for row in rows] == [
        ("up to 10", "GPU max 500 MHz, batch 1"),
        ("10 to 20", "the same"),
        ("20 to 35", "GPU max 1000 MHz, batch 1"),
    ]
    for row, step in zip(rows, steps_of(study), strict=True):
        assert row.saving == share_text(step.comparison.saving)
        assert row.figures is not None
        assert row.figures.per_request_j == pytest.approx(step.comparison.recommended_per_request_j)


def test_each_rate_has_its_sentence_with_provenance_and_interval() -> None:
    sentences = rate_sentences(Digest(study_of_rates()))
    assert [sentence.split(":")[0] for sentence in sentences] == [
        "Up to 10 requests/s",
        "10 to 20 requests/s",
        "20 to 35 requests/s",
    ]
    for sentence, step in zip(sentences, steps_of(study_of_rates()), strict=True):
        assert f": the recommended configuration saves {share_text(step.comparison.saving)} of the energy" in sentence
        assert "(simulated, board; 95 % interval " in sentence
        assert "while p90 ≤ 60 ms holds." in sentence


def test_a_rate_for_which_nothing_was_found_says_so() -> None:
    study = study_of_an_overload()
    sentences = rate_sentences(Digest(study))
    assert sentences[-1].startswith("At 60 requests/s: no configuration was shown to hold p90 ≤ 60 ms: the closest is ")
    text = plain(text_of(result_view(study)))
    assert "No configuration was shown to hold p90 <= 60 ms at 60 requests/s." in text
    assert "none is applied unless asked for, because nothing was found for 60 requests/s." in text
    assert "GPU max 1500 MHz, batch 1 at 60 requests/s" in read(study).text


def test_how_the_table_is_used_is_said_once() -> None:
    sentence = hysteresis_sentence(Digest(study_of_rates()))
    assert "only below 90 % of its lower end" in sentence
    assert "the one for 35 requests/s is what is applied unless a rate is named" in sentence
    assert plain(read(study_of_rates()).text).count("Going up, the next step is taken") == 1
    assert hysteresis_sentence(Digest(language_model_study())) == ""


def test_a_study_of_one_rate_has_one_sentence_and_no_table() -> None:
    study = language_model_study()
    assert len(rate_sentences(Digest(study))) == 1
    assert rate_rows(Digest(study)) == ()
    assert "From rate to configuration" not in read(study).text
    assert "Arrival rate" not in read(study).text


def test_a_saving_over_rates_is_a_range() -> None:
    savings = sorted(step.comparison.saving for step in steps_of(study_of_rates()))
    low, high = share_text(savings[0]), share_text(savings[-1])
    assert saving_text(study_of_rates().recommendation) == f"{low.removesuffix(' %')} to {high}"
    assert saving_text(language_model_study().recommendation) == "30.6 %"
    assert saving_text(None) == ""


@pytest.mark.parametrize("make", STUDIES)
def test_the_page_has_charts_for_every_rate_that_was_measured(make) -> None:
    study = make()
    page = read(study)
    charts = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "chart"]
    assert len(charts) == len(set(charts)), "every chart has a name of its own"
    assert bool(charts) == bool(study.trials)
    measured = {trial.arrival_rate_hz for trial in study.trials if trial.measurement}
    assert {name for name in charts if name.startswith("front")} == {f"front-at-{rate_hz:g}" for rate_hz in measured}
    for rate_hz in measured:
        assert f"Energy against latency at {rate_hz:g} requests/s" in page.text
        shown = json.loads(page.scripts[f"front-at-{rate_hz:g}-figure"])
        told = {match for trace in shown["data"] for text in trace.get("text", ()) for match in _trials(text)}
        assert told == {trial.number for trial in study.at(rate_hz).trials if _is_shown(trial)}


def _trials(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"<b>Trial (\d+)</b>", text)]


def _is_shown(trial) -> bool:
    return trial.measurement is not None and trial.purpose.value != "reference"


def test_the_page_shows_the_table_and_marks_what_is_recommended() -> None:
    page = read(study_of_rates())
    text = plain(page.text)
    assert "From rate to configuration" in text
    assert "Baseline and recommendation at 20 requests/s" in text
    marked = [attributes for tag, attributes in page.elements if tag == "tr" and attributes.get("class") == "marked"]
    assert len(marked) == 3
    assert text.count("The machine's drift") == 1
    assert "server at 10, 20 and 35 requests/s" in text


@pytest.mark.parametrize("width", [60, 100, 140])
@pytest.mark.parametrize("make", STUDIES)
def test_a_terminal_of_any_width_has_a_front_for_every_rate(make, width: int) -> None:
    study = make()
    text = plain(text_of(result_view(study, width), width))
    for rate_hz in {trial.arrival_rate_hz for trial in study.trials if trial.measurement}:
        assert f"Pareto front of classifier at {rate_hz:g} requests/s" in text
    assert ("From rate to configuration" in text) == (study.recommendation is not None)
    assert "simulated" in text


def test_the_front_that_is_asked_for_by_itself_is_told_apart_by_rate() -> None:
    study = study_of_rates()
    text = text_of(front_table(study, Digest(study).front))
    assert [line for line in text.splitlines() if "Pareto front" in line] == [
        f"Pareto front of classifier at {rate_hz} requests/s, p90 ≤ 60 ms" for rate_hz in (10, 20, 35)
    ]
    assert text.count("recommended") == 3
    assert text.count("baseline") == 3


def test_the_spreadsheet_has_the_rate_of_every_trial() -> None:
    rows = list(csv.DictReader(StringIO(trials_csv(study_of_rates()))))
    assert [float(row["arrival_rate_hz"]) for row in rows] == [t.arrival_rate_hz for t in study_of_rates().trials]
    one_rate = list(csv.DictReader(StringIO(trials_csv(language_model_study()))))
    assert {row["arrival_rate_hz"] for row in one_rate} == {"2.5"}


def test_the_spreadsheet_has_a_latency_for_every_slo() -> None:
    study = language_model_study()
    rows = list(csv.DictReader(StringIO(trials_csv(study))))
    for row, trial in zip(rows, study.trials, strict=True):
        expected = trial.measurement.slo_latencies_s if trial.measurement else ("", "")
        assert (row["slo_p90_ttft_s"], row["slo_p95_tpot_s"]) == tuple(map(str, expected))
    assert not any(name.startswith("slo_p") for name in next(csv.reader(StringIO(trials_csv(study_of_rates())))))


def test_cost_and_drift_are_those_of_the_whole_study_at_every_rate() -> None:
    whole = Digest(study_of_rates())
    assert len(whole.looks_for_drift) > 1
    for part in whole.by_rate:
        assert (part.drift, part.looks_for_drift) == (whole.drift, whole.looks_for_drift)
        assert (part.levelled_j, part.cost_j) == (whole.levelled_j, whole.cost_j)


def test_the_picture_has_a_part_for_every_rate() -> None:
    one, three = (imread(BytesIO(pareto_png(study))) for study in (language_model_study(), study_of_rates()))
    assert three.shape[0] == pytest.approx(3 * one.shape[0], abs=3)
    parts = [three[start : start + one.shape[0]] for start in range(0, 3 * one.shape[0] - 2, one.shape[0])]
    assert all(part.std() > 0.01 for part in parts), "no part is empty"


def test_the_report_holds_the_table_for_programs_too(tmp_path: Path) -> None:
    study = study_of_rates()
    write_report(study, tmp_path / "report")
    assert decode((tmp_path / "report" / "study.json").read_text(), Study) == study
