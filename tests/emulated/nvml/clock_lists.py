"""Lists of clocks as cards report them, by the rule behind them; checked against dumps of real cards."""

from __future__ import annotations

from itertools import count, takewhile


def grid(highest_mhz: int, lowest_mhz: int, step_mhz: float = 15.0) -> tuple[int, ...]:
    """Returns the multiples of a step between two clocks, descending, each without its fraction.

    Args:
        highest_mhz: The highest clock, as listed.
        lowest_mhz: The lowest clock, as listed.
        step_mhz: 15 on cards since Turing; 7.5 on Volta and on notebooks.
    """
    top = round(highest_mhz / step_mhz)
    clocks = (int((top - index) * step_mhz) for index in count())
    return tuple(takewhile(lambda clock: clock >= lowest_mhz, clocks))
