"""Racing: whether a candidate is surely worse than the incumbent, so that its trial can be ended."""

from __future__ import annotations

from tuner.trial import Interval


def separate(candidate: Interval, incumbent: Interval) -> bool:
    """Returns whether the candidate's energy is surely above the incumbent's.

    Both intervals hold at all times with a probability of ``1 - error`` each, so that one may ask after every piece. A
    candidate that is in truth better is called worse only if its own interval lies too high or the incumbent's too low:
    half of each interval's misses, together at most ``error`` where misses are as likely to either side, and never
    more than twice that (union bound). Hoeffding races work so: Maron and Moore, "Hoeffding races: accelerating model
    selection search", NIPS 6, 1994; Jamieson and Talwalkar, "Non-stochastic best arm identification", 2016.

    Args:
        candidate: Time-uniform interval of its energy per request.
        incumbent: That of the best feasible configuration so far.
    """
    return candidate.low > incumbent.high
