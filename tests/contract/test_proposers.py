"""Every proposer passes the same suite."""

from __future__ import annotations

import pytest

from tests.contract.proposer_contract import MakeProposer, ProposerContract
from tuner.search.bayesian import BayesianProposer
from tuner.search.random_search import RandomProposer


class TestBayesianProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return BayesianProposer


class TestRandomProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return RandomProposer
