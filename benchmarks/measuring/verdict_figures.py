"""What is said of verdicts, stream by stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from benchmarks.hardware.figures import PERCENT, Figure, Section
from benchmarks.measuring.streams import Stream
from benchmarks.measuring.verdicts import CAP, Case, Outcome, Yardstick, cases, ratios, run, true_inflation, yardstick
from tuner.measuring.confidence import spotless_queries
from tuner.measuring.confidence.slo import WRONG_VERDICT
from tuner.trial import Verdict

_WRONG_LIMIT = 0.01
_UNDECIDED_LIMIT = 0.1
_FAR = 1.19
"""A bound that is off by this factor is 20 % or more from the percentile."""


@dataclass(frozen=True)
class _Tried:
    """One case: what our test did, what the earlier one did, what one look could do (none at the limit itself)."""

    case: Case
    ours: Outcome
    earlier: Outcome
    one_look: Yardstick | None

    @property
    def is_far(self) -> bool:
        return max(self.case.factor, 1.0 / self.case.factor) >= _FAR

    @property
    def is_possible(self) -> bool:
        return self.one_look is not None and self.one_look.undecided <= _UNDECIDED_LIMIT


def verdict_section(stream: Stream, trials: int, seed: int) -> Section:
    """Tries one stream.

    Args:
        stream: The stream.
        trials: Trials of each percentile and bound.
        seed: Of the random numbers.
    """
    generator = np.random.default_rng(seed)
    tried = [_try(case, trials, generator) for case in cases(stream)]
    possible = [each for each in tried if each.is_far and each.is_possible]
    figures = (_wrong(stream, tried), _undecided(stream, possible), _queries(possible))
    return Section(f"Verdicts: {stream.name}", figures, tuple(_notes(tried)))


def needed_section() -> Section:
    """Says how many queries a verdict takes at least."""
    needed = ", ".join(f"p{100 - 100 * share:g} {spotless_queries(share)}" for share in (0.1, 0.05, 0.01))
    return Section(
        "Verdicts: queries that must all be in time before an SLO is called held",
        notes=(f"{needed}, at an error of {WRONG_VERDICT:.0%} however often one looks",),
    )


def _try(case: Case, trials: int, generator: np.random.Generator) -> _Tried:
    ours, earlier = run(case, trials, generator)
    one_look = None if case.factor == 1.0 else yardstick(case, true_inflation(case, generator))
    return _Tried(case, ours, earlier, one_look)


def _wrong(stream: Stream, tried: Sequence[_Tried]) -> Figure:
    ours = fmean(each.ours.share(each.case.wrong) for each in tried)
    earlier = fmean(each.earlier.share(each.case.wrong) for each in tried)
    trials = sum(len(each.ours.verdicts) for each in tried)
    return Figure(
        "wrong verdicts",
        ours,
        f"{round(ours * trials)} of {trials} trials; the test for independent queries {earlier:.2%}",
        _WRONG_LIMIT if stream.promises else None,
        PERCENT,
    )


def _undecided(stream: Stream, possible: Sequence[_Tried]) -> Figure:
    worst = max(possible, key=lambda each: each.ours.share(Verdict.UNDECIDED))
    assert worst.one_look is not None
    return Figure(
        "undecided, 20 % or more off",
        fmean(each.ours.share(Verdict.UNDECIDED) for each in possible),
        f"after {CAP} queries; most at {_named(worst.case)}: {worst.ours.share(Verdict.UNDECIDED):.0%}, "
        f"where one look that knows the truth has {worst.one_look.undecided:.0%}",
        _UNDECIDED_LIMIT if stream.promises else None,
        PERCENT,
    )


def _queries(possible: Sequence[_Tried]) -> Figure:
    ours = [ratios(each.ours, each.one_look.queries) for each in possible if each.one_look is not None]
    earlier = [ratios(each.earlier, each.one_look.queries) for each in possible if each.one_look is not None]
    return Figure(
        "queries against one look",
        median(middle for middle, _ in ours),
        f"median of medians, {fmean(mean for _, mean in ours):.2f} x on average; the test for independent queries at "
        f"5 %: {median(middle for middle, _ in earlier):.2f} x",
    )


def _notes(tried: Sequence[_Tried]) -> list[str]:
    at_limit = [each.ours for each in tried if each.case.factor == 1.0]
    notes = [
        f"{_named(each.case)}: late share {each.case.stream.late_share(each.case.bound_s):.2%}, too near to tell: one "
        f"look that knows the truth is undecided in {each.one_look.undecided:.0%}, we in "
        f"{each.ours.share(Verdict.UNDECIDED):.0%}"
        for each in tried
        if each.is_far and each.one_look is not None and not each.is_possible
    ]
    if at_limit:
        held = fmean(outcome.share(Verdict.FEASIBLE) for outcome in at_limit)
        broken = fmean(outcome.share(Verdict.INFEASIBLE) for outcome in at_limit)
        notes.append(f"at the limit itself: called held in {held:.2%}, broken in {broken:.2%} of trials")
    return notes


def _named(case: Case) -> str:
    return f"p{100 - 100 * case.late_share:g} with the bound at {case.factor:.0%} of it"
