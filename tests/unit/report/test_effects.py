"""What each parameter does: sentences, charts, and where they stand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from tests.unit.report.example_study import estimated_study
from tests.unit.report.page_reader import chart, plain, read
from tests.unit.report.rate_studies import study_of_rates
from tests.unit.tuner.effects import effect
from tuner.configuration import Configuration, Owner, Parameter, ParameterKind
from tuner.parameter_effect import ParameterEffect
from tuner.report.digest import Digest
from tuner.report.effect_sentences import effect_sentence, irrelevance_sentence
from tuner.report.page.document import page
from tuner.report.tables import result_view
from tuner.report.view import energy_j, latency_s
from tuner.report.vocabulary import TIMES
from tuner.study_record import Study

CLOCKS_MHZ = (306, 510, 714, 918, 1122, 1300)
CLOCK = Parameter("gpu.core.max_mhz", "MHz", ParameterKind.CLOCK, CLOCKS_MHZ, Owner.KNOB)
CPU = Parameter("cpu.core.max_mhz", "MHz", ParameterKind.CLOCK, (710, 1065, 1420, 1780, 2200), Owner.KNOB)
PREFILL = Parameter("prefill_gpu_mhz", "MHz", ParameterKind.CLOCK, (300, 600, 1300), Owner.KNOB)
GOVERNOR = Parameter("cpu.governor", "", ParameterKind.CATEGORY, ("ondemand", "perf<b>", "schedutil"), Owner.KNOB)
CAP = Parameter("gpu.power.limit_w", "W", ParameterKind.POWER_CAP, (100, 150, 200, 250, 300), Owner.KNOB)

FALLING = effect(CLOCK.id, CLOCKS_MHZ, (1.0, 0.7, 0.56, 0.48, 0.42, 0.38), (1.3, 1.1, 1.03, 0.95, 1.05, 1.2))
BOUND = effect(CPU.id, CPU.choices, (1.5, 1.2, 1.0, 0.99, 0.99), (1.0, 0.99, 1.0, 1.01, 1.02))
IDLE = effect(PREFILL.id, PREFILL.choices, (1.0, 1.002, 0.998), spread=0.008)
VAGUE = effect(PREFILL.id, PREFILL.choices, (1.0, 1.05, 1.1), spread=0.2)
CHOSEN = effect(GOVERNOR.id, GOVERNOR.choices, (1.2, 1.0, 1.1), (0.9, 1.0, 0.95))


def study_with(*effects: ParameterEffect, parameters: tuple[Parameter, ...] = ()) -> Study:
    """A finished study whose search knew something of its parameters, and of further ones that were never moved."""
    study = estimated_study()
    more = {parameter.id: parameter.choices[1] for parameter in parameters}
    trials = [replace(one, configuration=Configuration({**one.configuration, **more})) for one in study.trials]
    space = replace(study.space, parameters=(*study.space.parameters, *parameters))
    return replace(study, space=space, trials=tuple(trials), effects=effects)


EVERYTHING = study_with(IDLE, FALLING, CHOSEN, BOUND, parameters=(CLOCK, CPU, PREFILL, GOVERNOR))


@pytest.mark.parametrize(
    ("effect", "parameter", "sentence"),
    [
        (FALLING, CLOCK, "GPU max: from 306 to 1300 MHz latency falls by 62.0 %, energy is least at 918 MHz."),
        (
            BOUND,
            CPU,
            "CPU max: from 710 to 2200 MHz latency falls by 34.0 %, energy hardly changes. Above 1420 MHz latency "
            "hardly gains any more (1.0 %; 95 % interval 0.0 to 2.0 %): something else is the bottleneck there.",
        ),
        (
            replace(BOUND, parameter=CAP.id, choices=CAP.choices),
            CAP,
            "power limit: from 100 to 300 W latency falls by 34.0 %, energy hardly changes. Above 200 W latency "
            "hardly gains any more (1.0 %; 95 % interval 0.0 to 2.0 %): the cap does not bind there.",
        ),
        (
            IDLE,
            PREFILL,
            "prefill gpu does not matter: at most 1.0 % of latency and 0.8 % of energy over its whole range.",
        ),
        (
            VAGUE,
            PREFILL,
            "prefill gpu: not known well enough, latency may change by \N{MINUS SIGN}20.0 to 32.0 % and energy by "
            "\N{MINUS SIGN}20.0 to 20.0 % over its range.",
        ),
        (replace(VAGUE, tried=1), PREFILL, "prefill gpu: not known, as only one of its values was measured."),
        (CHOSEN, GOVERNOR, "governor: latency is least at perf<b>, energy is least at ondemand."),
        (
            effect("serving.batch_size", (1, 2, 4), (1.0, 1.9, 3.61), (1.0, 0.8, 0.7)),
            estimated_study().space.parameters[3],
            "batch: from 1 to 4 latency rises to 3.6 times, energy is least at 4.",
        ),
        (
            effect("serving.batch_size", (1, 2, 4), (1.0, 0.8, 1.02), (1.0, 0.8, 0.7)),
            estimated_study().space.parameters[3],
            "batch: from 1 to 4 latency is least at 2, energy is least at 4.",
        ),
    ],
)
def test_a_sentence_says_what_a_parameter_does(effect: ParameterEffect, parameter: Parameter, sentence: str) -> None:
    assert effect_sentence(effect, parameter) == sentence


def test_the_terminal_names_what_does_not_matter_in_one_line() -> None:
    expected = (
        "What does not matter (at most 1.0 % of latency and 0.8 % of energy, modelled from the trials): prefill gpu."
    )
    assert irrelevance_sentence(Digest(EVERYTHING)) == expected
    console = Console(width=200)
    with console.capture() as captured:
        console.print(result_view(EVERYTHING, 200))
    assert expected in captured.get()


def test_several_that_do_not_matter_share_the_line_and_the_wider_bound() -> None:
    other = effect(CPU.id, CPU.choices, spread=0.03)
    sentence = irrelevance_sentence(Digest(study_with(IDLE, other, parameters=(PREFILL, CPU))))
    assert sentence == (
        "What do not matter (at most 3.0 % of latency and 3.0 % of energy, modelled from the trials): "
        "prefill gpu, CPU max."
    )


def test_where_everything_matters_the_terminal_says_nothing_of_it() -> None:
    assert irrelevance_sentence(Digest(study_with(FALLING, parameters=(CLOCK,)))) == ""


def charts_of(study: Study) -> list[dict[str, Any]]:
    scripts = read(study).scripts
    names = sorted(name for name in scripts if name.startswith("effect-"))
    return [json.loads(scripts[name]) for name in names]


def test_the_section_has_a_chart_and_a_sentence_for_each_parameter_those_that_matter_first() -> None:
    text = plain(read(EVERYTHING).text)
    section = text[text.index("What each parameter does") : text.index("Baseline and recommendation")]
    places = [section.index(name) for name in ("GPU max:", "governor:", "CPU max:", "prefill gpu does not matter")]
    assert places == sorted(places)
    assert len(charts_of(EVERYTHING)) == 4


def test_the_section_says_that_it_is_modelled_and_where_joules_come_from() -> None:
    text = plain(read(EVERYTHING).text)
    assert "Modelled, not measured: what the search's model, fitted to 12 measured trials, expects" in text
    assert f"everything else stays as in trial 0, which is {TIMES}1" in text
    assert "energy per request (estimated, cpu)" in text


def test_a_study_without_effects_has_no_section() -> None:
    assert "What each parameter does" not in read(estimated_study()).text


def named(figure: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in figure["data"] if "name" in trace}


def test_a_chart_shows_both_lines_with_their_bands() -> None:
    figure = chart(EVERYTHING, "effect-0")
    lines = named(figure)
    assert lines["latency"]["x"] == list(CLOCKS_MHZ)
    assert lines["latency"]["y"] == [ratio.median for ratio in FALLING.latency_ratios]
    assert lines["energy"]["y"] == [ratio.median for ratio in FALLING.energy_ratios]
    bands = [trace for trace in figure["data"] if trace.get("fill") == "toself"]
    for band, ratios in zip(bands, (FALLING.latency_ratios, FALLING.energy_ratios), strict=True):
        assert band["x"] == [*CLOCKS_MHZ, *reversed(CLOCKS_MHZ)]
        highs, lows = band["y"][: len(ratios)], band["y"][: len(ratios) - 1 : -1]
        assert highs == [ratio.interval.high for ratio in ratios]
        assert lows == [ratio.interval.low for ratio in ratios]
    assert "95 % interval 0.693 to 0.707" in lines["latency"]["text"][1]


def test_clocks_have_a_logarithmic_axis_with_ticks_at_choices() -> None:
    axis = chart(EVERYTHING, "effect-0")["layout"]["xaxis"]
    assert axis["type"] == "log"
    assert axis["tickvals"][0] == 306
    assert axis["tickvals"][-1] == 1300
    assert set(axis["tickvals"]) <= set(CLOCKS_MHZ)
    assert axis["range"][0] < 2.4857 < 3.1139 < axis["range"][1]


def test_a_clock_of_zero_has_a_linear_axis() -> None:
    parameter = replace(PREFILL, choices=(0, 600, 1300))
    study = study_with(replace(IDLE, choices=parameter.choices), parameters=(parameter,))
    assert chart(study, "effect-0")["layout"]["xaxis"]["type"] == "linear"


def test_a_knee_is_a_dotted_line_at_its_choice() -> None:
    rules = [shape for figure in charts_of(EVERYTHING) for shape in figure["layout"]["shapes"]]
    assert [rule["x0"] for rule in rules if rule["line"]["dash"] == "dot"] == [1420]


def test_categories_are_bars_side_by_side_and_their_names_stay_text() -> None:
    figure = chart(EVERYTHING, "effect-1")
    lines = named(figure)
    assert figure["layout"]["xaxis"]["type"] == "category"
    assert lines["energy"]["x"] == ["ondemand", "perf&lt;b&gt;", "schedutil"]
    assert lines["energy"]["error_y"]["array"] == pytest.approx([0.009, 0.01, 0.0095])
    assert "perf&lt;b&gt;" in lines["energy"]["text"][1]
    assert lines["latency"]["offsetgroup"] != lines["energy"]["offsetgroup"]


def test_dots_are_the_measured_trials_on_the_line() -> None:
    known = estimated_study()
    through = next(trial for trial in known.trials if dict(trial.configuration)["serving.batch_size"] == 8)
    others = through.configuration.keys() - {"serving.batch_size"}
    on_line = [
        trial
        for trial in Digest(known).explored
        if trial.configuration.only(others) == through.configuration.only(others)
    ]
    assert len(on_line) > 2
    batches = effect("serving.batch_size", (1, 2, 4, 8, 16), (0.2, 0.3, 0.5, 1.0, 1.8), through=through.number)
    dots = named(chart(study_with(batches), "effect-0"))
    assert dots["latency, measured"]["x"] == [trial.configuration["serving.batch_size"] for trial in on_line]
    assert dots["latency, measured"]["y"] == [latency_s(trial) / latency_s(through) for trial in on_line]
    assert dots["energy, measured"]["y"] == pytest.approx([energy_j(trial) / energy_j(through) for trial in on_line])


def test_each_rate_shows_its_own_effects_only() -> None:
    study = study_of_rates()
    known, first = replace(study, effects=study.effects[:1]), study.trials[study.effects[0].through]
    assert first.arrival_rate_hz is not None
    text = plain(read(known).text)
    assert text.count("What each parameter does") == 1
    assert f"What each parameter does at {first.arrival_rate_hz:g} requests/s" in text


def test_effects_add_little_to_the_page() -> None:
    long = tuple(range(300, 1900, 40))
    slopes = [1800 / one for one in long]
    parameters = tuple(replace(CLOCK, id=f"clock_{number}", choices=long) for number in range(8))
    effects = tuple(effect(one.id, long, slopes, slopes) for one in parameters)
    plain_page = page(study_with(parameters=parameters))
    assert len(page(study_with(*effects, parameters=parameters))) - len(plain_page) < 250_000
