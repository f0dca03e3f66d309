"""What each parameter does: a small chart and a sentence for each, those that matter first."""

from __future__ import annotations

from tuner.configuration import Parameter
from tuner.effect_summary import Relevance, relevance
from tuner.parameter_effect import ParameterEffect
from tuner.report.digest import Digest
from tuner.report.effect_sentences import effect_sentence
from tuner.report.page.chart_elements import chart, chart_name, note, small_charts
from tuner.report.page.effect_charts import ENERGY_COLOUR, LATENCY_COLOUR, effect_chart
from tuner.report.page.markup import Markup, element, join, typeset
from tuner.report.vocabulary import TIMES, origin_text, quantile_title

_ORDER = (Relevance.MATTERS, Relevance.UNKNOWN, Relevance.DOES_NOT_MATTER)


def what_parameters_do(digest: Digest) -> Markup:
    """Returns the section; nothing where the search knew nothing."""
    parameters = {parameter.id: parameter for parameter in digest.study.space.parameters}
    effects = sorted(digest.study.effects, key=lambda effect: _ORDER.index(relevance(effect)))
    if not effects:
        return Markup("")
    blocks = [
        _block(digest, effect, parameters[effect.parameter], chart_name(digest, f"effect-{number}"))
        for number, effect in enumerate(effects)
    ]
    return join(
        (
            element("h2", f"What each parameter does{digest.at_rate}"),
            note(_about(digest, effects[0].through)),
            _legend(digest),
            small_charts(blocks),
        )
    )


def _about(digest: Digest, through: int) -> str:
    return (
        f"Modelled, not measured: what the search's model, fitted to {len(digest.explored)} measured trials, expects "
        f"when one parameter changes and everything else stays as in trial {through}, which is {TIMES}1. Bands are "
        "95 % intervals, dots are measured trials that differ from it in that parameter alone; a dotted line stands "
        "where latency hardly gains any more."
    )


def _legend(digest: Digest) -> Markup:
    energy = f"energy per request ({origin_text(digest.provenance, digest.scope)})"
    entries = ((LATENCY_COLOUR, quantile_title(digest.slo)), (ENERGY_COLOUR, energy))
    swatches = (
        element("span", element("i", style=f"background: {colour}"), text, class_="swatch") for colour, text in entries
    )
    return element("p", *swatches, class_="quiet")


def _block(digest: Digest, effect: ParameterEffect, parameter: Parameter, name: str) -> Markup:
    sentence = element("figcaption", typeset(effect_sentence(effect, parameter)), class_="quiet")
    return element("figure", chart(name, effect_chart(digest, effect, parameter)), sentence)
