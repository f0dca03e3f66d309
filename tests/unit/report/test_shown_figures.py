"""Which figures the tables show, and where they find them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.report.example_study import estimated_study
from tests.unit.report.served_studies import language_model_study
from tuner.objective import Objective, Scenario, Slo
from tuner.report.digest import Digest, measurement_of
from tuner.report.shown_figures import figure_rows, shown_figures
from tuner.report.vocabulary import NOTHING
from tuner.study_record import Study


def with_slos(study: Study, *slos: str) -> Digest:
    return Digest(replace(study, objective=replace(study.objective, slos=tuple(map(Slo.parse, slos)))))


def names(digest: Digest, *, only_bounded: bool = False) -> list[str]:
    return [figure.name for figure in shown_figures(digest, only_bounded=only_bounded)]


def test_a_study_without_tokens_shows_energy_and_its_slos() -> None:
    assert names(with_slos(estimated_study(), "p90 <= 1 s", "p99 <= 2 s")) == ["energy/request", "p90", "p99"]


def test_a_language_model_shows_every_kind_of_latency_and_the_bounded_ones_first() -> None:
    digest = with_slos(language_model_study(), "p95 tpot <= 40 ms")
    every = ["energy/request", "energy/token", "p95 tpot", "p95 latency", "p95 ttft", "idle"]
    assert names(digest) == every
    assert names(digest, only_bounded=True) == ["energy/request", "energy/token", "p95 tpot", "idle"]


def test_a_percentile_that_no_record_keeps_is_not_taken_for_the_others() -> None:
    assert "p90 ttft" in names(with_slos(language_model_study(), "p99.9 <= 4 s"))


def test_every_figure_comes_from_its_own_place_in_the_record() -> None:
    digest = Digest(language_model_study())
    measurement = measurement_of(digest.study.trials[0])
    assert measurement.tokens is not None
    assert measurement.tokens.tpot is not None
    figures = digest.figures_of([measurement])
    assert [figure.value(figures) for figure in shown_figures(digest)] == [
        measurement.energy.per_request_j,
        measurement.energy.per_token_j,
        measurement.tokens.ttft.p90_s,
        measurement.tokens.tpot.p95_s,
        measurement.latency.p90_s,
        measurement.idle_share,
    ]


def test_the_first_slo_is_known_at_any_percentile_and_others_at_the_recorded_ones() -> None:
    digest = with_slos(estimated_study(), "p97 <= 300 ms", "p97.5 <= 300 ms")
    figures = digest.figures_of([measurement_of(digest.study.trials[0])])
    _, first, second = (figure.text_of(figures) for figure in shown_figures(digest))
    assert (first, second) == ("41.8 ms", NOTHING)


def test_answers_of_one_token_have_no_time_per_token() -> None:
    study = language_model_study()
    measurement = measurement_of(study.trials[0])
    assert measurement.tokens is not None
    tokens, first_s = replace(measurement.tokens, tpot=None), measurement.slo_latencies_s[:1]
    short = replace(measurement, tokens=tokens, slo_latencies_s=first_s)
    digest = Digest(study)
    texts = {figure.name: figure.text_of(digest.figures_of([short])) for figure in shown_figures(digest)}
    assert texts["p95 tpot"] == NOTHING


@pytest.mark.parametrize("scenario", [Scenario.OFFLINE, Scenario.SINGLE_STREAM])
def test_idle_time_is_shown_only_where_it_belongs_to_requests(scenario: Scenario) -> None:
    study = language_model_study()
    closed = replace(study, objective=Objective(scenario, study.objective.slos, study.objective.scope))
    assert "idle" in names(Digest(study))
    assert "idle" not in names(Digest(closed))


def test_a_bound_stands_beside_its_latency() -> None:
    digest = Digest(language_model_study())
    rows = {row.name: row for row in figure_rows(digest, digest.figures_of([measurement_of(digest.study.trials[0])]))}
    assert rows["p90 ttft"].remark == "objective ≤ 200 ms"
    assert rows["energy/token"].remark == "measured, gpu"
    assert rows["p90 latency"].remark == ""
