"""Random search: the yardstick that every other proposer has to beat."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import Proposal
from tuner.search.stopping import ALL_TRIED, budget_spent
from tuner.trial import Trial


class RandomProposer(AdvisingProposer):
    """Proposes every configuration that was not tried with the same probability."""

    def advise(self, trials: Sequence[Trial]) -> Advice:
        """Returns a random configuration, and a stop once the budget is spent."""
        tried = {trial.configuration for trial in trials}
        untried = [configuration for configuration in self.task.space if configuration not in tried]
        if not untried:
            return Advice(None, ALL_TRIED)
        # The trials so far decide where in its sequence the generator stands: a restarted proposer answers the same.
        generator = random.Random(f"{self.task.seed}/{len(trials)}")  # noqa: S311 - no secret depends on it
        return Advice(Proposal(generator.choice(untried), "random"), budget_spent(self.task, trials))
