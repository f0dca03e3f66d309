"""The external meters that the operator names, one a line of the configuration: meter id to address."""

from __future__ import annotations

from collections.abc import Callable

from knobs.contract import Absence
from knobs.found import Found, Wishes
from knobs.meters.plug.address import Address, AddressError
from knobs.meters.plug.shelly import shelly
from knobs.meters.plug.tasmota import tasmota
from knobs.meters.sampling import SampledMeter, Sampler, Source

ExternalMeter = Callable[[str, Address], Source]
"""Returns the source behind an address; asks nothing of it yet.

Args: the meter's id, and the address. Raises AddressError where the address is not one of its kind.
"""

EXTERNAL_METERS: dict[str, ExternalMeter] = {"shelly": shelly, "tasmota": tasmota}
"""The kinds of external meters, by the scheme of their addresses."""


def find_plugs(wishes: Wishes, new_sampler: Callable[[], Sampler] = Sampler) -> Found:
    """Returns the external meters; contacts none of them.

    Args:
        wishes: What the operator says about the hardware.
        new_sampler: Makes a thread for one meter: none waits for the answer of another one.
    """
    return Found.of(_opened(meter_id, text, new_sampler) for meter_id, text in wishes.plugs.items())


def _opened(meter_id: str, text: str, new_sampler: Callable[[], Sampler]) -> SampledMeter | Absence:
    try:
        address = Address.parse(text)
        kind = EXTERNAL_METERS.get(address.scheme)
        if kind is None:
            known = ", ".join(f"{scheme}://" for scheme in sorted(EXTERNAL_METERS))
            return Absence(meter_id, f"nothing is known of {address.scheme}://", f"use one of {known}")
        return SampledMeter(kind(meter_id, address), new_sampler())
    except AddressError as error:
        return Absence(meter_id, str(error), "correct the address in the configuration")
