"""The words and digits of an account."""

from __future__ import annotations

from tuner.energy_model.accounting.account import Account, MeterAccount
from tuner.energy_model.accounting.comparison import Comparison
from tuner.report.vocabulary import NOTHING, grouped_text, origin_text, quantity_text, share_text, signed_share_text


def batch_text(account: Account) -> str:
    """Returns what one repetition is: "a batch of 8", "the whole trace"."""
    if account.batch_size is not None:
        return f"a batch of {account.batch_size}"
    return "a step" if account.repetitions > 1 else "the whole trace"


def origin(account: Account) -> str:
    """Returns what every joule of an account must be accompanied by: "estimated, cpu; measured, gpu"."""
    return "; ".join(dict.fromkeys(origin_text(meter.provenance, meter.scope) for meter in account.meters))


def joules_text(account: Account, joules: float) -> str:
    """Returns joules of all repetitions as those of one."""
    return quantity_text(joules / account.repetitions, "J")


def part_text(account: Account, joules: float) -> str:
    """Returns joules as a share of all that was metered."""
    return share_text(joules / account.energy_j) if account.energy_j else NOTHING


def half_width_text(half_width_share: float | None) -> str:
    """Returns how sure a share is: "± 0.4"."""
    return "" if half_width_share is None else f"± {100 * half_width_share:.1f}"


def titled(name: str, detail: str, longest: int = 48) -> str:
    """Returns a name with its shapes or its class, cut where they are long."""
    shortened = detail if len(detail) <= longest else f"{detail[:longest]}…"
    return f"{name}  {shortened}" if detail and detail != name else name


def calls_text(account: Account, calls: int) -> str:
    """Returns how often something is called in one repetition."""
    each = calls / account.repetitions
    return grouped_text(round(each)) if each == round(each) else f"{each:.1f}"


def seconds_text(account: Account, seconds: float) -> str:
    """Returns seconds of all repetitions as those of one."""
    return quantity_text(seconds / account.repetitions, "s")


def summary(account: Account) -> str:
    """Returns the result in a sentence."""
    return (
        f"{account.title}: {joules_text(account, account.energy_j)} ({origin(account)}) for {batch_text(account)}, "
        f"of which {part_text(account, account.idle_j)} idle."
    )


def remarks(account: Account) -> list[str]:
    """Returns what should be known about the figures, a sentence each."""
    repeated = f"{account.repetitions} repetitions in {quantity_text(account.window_s, 's')}."
    clock = f"Clocks of meter and trace: {account.clock.how}{_offset_text(account)}."
    return [repeated, *(_meter_text(meter) for meter in account.meters), clock, *account.notes]


def _offset_text(account: Account) -> str:
    clock = account.clock
    offset = f"; the meter's is ahead by {clock.offset_s:.6g} s" if clock.offset_s else ""
    return offset + (f" (correlation {clock.correlation:.2f})" if clock.correlation is not None else "")


def _meter_text(meter: MeterAccount) -> str:
    return (
        f"{meter.name} ({origin_text(meter.provenance, meter.scope)}), a reading every "
        f"{quantity_text(meter.update_s, 's')}: {meter.method}."
    )


def comparison_summary(comparison: Comparison) -> str:
    """Returns the result of a comparison in a sentence."""
    first, second = comparison.first, comparison.second
    change = comparison.second_j / comparison.first_j - 1.0 if comparison.first_j else 0.0
    origins = "; ".join(dict.fromkeys((origin(first), origin(second))))
    return (
        f"{named(first)}: {quantity_text(comparison.first_j, 'J')}, {named(second)}: "
        f"{quantity_text(comparison.second_j, 'J')} {unit_text(comparison)} ({origins}), {signed_share_text(change)}."
    )


def unit_text(comparison: Comparison) -> str:
    """Returns what joules of a comparison are of: ``an item``."""
    return "an item" if comparison.unit == "item" else f"a {comparison.unit}"


def named(account: Account) -> str:
    """Returns what an account is of, and of which batch."""
    return account.title if account.batch_size is None else f"{account.title} (batch {account.batch_size})"
