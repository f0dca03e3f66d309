"""What to measure next and whether it still pays, kept apart.

A study needs one answer: go on with this configuration, or stop. A benchmark needs both: what the proposer would
measure next although it advises to stop, so that the quality of the search and of its stopping rule can be scored
in one run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.parameter_effect import ParameterEffect
from tuner.search.contract import Proposal, Proposer, Stop
from tuner.trial import Trial


@dataclass(frozen=True)
class Advice:
    """What a proposer makes of the trials so far.

    Attributes:
        proposal: The configuration to measure next; None once every legal configuration has been tried.
        stop: Why searching on does not pay; None while it does, never None without a proposal.
    """

    proposal: Proposal | None
    stop: Stop | None


class AdvisingProposer(Proposer):
    """A proposer that can say what it would measure next even when it advises to stop."""

    @abstractmethod
    def advise(self, trials: Sequence[Trial]) -> Advice:
        """Returns the next configuration and whether to stop, for every trial so far."""

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:  # noqa: ARG002 - for those with a model
        """Returns what each parameter does, as far as these trials tell; a proposer without a model knows none."""
        return ()

    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        """Returns the next configuration, or says that searching on does not pay."""
        advice = self.advise(trials)
        if advice.stop is not None:
            return advice.stop
        if advice.proposal is None:
            raise AssertionError("an advice without a proposal says why to stop")
        return advice.proposal
