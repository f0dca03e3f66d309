"""Every record that crosses the API, as hypothesis makes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import strategies as st

from knobs.contract import (
    Absence,
    Calibration,
    Delivery,
    InventoryRecord,
    KnobKind,
    KnobSpec,
    MeterSpec,
    NotAbove,
    PowerCoefficients,
    Provenance,
    Quantity,
    RestoreClass,
    RestoreReport,
    Scope,
)
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, Owner, Parameter, ParameterKind
from tuner.daemon_record import Applied, DaemonStatus, Inventory, KnobMismatch, Verification
from tuner.objective import LatencyMetric, Objective, Scenario, Slo
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.study_record import (
    BreakEven,
    Comparison,
    MachineRecord,
    RateStep,
    RateTable,
    Recommendation,
    Study,
    StudyEvent,
    StudyRequest,
    StudyState,
)
from tuner.trial import (
    Circumstances,
    EnergyResult,
    Interval,
    LatencyResult,
    Measurement,
    Purpose,
    Rejection,
    RejectionCause,
    TokenResult,
    Trial,
    Verdict,
)

_Item = TypeVar("_Item")


def tuples(items: st.SearchStrategy[_Item]) -> st.SearchStrategy[tuple[_Item, ...]]:
    return st.lists(items, max_size=3).map(tuple)


texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.text("abc.", min_size=1, max_size=5)
floats = st.floats(allow_nan=False)
counts = st.integers(0, 2**31 - 1)
values = st.integers(-(2**63), 2**63 - 1) | floats | texts
configurations = st.dictionaries(names, values, max_size=3).map(Configuration)
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda instant: instant.replace(tzinfo=UTC).isoformat()
)
intervals = st.builds(Interval, floats, floats)
orders = st.builds(OrderConstraint, names, names, floats)
parameters = st.builds(
    Parameter, names, texts, st.sampled_from(ParameterKind), tuples(values), st.sampled_from(Owner), floats
)
spaces = st.builds(ConfigurationSpace, tuples(parameters), st.just(()), st.none() | tuples(configurations))
slos = st.builds(Slo, st.floats(1, 99), st.floats(0.001, 10), st.sampled_from(LatencyMetric))
closed_objectives = st.builds(
    Objective,
    st.sampled_from([scenario for scenario in Scenario if scenario is not Scenario.SERVER]),
    st.lists(slos, min_size=1, max_size=3).map(tuple),
    st.none() | st.sampled_from(Scope),
)
server_objectives = st.builds(
    Objective,
    st.just(Scenario.SERVER),
    st.lists(slos, min_size=1, max_size=3).map(tuple),
    st.none() | st.sampled_from(Scope),
    st.floats(1, 10),
    st.none() | st.floats(10, 20),
)
several_rates = st.lists(st.floats(0.1, 100), min_size=2, max_size=8, unique=True).map(sorted).map(tuple)


@st.composite
def objectives_of_several_rates(draw: st.DrawFn) -> Objective:
    rates_hz = draw(several_rates)
    shares = draw(st.just(()) | st.just((1.0 / len(rates_hz),) * len(rates_hz)))
    return replace(draw(closed_objectives), scenario=Scenario.SERVER, arrival_rates_hz=rates_hz, rate_shares=shares)


energies = st.builds(
    EnergyResult,
    floats,
    intervals,
    st.sampled_from(Scope),
    st.sampled_from(Provenance),
    texts,
    floats,
    st.none() | intervals,
    st.none() | floats,
    st.none() | floats,
)
latencies = st.builds(LatencyResult, floats, floats, floats, floats, floats)
circumstances = st.builds(
    Circumstances,
    st.dictionaries(names, floats, max_size=2),
    st.dictionaries(texts, floats, max_size=2),
    floats,
    tuples(texts),
    tuples(texts),
    st.none() | floats,
)
tokens = st.builds(TokenResult, counts, floats, latencies, st.none() | latencies)
measurements = st.builds(
    Measurement,
    energies,
    latencies,
    floats,
    st.sampled_from(Verdict),
    counts,
    counts,
    floats,
    floats,
    st.dictionaries(names, values, max_size=3),
    counts,
    floats,
    tuples(texts),
    circumstances,
    counts,
    st.none() | floats,
    st.none() | tokens,
    texts,
    tuples(floats),
)
joules = st.none() | floats
rejections = st.builds(Rejection, st.sampled_from(RejectionCause), texts)
measured_trials = st.builds(
    Trial,
    counts,
    configurations,
    st.sampled_from(Purpose),
    measurements,
    st.none(),
    times,
    floats,
    joules,
    counts,
    joules,
)
rejected_trials = st.builds(
    Trial,
    counts,
    configurations,
    st.sampled_from(Purpose),
    st.none(),
    rejections,
    times,
    floats,
    joules,
    counts,
    joules,
)
trials = measured_trials | rejected_trials
comparisons = st.builds(
    Comparison, floats, floats, floats, intervals, counts, st.none() | floats, st.none() | intervals
)
break_evens = st.builds(BreakEven, floats, floats, floats, st.none() | intervals, floats)
rate_steps = st.builds(RateStep, floats, floats, configurations, counts, st.none() | comparisons)
rate_tables = st.builds(RateTable, tuples(rate_steps), floats)
recommendations = st.builds(
    Recommendation,
    configurations,
    counts,
    st.none() | comparisons,
    configurations,
    tuples(texts),
    tuples(texts),
    st.none() | break_evens,
    st.none() | rate_tables,
)
absences = st.builds(Absence, texts, texts, texts)
machines = st.builds(
    MachineRecord,
    texts,
    st.sampled_from(Provenance),
    st.dictionaries(texts, texts, max_size=3),
    tuples(texts),
    tuples(absences),
)
requests = st.builds(
    StudyRequest,
    texts,
    tuples(texts),
    st.booleans(),
    st.none() | counts,
    st.none() | floats,
    st.integers(-(2**63), 2**63 - 1),
    st.none() | texts,
    texts,
)
ratios = st.builds(Ratio, floats, intervals)
effects = st.builds(
    ParameterEffect, names, counts, counts, tuples(values), tuples(ratios), tuples(ratios), tuples(ratios)
)
studies = st.builds(
    Study,
    texts,
    requests,
    closed_objectives | server_objectives | objectives_of_several_rates(),
    spaces,
    machines,
    st.sampled_from(StudyState),
    texts,
    tuples(trials),
    st.none() | recommendations,
    times,
    floats,
    floats,
    joules,
    tuples(effects),
)
events = st.builds(
    StudyEvent,
    st.just("a-study"),
    st.integers(0, 2**63 - 1),
    texts,
    st.sampled_from(StudyState),
    st.none() | trials,
    st.none() | counts,
    st.none() | floats,
    texts,
)
knobs = st.builds(
    KnobSpec,
    names,
    texts,
    st.sampled_from(KnobKind),
    tuples(values),
    st.sampled_from(RestoreClass),
    texts,
    st.none() | st.builds(NotAbove, names, floats),
    floats,
    floats,
    floats,
    tuples(names),
    st.sampled_from(Delivery),
    st.sampled_from(Provenance),
    st.booleans(),
    texts,
    texts,
)
ranges = st.tuples(floats, floats, floats)
meters = st.builds(
    MeterSpec,
    names,
    st.sampled_from(Quantity),
    st.sampled_from(Scope),
    st.sampled_from(Provenance),
    floats,
    floats,
    texts,
    floats,
    floats,
    st.none() | st.builds(PowerCoefficients, ranges, ranges),
    texts,
    st.none() | st.builds(Calibration, names, st.sampled_from(Scope), floats, floats, floats),
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    record = InventoryRecord(
        tuple(draw(st.lists(knobs, max_size=3, unique_by=lambda knob: knob.id))),
        draw(tuples(meters)),
        draw(tuples(absences)),
        draw(tuples(texts)),
    )
    readable = [knob.id for knob in record.knobs if draw(st.booleans())]
    return Inventory(record, {name: draw(values) for name in readable})


statuses = st.builds(
    DaemonStatus,
    texts,
    texts,
    tuples(texts),
    st.none() | st.text("abc", min_size=1),
    texts,
    configurations,
    configurations,
)
verifications = st.builds(
    Verification, configurations, tuples(st.builds(KnobMismatch, names, values, st.none() | values))
)
applied = st.builds(Applied, configurations, tuples(texts), texts)
notes = st.tuples(texts, texts)
restores = st.builds(RestoreReport, tuples(texts), tuples(texts), st.just(()), tuples(notes))
