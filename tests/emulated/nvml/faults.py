"""What goes wrong in the emulated driver: by function, for some calls or for ever."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatch


@dataclass
class Fault:
    """What happens to calls of a function.

    Attributes:
        function: Its name, or a pattern of names (``nvmlDeviceSet*``).
        gpu: Index of the GPU that it is about; None: every call.
        code: What is answered instead of the truth; None: the call goes on.
        delay_s: How much longer the call takes.
        ignored: Whether a change is answered with success and not made.
        calls_left: How many more calls are hit; None: all.
    """

    function: str
    gpu: int | None = None
    code: int | None = None
    delay_s: float = 0.0
    ignored: bool = False
    calls_left: int | None = None

    def hits(self, function: str, gpu: int | None) -> bool:
        """Tells whether a call is hit."""
        return self.calls_left != 0 and fnmatch(function, self.function) and self.gpu in (None, gpu)


@dataclass
class Faults:
    """All faults that are injected now. Safe to use from several threads."""

    _present: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Injects a fault."""
        with self._lock:
            self._present.append(fault)

    def clear(self, function: str | None = None) -> None:
        """Takes back the faults that were injected under this name or pattern, or all."""
        with self._lock:
            self._present = [fault for fault in self._present if function not in (None, fault.function)]

    def of(self, function: str, gpu: int | None) -> Fault:
        """Counts a call and returns everything that happens to it, in one."""
        with self._lock:
            hits = [fault for fault in self._present if fault.hits(function, gpu)]
            for fault in hits:
                if fault.calls_left is not None:
                    fault.calls_left -= 1
        return Fault(
            function,
            gpu,
            code=next((fault.code for fault in hits if fault.code is not None), None),
            delay_s=sum(fault.delay_s for fault in hits),
            ignored=any(fault.ignored for fault in hits),
        )
