"""Which configuration a request to apply one means."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import grpc
import pytest

from tuner.configuration import Configuration
from tuner.daemon.machine import Machine
from tuner.daemon.studies import StudyManager
from tuner.daemon_record import Applied
from tuner.errors import BadInputError
from tuner.service.servicers import ControlServicer
from tuner.service.translate.basics import encode_configuration
from tuner.service.wattune.v1 import wattune_pb2 as pb

VALUES = Configuration({"gpu.core.max_mhz": 816})
RECOMMENDED = Configuration({"gpu.core.max_mhz": 612})
CONTEXT: Any = create_autospec(grpc.ServicerContext)


@pytest.fixture
def studies() -> Any:
    manager = create_autospec(StudyManager, instance=True)
    manager.recommended.return_value = (RECOMMENDED, "It may not hold.")
    return manager


def applied(studies: Any, **request: Any) -> pb.ApplyConfigurationResponse:
    machine = create_autospec(Machine, instance=True)
    machine.apply.side_effect = lambda values, _hold_s: Applied(Configuration(values))
    message = pb.ApplyConfigurationRequest(hold_s=10.0, **request)
    return ControlServicer(studies, machine).ApplyConfiguration(message, CONTEXT)


def test_a_study_is_asked_for_the_rate_and_its_warning_is_passed_on(studies: Any) -> None:
    answer = applied(studies, study="s-1", rate_hz=60.0)
    studies.recommended.assert_called_once_with("s-1", 60.0)
    assert answer.applied == encode_configuration(RECOMMENDED)
    assert answer.warning == "It may not hold."


def test_without_a_rate_none_is_asked_for(studies: Any) -> None:
    applied(studies, study="s-1")
    studies.recommended.assert_called_once_with("s-1", None)


def test_knob_values_belong_to_no_rate(studies: Any) -> None:
    assert applied(studies, values=encode_configuration(VALUES)).applied == encode_configuration(VALUES)
    with pytest.raises(BadInputError, match="name a study"):
        applied(studies, values=encode_configuration(VALUES), rate_hz=60.0)


def test_a_request_that_names_nothing_is_refused(studies: Any) -> None:
    with pytest.raises(BadInputError, match="Nothing to apply"):
        applied(studies, rate_hz=60.0)
