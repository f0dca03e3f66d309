"""What a study cost, and what the machine did meanwhile, in sentences: the same on the terminal and on the page."""

from __future__ import annotations

import math

from tuner.objective import Scenario
from tuner.report.digest import Digest
from tuner.report.vocabulary import (
    count_interval_text,
    count_text,
    duration_text,
    origin_text,
    quantity_text,
    rate_text,
    rough_duration_text,
    signed_share_text,
)
from tuner.study_record import BreakEven, StudyState

_LEAST_DRIFT = 0.0005
"""A drift that is less than this, as a share, is shown as none."""


def cost_sentence(digest: Digest) -> str:
    """Says what the study took, and when it has paid for itself; empty where its joules are not known."""
    study = digest.study
    if digest.cost_j is None or not study.trials:
        return ""
    took = "The study took" if study.state.is_final else "So far the study took"
    return f"{took} {_spent(digest, digest.cost_j)}{_paid_back(digest)}."


def break_even_text(break_even: BreakEven) -> str:
    """Returns when a study has paid for itself, in a few words: "28 000 requests", "28 000 requests, or never"."""
    return _requests_text(break_even) + ("" if break_even.requests_interval else ", or never")


def break_even_remark(break_even: BreakEven) -> str:
    """Returns how long that takes and how sure it is: "11 min at 41 requests/s; 95 % interval 21 000 to 44 000"."""
    return "; ".join(part for part in (_time_text(break_even), _interval_text(break_even)) if part)


def drift_sentence(digest: Digest) -> str:
    """Says what the machine drifted by, if the search corrected for it; empty if not."""
    extreme = math.expm1(max(digest.drift.log_factors, key=abs, default=0.0))
    if abs(extreme) < _LEAST_DRIFT:
        return ""
    looks = len(digest.looks_for_drift)
    origin = origin_text(digest.provenance, digest.scope)
    return (
        f"The machine drifted by up to {signed_share_text(extreme)} in energy per request ({origin}), as {looks} looks "
        "at the baseline show: the search compared trials with the drift removed; figures are shown as measured."
    )


def _spent(digest: Digest, cost_j: float) -> str:
    origin = origin_text(digest.provenance, digest.scope)
    duration = duration_text(digest.study.duration_s)
    if digest.study.objective.scenario is not Scenario.LIVE:
        return f"{quantity_text(cost_j, 'J')} ({origin}) and {duration}"
    if cost_j <= 0:
        return f"{duration}, and no more energy than the traffic takes anyway ({origin})"
    return f"{duration}, and {quantity_text(cost_j, 'J')} more than the traffic takes anyway ({origin})"


def _paid_back(digest: Digest) -> str:
    recommendation = digest.study.recommendation
    if recommendation is None or digest.study.state is not StudyState.DONE:
        return ""
    break_even = recommendation.break_even
    if break_even is None:
        return ", and saves nothing that could pay for it"
    if break_even.requests <= 0:
        return ": it has paid for itself already"
    after = f"; it has paid for itself after {_requests_text(break_even)}, {_time_text(break_even)}"
    if break_even.requests_interval is None:
        return f"{after}, or never: {_interval_text(break_even)}"
    return f"{after} ({_interval_text(break_even)})"


def _requests_text(break_even: BreakEven) -> str:
    if break_even.requests <= 0:
        return "at once"
    count = count_text(break_even.requests)
    return "1 request" if count == "1" else f"{count} requests"


def _time_text(break_even: BreakEven) -> str:
    seconds = break_even.hours * 3600.0
    if seconds <= 0:
        return ""
    return f"{rough_duration_text(seconds)} at {rate_text(break_even.requests / seconds)}"


def _interval_text(break_even: BreakEven) -> str:
    interval = break_even.requests_interval
    if interval is None:
        return "the saving cannot be told from zero"
    return f"95 % interval {count_interval_text(interval)}" if interval.high > 0 else ""
