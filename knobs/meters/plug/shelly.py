"""Shelly plugs and relays with a power meter: ``shelly://host[:port][?channel=0][&generation=2]``.

Generation 2 and later: ``/rpc/Switch.GetStatus?id=0``, ``apower`` in watts (Shelly's "Gen2+ Device API", component
Switch). Generation 1: ``/meter/0``, ``power`` in watts and ``is_valid`` ("Gen1 Device API", Shelly1PM and Plug S).
Both call it the power measured last. Their energy totals move by the minute (generation 1) or in steps of some joules
and are not used: a window of a few seconds needs power.
"""

from __future__ import annotations

from knobs.contract import NoValueError, Scope
from knobs.meters.plug.address import Address, AddressError
from knobs.meters.plug.http import ask, number
from knobs.meters.sampling import PowerSource, SourceFacts

_FIRST, _SECOND = 1, 2
_RESOLUTION_W = {_FIRST: 0.01, _SECOND: 0.1}


def shelly(meter_id: str, address: Address) -> PowerSource:
    """Returns the power that a Shelly shows.

    Args:
        meter_id: The meter's id.
        address: Where it is.

    Raises:
        AddressError: An option is wrong.
    """
    address.allow("channel", "generation")
    channel, generation = address.number("channel", 0), address.number("generation", _SECOND)
    if generation < _FIRST:
        raise AddressError(f"generation={generation} in the address of {address.host}: Shelly counts from 1")
    facts = SourceFacts(
        id=meter_id,
        scope=Scope.WALL,
        device=f"shelly:{address.host}",
        update_period_s=1.0,
        resolution=_RESOLUTION_W[min(generation, _SECOND)],
        accuracy=0.01,
        duty=0.0,
        note="Everything behind this plug, at the instant of each of its updates, about one a second.",
    )

    def read_first() -> float:
        answer = ask(address.host, address.port, f"/meter/{channel}")
        if answer.get("is_valid") is False:
            raise NoValueError(f"The Shelly at {address.host} has no valid power now; try again.")
        return number(answer, "power")

    def read_second() -> float:
        return number(ask(address.host, address.port, f"/rpc/Switch.GetStatus?id={channel}"), "apower")

    return PowerSource(facts, read_first if generation == _FIRST else read_second)
