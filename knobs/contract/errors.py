"""What goes wrong with knobs and meters. Every message is one sentence for the operator."""

from __future__ import annotations


class KnobError(Exception):
    """A knob or meter could not do what was asked. The message is one sentence for the operator."""


class RefusedError(KnobError):
    """The request itself is wrong: unknown knob, value not admissible, out of the operator's bounds."""


class DeviceError(KnobError):
    """The hardware or the kernel did not do what a correct request asked."""


class NoValueError(DeviceError):
    """The device has no value just now (asleep, in reset, busy). Asking again later may help; it is never a zero."""
