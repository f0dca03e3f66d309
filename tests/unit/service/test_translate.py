"""Whatever crosses the API arrives as it was sent, over real bytes."""

from __future__ import annotations

from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.strategies import SearchStrategy

from knobs.contract import RestoreReport
from tests.unit.service import records
from tuner.configuration import ConfigurationSpace, Value
from tuner.daemon_record import Applied, DaemonStatus, Inventory, Verification
from tuner.errors import BadInputError
from tuner.objective import Slo
from tuner.service.translate import basics, machine, spaces, studies, trials
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.study_record import Comparison, Recommendation, Study, StudyEvent, StudyRequest
from tuner.trial import Circumstances, EnergyResult, Measurement, TokenResult, Trial

_Message = TypeVar("_Message", bound=Message)


def optional_fields(record: type[Any]) -> dict[str, object]:
    """Returns the defaults of a record's fields, by name, as far as there are any."""
    defaults = {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(record)
    }
    return {name: default for name, default in defaults.items() if default is not MISSING}


_DRAWN = {
    Slo: records.slos,
    EnergyResult: records.energies,
    TokenResult: records.tokens,
    Circumstances: records.circumstances,
    Measurement: records.measurements,
    Trial: records.trials,
    Comparison: records.comparisons,
    Recommendation: records.recommendations,
    Study: records.studies,
}
_OPTIONAL_FIELDS = [
    pytest.param(_DRAWN[record], name, default, id=f"{record.__name__}.{name}")
    for record in _DRAWN
    for name, default in optional_fields(record).items()
]

slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
first_to_be_found = settings(slow_to_draw, phases=(Phase.generate,), max_examples=1000)


def sent(message: _Message) -> _Message:
    """Returns the message as the other side gets it."""
    copy = type(message)()
    copy.ParseFromString(message.SerializeToString())
    return copy


@pytest.mark.parametrize(("strategy", "name", "default"), _OPTIONAL_FIELDS)
def test_every_field_that_a_record_may_lack_is_drawn(
    strategy: SearchStrategy[object], name: str, default: object
) -> None:
    """What is never drawn is never seen to arrive."""
    find(strategy, lambda record: getattr(record, name) != default, settings=first_to_be_found)


@given(records.values)
def test_values_keep_their_type(value: Value) -> None:
    arrived = basics.decode_value(sent(basics.encode_value(value)))
    assert (arrived, type(arrived)) == (value, type(value))


@given(records.trials)
@slow_to_draw
def test_trials_arrive_as_sent(trial: Trial) -> None:
    assert trials.decode_trial(sent(trials.encode_trial(trial))) == trial


@given(records.spaces)
@slow_to_draw
def test_spaces_arrive_as_sent(space: ConfigurationSpace) -> None:
    message = sent(spaces.encode_space(space))
    assert spaces.decode_space(message) == space
    assert message.size == space.size


@given(records.orders)
def test_order_constraints_arrive_as_sent(order: object) -> None:
    space = ConfigurationSpace((), (order,), pool=())  # type: ignore[arg-type]  # what hypothesis made
    assert spaces.decode_space(sent(spaces.encode_space(space))) == space


@given(records.requests)
def test_requests_arrive_as_sent(request: StudyRequest) -> None:
    assert studies.decode_request(sent(studies.encode_request(request))) == request


@given(records.studies)
@slow_to_draw
def test_studies_arrive_as_sent(study: Study) -> None:
    assert studies.decode_study(sent(studies.encode_study(study))) == study


@given(records.events)
@slow_to_draw
def test_events_arrive_as_sent(event: StudyEvent) -> None:
    assert studies.decode_event(event.study_id, sent(studies.encode_event(event))) == event


@given(records.inventories())
@slow_to_draw
def test_inventories_arrive_as_sent(inventory: Inventory) -> None:
    assert machine.decode_inventory(sent(machine.encode_inventory(inventory))) == inventory


@given(records.statuses)
def test_statuses_arrive_as_sent(status: DaemonStatus) -> None:
    assert machine.decode_status(sent(machine.encode_status(status))) == status


@given(records.verifications)
def test_verifications_arrive_as_sent(verification: Verification) -> None:
    assert machine.decode_verification(sent(machine.encode_verification(verification))) == verification


@given(records.applied)
def test_what_was_applied_arrives_as_sent(applied: Applied) -> None:
    assert machine.decode_applied(sent(machine.encode_applied(applied))) == applied


@given(records.restores)
def test_what_was_restored_arrives_as_sent(report: RestoreReport) -> None:
    assert machine.decode_restore(sent(machine.encode_restore(report))) == report


@pytest.mark.parametrize(
    "table",
    [
        basics.SCOPES,
        basics.PROVENANCES,
        basics.SCENARIOS,
        basics.VERDICTS,
        basics.PURPOSES,
        basics.STUDY_STATES,
    ],
)
def test_an_enumeration_of_a_newer_version_is_refused(table: basics.EnumTable[StrEnum]) -> None:
    for number in (0, 99):
        with pytest.raises(BadInputError, match="has no known"):
            table.decode(number)


def test_a_value_of_no_kind_is_refused() -> None:
    with pytest.raises(BadInputError, match="neither a number nor a text"):
        basics.decode_value(pb.Value())
