"""The page: what it says, and that hostile text stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from knobs.contract import Absence
from tests.unit.report.example_study import (
    empty_study,
    estimated_study,
    infeasible_study,
    outlier_study,
    simulated_study,
)
from tests.unit.report.page_reader import chart, plain, read
from tuner.configuration import Owner, Parameter, ParameterKind
from tuner.report.digest import Digest
from tuner.report.labels import landmark_labels
from tuner.report.page.document import page
from tuner.report.page.front_chart import FRONT_CANVASES
from tuner.report.page.markup import Markup, element, typeset
from tuner.report.placement import Name, name_box
from tuner.report.view import energy_j, front_view, latency_s
from tuner.study_record import Comparison, Study
from tuner.trial import Interval, Rejection, RejectionCause, Trial, Verdict

_HOSTILE = "</script><script>alert('owned')</script><img src=x onerror=alert(1)>\"'&"


def _scaled(trial: Trial, factor: float) -> Trial:
    measurement = trial.measurement
    assert measurement is not None
    energy = replace(measurement.energy, per_request_j=measurement.energy.per_request_j * factor)
    return replace(trial, measurement=replace(measurement, energy=energy))


def hostile_study() -> Study:
    study = estimated_study()
    trial = replace(study.trials[7], rejection=Rejection(RejectionCause.METER, _HOSTILE))
    measured = study.trials[6].measurement
    assert measured is not None
    early = replace(study.trials[6], measurement=replace(measured, ended_early=_HOSTILE))
    assert study.recommendation is not None
    return replace(
        study,
        id=_HOSTILE,
        request=replace(study.request, workload=_HOSTILE),
        reason=_HOSTILE,
        trials=(*study.trials[:6], early, trial, *study.trials[8:]),
        recommendation=replace(study.recommendation, caveats=(_HOSTILE,)),
        machine=replace(
            study.machine,
            description={_HOSTILE: _HOSTILE},
            meters=(_HOSTILE,),
            absent=(Absence(_HOSTILE, _HOSTILE, _HOSTILE),),
        ),
    )


def test_hostile_text_adds_no_element() -> None:
    peaceful = re.compile(re.escape(_HOSTILE))
    assert not peaceful.search(page(hostile_study()))
    tags = [tag for tag, _ in read(hostile_study()).elements]
    assert "img" not in tags
    assert tags.count("script") == [tag for tag, _ in read(estimated_study()).elements].count("script")


def test_hostile_text_is_shown_as_it_is() -> None:
    assert read(hostile_study()).text.count(_HOSTILE) >= 9


def test_hostile_text_adds_no_attribute() -> None:
    assert not [attributes for _, attributes in read(hostile_study()).elements if "onerror" in attributes]


def test_hostile_text_is_no_markup_in_a_chart() -> None:
    data = chart(hostile_study(), "front")["data"]
    texts = [text for trace in data for text in trace.get("text", ())]
    assert [text for text in texts if "cut short: &lt;/script&gt;" in text]
    assert not [text for text in texts if "<img" in text]


def test_markup_escapes_whatever_is_not_markup() -> None:
    assert element("p", "<b>", Markup("<i></i>"), title='"') == '<p title="&quot;">&lt;b&gt;<i></i></p>'


def test_a_number_stays_with_its_unit() -> None:
    assert typeset("p90 ≤ 300 ms, 23.1 % in 5 minutes") == "p90\u00a0≤\u00a0300\u00a0ms, 23.1\u00a0% in 5 minutes"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    elements = read(estimated_study()).elements
    assert not [tag for tag, attributes in elements if tag == "link" or "src" in attributes or "href" in attributes]


@pytest.mark.parametrize(
    ("study", "origin"), [(estimated_study(), "estimated, cpu"), (simulated_study(), "simulated, board")]
)
def test_the_result_has_its_interval_and_its_provenance(study: Study, origin: str) -> None:
    text = plain(read(study).text)
    assert f"saves 39.8 % of the energy per request ({origin}; 95 % interval 37.1 to 42.4 %)" in text


def test_an_estimate_is_said_to_be_none_of_a_measurement() -> None:
    text = plain(read(estimated_study()).text)
    assert "Joules are estimated, not measured" in text
    assert "The recommendation would change within the band" in text


def test_every_chart_of_energy_names_provenance_and_scope() -> None:
    for name in ("front", "progress"):
        layout = chart(estimated_study(), name)["layout"]
        assert "estimated, cpu" in layout["yaxis"]["title"]["text"]
    assert "Energy per request, mJ (estimated, cpu), against one parameter" in plain(read(estimated_study()).text)


def test_the_axis_of_the_small_charts_is_told_with_its_scale() -> None:
    study = simulated_study()
    dear = replace(study, trials=tuple(_scaled(trial, 20.0) if trial.number == 0 else trial for trial in study.trials))
    assert "mJ, logarithmic (simulated, board), against one parameter" in plain(read(dear).text)


def test_the_front_shows_all_trials_by_verdict_and_the_bands() -> None:
    data = {trace["name"]: trace for trace in json.loads(read(estimated_study()).scripts["front-figure"])["data"]}
    assert {"feasible", "infeasible", "Pareto front", "band of the estimate", "measured again"} <= data.keys()
    assert len(data["feasible"]["x"]) + len(data["infeasible"]["x"]) == 12
    assert len(data["band of the estimate"]["error_y"]["array"]) == 12


def test_only_estimates_have_a_band() -> None:
    data = json.loads(read(simulated_study()).scripts["front-figure"])["data"]
    assert "band of the estimate" not in {trace["name"] for trace in data}


def test_baseline_and_recommendation_are_marked_in_the_front() -> None:
    layout = json.loads(read(estimated_study()).scripts["front-figure"])["layout"]
    names = {re.sub(r"<[^>]*>", "", note["text"]) for note in layout["annotations"]}
    assert names == {"p90 ≤ 300 ms", "baseline", "recommended"}


def test_wide_ranges_are_logarithmic_with_plain_ticks() -> None:
    layout = chart(estimated_study(), "front")["layout"]
    for axis in ("xaxis", "yaxis"):
        assert layout[axis]["type"] == "log"
        assert "logarithmic" in layout[axis]["title"]["text"]
        assert set(layout[axis]["tickvals"]) <= {step * 10**decade for decade in range(4) for step in (1, 2, 5)}


def test_narrow_ranges_are_linear() -> None:
    layout = chart(simulated_study(), "progress")["layout"]
    assert "type" not in layout["yaxis"]
    assert "logarithmic" not in layout["yaxis"]["title"]["text"]


def test_the_page_says_what_lies_outside_and_how_to_see_it() -> None:
    text = plain(read(outlier_study()).text)
    assert text.count("2 trials lie outside: double-click the chart to see all.") == 3
    assert "outside" not in plain(read(simulated_study()).text)


def test_trials_that_lie_outside_are_drawn_nevertheless() -> None:
    figure = chart(outlier_study(), "front")
    data = {trace["name"]: trace for trace in figure["data"]}
    assert max(data["infeasible"]["x"]) > 10 ** figure["layout"]["xaxis"]["range"][1]


def test_names_in_the_front_keep_apart_on_wide_and_on_narrow_screens() -> None:
    digest = Digest(estimated_study())
    view = front_view(digest)
    labels = landmark_labels(digest, view, FRONT_CANVASES)
    for canvas in FRONT_CANVASES:
        boxes = [
            name_box(
                Name(
                    label.name, (view.latency.share(latency_s(label.trial)), view.energy.share(energy_j(label.trial)))
                ),
                label.offset,
                canvas,
            )
            for label in labels
        ]
        assert not boxes[0].overlaps(boxes[1])
        assert min(min(box.left, box.bottom) for box in boxes) >= 0
        assert max(box.right for box in boxes) <= canvas.width


def test_small_charts_share_the_axis_of_the_search_and_the_colours_of_the_front() -> None:
    charts = {name: json.loads(script) for name, script in read(outlier_study()).scripts.items() if "-figure" in name}
    axis = charts["progress-figure"]["layout"]["yaxis"]
    colours = {trace["name"]: trace["marker"]["color"] for trace in charts["front-figure"]["data"] if "marker" in trace}
    for small in [figure for name, figure in charts.items() if name.startswith("parameter-")]:
        assert small["layout"]["yaxis"]["range"] == axis["range"]
        assert all(trace["marker"]["color"] == colours[trace["name"]] for trace in small["data"])


def test_many_choices_are_thinned_out_instead_of_turned() -> None:
    study = estimated_study()
    clocks = tuple(306.5 + 102 * step for step in range(11))
    clock = Parameter("gpu.core.max_mhz", "MHz", ParameterKind.CLOCK, clocks, Owner.KNOB)
    wide = replace(study, space=replace(study.space, parameters=(clock, *study.space.parameters[1:])))
    axis = chart(wide, "parameter-0")["layout"]["xaxis"]
    assert axis["tickangle"] == 0
    assert len(axis["tickvals"]) <= 4
    assert {axis["tickvals"][0], axis["tickvals"][-1]} == {"306.5", "1326.5"}


def headings(study: Study) -> list[str]:
    cells = re.findall(r"<th [^>]*>(.*?)</th>", page(study).split("All trials</h2>")[1].split("</thead>")[0])
    return [re.sub(r"<[^>]*>", " ", cell).strip() for cell in cells]


def test_the_table_of_trials_says_units_and_origin_once_in_its_headings() -> None:
    assert [" ".join(heading.split()) for heading in headings(estimated_study())] == [
        "Trial",
        "Purpose",
        "cores",
        "CPU quota %",
        "threads",
        "batch",
        "Energy/request estimated, cpu",
        "±",
        "Band",
        "p90",
        "Requests",
        "Verdict",
    ]
    table = page(estimated_study()).split("All trials</h2>")[1].split("</table>")[0]
    assert table.count("estimated, cpu") == 1


def test_the_table_of_trials_says_the_origin_in_each_row_if_trials_differ() -> None:
    study = estimated_study()
    mixed = replace(study, trials=(*study.trials[:-1], simulated_study().trials[-1]))
    table = page(mixed).split("All trials</h2>")[1].split("</table>")[0]
    assert "Energy/request</button></th>" in table
    assert table.count("(simulated, board)") == 1
    assert table.count("(estimated, cpu)") == 15


def test_rejections_and_absences_have_their_reasons() -> None:
    text = plain(read(estimated_study()).text)
    assert "reads back 52 after 50 was written" in text
    assert "does not expose RAPL" in text
    assert "Run on bare metal." in text


def test_an_infeasible_study_names_the_closest_configuration() -> None:
    text = plain(read(infeasible_study()).text)
    assert "No configuration was shown to hold p90 ≤ 5 ms: the closest is trial 0 with p90 41.8 ms." in text


def test_a_study_without_trials_has_a_page() -> None:
    assert "No trial has been finished yet." in read(empty_study()).text


def test_a_recommendation_that_costs_energy_says_so() -> None:
    study = estimated_study()
    assert study.recommendation is not None
    worse = replace(study.recommendation, comparison=Comparison(0.5, 0.55, -0.1, Interval(-0.12, -0.08), 2))
    text = plain(read(replace(study, recommendation=worse)).text)
    assert "uses 10.0 % more energy per request (estimated, cpu; 95 % interval 8.0 to 12.0 %)" in text


def test_an_undecided_study_says_that_too_few_requests_were_seen() -> None:
    study = infeasible_study()
    measured = study.trials[0].measurement
    assert measured is not None
    undecided = replace(study.trials[0], measurement=replace(measured, verdict=Verdict.UNDECIDED))
    text = plain(read(replace(study, trials=(undecided,))).text)
    assert "trial 0 with p90 41.8 ms, undecided as too few requests were seen." in text
