"""Every proposer passes the same suite: our own, and the peers of the benchmark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.proposer_contract import MakeProposer, ProposerContract
from tests.unit.search.records import measured
from tuner.replay.methods import REPLAY_METHODS
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Caution, EarlierStudy, Goal, SearchTask
from tuner.search.random_search import RandomProposer


class TestBayesianProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return BayesianProposer


class TestBayesianProposerAfterTheFront(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return lambda task: BayesianProposer(replace(task, goal=Goal.FRONT))


class TestCautiousBayesianProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return lambda task: BayesianProposer(replace(task, caution=Caution(0.95, 2)))


class TestBayesianProposerWithAnEarlierStudy(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        def make(task: SearchTask) -> BayesianProposer:
            other = next(iter(task.space))
            return BayesianProposer(replace(task, earlier=(EarlierStudy((measured(0, other),)),)))

        return make


class TestRandomProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return RandomProposer


class TestOptunaTpeProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        pytest.importorskip("optuna", reason="the extra 'peers' is not installed")
        return REPLAY_METHODS.load("optuna-tpe")


class TestOptunaGpProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        pytest.importorskip("optuna", reason="the extra 'peers' is not installed")
        return REPLAY_METHODS.load("optuna-gp")


class TestBotorchQlogneiProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return REPLAY_METHODS.load("botorch-qlognei")


class TestPolyThrottleProposer(ProposerContract):
    @pytest.fixture
    def make_proposer(self) -> MakeProposer:
        return REPLAY_METHODS.load("polythrottle")
