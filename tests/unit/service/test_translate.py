"""Whatever crosses the API arrives as it was sent, over real bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings

from knobs.contract import RestoreReport
from tests.unit.service import records
from tuner.configuration import ConfigurationSpace, Value
from tuner.daemon_record import Applied, DaemonStatus, Inventory, Verification
from tuner.errors import BadInputError
from tuner.service.translate import basics, machine, spaces, studies, trials
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.study_record import Study, StudyEvent, StudyRequest
from tuner.trial import Trial

_Message = TypeVar("_Message", bound=Message)

slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)


def sent(message: _Message) -> _Message:
    """Returns the message as the other side gets it."""
    copy = type(message)()
    copy.ParseFromString(message.SerializeToString())
    return copy


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
