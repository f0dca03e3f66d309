"""Methods by name."""

from __future__ import annotations

import pytest

from tests.unit.search.records import SPACE, default_configuration, measured, search_task
from tuner.errors import BadInputError
from tuner.search.contract import Proposal
from tuner.search.registry import METHODS, Method, Registry, create_proposer


def test_every_method_can_be_made() -> None:
    for method in METHODS:
        proposer = create_proposer(method, search_task())
        assert isinstance(proposer.propose([measured(0, default_configuration(SPACE))]), Proposal)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match=r"'guess'.*wattune, random"):
        create_proposer("guess", search_task())


def test_a_library_that_is_missing_is_named_with_its_remedy() -> None:
    registry = Registry({"strange": Method("a_library_that_nobody_has.module", "Proposer", extra="peers")})
    with pytest.raises(BadInputError, match=r"needs a_library_that_nobody_has: .*wattune\[peers\]"):
        registry.load("strange")
