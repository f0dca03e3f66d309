"""What a study cost, in parts and in a sentence, and what the machine drifted by."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.unit.report.example_study import empty_study, estimated_study
from tests.unit.report.served_studies import hesitant_study, language_model_study, live_study
from tuner.report.cost import parts, total
from tuner.report.cost_sentences import break_even_remark, break_even_text, cost_sentence, drift_sentence
from tuner.report.digest import Digest
from tuner.report.vocabulary import signed_share_text
from tuner.study_record import BreakEven, Study, StudyState
from tuner.trial import Interval, Purpose


def said(study: Study) -> str:
    return cost_sentence(Digest(study)).replace("\N{NO-BREAK SPACE}", " ")


def with_break_even(study: Study, break_even: BreakEven | None) -> Study:
    assert study.recommendation is not None
    return replace(study, recommendation=replace(study.recommendation, break_even=break_even))


def test_the_sentence_says_what_the_study_took_and_when_it_has_paid_for_itself() -> None:
    break_even = BreakEven(6200.0, 0.22, 27_813.0, Interval(21_000.0, 44_000.0), 27_813.0 / 41.0 / 3600.0)
    study = language_model_study()
    scale = 6200.0 / (Digest(study).cost_j or 1.0)
    cheap = tuple(replace(trial, energy_j=(trial.energy_j or 0.0) * scale) for trial in study.trials)
    study = replace(study, trials=cheap, search_j=412.0 * scale, duration_s=252.0)
    assert said(with_break_even(study, break_even)) == (
        "The study took 6.20 kJ (measured, gpu) and 4 min 12 s; it has paid for itself after 28 000 requests, "
        "11 min at 41 requests/s (95 % interval 21 000 to 44 000)."
    )


def test_the_cost_in_the_sentence_is_the_one_that_is_paid_back() -> None:
    study = language_model_study()
    assert study.recommendation is not None
    assert study.recommendation.break_even is not None
    assert Digest(study).cost_j == pytest.approx(study.recommendation.break_even.cost_j)


def test_a_saving_that_may_be_none_may_never_pay() -> None:
    sentence = said(hesitant_study())
    assert "(estimated, cpu)" in sentence
    assert sentence.endswith("or never: the saving cannot be told from zero.")


def test_live_traffic_is_not_booked_on_the_study() -> None:
    assert said(live_study()).endswith(
        ", and no more energy than the traffic takes anyway (measured, gpu): it has paid for itself already."
    )


def test_what_exceeds_live_traffic_is_booked() -> None:
    study = live_study()
    dear = replace(study, search_j=(study.search_j or 0.0) + 50_000.0)
    assert "more than the traffic takes anyway (measured, gpu)" in said(dear)


@pytest.mark.parametrize("study", [estimated_study(), empty_study()])
def test_nothing_is_said_of_joules_that_nobody_counted(study: Study) -> None:
    assert said(study) == ""


def test_one_unknown_part_makes_the_whole_unknown() -> None:
    study = language_model_study()
    *others, last = study.trials
    study = replace(study, trials=(*others, replace(last, energy_j=None)))
    assert said(study) == ""
    assert total(Digest(study)).energy_j is None
    assert [cost.part for cost in parts(Digest(study)) if cost.energy_j is None] == ["Confirmation", "In between"]


def test_a_study_that_saves_nothing_does_not_pay() -> None:
    sentence = said(with_break_even(language_model_study(), None))
    assert sentence.endswith(", and saves nothing that could pay for it.")


@pytest.mark.parametrize(
    ("state", "beginning"), [(StudyState.RUNNING, "So far the study took"), (StudyState.CANCELLED, "The study took")]
)
def test_a_study_without_a_result_says_only_what_it_took(state: StudyState, beginning: str) -> None:
    sentence = said(replace(language_model_study(), state=state, recommendation=None))
    assert sentence.startswith(beginning)
    assert sentence.endswith("15 min 19 s.")


@pytest.mark.parametrize(
    ("break_even", "text", "remark"),
    [
        (BreakEven(9.0, 9.0, 1.0, Interval(1.0, 1.2), 1.0), "1 request", "60 min at 0.000278 requests/s"),
        (BreakEven(0.0, 9.0, 0.0, Interval(0.0, 0.0), 0.0), "at once", ""),
        (BreakEven(90.0, 9.0, 10.0, None, 0.5), "10 requests, or never", "the saving cannot be told from zero"),
    ],
)
def test_few_words_say_when_it_is_paid_for(break_even: BreakEven, text: str, remark: str) -> None:
    assert break_even_text(break_even) == text
    assert remark in break_even_remark(break_even)


@pytest.mark.parametrize("make_study", [language_model_study, live_study])
def test_the_parts_add_up_to_the_whole(make_study) -> None:
    digest = Digest(make_study())
    costs, whole = parts(digest), total(digest)
    assert sum(cost.energy_j or 0.0 for cost in costs) == pytest.approx(whole.energy_j)
    assert sum(cost.duration_s or 0.0 for cost in costs) == pytest.approx(whole.duration_s)
    assert sum(cost.trials or 0 for cost in costs) == whole.trials == len(digest.study.trials)
    assert sum(cost.late_requests or 0 for cost in costs) == whole.late_requests


def test_every_purpose_of_a_trial_has_its_part() -> None:
    study = language_model_study()
    assert {trial.purpose for trial in study.trials} == set(Purpose)
    assert [cost.part for cost in parts(Digest(study))] == [
        "Baseline",
        "Search",
        "Looks for drift",
        "Confirmation",
        "Optimizer",
        "In between",
    ]


def test_a_drift_that_was_removed_is_told_with_its_sign() -> None:
    digest = Digest(language_model_study())
    sentence = drift_sentence(digest)
    extreme = signed_share_text(math.expm1(digest.drift.log_factors[-1]))
    assert "+3.0 %" < extreme < "+4.5 %"
    assert sentence.startswith(f"The machine drifted by up to {extreme} in energy per request (measured, gpu), as 3")
    assert "figures are shown as measured" in sentence


@pytest.mark.parametrize("study", [estimated_study(), live_study(), empty_study()])
def test_a_machine_that_does_not_drift_is_not_said_to(study: Study) -> None:
    assert drift_sentence(Digest(study)) == ""


def test_the_best_trial_is_the_one_that_the_search_took_for_it() -> None:
    digest = Digest(language_model_study())
    seen = {trial.number: trial.measurement.energy.per_request_j for trial in digest.explored if trial.measurement}
    assert min((number for number in seen if digest.study.trials[number].is_feasible), key=seen.__getitem__) == 2
    assert digest.incumbent is not None
    assert digest.incumbent.number == 5
