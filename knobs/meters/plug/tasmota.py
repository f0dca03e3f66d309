"""Plugs that run Tasmota: ``tasmota://host[:port]``.

``/cm?cmnd=Status%208`` answers with ``StatusSNS.ENERGY.Power`` in watts (Tasmota's documentation, "Commands" and
"Power Monitoring Calibration"). Its total counts thousandths of a kilowatt hour, 3.6 kJ each, and is not used.
"""

from __future__ import annotations

from knobs.contract import Scope
from knobs.meters.plug.address import Address
from knobs.meters.plug.http import ask, number
from knobs.meters.sampling import PowerSource, SourceFacts


def tasmota(meter_id: str, address: Address) -> PowerSource:
    """Returns the power that a plug with Tasmota shows.

    Args:
        meter_id: The meter's id.
        address: Where it is.

    Raises:
        AddressError: There is an option in it.
    """
    address.allow()
    facts = SourceFacts(
        id=meter_id,
        scope=Scope.WALL,
        device=f"tasmota:{address.host}",
        update_period_s=1.0,
        resolution=1.0,
        accuracy=0.02,
        duty=0.0,
        note="Everything behind this plug, at the instant of each of its updates, about one a second; in whole watts "
        "unless its option WattRes says otherwise.",
    )

    def read() -> float:
        answer = ask(address.host, address.port, "/cm?cmnd=Status%208")
        return number(answer, "StatusSNS", "ENERGY", "Power")

    return PowerSource(facts, read)
