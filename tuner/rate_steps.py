"""From an arrival rate to the configuration that a study recommends for it."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.errors import BadInputError
from tuner.study_record import RateStep, RateTable


@dataclass(frozen=True)
class ChosenStep:
    """The step of a table that a rate is served at.

    Attributes:
        step: The step.
        warning: What the operator should know, in one sentence; empty if nothing.
    """

    step: RateStep
    warning: str = ""


def step_for(table: RateTable, rate_hz: float, present_step: RateStep | None = None) -> ChosenStep:
    """Returns the step for an arrival rate.

    Upwards, the next step is taken as soon as the rate exceeds what the present one was proven for. Downwards, the
    present step is left only once the rate is below its range by the table's hysteresis.

    Args:
        table: The table.
        rate_hz: Requests per second.
        present_step: The step that is in force; None, or one of another table, if none of these is.

    Returns:
        A step that was proven for at least this rate; the highest one, with a warning, if none was.

    Raises:
        BadInputError: The rate is not above zero, or no number.
    """
    if not rate_hz > 0:
        raise BadInputError(f"An arrival rate of {rate_hz:g} requests/s means nothing: name one above zero.")
    highest = table.steps[-1]
    if rate_hz > highest.to_rate_hz:
        return ChosenStep(
            highest,
            f"No configuration was proven for {rate_hz:g} requests/s: the highest rate that one was proven for is "
            f"{highest.to_rate_hz:g} requests/s, and its configuration may not hold the SLO.",
        )
    lowest_fitting = next(step for step in table.steps if rate_hz <= step.to_rate_hz)
    return ChosenStep(_kept(table, rate_hz, present_step) or lowest_fitting)


def _kept(table: RateTable, rate_hz: float, present_step: RateStep | None) -> RateStep | None:
    """Returns the present step if it is to be kept."""
    if present_step is None or present_step not in table.steps:
        return None
    is_within = present_step.from_rate_hz * (1.0 - table.hysteresis) <= rate_hz <= present_step.to_rate_hz
    return present_step if is_within else None
