"""What the charts show at first, and what they say lies outside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.report.example_study import estimated_study, infeasible_study, outlier_study, simulated_study
from tuner.objective import Slo
from tuner.report.digest import Digest
from tuner.report.labels import slo_label
from tuner.report.view import energy_j, energy_title, front_view, latency_s, latency_title, outside_text, search_axis
from tuner.study_record import Study


def with_slo(study: Study, text: str) -> Digest:
    return Digest(replace(study, objective=replace(study.objective, slos=(Slo.parse(text),))))


def test_outliers_lie_outside_and_are_counted() -> None:
    view = front_view(Digest(outlier_study()))
    assert {trial.number for trial in view.outside} >= {18, 19}
    assert outside_text(len(view.outside)) == f"{len(view.outside)} trials lie outside"
    assert front_view(Digest(simulated_study())).outside == ()


def test_outliers_do_not_squeeze_the_front() -> None:
    usual, crowded = (Digest(study) for study in (simulated_study(), outlier_study()))
    for digest in (usual, crowded):
        view = front_view(digest)
        latencies = [view.latency.share(latency_s(trial)) for trial in digest.front]
        assert max(latencies) - min(latencies) > 0.4
        assert all(0 <= view.energy.share(energy_j(trial)) <= 1 for trial in digest.front)


def test_infeasible_outliers_do_not_squeeze_the_course_of_the_search() -> None:
    assert not search_axis(Digest(outlier_study())).holds(energy_j(outlier_study().trials[-1]))


def test_a_band_is_wholly_shown_for_the_landmarks() -> None:
    digest = Digest(estimated_study())
    baseline = digest.explored[0].measurement
    assert baseline is not None and baseline.energy.band is not None
    energy = front_view(digest).energy
    assert energy.holds(baseline.energy.band.low)
    assert energy.holds(baseline.energy.band.high)


def test_titles_name_unit_scale_and_origin() -> None:
    digest = Digest(estimated_study())
    view = front_view(digest)
    assert latency_title(digest, view.latency) == "p90 latency, ms, logarithmic"
    assert energy_title(digest, view.energy) == "Energy per request, mJ, logarithmic\n(estimated, cpu)"
    assert energy_title(digest, search_axis(digest)) == "Energy per request, mJ\n(estimated, cpu)"


@pytest.mark.parametrize(
    ("slo", "text", "alignment", "is_inside"),
    [
        ("p90 <= 300 ms", "p90 ≤ 300 ms", "center", True),
        ("p90 <= 1000 s", "p90 ≤ 1000 s →", "right", False),
        ("p90 <= 1 us", "← p90 ≤ 1 µs", "left", False),
    ],
)
def test_an_slo_far_away_is_pointed_at(slo: str, text: str, alignment: str, is_inside: bool) -> None:
    digest = with_slo(estimated_study(), slo)
    label = slo_label(digest, front_view(digest))
    assert (label.text, label.alignment, label.is_inside) == (text, alignment, is_inside)


def test_an_slo_that_nothing_holds_is_shown_if_it_is_not_far() -> None:
    digest = Digest(infeasible_study())
    label = slo_label(digest, front_view(digest))
    assert label.is_inside
    assert label.alignment == "left"


def test_one_trial_is_one() -> None:
    assert outside_text(1) == "1 trial lies outside"
    assert outside_text(0) == ""
