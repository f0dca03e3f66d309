"""Marks in the profiler's timeline: when which module of a network runs, and what time it is on our clock."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from tuner.energy_model.accounting.chrome_trace import MODULE_PREFIX

CLOCK_MARK = "wattune.clock"
_CLOCK_MARKS = 20


class ModuleMarks:
    """While entered, every call of a module of the network is marked with the module's path and class.

    The profiler's own ``with_modules`` tells modules apart for TorchScript only, and ``with_stack`` costs far more. A
    mark around ``forward`` costs about a microsecond, and a pair of hooks three.
    """

    def __init__(self, module: Any) -> None:
        """Keeps the network.

        Args:
            module: A ``torch.nn.Module``.
        """
        self._module = module
        self._originals: list[tuple[Any, dict[str, Any]]] = []

    def __enter__(self) -> ModuleMarks:
        new_mark = _mark_maker()
        for path, module in self._module.named_modules():
            own = {"forward": module.__dict__["forward"]} if "forward" in module.__dict__ else {}
            self._originals.append((module, own))
            module.__dict__["forward"] = _marked(
                module.forward, new_mark, f"{MODULE_PREFIX}{path}|{type(module).__name__}"
            )
        return self

    def __exit__(self, *_: object) -> None:
        for module, own in self._originals:
            del module.__dict__["forward"]
            module.__dict__.update(own)
        self._originals.clear()


def mark_clock() -> list[tuple[int, int]]:
    """Marks some instants; returns of each what ``time.monotonic_ns`` showed right before and right after it."""
    new_mark = _mark_maker()
    shown: list[tuple[int, int]] = []
    for _ in range(_CLOCK_MARKS):
        mark = new_mark(CLOCK_MARK)
        before_ns = time.monotonic_ns()
        mark.__enter__()
        after_ns = time.monotonic_ns()
        mark.__exit__(None, None, None)
        shown.append((before_ns, after_ns))
    return shown


def _marked(forward: Callable[..., Any], new_mark: Callable[[str], Any], name: str) -> Callable[..., Any]:
    @functools.wraps(forward)
    def marked(*values: Any, **named: Any) -> Any:
        with new_mark(name):
            return forward(*values, **named)

    return marked


def _mark_maker() -> Callable[[str], Any]:
    """Returns what makes marks: of the quick kind where this torch has it; the public one takes 40 times as long."""
    import torch

    quick = getattr(torch._C._profiler, "_RecordFunctionFast", None)  # noqa: SLF001  # nothing public is as quick
    found: Callable[[str], Any] = torch.profiler.record_function if quick is None else quick
    return found
