"""What NVML's return codes mean for an operator.

Source: ``nvmlReturn_t`` in nvml.h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from knobs.contract import DeviceError, NoValueError

_Answer = TypeVar("_Answer")
_Default = TypeVar("_Default")


class NvmlError(DeviceError):
    """NVML did not do what was asked.

    Attributes:
        reason: Why, as a clause.
        fix: What the operator can do about it, as a clause.
    """

    def __init__(self, action: str, reason: str, fix: str) -> None:
        """Says in one sentence what could not be done, why, and what to do."""
        super().__init__(f"Cannot {action}: {reason}; {fix}.")
        self.reason = reason
        self.fix = fix


class UnsupportedError(NvmlError):
    """This GPU or this driver does not have it."""


class NotPermittedError(NvmlError):
    """This process may not do it."""


class LostError(NvmlError):
    """The GPU does not answer any more."""


class NotNowError(NvmlError, NoValueError):
    """There is no answer just now."""


@dataclass(frozen=True)
class _Meaning:
    kind: type[NvmlError]
    reason: str
    fix: str


_ASK_AGAIN = "try again"
_LEAVE_OUT = "leave this knob or meter out"
_START_AS_ROOT = "start the keeper as root (in a container: as root with CAP_SYS_ADMIN)"
_RESET = "stop what uses the GPU, reset it with nvidia-smi --gpu-reset or reboot, then start the keeper again"

FUNCTION_NOT_FOUND = 13
LIBRARY_NOT_FOUND = 12

_MEANINGS = {
    1: _Meaning(NvmlError, "NVIDIA's library has been shut down in this process", "start the keeper again"),
    2: _Meaning(NvmlError, "the driver does not accept this value", "choose a value that the device lists"),
    3: _Meaning(UnsupportedError, "this GPU does not support it", _LEAVE_OUT),
    4: _Meaning(NotPermittedError, "the driver does not permit it to this user", _START_AS_ROOT),
    6: _Meaning(NvmlError, "the driver does not find it", "check with nvidia-smi that the GPU is still there"),
    7: _Meaning(NvmlError, "the list has grown meanwhile", _ASK_AGAIN),
    8: _Meaning(NvmlError, "the GPU lacks its external power", "connect its power cables"),
    9: _Meaning(NvmlError, "NVIDIA's kernel driver is not loaded", "load it with modprobe nvidia"),
    10: _Meaning(NotNowError, "the driver did not answer in time", _ASK_AGAIN),
    11: _Meaning(NvmlError, "the kernel reports an interrupt problem with the GPU", "check the kernel's log"),
    LIBRARY_NOT_FOUND: _Meaning(
        NvmlError, "NVIDIA's library libnvidia-ml.so.1 is not installed", "install NVIDIA's driver"
    ),
    FUNCTION_NOT_FOUND: _Meaning(UnsupportedError, "the driver is too old for it", "update NVIDIA's driver"),
    14: _Meaning(NvmlError, "the GPU's configuration memory is corrupted", "have the GPU replaced"),
    15: _Meaning(LostError, "the GPU has fallen off the bus", _RESET),
    16: _Meaning(LostError, "the GPU must be reset before it works again", _RESET),
    17: _Meaning(
        NotPermittedError,
        "the operating system blocks access to the GPU",
        "give the keeper's control group or container access to /dev/nvidia*",
    ),
    18: _Meaning(NvmlError, "NVIDIA's driver was updated but the old one is still loaded", "reboot the machine"),
    19: _Meaning(NotNowError, "the GPU is in use", "try again when it is idle"),
    20: _Meaning(NotNowError, "the driver is out of memory", _ASK_AGAIN),
    21: _Meaning(NotNowError, "the GPU has no value now", "try again while it is in use"),
    23: _Meaning(NotNowError, "the driver is out of resources", _ASK_AGAIN),
    24: _Meaning(NvmlError, "the GPU does not run at this clock", "choose a value that the device lists"),
    25: _Meaning(UnsupportedError, "library and driver disagree about a structure", "update nvidia-ml-py"),
    26: _Meaning(UnsupportedError, "NVIDIA has taken it out of this driver", _LEAVE_OUT),
    27: _Meaning(NotNowError, "the GPU is not ready", _ASK_AGAIN),
    28: _Meaning(LostError, "the driver does not find the GPU", _RESET),
    29: _Meaning(NotNowError, "the GPU is in a state that does not allow it", _ASK_AGAIN),
}


def nvml_error(action: str, code: int) -> NvmlError:
    """Returns the error for one of NVML's return codes.

    Args:
        action: What was to be done, as in ``read the power limit of gpu0``.
        code: The return code.
    """
    unknown = _Meaning(NvmlError, f"NVIDIA's driver reports error {code}", "check the kernel's log for lines with NVRM")
    meaning = _MEANINGS.get(code, unknown)
    return meaning.kind(action, meaning.reason, meaning.fix)


def told(ask: Callable[[], _Answer], default: _Default) -> _Answer | _Default:
    """Returns an answer, or the default where this GPU or driver has none."""
    try:
        return ask()
    except (UnsupportedError, NotNowError):
        return default
